//! Freeze, maintenance, storm; and playbooks that do not go on by themselves.

use ira_commands::{Fault, Kind};
use serde_json::json;

use crate::store::ask::Suspend;
use crate::store::event::What;
use crate::store::model::GuardRow;
use crate::store::rows::{Res, Rows};
use crate::store::words::{Guard, RunState, Wait};

use super::{after, log};

pub(in crate::store) fn suspend(rows: &mut dyn Rows, ask: &Suspend) -> Res<GuardRow> {
    if !matches!(ask.guard, Guard::Freeze | Guard::Maintenance | Guard::Storm | Guard::Demoted) {
        return Err(Fault::new(Kind::Failed, format!("{} is nothing that is begun by a word", ask.guard)).into());
    }
    let row = GuardRow {
        key: format!("{}:{}", ask.guard, ask.scope),
        kind: ask.guard,
        run: None,
        fence: 0,
        until: ask.lasts.map(|length| after(rows, length)),
        tokens: 0,
        state: json!({ "reason": ask.reason, "actor": ask.actor, "since": rows.now() }),
    };
    rows.put_guard(&row)?;
    Ok(row)
}

pub(in crate::store) fn lift(rows: &mut dyn Rows, guard: Guard, scope: &str, actor: &str) -> Res<bool> {
    let key = format!("{guard}:{scope}");
    let there = rows.guard(&key)?.is_some();
    rows.drop_guard(&key)?;
    if guard == Guard::Freeze {
        let now = rows.now();
        for mut run in rows.runs(true)? {
            if run.state == RunState::Waiting(Wait::Freeze) {
                run.wake_at = Some(now);
                log(rows, &mut run, actor, What::Noted { sort: "thaw".to_owned(), matter: json!({ "scope": scope }) })?;
                rows.put_run(&run)?;
            }
        }
    }
    Ok(there)
}
