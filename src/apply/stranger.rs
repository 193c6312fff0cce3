//! A subscription that the configuration does not list as ours: a person names it once more, or nothing is done.

use dialoguer::console::Term;
use ira_commands::value::U256;
use ira_commands::{Fault, Kind};

/// Digits of a subscription's id that a person types.
const DIGITS: usize = 4;

/// Has the last digits of a subscription's id typed; they are not in what is pasted.
pub(super) fn named_again(id: U256) -> Result<(), Fault> {
    let id = id.to_string();
    let last = &id[id.len().saturating_sub(DIGITS)..];
    let typed: String = dialoguer::Input::new()
        .with_prompt(format!(
            "This subscription is not listed as ours, and its owner can take the money out. The last {DIGITS} digits of its id"
        ))
        .interact_text_on(&Term::stderr())
        .map_err(|error| Fault::new(Kind::Interrupted, "nothing was done").because(error.to_string()))?;
    if typed.trim() == last || typed.trim() == id {
        Ok(())
    } else {
        Err(Fault::new(Kind::Confirmation, "nothing was done: that is not the subscription's id"))
    }
}
