//! Permits: who writes by hand beside a daemon has its locks, budgets and freezes. A permit is a run without a playbook; the
//! daemon knows what it writes to, how much it spends and how long it may take, and not what it does.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ira_commands::effect::Reach;
use ira_commands::text::excerpt;
use ira_commands::{Effect, Fault, Kind};
use serde_json::{Value as Json, json};

use crate::daemon::{Shared, tell};
use crate::engine::refused;
use crate::remote::wire::{Answer, Permit, Permitted};
use crate::store::ask::{Admit, Begin, Charge, End, Finish, FirstWrite, Outcome, Page, Which};
use crate::store::event::By;
use crate::store::model::RunId;
use crate::store::{Guard, RunState, StepState, Trace};

/// The budget that writes by hand are charged to, where there is one of that name.
const BUDGET: &str = "hand";
/// The only attempt of a permit.
const PATH: &str = "hand";
/// The longest that a permit lasts, seconds.
const LONGEST: u64 = 86_400;
/// The most keys of a permit.
const MOST: usize = 64;

/// Gives leave, or says what is in the way (exit 75).
pub(super) async fn give(shared: &Arc<Shared>, who: &str, ask: &Permit) -> Result<Answer, Fault> {
    if ask.keys.is_empty() || ask.keys.len() > MOST || ask.seconds == 0 || ask.seconds > LONGEST {
        return Err(Fault::new(Kind::Usage, format!("a permit is for 1 to {MOST} keys, and for a day at most")));
    }
    let (store, loaded) = (&shared.store, shared.loaded());
    let lasts = Duration::from_secs(ask.seconds);
    let title = excerpt(&ask.title, 200);
    let number: u64 = rand::random();
    let key = format!("permit:{number:016x}");
    let page = Page {
        dedup_key: format!("ira:{}:{key}", shared.cluster),
        channel: tell::channel(&loaded.config),
        payload: json!({
            "summary": format!("{title}: by hand, by {who}"), "source": "ira", "severity": "critical",
            "why": "it did not say how it ended: whether it was done is not known",
        }),
    };
    let admit = Admit {
        key,
        alert: None,
        received: None,
        playbook: None,
        title,
        params: Json::Null,
        by: who.to_owned(),
        claimable: false,
        escalate_in: Some(lasts),
        page: Some(page),
    };
    let run = store.admit(admit).await?.run().id;
    let denied = |denial| refused(&denial);
    let claimed = store.claim(&format!("permit:{who}:{number:016x}"), lasts, Which::This(run)).await?;
    let claimed = claimed.map_err(denied)?.ok_or_else(|| Fault::new(Kind::Failed, "the permit is gone"))?;
    let budget = loaded.config.engine.budgets.get(BUDGET);
    let mut charges = Vec::new();
    if let Some(budget) = budget {
        let mut charge = |key: String, amount: u128, limit: u128| {
            let window = Duration::from_secs(budget.window);
            charges.push(Charge { guard: Guard::Budget, key, amount, limit, window });
        };
        if let Some(max) = budget.max {
            charge(BUDGET.to_owned(), 1, max.into());
        }
        for (coin, digits) in &ask.amounts {
            // What cannot be counted is as much as can be.
            let amount = digits.parse().unwrap_or(u128::MAX);
            let limit = match coin.as_str() {
                "link" => budget.link.as_ref(),
                "native" => budget.native.as_ref(),
                _ => None,
            };
            if let Some(limit) = limit {
                let limit = u128::try_from(limit.units).unwrap_or(u128::MAX);
                charge(format!("{BUDGET}:{coin}"), amount, limit);
            }
        }
    }
    let begin = Begin {
        run,
        fence: claimed.fence,
        path: PATH.to_owned(),
        attempt: 1,
        effect: Effect::Once,
        reach: Reach::Target,
        undo: false,
        effect_key: None,
        within: lasts,
        begun: json!({ "keys": ask.keys, "amounts": ask.amounts }),
        plan_hash: None,
        locks: locks(shared, &ask.keys),
        scopes: ask.keys.clone(),
    };
    let first =
        FirstWrite { begin, cooldowns: Vec::new(), charges, breaker: None, approved: false, overrides: Vec::new() };
    match store.begin_first_write(first).await? {
        Ok(_) => {
            tracing::info!("permit {run} for {who}: {}", excerpt(&ask.keys.join(", "), 200));
            Ok(Answer { permit: Some(run.0), ..Answer::default() })
        }
        Err(denial) => {
            let note = format!("denied: {}", denial.message);
            let over =
                Finish { run, fence: claimed.fence, state: RunState::Cancelled, note, resolve: false, verified: None };
            store.finish(over).await?.map_err(denied)?;
            Err(refused(&denial))
        }
    }
}

/// The locks of these keys: what the loaded playbooks lock where they are about the same.
fn locks(shared: &Shared, keys: &[String]) -> Vec<String> {
    let loaded = shared.loaded();
    let parts = loaded.books.iter().flat_map(|book| &book.playbook.on).filter(|on| on.key.len() == 1);
    let paths: BTreeSet<&str> = parts.map(|on| on.key[0].text.as_str()).collect();
    let of = |key: &String| {
        let own = std::iter::once(format!("key:hand={key}"));
        own.chain(paths.iter().map(|path| format!("key:{path}={key}"))).collect::<Vec<_>>()
    };
    keys.iter().flat_map(of).collect()
}

/// Takes a permit back.
pub(super) async fn end(shared: &Arc<Shared>, who: &str, end: &Permitted) -> Result<Answer, Fault> {
    let (store, id) = (&shared.store, RunId(end.permit));
    let denied = |denial| refused(&denial);
    let story = store.run(id).await?.filter(|story| story.run.by == who && story.run.key.starts_with("permit:"));
    let story = story.ok_or_else(|| Fault::new(Kind::Usage, format!("{} is no permit of yours", end.permit)))?;
    if story.run.state.terminal() {
        return Ok(Answer::default());
    }
    let note = excerpt(&end.note, 400);
    let fence = story.run.fence;
    for step in story.steps.iter().filter(|step| step.state == StepState::Started) {
        let outcome = match end.done {
            Some(true) => Outcome::Done,
            Some(false) => Outcome::Failed(Trace::Nothing),
            None => Outcome::AskPerson(format!("{}: whether it was done is not known: {note}", story.run.title)),
        };
        let exit = json!({ "reason": note });
        let ask = End { attempt: step.id, fence, outcome, by: By::Worker, exit, output_ref: None };
        store.end(ask).await?.map_err(denied)?;
    }
    let Some(done) = end.done else { return Ok(Answer::default()) };
    let state = if done { RunState::Succeeded } else { RunState::Failed };
    store.finish(Finish { run: id, fence, state, note, resolve: true, verified: None }).await?.map_err(denied)?;
    Ok(Answer::default())
}
