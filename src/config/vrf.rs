//! The VRF coordinators of a network, and whose requests may be paid for there.

use std::str::FromStr;

use ira_commands::ports::VrfSettings;
use ira_commands::words::Address;

use super::reader::{Item, Reader};
use super::{file, keys};

/// More coordinators than this are not looked at one by one.
const MOST_COORDINATORS: usize = 16;

/// Reads `vrf = { coordinators = […], fund = […] }` over what is known: coordinators are added to those that ship, and
/// `fund` takes the place of a weaker layer's. `None` where anything is wrong with it.
pub(super) fn read(reader: &mut Reader<'_>, key: &str, item: &Item<'_>, known: &VrfSettings) -> Option<VrfSettings> {
    let table = reader.table(key, item)?;
    let before = reader.problems.len();
    let mut settings = known.clone();
    for (name, item) in table {
        let full = format!("{key}.{}", name.get_ref());
        match name.get_ref().as_ref() {
            "coordinators" => {
                for Address(address) in each(reader, &full, item) {
                    if !settings.coordinators.contains(&address) {
                        settings.coordinators.push(address);
                    }
                }
                if settings.coordinators.len() > MOST_COORDINATORS {
                    let why = format!("`{full}`: with those that ship they are more than {MOST_COORDINATORS}");
                    reader.problem(&item.span(), why, None);
                }
            }
            "fund" if reader.is_project() => {
                let why = "a checkout must not choose who is paid for";
                file::forbidden(reader, &name.span(), &format!("`{full}`"), why);
            }
            "fund" => settings.fund = each(reader, &full, item),
            _ => reader.unknown(name, &format!("[{key}]"), keys::VRF),
        }
    }
    (reader.problems.len() == before).then_some(settings)
}

/// Every text of a list, read; those that cannot be are problems.
fn each<T: FromStr<Err = String>>(reader: &mut Reader<'_>, key: &str, item: &Item<'_>) -> Vec<T> {
    let mut all = Vec::new();
    for (text, span) in reader.texts(key, item).unwrap_or_default() {
        match text.parse() {
            Ok(one) => all.push(one),
            Err(why) => reader.problem(&span, format!("`{key}`: {why}"), None),
        }
    }
    all
}
