//! What became of a node's tries to fulfil.

use serde_json::json;

use crate::node::NodeRun;
use crate::units::{address, duration, short_hex, thousands};
use crate::vrf_runbook::facts::Request;
use crate::vrf_runbook::nodes::{Attempt, is_about};
use crate::vrf_runbook::state::Surroundings;

use super::keys::{owner, senders};
use super::{Found, Serving, gaps, only_the_node, serving, without_a_job};

/// A transaction that waits for so many blocks is stuck.
const STUCK_AFTER: u64 = 10;
/// Gas that a fulfilment needs beside the callback, at the least: 68,000 on the real coordinators of the test bed.
const LEAST_OVERHEAD: u64 = 68_000;
/// The same at the most, with a batch's share: one that had more and reverted did so for another reason.
const MOST_OVERHEAD: u64 = 200_000;
/// Nobody waits long for a job that tries again within this, milliseconds.
const SOON: u64 = 300_000;

fn attempts<'a>(around: &'a Surroundings<'_>, request: &Request) -> Vec<&'a Attempt> {
    around.scene.attempts.iter().filter(|attempt| attempt.request == request.place).collect()
}

/// Transactions of the sending keys that wait: by their nonces on the chain, and by what the nodes say of them.
pub fn tx_stuck(around: &Surroundings<'_>, request: &Request) -> Found {
    let senders = match senders(around, request) {
        Ok(senders) => senders,
        Err(unknown) => return *unknown,
    };
    let (mut waiting, mut gap) = (Vec::new(), None);
    for sender in &senders {
        match (&sender.nonce, &sender.pending_nonce) {
            (Ok(mined), Ok(pending)) if pending > mined || sender.gap().is_some() => {
                let (account, missing) = (sender.account, sender.gap());
                gap = gap.or(missing.map(|missing| (account, missing)));
                let first = sender.waiting(*mined).and_then(|first| first.hash);
                waiting.push(json!({
                    "account": address(account), "latest": mined, "pending": pending, "missing": missing,
                    "tx": first.map(|hash| format!("{hash:#x}")), "node": owner(around, account),
                }));
            }
            (Ok(_), Ok(_)) => {}
            (Err(fault), _) | (_, Err(fault)) => return Found::unread("a sending key's nonce", fault),
        }
    }
    let head = around.scene.block.number;
    let mut told = Vec::new();
    let mut listed = Vec::new();
    for node in &around.scene.nodes {
        for tx in node.transactions.as_ref().map(Vec::as_slice).unwrap_or_default() {
            let ours = tx.from.is_some_and(|from| senders.iter().any(|sender| sender.account == from));
            let age = tx.sent_at_block.map(|at| head.saturating_sub(at));
            let unconfirmed = matches!(tx.state.as_str(), "unconfirmed" | "in_progress" | "confirmed_missing_receipt");
            if !ours || !unconfirmed || age.is_none_or(|age| age < STUCK_AFTER) {
                continue;
            }
            let nonce = tx.nonce.map_or_else(|| "?".to_owned(), |nonce| nonce.to_string());
            let for_blocks = thousands(age.unwrap_or_default());
            told.push(format!("node {} has waited {for_blocks} blocks for nonce {nonce} ({})", node.name, tx.state));
            listed.push(json!({
                "node": node.name, "from": tx.from.map(address), "tx": format!("{:#x}", tx.hash), "nonce": tx.nonce,
                "state": tx.state, "blocks": age,
            }));
        }
    }
    let seen = senders.iter().all(|sender| sender.pooled.is_ok());
    let given_up = attempts(around, request).into_iter().find(|attempt| attempt.tx.state == "fatal_error");
    let rebroadcast =
        "look again in a minute; if they still wait, rebroadcast with a higher fee on the node, same nonce";
    let found = if let Some(attempt) = given_up {
        let tx = short_hex(attempt.tx.hash.as_bytes());
        Found::holds(format!("node {} has given up on its fulfilment {tx} (fatal_error)", attempt.node))
            .mend(format!("look at the transaction's error on node {}", attempt.node), "node operator")
    } else if let Some((account, missing)) = gap {
        let account = address(account);
        Found::holds(format!("transactions of {account} wait behind nonce {missing}, which no transaction has"))
            .mend(format!("send anything from {account} with nonce {missing}: the rest is then mined"), "node operator")
    } else if !told.is_empty() {
        let more = if told.len() > 1 { format!(" and {} more", told.len() - 1) } else { String::new() };
        Found::holds(format!("{}{more}", told[0])).mend(rebroadcast, "node operator")
    } else if waiting.is_empty() {
        Found::pass(if seen {
            "no sending key has a transaction waiting"
        } else {
            "no sending key has a transaction waiting in its turn; behind a gap one would not be seen at this endpoint"
        })
    } else {
        Found::holds(format!("{} of {} sending keys have transactions waiting", waiting.len(), senders.len()))
            .mend(rebroadcast, "node operator")
    };
    let found = found.with("waiting", waiting).with("pool_seen", seen);
    if listed.is_empty() { found } else { found.with("transactions", listed) }
}

/// Whether its fulfilments revert for want of gas.
pub fn fulfil_gas_too_low(around: &Surroundings<'_>, request: &Request) -> Found {
    const WHAT: &str = "whether its fulfilments revert for want of gas";
    const LOOK: &str = "GET /v2/transactions/evm: reverted ones to the coordinator";
    if around.scene.nodes.iter().all(|node| node.transactions.is_err()) {
        return only_the_node(around, WHAT, LOOK);
    }
    let gaps = gaps(around, |node| &node.transactions);
    // The coordinator keeps a 64th of what is left for itself before it calls back.
    let callback = request.callback_gas_limit.saturating_add(request.callback_gas_limit / 63);
    let (least, most) = (callback.saturating_add(LEAST_OVERHEAD), callback.saturating_add(MOST_OVERHEAD));
    let its = attempts(around, request);
    let listed: Vec<_> = its
        .iter()
        .map(|attempt| {
            let receipt = attempt.receipt.as_ref().ok().copied().flatten();
            json!({
                "node": attempt.node, "tx": format!("{:#x}", attempt.tx.hash), "state": attempt.tx.state,
                "gas_limit": attempt.tx.gas_limit, "success": receipt.map(|(success, _)| success),
                "gas_used": receipt.map(|(_, used)| used),
            })
        })
        .collect();
    let reverted: Vec<&&Attempt> =
        its.iter().filter(|attempt| matches!(attempt.receipt, Ok(Some((false, _))))).collect();
    let named = |attempt: &Attempt| format!("{} of node {}", short_hex(attempt.tx.hash.as_bytes()), attempt.node);
    let had = |attempt: &Attempt| attempt.tx.gas_limit.unwrap_or_default();
    let mend = |found: Found| {
        found.mend("raise the multiplier of the job's estimategaslimit task, and the node's gas limit", "node operator")
    };
    let found =
        if let Some(attempt) = reverted.iter().find(|attempt| attempt.tx.gas_limit.is_some_and(|limit| limit < most)) {
            mend(Found::blocks(format!(
                "the fulfilment {} had {} gas and reverted; a callback of {} takes at least {}{gaps}",
                named(attempt),
                thousands(had(attempt)),
                thousands(request.callback_gas_limit),
                thousands(least)
            )))
        } else if let Some(attempt) = its.iter().find(|attempt| {
            matches!(attempt.receipt, Ok(None)) && attempt.tx.gas_limit.is_some_and(|limit| limit < least)
        }) {
            mend(Found::blocks(format!(
                "the fulfilment {} has {} gas, and a callback of {} takes at least {}{gaps}",
                named(attempt),
                thousands(had(attempt)),
                thousands(request.callback_gas_limit),
                thousands(least)
            )))
        } else if let Some(attempt) = reverted.first() {
            Found::pass(format!(
                "the fulfilment {} reverted, but not for want of gas: it had {}{gaps}",
                named(attempt),
                thousands(had(attempt))
            ))
            .mend("look at why it reverted", "node operator")
        } else if its.is_empty() {
            Found::pass(format!("no fulfilment of it is among the node's newest transactions{gaps}"))
        } else {
            Found::pass(format!("its fulfilments had gas enough{gaps}"))
        };
    found.with("attempts", listed).with("least_gas", least)
}

/// Whether it is waiting before it tries again.
pub fn backing_off(around: &Surroundings<'_>, request: &Request) -> Found {
    const WHAT: &str = "whether it is backing off";
    const LOOK: &str = "the job's backoffInitialDelay and backoffMaxDelay, metric vrf_request_time_between_sims";
    let jobs = serving(around, request);
    if jobs.is_empty() {
        return without_a_job(around, WHAT, LOOK);
    }
    if jobs.iter().any(|one| one.job.backoff_initial.is_none()) {
        return only_the_node(around, WHAT, LOOK);
    }
    let Some((one, first, longest)) = jobs
        .iter()
        .map(|one| (*one, one.job.backoff_initial.unwrap_or_default(), one.job.backoff_max.unwrap_or_default()))
        .min_by_key(|(_, first, longest)| (*longest).max(*first))
        .filter(|(_, first, _)| *first > 0)
    else {
        return Found::pass("its job tries again at every poll: it does not back off");
    };
    let longest = longest.max(first);
    let failed: Vec<&NodeRun> = one
        .node
        .runs_of(one.job)
        .and_then(|runs| runs.as_ref().ok())
        .map(|runs| runs.runs.iter().filter(|run| is_about(run, request) && !run.errors.is_empty()).collect())
        .unwrap_or_default();
    let spans = |found: Found| found.with("initial_ms", first).with("longest_ms", longest).with("tries", failed.len());
    let Some(last) = failed.iter().filter_map(|run| run.at).max() else {
        return spans(untried(one, longest));
    };
    let doublings = u32::try_from(failed.len() - 1).unwrap_or(u32::MAX);
    let wait =
        2_u64.checked_pow(doublings).and_then(|factor| first.checked_mul(factor)).unwrap_or(u64::MAX).min(longest);
    let now = around.scene.block.timestamp;
    let next = last.saturating_add(wait.div_ceil(1_000));
    spans(if next > now {
        Found::holds(format!(
            "{one} tried {} times in vain, last {} ago ({}): it tries again in about {}, and waits up to {}",
            failed.len(),
            duration(now.saturating_sub(last)),
            failed[0].errors[0],
            duration(next - now),
            duration(longest / 1_000)
        ))
        .mend("wait, or restart the job once what its tries met is mended", "node operator")
    } else {
        Found::pass(format!(
            "{one} tried {} times, last {} ago, and need not wait",
            failed.len(),
            duration(now.saturating_sub(last))
        ))
    })
    .with("next_try_at", next)
}

/// A job that backs off, with no try on record.
fn untried(one: Serving<'_>, longest: u64) -> Found {
    let meters = one.node.meters.as_ref().map(|meters| meters.between_tries.as_slice()).unwrap_or_default();
    let average =
        meters.iter().find(|(job, many, _)| *job == one.job.name && *many > 0).map(|(_, many, all)| all / many);
    let lately =
        average.map_or(String::new(), |millis| format!("; {} between two tries on average", duration(millis / 1_000)));
    if longest <= SOON {
        Found::pass(format!("{one} waits at most {} between two tries{lately}", duration(longest / 1_000)))
    } else {
        Found::unknown(format!(
            "{one} waits up to {} between two tries{lately}; how often it tried this request is not written down",
            duration(longest / 1_000)
        ))
        .mend("restart the job once the cause is mended, or wait", "node operator")
    }
}
