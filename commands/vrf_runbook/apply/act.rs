//! A plan that was agreed to, carried out: one action after the other, each read back; at the first that fails it ends.

use serde_json::Value as Json;

use crate::Context;
use crate::actions::Applied;
use crate::fault::{Fault, Kind};
use crate::report::{Outcome, Report};
use crate::vrf_runbook::{Args, Diagnosis};

use super::{Came, Mending, Part, plan, show, wait};

/// How a part of a plan ended.
pub struct Ended {
    /// What came of it.
    pub result: Result<Report, Fault>,
    /// How long it took, seconds.
    pub seconds: u64,
}

impl Ended {
    /// Whether it was done and read back.
    pub fn is_well(&self) -> bool {
        self.result.as_ref().is_ok_and(|report| report.outcome == Outcome::Well)
    }

    /// What it says of itself in the data.
    pub fn data(&self) -> Option<&Json> {
        self.result.as_ref().ok()?.data["actions"].get(0)
    }
}

/// Everything that was done under a plan.
pub struct Deeds<'a> {
    /// What was agreed to.
    pub agreed: &'a Mending,
    /// How the parts ended, as far as they were begun.
    pub ended: Vec<Ended>,
    /// Seconds from the first action to the end.
    pub seconds: u64,
}

impl Deeds<'_> {
    /// Whether every part was done and read back.
    pub fn are_well(&self) -> bool {
        self.ended.len() == self.agreed.parts.len() && self.ended.iter().all(Ended::is_well)
    }
}

/// Carries out a plan that was agreed to; then waits for the fulfilment, and walks the runbook again.
///
/// What the plan was made on is read again before anything is sent: where it changed, nothing is done. A fault is of the
/// first action; what failed after another one was done is in the report.
pub async fn apply(args: &Args, context: &Context, agreed: &Mending) -> Result<Came, Fault> {
    if !is_still(context, &agreed.parts).await? {
        return Ok(Came::Changed(Box::new(plan(args, context, agreed.strangers, false).await?)));
    }
    let begun = context.now();
    let mut deeds = Deeds { agreed, ended: Vec::new(), seconds: 0 };
    for part in &agreed.parts {
        let at = context.now();
        let result = match part.wanted.action.apply(context, &part.plan).await {
            Ok(Applied::Done(report)) => Ok(*report),
            Ok(Applied::Changed(_)) if deeds.ended.is_empty() => {
                return Ok(Came::Changed(Box::new(plan(args, context, agreed.strangers, false).await?)));
            }
            Ok(Applied::Changed(_)) => Err(Fault::new(Kind::Busy, "what it was planned on has changed meanwhile")
                .hint("run it again to see the new plan")),
            // As if it had been asked for alone.
            Err(fault) if deeds.ended.is_empty() => return Err(fault),
            Err(fault) => Err(fault),
        };
        deeds.ended.push(Ended { result, seconds: context.now().saturating_sub(at) });
        if !deeds.ended.last().is_some_and(Ended::is_well) {
            break;
        }
    }
    let lost = if deeds.are_well() { wait::fulfilled(args, context, agreed).await.err() } else { None };
    deeds.seconds = context.now().saturating_sub(begun);
    let diagnosis = match lost {
        Some(fault) => Err(fault),
        None => Diagnosis::of(args, context).await,
    };
    Ok(Came::Done(Box::new(show::done(&deeds, diagnosis))))
}

/// Whether every part would be planned as it was agreed to.
async fn is_still(context: &Context, parts: &[Part]) -> Result<bool, Fault> {
    context.progress().stage("reading again what the plan was made on");
    for part in parts {
        match part.wanted.action.plan(context).await {
            Ok(now) if now.is_as(&part.plan) => {}
            Ok(_) => return Ok(false),
            Err(fault) => return Err(fault.wrap("nothing was done: the plan could not be made again")),
        }
    }
    Ok(true)
}
