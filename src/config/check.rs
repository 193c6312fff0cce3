//! `ira config check`: what is wrong with the configuration, all of it at once.

use ira_commands::report::{Cell, Finding, Outcome, Remedy, Report, Section, Status, Table};
use ira_commands::{Fault, Kind};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value as Json, json};

use super::load::{FileState, Gathered, gather};
use super::network::DirectorySource;
use super::problem::Problem;
use super::secret::SecretRef;
use super::sources::Sources;
use super::{Config, Origin, keyed_warning, url};
use crate::clients::chain::Keystore;

/// `ira config check`: reads every layer and fetches every referenced secret, without a network.
///
/// The data is `{files: [{layer, path, found}], findings: [{check, status, message, evidence, remedy}]}`. Errors make
/// it a problem (exit 78); a secret that is not there on this machine is a warning. Fails only where it cannot be known
/// which files to read.
pub fn check(sources: &Sources) -> Result<Report, Fault> {
    let gathered = gather(sources)?;
    let mut findings: Vec<Finding> = gathered.problems.iter().map(problem).collect();
    findings.extend(gathered.faults.iter().map(|fault| from_fault("config-value", Status::Critical, fault)));
    findings.extend(references(&gathered.config));
    findings.extend(default_network(&gathered.config));
    findings.extend(project_changes(&gathered.config));
    findings.extend(gathered.files.iter().filter(|state| is_sound(state, &gathered)).map(sound));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.status));
    Ok(report(&gathered, &findings))
}

fn finding(check: &'static str, status: Status, message: String, evidence: Json, hint: Option<&String>) -> Finding {
    let evidence = match evidence {
        Json::Object(map) => map,
        _ => Map::new(),
    };
    let remedy = hint.map(|hint| Remedy { action: hint.clone(), by: "owner of the configuration".to_owned() });
    Finding { check, status, message, evidence, remedy }
}

fn problem(problem: &Problem) -> Finding {
    let evidence = json!({
        "layer": problem.file.layer.name(),
        "file": problem.file.path.display().to_string(),
        "line": problem.place.map(|place| place.line),
        "column": problem.place.map(|place| place.column),
    });
    let message = format!("{}: {}", problem.at(), problem.message);
    finding("config-value", Status::Critical, message, evidence, problem.hint.as_ref())
}

fn from_fault(check: &'static str, status: Status, fault: &Fault) -> Finding {
    finding(check, status, fault.one_line(), Json::Null, fault.hint.as_ref())
}

fn sound(state: &FileState) -> Finding {
    let evidence = json!({
        "layer": state.file.layer.name(),
        "file": state.file.path.display().to_string(),
        "found": state.found,
    });
    if state.found {
        finding("config-file", Status::Ok, format!("{} is sound", state.file), evidence, None)
    } else {
        finding("config-file", Status::Info, format!("there is no {}", state.file), evidence, None)
    }
}

fn is_sound(state: &FileState, gathered: &Gathered) -> bool {
    !gathered.problems.iter().any(|problem| problem.file == state.file)
}

/// Whether what is referred to is there: not an error where it is not, for CI checks what runs elsewhere.
fn references(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let of_networks = config
        .networks
        .values()
        .map(|network| (network.rpc.as_slice(), config.origin(&format!("networks.{}.rpc", network.name))));
    let overriding = config.rpc.iter().map(|(references, origin)| (references.as_slice(), origin.clone()));
    for (references, origin) in of_networks.chain(overriding) {
        findings.extend(references.iter().flat_map(|reference| of_reference(config, reference, &origin)));
    }
    findings.extend(config.networks.values().filter_map(|network| of_signer(config, network)));
    findings.extend(config.nodes.values().flat_map(|node| of_node(config, node)));
    let remote = [&config.remote.url, &config.remote.token].into_iter().flatten().map(|one| ("daemon", one));
    for (table, reference) in config.systems.references().into_iter().chain(remote) {
        if let Err(fault) = reference.resolve(config.env.as_ref()) {
            let status = if fault.kind == Kind::Missing { Status::Warn } else { Status::Critical };
            let fault = fault.because(format!("asked for by {}", config.origin(table)));
            findings.push(from_fault("config-reference", status, &fault));
        }
    }
    let listeners = [&config.daemon.tls, &config.daemon.admin_tls].into_iter().flatten();
    for reference in listeners.flat_map(super::daemon::TlsConfig::references) {
        if let Err(fault) = reference.resolve_text(config.env.as_ref(), false) {
            let fault = fault.because(format!("asked for by {}", config.origin("daemon")));
            findings.push(from_fault("config-reference", Status::Warn, &fault));
        }
    }
    let directories = config.networks.values().filter_map(|network| {
        Some((network.directory.as_ref()?, config.origin(&format!("networks.{}.directory", network.name))))
    });
    for (source, origin) in directories.chain(config.directory.iter().map(|(source, origin)| (source, origin.clone())))
    {
        if let DirectorySource::File(path) = source
            && !path.is_file()
        {
            let message = format!("there is no feed directory {} ({origin})", path.display());
            findings.push(finding("config-reference", Status::Warn, message, Json::Null, None));
        }
    }
    findings
}

/// Whether the keystore and its password are there. The password is not tried: that takes its time by design.
fn of_signer(config: &Config, network: &super::NetworkConfig) -> Option<Finding> {
    let signer = network.signer.as_ref()?;
    let origin = config.origin(&format!("networks.{}.signer", network.name));
    let there = signer.keystore.path(config.env()).and_then(|(path, private)| {
        Keystore::open(&path, private)?;
        signer.password(config.env())
    });
    let fault = there.err()?.because(format!("asked for by {origin}"));
    Some(from_fault("config-reference", Status::Warn, &fault))
}

/// Whether a node's network is known, what its login refers to is there, and nobody on the way can read it. Nothing is
/// asked of the node.
fn of_node(config: &Config, node: &super::NodeConfig) -> Vec<Finding> {
    let origin = config.origin(&format!("nodes.{}", node.name));
    let mut findings = Vec::new();
    if let Err(fault) = config.network_of(node) {
        findings.push(from_fault("config-value", Status::Critical, &fault));
    }
    let url = config.node_url(node);
    let open = |url: &SecretString| {
        url::parse_http(url.expose_secret()).is_ok_and(|url| url.scheme() == "http" && !url::is_loopback(&url))
    };
    if url.as_ref().is_ok_and(open) {
        let message =
            format!("the node `{}` is asked over http:// ({origin}): the password can be read on its way", node.name);
        findings.push(finding("config-secret", Status::Warn, message, Json::Null, None));
    }
    let missing = url.map(drop).and_then(|()| config.node_password(node).map(drop)).err();
    findings.extend(missing.map(|fault| {
        let status = if fault.kind == Kind::Missing { Status::Warn } else { Status::Critical };
        from_fault("config-reference", status, &fault.because(format!("asked for by {origin}")))
    }));
    findings
}

fn of_reference(config: &Config, reference: &SecretRef, origin: &Origin) -> Vec<Finding> {
    let keyed = keyed_warning(reference, origin)
        .map(|warning| finding("config-secret", Status::Warn, warning, Json::Null, None));
    let broken = reference.resolve_url(config.env.as_ref()).err().map(|fault| {
        let status = if fault.kind == Kind::Missing { Status::Warn } else { Status::Critical };
        from_fault("config-reference", status, &fault.because(format!("asked for by {origin}")))
    });
    keyed.into_iter().chain(broken).collect()
}

fn default_network(config: &Config) -> Option<Finding> {
    let fault = config.network(config.network.as_ref()?).err()?;
    let fault = fault.because(format!("asked for by {}", config.origin("network")));
    Some(from_fault("config-value", Status::Critical, &fault))
}

fn project_changes(config: &Config) -> Vec<Finding> {
    let shown = |(network, changes): (&String, &Vec<String>)| {
        let message = format!("the project file changes what is known of {network}: {}", changes.join(", "));
        finding("config-project", Status::Warn, message, json!({"network": network}), None)
    };
    config.project_changes.iter().map(shown).collect()
}

/// `1 file`, `2 files`.
fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn report(gathered: &Gathered, findings: &[Finding]) -> Report {
    let count = |status| findings.iter().filter(|finding| finding.status == status).count();
    let (errors, warnings) = (count(Status::Critical), count(Status::Warn));
    let found = gathered.files.iter().filter(|state| state.found).count();
    let of = counted(found, "file");
    let (status, headline) = match (errors, warnings) {
        (0, 0) => (Status::Ok, format!("The configuration is sound: {of}.")),
        (0, warnings) => {
            (Status::Warn, format!("The configuration can be used: {of}, {}.", counted(warnings, "warning")))
        }
        (errors, _) => {
            (Status::Critical, format!("The configuration cannot be used: {} in {of}.", counted(errors, "error")))
        }
    };
    let row = |finding: &Finding| {
        vec![
            Cell::from(finding.check),
            Cell::status(finding.status),
            Cell::from(finding.message.as_str()),
            Cell::from(finding.remedy.as_ref().map_or("", |remedy| remedy.action.as_str())),
        ]
    };
    let table = Table {
        columns: vec!["finding", "status", "evidence", "what to do"],
        rows: findings.iter().map(row).collect(),
        ..Table::default()
    };
    let data = json!({
        "files": gathered
            .files
            .iter()
            .map(|state| json!({
                "layer": state.file.layer.name(),
                "path": state.file.path.display().to_string(),
                "found": state.found,
            }))
            .collect::<Vec<_>>(),
        "findings": findings,
    });
    let first = findings.first().filter(|_| errors > 0).and_then(|finding| finding.remedy.as_ref());
    let advice = first.map(|remedy| remedy.action.clone()).unwrap_or_default();
    Report {
        sections: vec![Section { status, headline, advice, facts: Vec::new(), tables: vec![table] }],
        next: vec!["ira config show".to_owned()],
        data,
        errors: Vec::new(),
        warnings: Vec::new(),
        outcome: if errors > 0 { Outcome::Problem } else { Outcome::Well },
    }
}
