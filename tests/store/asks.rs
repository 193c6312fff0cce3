//! What the state machine asks of both stores.

use std::time::Duration;

use ira::store::ask::{
    Advance, Ask, Decision, Filter, HandBegin, Mails, Outcome, Override, Retention, Sent, Suspend, Take, Verified,
    Which,
};
use ira::store::model::{AttemptId, MailId, Run, RunId};
use ira::store::{Guard, Phase, RunState, Store, Trace, Wait};
use ira_commands::Effect;
use ira_commands::context::Ended;
use ira_commands::effect::Reach;
use proptest::prelude::*;
use serde_json::json;

use super::{SECOND, admit, bucket, ended, finish, unguarded, write};

/// The names that are drawn from: few, so that they meet.
const NAMES: [&str; 3] = ["a", "b", "c"];
/// At most so many first writes in any [`WINDOW`].
pub(super) const LIMIT: usize = 2;
pub(super) const WINDOW: Duration = Duration::from_secs(40);
pub(super) const COOLDOWN: Duration = Duration::from_secs(15);

/// One request. Runs and attempts are named by number; a `stale` one carries a fence that is one too low.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Admit { key: usize, alert: usize, playbook: usize },
    Claim { run: Option<u64>, orphan: bool },
    Renew { run: u64, stale: bool },
    Release { run: u64, stale: bool },
    Plan { run: u64, stale: bool },
    First { run: u64, path: usize, stale: bool, guarded: bool, forced: bool },
    Begin { run: u64, path: usize, effect: Effect, tell: bool, undo: bool, stale: bool },
    Add { attempt: u64 },
    End { attempt: u64, outcome: usize, stale: bool },
    DecideUnknown { attempt: u64, decision: usize },
    Advance { run: u64, state: usize, rearm: bool, wake: bool, stale: bool },
    Finish { run: u64, state: usize, good: bool, stale: bool },
    Note { run: u64 },
    Due,
    Take { max: usize },
    Sent { mail: u64, how: usize },
    Acknowledged { alert: usize },
    Suspend { guard: usize, lasts: bool },
    Lift { guard: usize },
    Ask { run: u64 },
    Decide { approval: u64, yes: bool },
    Cancel { run: u64 },
    Reopen { run: u64 },
    Close { run: u64, state: usize },
    Resolved { alert: usize },
    HandBegin { run: Option<u64>, path: usize },
    HandEnd { attempt: u64, done: bool },
    Beat,
    Retain,
    Pass { seconds: u64 },
}

pub(super) fn any_op() -> BoxedStrategy<Op> {
    let name = || 0..NAMES.len();
    let run = || 1_u64..6;
    let attempt = || 1_u64..10;
    let effect = || prop_oneof![Just(Effect::Read), Just(Effect::Idempotent), Just(Effect::Once)];
    let stale = || prop::bool::weighted(0.15);
    prop_oneof![
        4 => (0..6_usize, name(), name()).prop_map(|(key, alert, playbook)| Op::Admit { key, alert, playbook }),
        6 => (prop::option::of(run()), stale()).prop_map(|(run, orphan)| Op::Claim { run, orphan }),
        1 => (run(), stale()).prop_map(|(run, stale)| Op::Renew { run, stale }),
        1 => (run(), stale()).prop_map(|(run, stale)| Op::Release { run, stale }),
        1 => (run(), stale()).prop_map(|(run, stale)| Op::Plan { run, stale }),
        8 => (run(), name(), stale(), any::<bool>(), stale())
            .prop_map(|(run, path, stale, guarded, forced)| Op::First { run, path, stale, guarded, forced }),
        8 => (run(), name(), effect(), stale(), stale(), stale())
            .prop_map(|(run, path, effect, tell, undo, stale)| Op::Begin { run, path, effect, tell, undo, stale }),
        1 => attempt().prop_map(|attempt| Op::Add { attempt }),
        8 => (attempt(), 0..5_usize, stale()).prop_map(|(attempt, outcome, stale)| Op::End { attempt, outcome, stale }),
        2 => (attempt(), 0..3_usize).prop_map(|(attempt, decision)| Op::DecideUnknown { attempt, decision }),
        3 => (run(), 0..7_usize, any::<bool>(), any::<bool>(), stale())
            .prop_map(|(run, state, rearm, wake, stale)| Op::Advance { run, state, rearm, wake, stale }),
        4 => (run(), 0..4_usize, any::<bool>(), stale())
            .prop_map(|(run, state, good, stale)| Op::Finish { run, state, good, stale }),
        1 => run().prop_map(|run| Op::Note { run }),
        3 => Just(Op::Due),
        2 => (1..4_usize).prop_map(|max| Op::Take { max }),
        3 => (1_u64..8, 0..3_usize).prop_map(|(mail, how)| Op::Sent { mail, how }),
        1 => name().prop_map(|alert| Op::Acknowledged { alert }),
        1 => (0..3_usize, prop::bool::weighted(0.9)).prop_map(|(guard, lasts)| Op::Suspend { guard, lasts }),
        2 => (0..3_usize).prop_map(|guard| Op::Lift { guard }),
        1 => run().prop_map(|run| Op::Ask { run }),
        1 => (1_u64..3, any::<bool>()).prop_map(|(approval, yes)| Op::Decide { approval, yes }),
        1 => run().prop_map(|run| Op::Cancel { run }),
        2 => run().prop_map(|run| Op::Reopen { run }),
        1 => (run(), 0..4_usize).prop_map(|(run, state)| Op::Close { run, state }),
        1 => name().prop_map(|alert| Op::Resolved { alert }),
        2 => (prop::option::of(run()), name()).prop_map(|(run, path)| Op::HandBegin { run, path }),
        2 => (attempt(), any::<bool>()).prop_map(|(attempt, done)| Op::HandEnd { attempt, done }),
        1 => Just(Op::Beat),
        1 => Just(Op::Retain),
        4 => (0_u64..50).prop_map(|seconds| Op::Pass { seconds }),
    ]
    .boxed()
}

const ENDS: [RunState; 4] = [RunState::Succeeded, RunState::Failed, RunState::Cancelled, RunState::Escalated];
const MOVES: [RunState; 7] = [
    RunState::Running(Phase::Act),
    RunState::Running(Phase::Verify),
    RunState::Running(Phase::Hold),
    RunState::Waiting(Wait::Timer),
    RunState::Waiting(Wait::Approval),
    RunState::Waiting(Wait::Freeze),
    RunState::NeedsHuman,
];
const SUSPENDS: [Guard; 3] = [Guard::Freeze, Guard::Maintenance, Guard::Storm];

/// The run as the first write of it is asked for.
pub(super) fn guarded(run: &Run, path: &str, forced: bool) -> ira::store::ask::FirstWrite {
    let mut first = unguarded(write(run, path));
    first.begin.plan_hash.clone_from(&run.plan_hash);
    first.begin.locks = vec![format!("lock of {}", run.title), "shared".to_owned()];
    first.charges = vec![bucket("writes", LIMIT as u128, WINDOW)];
    first.cooldowns = vec![(run.title.clone(), COOLDOWN)];
    first.breaker = Some(run.title.clone());
    if forced {
        let word = |guard| Override { guard, reason: "it burns".to_owned(), actor: "ann".to_owned() };
        first.overrides = vec![word(Guard::Bucket), word(Guard::Breaker), word(Guard::Cooldown)];
    }
    first
}

/// The same about what there is: numbers that nobody has say little.
pub(super) fn aimed(mut op: Op, seen: &Seen) -> Op {
    let pick = |number: &mut u64, known: Vec<u64>| {
        if let Some(index) = usize::try_from(*number).ok().and_then(|number| number.checked_rem(known.len())) {
            *number = known[index];
        }
    };
    let runs: Vec<u64> = seen.stories.iter().map(|story| story.run.id.0).collect();
    let steps = || seen.stories.iter().flat_map(|story| &story.steps);
    match &mut op {
        Op::Renew { run, .. }
        | Op::Release { run, .. }
        | Op::Plan { run, .. }
        | Op::First { run, .. }
        | Op::Begin { run, .. }
        | Op::Advance { run, .. }
        | Op::Finish { run, .. }
        | Op::Note { run }
        | Op::Ask { run }
        | Op::Cancel { run }
        | Op::Reopen { run }
        | Op::Close { run, .. }
        | Op::Claim { run: Some(run), .. }
        | Op::HandBegin { run: Some(run), .. } => pick(run, runs),
        Op::Add { attempt }
        | Op::End { attempt, .. }
        | Op::DecideUnknown { attempt, .. }
        | Op::HandEnd { attempt, .. } => {
            let open: Vec<u64> = steps().filter(|step| step.state.is_open()).map(|step| step.id.0).collect();
            let all = steps().map(|step| step.id.0).collect();
            pick(attempt, if *attempt % 4 == 0 || open.is_empty() { all } else { open });
        }
        Op::Sent { mail, .. } => pick(mail, seen.mails.iter().map(|row| row.id.0).collect()),
        Op::Decide { approval, .. } => {
            pick(approval, seen.stories.iter().flat_map(|story| &story.approvals).map(|asked| asked.id.0).collect());
        }
        _ => {}
    }
    op
}

/// Asks a store; gives its answer in words.
#[expect(clippy::too_many_lines, reason = "one arm for each verb")]
pub(super) async fn ask(store: &dyn Store, op: &Op) -> String {
    let known = async |id: u64, stale: bool| {
        let told = store.run(RunId(id)).await.expect("read")?;
        let fence = told.run.fence.saturating_sub(u64::from(stale));
        Some((Run { fence, ..told.run.clone() }, told))
    };
    macro_rules! of {
        ($id:expr, $stale:expr) => {
            match known($id, $stale).await {
                Some(known) => known,
                None => return "no such run".to_owned(),
            }
        };
    }
    let name = |index: usize| NAMES[index];
    match *op {
        Op::Admit { key, alert, playbook } => {
            format!("{:?}", store.admit(admit(&format!("key {key}"), name(alert), name(playbook))).await)
        }
        Op::Claim { run, orphan } => {
            let which = match run {
                Some(run) if orphan => Which::Orphan(RunId(run)),
                Some(run) => Which::This(RunId(run)),
                None => Which::Next,
            };
            format!("{:?}", store.claim("worker", 20 * SECOND, which).await)
        }
        Op::Renew { run, stale } => {
            let (run, _) = of!(run, stale);
            format!("{:?}", store.renew(run.id, run.fence, 20 * SECOND).await)
        }
        Op::Release { run, stale } => {
            let (run, _) = of!(run, stale);
            format!("{:?}", store.release(run.id, run.fence).await)
        }
        Op::Plan { run, stale } => {
            let (run, _) = of!(run, stale);
            format!("{:?}", store.plan(run.id, run.fence, "the plan", json!({ "writes": 1 })).await)
        }
        Op::First { run, path, stale, guarded: limits, forced } => {
            let (run, told) = of!(run, stale);
            let mut first = guarded(&run, name(path), forced);
            if !limits {
                first = unguarded(first.begin);
            }
            first.begin.attempt = next(&told.steps, name(path));
            format!("{:?}", store.begin_first_write(first).await)
        }
        Op::Begin { run, path, effect, tell, undo, stale } => {
            let (run, told) = of!(run, stale);
            let mut begin = write(&run, name(path));
            begin.plan_hash.clone_from(&run.plan_hash);
            begin.effect = effect;
            begin.reach = if tell { Reach::Tell } else { Reach::Target };
            begin.undo = undo;
            begin.effect_key = (effect == Effect::Idempotent).then(|| "the same".to_owned());
            begin.locks.clone_from(&run.locks);
            begin.attempt = next(&told.steps, name(path));
            format!("{:?}", store.begin(begin).await)
        }
        Op::Add { attempt } => format!("{:?}", store.add(AttemptId(attempt), json!({ "more": 1 })).await),
        Op::End { attempt, outcome, stale } => {
            let all = store.runs(Filter::All).await.expect("listed");
            for run in all {
                let (run, told) = of!(run.id.0, stale);
                if let Some(step) = told.steps.iter().find(|step| step.id.0 == attempt) {
                    let outcome = match outcome {
                        0 => Outcome::Done,
                        1 => Outcome::Failed(Trace::Nothing),
                        2 => Outcome::Failed(Trace::Something),
                        3 => Outcome::ProbeIn(5 * SECOND),
                        _ => Outcome::AskPerson("did it run?".to_owned()),
                    };
                    let mut end = ended(step, outcome);
                    end.fence = run.fence;
                    return format!("{:?}", store.end(end).await);
                }
            }
            "no such attempt".to_owned()
        }
        Op::DecideUnknown { attempt, decision } => {
            let decision = [Decision::ItRan, Decision::ItDidNot, Decision::Abort][decision];
            format!("{:?}", store.decide_unknown(AttemptId(attempt), "ann", decision).await)
        }
        Op::Advance { run, state, rearm, wake, stale } => {
            let (run, _) = of!(run, stale);
            let advance = Advance {
                run: run.id,
                fence: run.fence,
                state: MOVES[state],
                why: "so".to_owned(),
                cursor: Some("here".to_owned()),
                escalate_in: rearm.then_some(30 * SECOND),
                wake_in: wake.then_some(5 * SECOND),
            };
            format!("{:?}", store.advance(advance).await)
        }
        Op::Finish { run, state, good, stale } => {
            let (run, _) = of!(run, stale);
            let mut end = finish(&run, ENDS[state]);
            let breaker = run.title.clone();
            end.verified = Some(Verified { breaker, good: Some(good), after: 2, opens_for: 30 * SECOND });
            format!("{:?}", store.finish(end).await)
        }
        Op::Note { run } => format!(
            "{:?}",
            store
                .note(RunId(run), "ira", vec![("progress".to_owned(), json!("half")), ("more".to_owned(), json!(1))])
                .await
        ),
        Op::Due => format!("{:?}", store.due().await),
        Op::Take { max } => {
            format!("{:?}", store.take(Take { channel: None, run: None, ttl: 10 * SECOND, max }).await)
        }
        Op::Sent { mail, how } => {
            let sent = match how {
                0 => Sent::Accepted,
                1 => Sent::Failed { again_in: 5 * SECOND, why: "429".to_owned() },
                _ => Sent::Moot("no such incident".to_owned()),
            };
            format!("{:?}", store.sent(MailId(mail), sent).await)
        }
        Op::Acknowledged { alert } => format!("{:?}", store.acknowledged(&format!("page of {}", name(alert))).await),
        Op::Suspend { guard, lasts } => {
            let suspend = Suspend {
                guard: SUSPENDS[guard],
                scope: "*".to_owned(),
                lasts: lasts.then_some(10 * SECOND),
                actor: "ann".to_owned(),
                reason: "deploy".to_owned(),
            };
            format!("{:?}", store.suspend(suspend).await)
        }
        Op::Lift { guard } => format!("{:?}", store.lift(SUSPENDS[guard], "*", "ann").await),
        Op::Ask { run } => {
            let (run, _) = of!(run, false);
            let plan_hash = run.plan_hash.unwrap_or_default();
            let ask = Ask { run: run.id, fence: run.fence, path: String::new(), plan_hash, within: 20 * SECOND };
            format!("{:?}", store.ask(ask).await)
        }
        Op::Decide { approval, yes } => {
            format!("{:?}", store.decide(ira::store::model::ApprovalId(approval), "the plan", yes, "ann").await)
        }
        Op::Cancel { run } => format!("{:?}", store.cancel(RunId(run), "ann").await),
        Op::Reopen { run } => format!("{:?}", store.reopen(RunId(run), "ann", Some(30 * SECOND)).await),
        Op::Close { run, state } => format!("{:?}", store.close(RunId(run), ENDS[state], "ann", "seen").await),
        Op::Resolved { alert } => format!("{:?}", store.resolved(name(alert)).await),
        Op::HandBegin { run, path } => {
            let mut by_hand = None;
            if let Some(run) = run {
                let (run, _) = of!(run, false);
                by_hand = (run.by == "hand").then_some(run.id);
            }
            let begin = HandBegin {
                run: by_hand,
                key: format!("hand {}", store.runs(Filter::All).await.expect("listed").len()),
                path: name(path).to_owned(),
                effect: Effect::Once,
                worker: "hand:1".to_owned(),
                at: None,
                begun: json!({ "raw": "0x01" }),
                added: Vec::new(),
            };
            format!("{:?}", store.hand_begin(begin).await)
        }
        Op::HandEnd { attempt, done } => {
            let proof = json!({ "proof": 1 });
            let end = if done { Ended::Done(proof) } else { Ended::NotDone(proof) };
            format!("{:?}", store.hand_end(AttemptId(attempt), end).await)
        }
        Op::Beat => format!("{:?}", store.beat("worker", "boot").await),
        Op::Retain => {
            let keep = Retention { runs: 100 * SECOND, dedup: 200 * SECOND, bytes: None };
            format!("{:?}", store.retain(keep).await)
        }
        Op::Pass { .. } => "time passes".to_owned(),
    }
}

/// The number of the next attempt at a path.
fn next(steps: &[ira::store::model::Step], path: &str) -> u32 {
    steps.iter().filter(|step| step.path == path).map(|step| step.attempt).max().unwrap_or(0) + 1
}

/// Everything that can be seen of a store.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) now: u64,
    pub(super) stories: Vec<ira::store::ask::Story>,
    pub(super) events: Vec<Vec<ira::store::event::Event>>,
    pub(super) guards: Vec<ira::store::model::GuardRow>,
    pub(super) mails: Vec<ira::store::model::OutboxRow>,
    pub(super) inbox: Vec<ira::store::model::InboxRow>,
    pub(super) open: Vec<ira_commands::context::Open>,
    pub(super) orphans: Vec<RunId>,
}

pub(super) async fn see(store: &dyn Store) -> Seen {
    let mut seen = Seen {
        now: store.now().await.expect("a time"),
        guards: store.guards().await.expect("guards"),
        mails: store.mails(Mails::All).await.expect("mails"),
        inbox: store.inbox(100).await.expect("alerts"),
        open: store.hand_open().await.expect("open"),
        ..Seen::default()
    };
    for run in store.runs(Filter::All).await.expect("runs") {
        seen.stories.push(store.run(run.id).await.expect("read").expect("it is kept"));
        seen.events.push(store.events(run.id).await.expect("events"));
    }
    seen.orphans = store.runs(Filter::Orphans).await.expect("orphans").iter().map(|run| run.id).collect();
    seen
}
