//! What is looked at.

use ira_commands::context::Open;
use serde_json::Value as Json;

use crate::store::ask::{Filter, Mails, Story};
use crate::store::event::What;
use crate::store::model::{OutboxRow, Run, RunId};
use crate::store::rows::{Res, Rows};
use crate::store::words::RunState;

use super::{log, need};

pub(in crate::store) fn story(rows: &dyn Rows, id: RunId) -> Res<Option<Story>> {
    let Some(run) = rows.run(id)? else { return Ok(None) };
    let alert = run.inbox.map(|inbox| rows.alert_of(inbox)).transpose()?.flatten();
    Ok(Some(Story { run, alert, steps: rows.steps(id)?, approvals: rows.approvals(id)? }))
}

pub(in crate::store) fn runs(rows: &dyn Rows, filter: Filter) -> Res<Vec<Run>> {
    if filter == Filter::All {
        return rows.runs(false);
    }
    let mut runs = rows.runs(true)?;
    if filter == Filter::Orphans {
        let now = rows.now();
        runs.retain(|run| {
            let waits = matches!(run.state, RunState::Waiting(_));
            run.lease_until <= now && !waits && !(run.claimable && run.wake_at.is_some())
        });
        for step in rows.open_steps(None)? {
            if !runs.iter().any(|run| run.id == step.run)
                && let Some(run) = rows.run(step.run)?
                && run.state.terminal()
            {
                runs.push(run);
            }
        }
        runs.sort_by_key(|run| std::cmp::Reverse(run.id));
    }
    Ok(runs)
}

pub(in crate::store) fn mails(rows: &dyn Rows, which: &Mails) -> Res<Vec<OutboxRow>> {
    match which {
        Mails::All => rows.mails(false),
        Mails::Pending => rows.mails(true),
        Mails::Of(id) => match rows.run(*id)? {
            Some(run) => rows.mails_about(run.id, &run.page),
            None => Ok(Vec::new()),
        },
        Mails::Key(key) => rows.mails_of(key),
        Mails::One(id) => Ok(rows.mail(*id)?.into_iter().collect()),
    }
}

pub(in crate::store) fn note(rows: &mut dyn Rows, id: RunId, actor: &str, notes: &[(String, Json)]) -> Res<()> {
    let mut run = need(rows, id)?;
    for (sort, matter) in notes {
        log(rows, &mut run, actor, What::Noted { sort: sort.clone(), matter: matter.clone() })?;
    }
    rows.put_run(&run)
}

pub(in crate::store) fn resolved(rows: &mut dyn Rows, fingerprint: &str) -> Res<Vec<RunId>> {
    let Some(mut incident) = rows.open_incident(fingerprint)? else { return Ok(Vec::new()) };
    incident.open = false;
    incident.last = rows.now();
    rows.put_incident(&incident)?;
    let runs = rows.runs_of_incident(incident.id)?;
    Ok(runs.into_iter().filter(|run| !run.state.terminal()).map(|run| run.id).collect())
}

/// The attempts of which nobody has written how they ended, as a journal shows them.
pub(in crate::store) fn open(rows: &dyn Rows) -> Res<Vec<Open>> {
    let open = rows.open_steps(None)?.into_iter().filter(|step| step.effect != ira_commands::Effect::Read);
    Ok(open
        .map(|step| Open {
            id: step.id.0,
            key: step.path,
            effect: step.effect,
            at: step.started_at / 1000,
            begun: step.begun,
            added: step.added,
        })
        .collect())
}
