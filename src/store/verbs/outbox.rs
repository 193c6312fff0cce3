//! Whom a run has to tell. One trigger lives for each dedup key at a time; runs attach to it.

use serde_json::json;

use crate::store::ask::{Page, Sent, Take, Tell};
use crate::store::model::{MailId, OutboxRow, Run};
use crate::store::rows::{Res, Rows, denied};
use crate::store::words::{Guard, Mail, MailState, RunState};

use super::{NEVER, after, missing};

/// Where a run that names no channel is heard of: every `ira` command says that a page is overdue.
const PEOPLE: &str = "people";

/// So long a page is one that somebody has just been woken by, milliseconds.
const SETTLE: u64 = 300_000;

/// Whether it is the page of a run, and not what another channel has in its place.
fn is_page(row: &OutboxRow) -> bool {
    row.mail == Mail::Trigger && row.payload.get("instead_of").is_none()
}

/// The trigger of a dedup key that is armed, to be sent, or sent and not resolved.
pub(super) fn trigger(rows: &dyn Rows, dedup_key: &str) -> Res<Option<OutboxRow>> {
    let live = |row: &OutboxRow| {
        is_page(row) && matches!(row.state, MailState::Armed | MailState::Pending | MailState::Accepted)
    };
    Ok(rows.mails_of(dedup_key)?.into_iter().rfind(live))
}

/// A row about a run, as its key was last used.
fn row(rows: &dyn Rows, run: &Run, mail: Mail, state: MailState, why: &str) -> Res<OutboxRow> {
    let like = rows.mails_of(&run.page)?.into_iter().rfind(is_page);
    let (channel, payload) = match like {
        Some(like) => (like.channel, like.payload),
        None => (PEOPLE.to_owned(), json!({ "run": run.id, "title": run.title })),
    };
    Ok(OutboxRow {
        id: MailId::default(),
        key: format!("{mail}:{}:{}:{}", run.page, run.id, run.seq),
        run: Some(run.id),
        mail,
        dedup_key: run.page.clone(),
        channel,
        payload,
        reason: why.to_owned(),
        state,
        attempts: 0,
        next_at: rows.now(),
        claimed_until: 0,
        created_at: rows.now(),
        accepted_at: None,
        human_ack_at: None,
        error: None,
    })
}

/// Sees that a run's page is there, to be sent unless the run ends before `escalate_by`.
pub(super) fn arm(rows: &mut dyn Rows, run: &Run, page: Option<&Page>) -> Res<()> {
    if let Some(mut live) = trigger(rows, &run.page)? {
        if live.state == MailState::Armed && live.run == Some(run.id) {
            live.next_at = run.escalate_by.unwrap_or(NEVER);
            rows.put_mail(&live)?;
        }
        return Ok(());
    }
    let mut armed = row(rows, run, Mail::Trigger, MailState::Armed, "")?;
    armed.next_at = run.escalate_by.unwrap_or(NEVER);
    if let Some(page) = page {
        armed.channel.clone_from(&page.channel);
        armed.payload.clone_from(&page.payload);
    }
    rows.insert_mail(&mut armed)
}

/// Makes a run's page due: the first under its key triggers, the others note.
pub(super) fn fire(rows: &mut dyn Rows, run: &Run, why: &str) -> Res<()> {
    match trigger(rows, &run.page)? {
        Some(mut live) if live.state == MailState::Armed => {
            live.state = MailState::Pending;
            live.next_at = rows.now();
            live.run = Some(run.id);
            why.clone_into(&mut live.reason);
            rows.put_mail(&live)
        }
        Some(live) => {
            let mut note = row(rows, run, Mail::Note, MailState::Pending, why)?;
            // Where that page is over by now, it wakes somebody all the same; not who was just woken for this run.
            let just = live.accepted_at.is_none_or(|at| at + SETTLE > rows.now());
            let said = live.run == Some(run.id) && just;
            if let Some(payload) = note.payload.as_object_mut().filter(|_| !said) {
                payload.insert("wakes".to_owned(), json!(true));
            }
            rows.insert_mail(&mut note)
        }
        None => {
            let mut due = row(rows, run, Mail::Trigger, MailState::Pending, why)?;
            rows.insert_mail(&mut due)
        }
    }
}

/// Settles the page of a run that ended well: no other run under its key may need it.
pub(super) fn settle(rows: &mut dyn Rows, run: &Run, resolve: bool) -> Res<()> {
    let Some(mut live) = trigger(rows, &run.page)? else { return Ok(()) };
    let needed = rows.runs_of_page(&run.page)?.into_iter().any(|other| {
        let handed_over = other.state == RunState::Escalated && other.ended_at.is_some_and(|at| at >= live.created_at);
        other.id != run.id && (!other.state.terminal() || handed_over)
    });
    let mail = match live.state {
        MailState::Armed if needed => return Ok(()),
        MailState::Armed => {
            live.state = MailState::Disarmed;
            return rows.put_mail(&live);
        }
        MailState::Pending if !needed && live.attempts == 0 => {
            // Never tried, and nobody has to be woken any more. One that was tried may have woken somebody.
            live.mail = Mail::Note;
            live.reason.clone_from(&run.note);
            return rows.put_mail(&live);
        }
        MailState::Accepted if resolve && !needed => Mail::Resolve,
        _ => Mail::Note,
    };
    let mut said = row(rows, run, mail, MailState::Pending, &run.note)?;
    rows.insert_mail(&mut said)
}

pub(in crate::store) fn tell(rows: &mut dyn Rows, ask: &Tell) -> Res<MailId> {
    if let Some(known) = rows.mail_of_key(&ask.key)? {
        return Ok(known.id);
    }
    let mut row = OutboxRow {
        id: MailId::default(),
        key: ask.key.clone(),
        run: ask.run,
        mail: ask.mail,
        dedup_key: ask.dedup_key.clone(),
        channel: ask.channel.clone(),
        payload: ask.payload.clone(),
        reason: String::new(),
        state: MailState::Pending,
        attempts: 0,
        next_at: after(rows, ask.wait),
        claimed_until: 0,
        created_at: rows.now(),
        accepted_at: None,
        human_ack_at: None,
        error: None,
    };
    rows.insert_mail(&mut row)?;
    Ok(row.id)
}

pub(in crate::store) fn take(rows: &mut dyn Rows, ask: &Take) -> Res<Vec<OutboxRow>> {
    let now = rows.now();
    let pending = rows.mails(true)?;
    let mut taken: Vec<OutboxRow> = Vec::new();
    for (index, row) in pending.iter().enumerate() {
        let wanted = ask.channel.as_ref().is_none_or(|channel| *channel == row.channel)
            && ask.run.is_none_or(|run| row.run == Some(run))
            && taken.len() < ask.max;
        // A note that nobody takes holds no page up.
        let first = |before: &OutboxRow| {
            let same = before.dedup_key == row.dedup_key && before.channel == row.channel;
            same && (before.mail != Mail::Note || row.mail == Mail::Note)
        };
        if wanted && row.next_at <= now && row.claimed_until <= now && !pending[..index].iter().any(first) {
            let mut row = row.clone();
            row.attempts += 1;
            row.claimed_until = after(rows, ask.ttl);
            rows.put_mail(&row)?;
            taken.push(row);
        }
    }
    Ok(taken)
}

pub(in crate::store) fn sent(rows: &mut dyn Rows, id: MailId, sent: &Sent) -> Res<OutboxRow> {
    let mut row = rows.mail(id)?.ok_or_else(|| missing("row of the outbox", id))?;
    let state = match sent {
        Sent::Accepted => MailState::Accepted,
        Sent::Failed { .. } => MailState::Pending,
        Sent::Moot(_) => MailState::Moot,
    };
    if row.state == state && state != MailState::Pending {
        return Ok(row);
    }
    if row.state != MailState::Pending || (state == MailState::Moot && row.mail != Mail::Note) {
        return denied(
            Guard::State,
            id.to_string(),
            format!("row {id} of the outbox is a {} and {}", row.mail, row.state),
        );
    }
    match sent {
        Sent::Accepted => {
            row.accepted_at = Some(rows.now());
            row.error = None;
        }
        Sent::Failed { again_in, why } => {
            row.next_at = after(rows, *again_in);
            row.error = Some(why.clone());
        }
        Sent::Moot(why) => row.error = Some(why.clone()),
    }
    row.state = state;
    row.claimed_until = 0;
    rows.put_mail(&row)?;
    if row.mail == Mail::Resolve && state == MailState::Accepted {
        for mut live in rows.mails_of(&row.dedup_key)? {
            if live.mail == Mail::Trigger && live.state == MailState::Accepted && live.id < row.id {
                live.state = MailState::Closed;
                rows.put_mail(&live)?;
            }
        }
    }
    Ok(row)
}

pub(in crate::store) fn acknowledged(rows: &mut dyn Rows, dedup_key: &str) -> Res<usize> {
    let mut count = 0;
    for mut row in rows.mails_of(dedup_key)? {
        if row.human_ack_at.is_none() && row.accepted_at.is_some() {
            row.human_ack_at = Some(rows.now());
            rows.put_mail(&row)?;
            count += 1;
        }
    }
    Ok(count)
}
