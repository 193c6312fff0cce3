//! One configuration file: reading it, and laying its values over those of weaker layers.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::network::{DirectorySource, NetworkConfig, is_name, normal};
use super::origin::{ConfigFile, Layer, Origin};
use super::problem::{Place, Problem};
use super::reader::{Item, Name, Reader};
use super::secret::SecretRef;
use super::{Config, access, daemon, drill, engine, host, keys, nodes, signer, systems, url, users, vrf};

/// A configuration file longer than this is not one.
const MOST_BYTES: u64 = 1024 * 1024;

/// The file's text; `None` where there is no such file.
pub(super) fn read(file: &ConfigFile) -> Result<Option<String>, Box<Problem>> {
    let wrong = |message: String, hint: Option<String>| {
        Box::new(Problem { file: file.clone(), place: None, excerpt: None, message, hint })
    };
    let failed = |error: std::io::Error| wrong(format!("it cannot be read: {error}"), None);
    // Asked before it is opened: opening a pipe would wait for its writer.
    match std::fs::metadata(&file.path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(failed(error)),
        Ok(metadata) if !metadata.is_file() => return Err(wrong("it is not a regular file".to_owned(), None)),
        Ok(_) => {}
    }
    let open = File::open(&file.path).map_err(failed)?;
    let metadata = open.metadata().map_err(failed)?;
    // A project file may be anybody's; what it may set is limited instead.
    if file.layer != Layer::Project
        && let Some((why, mend)) = access::untrusted(&file.path.display().to_string(), &metadata)
    {
        return Err(wrong(why, Some(mend)));
    }
    if metadata.len() > MOST_BYTES {
        return Err(wrong("it is longer than 1 MiB".to_owned(), None));
    }
    let mut bytes = Vec::new();
    open.take(MOST_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    String::from_utf8(bytes).map(Some).map_err(|error| {
        let (sound, _) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
        let sound = String::from_utf8_lossy(sound);
        let hint = Some("save it as UTF-8".to_owned());
        Box::new(Problem { place: Some(Place::of(&sound, sound.len())), ..*wrong("it is not UTF-8".to_owned(), hint) })
    })
}

/// Lays the values of `text` over `config`; what is wrong with them is returned.
pub(super) fn apply(config: &mut Config, file: &ConfigFile, text: &str) -> Vec<Problem> {
    // Some editors begin a file with this mark; it is no part of the first line.
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = Reader { file, text, problems: Vec::new() };
    let (document, errors) = DeTable::parse_recoverable(text);
    // One mistake can break everything behind it: the first is the one to mend.
    for error in errors.into_iter().take(1) {
        reader.problem(&error.span().unwrap_or_default(), format!("it is not TOML: {}", error.message()), None);
    }
    for (key, item) in document.get_ref() {
        match key.get_ref().as_ref() {
            "output" => output(config, &mut reader, item),
            "networks" => networks(config, &mut reader, item),
            "nodes" if reader.is_project() => {
                forbidden(&mut reader, &key.span(), "`nodes`", "a checkout must not choose where you log in");
            }
            "nodes" => nodes::read(config, &mut reader, item),
            name @ ("scripts" | "systemd") if reader.is_project() => {
                let what = format!("`{name}`");
                forbidden(&mut reader, &key.span(), &what, "a checkout must not choose what is run");
            }
            "scripts" => {
                let folder = folder(&reader);
                host::scripts(config, &mut reader, item, &folder);
            }
            "systemd" => host::systemd(config, &mut reader, item),
            "network" if reader.is_project() => {
                forbidden(&mut reader, &key.span(), "`network`", "a checkout must not choose what you look at");
            }
            "network" => {
                if let Some(name) = reader.text("network", item) {
                    config.network = Some(name.to_owned());
                    config.origins.insert("network".to_owned(), reader.origin(&key.span()));
                }
            }
            word
            @ ("store" | "budgets" | "playbooks" | "maintenance" | "drill" | "daemon" | "users" | "public_url")
                if reader.is_project() =>
            {
                forbidden(
                    &mut reader,
                    &key.span(),
                    &format!("`{word}`"),
                    "a checkout must not choose what may be done",
                );
            }
            word if systems::TABLES.contains(&word) && reader.is_project() => {
                forbidden(
                    &mut reader,
                    &key.span(),
                    &format!("`{word}`"),
                    "a checkout must not choose who is asked and who is told",
                );
            }
            word if systems::TABLES.contains(&word) => {
                systems::table(&mut config.systems, &mut reader, word, item);
                config.origins.insert(word.to_owned(), reader.origin(&key.span()));
            }
            "daemon" => {
                daemon::read(&mut config.daemon, &mut config.remote, &mut reader, item);
                config.origins.insert("daemon".to_owned(), reader.origin(&key.span()));
            }
            "store" => {
                if let Some(uri) = engine::store(&mut reader, key, item) {
                    config.engine.store = Some(uri);
                    config.origins.insert("store".to_owned(), reader.origin(&key.span()));
                }
            }
            "users" => {
                config.users.extend(users::read(&mut reader, item));
                config.origins.insert("users".to_owned(), reader.origin(&key.span()));
            }
            "public_url" => {
                if let Some(url) = reader.text("public_url", item) {
                    match url::parse_http(url) {
                        Ok(_) => config.public_url = Some(url.trim_end_matches('/').to_owned()),
                        Err(why) => reader.problem(&item.span(), format!("`public_url`: {why}"), None),
                    }
                    config.origins.insert("public_url".to_owned(), reader.origin(&key.span()));
                }
            }
            word @ ("budgets" | "playbooks" | "maintenance" | "drill") => {
                match word {
                    "budgets" => config.engine.budgets.extend(engine::budgets(&mut reader, item)),
                    "playbooks" => config.engine.playbooks.extend(engine::playbooks(&mut reader, item)),
                    "drill" => config.engine.drills.extend(drill::read(&mut reader, item)),
                    _ => config.engine.maintenance.extend(engine::maintenance(&mut reader, item)),
                }
                config.origins.insert(word.to_owned(), reader.origin(&key.span()));
            }
            _ => reader.unknown(key, "the file", keys::TOP),
        }
    }
    reader.problems
}

/// What a project file must not set: why, and where it belongs.
pub(super) fn forbidden(reader: &mut Reader<'_>, span: &Range<usize>, what: &str, why: &str) {
    let message = format!("a project file may not set {what}: {why}");
    reader.problem(
        span,
        message,
        Some("set it in the user's configuration (`ira help config`), or by a flag".to_owned()),
    );
}

fn output(config: &mut Config, reader: &mut Reader<'_>, item: &Item<'_>) {
    let Some(table) = reader.table("output", item) else { return };
    for (key, item) in table {
        let name = key.get_ref().as_ref();
        let set = match name {
            "format" => reader.choice(name, item).map(|value| config.output.format = value),
            "color" => reader.choice(name, item).map(|value| config.output.color = value),
            "wide" => reader.boolean(name, item).map(|value| config.output.wide = value),
            "verbose" => reader.boolean(name, item).map(|value| config.output.verbose = value),
            _ => {
                reader.unknown(key, "[output]", keys::OUTPUT);
                None
            }
        };
        if set.is_some() {
            config.origins.insert(format!("output.{name}"), reader.origin(&key.span()));
        }
    }
}

fn networks(config: &mut Config, reader: &mut Reader<'_>, item: &Item<'_>) {
    let Some(table) = reader.table("networks", item) else { return };
    let mut seen = BTreeSet::new();
    for (key, item) in table {
        let written = normal(key.get_ref());
        if !is_name(&written) {
            let why = "a network's name is made of small letters, digits, `-` and `.`, at most 64 of them";
            reader.problem(&key.span(), why, None);
            continue;
        }
        // A file may call a network by any of its names; it is one network all the same.
        let name = config.canonical(&written).unwrap_or(&written).to_owned();
        if !seen.insert(name.clone()) {
            let why = format!(
                "`networks.{written}` is `networks.{name}` by another name, and that one is set in this file too"
            );
            reader.problem(&key.span(), why, Some(format!("put everything under [networks.{name}]")));
            continue;
        }
        let Some(values) = reader.table(&format!("networks.{name}"), item) else { continue };
        network(config, reader, &name, values);
        if config.networks.get(&name).is_some_and(|network| network.chain_id == 0) {
            // The value's own error has been said already.
            if !values.keys().any(|key| key.get_ref() == "chain_id") {
                let why = format!("`networks.{name}` has no `chain_id`, and no such network ships");
                let others = config.names().filter(|other| *other != name);
                let near =
                    ira_commands::text::nearest(&name, others).map(|near| format!("; or did you mean `{near}`?"));
                let hint = format!("add chain_id = …{}", near.unwrap_or_default());
                reader.problem(&key.span(), why, Some(hint));
            }
            config.networks.remove(&name);
        }
    }
}

fn network(config: &mut Config, reader: &mut Reader<'_>, name: &str, values: &DeTable<'_>) {
    let known = config.networks.contains_key(name);
    let mut net = config.networks.remove(name).unwrap_or_else(|| NetworkConfig::named(name));
    for (key, item) in values {
        let word = key.get_ref().as_ref();
        let full = format!("networks.{name}.{word}");
        let set = match word {
            "chain_id" => reader.integer(&full, item, &(1..=u64::MAX)).map(|value| net.chain_id = value),
            "rpc" => endpoints(reader, &full, item).map(|value| net.rpc = value),
            "aliases" => aliases(config, reader, &full, name, item).map(|value| {
                let fresh: Vec<String> = value.into_iter().filter(|alias| !net.aliases.contains(alias)).collect();
                net.aliases.extend(fresh);
            }),
            "native" => symbol(reader, &full, item).map(|value| net.native = value),
            "block_time_seconds" => reader.seconds(&full, item).map(|value| net.block_time_seconds = Some(value)),
            "link" => reader.address(&full, item).map(|value| net.link = Some(value)),
            "multicall3" => reader.address(&full, item).map(|value| net.multicall3 = value),
            "sequencer" => reader.address(&full, item).map(|value| net.sequencer = Some(value)),
            "explorer" => explorer(reader, &full, item).map(|value| net.explorer = Some(value)),
            "directory" => directory(reader, &full, item).map(|value| net.directory = Some(value)),
            "requests_per_second" => reader
                .integer(&full, item, &(1..=10_000))
                .map(|value| net.requests_per_second = u32::try_from(value).unwrap_or(u32::MAX)),
            "timeout_seconds" => reader.integer(&full, item, &(1..=600)).map(|value| net.timeout_seconds = value),
            "signer" if reader.is_project() => {
                forbidden(reader, &key.span(), &format!("`{full}`"), "a checkout must not choose what signs");
                None
            }
            "signer" => {
                let folder = folder(reader);
                signer::read(reader, &full, item, &folder).map(|value| net.signer = Some(value))
            }
            "vrf" => vrf::read(reader, &full, item, &net.vrf).map(|value| net.vrf = value),
            "quorum" => reader
                .integer(&full, item, &(1..=100))
                .map(|value| net.quorum = usize::try_from(value).unwrap_or(usize::MAX)),
            _ => {
                reader.unknown(key, &format!("[networks.{name}]"), keys::NETWORK);
                None
            }
        };
        if set.is_some() {
            note(config, reader, name, word, known, key);
        }
    }
    config.networks.insert(name.to_owned(), net);
}

/// Keeps where a value comes from, and what a project file changed of a known network: with another endpoint, contract,
/// directory or quorum it could make a report say anything.
fn note(config: &mut Config, reader: &Reader<'_>, network: &str, word: &str, known: bool, key: &Name<'_>) {
    let origin = reader.origin(&key.span());
    if known && reader.is_project() {
        config.project_changes.entry(network.to_owned()).or_default().push(format!("`{word}` by {origin}"));
    }
    if origin != Origin::Default {
        config.origins.insert(format!("networks.{network}.{word}"), origin);
    }
}

fn endpoints(reader: &mut Reader<'_>, key: &str, item: &Item<'_>) -> Option<Vec<SecretRef>> {
    let texts = reader.texts(key, item)?;
    if texts.is_empty() {
        reader.problem(&item.span(), format!("`{key}` names no endpoint"), None);
        return None;
    }
    let folder = folder(reader);
    let mut all = Vec::new();
    for (text, span) in texts {
        match SecretRef::parse(text, &folder) {
            Err(why) => reader.problem(&span, format!("`{key}` {why}"), None),
            Ok(_) if reader.is_project() && !is_plain(text) => forbidden(
                reader,
                &span,
                &format!("`{key}` to anything but a plain http(s) URL without a key"),
                "the checkout may be a stranger's",
            ),
            Ok(reference) => all.push(reference),
        }
    }
    (!all.is_empty()).then_some(all)
}

/// Whether a project file may name this endpoint.
fn is_plain(text: &str) -> bool {
    url::parse_http(text.trim()).is_ok_and(|url| !url::looks_keyed(&url) && !url::is_metadata_host(&url))
}

fn aliases(config: &Config, reader: &mut Reader<'_>, key: &str, name: &str, item: &Item<'_>) -> Option<Vec<String>> {
    if matches!(item.get_ref(), DeValue::String(_)) {
        reader.wrong_type(key, item, "a list of names");
        return None;
    }
    let mut fresh = Vec::new();
    for (text, span) in reader.texts(key, item)? {
        let alias = normal(text);
        if !is_name(&alias) {
            reader.problem(&span, format!("`{key}` holds what is no name: small letters, digits, `-` and `.`"), None);
            continue;
        }
        match config.canonical(&alias) {
            // The network itself is out of `config` while its values are read.
            Some(other) if other != name => {
                reader.problem(&span, format!("`{alias}` is already the name of `{other}`"), None);
            }
            _ if alias == name || fresh.contains(&alias) => {}
            _ => fresh.push(alias),
        }
    }
    Some(fresh)
}

fn symbol(reader: &mut Reader<'_>, key: &str, item: &Item<'_>) -> Option<String> {
    let text = reader.text(key, item)?;
    if !text.is_empty() && text.len() <= 12 && text.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Some(text.to_owned());
    }
    reader.problem(&item.span(), format!("`{key}` takes a coin's symbol: 1 to 12 letters and digits"), None);
    None
}

fn explorer(reader: &mut Reader<'_>, key: &str, item: &Item<'_>) -> Option<String> {
    let text = reader.text(key, item)?;
    match url::parse_http(text) {
        Ok(url) if url::looks_keyed(&url) || url.query().is_some() => {
            reader.problem(&item.span(), format!("`{key}` is shown to everybody and must hold no key or query"), None);
            None
        }
        Ok(url) => Some(url.as_str().trim_end_matches('/').to_owned()),
        Err(why) => {
            reader.problem(&item.span(), format!("`{key}`: {why}"), None);
            None
        }
    }
}

fn directory(reader: &mut Reader<'_>, key: &str, item: &Item<'_>) -> Option<DirectorySource> {
    let text = reader.text(key, item)?;
    match DirectorySource::parse(text, &folder(reader)) {
        Ok(DirectorySource::Url(_)) if reader.is_project() => {
            forbidden(
                reader,
                &item.span(),
                &format!("`{key}` to a URL, only to a path"),
                "the checkout may be a stranger's",
            );
            None
        }
        Ok(source) => Some(source),
        Err(why) => {
            reader.problem(&item.span(), format!("`{key}`: {why}"), None);
            None
        }
    }
}

/// What relative paths in the file are relative to.
pub(in crate::config) fn folder(reader: &Reader<'_>) -> std::path::PathBuf {
    reader.file.path.parent().unwrap_or(Path::new("/")).to_owned()
}
