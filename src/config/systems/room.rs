//! `[war_room]`: where people are called together.

use ira_commands::war_room::Product;

use super::read::{folder, needed};
use crate::config::engine::{each, fields};
use crate::config::keys;
use crate::config::reader::{Item, Reader};
use crate::config::secret::SecretRef;

/// Where people are called together.
#[derive(Clone, Debug, Default)]
pub struct RoomConfig {
    /// The URL of the meeting. It is posted: a reference hides it from the file, not from the channel.
    pub meeting: Option<SecretRef>,
    /// Rules that tell products apart, in the order of their names.
    pub products: Vec<Product>,
}

/// Reads `[war_room]`.
pub(super) fn room(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<RoomConfig> {
    let (mut meeting, mut products) = (None, Vec::new());
    fields(reader, "war_room", item, keys::WAR_ROOM, |reader, word, key, item| {
        match word {
            "meeting" => {
                let text = reader.text(key, item).unwrap_or_default();
                match SecretRef::parse(text, &folder(reader)) {
                    Ok(reference) => meeting = Some(reference),
                    Err(why) => reader.problem(&item.span(), format!("`{key}` {why}"), None),
                }
            }
            "products" => {
                let all = each(reader, key, item, product).into_iter();
                products = all.map(|(name, product)| Product { name, ..product }).collect();
            }
            _ => return false,
        }
        true
    })?;
    Some(RoomConfig { meeting, products })
}

fn product(reader: &mut Reader<'_>, table: &str, item: &Item<'_>) -> Option<Product> {
    let (mut matches, mut label) = (Vec::new(), None);
    fields(reader, table, item, keys::PRODUCT, |reader, word, key, item| {
        match word {
            "match" => {
                for (name, item) in reader.table(key, item).into_iter().flatten() {
                    let name = name.get_ref().to_string();
                    let values = reader.texts(&format!("{key}.{name}"), item).unwrap_or_default();
                    matches.extend(values.into_iter().map(|(value, _)| (name.clone(), value.to_owned())));
                }
            }
            "key" => label = reader.text(key, item).map(str::to_owned),
            _ => return false,
        }
        true
    })?;
    needed(reader, item, table, "match", matches.first().map(|_| ()))?;
    Some(Product { name: String::new(), matches, key: label })
}
