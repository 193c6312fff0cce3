//! Alerts come in, and are decided.

use std::time::Duration;

use crate::store::ask::{Backlog, Incoming, Judge, Judged, Received, Tell, Waiting};
use crate::store::model::{InboxId, InboxRow};
use crate::store::rows::{Res, Rows};
use crate::store::words::{Mail, MailState, RunState};

use super::{after, missing, outbox};

/// Writes down that alerts came. One that came before is looked at again where it was put off, or a run answered it:
/// that run may have ended.
pub(in crate::store) fn receive(rows: &mut dyn Rows, alerts: &[Incoming]) -> Res<Vec<Received>> {
    alerts.iter().map(|incoming| one(rows, incoming)).collect()
}

fn one(rows: &mut dyn Rows, incoming: &Incoming) -> Res<Received> {
    let now = rows.now();
    let mut new = InboxRow { look_at: Some(now), ..row(incoming, now) };
    // Most are new: none is looked for before it is known to be there.
    if rows.insert_alert(&mut new)? {
        return Ok(Received { inbox: new.id, again: false });
    }
    let known = rows.alert(&incoming.source, &incoming.delivery_id)?;
    let mut row = known.ok_or_else(|| missing("alert", &incoming.delivery_id))?;
    row.seen += 1;
    row.last_seen = now;
    if row.look_at.is_some() || row.state.starts_with("run ") {
        row.look_at = Some(row.look_at.map_or(now, |at| at.min(now)));
    }
    rows.put_alert(&row)?;
    Ok(Received { inbox: row.id, again: true })
}

/// A row for an alert that comes for the first time.
pub(super) fn row(incoming: &Incoming, now: u64) -> InboxRow {
    InboxRow {
        id: InboxId::default(),
        source: incoming.source.clone(),
        delivery_id: incoming.delivery_id.clone(),
        fingerprint: incoming.fingerprint.clone(),
        group_key: incoming.group_key.clone(),
        payload: incoming.payload.clone(),
        received_at: now,
        last_seen: now,
        seen: 1,
        state: String::new(),
        look_at: None,
    }
}

/// Writes down what was decided of an alert, with whom it tells.
pub(in crate::store) fn judge(rows: &mut dyn Rows, ask: &Judge) -> Res<InboxRow> {
    let mut row = rows.alert_of(ask.inbox)?.ok_or_else(|| missing("alert", ask.inbox))?;
    let again = match &ask.verdict {
        Judged::Suppressed(_, length) => Some(*length),
        // It came again while this was decided.
        Judged::Run(_) if row.seen > ask.seen => Some(Duration::ZERO),
        _ => None,
    };
    row.look_at = again.map(|length| after(rows, length));
    decided(rows, &mut row, &ask.verdict.text())?;
    if let Some(tell) = &ask.tell {
        page(rows, &row, tell)?;
    }
    Ok(row)
}

/// Keeps a decision, where it is another one than the last.
pub(super) fn decided(rows: &mut dyn Rows, row: &mut InboxRow, text: &str) -> Res<()> {
    if row.state != text {
        text.clone_into(&mut row.state);
        let now = rows.now();
        rows.add_decision(row.id, now, text)?;
    }
    rows.put_decided(row)
}

/// One trigger lives for each dedup key: a second one is a note at most, and an armed one falls due.
fn page(rows: &mut dyn Rows, row: &InboxRow, tell: &Tell) -> Res<()> {
    if tell.mail == Mail::Resolve {
        return resolve(rows, row, tell);
    }
    if tell.mail == Mail::Trigger
        && let Some(mut live) = outbox::trigger(rows, &tell.dedup_key)?
    {
        if live.state == MailState::Armed {
            live.state = MailState::Pending;
            live.next_at = rows.now();
            tell.payload["why"].as_str().unwrap_or_default().clone_into(&mut live.reason);
            rows.put_mail(&live)?;
        }
        return Ok(());
    }
    outbox::tell(rows, tell).map(|_| ())
}

/// The cause of a page is gone.
fn resolve(rows: &mut dyn Rows, row: &InboxRow, tell: &Tell) -> Res<()> {
    let Some(mut live) = outbox::trigger(rows, &tell.dedup_key)? else { return Ok(()) };
    let group_fires = !row.group_key.is_empty() && rows.paged(&row.group_key)?;
    let needed = rows
        .runs_of_page(&tell.dedup_key)?
        .into_iter()
        .any(|run| !run.state.terminal() || (run.state == RunState::Escalated && run.admitted_at >= live.created_at));
    if live.run.is_some() || group_fires || needed {
        return Ok(());
    }
    match live.state {
        // Nobody has to be woken any more.
        MailState::Pending if live.attempts == 0 => {
            live.mail = Mail::Note;
            "it is over".clone_into(&mut live.reason);
            rows.put_mail(&live)
        }
        _ => outbox::tell(rows, tell).map(|_| ()),
    }
}

/// Alerts that are due to be looked at, the one that is due for the longest time first.
pub(in crate::store) fn undecided(rows: &dyn Rows, max: usize) -> Res<Vec<Waiting>> {
    let due = rows.alerts_due(rows.now(), max)?;
    due.into_iter().map(|row| Ok(Waiting { alone: rows.is_alone(&row)?, row })).collect()
}

pub(in crate::store) fn backlog(rows: &dyn Rows, most: usize) -> Res<Backlog> {
    let now = rows.now();
    let (due, oldest, next_at) = rows.count_due(now, most)?;
    Ok(Backlog { due, oldest, next_at, now })
}
