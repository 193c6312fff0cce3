//! Runs, steps and events in SQLite.

use super::map::{self, select};
use super::tx::{Columns, Desk, effect, id, int, json, list, maybe_int, reach};
use crate::store::event::Event;
use crate::store::model::{AttemptId, IncidentId, Run, RunId, Step};
use crate::store::rows::{Res, RunRows};

impl RunRows for Desk<'_> {
    fn now(&self) -> u64 {
        self.now.get()
    }

    fn run(&self, id: RunId) -> Res<Option<Run>> {
        self.one(select!(run "WHERE id = ?1"), &[&int(id.0)], map::run)
    }

    fn run_of_key(&self, key: &str) -> Res<Option<RunId>> {
        Ok(self.one("SELECT id FROM run WHERE key = ?1", &[&key], id)?.map(RunId))
    }

    fn active_run(&self, incident: IncidentId, playbook: &str) -> Res<Option<RunId>> {
        let sql = "SELECT id FROM run WHERE incident_id = ?1 AND playbook = ?2 AND ended_at IS NULL";
        Ok(self.one(sql, &[&int(incident.0), &playbook], id)?.map(RunId))
    }

    fn claimable(&self) -> Res<Option<RunId>> {
        let sql = "SELECT id FROM run WHERE ended_at IS NULL AND claimable = 1 AND wake_at <= ?1 \
                   AND state <> 'needs_human' AND (owner IS NULL OR lease_until <= ?1) ORDER BY wake_at, id LIMIT 1";
        Ok(self.one(sql, &[&int(self.now())], id)?.map(RunId))
    }

    fn late(&self) -> Res<Vec<RunId>> {
        let sql = "SELECT id FROM run WHERE ended_at IS NULL AND no_more_writes = 0 AND escalate_by <= ?1 ORDER BY id";
        Ok(self.many(sql, &[&int(self.now())], id)?.into_iter().map(RunId).collect())
    }

    fn next_due(&self) -> Res<Option<u64>> {
        let sql = "SELECT min(at) FROM (\
                   SELECT min(max(wake_at, lease_until)) AS at FROM run \
                   WHERE ended_at IS NULL AND claimable = 1 AND state <> 'needs_human' AND wake_at IS NOT NULL \
                   UNION ALL SELECT min(escalate_by) FROM run WHERE ended_at IS NULL AND no_more_writes = 0)";
        Ok(self.one(sql, &[], |row| Columns::of(row).maybe_int())?.flatten())
    }

    fn runs(&self, active: bool) -> Res<Vec<Run>> {
        if active {
            self.many(select!(run "WHERE ended_at IS NULL ORDER BY id DESC"), &[], map::run)
        } else {
            self.many(select!(run "ORDER BY id DESC"), &[], map::run)
        }
    }

    fn runs_of_page(&self, page: &str) -> Res<Vec<Run>> {
        self.many(select!(run "WHERE page = ?1 ORDER BY id"), &[&page], map::run)
    }

    fn runs_of_incident(&self, incident: IncidentId) -> Res<Vec<Run>> {
        self.many(select!(run "WHERE incident_id = ?1 ORDER BY id"), &[&int(incident.0)], map::run)
    }

    fn ended(&self, until: u64) -> Res<Vec<RunId>> {
        let sql = "SELECT id FROM run WHERE ended_at <= ?1 ORDER BY ended_at, id";
        Ok(self.many(sql, &[&int(until)], id)?.into_iter().map(RunId).collect())
    }

    fn insert_run(&mut self, run: &mut Run) -> Res<()> {
        let sql = "INSERT INTO run (key, incident_id, inbox_id, playbook, revision, title, params, asked_by, claimable, \
                   page, admitted_at, plan_hash, state, phase, cursor, fence, owner, lease_until, wake_at, escalate_by, \
                   no_more_writes, cancelled_by, first_write_at, locks, ended_at, note, seq, head) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, \
                   ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28)";
        run.id = RunId(self.insert(
            sql,
            &[
                &run.key,
                &run.incident.map(|id| int(id.0)),
                &run.inbox.map(|id| int(id.0)),
                &run.playbook,
                &run.revision,
                &run.title,
                &json(&run.params),
                &run.by,
                &run.claimable,
                &run.page,
                &int(run.admitted_at),
                &run.plan_hash,
                &run.state.word(),
                &run.phase.word(),
                &run.cursor,
                &int(run.fence),
                &run.owner,
                &int(run.lease_until),
                &maybe_int(run.wake_at),
                &maybe_int(run.escalate_by),
                &run.no_more_writes,
                &run.cancelled_by,
                &maybe_int(run.first_write_at),
                &list(&run.locks),
                &maybe_int(run.ended_at),
                &run.note,
                &int(run.seq),
                &run.head,
            ],
        )?);
        Ok(())
    }

    fn put_run(&mut self, run: &Run) -> Res<()> {
        // The columns that indexes stand on apart, and only where they differ: most verbs change none of them.
        let due = "UPDATE run SET wake_at = ?2, escalate_by = ?3, no_more_writes = ?4, ended_at = ?5 WHERE id = ?1 \
                   AND (wake_at IS NOT ?2 OR escalate_by IS NOT ?3 OR no_more_writes IS NOT ?4 OR ended_at IS NOT ?5)";
        self.run(
            due,
            &[
                &int(run.id.0),
                &maybe_int(run.wake_at),
                &maybe_int(run.escalate_by),
                &run.no_more_writes,
                &maybe_int(run.ended_at),
            ],
        )?;
        let rest = "UPDATE run SET plan_hash = ?2, state = ?3, phase = ?4, cursor = ?5, fence = ?6, owner = ?7, \
                    lease_until = ?8, cancelled_by = ?9, first_write_at = ?10, locks = ?11, note = ?12, seq = ?13, \
                    head = ?14 WHERE id = ?1";
        self.run(
            rest,
            &[
                &int(run.id.0),
                &run.plan_hash,
                &run.state.word(),
                &run.phase.word(),
                &run.cursor,
                &int(run.fence),
                &run.owner,
                &int(run.lease_until),
                &run.cancelled_by,
                &maybe_int(run.first_write_at),
                &list(&run.locks),
                &run.note,
                &int(run.seq),
                &run.head,
            ],
        )?;
        Ok(())
    }

    fn drop_run(&mut self, id: RunId) -> Res<()> {
        let id = int(id.0);
        self.run("DELETE FROM step WHERE run_id = ?1", &[&id])?;
        self.run("DELETE FROM event WHERE run_id = ?1", &[&id])?;
        self.run("DELETE FROM approval WHERE run_id = ?1", &[&id])?;
        self.run("DELETE FROM outbox WHERE run_id = ?1 AND state NOT IN ('armed', 'pending')", &[&id])?;
        self.run("DELETE FROM run WHERE id = ?1", &[&id])?;
        Ok(())
    }

    fn step(&self, id: AttemptId) -> Res<Option<Step>> {
        self.one(select!(step "WHERE attempt_id = ?1"), &[&int(id.0)], map::step)
    }

    fn attempts(&self, run: RunId, path: &str) -> Res<Vec<Step>> {
        let sql = select!(step "WHERE run_id = ?1 AND path = ?2 ORDER BY attempt");
        self.many(sql, &[&int(run.0), &path], map::step)
    }

    fn steps(&self, run: RunId) -> Res<Vec<Step>> {
        self.many(select!(step "WHERE run_id = ?1 ORDER BY attempt_id"), &[&int(run.0)], map::step)
    }

    fn open_steps(&self, run: Option<RunId>) -> Res<Vec<Step>> {
        let Some(run) = run else {
            return self.many(
                select!(step "WHERE state IN ('started', 'unknown') ORDER BY attempt_id"),
                &[],
                map::step,
            );
        };
        let sql = select!(step "WHERE run_id = ?1 AND state IN ('started', 'unknown') ORDER BY attempt_id");
        self.many(sql, &[&int(run.0)], map::step)
    }

    fn insert_step(&mut self, step: &mut Step) -> Res<()> {
        let sql = "INSERT INTO step (run_id, path, attempt, effect, reach, undo, state, effect_key, fence, started_at, \
                   deadline, ended_at, begun, added, exit, output_ref) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
        step.id = AttemptId(self.insert(
            sql,
            &[
                &int(step.run.0),
                &step.path,
                &step.attempt,
                &effect(step.effect),
                &reach(step.reach),
                &step.undo,
                &step.state.word(),
                &step.effect_key,
                &int(step.fence),
                &int(step.started_at),
                &int(step.deadline),
                &maybe_int(step.ended_at),
                &json(&step.begun),
                &list(&step.added),
                &json(&step.exit),
                &step.output_ref,
            ],
        )?);
        Ok(())
    }

    fn put_step(&mut self, step: &Step) -> Res<()> {
        let sql = "UPDATE step SET state = ?2, ended_at = ?3, added = ?4, exit = ?5, output_ref = ?6 \
                   WHERE attempt_id = ?1";
        let ended = maybe_int(step.ended_at);
        let (added, exit) = (list(&step.added), json(&step.exit));
        self.run(sql, &[&int(step.id.0), &step.state.word(), &ended, &added, &exit, &step.output_ref])?;
        Ok(())
    }

    fn append(&mut self, event: &Event, text: &str) -> Res<()> {
        let sql = "INSERT INTO event (run_id, seq, at, actor, what, prev_hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let at = int(event.at);
        self.run(sql, &[&int(event.run.0), &int(event.seq), &at, &event.actor, &text, &event.prev_hash])?;
        Ok(())
    }

    fn events(&self, run: RunId) -> Res<Vec<Event>> {
        let sql = "SELECT run_id, seq, at, actor, what, prev_hash FROM event WHERE run_id = ?1 ORDER BY seq";
        self.many(sql, &[&int(run.0)], map::event)
    }
}
