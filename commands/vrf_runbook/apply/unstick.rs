//! What waits under the key that is configured here: outbid where it offers too little to be mined; and what waits behind a
//! nonce that no transaction has is let through. Another key's can only be moved by who holds that key.

use crate::Context;
use crate::actions::Action;
use crate::actions::chain::{FillNonceGap, ReplaceTransaction};
use crate::fault::{Fault, Kind};
use crate::ports::Read;
use crate::transact::gwei;
use crate::units::{address, short_hex};
use crate::value::{H160, H256, U256};
use crate::vrf_runbook::causes::Verdict;
use crate::vrf_runbook::facts::{Known, Pooled, Sender};
use crate::vrf_runbook::state::Step;
use crate::vrf_runbook::{Diagnosis, gather};
use crate::words::Hash;

use super::remedies::{Case, Refused, Remedy, Wanted};

/// The cause that it mends.
pub const CAUSE: &str = "tx-stuck";
/// How many transactions one plan makes of it. More are a sign that a person has to look.
const MOST: usize = 8;

/// What waits under the key that is configured here.
pub struct Own {
    sender: Sender,
    /// What the next block asks for a unit of gas, wei.
    base_fee: Known<U256>,
}

/// Reads what waits under the payer's key.
pub async fn own(context: &Context, diagnosis: &Diagnosis, payer: H160) -> Result<Own, Fault> {
    let (chain, scene) = (context.chain()?, &diagnosis.gathered.scene);
    let known = scene.senders.iter().find(|sender| sender.account == payer);
    let sender = match known {
        Some(sender) => Some(sender.clone()),
        None => gather::senders(chain, &scene.block, vec![payer]).await?.pop(),
    };
    let fees = chain.snapshot(&scene.block, vec![Read::Fees]).await.pop();
    let base_fee = fees.unwrap_or_else(|| Err(unasked())).and_then(|fees| fees.at(0)?.uint());
    Ok(Own { sender: sender.ok_or_else(unasked)?, base_fee })
}

fn unasked() -> Fault {
    Fault::new(Kind::Failed, "was not asked")
}

/// What keeps a nonce from being used.
enum Stuck {
    /// Its transaction offers too little.
    Cheap(H256),
    /// No transaction has it, and some wait behind it.
    Missing(u64),
    /// Its transaction waits; this is why it is left alone, and what a person can do.
    Left(String, String),
}

/// What is to be done about the payer's own transactions, for the requests whose fulfilment they keep waiting and for those
/// that `others` would be signed for: a new transaction would wait behind them.
pub fn unstick(case: &Case<'_>, others: &[Remedy]) -> Vec<Remedy> {
    let Some(own) = &case.own else { return Vec::new() };
    let mut requests: Vec<U256> = case
        .steps(CAUSE)
        .filter(|(_, step)| is_about(step, own.sender.account))
        .map(|(request, _)| request.id)
        .collect();
    for wanted in others.iter().filter_map(signed) {
        requests.extend(wanted.requests.iter().filter(|id| !requests.contains(id)).copied().collect::<Vec<_>>());
    }
    if requests.is_empty() {
        return Vec::new();
    }
    let all = stuck(case, own);
    let more = all.iter().filter(|one| !matches!(one, Stuck::Left(..))).count().saturating_sub(MOST);
    let mut remedies: Vec<Remedy> =
        all.iter().filter_map(|one| mended(case, one, &requests)).take(MOST).map(Remedy::Do).collect();
    if let (Some(Remedy::Do(first)), 1..) = (remedies.first_mut(), more) {
        first.notes.push(format!("{more} more nonces of {} are stuck behind these", address(own.sender.account)));
    }
    if let ([], Some(Stuck::Left(why, hint))) = (remedies.as_slice(), all.into_iter().next()) {
        remedies.push(Remedy::Not(Refused { cause: CAUSE, requests, status: "by-hand", why, hint }));
    }
    remedies
}

/// Whether the step found that this account's transactions wait.
fn is_about(step: &Step, account: H160) -> bool {
    let waiting = step.evidence.get("waiting").and_then(|all| all.as_array());
    let account = address(account);
    step.verdict == Verdict::Fail
        && waiting.into_iter().flatten().any(|one| one["account"].as_str() == Some(account.as_str()))
}

/// What the payer would sign.
fn signed(remedy: &Remedy) -> Option<&Wanted> {
    match remedy {
        Remedy::Do(wanted) if wanted.action.needs_chain() => Some(wanted),
        _ => None,
    }
}

/// What is stuck, by ascending nonce.
fn stuck(case: &Case<'_>, own: &Own) -> Vec<Stuck> {
    let sender = &own.sender;
    let (Ok(mined), Ok(pending)) = (&sender.nonce, &sender.pending_nonce) else { return Vec::new() };
    let Ok(pool) = &sender.pooled else {
        // The node may know what the endpoint does not show.
        return if pending > mined {
            vec![match told(case, sender.account, *mined) {
                Some(hash) => Stuck::Cheap(hash),
                None => hidden(sender.account, *mined),
            }]
        } else {
            Vec::new()
        };
    };
    let Some(last) = pool.last() else { return Vec::new() };
    let one = |nonce| match sender.waiting(nonce) {
        None => Some(Stuck::Missing(nonce)),
        Some(waiting) => cheap(case, own, waiting),
    };
    (*mined..=last.nonce).take(1_000).filter_map(one).collect()
}

/// A transaction that will not be mined at what it offers; `None` where it is mined once those before it are.
fn cheap(case: &Case<'_>, own: &Own, waiting: &Pooled) -> Option<Stuck> {
    let Pooled { nonce, hash, max_fee } = *waiting;
    let account = own.sender.account;
    let is_first = own.sender.nonce.as_ref().is_ok_and(|mined| *mined == nonce);
    let Some(hash) = hash.or_else(|| told(case, account, nonce)) else {
        return is_first.then(|| hidden(account, nonce));
    };
    let too_little = match (&own.base_fee, max_fee) {
        (Ok(base), Some(fee)) => fee < *base,
        _ => false,
    };
    if too_little || told(case, account, nonce).is_some() || case.named(CAUSE) {
        return Some(Stuck::Cheap(hash));
    }
    let offer = max_fee.map_or_else(String::new, |fee| format!(", offers up to {}", gwei(fee)));
    let asked =
        own.base_fee.as_ref().map_or_else(|_| String::new(), |base| format!(" where {} are asked", gwei(*base)));
    is_first.then(|| {
        Stuck::Left(
            format!(
                "transaction {} of {} with nonce {nonce} waits{offer}{asked}: it may yet be mined by itself",
                short_hex(hash.as_bytes()),
                address(account)
            ),
            format!("if it still waits in a minute: --apply --only {CAUSE}, or ira act chain.replace_transaction --tx {hash:#x}"),
        )
    })
}

/// The hash under which a node says that its transaction has waited long.
fn told(case: &Case<'_>, account: H160, nonce: u64) -> Option<H256> {
    let listed = case.steps(CAUSE).filter(|(_, step)| is_about(step, account));
    listed.filter_map(|(_, step)| step.evidence.get("transactions")?.as_array()).flatten().find_map(|one| {
        let is_it = one["nonce"].as_u64() == Some(nonce) && one["from"].as_str() == Some(address(account).as_str());
        if is_it { one["tx"].as_str()?.parse().ok() } else { None }
    })
}

fn hidden(account: H160, nonce: u64) -> Stuck {
    Stuck::Left(
        format!(
            "the transaction with nonce {nonce} of {} waits, and no endpoint here shows its pool: its hash is not known",
            address(account)
        ),
        "outbid it: ira act chain.replace_transaction --tx HASH; or give an endpoint that answers txpool_contentFrom"
            .to_owned(),
    )
}

fn mended(case: &Case<'_>, stuck: &Stuck, requests: &[U256]) -> Option<Box<Wanted>> {
    let action = match stuck {
        Stuck::Cheap(hash) => Action::ReplaceTransaction(ReplaceTransaction {
            tx: Hash(*hash),
            cancel: false,
            network: case.network(),
            max_spend: None,
            max_spend_native: None,
        }),
        Stuck::Missing(nonce) => Action::FillNonceGap(FillNonceGap {
            nonce: *nonce,
            network: case.network(),
            max_spend: None,
            max_spend_native: None,
        }),
        Stuck::Left(..) => return None,
    };
    Some(Box::new(Wanted { cause: CAUSE, requests: requests.to_vec(), action, notes: Vec::new(), stranger: None }))
}
