//! The model: the same rows in memory. What tests hold every other store against; nothing outlives the process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::backend::Backend;
use super::clock::{StoreClock, Ticks};
use super::event::Event;
use super::model::{
    Approval, ApprovalId, AttemptId, DecisionRow, GuardRow, Identity, InboxId, InboxRow, Incident, IncidentId, MailId,
    OutboxRow, Run, RunId, Step,
};
use super::rows::{Res, Rows, RunRows};
use super::words::{MailState, RunState};

/// The numbers of runs in a copy begin behind this.
const ELSEWHERE: u64 = 1 << 62;

/// A store in memory.
pub struct Memory {
    tables: Mutex<Tables>,
    clock: StoreClock,
}

#[derive(Clone, Default)]
struct Tables {
    now: u64,
    high_water: u64,
    inbox: BTreeMap<InboxId, InboxRow>,
    decisions: BTreeMap<InboxId, Vec<DecisionRow>>,
    incidents: BTreeMap<IncidentId, Incident>,
    playbooks: BTreeMap<String, String>,
    runs: BTreeMap<RunId, Run>,
    steps: BTreeMap<AttemptId, Step>,
    events: BTreeMap<(RunId, u64), Event>,
    approvals: BTreeMap<ApprovalId, Approval>,
    guards: BTreeMap<String, GuardRow>,
    outbox: BTreeMap<MailId, OutboxRow>,
    workers: BTreeMap<String, (String, u64)>,
    /// How many rows each numbered table ever had: a number is not given twice.
    numbers: BTreeMap<&'static str, u64>,
}

impl Memory {
    /// An empty one.
    pub fn new(ticks: Arc<dyn Ticks>) -> Self {
        Self { tables: Mutex::default(), clock: StoreClock::start(ticks, 0) }
    }

    /// A copy of what guards count, to try something on. Its runs have numbers that no run of the original has.
    pub fn of_guards(ticks: Arc<dyn Ticks>, guards: Vec<GuardRow>) -> Self {
        let memory = Self::new(ticks);
        {
            let mut tables = memory.tables.lock().unwrap_or_else(PoisonError::into_inner);
            tables.numbers.insert("run", ELSEWHERE);
            tables.guards = guards.into_iter().map(|row| (row.key.clone(), row)).collect();
        }
        memory
    }

    fn with<T>(&self, verb: impl FnOnce(&mut Tables) -> Res<T>, keep: bool) -> Res<T> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        // On a copy: a verb that stops leaves nothing behind.
        let mut copy = tables.clone();
        copy.now = self.clock.now(tables.high_water);
        let done = verb(&mut copy)?;
        if keep {
            copy.high_water = copy.now;
            *tables = copy;
        }
        Ok(done)
    }
}

impl Backend for Memory {
    async fn write<T: Send + 'static>(&self, verb: impl FnOnce(&mut dyn Rows) -> Res<T> + Send + 'static) -> Res<T> {
        self.with(|tables| verb(tables), true)
    }

    async fn read<T: Send + 'static>(&self, verb: impl FnOnce(&dyn Rows) -> Res<T> + Send + 'static) -> Res<T> {
        self.with(|tables| verb(tables), false)
    }
}

impl Tables {
    fn number(&mut self, table: &'static str) -> u64 {
        let last = self.numbers.entry(table).or_default();
        *last += 1;
        *last
    }

    fn steps_where(&self, wanted: impl Fn(&Step) -> bool) -> Vec<Step> {
        self.steps.values().filter(|step| wanted(step)).cloned().collect()
    }
}

impl RunRows for Tables {
    fn now(&self) -> u64 {
        self.now
    }

    fn run(&self, id: RunId) -> Res<Option<Run>> {
        Ok(self.runs.get(&id).cloned())
    }

    fn run_of_key(&self, key: &str) -> Res<Option<RunId>> {
        Ok(self.runs.values().find(|run| run.key == key).map(|run| run.id))
    }

    fn active_run(&self, incident: IncidentId, playbook: &str) -> Res<Option<RunId>> {
        let active = |run: &&Run| {
            run.incident == Some(incident) && run.playbook.as_deref() == Some(playbook) && !run.state.terminal()
        };
        Ok(self.runs.values().find(active).map(|run| run.id))
    }

    fn claimable(&self) -> Res<Option<RunId>> {
        let due = self.runs.values().filter(|run| {
            run.claimable
                && !run.state.terminal()
                && run.state != RunState::NeedsHuman
                && run.wake_at.is_some_and(|at| at <= self.now)
                && (run.owner.is_none() || run.lease_until <= self.now)
        });
        Ok(due.min_by_key(|run| (run.wake_at, run.id)).map(|run| run.id))
    }

    fn late(&self) -> Res<Vec<RunId>> {
        let late = self.runs.values().filter(|run| {
            !run.state.terminal() && !run.no_more_writes && run.escalate_by.is_some_and(|at| at <= self.now)
        });
        Ok(late.map(|run| run.id).collect())
    }

    fn next_due(&self) -> Res<Option<u64>> {
        let active = self.runs.values().filter(|run| !run.state.terminal());
        let times = active.flat_map(|run| {
            let free = run.claimable && run.state != RunState::NeedsHuman;
            let wake = run.wake_at.filter(|_| free).map(|at| at.max(run.lease_until));
            [wake, run.escalate_by.filter(|_| !run.no_more_writes)]
        });
        Ok(times.flatten().min())
    }

    fn runs(&self, active: bool) -> Res<Vec<Run>> {
        Ok(self.runs.values().rev().filter(|run| !active || !run.state.terminal()).cloned().collect())
    }

    fn runs_of_page(&self, page: &str) -> Res<Vec<Run>> {
        Ok(self.runs.values().filter(|run| run.page == page).cloned().collect())
    }

    fn runs_of_incident(&self, incident: IncidentId) -> Res<Vec<Run>> {
        Ok(self.runs.values().filter(|run| run.incident == Some(incident)).cloned().collect())
    }

    fn ended(&self, until: u64) -> Res<Vec<RunId>> {
        let mut ended: Vec<(u64, RunId)> =
            self.runs.values().filter_map(|run| Some((run.ended_at.filter(|at| *at <= until)?, run.id))).collect();
        ended.sort_unstable();
        Ok(ended.into_iter().map(|(_, id)| id).collect())
    }

    fn insert_run(&mut self, run: &mut Run) -> Res<()> {
        run.id = RunId(self.number("run"));
        self.put_run(run)
    }

    fn put_run(&mut self, run: &Run) -> Res<()> {
        self.runs.insert(run.id, run.clone());
        Ok(())
    }

    fn drop_run(&mut self, id: RunId) -> Res<()> {
        self.runs.remove(&id);
        self.steps.retain(|_, step| step.run != id);
        self.events.retain(|(run, _), _| *run != id);
        self.approvals.retain(|_, approval| approval.run != id);
        let waits = |row: &OutboxRow| matches!(row.state, MailState::Armed | MailState::Pending);
        self.outbox.retain(|_, row| row.run != Some(id) || waits(row));
        Ok(())
    }

    fn step(&self, id: AttemptId) -> Res<Option<Step>> {
        Ok(self.steps.get(&id).cloned())
    }

    fn attempts(&self, run: RunId, path: &str) -> Res<Vec<Step>> {
        Ok(self.steps_where(|step| step.run == run && step.path == path))
    }

    fn steps(&self, run: RunId) -> Res<Vec<Step>> {
        Ok(self.steps_where(|step| step.run == run))
    }

    fn open_steps(&self, run: Option<RunId>) -> Res<Vec<Step>> {
        Ok(self.steps_where(|step| step.state.is_open() && run.is_none_or(|run| step.run == run)))
    }

    fn insert_step(&mut self, step: &mut Step) -> Res<()> {
        step.id = AttemptId(self.number("step"));
        self.put_step(step)
    }

    fn put_step(&mut self, step: &Step) -> Res<()> {
        self.steps.insert(step.id, step.clone());
        Ok(())
    }

    fn append(&mut self, event: &Event, _text: &str) -> Res<()> {
        self.events.insert((event.run, event.seq), event.clone());
        Ok(())
    }

    fn events(&self, run: RunId) -> Res<Vec<Event>> {
        Ok(self.events.range((run, 0)..=(run, u64::MAX)).map(|(_, event)| event.clone()).collect())
    }
}

impl Rows for Tables {
    fn identity(&self) -> Res<Identity> {
        Ok(Identity { cluster_id: "memory".to_owned(), store_epoch: 1, high_water: self.high_water })
    }

    fn bytes(&self) -> Res<Option<u64>> {
        Ok(None)
    }

    fn guard(&self, key: &str) -> Res<Option<GuardRow>> {
        Ok(self.guards.get(key).cloned())
    }

    fn guards(&self) -> Res<Vec<GuardRow>> {
        Ok(self.guards.values().cloned().collect())
    }

    fn guards_of(&self, run: RunId) -> Res<Vec<GuardRow>> {
        Ok(self.guards.values().filter(|row| row.run == Some(run)).cloned().collect())
    }

    fn put_guard(&mut self, guard: &GuardRow) -> Res<()> {
        self.guards.insert(guard.key.clone(), guard.clone());
        Ok(())
    }

    fn drop_guard(&mut self, key: &str) -> Res<()> {
        self.guards.remove(key);
        Ok(())
    }

    fn alert(&self, source: &str, delivery_id: &str) -> Res<Option<InboxRow>> {
        Ok(self.inbox.values().find(|row| row.source == source && row.delivery_id == delivery_id).cloned())
    }

    fn alert_of(&self, id: InboxId) -> Res<Option<InboxRow>> {
        Ok(self.inbox.get(&id).cloned())
    }

    fn alerts(&self, max: usize) -> Res<Vec<InboxRow>> {
        Ok(self.inbox.values().rev().take(max).cloned().collect())
    }

    fn is_alone(&self, row: &InboxRow) -> Res<bool> {
        Ok(!self.inbox.values().any(|other| other.fingerprint == row.fingerprint && other.id != row.id))
    }

    fn alerts_of(&self, fingerprint: &str, max: usize) -> Res<Vec<InboxRow>> {
        Ok(self.inbox.values().rev().filter(|row| row.fingerprint == fingerprint).take(max).cloned().collect())
    }

    fn alerts_due(&self, until: u64, max: usize) -> Res<Vec<InboxRow>> {
        let mut due: Vec<&InboxRow> =
            self.inbox.values().filter(|row| row.look_at.is_some_and(|at| at <= until)).collect();
        due.sort_by_key(|row| (row.look_at, row.id));
        Ok(due.into_iter().take(max).cloned().collect())
    }

    fn count_due(&self, until: u64, most: usize) -> Res<(u64, Option<u64>, Option<u64>)> {
        let times = || self.inbox.values().filter_map(|row| row.look_at);
        let due = times().filter(|at| *at <= until).take(most).count();
        let first = times().filter(|at| *at <= until).min();
        Ok((due as u64, first, times().filter(|at| *at > until).min()))
    }

    fn paged(&self, group_key: &str) -> Res<bool> {
        Ok(self.inbox.values().any(|row| row.group_key == group_key && row.state.starts_with("paged")))
    }

    fn add_decision(&mut self, id: InboxId, at: u64, what: &str) -> Res<()> {
        self.decisions.entry(id).or_default().push(DecisionRow { at, what: what.to_owned() });
        Ok(())
    }

    fn decisions(&self, id: InboxId) -> Res<Vec<DecisionRow>> {
        Ok(self.decisions.get(&id).cloned().unwrap_or_default())
    }

    fn insert_alert(&mut self, row: &mut InboxRow) -> Res<bool> {
        if self.alert(&row.source, &row.delivery_id)?.is_some() {
            return Ok(false);
        }
        row.id = InboxId(self.number("inbox"));
        self.put_alert(row)?;
        Ok(true)
    }

    fn put_decided(&mut self, row: &InboxRow) -> Res<()> {
        self.put_alert(row)
    }

    fn put_alert(&mut self, row: &InboxRow) -> Res<()> {
        self.inbox.insert(row.id, row.clone());
        Ok(())
    }

    fn drop_alerts(&mut self, until: u64) -> Res<u64> {
        let before = self.inbox.len();
        let runs = &self.runs;
        self.inbox.retain(|id, row| {
            row.last_seen > until || row.look_at.is_some() || runs.values().any(|run| run.inbox == Some(*id))
        });
        let inbox = &self.inbox;
        self.decisions.retain(|id, _| inbox.contains_key(id));
        self.incidents.retain(|id, incident| {
            incident.open || incident.last > until || runs.values().any(|run| run.incident == Some(*id))
        });
        self.playbooks.retain(|revision, _| runs.values().any(|run| run.revision.as_ref() == Some(revision)));
        Ok((before - self.inbox.len()) as u64)
    }

    fn open_incident(&self, fingerprint: &str) -> Res<Option<Incident>> {
        Ok(self.incidents.values().find(|incident| incident.open && incident.fingerprint == fingerprint).cloned())
    }

    fn insert_incident(&mut self, incident: &mut Incident) -> Res<()> {
        incident.id = IncidentId(self.number("incident"));
        self.put_incident(incident)
    }

    fn put_incident(&mut self, incident: &Incident) -> Res<()> {
        self.incidents.insert(incident.id, incident.clone());
        Ok(())
    }

    fn playbook(&self, revision: &str) -> Res<Option<String>> {
        Ok(self.playbooks.get(revision).cloned())
    }

    fn put_playbook(&mut self, revision: &str, text: &str) -> Res<()> {
        self.playbooks.entry(revision.to_owned()).or_insert_with(|| text.to_owned());
        Ok(())
    }

    fn approval(&self, id: ApprovalId) -> Res<Option<Approval>> {
        Ok(self.approvals.get(&id).cloned())
    }

    fn approvals(&self, run: RunId) -> Res<Vec<Approval>> {
        Ok(self.approvals.values().filter(|approval| approval.run == run).cloned().collect())
    }

    fn insert_approval(&mut self, approval: &mut Approval) -> Res<()> {
        approval.id = ApprovalId(self.number("approval"));
        self.put_approval(approval)
    }

    fn put_approval(&mut self, approval: &Approval) -> Res<()> {
        self.approvals.insert(approval.id, approval.clone());
        Ok(())
    }

    fn mail(&self, id: MailId) -> Res<Option<OutboxRow>> {
        Ok(self.outbox.get(&id).cloned())
    }

    fn mail_of_key(&self, key: &str) -> Res<Option<OutboxRow>> {
        Ok(self.outbox.values().find(|row| row.key == key).cloned())
    }

    fn mails_of(&self, dedup_key: &str) -> Res<Vec<OutboxRow>> {
        Ok(self.outbox.values().filter(|row| row.dedup_key == dedup_key).cloned().collect())
    }

    fn mails_about(&self, run: RunId, dedup_key: &str) -> Res<Vec<OutboxRow>> {
        let about = |row: &&OutboxRow| row.dedup_key == dedup_key || row.run == Some(run);
        Ok(self.outbox.values().filter(about).cloned().collect())
    }

    fn mails(&self, pending: bool) -> Res<Vec<OutboxRow>> {
        Ok(self.outbox.values().filter(|row| !pending || row.state == MailState::Pending).cloned().collect())
    }

    fn insert_mail(&mut self, row: &mut OutboxRow) -> Res<()> {
        row.id = MailId(self.number("outbox"));
        self.put_mail(row)
    }

    fn put_mail(&mut self, row: &OutboxRow) -> Res<()> {
        self.outbox.insert(row.id, row.clone());
        Ok(())
    }

    fn beat(&mut self, worker: &str, boot_id: &str) -> Res<()> {
        self.workers.insert(worker.to_owned(), (boot_id.to_owned(), self.now));
        Ok(())
    }
}
