//! The model: the same rows in memory. What tests hold every other store against; nothing outlives the process.

mod runs;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::backend::Backend;
use super::clock::{StoreClock, Ticks};
use super::event::Event;
use super::model::{
    Approval, ApprovalId, AttemptId, DecisionRow, GuardRow, Identity, InboxId, InboxRow, Incident, IncidentId, MailId,
    OutboxRow, Run, RunId, Step,
};
use super::rows::{Res, Rows};
use super::words::MailState;

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
