//! Databases, poolers and caches: where they are, and how one proves who one is there.

use std::fmt;
use std::path::PathBuf;

use ira_commands::{Fault, Kind};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value as Json, json};

use super::read::{folder, needed, secret, span};
use crate::config::engine::fields;
use crate::config::env::Env;
use crate::config::keys;
use crate::config::reader::{Item, Reader};
use crate::config::secret::SecretRef;
use crate::config::url::is_loopback;

/// How long it may take to connect, seconds.
const CONNECT: u64 = 5;
/// How long one answer may take, seconds.
const ANSWER: u64 = 10;

/// What is spoken there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// PostgreSQL, or the console of a PgBouncer.
    Postgres,
    /// Redis.
    Redis,
}

/// A database, pooler or cache. Holds references, and shows no secret.
#[derive(Clone, Debug)]
pub struct DataConfig {
    /// Its name.
    pub name: String,
    /// What is spoken there.
    pub speaks: Speaks,
    /// Where it is.
    pub url: DataUrl,
    /// The password, where it is not in the URL that is referred to.
    pub password: Option<SecretRef>,
    /// The authority that signed its certificate, PEM; the system's own where none is given.
    pub ca: Option<PathBuf>,
    /// How long it may take to connect, seconds.
    pub connect: u64,
    /// How long one answer may take, seconds.
    pub answer: u64,
}

/// Where it is: as it stands, without a password, or a reference to it.
#[derive(Clone, Debug)]
pub enum DataUrl {
    /// As it stands.
    Plain(String),
    /// By reference: `env:NAME` …
    Reference(SecretRef),
}

/// Where and as whom one connects.
pub struct Place {
    /// The host, or the folder of a socket.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who one is; empty where nobody is named.
    pub user: String,
    /// The password.
    pub password: Option<SecretString>,
    /// The database: a name, or a number of Redis.
    pub database: String,
    /// Whether TLS is spoken, and the certificate checked.
    pub tls: bool,
}

impl Place {
    /// `127.0.0.1:5432`.
    pub fn address(&self) -> String {
        if self.host.starts_with('/') { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }
}

impl fmt::Display for DataUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(text) => f.write_str(text),
            Self::Reference(reference) => reference.fmt(f),
        }
    }
}

impl DataConfig {
    /// Fetches what is referred to. No fault repeats a secret.
    pub fn place(&self, env: &dyn Env) -> Result<Place, Fault> {
        let text = match &self.url {
            DataUrl::Plain(text) => SecretString::from(text.as_str()),
            DataUrl::Reference(reference) => reference.resolve(env)?,
        };
        let wrong = |why: String| Fault::new(Kind::Config, format!("the URL of {} cannot be used: {why}", self.name));
        let mut place = parsed(self.speaks, text.expose_secret()).map_err(wrong)?;
        if let Some(password) = &self.password {
            place.password = Some(password.resolve(env)?);
        }
        Ok(place)
    }

    /// Every reference that it holds.
    pub fn references(&self) -> impl Iterator<Item = &SecretRef> {
        let url = match &self.url {
            DataUrl::Reference(reference) => Some(reference),
            DataUrl::Plain(_) => None,
        };
        url.into_iter().chain(&self.password)
    }

    /// As it is shown: without any secret.
    pub fn shown(&self) -> Json {
        json!({
            "url": self.url.to_string(),
            "password": self.password.as_ref().map(ToString::to_string),
            "ca": self.ca.as_ref().map(|path| path.display().to_string()),
            "connect": format!("{}s", self.connect),
            "answer": format!("{}s", self.answer),
        })
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Reads a URL. The error does not repeat it.
fn parsed(speaks: Speaks, text: &str) -> Result<Place, String> {
    let example = match speaks {
        Speaks::Postgres => "postgresql://USER@HOST:5432/DATABASE",
        Speaks::Redis => "redis://HOST:6379/0",
    };
    let url = Url::parse(text.trim()).map_err(|_| format!("it takes {example}"))?;
    let secure = match (speaks, url.scheme()) {
        (Speaks::Postgres, "postgres" | "postgresql") => None,
        (Speaks::Redis, "redis") => Some(false),
        (Speaks::Redis, "rediss") => Some(true),
        _ => return Err(format!("it takes {example}")),
    };
    let host = decoded(url.host_str().unwrap_or_default().trim_matches(['[', ']']));
    if host.is_empty() || url.fragment().is_some() {
        return Err(format!("it names no host; it takes {example}"));
    }
    let mut tls = secure.unwrap_or(!(is_loopback(&url) || host.starts_with('/')));
    for (name, value) in url.query_pairs() {
        match (speaks, name.as_ref(), value.as_ref()) {
            (Speaks::Postgres, "sslmode", "disable") => tls = false,
            (Speaks::Postgres, "sslmode", "verify-full") => tls = true,
            (Speaks::Postgres, "sslmode", _) => {
                return Err("sslmode is verify-full or disable: what checks no certificate keeps nobody out".to_owned());
            }
            _ => return Err("it takes no parameter but sslmode".to_owned()),
        }
    }
    let database = decoded(url.path().trim_start_matches('/'));
    let user = decoded(url.username());
    let database = match speaks {
        Speaks::Redis if database.is_empty() => "0".to_owned(),
        Speaks::Redis if database.parse::<u16>().is_err() => return Err("the database is a number: /0".to_owned()),
        Speaks::Postgres if user.is_empty() => return Err(format!("it names no user; it takes {example}")),
        Speaks::Postgres if database.is_empty() => user.clone(),
        _ => database,
    };
    let port = url.port().unwrap_or(if speaks == Speaks::Redis { 6379 } else { 5432 });
    let password = url.password().map(|text| SecretString::from(decoded(text)));
    Ok(Place { host, port, user, password, database, tls })
}

/// Reads one of `[postgres.NAME]`, `[pgbouncer.NAME]` and `[redis.NAME]`.
pub(super) fn data(reader: &mut Reader<'_>, table: &str, item: &Item<'_>, speaks: Speaks) -> Option<DataConfig> {
    let (mut url, mut password, mut ca, mut connect, mut answer) = (None, None, None, CONNECT, ANSWER);
    fields(reader, table, item, keys::DATA, |reader, word, key, item| {
        match word {
            "url" => url = address(reader, key, item, speaks),
            "password" => password = secret(reader, key, item),
            "ca" => ca = reader.text(key, item).map(|text| folder(reader).join(text)),
            "connect" => connect = span(reader, key, item).unwrap_or(connect),
            "answer" => answer = span(reader, key, item).unwrap_or(answer),
            _ => return false,
        }
        true
    })?;
    let url = needed(reader, item, table, "url", url)?;
    for (key, value) in [("connect", connect), ("answer", answer)] {
        if !(1..=300).contains(&value) {
            reader.problem(&item.span(), format!("`{table}.{key}` is 1s to 5m"), None);
            return None;
        }
    }
    let name = table.split_once('.').map_or(table, |(_, name)| name).to_owned();
    Some(DataConfig { name, speaks, url, password, ca, connect, answer })
}

/// A URL without a password, or a reference to one that may have it.
fn address(reader: &mut Reader<'_>, key: &str, item: &Item<'_>, speaks: Speaks) -> Option<DataUrl> {
    let text = reader.text(key, item)?;
    if let Ok(reference) = SecretRef::parse_only(text, &folder(reader)) {
        return Some(DataUrl::Reference(reference));
    }
    let problem = match parsed(speaks, text) {
        Ok(place) if place.password.is_some() => "holds a password: put it into `password`, by reference".to_owned(),
        Ok(_) => return Some(DataUrl::Plain(text.trim().to_owned())),
        Err(why) => format!("cannot be used: {why}"),
    };
    reader.problem(&item.span(), format!("`{key}` {problem}"), None);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_and_as_whom_and_tls_is_left_out_only_where_it_may_be() {
        for (text, address, user, database, tls) in [
            ("postgresql://ira@db1:6432/shop", "db1:6432", "ira", "shop", true),
            ("postgres://ira@db1", "db1:5432", "ira", "ira", true),
            ("postgresql://ira@db1/shop?sslmode=disable", "db1:5432", "ira", "shop", false),
            ("postgresql://ira@127.0.0.1/shop", "127.0.0.1:5432", "ira", "shop", false),
            ("postgresql://ira@127.0.0.1/shop?sslmode=verify-full", "127.0.0.1:5432", "ira", "shop", true),
            ("postgresql://ira@%2Fvar%2Frun%2Fpostgresql/shop", "/var/run/postgresql", "ira", "shop", false),
        ] {
            let place = parsed(Speaks::Postgres, text).expect(text);
            assert_eq!((place.address().as_str(), place.user.as_str()), (address, user), "{text}");
            assert_eq!((place.database.as_str(), place.tls), (database, tls), "{text}");
        }
        let cache = parsed(Speaks::Redis, "rediss://cache:7000/3").expect("read");
        assert_eq!((cache.address().as_str(), cache.database.as_str(), cache.tls), ("cache:7000", "3", true));
        assert_eq!(parsed(Speaks::Redis, "redis://cache").expect("read").address(), "cache:6379");
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_being_repeated() {
        for (speaks, text) in [
            (Speaks::Postgres, "http://ira@CANARY/"),
            (Speaks::Postgres, "postgresql://db/CANARY"),
            (Speaks::Postgres, "postgresql://ira@CANARY/?sslmode=require"),
            (Speaks::Postgres, "postgresql://ira@CANARY/?host=x"),
            (Speaks::Postgres, "CANARY"),
            (Speaks::Redis, "redis://CANARY/x"),
            (Speaks::Redis, "redis://CANARY/0?protocol=3"),
        ] {
            let why = parsed(speaks, text).err().expect(text);
            assert!(!why.contains("CANARY"), "{why}");
        }
    }
}
