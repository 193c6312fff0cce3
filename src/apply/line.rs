//! The line that carries a plan out, with its caps filled in: printed to be pasted.

use ira_commands::actions::{Caps, Plan};
use ira_commands::shell;
use ira_commands::value::U256;
use ira_commands::words::Coins;

use super::Way;
use crate::again::{self, Asked};
use crate::cli::Format;

/// The caps that were given, and for what is spent without one a cap that allows it.
pub(super) fn filled(given: &Caps, plan: &Plan) -> Caps {
    let Some(spend) = &plan.spend else { return given.clone() };
    Caps {
        link: given.link.clone().or_else(|| (!spend.link.is_zero()).then(|| Coins::link(spend.link))),
        native: given.native.clone().or_else(|| Some(roomy(spend.native_total(), &spend.native))),
    }
}

impl Way {
    /// The line of these words after `ira`, asked as this was, and agreed to.
    pub(super) fn line(&self, words: Vec<String>) -> String {
        self.open_line(words) + " --yes"
    }

    /// The same, to be agreed to at a terminal.
    pub(super) fn open_line(&self, mut words: Vec<String>) -> String {
        if let Some(path) = &self.alert {
            words.extend(["--alert".to_owned(), path.display().to_string()]);
        }
        let words: Vec<String> = words.iter().map(|word| shell::word(word)).collect();
        let asked = Asked { reach: &self.reach, config: self.file.as_deref(), format: Format::Table, watched: false };
        again::lines(&[format!("ira {}", words.join(" "))], asked).concat()
    }
}

/// A cap with room for gas that gets a little dearer, in two digits.
fn roomy(wei: U256, symbol: &str) -> Coins {
    let room = wei.saturating_add(wei / 4);
    let digits = room.to_string().len();
    let unit = U256::exp10(digits.saturating_sub(2));
    let rounded = room.saturating_add(unit - 1) / unit * unit;
    Coins::of(rounded, symbol)
}

#[cfg(test)]
mod tests {
    use ira_commands::units::scaled_uint;

    use super::*;

    #[test]
    fn a_cap_leaves_room_and_is_read_back_exactly() {
        for (wei, shown) in
            [(1_000_u64, "0.0000000000000013 ETH"), (123_456_789, "0.00000000016 ETH"), (1, "0.000000000000000001 ETH")]
        {
            let cap = roomy(U256::from(wei), "ETH");
            assert_eq!(cap.to_string(), shown, "{}", scaled_uint(cap.units, 18));
            assert!(cap.units >= U256::from(wei));
        }
    }
}
