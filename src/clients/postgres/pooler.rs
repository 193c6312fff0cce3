//! The console of a PgBouncer: the simple protocol, and answers in text.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use ira_commands::actions::{Broken, Left};
use ira_commands::ports::data::{Pool, Pooler, PoolerRead, PoolerWrite};
use ira_commands::text::excerpt;
use ira_commands::{Fault, Kind};
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow};

use super::said::Unheard;
use super::session::{For, Session};
use super::{label, named};
use crate::config::Config;
use crate::config::systems::DataConfig;

/// Every PgBouncer of the configuration.
pub struct PgBouncer(Arc<Config>);

impl PgBouncer {
    /// All that are configured.
    pub fn new(config: Arc<Config>) -> Self {
        Self(config)
    }

    fn named(&self, name: &str) -> Result<&DataConfig, Fault> {
        named("pgbouncer", &self.0.systems.pgbouncer, name)
    }
}

async fn rows(session: &Session, question: &str) -> Result<Vec<SimpleQueryRow>, Fault> {
    let messages = session.read(session.client.simple_query(question)).await?;
    let row = |message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    };
    Ok(messages.into_iter().filter_map(row).collect())
}

/// A column by its name; versions order them differently.
fn text<'a>(row: &'a SimpleQueryRow, name: &str) -> &'a str {
    row.try_get(name).ok().flatten().unwrap_or_default()
}

fn number(row: &SimpleQueryRow, name: &str) -> u64 {
    text(row, name).parse().unwrap_or_default()
}

/// What the console says to those who may not do it, in words and not by a code.
fn admin(fault: Fault) -> Fault {
    if fault.causes.iter().any(|cause| cause.contains("admin access needed") || cause.contains("not allowed")) {
        return Fault { kind: Kind::Denied, ..fault }.hint("the user has to be one of admin_users in pgbouncer.ini");
    }
    fault
}

#[async_trait]
impl PoolerRead for PgBouncer {
    fn place(&self, pooler: &str) -> Result<String, Fault> {
        label(&self.0, self.named(pooler)?)
    }

    async fn pooler(&self, pooler: &str) -> Result<Pooler, Fault> {
        let session = Session::open(&self.0, self.named(pooler)?, "ira", For::Console).await?;
        let version = rows(&session, "SHOW VERSION").await.map_err(admin)?;
        let settings = rows(&session, "SHOW CONFIG").await.map_err(admin)?;
        let databases = rows(&session, "SHOW DATABASES").await.map_err(admin)?;
        let pools = rows(&session, "SHOW POOLS").await.map_err(admin)?;
        let changeable = settings.iter().filter(|row| text(row, "changeable") == "yes");
        let settings: BTreeMap<String, String> =
            changeable.map(|row| (text(row, "key").to_owned(), text(row, "value").to_owned())).collect();
        let usual = settings.get("default_pool_size").cloned().unwrap_or_default();
        let own = |row: &&SimpleQueryRow| text(row, "name") != "pgbouncer" && text(row, "pool_size") != usual;
        let pool = |row: &SimpleQueryRow| Pool {
            database: text(row, "database").to_owned(),
            user: text(row, "user").to_owned(),
            active: number(row, "cl_active"),
            waiting: number(row, "cl_waiting"),
            servers: ["sv_active", "sv_idle", "sv_used", "sv_tested", "sv_login"]
                .iter()
                .map(|at| number(row, at))
                .sum(),
        };
        Ok(Pooler {
            version: version.first().map(|row| excerpt(text(row, "version"), 60)).unwrap_or_default(),
            own_size: databases.iter().filter(own).map(|row| text(row, "name").to_owned()).collect(),
            pools: pools.iter().map(pool).filter(|pool| pool.database != "pgbouncer").collect(),
            settings,
        })
    }
}

#[async_trait]
impl PoolerWrite for PgBouncer {
    async fn set(&self, pooler: &str, setting: &str, value: u64) -> Result<(), Broken> {
        let one = self.named(pooler).map_err(Broken::before)?;
        // It becomes a part of a statement.
        if setting.is_empty() || !setting.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            return Err(Broken::before(Fault::new(Kind::Usage, "there is no such setting")));
        }
        let session = Session::open(&self.0, one, "ira", For::Console).await.map_err(Broken::before)?;
        let said = session.heard(session.client.simple_query(&format!("SET {setting} = {value}"))).await;
        said.map(drop).map_err(|unheard| match unheard {
            Unheard::Refused(fault, _) => Broken { fault: admin(fault), left: Left::Nothing },
            Unheard::Lost(fault) => Broken { fault, left: Left::Unknown },
        })
    }
}
