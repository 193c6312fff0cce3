//! `postgres.connections`: who is connected, and how much room there is.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::json;

use super::{idles, room};
use crate::actions::Look;
use crate::context::Context;
use crate::fault::Fault;
use crate::ports::data::PgServer;
use crate::report::{Cell, Fact, Outcome, Report, Section, Status, Table};
use crate::text::excerpt;
use crate::units::{duration, percent};
use crate::words::Span;

/// Above this share the next burst is refused.
const FULL: f64 = 0.9;
/// The most rows that are shown.
const ROWS: usize = 20;

/// Which server.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Connections {
    /// The server, as the configuration names it: [postgres.NAME]
    #[arg(long, value_name = "NAME")]
    pub server: String,

    /// Count apart those that idle for longer than this
    #[arg(long, value_name = "TIME", default_value = "5m")]
    #[serde(default = "five_minutes", deserialize_with = "crate::words::span")]
    pub older_than: Span,
}

pub(super) fn five_minutes() -> Span {
    Span { seconds: 300 }
}

/// One row: connections of one user, application and state.
struct Group {
    user: String,
    application: String,
    state: String,
    count: usize,
    longest: u64,
}

fn groups(server: &PgServer) -> Vec<Group> {
    let mut all: BTreeMap<(String, String, String), (usize, u64)> = BTreeMap::new();
    for one in &server.connections {
        let state = if one.state.is_empty() { "not to be seen" } else { &one.state };
        let key = (excerpt(&one.user, 64), excerpt(&one.application, 64), excerpt(state, 40));
        let group = all.entry(key).or_default();
        *group = (group.0 + 1, group.1.max(one.seconds));
    }
    let row = |((user, application, state), (count, longest))| Group { user, application, state, count, longest };
    let mut rows: Vec<Group> = all.into_iter().map(row).collect();
    rows.sort_by_key(|group| std::cmp::Reverse(group.count));
    rows
}

#[async_trait]
impl Look for Connections {
    async fn look(&self, context: &Context) -> Result<Report, Fault> {
        let postgres = context.postgres()?;
        let place = postgres.place(&self.server)?;
        context.progress().stage(&format!("asking {place}"));
        let server = postgres.server(&self.server).await?;
        let (usable, share) = room(&server);
        let count = server.connections.len();
        let of_state = |state: &str| server.connections.iter().filter(|one| one.state == state).count();
        let old = |one: &&_| idles(one, false) && one.seconds > self.older_than.seconds;
        let idle_older = server.connections.iter().filter(old).count();
        let closable = server.connections.iter().filter(old).filter(|one| one.spared.is_none()).count();
        let hidden = of_state("");
        let groups = groups(&server);
        let status = if share > FULL { Status::Critical } else { Status::Ok };
        let fact = |label, value: String, note: String| Fact { label, value: Cell::from(value), note };
        let facts = vec![
            fact("in use", count.to_string(), format!("of {usable}, {}", percent(share * 100.0))),
            fact("active", of_state("active").to_string(), String::new()),
            fact("idle", of_state("idle").to_string(), format!("{idle_older} for more than {}", self.older_than)),
            fact("in transaction", of_state("idle in transaction").to_string(), "idle, with locks held".to_owned()),
            fact("server", format!("PostgreSQL {}", excerpt(&server.version, 40)), place.clone()),
        ];
        let row = |group: &Group| {
            vec![
                Cell::from(group.count.to_string()),
                Cell::from(group.state.as_str()),
                Cell::from(group.user.as_str()),
                Cell::from(group.application.as_str()),
                Cell::from(duration(group.longest)),
            ]
        };
        let table = Table {
            columns: vec!["count", "state", "user", "application", "longest"],
            rows: groups.iter().take(ROWS).map(row).collect(),
            ..Table::default()
        };
        let by: Vec<_> = groups
            .iter()
            .map(|group| {
                json!({
                    "user": group.user, "application": group.application, "state": group.state,
                    "count": group.count, "longest_seconds": group.longest,
                })
            })
            .collect();
        let mut warnings = Vec::new();
        if hidden > 0 {
            warnings.push(format!(
                "the state of {hidden} connections may not be seen: `ira act postgres.connections --policy` says what is needed"
            ));
        }
        Ok(Report {
            sections: vec![Section {
                status,
                headline: format!("{place}: {count} of {usable} connections are in use ({}).", percent(share * 100.0)),
                advice: match (status, closable) {
                    (Status::Critical, 1..) => format!(
                        "close those that idle: ira act postgres.terminate_idle --server {} --dry-run",
                        crate::shell::word(&self.server)
                    ),
                    (Status::Critical, _) => "none of them idles for so long: who holds them, and why?".to_owned(),
                    _ => String::new(),
                },
                facts,
                tables: vec![table],
            }],
            next: Vec::new(),
            data: json!({
                "server": self.server,
                "place": place,
                "version": server.version,
                "in_use": count,
                "max": server.most,
                "reserved": server.reserved,
                "usable": usable,
                "share": share,
                "active": of_state("active"),
                "idle": of_state("idle"),
                "idle_in_transaction": of_state("idle in transaction") + of_state("idle in transaction (aborted)"),
                "hidden": hidden,
                "idle_older": idle_older,
                "closable": closable,
                "by": by,
            }),
            errors: Vec::new(),
            warnings,
            outcome: if status == Status::Ok { Outcome::Well } else { Outcome::Problem },
        })
    }
}
