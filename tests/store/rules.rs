//! What holds after every request, checked on what can be seen from outside.

use std::collections::{BTreeMap, BTreeSet};

use ira::store::event::{What, check, fold};
use ira::store::model::{AttemptId, MailId, RunId};
use ira::store::{Guard, Mail, MailState, RunState, StepState, Trace};
use ira_commands::Effect;
use ira_commands::effect::Reach;

use super::asks::{COOLDOWN, LIMIT, Op, Seen, WINDOW};

/// What was seen so far.
#[derive(Default)]
pub(super) struct Rules {
    fences: BTreeMap<RunId, u64>,
    mails: BTreeMap<MailId, (String, Mail, MailState)>,
    /// When runs began to write within their limits, by the cooldown's key.
    writes: Vec<(u64, String)>,
    escalated: BTreeSet<RunId>,
}

impl Rules {
    pub(super) fn check(&mut self, before: &Seen, op: &Op, said: &str, after: &Seen) {
        assert!(after.now >= before.now);
        self.runs(after);
        self.windows(before, op, said, after);
        self.pages(op, said, after);
        attempts(after);
        locks(after);
        let refused = said.starts_with("Ok(Err(") || said.starts_with("Err(");
        if refused {
            assert_eq!(before, after, "what is refused changes nothing: {op:?} {said}");
        }
        let stale = matches!(
            op,
            Op::Renew { stale: true, .. }
                | Op::Release { stale: true, .. }
                | Op::Plan { stale: true, .. }
                | Op::First { stale: true, .. }
                | Op::Begin { stale: true, .. }
                | Op::Advance { stale: true, .. }
                | Op::Finish { stale: true, .. }
        );
        let never_claimed = said.contains("no such run") || after.stories.iter().any(|story| story.run.fence == 0);
        if stale && !never_claimed && !matches!(op, Op::Finish { .. }) {
            assert!(refused, "I6: a lower fence changes nothing: {op:?} {said}");
        }
        if let (Op::End { stale: true, .. }, false) = (op, never_claimed) {
            // I6: but the attempt that it is about.
            let runs = |seen: &Seen| -> Vec<_> {
                seen.stories.iter().map(|story| (story.run.id, story.run.state, story.run.wake_at)).collect()
            };
            assert_eq!((runs(before), &before.mails), (runs(after), &after.mails));
        }
    }

    fn runs(&mut self, seen: &Seen) {
        let mut active = BTreeSet::new();
        for (story, events) in seen.stories.iter().zip(&seen.events) {
            let run = &story.run;
            check(events).unwrap_or_else(|why| panic!("I19: {why}"));
            let folded = fold(events);
            assert_eq!(
                (folded.state, folded.fence, folded.no_more_writes),
                (run.state, run.fence, run.no_more_writes),
                "I19: {events:#?}"
            );
            let steps: BTreeMap<AttemptId, StepState> = story.steps.iter().map(|step| (step.id, step.state)).collect();
            assert_eq!(folded.attempts, steps, "I19");
            assert_eq!(events.last().map_or(0, |event| event.seq), run.seq);
            let fence = self.fences.insert(run.id, run.fence).unwrap_or(0);
            assert!(run.fence == fence || run.fence == fence + 1, "I5: {fence} -> {}", run.fence);
            assert_eq!(run.state.terminal(), run.ended_at.is_some());
            if let (Some(incident), Some(playbook), false) = (run.incident, &run.playbook, run.state.terminal()) {
                assert!(active.insert((incident, playbook.clone())), "I4: two runs of {playbook} are active");
            }
        }
        let deliveries: BTreeSet<_> = seen.inbox.iter().map(|row| (&row.source, &row.delivery_id)).collect();
        assert_eq!(deliveries.len(), seen.inbox.len(), "I3");
    }

    fn windows(&mut self, before: &Seen, op: &Op, said: &str, after: &Seen) {
        let Op::First { run, guarded: true, forced: false, .. } = op else { return };
        let of = |seen: &Seen| {
            let story = seen.stories.iter().find(|story| story.run.id.0 == *run);
            story.and_then(|story| Some((story.run.title.clone(), story.run.first_write_at?)))
        };
        if of(before).is_some() || !said.starts_with("Ok(Ok(") {
            return;
        }
        let Some((title, at)) = of(after) else { return };
        let window = u64::try_from(WINDOW.as_millis()).expect("short");
        self.writes.push((at, title.clone()));
        let within = self.writes.iter().filter(|(write, _)| write + window > at).count();
        assert!(within <= LIMIT, "I13: {within} began to write in a window");
        let cooldown = u64::try_from(COOLDOWN.as_millis()).expect("short");
        let recent = self.writes.iter().filter(|(write, other)| *other == title && write + cooldown > at).count();
        assert_eq!(recent, 1, "I14: inside the cooldown of {title}");
    }

    fn pages(&mut self, op: &Op, said: &str, seen: &Seen) {
        for row in &seen.mails {
            let now = (row.dedup_key.clone(), row.mail, row.state);
            let Some((dedup_key, mail, state)) = self.mails.insert(row.id, now) else { continue };
            assert_eq!(dedup_key, row.dedup_key, "I18");
            if state == MailState::Pending && row.state != state {
                let moot = row.state == MailState::Moot && row.mail == Mail::Note;
                assert!(row.state == MailState::Accepted || moot, "I18: {mail} pending -> {}", row.state);
            }
        }
        let open = |page: &str| {
            seen.mails
                .iter()
                .any(|row| row.dedup_key == page && !matches!(row.state, MailState::Armed | MailState::Disarmed))
        };
        if let Op::Reopen { run } | Op::HandBegin { run: Some(run), .. } = op {
            self.escalated.remove(&RunId(*run));
        }
        for story in &seen.stories {
            let run = &story.run;
            let late = !run.state.terminal() && run.escalate_by.is_some_and(|at| at <= seen.now);
            if matches!(op, Op::Due) && late {
                assert!(open(&run.page) && run.no_more_writes, "I16: {run:?}");
            }
            if run.state == RunState::NeedsHuman {
                assert!(open(&run.page), "a run that needs a person has a page");
            }
        }
        if matches!(op, Op::Due) {
            let list =
                said.split_once("escalated: [").and_then(|(_, rest)| rest.split_once(']')).map_or("", |(list, _)| list);
            for id in list.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()) {
                assert!(self.escalated.insert(RunId(id)), "I20: run {id} was handed over twice");
            }
        }
    }
}

fn attempts(seen: &Seen) {
    for (story, events) in seen.stories.iter().zip(&seen.events) {
        let began: BTreeSet<AttemptId> = events
            .iter()
            .filter_map(|event| match &event.what {
                What::Began { attempt_id, .. } => Some(*attempt_id),
                _ => None,
            })
            .collect();
        for step in &story.steps {
            assert!(began.contains(&step.id), "I7: an attempt without its event");
            if step.state == StepState::Unknown && !story.run.state.terminal() {
                let paged = seen.mails.iter().any(|row| row.dedup_key == story.run.page);
                assert!(story.run.wake_at.is_some() || paged, "I10");
            }
            let later = story.steps.iter().find(|other| other.path == step.path && other.attempt == step.attempt + 1);
            if let Some(later) = later {
                if step.effect == Effect::Once {
                    assert_eq!(step.state, StepState::Failed(Trace::Nothing), "I8");
                }
                assert_ne!(step.state, StepState::Unknown, "I8: unknown is never retried");
                assert_eq!(step.effect_key, later.effect_key, "I11");
            }
        }
    }
}

/// I12: of whom it is not known what came of its write, holds its locks; a lock is a row, so two runs never do.
fn locks(seen: &Seen) {
    for story in &seen.stories {
        let write = |step: &&ira::store::model::Step| {
            step.state.is_open() && step.effect != Effect::Read && step.reach == Reach::Target
        };
        if story.steps.iter().any(|step| write(&step)) {
            for key in &story.run.locks {
                let row = seen.guards.iter().find(|row| row.key == format!("lock:{key}"));
                assert_eq!(row.and_then(|row| row.run), Some(story.run.id), "I12: {key}");
            }
        }
    }
    for row in seen.guards.iter().filter(|row| row.kind == Guard::Lock) {
        let holder = seen.stories.iter().find(|story| Some(story.run.id) == row.run).expect("a lock has a holder");
        let open = holder.steps.iter().any(|step| step.state.is_open());
        assert!(open || !holder.run.state.terminal(), "a run that is over holds nothing: {row:?}");
    }
}
