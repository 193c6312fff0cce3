//! `--apply`: what was found is mended. Planned as a whole, agreed to as a whole, done one action after the other; then the
//! fulfilment is waited for, and the runbook walked again.

mod act;
mod afford;
mod blockhash;
mod funds;
mod keys;
mod node;
mod remedies;
mod show;
mod unstick;
mod wait;

use crate::Context;
use crate::actions::{Action, Plan, Spend};
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::report::Report;
use crate::transact;
use crate::value::U256;

use super::{Args, Diagnosis};

use remedies::{Case, Refused, Remedy, Wanted, remedies};

pub use act::apply;
pub use show::after;

/// Whether a subscription that the configuration does not list may be funded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strangers {
    /// Never: nobody is there who could be asked.
    Never,
    /// The one that a person named; they will have to name it again.
    Named(U256),
}

/// One part of a plan.
#[derive(Clone, Debug)]
pub struct Part {
    wanted: Wanted,
    plan: Plan,
}

/// What would be done about what was found.
#[derive(Clone, Debug)]
pub struct Mending {
    diagnosis: Report,
    parts: Vec<Part>,
    refused: Vec<Refused>,
    strangers: Strangers,
    whole: Plan,
    /// What is waited for afterwards: requests that nothing keeps from being fulfilled any more.
    waited: wait::Waited,
    /// The block that the plan was made at.
    block: u64,
}

/// What came of a plan that was agreed to.
#[derive(Clone, Debug)]
pub enum Came {
    /// It was carried out, well or not.
    Done(Box<Report>),
    /// What it was made on has changed: nothing was done, and this is the new plan.
    Changed(Box<Mending>),
}

impl Mending {
    /// Whether there is nothing that could be done.
    pub fn is_nothing(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether a fulfilment is to be waited for.
    pub fn waits(&self) -> bool {
        !self.waited.requests.is_empty()
    }

    /// The whole as one plan: what it costs, and what changes.
    pub fn plan(&self) -> &Plan {
        &self.whole
    }

    /// The subscription that a person has to name once more, where one is to be funded that is not listed as ours.
    pub fn stranger(&self) -> Option<U256> {
        self.parts.iter().find_map(|part| part.wanted.stranger)
    }

    /// The diagnosis, and what would be done about it.
    pub fn report(&self) -> Report {
        show::planned(self)
    }
}

/// Walks the runbook and plans what can be mended. Changes nothing. `settled`: something was settled before, so that what
/// nothing keeps waiting any more is waited for.
pub async fn plan(args: &Args, context: &Context, strangers: Strangers, settled: bool) -> Result<Mending, Fault> {
    remedies::check_only(args)?;
    let diagnosis = Diagnosis::of(args, context).await?;
    let own = match context.payer() {
        Ok(payer) => Some(unstick::own(context, &diagnosis, payer.address).await?),
        Err(_) => None,
    };
    let case = Case { diagnosis: &diagnosis, args, strangers, own };
    let (mut parts, mut refused) = (Vec::new(), Vec::new());
    for remedy in remedies(&case) {
        let wanted = match remedy {
            Remedy::Do(wanted) => *wanted,
            Remedy::Not(not) => {
                refused.push(not);
                continue;
            }
        };
        match wanted.action.plan(context).await {
            Ok(plan) if plan.is_nothing() => {}
            Ok(plan) => parts.push(Part { wanted, plan }),
            // One that cannot be had does not keep the others from being mended.
            Err(fault) if matches!(fault.kind, Kind::Failed | Kind::Missing | Kind::Reverted | Kind::Usage) => {
                refused.push(unplanned(&wanted, &fault));
            }
            Err(fault) => return Err(fault.wrap(format!("no plan can be made for {}", wanted.cause))),
        }
    }
    let scene = &diagnosis.gathered.scene;
    let whole = whole(&scene.network.name, &parts);
    if let Some(spend) = whole.spend.as_ref().filter(|_| parts.len() > 1) {
        afford::all(context, scene, spend).await?;
    }
    Ok(Mending {
        whole,
        waited: wait::waited(&diagnosis, &parts, settled),
        block: scene.block.number,
        diagnosis: diagnosis.report(),
        parts,
        refused,
        strangers,
    })
}

fn unplanned(wanted: &Wanted, fault: &Fault) -> Refused {
    Refused {
        cause: wanted.cause,
        requests: wanted.requests.clone(),
        status: "no-plan",
        why: fault.one_line(),
        hint: fault.hint.clone().unwrap_or_default(),
    }
}

/// The parts as one plan.
fn whole(network: &str, parts: &[Part]) -> Plan {
    let mut spend: Option<Spend> = None;
    for own in parts.iter().filter_map(|part| part.plan.spend.as_ref()) {
        spend = Some(match spend {
            None => own.clone(),
            Some(sum) => Spend {
                link: sum.link.saturating_add(own.link),
                value: sum.value.saturating_add(own.value),
                gas: sum.gas.saturating_add(own.gas),
                transactions: sum.transactions.saturating_add(own.transactions),
                ..sum
            },
        });
    }
    let what: Vec<&str> = parts.iter().map(|part| part.plan.what.as_str()).collect();
    let targets: Vec<&str> = parts.iter().map(|part| part.plan.target.as_str()).collect();
    let irreversible = parts.iter().any(|part| part.plan.taken_back == TakenBack::Irreversible);
    Plan {
        action: "vrf-runbook",
        what: what.join("; "),
        place: network.to_owned(),
        target: targets.join(" "),
        changes: parts.iter().flat_map(|part| part.plan.changes.clone()).collect(),
        spend,
        nothing: parts.is_empty(),
        effect: Effect::Once,
        reach: Reach::Target,
        taken_back: if irreversible { TakenBack::Irreversible } else { TakenBack::Transient },
        notes: parts.iter().flat_map(|part| part.wanted.notes.iter().chain(&part.plan.notes).cloned()).collect(),
    }
}

/// Settles the payer's open attempts on the endpoint's chain, whatever they are about: what was begun before decides what
/// is found now. `None` where nothing was open.
pub async fn settle(context: &Context) -> Result<Option<Report>, Fault> {
    if context.open_attempts()?.is_empty() {
        return Ok(None);
    }
    let chain_id = context.chain()?.head().await?.network.chain_id;
    Action::settle(context, Some(chain_id)).await.map(Some)
}

/// Mends without anybody to ask: within the caps, and nothing that is not ours. In a context that cannot write: plans.
pub async fn unattended(args: &Args, context: &Context) -> Result<Report, Fault> {
    let settled = if context.is_acting() { settle(context).await? } else { None };
    let mending = plan(args, context, Strangers::Never, settled.is_some()).await?;
    mending.whole.within(&args.caps())?;
    let report = if !context.is_acting() || (mending.is_nothing() && !mending.waits()) {
        mending.report()
    } else if mending.whole.uncapped(&args.caps()) {
        return Err(Fault::new(Kind::Usage, "a cap is needed for each currency that the plan spends")
            .because(mending.whole.headline())
            .hint("give --max-spend and --max-spend-native"));
    } else {
        match apply(args, context, &mending).await? {
            Came::Done(report) => *report,
            Came::Changed(_) => {
                return Err(Fault::new(Kind::Busy, "what the plan was made on changed while it was begun")
                    .hint("run it again to see the new plan"));
            }
        }
    };
    Ok(match settled {
        Some(settled) => show::after(settled, report),
        None => report,
    })
}

/// Refuses while an attempt of the payer is open: its outcome decides what is to be done next.
pub async fn none_open(context: &Context) -> Result<(), Fault> {
    let chain_id = context.chain()?.head().await?.network.chain_id;
    transact::none_open(context, chain_id)
}
