//! Reading the tables of systems and people.

use std::path::PathBuf;

use ira_commands::words::Span;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use super::data::{Speaks, data};
use super::people::{datadog, heartbeat, opsgenie, page, pagerduty, slack};
use super::{AlertmanagerConfig, Allowed, Auth, DeskConfig, Preset, ServiceConfig, SystemsConfig};
use crate::config::engine::{each, fields};
use crate::config::intake;
use crate::config::keys;
use crate::config::reader::{Item, Reader};
use crate::config::secret::SecretRef;
use crate::config::url;

/// The tables that are read here.
pub(in crate::config) const TABLES: [&str; 19] = [
    "pagerduty",
    "page",
    "heartbeat",
    "slack",
    "opsgenie",
    "prometheus",
    "alertmanager",
    "datadog",
    "grafana",
    "otlp",
    "tickets",
    "http",
    "sources",
    "war_room",
    "kubernetes",
    "aws",
    "postgres",
    "pgbouncer",
    "redis",
];

/// Prometheus sends what fires again every minute.
const SETTLE: u64 = 120;

/// Reads one of [`TABLES`] into `systems`; what is wrong with it is kept by the reader.
pub(in crate::config) fn table(systems: &mut SystemsConfig, reader: &mut Reader<'_>, name: &str, item: &Item<'_>) {
    match name {
        "pagerduty" => replace(&mut systems.pagerduty, pagerduty(reader, item)),
        "page" => replace(&mut systems.page, page(reader, item)),
        "heartbeat" => replace(&mut systems.heartbeat, heartbeat(reader, item)),
        "slack" => replace(&mut systems.slack, slack(reader, item)),
        "opsgenie" => replace(&mut systems.opsgenie, opsgenie(reader, item)),
        "prometheus" => replace(&mut systems.prometheus, service(reader, "prometheus", item, keys::PROMETHEUS)),
        "otlp" => replace(&mut systems.otlp, service(reader, "otlp", item, keys::OTLP)),
        "datadog" => replace(&mut systems.datadog, datadog(reader, item)),
        "grafana" => replace(&mut systems.grafana, service(reader, "grafana", item, keys::GRAFANA)),
        "alertmanager" => replace(&mut systems.alertmanager, alertmanager(reader, item)),
        "sources" => systems.sources.extend(intake::sources(reader, item)),
        "war_room" => systems.room = super::room::room(reader, item).unwrap_or_default(),
        "postgres" | "pgbouncer" => {
            let all = each(reader, name, item, |reader, table, item| data(reader, table, item, Speaks::Postgres));
            if name == "postgres" { systems.postgres.extend(all) } else { systems.pgbouncer.extend(all) }
        }
        "redis" => {
            systems
                .redis
                .extend(each(reader, name, item, |reader, table, item| data(reader, table, item, Speaks::Redis)));
        }
        "kubernetes" => systems.kubernetes = super::kubernetes::kubernetes(reader, item).unwrap_or_default(),
        "aws" => systems.aws = super::aws::aws(reader, item).unwrap_or_default(),
        "tickets" => systems.tickets.extend(each(reader, "tickets", item, desk)),
        _ => systems.allow.extend(allow(reader, item).unwrap_or_default()),
    }
}

fn replace<T>(old: &mut Option<T>, new: Option<T>) {
    if new.is_some() {
        *old = new;
    }
}

pub(super) fn folder(reader: &Reader<'_>) -> PathBuf {
    reader.file.path.parent().unwrap_or(std::path::Path::new("/")).to_owned()
}

/// A secret: by reference, never itself.
pub(in crate::config) fn secret(reader: &mut Reader<'_>, key: &str, item: &Item<'_>) -> Option<SecretRef> {
    let text = reader.text(key, item)?;
    match SecretRef::parse(text, &folder(reader)) {
        Ok(SecretRef::Literal(_)) | Err(_) => {
            let why = format!("`{key}` takes env:NAME, file:PATH or credential:NAME, never the secret itself");
            reader.problem(&item.span(), why, None);
            None
        }
        Ok(reference) => Some(reference),
    }
}

/// A URL without a key, or a reference to one.
pub(in crate::config) fn address(reader: &mut Reader<'_>, key: &str, item: &Item<'_>) -> Option<SecretRef> {
    let text = reader.text(key, item)?;
    parsed_address(reader, key, text, &item.span())
}

fn parsed_address(reader: &mut Reader<'_>, key: &str, text: &str, span: &std::ops::Range<usize>) -> Option<SecretRef> {
    let reference = match SecretRef::parse(text, &folder(reader)) {
        Ok(reference) => reference,
        Err(why) => {
            reader.problem(span, format!("`{key}` {why}"), None);
            return None;
        }
    };
    let wrong = match &reference {
        SecretRef::Literal(text) => match url::parse_http(text.expose_secret()) {
            Ok(url) if url::looks_keyed(&url) => Some("holds a key: give env:NAME or file:PATH of it"),
            Ok(url) if url::is_metadata_host(&url) => Some("is where a cloud hands out credentials"),
            _ => None,
        },
        _ => None,
    };
    match wrong {
        Some(why) => {
            reader.problem(span, format!("`{key}` {why}"), None);
            None
        }
        None => Some(reference),
    }
}

pub(super) fn known(url: &str) -> SecretRef {
    SecretRef::Literal(SecretString::from(url))
}

/// The value, or what is said where it is missing.
pub(in crate::config) fn needed<T>(
    reader: &mut Reader<'_>,
    item: &Item<'_>,
    table: &str,
    name: &str,
    value: Option<T>,
) -> Option<T> {
    if value.is_none() {
        reader.problem(&item.span(), format!("`{table}` has no `{name}`"), None);
    }
    value
}

/// What proves who one is, while it is read.
#[derive(Default)]
struct Proof {
    token: Option<SecretRef>,
    user: Option<String>,
    password: Option<SecretRef>,
}

impl Proof {
    fn take(&mut self, reader: &mut Reader<'_>, word: &str, key: &str, item: &Item<'_>) -> bool {
        match word {
            "token" => self.token = secret(reader, key, item),
            "user" => self.user = reader.text(key, item).map(str::to_owned),
            "password" => self.password = secret(reader, key, item),
            _ => return false,
        }
        true
    }

    fn auth(self, reader: &mut Reader<'_>, table: &str, item: &Item<'_>) -> Option<Auth> {
        match (self.token, self.user, self.password) {
            (None, None, None) => Some(Auth::None),
            (Some(token), None, None) => Some(Auth::Bearer(token)),
            // Jira's cloud takes its token as a password.
            (Some(secret), Some(user), None) | (None, Some(user), Some(secret)) => Some(Auth::Basic(user, secret)),
            _ => {
                let why = format!("`{table}` takes `token`, or `user` and `password`");
                reader.problem(&item.span(), why, None);
                None
            }
        }
    }
}

/// A length of time, seconds.
pub(in crate::config) fn span(reader: &mut Reader<'_>, key: &str, item: &Item<'_>) -> Option<u64> {
    match reader.text(key, item)?.parse::<Span>() {
        Ok(span) => Some(span.seconds),
        Err(why) => {
            reader.problem(&item.span(), format!("`{key}`: {why}"), None);
            None
        }
    }
}

/// A table that says where a service is, and how one proves who one is there.
fn service(reader: &mut Reader<'_>, table: &str, item: &Item<'_>, known: &[keys::Key]) -> Option<ServiceConfig> {
    let (mut url, mut proof) = (None, Proof::default());
    fields(reader, table, item, known, |reader, word, key, item| {
        if word == "url" {
            url = address(reader, key, item);
            return true;
        }
        proof.take(reader, word, key, item)
    })?;
    let auth = proof.auth(reader, table, item)?;
    let url = needed(reader, item, table, "url", url)?;
    Some(ServiceConfig { url, auth })
}

fn alertmanager(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<AlertmanagerConfig> {
    let (mut urls, mut proof, mut settle) = (Vec::new(), Proof::default(), SETTLE);
    fields(reader, "alertmanager", item, keys::ALERTMANAGER, |reader, word, key, item| {
        match word {
            "urls" => {
                for (text, span) in reader.texts(key, item).unwrap_or_default() {
                    urls.extend(parsed_address(reader, key, text, &span));
                }
            }
            "settle" => settle = span(reader, key, item).unwrap_or(settle),
            _ => return proof.take(reader, word, key, item),
        }
        true
    })?;
    let auth = proof.auth(reader, "alertmanager", item)?;
    needed(reader, item, "alertmanager", "urls", urls.first().map(|_| ()))?;
    Some(AlertmanagerConfig { urls, auth, settle })
}

fn desk(reader: &mut Reader<'_>, table: &str, item: &Item<'_>) -> Option<DeskConfig> {
    let (mut preset, mut url, mut proof, mut kind) = (None, None, Proof::default(), "Task".to_owned());
    let (mut project, mut create, mut search, mut body, mut id) = (None, None, None, None, None);
    fields(reader, table, item, keys::TICKETS, |reader, word, key, item| {
        let text = |reader: &mut Reader<'_>| reader.text(key, item).map(str::to_owned);
        match word {
            "preset" => {
                let word = text(reader);
                preset = Preset::ALL.into_iter().find(|preset| Some(preset.word()) == word.as_deref());
                if word.is_some() && preset.is_none() {
                    let words = Preset::ALL.map(Preset::word).join(", ");
                    reader.problem(&item.span(), format!("`{key}` is one of {words}"), None);
                }
            }
            "url" => url = address(reader, key, item),
            "project" => project = text(reader),
            "kind" => kind = text(reader).unwrap_or_default(),
            "create" => create = text(reader),
            "search" => search = text(reader),
            "id" => id = text(reader),
            "body" => match text(reader).map(|text| serde_json::from_str(&text)) {
                Some(Ok(json)) => body = Some(json),
                Some(Err(_)) => reader.problem(&item.span(), format!("`{key}` is no JSON"), None),
                None => {}
            },
            _ => return proof.take(reader, word, key, item),
        }
        true
    })?;
    let auth = proof.auth(reader, table, item)?;
    let preset = needed(reader, item, table, "preset", preset)?;
    let url = match (preset, url) {
        (Preset::GitHub, None) => known("https://api.github.com"),
        (_, url) => needed(reader, item, table, "url", url)?,
    };
    match preset {
        Preset::Jira => drop(needed(reader, item, table, "project", project.as_ref())?),
        Preset::GitHub => {
            let sound =
                project.as_ref().is_some_and(|name| name.split('/').filter(|part| !part.is_empty()).count() == 2);
            needed(reader, item, table, "project = \"owner/repository\"", sound.then_some(()))?;
        }
        Preset::ServiceNow => {}
        Preset::Http => {
            needed(reader, item, table, "create", create.as_ref())?;
            needed(reader, item, table, "body", body.as_ref())?;
            let marked = search.as_ref().is_some_and(|path| path.contains("{{marker}}"));
            needed(reader, item, table, "search with {{marker}} in it", marked.then_some(()))?;
        }
    }
    Some(DeskConfig { preset, url, auth, project, kind, create, search, body, id })
}

fn allow(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Vec<Allowed>> {
    let mut all = Vec::new();
    fields(reader, "http", item, keys::HTTP, |reader, word, key, item| {
        if word != "allow" {
            return false;
        }
        for (text, span) in reader.texts(key, item).unwrap_or_default() {
            match allowed(text) {
                Some(one) => all.push(one),
                None => reader.problem(
                    &span,
                    format!("`{key}` takes a host, host:port or network"),
                    Some("allow = [\"status.example.internal\", \"10.1.0.0/16\"]".to_owned()),
                ),
            }
        }
        true
    })?;
    Some(all)
}

fn allowed(text: &str) -> Option<Allowed> {
    if let Some((address, length)) = text.split_once('/') {
        let address: std::net::IpAddr = address.parse().ok()?;
        let length: u8 = length.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        return (length <= most && length > 0).then_some(Allowed::Net(address, length));
    }
    // Read as a URL reads it, so that a host has one spelling.
    let url = Url::parse(&format!("http://{text}/")).ok()?;
    let plain = url.username().is_empty() && url.path() == "/" && url.query().is_none();
    let host = url.host_str().filter(|host| plain && !host.is_empty())?;
    let port = text.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    Some(Allowed::Host(host.to_owned(), port))
}
