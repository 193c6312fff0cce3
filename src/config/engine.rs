//! What the engine may do: budgets, rungs, maintenance windows, and where it keeps what it did.

use std::collections::BTreeMap;

use ira_commands::playbook::Mode;
use ira_commands::words::{Coins, Span};

use super::drill::DrillConfig;
use super::keys::{self, Key};
use super::reader::{Item, Name, Reader};

/// A budget that playbooks share by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetConfig {
    /// The most runs that may begin to write within a window; none where only money is counted.
    pub max: Option<u64>,
    /// The most LINK within a window, juels.
    pub link: Option<Coins>,
    /// The most native coins within a window, wei.
    pub native: Option<Coins>,
    /// How long the window is, seconds.
    pub window: u64,
    /// What has a budget of its own: the value of this label of the alert; one for all where none is named.
    pub per: Option<String>,
}

/// What an operator says of a playbook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlaybookConfig {
    /// How far it goes by itself.
    pub mode: Option<Mode>,
    /// What its parameters are where nobody gives another value, as on a command line.
    pub params: BTreeMap<String, String>,
    /// What alert data may point a write at beside the playbook's own `targets`, by label.
    pub targets: BTreeMap<String, Vec<String>>,
}

/// A time in which nothing is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaintenanceConfig {
    /// Its beginning, unix seconds.
    pub from: u64,
    /// Its end, unix seconds.
    pub until: u64,
    /// What it is for: a playbook or a target; `*` is everything.
    pub scope: String,
}

/// What the engine may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineConfig {
    /// `sqlite:PATH`; in the state folder where none is given.
    pub store: Option<String>,
    /// Budgets by name.
    pub budgets: BTreeMap<String, BudgetConfig>,
    /// Playbooks by name.
    pub playbooks: BTreeMap<String, PlaybookConfig>,
    /// Maintenance windows by name.
    pub maintenance: BTreeMap<String, MaintenanceConfig>,
    /// Drills by name.
    pub drills: BTreeMap<String, DrillConfig>,
}

/// Each table of `[NAME.…]`, with what reads one.
pub(super) fn each<T>(
    reader: &mut Reader<'_>,
    table: &str,
    item: &Item<'_>,
    mut one: impl FnMut(&mut Reader<'_>, &str, &Item<'_>) -> Option<T>,
) -> BTreeMap<String, T> {
    let mut all = BTreeMap::new();
    let Some(tables) = reader.table(table, item) else { return all };
    for (name, item) in tables {
        let full = format!("{table}.{}", name.get_ref());
        if let Some(value) = one(reader, &full, item) {
            all.insert(name.get_ref().to_string(), value);
        }
    }
    all
}

/// Reads the fields of a table, telling `set` each; `None` where anything is wrong with it.
pub(super) fn fields(
    reader: &mut Reader<'_>,
    key: &str,
    item: &Item<'_>,
    known: &[Key],
    mut set: impl FnMut(&mut Reader<'_>, &str, &str, &Item<'_>) -> bool,
) -> Option<()> {
    let before = reader.problems.len();
    for (name, item) in reader.table(key, item)? {
        let word = name.get_ref().as_ref();
        if !set(reader, word, &format!("{key}.{word}"), item) {
            reader.unknown(name, &format!("[{key}]"), known);
        }
    }
    (reader.problems.len() == before).then_some(())
}

/// A text that is read as a value; the error says what it takes.
fn parsed<T: std::str::FromStr<Err = String>>(reader: &mut Reader<'_>, key: &str, item: &Item<'_>) -> Option<T> {
    let text = reader.text(key, item)?;
    match text.parse() {
        Ok(value) => Some(value),
        Err(why) => {
            reader.problem(&item.span(), format!("`{key}`: {why}"), None);
            None
        }
    }
}

/// `[budgets.NAME]`.
pub(super) fn budgets(reader: &mut Reader<'_>, item: &Item<'_>) -> BTreeMap<String, BudgetConfig> {
    each(reader, "budgets", item, |reader, full, item| {
        let (mut max, mut link, mut native, mut window, mut per) = (None, None, None, None, None);
        fields(reader, full, item, keys::BUDGET, |reader, word, key, item| {
            match word {
                "max" => max = reader.integer(key, item, &(1..=1_000_000)),
                "link" => link = parsed::<Coins>(reader, key, item),
                "native" => native = parsed::<Coins>(reader, key, item),
                "window" => window = parsed::<Span>(reader, key, item).map(|span| span.seconds),
                "per" => per = reader.text(key, item).map(str::to_owned),
                _ => return false,
            }
            true
        })?;
        let wrong = match (max.is_some() || link.is_some() || native.is_some(), window) {
            (false, _) => Some("limits nothing: give `max`, `link` or `native`"),
            (_, None | Some(0)) => Some("has no `window`"),
            _ => None,
        };
        if let Some(why) = wrong {
            let hint = format!("{full} = {{ max = 3, window = \"1h\" }}");
            reader.problem(&item.span(), format!("`{full}` {why}"), Some(hint));
            return None;
        }
        Some(BudgetConfig { max, link, native, window: window?, per })
    })
}

/// `[playbooks.NAME]`.
pub(super) fn playbooks(reader: &mut Reader<'_>, item: &Item<'_>) -> BTreeMap<String, PlaybookConfig> {
    each(reader, "playbooks", item, |reader, full, item| {
        let mut own = PlaybookConfig::default();
        fields(reader, full, item, keys::PLAYBOOK, |reader, word, key, item| {
            match word {
                "mode" => {
                    let Some(text) = reader.text(key, item) else { return true };
                    own.mode = Mode::ALL.into_iter().find(|mode| mode.word() == text);
                    if own.mode.is_none() {
                        let words = Mode::ALL.map(Mode::word).join(", ");
                        reader.problem(&item.span(), format!("`{key}` is one of {words}"), None);
                    }
                }
                "params" => {
                    own.params =
                        named(reader, key, item, |reader, key, item| reader.text(key, item).map(str::to_owned));
                }
                "targets" => {
                    own.targets = named(reader, key, item, |reader, key, item| {
                        let texts = reader.texts(key, item)?;
                        Some(texts.into_iter().map(|(text, _)| text.to_owned()).collect())
                    });
                }
                _ => return false,
            }
            true
        })?;
        Some(own)
    })
}

/// Every entry of a table whose names are the reader's own.
pub(super) fn named<T>(
    reader: &mut Reader<'_>,
    key: &str,
    item: &Item<'_>,
    mut one: impl FnMut(&mut Reader<'_>, &str, &Item<'_>) -> Option<T>,
) -> BTreeMap<String, T> {
    let Some(table) = reader.table(key, item) else { return BTreeMap::new() };
    let read = table.iter().filter_map(|(name, item)| {
        let name = name.get_ref().to_string();
        let value = one(reader, &format!("{key}.{name}"), item)?;
        Some((name, value))
    });
    read.collect()
}

/// `[maintenance.NAME]`.
pub(super) fn maintenance(reader: &mut Reader<'_>, item: &Item<'_>) -> BTreeMap<String, MaintenanceConfig> {
    each(reader, "maintenance", item, |reader, full, item| {
        let (mut from, mut until, mut scope) = (None, None, "*".to_owned());
        fields(reader, full, item, keys::MAINTENANCE, |reader, word, key, item| {
            match word {
                "from" => from = reader.time(key, item),
                "until" => until = reader.time(key, item),
                "scope" => reader.text(key, item).unwrap_or("*").clone_into(&mut scope),
                _ => return false,
            }
            true
        })?;
        match (from, until) {
            (Some(from), Some(until)) if from < until => Some(MaintenanceConfig { from, until, scope }),
            _ => {
                let hint = format!("{full} = {{ from = 2026-12-01T02:00:00Z, until = 2026-12-01T04:00:00Z }}");
                reader.problem(&item.span(), format!("`{full}` needs a `from` before its `until`"), Some(hint));
                None
            }
        }
    })
}

/// `store = "sqlite:PATH"`.
pub(super) fn store(reader: &mut Reader<'_>, key: &Name<'_>, item: &Item<'_>) -> Option<String> {
    let text = reader.text("store", item)?;
    if text.strip_prefix("sqlite:").is_some_and(|path| path.starts_with('/')) {
        return Some(text.to_owned());
    }
    reader.problem(
        &key.span(),
        "`store` takes sqlite: and an absolute path",
        Some("store = \"sqlite:/var/lib/ira/ira.db\"".to_owned()),
    );
    None
}
