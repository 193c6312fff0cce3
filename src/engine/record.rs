//! What the record says of a playbook: the evidence for letting it go further by itself, and whether it may at all.

use ira_commands::Fault;
use ira_commands::playbook::{Mode, Playbook};
use serde_json::Value as Json;

use super::past::Asked;
use crate::drill::{self, Last};
use crate::store::ask::Filter;
use crate::store::event::What;
use crate::store::model::{Run, RunId};
use crate::store::{Guard, RunState, Store};

/// How far a playbook goes by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The rung: what the operator says, else its file; no further than `approve` where it is demoted.
    pub rung: Mode,
    /// What the operator or the file says.
    pub set: Mode,
    /// Why it does not go on by itself, where it does not.
    pub demoted: Option<String>,
}

/// The rung on which a playbook stands. `set` is the operator's word, where there is one.
pub async fn standing(store: &dyn Store, playbook: &Playbook, set: Option<Mode>) -> Result<Standing, Fault> {
    let key = format!("{}:{}", Guard::Demoted, playbook.name.text);
    let rows = store.guards().await?;
    let row = rows.iter().find(|row| row.key == key);
    let demoted = row.map(|row| row.state["reason"].as_str().unwrap_or("a person said so").to_owned());
    let set = set.unwrap_or(playbook.mode);
    let rung = if demoted.is_some() { set.min(Mode::Approve) } else { set };
    Ok(Standing { rung, set, demoted })
}

/// How the runs of a playbook ended. Those by other revisions count for nothing: another text is another playbook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs that ended.
    pub runs: usize,
    /// Those that changed something, and were seen to have helped.
    pub verified: usize,
    /// Those of them in a row at the end: none after them did not help.
    pub in_a_row: usize,
    /// Those that changed something, and did not help.
    pub unhelpful: usize,
}

impl Tally {
    /// Counts; `runs` are newest first, of any playbook.
    pub fn of(runs: &[Run], playbook: &Playbook) -> Self {
        let mut tally = Self::default();
        for run in runs.iter().rev().filter(|run| counts(run, playbook)) {
            tally.runs += 1;
            match (run.first_write_at, run.state) {
                (None, _) | (_, RunState::Cancelled) => {}
                (Some(_), RunState::Succeeded) => {
                    tally.verified += 1;
                    tally.in_a_row += 1;
                }
                _ => {
                    tally.unhelpful += 1;
                    tally.in_a_row = 0;
                }
            }
        }
        tally
    }
}

/// Whether a run is one of this very playbook, and has ended.
fn counts(run: &Run, playbook: &Playbook) -> bool {
    run.playbook.as_deref() == Some(&playbook.name.text)
        && run.revision.as_deref() == Some(&playbook.revision)
        && run.state.terminal()
}

/// What the runs of a playbook came to. Those by other revisions count for nothing: another text is another playbook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// How those of this revision ended.
    pub tally: Tally,
    /// Plans that were made, and went no further on their rung.
    pub rehearsed: usize,
    /// Plans that a person agreed to.
    pub agreed: usize,
    /// Plans that a person refused.
    pub refused: usize,
    /// Runs for an alert that had come back.
    pub again: usize,
    /// The newest run, of any revision: where it is written down who promoted it.
    pub newest: Option<RunId>,
    /// The last promotion: to which rung, by whom and why.
    pub promoted: Option<Json>,
    /// The last drill of this revision.
    pub drill: Option<Last>,
}

impl Record {
    /// Reads it.
    pub async fn of(store: &dyn Store, playbook: &Playbook) -> Result<Self, Fault> {
        let name = playbook.name.text.as_str();
        let mut record = Self::default();
        let all = store.runs(Filter::All).await?;
        record.tally = Tally::of(&all, playbook);
        record.drill = drill::last(store, &all).await?.remove(name).filter(|last| last.revision == playbook.revision);
        let mut seen = std::collections::BTreeSet::new();
        // Newest first.
        let runs: Vec<&Run> = all.iter().filter(|run| run.playbook.as_deref() == Some(name)).collect();
        record.newest = runs.first().map(|run| run.id);
        for run in runs.iter().rev() {
            for event in store.events(run.id).await? {
                if let (What::Noted { sort, matter }, actor) = (event.what, event.actor)
                    && sort == PROMOTED
                {
                    let mut matter = matter;
                    matter["by"] = Json::from(actor);
                    record.promoted = Some(matter);
                }
            }
            if counts(run, playbook) {
                record.count(store, run).await?;
                if run.first_write_at.is_some() && !run.locks.is_empty() && !seen.insert(run.locks.clone()) {
                    record.again += 1;
                }
            }
        }
        Ok(record)
    }

    async fn count(&mut self, store: &dyn Store, run: &Run) -> Result<(), Fault> {
        let rung = Asked::of(run).map(|asked| asked.rung).ok();
        if run.plan_hash.is_some() && rung.is_some_and(|rung| rung <= Mode::Suggest) {
            self.rehearsed += 1;
        }
        for approval in store.run(run.id).await?.into_iter().flat_map(|story| story.approvals) {
            match approval.decision {
                Some(true) => self.agreed += 1,
                Some(false) => self.refused += 1,
                None => {}
            }
        }
        Ok(())
    }
}

/// The sort of the note that says who promoted a playbook.
pub(super) const PROMOTED: &str = "promoted";

/// Lets a playbook go further again: what kept it from going on by itself is lifted, and it is written down with its newest
/// run who said so, and on what.
pub async fn promote(store: &dyn Store, playbook: &Playbook, actor: &str, matter: Json) -> Result<bool, Fault> {
    let name = &playbook.name.text;
    if let Some(run) = Record::of(store, playbook).await?.newest {
        store.note(run, actor, vec![(PROMOTED.to_owned(), matter)]).await?;
    }
    store.lift(Guard::Demoted, name, actor).await
}
