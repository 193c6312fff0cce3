//! Reading a server.

use std::time::Duration;

use async_trait::async_trait;
use ira_commands::ports::data::{PgConnection, PgServer, PgSetting, PostgresRead};
use ira_commands::text::excerpt;
use ira_commands::{Fault, Kind};
use tokio_postgres::Row;

use super::session::{For, Session};
use super::{Postgres, label};

/// What ira calls itself where it only looks.
const LOOKS: &str = "ira";

const SERVER: &str = "SELECT current_setting('server_version'), \
    (extract(epoch from pg_postmaster_start_time()) * 1000000)::int8, \
    current_setting('max_connections')::int4, \
    current_setting('superuser_reserved_connections')::int4 \
        + coalesce(current_setting('reserved_connections', true)::int4, 0)";

// Of what may not be seen, even the kind is hidden: a user stands for a client then.
const CONNECTIONS: &str = "SELECT a.pid, \
    coalesce((extract(epoch from a.backend_start) * 1000000)::int8, 0), \
    coalesce((extract(epoch from a.state_change) * 1000000)::int8, 0), \
    coalesce(a.state, ''), \
    coalesce(greatest(0, floor(extract(epoch from clock_timestamp() - a.state_change)))::int8, 0), \
    coalesce(a.usename::text, ''), coalesce(a.datname::text, ''), coalesce(a.application_name, ''), \
    coalesce(host(a.client_addr), ''), \
    CASE WHEN a.usename = current_user THEN 'own' WHEN r.rolsuper THEN 'superuser' \
         WHEN r.rolreplication THEN 'replication' ELSE '' END \
    FROM pg_stat_activity a LEFT JOIN pg_roles r ON r.oid = a.usesysid \
    WHERE a.backend_type = 'client backend' OR (a.backend_type IS NULL AND a.usesysid IS NOT NULL)";

const SETTING: &str = "SELECT name, setting, coalesce(unit, ''), vartype, min_val, max_val, \
    coalesce(enumvals, '{}'), context, category, pending_restart FROM pg_settings WHERE lower(name) = lower($1)";

const WRITTEN: &str = "SELECT setting FROM pg_file_settings \
    WHERE name = $1 AND sourcefile LIKE '%postgresql.auto.conf' ORDER BY seqno DESC LIMIT 1";

const AT_WORK: &str = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()";

fn connection(row: &Row) -> Result<PgConnection, tokio_postgres::Error> {
    let spared: &str = row.try_get(9)?;
    let seconds: i64 = row.try_get(4)?;
    Ok(PgConnection {
        pid: row.try_get(0)?,
        opened: row.try_get(1)?,
        changed: row.try_get(2)?,
        state: row.try_get(3)?,
        seconds: u64::try_from(seconds).unwrap_or_default(),
        user: row.try_get(5)?,
        database: row.try_get(6)?,
        application: row.try_get(7)?,
        client: row.try_get(8)?,
        spared: match spared {
            "own" => Some("ira's own"),
            "superuser" => Some("a superuser's"),
            "replication" => Some("replication"),
            _ => None,
        },
    })
}

fn setting(row: &Row, written: Option<String>) -> Result<PgSetting, tokio_postgres::Error> {
    let number = |text: Option<String>| text.and_then(|text| text.parse().ok());
    let text = |at: usize| row.try_get::<_, String>(at);
    Ok(PgSetting {
        name: text(0)?,
        value: text(1)?,
        unit: text(2)?,
        kind: text(3)?,
        least: number(row.try_get(4)?),
        most: number(row.try_get(5)?),
        choices: row.try_get(6)?,
        context: text(7)?,
        category: text(8)?,
        waits_for_restart: row.try_get(9)?,
        written,
    })
}

#[async_trait]
impl PostgresRead for Postgres {
    fn place(&self, server: &str) -> Result<String, Fault> {
        label(&self.0, self.named(server)?)
    }

    async fn server(&self, server: &str) -> Result<PgServer, Fault> {
        let session = Session::open(&self.0, self.named(server)?, LOOKS, For::Reading).await?;
        let row = session.read(session.client.query_one(SERVER, &[])).await?;
        let rows = session.read(session.client.query(CONNECTIONS, &[])).await?;
        let odd = |_| session.odd("what is asked of it");
        let connections: Result<Vec<PgConnection>, _> = rows.iter().map(connection).collect();
        let count = |at: usize| row.try_get::<_, i32>(at).map(|count| u32::try_from(count).unwrap_or_default());
        Ok(PgServer {
            version: row.try_get(0).map_err(odd)?,
            started: row.try_get(1).map_err(odd)?,
            most: count(2).map_err(odd)?,
            reserved: count(3).map_err(odd)?,
            connections: connections.map_err(odd)?,
        })
    }

    async fn setting(&self, server: &str, name: &str) -> Result<PgSetting, Fault> {
        let session = Session::open(&self.0, self.named(server)?, LOOKS, For::Reading).await?;
        let row = session.read(session.client.query_opt(SETTING, &[&name])).await?;
        let row = row.ok_or_else(|| {
            Fault::new(Kind::Missing, format!("there is no setting {} there", excerpt(name, 64)))
                .hint("`SELECT name FROM pg_settings` lists those that there are")
        })?;
        let odd = |_| session.odd("what is asked of it");
        let own: String = row.try_get(0).map_err(odd)?;
        let written = session.heard(session.client.query_opt(WRITTEN, &[&own])).await;
        let written = written.map_err(|unheard| {
            let hint = "what was written before is read in pg_file_settings: `ira act postgres.set --policy`";
            let denied = unheard.is_denied();
            let fault = unheard.fault();
            if denied { fault.hint(hint) } else { fault }
        })?;
        let written = written.map(|row| row.try_get(0)).transpose().map_err(odd)?;
        setting(&row, written).map_err(odd)
    }

    async fn at_work(&self, server: &str, attempt: &str) -> Result<usize, Fault> {
        let session = Session::open(&self.0, self.named(server)?, LOOKS, For::Reading).await?;
        let row = session.read(session.client.query_one(AT_WORK, &[&attempt])).await?;
        let count: i64 = row.try_get(0).map_err(|_| session.odd("what is asked of it"))?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    async fn pause(&self) {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
