//! What a server's refusals mean.

use ira_commands::text::excerpt;
use ira_commands::{Fault, Kind};
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::clients::redact::Redactor;

/// A statement that did not come to its end.
#[derive(Debug)]
pub(super) enum Unheard {
    /// The server refused it, or gave it up: it had no effect. With its code.
    Refused(Fault, SqlState),
    /// Nobody knows what the server made of it.
    Lost(Fault),
}

impl Unheard {
    pub fn fault(self) -> Fault {
        match self {
            Self::Refused(fault, _) | Self::Lost(fault) => fault,
        }
    }

    /// Whether it is for want of a privilege.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Refused(_, code) if *code == SqlState::INSUFFICIENT_PRIVILEGE)
    }
}

/// What an error says.
pub(super) fn fault(label: &str, redactor: &Redactor, error: &Error) -> Unheard {
    let clean = |text: &str| excerpt(&redactor.text(text), 200);
    let Some(said) = error.as_db_error() else {
        let mut why: &dyn std::error::Error = error;
        while let Some(source) = why.source() {
            why = source;
        }
        let why = clean(&why.to_string());
        let distrusted = why.contains("certificate");
        let what = if distrusted { "cannot be trusted" } else { "cannot be reached, or broke off" };
        let fault = Fault::new(Kind::Unreachable, format!("{label} {what}")).because(why);
        return Unheard::Lost(if distrusted {
            fault.hint("`ca` names the authority of its certificate")
        } else {
            fault
        });
    };
    let code = said.code().clone();
    let with = |kind, what: &str| Fault::new(kind, format!("{label} {what}")).because(clean(said.message()));
    let fault = if code == SqlState::INVALID_PASSWORD || code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
        with(Kind::Denied, "refuses the user or the password")
    } else if code == SqlState::TOO_MANY_CONNECTIONS {
        with(Kind::Unreachable, "has no connection left, not even for ira")
            .hint("keep one for it: reserved_connections with pg_use_reserved_connections (16 and later)")
    } else if code == SqlState::INSUFFICIENT_PRIVILEGE {
        with(Kind::Denied, "does not let this user do it")
            .hint("`ira act NAME --policy` prints what an action needs to be granted")
    } else if code == SqlState::INVALID_CATALOG_NAME {
        with(Kind::Missing, "has no such database")
    } else if code == SqlState::QUERY_CANCELED || code == SqlState::LOCK_NOT_AVAILABLE {
        with(Kind::Timeout, "gave up: it took too long")
    } else if code == SqlState::READ_ONLY_SQL_TRANSACTION {
        with(Kind::Failed, "takes no write: it is a standby, or set to read only")
    } else if code.code().starts_with("57P") {
        with(Kind::Unreachable, "is being started or stopped")
    } else if said.message().contains("unsupported startup parameter") {
        with(Kind::Config, "is a pooler, and no server")
            .hint("`url` leads to the server itself; a pooler is a [pgbouncer.NAME]")
    } else {
        with(Kind::BadAnswer, "refuses the question")
    };
    // A session that the server ends may have been in the middle of a statement.
    if code.code().starts_with("57P") { Unheard::Lost(fault) } else { Unheard::Refused(fault, code) }
}
