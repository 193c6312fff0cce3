//! Keys of the node that cannot pay for a fulfilment.

use crate::actions::Action;
use crate::actions::chain::FundKey;
use crate::units::{address, coin};
use crate::value::{H160, U256};
use crate::vrf_runbook::causes::Verdict;
use crate::vrf_runbook::gather::Gathered;
use crate::words::{Address, Coins};

use super::remedies::{Case, Refused, Remedy, Wanted};

const CAUSE: &str = "node-key-dry";
/// For how many fulfilments, each at the lane's highest price, a key is funded.
const FULFILMENTS: u64 = 10;

/// Sends gas to the dry keys that were named as the node's, or are those of its job. One that was only seen on chain may be anybody's: everyone who
/// copies a fulfilment into a transaction of their own is seen there.
pub fn fund(case: &Case<'_>) -> Vec<Remedy> {
    let scene = &case.diagnosis.gathered.scene;
    let mut requests = Vec::new();
    let mut cost = U256::zero();
    for (request, step) in case.steps(CAUSE) {
        if step.verdict == Verdict::Fail && (step.blocking || case.named(CAUSE)) {
            requests.push(request.id);
            cost = cost.max(step.number("cost_wei").unwrap_or_default());
        }
    }
    let dry = scene.senders.iter().filter_map(|sender| {
        let balance = *sender.balance.as_ref().ok()?;
        (balance < cost).then_some((sender.account, balance))
    });
    let wanted = cost.saturating_mul(U256::from(FULFILMENTS));
    dry.map(|(account, balance)| funded(case, account, wanted.saturating_sub(balance), &requests)).collect()
}

fn funded(case: &Case<'_>, account: H160, amount: U256, requests: &[U256]) -> Remedy {
    let requests = requests.to_vec();
    let Gathered { scene, .. } = &case.diagnosis.gathered;
    let jobs = scene.nodes.iter().flat_map(|node| node.jobs_of("vrf", scene.coordinator.address));
    let is_of_a_job = jobs.flat_map(|job| &job.from).any(|from| *from == account);
    if !is_of_a_job && !case.diagnosis.scope.senders.contains(&account) {
        return Remedy::Not(Refused {
            cause: CAUSE,
            requests,
            status: "not-named",
            why: format!("{} sent fulfilments of late, and nothing says that it is the node's key", address(account)),
            hint: format!("if it is: --sender {}", address(account)),
        });
    }
    let native = &case.diagnosis.gathered.scene.network.native;
    let action = Action::FundKey(FundKey {
        key: Address(account),
        amount: Coins::of(amount, native),
        network: case.network(),
        max_spend: None,
        max_spend_native: None,
    });
    let note = format!("{} more: gas for {FULFILMENTS} fulfilments at the lane's highest price", coin(amount, native));
    Remedy::Do(Box::new(Wanted { cause: CAUSE, requests, action, notes: vec![note], stranger: None }))
}
