//! What is waited for once everything is mended: `RandomWordsFulfilled`, in a block that enough others follow.

use std::collections::BTreeSet;

use crate::Context;
use crate::fault::{Fault, Kind};
use crate::ports::{Interface, LogFilter};
use crate::units::duration;
use crate::value::{H160, U256};
use crate::vrf_runbook::facts::Version;
use crate::vrf_runbook::{Args, Diagnosis};

use super::remedies::is_mendable;
use super::{Mending, Part};

/// Faults in a row that end the waiting.
const MOST_FAULTS: u32 = 20;

/// What is waited for: whose event, of which requests.
#[derive(Clone, Debug, Default)]
pub struct Waited {
    /// The coordinator, and whose ABI it has.
    pub coordinator: H160,
    /// Whether it is V2.5.
    pub plus: bool,
    /// The requests.
    pub requests: BTreeSet<U256>,
}

/// The requests that a part of the plan is for, and that nothing else keeps from being fulfilled. Where something was
/// settled before, any that nothing keeps: which of them it was for is not written down.
pub fn waited(diagnosis: &Diagnosis, parts: &[Part], settled: bool) -> Waited {
    let mended = |request: U256, cause: &str| {
        parts.iter().any(|part| part.wanted.cause == cause && part.wanted.requests.contains(&request))
    };
    let is_freed = |one: &&crate::vrf_runbook::state::Examined| {
        let id = one.request.id;
        is_mendable(one)
            && (settled || parts.iter().any(|part| part.wanted.requests.contains(&id)))
            && one.causes().iter().all(|step| !step.blocking || mended(id, step.cause))
    };
    let coordinator = &diagnosis.gathered.scene.coordinator;
    Waited {
        coordinator: coordinator.address,
        plus: coordinator.version == Version::V25,
        requests: diagnosis.all.iter().filter(is_freed).map(|one| one.request.id).collect(),
    }
}

/// Waits until all of them are fulfilled, or as long as is to be waited. A fault where the chain cannot be read any more.
pub async fn fulfilled(args: &Args, context: &Context, mending: &Mending) -> Result<(), Fault> {
    let waited = &mending.waited;
    let begun = context.now();
    // A node alone can be told something without a key to sign with.
    let confirmations = context.payer().map_or(1, |payer| payer.confirmations);
    let mut faults = 0;
    while !waited.requests.is_empty() {
        match seen(context, waited, mending.block, confirmations).await {
            Ok(seen) if seen == waited.requests.len() => return Ok(()),
            Ok(seen) => {
                faults = 0;
                let left = args.wait.seconds.saturating_sub(context.now().saturating_sub(begun));
                context.progress().stage(&format!(
                    "waiting for RandomWordsFulfilled: {seen} of {}, {} left",
                    waited.requests.len(),
                    duration(left)
                ));
            }
            Err(fault) => {
                faults += 1;
                if faults >= MOST_FAULTS {
                    return Err(fault.wrap("the chain could not be read while the fulfilment was waited for"));
                }
            }
        }
        if context.now().saturating_sub(begun) >= args.wait.seconds {
            return Ok(());
        }
        context.pause().await?;
    }
    Ok(())
}

/// How many of them are fulfilled in a block that enough others follow. Looked for anew each time: a reorganisation may have
/// taken one back.
async fn seen(context: &Context, waited: &Waited, from: u64, confirmations: u64) -> Result<usize, Fault> {
    let chain = context.chain()?;
    let head = chain.head().await?;
    let interface = if waited.plus { Interface::VrfV25 } else { Interface::VrfV2 };
    let to = (head.block.number + 1).saturating_sub(confirmations);
    if to < from {
        return Ok(0);
    }
    let filter = LogFilter {
        addresses: vec![waited.coordinator],
        events: vec![(interface, "RandomWordsFulfilled")],
        indexed: Vec::new(),
        from,
        to,
    };
    let logs = chain.logs(&head.block, vec![filter]).await.pop();
    let logs = logs.unwrap_or_else(|| Err(Fault::new(Kind::Failed, "was not asked")))?;
    let ids = logs.iter().filter_map(|log| log.fields.first()?.uint().ok());
    Ok(ids.filter(|id| waited.requests.contains(id)).collect::<BTreeSet<_>>().len())
}
