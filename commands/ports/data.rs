//! Questions to databases, connection poolers and caches, each by the name that the configuration gives it.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::actions::Broken;
use crate::fault::Fault;

/// One connection of a PostgreSQL server, as it was when it was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PgConnection {
    /// Its server process.
    pub pid: i32,
    /// When it was opened, microseconds since 1970: with the process, a name that no other one has.
    pub opened: i64,
    /// When its state changed last, microseconds since 1970; zero where that may not be seen.
    pub changed: i64,
    /// `active`, `idle`, `idle in transaction` …; empty where that may not be seen.
    pub state: String,
    /// Seconds in this state, by the server's own clock.
    pub seconds: u64,
    /// Whose it is.
    pub user: String,
    /// In which database.
    pub database: String,
    /// What it calls itself.
    pub application: String,
    /// Where it comes from; empty for a socket of the same machine.
    pub client: String,
    /// Why it is never closed, where that is so: `a superuser's`, `replication`, `ira's own`.
    pub spared: Option<&'static str>,
}

/// A PostgreSQL server and who is connected to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PgServer {
    /// Its version (`15.9`).
    pub version: String,
    /// When it was started, microseconds since 1970.
    pub started: i64,
    /// The most connections there can be.
    pub most: u32,
    /// How many of them are kept for superusers and the like.
    pub reserved: u32,
    /// The clients' connections.
    pub connections: Vec<PgConnection>,
}

/// A setting of a PostgreSQL server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PgSetting {
    /// Its name.
    pub name: String,
    /// What is in force, in its own unit.
    pub value: String,
    /// Its unit (`8kB`, `ms`); empty where it has none.
    pub unit: String,
    /// `integer`, `real`, `bool`, `enum`, `string`.
    pub kind: String,
    /// The least, for a number.
    pub least: Option<f64>,
    /// The most, for a number.
    pub most: Option<f64>,
    /// Its values, for an enumeration.
    pub choices: Vec<String>,
    /// When it can be changed: `postmaster` only at a start, `sighup` by reloading …
    pub context: String,
    /// What it belongs to (`Developer Options`).
    pub category: String,
    /// Whether a value was loaded that a restart has yet to bring into force.
    pub waits_for_restart: bool,
    /// What ALTER SYSTEM wrote for it; none where it wrote nothing.
    pub written: Option<String>,
}

/// Reading PostgreSQL servers.
#[async_trait]
pub trait PostgresRead: Send + Sync {
    /// Who would be asked: name, host and port. Connects to nothing.
    fn place(&self, server: &str) -> Result<String, Fault>;

    /// Who is connected.
    async fn server(&self, server: &str) -> Result<PgServer, Fault>;

    /// A setting; a fault of kind `Missing` where there is none of that name.
    async fn setting(&self, server: &str, name: &str) -> Result<PgSetting, Fault>;

    /// How many sessions of an attempt are open on the server: one whose process is gone may still be at work there.
    async fn at_work(&self, server: &str, attempt: &str) -> Result<usize, Fault>;

    /// Lets half a second pass: a process that was told to end takes a moment.
    async fn pause(&self);
}

/// What became of connections that were to be closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// How many were told to end.
    pub closed: usize,
    /// How many were no longer as they had been, and were left alone.
    pub changed: usize,
    /// Those that the server would not close, and why.
    pub refused: Vec<String>,
}

/// Changing PostgreSQL servers. An attempt's session carries its name, so that it can be found there.
#[async_trait]
pub trait PostgresWrite: Send + Sync {
    /// Closes each of these that is the same connection still, in the same state, unchanged since; looked at and done in
    /// one statement each.
    async fn close(&self, server: &str, attempt: &str, which: &[PgConnection]) -> Result<Closed, Broken>;

    /// Writes a setting for good, or takes back what was written for it, and has the server read it. `name` and `value`
    /// are those of a [`PgSetting`] that was checked.
    async fn set(&self, server: &str, attempt: &str, name: &str, value: Option<&str>) -> Result<(), Broken>;
}

/// A pool of a pooler.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// The database, as clients name it.
    pub database: String,
    /// Whose it is.
    pub user: String,
    /// Clients that have a server.
    pub active: u64,
    /// Clients that wait for one.
    pub waiting: u64,
    /// Connections to the server.
    pub servers: u64,
}

/// A PgBouncer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pooler {
    /// Its version.
    pub version: String,
    /// Its settings that can be changed while it runs.
    pub settings: BTreeMap<String, String>,
    /// The databases that have a pool size of their own, which a setting for all does not change.
    pub own_size: Vec<String>,
    /// Its pools, but that of its console.
    pub pools: Vec<Pool>,
}

/// Reading poolers.
#[async_trait]
pub trait PoolerRead: Send + Sync {
    /// Who would be asked. Connects to nothing.
    fn place(&self, pooler: &str) -> Result<String, Fault>;

    /// How it stands.
    async fn pooler(&self, pooler: &str) -> Result<Pooler, Fault>;
}

/// Changing poolers.
#[async_trait]
pub trait PoolerWrite: Send + Sync {
    /// Sets a number, until the pooler is reloaded or restarted.
    async fn set(&self, pooler: &str, setting: &str, value: u64) -> Result<(), Broken>;
}

/// What a Redis says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedisInfo {
    /// Its version.
    pub version: String,
    /// The id of its present run: counters begin anew with another one.
    pub run: String,
    /// `master` or `slave`.
    pub role: String,
    /// Seconds since its start.
    pub uptime: u64,
    /// Lookups that found their key, since its start.
    pub hits: u64,
    /// Lookups that did not.
    pub misses: u64,
    /// Keys that were pushed out for want of memory.
    pub evicted: u64,
    /// Keys whose time was over.
    pub expired: u64,
    /// Memory in use, bytes.
    pub memory: u64,
    /// The most that it may use, bytes; zero for no limit.
    pub memory_most: u64,
    /// What is pushed out when that is reached (`allkeys-lru`).
    pub policy: String,
    /// Clients that are connected.
    pub clients: u64,
    /// Keys of the database that is asked.
    pub keys: u64,
}

/// Which keys are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFilter {
    /// As Redis matches (`session:*`).
    pub pattern: String,
    /// Not looked up for so many seconds.
    pub idle: Option<u64>,
    /// Living longer than so many seconds from now, or for ever.
    pub lives: Option<u64>,
}

/// How far keys are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyBounds {
    /// The most keys that are looked at.
    pub look: u64,
    /// The most that are looked at in a second.
    pub per_second: u64,
    /// The most that are given.
    pub give: usize,
}

/// A key as it was when it was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySeen {
    /// Its name, any bytes.
    pub name: Vec<u8>,
    /// Seconds since it was looked up; none where the server counts lookups in its place.
    pub idle: Option<u64>,
    /// How often it is looked up, on the server's logarithmic scale; none where it keeps times in its place.
    pub often: Option<u64>,
    /// Seconds that it lives; none for ever.
    pub lives: Option<u64>,
    /// Its size in memory, bytes.
    pub bytes: u64,
}

/// What was found among the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeysSeen {
    /// How many were looked at.
    pub looked: u64,
    /// Whether these were all.
    pub all: bool,
    /// How many of them are meant.
    pub meant: u64,
    /// Those, up to the bound; for [`RedisRead::hot`] the hottest first.
    pub keys: Vec<KeySeen>,
}

/// Reading caches.
#[async_trait]
pub trait RedisRead: Send + Sync {
    /// Who would be asked. Connects to nothing.
    fn place(&self, server: &str) -> Result<String, Fault>;

    /// What it says of itself.
    async fn info(&self, server: &str) -> Result<RedisInfo, Fault>;

    /// The keys that a filter means, looked for step by step (SCAN), never all at once.
    async fn keys(&self, server: &str, filter: &KeyFilter, bounds: KeyBounds) -> Result<KeysSeen, Fault>;

    /// The hottest keys of those that a pattern matches, among as many as the bounds allow.
    async fn hot(&self, server: &str, pattern: &str, bounds: KeyBounds) -> Result<KeysSeen, Fault>;

    /// How many sessions of an attempt are open on the server.
    async fn at_work(&self, server: &str, attempt: &str) -> Result<usize, Fault>;
}

/// Changing caches.
#[async_trait]
pub trait RedisWrite: Send + Sync {
    /// Removes those of these keys that the filter means still, looked at and done in one step (UNLINK: memory is freed
    /// behind it); gives how many.
    async fn unlink(&self, server: &str, attempt: &str, keys: &[Vec<u8>], filter: &KeyFilter) -> Result<u64, Broken>;
}
