//! Rows of SQLite as values.

use rusqlite::{Result, Row};

use super::tx::Columns;
use crate::store::event::{Event, What};
use crate::store::model::{
    Approval, ApprovalId, AttemptId, GuardRow, InboxId, InboxRow, Incident, IncidentId, MailId, OutboxRow, Run, RunId,
    Step,
};

/// `SELECT` of a table's columns in the order in which they are read here.
macro_rules! select {
    (run $rest:literal) => {
        concat!(
            "SELECT id, key, incident_id, inbox_id, playbook, revision, title, params, asked_by, claimable, page, ",
            "admitted_at, plan_hash, state, phase, cursor, fence, owner, lease_until, wake_at, escalate_by, ",
            "no_more_writes, cancelled_by, first_write_at, locks, ended_at, note, seq, head FROM run ",
            $rest
        )
    };
    (step $rest:literal) => {
        concat!(
            "SELECT attempt_id, run_id, path, attempt, effect, reach, undo, state, effect_key, fence, started_at, ",
            "deadline, ended_at, begun, added, exit, output_ref FROM step ",
            $rest
        )
    };
    (guard $rest:literal) => {
        concat!("SELECT key, kind, run_id, fence, until, tokens, state FROM guard ", $rest)
    };
    (inbox $rest:literal) => {
        concat!(
            "SELECT id, source, delivery_id, fingerprint, group_key, payload, received_at, last_seen, seen, state, ",
            "look_at FROM inbox ",
            $rest
        )
    };
    (approval $rest:literal) => {
        concat!("SELECT id, run_id, path, plan_hash, expires_at, decision, actor FROM approval ", $rest)
    };
    (outbox $rest:literal) => {
        concat!(
            "SELECT id, key, run_id, mail, dedup_key, channel, payload, reason, state, attempts, next_at, ",
            "claimed_until, created_at, accepted_at, human_ack_at, error FROM outbox ",
            $rest
        )
    };
}
pub(super) use select;

pub(super) fn run(row: &Row<'_>) -> Result<Run> {
    let mut c = Columns::of(row);
    Ok(Run {
        id: RunId(c.int()?),
        key: c.get()?,
        incident: c.maybe_int()?.map(IncidentId),
        inbox: c.maybe_int()?.map(InboxId),
        playbook: c.get()?,
        revision: c.get()?,
        title: c.get()?,
        params: c.json()?,
        by: c.get()?,
        claimable: c.get()?,
        page: c.get()?,
        admitted_at: c.int()?,
        plan_hash: c.get()?,
        state: c.word()?,
        phase: c.word()?,
        cursor: c.get()?,
        fence: c.int()?,
        owner: c.get()?,
        lease_until: c.int()?,
        wake_at: c.maybe_int()?,
        escalate_by: c.maybe_int()?,
        no_more_writes: c.get()?,
        cancelled_by: c.get()?,
        first_write_at: c.maybe_int()?,
        locks: c.json()?,
        ended_at: c.maybe_int()?,
        note: c.get()?,
        seq: c.int()?,
        head: c.get()?,
    })
}

pub(super) fn step(row: &Row<'_>) -> Result<Step> {
    let mut c = Columns::of(row);
    Ok(Step {
        id: AttemptId(c.int()?),
        run: RunId(c.int()?),
        path: c.get()?,
        attempt: c.get()?,
        effect: c.effect()?,
        reach: c.reach()?,
        undo: c.get()?,
        state: c.word()?,
        effect_key: c.get()?,
        fence: c.int()?,
        started_at: c.int()?,
        deadline: c.int()?,
        ended_at: c.maybe_int()?,
        begun: c.json()?,
        added: c.json()?,
        exit: c.json()?,
        output_ref: c.get()?,
    })
}

/// `run_id, seq, at, actor, what, prev_hash`.
pub(super) fn event(row: &Row<'_>) -> Result<Event> {
    let mut c = Columns::of(row);
    Ok(Event {
        run: RunId(c.int()?),
        seq: c.int()?,
        at: c.int()?,
        actor: c.get()?,
        what: c.json::<What>()?,
        prev_hash: c.get()?,
    })
}

pub(super) fn guard(row: &Row<'_>) -> Result<GuardRow> {
    let mut c = Columns::of(row);
    Ok(GuardRow {
        key: c.get()?,
        kind: c.word()?,
        run: c.maybe_int()?.map(RunId),
        fence: c.int()?,
        until: c.maybe_int()?,
        tokens: c.number()?,
        state: c.json()?,
    })
}

pub(super) fn alert(row: &Row<'_>) -> Result<InboxRow> {
    let mut c = Columns::of(row);
    Ok(InboxRow {
        id: InboxId(c.int()?),
        source: c.get()?,
        delivery_id: c.get()?,
        fingerprint: c.get()?,
        group_key: c.get()?,
        payload: c.get()?,
        received_at: c.int()?,
        last_seen: c.int()?,
        seen: c.int()?,
        state: c.get()?,
        look_at: c.maybe_int()?,
    })
}

/// `id, fingerprint, status, first, last, count`.
pub(super) fn incident(row: &Row<'_>) -> Result<Incident> {
    let mut c = Columns::of(row);
    Ok(Incident {
        id: IncidentId(c.int()?),
        fingerprint: c.get()?,
        open: c.get::<String>()? == "open",
        first: c.int()?,
        last: c.int()?,
        count: c.int()?,
    })
}

pub(super) fn approval(row: &Row<'_>) -> Result<Approval> {
    let mut c = Columns::of(row);
    Ok(Approval {
        id: ApprovalId(c.int()?),
        run: RunId(c.int()?),
        path: c.get()?,
        plan_hash: c.get()?,
        expires_at: c.int()?,
        decision: c.get()?,
        actor: c.get()?,
    })
}

pub(super) fn mail(row: &Row<'_>) -> Result<OutboxRow> {
    let mut c = Columns::of(row);
    Ok(OutboxRow {
        id: MailId(c.int()?),
        key: c.get()?,
        run: c.maybe_int()?.map(RunId),
        mail: c.word()?,
        dedup_key: c.get()?,
        channel: c.get()?,
        payload: c.json()?,
        reason: c.get()?,
        state: c.word()?,
        attempts: c.get()?,
        next_at: c.int()?,
        claimed_until: c.int()?,
        created_at: c.int()?,
        accepted_at: c.maybe_int()?,
        human_ack_at: c.maybe_int()?,
        error: c.get()?,
    })
}
