//! Changing a server.

use async_trait::async_trait;
use ira_commands::actions::{Broken, Left};
use ira_commands::ports::data::{Closed, PgConnection, PostgresWrite};
use ira_commands::{Fault, Kind};
use tokio_postgres::types::ToSql;

use super::Postgres;
use super::said::Unheard;
use super::session::{For, Session};

// Looked at and done in one: whoever is at work again by then is not in what it selects.
const CLOSE: &str = "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid \
    WHERE a.pid = $1 AND (extract(epoch from a.backend_start) * 1000000)::int8 = $2 \
    AND (extract(epoch from a.state_change) * 1000000)::int8 = $3 AND a.state = $4 \
    AND a.backend_type = 'client backend' AND a.usename <> current_user AND NOT r.rolsuper AND NOT r.rolreplication";

const MAY_RELOAD: &str = "SELECT has_function_privilege('pg_catalog.pg_reload_conf()', 'execute')";

/// A name as SQL quotes it.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL quotes it; none with a backslash or a NUL is a value of a setting that ira sets.
fn literal(value: &str) -> Option<String> {
    (!value.contains(['\\', '\0'])).then(|| format!("'{}'", value.replace('\'', "''")))
}

/// What a statement that was not heard to its end left behind, after so much was done before.
fn broken(unheard: Unheard, before: bool) -> Broken {
    let left = match (&unheard, before) {
        (Unheard::Lost(_), _) => Left::Unknown,
        (Unheard::Refused(..), true) => Left::Something,
        (Unheard::Refused(..), false) => Left::Nothing,
    };
    Broken { fault: unheard.fault(), left }
}

#[async_trait]
impl PostgresWrite for Postgres {
    async fn close(&self, server: &str, attempt: &str, which: &[PgConnection]) -> Result<Closed, Broken> {
        let one = self.named(server).map_err(Broken::before)?;
        let session = Session::open(&self.0, one, attempt, For::Writing).await.map_err(Broken::before)?;
        let mut came = Closed::default();
        for one in which {
            let by: [&(dyn ToSql + Sync); 4] = [&one.pid, &one.opened, &one.changed, &one.state];
            match session.heard(session.client.query_opt(CLOSE, &by)).await {
                Ok(Some(row)) if row.try_get(0).unwrap_or(false) => came.closed += 1,
                Ok(_) => came.changed += 1,
                Err(unheard) if unheard.is_denied() => came.refused.push(unheard.fault().one_line()),
                Err(unheard) => {
                    let done = came.closed > 0;
                    let mut broken = broken(unheard, done);
                    broken.fault =
                        broken.fault.because(format!("{} of {} were closed before", came.closed, which.len()));
                    return Err(broken);
                }
            }
        }
        Ok(came)
    }

    async fn set(&self, server: &str, attempt: &str, name: &str, value: Option<&str>) -> Result<(), Broken> {
        let one = self.named(server).map_err(Broken::before)?;
        let session = Session::open(&self.0, one, attempt, For::Writing).await.map_err(Broken::before)?;
        let may = session.heard(session.client.query_one(MAY_RELOAD, &[])).await;
        let may = may.map_err(|unheard| Broken::before(unheard.fault()))?;
        if !may.try_get(0).unwrap_or(false) {
            let fault = Fault::new(Kind::Denied, "this user may not have the server read its settings");
            return Err(Broken::before(
                fault.hint("nothing was done; `ira act postgres.set --policy` prints what to grant"),
            ));
        }
        let name = identifier(name);
        let statement = match value {
            Some(value) => match literal(value) {
                Some(value) => format!("ALTER SYSTEM SET {name} TO {value}"),
                None => return Err(Broken::before(Fault::new(Kind::Usage, "the value cannot be written"))),
            },
            None => format!("ALTER SYSTEM RESET {name}"),
        };
        session.heard(session.client.batch_execute(&statement)).await.map_err(|unheard| broken(unheard, false))?;
        let reloaded = session.heard(session.client.batch_execute("SELECT pg_reload_conf()")).await;
        reloaded.map_err(|unheard| Broken {
            fault: unheard
                .fault()
                .wrap("it was written, and the server was not told to read it: SELECT pg_reload_conf()"),
            left: Left::Something,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lesson_39_a_name_or_a_value_is_never_more_than_that() {
        assert_eq!(identifier("a\"; DROP TABLE x; --"), "\"a\"\"; DROP TABLE x; --\"");
        assert_eq!(literal("1'; DROP TABLE x; --").as_deref(), Some("'1''; DROP TABLE x; --'"));
        assert_eq!(literal("a\\'b"), None);
    }
}
