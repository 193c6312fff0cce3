//! What a drill does to a server: sessions of an ordinary role that are left idle, on a database that is marked for it.

use ira_commands::{Fault, Kind};

use super::Postgres;
use super::session::{For, Session};

/// What such a session calls itself.
const NAME: &str = "ira-drill";
/// How many of its places are given back where none is left: who mends it has to get in.
const SPARED: usize = 2;
/// The setting that a database is marked by, and what it says.
const MARKED: &str = "SELECT coalesce(current_setting('ira.drill', true), '') = 'safe'";

/// Sessions that are held; they end with the value, and with the process.
pub struct Held(Vec<Session>);

impl Held {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Postgres {
    /// Whether the database of [postgres.NAME] is marked as one that may be drilled: `ALTER DATABASE … SET ira.drill =
    /// 'safe'`. A fault where the user is a superuser, whom no limit holds.
    pub async fn is_drilled(&self, name: &str) -> Result<bool, Fault> {
        let session = Session::open(&self.0, self.named(name)?, NAME, For::Reading).await?;
        let row = session.read(session.client.query_one("SELECT current_setting('is_superuser') = 'on'", &[])).await?;
        if row.try_get(0).unwrap_or(true) {
            return Err(Fault::new(Kind::Denied, format!("[postgres.{name}] is a superuser, whom no limit holds"))
                .hint("open the sessions as an ordinary role, such as the application's"));
        }
        let row = session.read(session.client.query_one(MARKED, &[])).await?;
        Ok(row.try_get(0).unwrap_or(false))
    }

    /// Opens at most so many sessions and leaves them idle. Where no place is left before, two are given back.
    pub async fn hold(&self, name: &str, most: usize) -> Result<Held, Fault> {
        let mut held = Vec::new();
        while held.len() < most {
            match Session::open(&self.0, self.named(name)?, NAME, For::Reading).await {
                Ok(session) => held.push(session),
                Err(fault) if held.is_empty() => return Err(fault),
                Err(_) => {
                    held.truncate(held.len().saturating_sub(SPARED));
                    break;
                }
            }
        }
        Ok(Held(held))
    }
}
