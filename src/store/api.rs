//! The store's verbs.

use std::time::Duration;

use async_trait::async_trait;
use ira_commands::Fault;
use ira_commands::context::{Ended, Open};
use serde_json::Value as Json;

use super::ask::{
    Admission, Admit, Advance, Ask, Backlog, Begin, Decision, Denial, Dropped, Due, End, Filter, Finish, FirstWrite,
    HandBegin, Incoming, Judge, Mails, Received, Retention, Sent, Story, Suspend, Take, Tell, Verdict, Waiting, Which,
};
use super::event::Event;
use super::model::{
    Approval, ApprovalId, AttemptId, DecisionRow, GuardRow, Identity, InboxId, InboxRow, MailId, OutboxRow, Run, RunId,
    Step,
};
use super::words::{Guard, RunState};

/// What must outlive the process. Each verb is one transaction that has reached the disk when it returns, is repeated
/// without harm by its key, and takes the time from the store's clock.
///
/// A [`Denial`] means that nothing was changed and why. A [`Fault`] means that the store failed: of kind `Busy` where it
/// may pass (another process holds it), else final; whoever asked begins nothing. It is not known then whether the verb
/// was carried out, except that the same request again says so.
#[async_trait]
pub trait Store: Send + Sync {
    /// The time, unix milliseconds: never before that of any commit, whatever the wall clock does.
    async fn now(&self) -> Result<u64, Fault>;

    /// Which store this is.
    async fn identity(&self) -> Result<Identity, Fault>;

    /// Writes down an alert, its incident, a run of a playbook for it, and its page, armed for `escalate_in`.
    async fn admit(&self, ask: Admit) -> Result<Admission, Fault>;

    /// Takes a run for `ttl`, raising its fence. None where nothing is due. Denied (`Lease`) where the run that was
    /// named is somebody's, (`State`) where it has ended.
    async fn claim(&self, worker: &str, ttl: Duration, which: Which) -> Result<Verdict<Option<Run>>, Fault>;

    /// Keeps a run for `ttl` from now. What it gives says whether it was cancelled or handed to a person meanwhile.
    async fn renew(&self, run: RunId, fence: u64, ttl: Duration) -> Result<Verdict<Run>, Fault>;

    /// Gives a run back, due as it is.
    async fn release(&self, run: RunId, fence: u64) -> Result<Verdict<()>, Fault>;

    /// Writes down what was planned.
    async fn plan(&self, run: RunId, fence: u64, plan_hash: &str, plan: Json) -> Result<Verdict<()>, Fault>;

    /// Begins the first write of a run: fence, lease, plan, approval, freeze, maintenance, storm, locks, recurrence,
    /// cooldown, budgets and breaker are decided, charged and written with the attempt, all or nothing. Where the run
    /// has begun to write before, it is as [`Store::begin`].
    async fn begin_first_write(&self, ask: FirstWrite) -> Result<Verdict<Step>, Fault>;

    /// Begins an attempt: a read, a tell, or a write after the first. A write is checked for fence, lease, locks, plan,
    /// freeze, cancel and escalation. Denied (`Attempt`) where what is known of the attempts before forbids another.
    async fn begin(&self, ask: Begin) -> Result<Verdict<Step>, Fault>;

    /// Adds to an attempt that is open.
    async fn add(&self, attempt: AttemptId, more: Json) -> Result<Verdict<()>, Fault>;

    /// Writes down how an attempt ended. An unknown one gets its probe's timer, or a page, in the same commit. The same
    /// end again changes nothing; another one is denied (`Attempt`).
    async fn end(&self, ask: End) -> Result<Verdict<Step>, Fault>;

    /// Writes down what a person, or a conclusive probe (`actor` says which), says of an unknown attempt. A run that
    /// waited for it is queued again.
    async fn decide_unknown(&self, attempt: AttemptId, actor: &str, decision: Decision)
    -> Result<Verdict<Step>, Fault>;

    /// Moves a run to another phase, or lets it wait; re-arms its page in the same commit. `NeedsHuman` makes the page
    /// due at once.
    async fn advance(&self, ask: Advance) -> Result<Verdict<Run>, Fault>;

    /// Ends a run: releases its locks (but not while an attempt is open), tells its breaker, and settles its page: armed
    /// becomes disarmed, unsent a note, sent a resolve if asked; `Escalated` makes it due. Denied (`Attempt`) where an
    /// attempt is open and the state is not `Escalated`.
    async fn finish(&self, ask: Finish) -> Result<Verdict<Run>, Fault>;

    /// Keeps things worth keeping that change no state, each a sort and its matter, in one commit.
    async fn note(&self, run: RunId, actor: &str, notes: Vec<(String, Json)>) -> Result<(), Fault>;

    /// Does what time brings: runs past `escalate_by` get their page and no more writes, in one commit each.
    async fn due(&self) -> Result<Due, Fault>;

    /// Puts something in the outbox; gives its number.
    async fn tell(&self, ask: Tell) -> Result<MailId, Fault>;

    /// Takes rows that are due, none before an unsent earlier one of its dedup key and channel.
    async fn take(&self, ask: Take) -> Result<Vec<OutboxRow>, Fault>;

    /// Writes down what became of a row.
    async fn sent(&self, mail: MailId, sent: Sent) -> Result<Verdict<OutboxRow>, Fault>;

    /// A person acknowledged a page; gives how many rows of the dedup key it was.
    async fn acknowledged(&self, dedup_key: &str) -> Result<usize, Fault>;

    /// Freezes, opens a maintenance window or a storm, or keeps a playbook from going on by itself.
    async fn suspend(&self, ask: Suspend) -> Result<GuardRow, Fault>;

    /// Ends what [`Store::suspend`] began; whether there was any. A run that waited for the thaw is due again.
    async fn lift(&self, guard: Guard, scope: &str, actor: &str) -> Result<bool, Fault>;

    /// Asks a person about a plan, once for each plan of a run and step.
    async fn ask(&self, ask: Ask) -> Result<Verdict<Approval>, Fault>;

    /// Writes down what a person said of a plan. Denied (`Approval`) where somebody said something else before, or it
    /// expired; (`Plan`) where it is about another plan.
    async fn decide(
        &self,
        approval: ApprovalId,
        plan_hash: &str,
        yes: bool,
        actor: &str,
    ) -> Result<Verdict<Approval>, Fault>;

    /// A person cancels a run: writes down the wish, and ends it at once where nobody has it and nothing was begun.
    /// Asking again, or for one that has ended, changes nothing.
    async fn cancel(&self, run: RunId, actor: &str) -> Result<Verdict<Run>, Fault>;

    /// A person takes up a run that was escalated or waits for them; it is queued again.
    async fn reopen(&self, run: RunId, actor: &str, escalate_in: Option<Duration>) -> Result<Verdict<Run>, Fault>;

    /// A person says how a run ended, whatever it is at: its open attempts are taken for `failed:some` (`done` where it
    /// is closed as succeeded), its locks are released. Denied (`Lease`) while a worker has it.
    async fn close(&self, run: RunId, state: RunState, actor: &str, reason: &str) -> Result<Verdict<Run>, Fault>;

    /// The alerts of this fingerprint are over; gives the runs of the incident that are active.
    async fn resolved(&self, fingerprint: &str) -> Result<Vec<RunId>, Fault>;

    /// A run with all that belongs to it.
    async fn run(&self, run: RunId) -> Result<Option<Story>, Fault>;

    /// Runs, newest first.
    async fn runs(&self, filter: Filter) -> Result<Vec<Run>, Fault>;

    /// The events of a run, oldest first.
    async fn events(&self, run: RunId) -> Result<Vec<Event>, Fault>;

    /// Every guard that is in force or counts something, by key.
    async fn guards(&self) -> Result<Vec<GuardRow>, Fault>;

    /// Rows of the outbox, oldest first.
    async fn mails(&self, which: Mails) -> Result<Vec<OutboxRow>, Fault>;

    /// The alerts that came in, newest first, at most `max`.
    async fn inbox(&self, max: usize) -> Result<Vec<InboxRow>, Fault>;

    /// Writes down that alerts came in, all or none. One that came before only counts, and is looked at again where it was
    /// put off or a run answered it.
    async fn receive(&self, alerts: Vec<Incoming>) -> Result<Vec<Received>, Fault>;

    /// Alerts that are due to be looked at, the one that is due for the longest time first, at most `max`.
    async fn undecided(&self, max: usize) -> Result<Vec<Waiting>, Fault>;

    /// Writes down what was decided of an alert, with whom it tells, in one commit.
    async fn judge(&self, ask: Judge) -> Result<InboxRow, Fault>;

    /// How much waits to be decided, counted up to `most`.
    async fn backlog(&self, most: usize) -> Result<Backlog, Fault>;

    /// What was decided of an alert, oldest first.
    async fn decisions(&self, inbox: InboxId) -> Result<Vec<DecisionRow>, Fault>;

    /// The alerts of a fingerprint, newest first, at most `max`.
    async fn alerts_of(&self, fingerprint: &str, max: usize) -> Result<Vec<InboxRow>, Fault>;

    /// The text of a playbook, by revision.
    async fn playbook(&self, revision: &str) -> Result<Option<String>, Fault>;

    /// A worker says that it lives.
    async fn beat(&self, worker: &str, boot_id: &str) -> Result<(), Fault>;

    /// Lets go of what need not be kept: ended runs with nothing open and nothing unsent, and alerts past their use.
    async fn retain(&self, keep: Retention) -> Result<Dropped, Fault>;

    /// Begins an attempt by hand: its run is made, taken and begun in one commit.
    async fn hand_begin(&self, ask: HandBegin) -> Result<Verdict<Step>, Fault>;

    /// Ends an attempt by hand, and its run with the last open one, in one commit.
    async fn hand_end(&self, attempt: AttemptId, ended: Ended) -> Result<Verdict<Step>, Fault>;

    /// The attempts by hand of which it is not written how they ended, oldest first.
    async fn hand_open(&self) -> Result<Vec<Open>, Fault>;
}

impl std::fmt::Display for Denial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Denial> for Fault {
    /// The way out of a verb that nobody expected to be denied: exit 75.
    fn from(denial: Denial) -> Self {
        Fault::new(ira_commands::Kind::Busy, denial.message)
    }
}
