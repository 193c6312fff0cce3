//! What the verbs stand on: single rows, read and written within one transaction.

use ira_commands::Fault;

use super::ask::Denial;
use super::event::Event;
use super::model::{
    Approval, ApprovalId, AttemptId, DecisionRow, GuardRow, Identity, InboxId, InboxRow, Incident, IncidentId, MailId,
    OutboxRow, Run, RunId, Step,
};
use super::words::Guard;

/// Why a verb ends without effect: what it wrote so far is taken back.
#[derive(Debug)]
pub(super) enum Stop {
    /// By rule.
    Denied(Denial),
    /// The store failed.
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What a row or a verb gives.
pub(super) type Res<T> = Result<T, Stop>;

/// A denial, as an end of a verb.
pub(super) fn denied<T>(guard: Guard, key: impl Into<String>, message: impl Into<String>) -> Res<T> {
    Err(Stop::Denied(Denial { guard, key: key.into(), until: None, holder: None, message: message.into() }))
}

/// Runs with their steps and events, in one transaction. Lists are in the order of their numbers where nothing else is
/// said.
pub(super) trait RunRows {
    /// The time of the transaction, unix milliseconds.
    fn now(&self) -> u64;

    fn run(&self, id: RunId) -> Res<Option<Run>>;
    fn run_of_key(&self, key: &str) -> Res<Option<RunId>>;
    /// The run of a playbook for an incident that is not terminal.
    fn active_run(&self, incident: IncidentId, playbook: &str) -> Res<Option<RunId>>;
    /// The run that may be taken and is due for the longest time.
    fn claimable(&self) -> Res<Option<RunId>>;
    /// Runs past their `escalate_by` that were not handed to a person yet.
    fn late(&self) -> Res<Vec<RunId>>;
    /// The earliest time at which a run becomes due, or late.
    fn next_due(&self) -> Res<Option<u64>>;
    /// All, or those that are not terminal; newest first.
    fn runs(&self, active: bool) -> Res<Vec<Run>>;
    fn runs_of_page(&self, page: &str) -> Res<Vec<Run>>;
    fn runs_of_incident(&self, incident: IncidentId) -> Res<Vec<Run>>;
    /// Those that ended before or at a time; in the order of ending.
    fn ended(&self, until: u64) -> Res<Vec<RunId>>;
    /// Gives it its number.
    fn insert_run(&mut self, run: &mut Run) -> Res<()>;
    /// Writes what may change of a run.
    fn put_run(&mut self, run: &Run) -> Res<()>;
    /// With its steps, events, approvals, and the mail that waits for nothing.
    fn drop_run(&mut self, id: RunId) -> Res<()>;

    fn step(&self, id: AttemptId) -> Res<Option<Step>>;
    /// The attempts at a path, in their order.
    fn attempts(&self, run: RunId, path: &str) -> Res<Vec<Step>>;
    fn steps(&self, run: RunId) -> Res<Vec<Step>>;
    /// Those of which it is not known what came of them: of a run, or of all.
    fn open_steps(&self, run: Option<RunId>) -> Res<Vec<Step>>;
    fn insert_step(&mut self, step: &mut Step) -> Res<()>;
    fn put_step(&mut self, step: &Step) -> Res<()>;

    /// `text` is the event's kind and body as they are kept.
    fn append(&mut self, event: &Event, text: &str) -> Res<()>;
    fn events(&self, run: RunId) -> Res<Vec<Event>>;
}

/// All rows of a store.
pub(super) trait Rows: RunRows {
    fn identity(&self) -> Res<Identity>;
    /// The size of what is kept, bytes; none where it has no size.
    fn bytes(&self) -> Res<Option<u64>>;

    fn guard(&self, key: &str) -> Res<Option<GuardRow>>;
    fn guards(&self) -> Res<Vec<GuardRow>>;
    /// Those that a run wrote last.
    fn guards_of(&self, run: RunId) -> Res<Vec<GuardRow>>;
    fn put_guard(&mut self, guard: &GuardRow) -> Res<()>;
    fn drop_guard(&mut self, key: &str) -> Res<()>;

    fn alert(&self, source: &str, delivery_id: &str) -> Res<Option<InboxRow>>;
    fn alert_of(&self, id: InboxId) -> Res<Option<InboxRow>>;
    /// Newest first.
    fn alerts(&self, max: usize) -> Res<Vec<InboxRow>>;
    /// Gives it its number; whether it is new: one of the same sender and id stays as it is.
    fn insert_alert(&mut self, row: &mut InboxRow) -> Res<bool>;
    /// Whether no other is of what is alerting.
    fn is_alone(&self, row: &InboxRow) -> Res<bool>;
    /// Of what is alerting, newest first.
    fn alerts_of(&self, fingerprint: &str, max: usize) -> Res<Vec<InboxRow>>;
    /// Those to be looked at by a time, in that order.
    fn alerts_due(&self, until: u64, max: usize) -> Res<Vec<InboxRow>>;
    /// How many they are, up to `most`; when the first of them was due; and when the first after them will be.
    fn count_due(&self, until: u64, most: usize) -> Res<(u64, Option<u64>, Option<u64>)>;
    /// Whether somebody was paged for an alert of a group that is not over.
    fn paged(&self, group_key: &str) -> Res<bool>;
    fn add_decision(&mut self, id: InboxId, at: u64, what: &str) -> Res<()>;
    fn decisions(&self, id: InboxId) -> Res<Vec<DecisionRow>>;
    /// How often and when it was last seen, its state, and when it is to be looked at.
    fn put_alert(&mut self, row: &InboxRow) -> Res<()>;
    /// Its state, and when it is to be looked at.
    fn put_decided(&mut self, row: &InboxRow) -> Res<()>;
    /// Those last seen before or at a time, of which no run speaks; with incidents and playbooks that nobody needs.
    fn drop_alerts(&mut self, until: u64) -> Res<u64>;

    fn open_incident(&self, fingerprint: &str) -> Res<Option<Incident>>;
    fn insert_incident(&mut self, incident: &mut Incident) -> Res<()>;
    fn put_incident(&mut self, incident: &Incident) -> Res<()>;

    fn playbook(&self, revision: &str) -> Res<Option<String>>;
    /// Nothing changes where the revision is known.
    fn put_playbook(&mut self, revision: &str, text: &str) -> Res<()>;

    fn approval(&self, id: ApprovalId) -> Res<Option<Approval>>;
    fn approvals(&self, run: RunId) -> Res<Vec<Approval>>;
    fn insert_approval(&mut self, approval: &mut Approval) -> Res<()>;
    fn put_approval(&mut self, approval: &Approval) -> Res<()>;

    fn mail(&self, id: MailId) -> Res<Option<OutboxRow>>;
    fn mail_of_key(&self, key: &str) -> Res<Option<OutboxRow>>;
    /// Every row of a dedup key.
    fn mails_of(&self, dedup_key: &str) -> Res<Vec<OutboxRow>>;
    /// Every row of a run, and of a dedup key.
    fn mails_about(&self, run: RunId, dedup_key: &str) -> Res<Vec<OutboxRow>>;
    /// All, or those that are pending.
    fn mails(&self, pending: bool) -> Res<Vec<OutboxRow>>;
    fn insert_mail(&mut self, row: &mut OutboxRow) -> Res<()>;
    fn put_mail(&mut self, row: &OutboxRow) -> Res<()>;

    fn beat(&mut self, worker: &str, boot_id: &str) -> Res<()>;
}
