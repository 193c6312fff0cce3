//! PostgreSQL servers: who is connected, closing connections that idle, settings.

mod connections;
mod set;
mod terminate;
#[cfg(test)]
mod tests;

pub use connections::Connections;
pub use set::Set;
pub use terminate::TerminateIdle;

use crate::date;
use crate::ports::data::{PgConnection, PgServer};
use crate::text::excerpt;

/// Whose connection it is, in a few words: `app (web) in shop from 10.0.0.7`.
fn whose(connection: &PgConnection) -> String {
    let PgConnection { user, application, database, client, .. } = connection;
    let mut words = excerpt(user, 64);
    if !application.is_empty() {
        words = format!("{words} ({})", excerpt(application, 64));
    }
    if !database.is_empty() {
        words = format!("{words} in {}", excerpt(database, 64));
    }
    if client.is_empty() { words } else { format!("{words} from {}", excerpt(client, 64)) }
}

/// A moment of the server to the microsecond: with it a connection is known again.
fn moment(micros: i64) -> String {
    let Ok(micros) = u64::try_from(micros) else { return "a time not known".to_owned() };
    let whole = date::stamp(micros / 1_000_000);
    format!("{}.{:06}Z", whole.trim_end_matches('Z'), micros % 1_000_000)
}

/// Whether it idles: outside of a transaction, or inside of one where that is meant, too.
fn idles(connection: &PgConnection, in_transaction: bool) -> bool {
    connection.state == "idle" || (in_transaction && connection.state.starts_with("idle in transaction"))
}

/// How many connections there can be but for those that are kept for superusers, and the share of them in use.
fn room(server: &PgServer) -> (u32, f64) {
    let usable = server.most.saturating_sub(server.reserved).max(1);
    (usable, server.connections.len() as f64 / f64::from(usable))
}
