//! Runs, what was tried in them, and what happened.

use super::Tables;
use crate::store::event::Event;
use crate::store::model::{AttemptId, IncidentId, OutboxRow, Run, RunId, Step};
use crate::store::rows::{Res, RunRows};
use crate::store::words::{MailState, RunState};

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
