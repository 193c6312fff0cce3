//! A playbook for alerts, because a person asks: planned, and carried out once they said yes to the plan.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ira_commands::{Fault, Kind};

use super::coded;
use crate::config::Format;
use crate::daemon::{Shared, work};
use crate::engine::{Came, Engine, refused};
use crate::remediate::served::{self, Asked};
use crate::remote::wire::{Answer, Remedy, Shown};
use crate::render;
use crate::store::model::{Approval, RunId};

/// How long is waited before it is looked whether somebody has agreed.
const PAUSE: Duration = Duration::from_millis(500);
/// The exit codes of so many runs are remembered.
const MOST: usize = 1_000;

/// How runs that were asked for by hand ended: their exit codes.
#[derive(Default)]
pub(in crate::daemon) struct Ends(Mutex<BTreeMap<RunId, u8>>);

impl Ends {
    /// Of a run; none where it is not known here.
    pub fn of(&self, run: RunId) -> Option<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&run).copied()
    }

    fn keep(&self, run: RunId, code: u8) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(run, code);
        if all.len() > MOST {
            all.pop_first();
        }
    }
}

/// Plans; and where the plans were agreed to, begins.
pub(super) async fn remediate(
    shared: &Arc<Shared>,
    who: &str,
    remedy: &Remedy,
    shown: &Shown,
) -> Result<Answer, Fault> {
    let parts = shared.parts();
    let books = parts.loaded.books.iter().filter(|book| book.refused().is_none());
    let books = books.map(|book| (&book.playbook, book.text.as_str())).collect();
    let asked = Asked {
        args: &remedy.args,
        alert: &remedy.alert,
        books,
        output: &parts.output,
        config: &parts.loaded.config,
        actor: who,
    };
    let planned = served::plan(&asked).await?;
    let Some(agreed) = &remedy.agreed else {
        let mut report = planned.report.clone();
        let fault = planned.unconfirmed();
        if shown.format == Format::Json {
            report.errors.extend(fault.clone());
        }
        let mut answer = coded(&report, planned.code, shown);
        if shown.format != Format::Json {
            answer.aside.extend(fault.map(|fault| render::error(&fault, shown.colour_aside)));
        }
        return Ok(Answer { plans: planned.plans(), ..answer });
    };
    let engine = engine(shared)?;
    let begun = served::begin(&asked, &planned, &engine, agreed).await?;
    if begun.is_empty() {
        return Ok(coded(&planned.report, planned.code, shown));
    }
    for run in &begun {
        // A second person's word comes through the run's page, or `ira run approve`.
        drive(shared, Arc::clone(&engine), run.id, run.agreed.clone().map(|plan| (plan, who.to_owned())));
    }
    Ok(Answer { runs: begun.iter().map(|run| run.id.0).collect(), ..Answer::default() })
}

/// An engine for runs that a person asked for: what a guard denies is told to them, and pages nobody.
pub(super) fn engine(shared: &Arc<Shared>) -> Result<Arc<Engine>, Fault> {
    let like = Arc::clone(&shared.parts().engine);
    let folder = crate::remediate::state()?;
    let mut engine = Engine::new(Arc::clone(&shared.store), Arc::clone(&like.hands), shared.worker.clone(), folder);
    engine.budgets.clone_from(&like.budgets);
    engine.alarm.clone_from(&like.alarm);
    Ok(Arc::new(engine))
}

/// Goes with a run to its end; `agreed` is the plan that was said yes to, and who said so.
pub(super) fn drive(shared: &Arc<Shared>, engine: Arc<Engine>, run: RunId, agreed: Option<(String, String)>) {
    let shared = Arc::clone(shared);
    tokio::spawn(Box::pin(async move {
        match driven(&engine, run, agreed).await {
            Ok(came) => {
                shared.came.keep(run, crate::remediate::exit(&came));
                work::count(&shared, run, &came);
            }
            Err(fault) if fault.kind == Kind::Busy => tracing::debug!("run {run}: {fault}"),
            Err(fault) => tracing::error!("run {run} could not be gone on with: {fault}"),
        }
    }));
}

async fn driven(engine: &Engine, run: RunId, agreed: Option<(String, String)>) -> Result<Came, Fault> {
    loop {
        match engine.follow(run, &work::Log).await?.map_err(|denial| refused(&denial))? {
            Came::Sleeps(_) => {}
            Came::Asks(plan, _) => match &agreed {
                Some((hash, who)) => {
                    let yes = *hash == plan.hash;
                    engine.answer(run, &plan.hash, yes, who).await?.map_err(|denial| refused(&denial))?;
                }
                None => answered(engine, run, &plan.hash).await?,
            },
            other => return Ok(other),
        }
    }
}

/// Waits until somebody said something of a plan, or its time is over.
async fn answered(engine: &Engine, run: RunId, plan: &str) -> Result<(), Fault> {
    loop {
        let now = engine.store.now().await?;
        let Some(story) = engine.store.run(run).await?.filter(|story| !story.run.state.terminal()) else {
            return Ok(());
        };
        let open = |one: &Approval| one.plan_hash == plan && one.decision.is_none() && one.expires_at > now;
        if !story.approvals.iter().any(open) || story.run.cancelled_by.is_some() {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}
