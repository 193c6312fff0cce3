//! A store of which all that is known is that it runs a verb as one transaction over rows.

use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use ira_commands::Fault;
use ira_commands::context::{Ended, Open};
use serde_json::Value as Json;

use super::api::Store;
use super::ask::{
    Admission, Admit, Advance, Ask, Backlog, Begin, Decision, Dropped, Due, End, Filter, Finish, FirstWrite, HandBegin,
    Incoming, Judge, Mails, Received, Retention, Sent, Story, Suspend, Take, Tell, Verdict, Waiting, Which,
};
use super::event::Event;
use super::model::{
    Approval, ApprovalId, AttemptId, DecisionRow, GuardRow, Identity, InboxId, InboxRow, MailId, OutboxRow, Run, RunId,
    Step,
};
use super::rows::{Res, Rows, Stop};
use super::verbs::{admit, approval, attempt, end, hand, intake, lease, list, outbox, person, phase, retain, suspend};
use super::words::{Guard, RunState};

/// Runs verbs.
pub(super) trait Backend: Send + Sync + 'static {
    /// Runs a verb in a transaction that has reached the disk when this returns; what it wrote is taken back if it
    /// stops.
    fn write<T: Send + 'static>(
        &self,
        verb: impl FnOnce(&mut dyn Rows) -> Res<T> + Send + 'static,
    ) -> impl Future<Output = Res<T>> + Send;

    /// The same of a verb that stops only before it has written anything: nothing has to be taken back of it alone.
    fn write_whole<T: Send + 'static>(
        &self,
        verb: impl FnOnce(&mut dyn Rows) -> Res<T> + Send + 'static,
    ) -> impl Future<Output = Res<T>> + Send {
        self.write(verb)
    }

    /// Runs a verb that only reads, on what was committed last.
    fn read<T: Send + 'static>(
        &self,
        verb: impl FnOnce(&dyn Rows) -> Res<T> + Send + 'static,
    ) -> impl Future<Output = Res<T>> + Send;
}

fn verdict<T>(done: Res<T>) -> Result<Verdict<T>, Fault> {
    match done {
        Ok(value) => Ok(Ok(value)),
        Err(Stop::Denied(denial)) => Ok(Err(denial)),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

/// Of a verb that is never denied.
fn plain<T>(done: Res<T>) -> Result<T, Fault> {
    verdict(done)?.map_err(Fault::from)
}

#[async_trait]
impl<B: Backend> Store for B {
    async fn now(&self) -> Result<u64, Fault> {
        plain(self.read(|rows| Ok(rows.now())).await)
    }

    async fn identity(&self) -> Result<Identity, Fault> {
        plain(self.read(|rows| rows.identity()).await)
    }

    async fn admit(&self, ask: Admit) -> Result<Admission, Fault> {
        plain(self.write(move |rows| admit::admit(rows, &ask)).await)
    }

    async fn claim(&self, worker: &str, ttl: Duration, which: Which) -> Result<Verdict<Option<Run>>, Fault> {
        let worker = worker.to_owned();
        verdict(self.write(move |rows| lease::claim(rows, &worker, ttl, which)).await)
    }

    async fn renew(&self, run: RunId, fence: u64, ttl: Duration) -> Result<Verdict<Run>, Fault> {
        verdict(self.write(move |rows| lease::renew(rows, run, fence, ttl)).await)
    }

    async fn release(&self, run: RunId, fence: u64) -> Result<Verdict<()>, Fault> {
        verdict(self.write(move |rows| lease::release(rows, run, fence)).await)
    }

    async fn plan(&self, run: RunId, fence: u64, plan_hash: &str, plan: Json) -> Result<Verdict<()>, Fault> {
        let plan_hash = plan_hash.to_owned();
        verdict(self.write(move |rows| phase::plan(rows, run, fence, &plan_hash, &plan)).await)
    }

    async fn begin_first_write(&self, ask: FirstWrite) -> Result<Verdict<Step>, Fault> {
        verdict(self.write(move |rows| attempt::begin(rows, &ask.begin, Some(&ask))).await)
    }

    async fn begin(&self, ask: Begin) -> Result<Verdict<Step>, Fault> {
        verdict(self.write(move |rows| attempt::begin(rows, &ask, None)).await)
    }

    async fn add(&self, attempt: AttemptId, more: Json) -> Result<Verdict<()>, Fault> {
        verdict(self.write(move |rows| attempt::add(rows, attempt, &more)).await)
    }

    async fn end(&self, ask: End) -> Result<Verdict<Step>, Fault> {
        verdict(self.write(move |rows| end::end(rows, &ask)).await)
    }

    async fn decide_unknown(
        &self,
        attempt: AttemptId,
        actor: &str,
        decision: Decision,
    ) -> Result<Verdict<Step>, Fault> {
        let actor = actor.to_owned();
        verdict(self.write(move |rows| end::decide_unknown(rows, attempt, &actor, decision)).await)
    }

    async fn advance(&self, ask: Advance) -> Result<Verdict<Run>, Fault> {
        verdict(self.write(move |rows| phase::advance(rows, &ask)).await)
    }

    async fn finish(&self, ask: Finish) -> Result<Verdict<Run>, Fault> {
        verdict(self.write(move |rows| phase::finish(rows, &ask)).await)
    }

    async fn note(&self, run: RunId, actor: &str, notes: Vec<(String, Json)>) -> Result<(), Fault> {
        let actor = actor.to_owned();
        plain(self.write(move |rows| list::note(rows, run, &actor, &notes)).await)
    }

    async fn due(&self) -> Result<Due, Fault> {
        plain(self.write(phase::due).await)
    }

    async fn tell(&self, ask: Tell) -> Result<MailId, Fault> {
        plain(self.write(move |rows| outbox::tell(rows, &ask)).await)
    }

    async fn take(&self, ask: Take) -> Result<Vec<OutboxRow>, Fault> {
        plain(self.write(move |rows| outbox::take(rows, &ask)).await)
    }

    async fn sent(&self, mail: MailId, sent: Sent) -> Result<Verdict<OutboxRow>, Fault> {
        verdict(self.write(move |rows| outbox::sent(rows, mail, &sent)).await)
    }

    async fn acknowledged(&self, dedup_key: &str) -> Result<usize, Fault> {
        let dedup_key = dedup_key.to_owned();
        plain(self.write(move |rows| outbox::acknowledged(rows, &dedup_key)).await)
    }

    async fn suspend(&self, ask: Suspend) -> Result<GuardRow, Fault> {
        plain(self.write(move |rows| suspend::suspend(rows, &ask)).await)
    }

    async fn lift(&self, guard: Guard, scope: &str, actor: &str) -> Result<bool, Fault> {
        let (scope, actor) = (scope.to_owned(), actor.to_owned());
        plain(self.write(move |rows| suspend::lift(rows, guard, &scope, &actor)).await)
    }

    async fn ask(&self, ask: Ask) -> Result<Verdict<Approval>, Fault> {
        verdict(self.write(move |rows| approval::ask(rows, &ask)).await)
    }

    async fn decide(
        &self,
        approval: ApprovalId,
        plan_hash: &str,
        yes: bool,
        actor: &str,
    ) -> Result<Verdict<Approval>, Fault> {
        let (plan_hash, actor) = (plan_hash.to_owned(), actor.to_owned());
        verdict(self.write(move |rows| approval::decide(rows, approval, &plan_hash, yes, &actor)).await)
    }

    async fn cancel(&self, run: RunId, actor: &str) -> Result<Verdict<Run>, Fault> {
        let actor = actor.to_owned();
        verdict(self.write(move |rows| person::cancel(rows, run, &actor)).await)
    }

    async fn reopen(&self, run: RunId, actor: &str, escalate_in: Option<Duration>) -> Result<Verdict<Run>, Fault> {
        let actor = actor.to_owned();
        verdict(self.write(move |rows| person::reopen(rows, run, &actor, escalate_in)).await)
    }

    async fn close(&self, run: RunId, state: RunState, actor: &str, reason: &str) -> Result<Verdict<Run>, Fault> {
        let (actor, reason) = (actor.to_owned(), reason.to_owned());
        verdict(self.write(move |rows| person::close(rows, run, state, &actor, &reason)).await)
    }

    async fn resolved(&self, fingerprint: &str) -> Result<Vec<RunId>, Fault> {
        let fingerprint = fingerprint.to_owned();
        plain(self.write(move |rows| list::resolved(rows, &fingerprint)).await)
    }

    async fn run(&self, run: RunId) -> Result<Option<Story>, Fault> {
        plain(self.read(move |rows| list::story(rows, run)).await)
    }

    async fn runs(&self, filter: Filter) -> Result<Vec<Run>, Fault> {
        plain(self.read(move |rows| list::runs(rows, filter)).await)
    }

    async fn events(&self, run: RunId) -> Result<Vec<Event>, Fault> {
        plain(self.read(move |rows| rows.events(run)).await)
    }

    async fn guards(&self) -> Result<Vec<GuardRow>, Fault> {
        plain(self.read(|rows| rows.guards()).await)
    }

    async fn mails(&self, which: Mails) -> Result<Vec<OutboxRow>, Fault> {
        plain(self.read(move |rows| list::mails(rows, &which)).await)
    }

    async fn inbox(&self, max: usize) -> Result<Vec<InboxRow>, Fault> {
        plain(self.read(move |rows| rows.alerts(max)).await)
    }

    async fn receive(&self, alerts: Vec<Incoming>) -> Result<Vec<Received>, Fault> {
        plain(self.write_whole(move |rows| intake::receive(rows, &alerts)).await)
    }

    async fn undecided(&self, max: usize) -> Result<Vec<Waiting>, Fault> {
        plain(self.read(move |rows| intake::undecided(rows, max)).await)
    }

    async fn judge(&self, ask: Judge) -> Result<InboxRow, Fault> {
        plain(self.write_whole(move |rows| intake::judge(rows, &ask)).await)
    }

    async fn backlog(&self, most: usize) -> Result<Backlog, Fault> {
        plain(self.read(move |rows| intake::backlog(rows, most)).await)
    }

    async fn decisions(&self, inbox: InboxId) -> Result<Vec<DecisionRow>, Fault> {
        plain(self.read(move |rows| rows.decisions(inbox)).await)
    }

    async fn alerts_of(&self, fingerprint: &str, max: usize) -> Result<Vec<InboxRow>, Fault> {
        let fingerprint = fingerprint.to_owned();
        plain(self.read(move |rows| rows.alerts_of(&fingerprint, max)).await)
    }

    async fn playbook(&self, revision: &str) -> Result<Option<String>, Fault> {
        let revision = revision.to_owned();
        plain(self.read(move |rows| rows.playbook(&revision)).await)
    }

    async fn beat(&self, worker: &str, boot_id: &str) -> Result<(), Fault> {
        let (worker, boot_id) = (worker.to_owned(), boot_id.to_owned());
        plain(self.write(move |rows| rows.beat(&worker, &boot_id)).await)
    }

    async fn retain(&self, keep: Retention) -> Result<Dropped, Fault> {
        plain(self.write(move |rows| retain::retain(rows, &keep)).await)
    }

    async fn hand_begin(&self, ask: HandBegin) -> Result<Verdict<Step>, Fault> {
        verdict(self.write(move |rows| hand::begin(rows, &ask)).await)
    }

    async fn hand_end(&self, attempt: AttemptId, ended: Ended) -> Result<Verdict<Step>, Fault> {
        verdict(self.write(move |rows| hand::end(rows, attempt, &ended)).await)
    }

    async fn hand_open(&self) -> Result<Vec<Open>, Fault> {
        plain(self.read(list::open).await)
    }
}
