//! `ira config show`: every effective value with its origin, and no secret.

use ira_commands::playbook::Mode;
use ira_commands::report::{Cell, Outcome, Report, Section, Status, Table};
use ira_commands::text::without_urls;
use ira_commands::units;
use ira_commands::value::H160;
use ira_commands::words::{Coins, Span};
use serde_json::{Value as Json, json};

use super::{Config, EngineConfig, NetworkConfig, Origin, systems};

/// One effective value.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownValue {
    /// Its dotted key.
    pub key: String,
    /// The value, `null` where there is none; endpoints without path and credential.
    pub value: Json,
    /// Where it comes from.
    pub origin: Origin,
}

impl Config {
    /// Every effective value, in the order of the keys.
    pub fn show(&self) -> Vec<ShownValue> {
        let name = |value: Option<clap::builder::PossibleValue>| json!(value.map(|value| value.get_name().to_owned()));
        let mut all = vec![
            ("output.format".to_owned(), name(clap::ValueEnum::to_possible_value(&self.output.format))),
            ("output.color".to_owned(), name(clap::ValueEnum::to_possible_value(&self.output.color))),
            ("output.wide".to_owned(), json!(self.output.wide)),
            ("output.verbose".to_owned(), json!(self.output.verbose)),
            ("network".to_owned(), json!(self.network.as_deref().map(without_urls))),
            ("scripts.folder".to_owned(), json!(self.host.folder.as_ref().map(|path| path.display().to_string()))),
            ("scripts.end_of_options".to_owned(), json!(self.host.end_of_options)),
            ("scripts.memory_mib".to_owned(), json!(self.host.memory_mib)),
            ("scripts.runner".to_owned(), json!(self.host.runner.shown())),
            ("systemd.bus".to_owned(), json!(self.host.bus)),
        ];
        all.extend(engine(&self.engine));
        all.extend(self.public_url.as_ref().map(|url| ("public_url".to_owned(), json!(url))));
        for (name, user) in &self.users {
            all.push((format!("users.{name}"), json!({ "role": user.role.word(), "token": "sha256:…" })));
        }
        all.extend(self.daemon.shown());
        all.extend(self.remote.shown());
        all.extend(systems::shown(&self.systems));
        for network in self.networks.values() {
            all.extend(
                values(network).into_iter().map(|(key, value)| (format!("networks.{}.{key}", network.name), value)),
            );
        }
        for node in self.nodes.values() {
            let of = [
                ("url", node.url.to_string()),
                ("email", node.email.clone()),
                ("password", node.password.to_string()),
                ("network", without_urls(&node.network)),
            ];
            all.extend(of.into_iter().map(|(key, value)| (format!("nodes.{}.{key}", node.name), json!(value))));
        }
        let mut shown: Vec<ShownValue> =
            all.into_iter().map(|(key, value)| ShownValue { origin: self.origin(set_by(&key)), key, value }).collect();
        if let Some((references, origin)) = &self.rpc {
            let value = json!(references.iter().map(ToString::to_string).collect::<Vec<_>>());
            shown.push(ShownValue { key: "rpc".to_owned(), value, origin: origin.clone() });
        }
        if let Some((source, origin)) = &self.directory {
            let value = json!(source.to_string());
            shown.push(ShownValue { key: "directory".to_owned(), value, origin: origin.clone() });
        }
        shown
    }
}

/// What the engine may do, as it is set.
fn engine(engine: &EngineConfig) -> Vec<(String, Json)> {
    let mut all = Vec::new();
    all.extend(engine.store.as_ref().map(|uri| ("store".to_owned(), json!(uri))));
    for (name, budget) in &engine.budgets {
        let coins = |coins: &Option<Coins>| coins.as_ref().map(ToString::to_string);
        let value = json!({
            "max": budget.max,
            "link": coins(&budget.link),
            "native": coins(&budget.native),
            "window": Span { seconds: budget.window }.to_string(),
            "per": budget.per,
        });
        all.push((format!("budgets.{name}"), value));
    }
    for (name, playbook) in &engine.playbooks {
        all.push((
            format!("playbooks.{name}"),
            json!({
                "mode": playbook.mode.map(Mode::word),
                "params": playbook.params,
                "targets": playbook.targets,
            }),
        ));
    }
    for (name, window) in &engine.maintenance {
        let value = json!({ "from": window.from, "until": window.until, "scope": window.scope });
        all.push((format!("maintenance.{name}"), value));
    }
    all.extend(engine.drills.iter().map(|(name, drill)| (format!("drill.{name}"), drill.shown())));
    all
}

/// The key that a value is set by: a signer is set whole, and so are a node, VRF's settings and the tables of the engine.
fn set_by(key: &str) -> &str {
    let tables =
        ["budgets", "playbooks", "maintenance", "drill", "daemon", "tickets", "sources", "war_room", "http", "users"];
    if let Some((table, _)) = key.split_once('.').filter(|(table, _)| tables.contains(table)) {
        return table;
    }
    if let (true, Some((node, _))) = (key.starts_with("nodes."), key.rsplit_once('.')) {
        return node;
    }
    let whole = [".signer.", ".vrf."].into_iter().find_map(|table| Some(key.find(table)? + table.len() - 1));
    whole.map_or(key, |end| &key[..end])
}

/// The values of a network that are set.
fn values(network: &NetworkConfig) -> Vec<(&'static str, Json)> {
    let address = |address: Option<H160>| address.map_or(Json::Null, |address| json!(units::address(address)));
    let list = |texts: Vec<String>| if texts.is_empty() { Json::Null } else { json!(texts) };
    let all = vec![
        ("chain_id", json!(network.chain_id)),
        ("rpc", list(network.rpc.iter().map(ToString::to_string).collect())),
        ("aliases", list(network.aliases.clone())),
        ("native", json!(network.native)),
        ("block_time_seconds", json!(network.block_time_seconds)),
        ("link", address(network.link)),
        ("multicall3", address(Some(network.multicall3))),
        ("sequencer", address(network.sequencer)),
        ("explorer", json!(network.explorer)),
        ("directory", network.directory.as_ref().map_or(Json::Null, |source| json!(source.to_string()))),
        ("requests_per_second", json!(network.requests_per_second)),
        ("timeout_seconds", json!(network.timeout_seconds)),
        ("quorum", json!(network.quorum)),
        ("signer.keystore", json!(network.signer.as_ref().map(|signer| signer.keystore.to_string()))),
        ("signer.password", json!(network.signer.as_ref().map(|signer| signer.password.to_string()))),
        ("signer.max_fee_gwei", json!(network.signer.as_ref().map(|signer| signer.max_fee_gwei))),
        ("vrf.coordinators", list(network.vrf.coordinators.iter().copied().map(units::address).collect())),
        ("vrf.fund", list(network.vrf.fund.iter().map(ToString::to_string).collect())),
        ("signer.confirmations", json!(network.signer.as_ref().map(|signer| signer.confirmations))),
    ];
    all.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

/// `ira config show`. The data is `{values: [{key, value, origin}], files: [{layer, path}]}`.
pub fn show(config: &Config) -> Report {
    let shown = config.show();
    let row = |value: &ShownValue| {
        vec![Cell::from(value.key.as_str()), Cell::from(plain(&value.value)), Cell::from(value.origin.to_string())]
    };
    let ships = |value: &&ShownValue| value.origin == Origin::Default && value.key.starts_with("networks.");
    let folded: Vec<_> = shown.iter().filter(ships).map(row).collect();
    let rows: Vec<_> = shown.iter().filter(|value| !ships(value)).map(row).collect();
    let set = shown.iter().filter(|value| value.origin != Origin::Default).count();
    let files: Vec<String> = config.files.iter().map(ToString::to_string).collect();
    let set = if set == 1 { "1 value".to_owned() } else { format!("{set} values") };
    let headline = match (files.as_slice(), set.as_str()) {
        ([], "0 values") => "No configuration: every value is a default.".to_owned(),
        ([], set) => format!("No configuration file; {set} set by the environment and flags."),
        (files, set) => format!("{set} set; read: {}.", files.join(", ")),
    };
    let data = json!({
        "values": shown
            .iter()
            .map(|value| json!({"key": value.key, "value": value.value, "origin": value.origin.to_string()}))
            .collect::<Vec<_>>(),
        "files": config
            .files
            .iter()
            .map(|file| json!({"layer": file.layer.name(), "path": file.path.display().to_string()}))
            .collect::<Vec<_>>(),
    });
    let folded_note = format!("{} values of networks that ship", folded.len());
    let table = Table { columns: vec!["key", "value", "origin"], rows, folded, folded_note };
    let section =
        Section { status: Status::Ok, headline, advice: String::new(), facts: Vec::new(), tables: vec![table] };
    Report {
        sections: vec![section],
        next: vec!["ira config check".to_owned()],
        data,
        errors: Vec::new(),
        warnings: Vec::new(),
        outcome: Outcome::Well,
    }
}

/// A value as a person reads it.
fn plain(value: &Json) -> String {
    match value {
        Json::Null => "(none)".to_owned(),
        Json::String(text) => ira_commands::text::clean(text),
        Json::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
