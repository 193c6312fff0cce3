//! The typed data of `--json`. Ids, juels and wei are decimal strings, times unix seconds.

use serde_json::{Value as Json, json};

use crate::fault::Fault;
use crate::node::{NodeJob, NodeKey};
use crate::units::{address, hex};

use super::causes;
use super::facts::{Known, Request, Subscription};
use super::gather::{Gathered, Transaction};
use super::nodes::NodeFacts;
use super::state::{Examined, Step};
use super::whose;

/// `data` of the envelope.
pub fn data(gathered: &Gathered, shown: &[&Examined]) -> Json {
    let scene = &gathered.scene;
    json!({
        "network": {
            "name": scene.network.name,
            "chain_id": scene.network.chain_id,
            "block": {
                "number": scene.block.number,
                "hash": hex(scene.block.hash.as_bytes()),
                "timestamp": scene.block.timestamp,
            },
        },
        "coordinator": coordinator(gathered),
        "subscriptions": gathered.subscriptions.iter().map(|one| subscription(gathered, one)).collect::<Vec<_>>(),
        "requests": shown
            .iter()
            .map(|one| request(gathered, one))
            .chain(gathered.transaction.iter().filter(|_| gathered.requests.is_empty()).map(not_requested))
            .collect::<Vec<_>>(),
        "summary": summary(gathered, shown),
        "nodes": scene.nodes.iter().map(node).collect::<Vec<_>>(),
        "actions": [],
    })
}

/// How many requests wait past their confirmations, and how many of them are on subscriptions that may be funded.
fn summary(gathered: &Gathered, shown: &[&Examined]) -> Json {
    let waiting: Vec<&&Examined> = shown.iter().filter(|one| one.waits()).collect();
    let ours = waiting.iter().filter(|one| whose::is_ours(gathered, one.request.subscription)).count();
    json!({ "waiting": waiting.len(), "ours": ours })
}

/// A node as it answered; what could not be read of it is null, with the reason in `faults`.
fn node(node: &NodeFacts) -> Json {
    let mut faults = serde_json::Map::new();
    let mut fault = |part: &str, fault: Option<&Fault>| {
        faults.extend(fault.map(|fault| (part.to_owned(), json!(fault.one_line()))));
    };
    fault("keys", node.keys.as_ref().err());
    fault("vrf_keys", node.vrf_keys.as_ref().err());
    fault("jobs", node.jobs.as_ref().err());
    fault("transactions", node.transactions.as_ref().err());
    fault("health", node.checks.as_ref().err());
    fault("metrics", node.meters.as_ref().err());
    for (job, runs) in &node.runs {
        fault(&format!("runs of job {job}"), runs.as_ref().err());
    }
    json!({
        "name": node.name,
        "reachable": node.is_reachable(),
        "version": known(&node.version).and_then(Option::as_ref),
        "head": known(&node.meters).and_then(|meters| meters.head),
        "failing_checks": known(&node.checks)
            .map(|checks| checks.iter().filter(|check| !check.passing).map(|check| &check.name).collect::<Vec<_>>()),
        "keys": known(&node.keys).map(|keys| keys.iter().map(key).collect::<Vec<_>>()),
        "jobs": known(&node.jobs).map(|jobs| jobs.iter().map(|one| job(node, one)).collect::<Vec<_>>()),
        "not_understood": node.not_understood,
        "faults": faults,
    })
}

fn key(key: &NodeKey) -> Json {
    json!({
        "address": address(key.address),
        "disabled": key.disabled,
        "balance_wei": key.balance.map(|balance| balance.to_string()),
        "max_gas_price_wei": key.max_gas_price.map(|price| price.to_string()),
    })
}

fn job(node: &NodeFacts, job: &NodeJob) -> Json {
    let runs = node.runs_of(job).and_then(|runs| runs.as_ref().ok());
    json!({
        "id": job.id,
        "name": job.name,
        "type": job.kind,
        "coordinators": job.coordinators.iter().copied().map(address).collect::<Vec<_>>(),
        "from_addresses": job.from.iter().copied().map(address).collect::<Vec<_>>(),
        "public_key": job.public_key,
        "key_hash": node.hash_of(job).map(|hash| hex(hash.as_bytes())),
        "request_timeout_seconds": job.request_timeout,
        "vrf_owner": job.owner_contract.map(address),
        "min_confirmations": job.min_confirmations,
        "errors": job.errors.iter().map(|error| json!({
            "description": error.description,
            "occurrences": error.occurrences,
            "at": error.at,
        })).collect::<Vec<_>>(),
        "runs_read": runs.map(|runs| runs.runs.len()),
    })
}

fn coordinator(gathered: &Gathered) -> Json {
    let coordinator = &gathered.scene.coordinator;
    let config = coordinator.config.as_ref().ok();
    let price = coordinator.price.as_ref().ok();
    let stale = price.zip(config).map(|((_, updated), config)| {
        config.staleness_seconds > 0
            && gathered.scene.block.timestamp.saturating_sub(*updated) > config.staleness_seconds
    });
    json!({
        "address": address(coordinator.address),
        "version": coordinator.version.word(),
        "config": config.map(|config| json!({
            "minimum_request_confirmations": config.min_confirmations,
            "max_gas_limit": config.max_gas_limit,
            "staleness_seconds": config.staleness_seconds,
            "gas_after_payment_calculation": config.gas_after_payment,
            "native_premium_percentage": config.native_premium,
            "link_premium_percentage": config.link_premium,
        })),
        "blockhash_store": known(&coordinator.blockhash_store).copied().map(address),
        "link_native_feed": {
            "address": known(&coordinator.feed).copied().map(address),
            "answer": price.map(|(answer, _)| answer.to_string()),
            "updated_at": price.map(|(_, updated)| updated),
            "stale": stale,
        },
    })
}

fn known<T>(known: &Known<T>) -> Option<&T> {
    known.as_ref().ok()
}

fn subscription(gathered: &Gathered, subscription: &Subscription) -> Json {
    let state = known(&subscription.state).and_then(Option::as_ref);
    let pending = |one: &&Request| one.subscription == subscription.id && one.pending().unwrap_or(false);
    json!({
        "id": subscription.id.to_string(),
        "owner": state.map(|state| address(state.owner)),
        "link_juels": state.map(|state| state.link.to_string()),
        "native_wei": state.map(|state| state.native.to_string()),
        "consumers": state.map(|state| state.consumers.iter().copied().map(address).collect::<Vec<_>>()),
        "pending": gathered.requests.iter().chain(&gathered.others).filter(pending).count(),
    })
}

fn request(gathered: &Gathered, one: &Examined) -> Json {
    let (scene, request) = (&gathered.scene, &one.request);
    json!({
        "id": request.id.to_string(),
        "tx": hex(request.tx.as_bytes()),
        "block": request.block,
        "age_blocks": scene.block.number.saturating_sub(request.block),
        "age_seconds": known(&request.at).map(|at| scene.block.timestamp.saturating_sub(*at)),
        "subscription": request.subscription.to_string(),
        "key_hash": hex(request.key_hash.as_bytes()),
        "callback_gas_limit": request.callback_gas_limit,
        "num_words": request.words,
        "sender": address(request.sender),
        "native_payment": request.native(),
        "status": one.state.word(),
        "steps": one.steps.iter().map(step).collect::<Vec<_>>(),
        "causes": one.causes().into_iter().map(cause).collect::<Vec<_>>(),
        "warnings": one.warnings().into_iter().map(warning).collect::<Vec<_>>(),
    })
}

fn step(step: &Step) -> Json {
    json!({ "step": step.cause, "status": step.verdict, "message": step.message, "evidence": step.evidence })
}

fn cause(step: &Step) -> Json {
    json!({
        "cause": step.cause,
        "blocking": step.blocking,
        "message": step.message,
        "evidence": step.evidence,
        "remedy": step.remedy,
    })
}

/// A cause that does not hold yet and soon will.
fn warning(step: &Step) -> Json {
    json!({ "cause": step.cause, "message": step.message, "evidence": step.evidence, "remedy": step.remedy })
}

/// A transaction that made no request, in the place of the request.
fn not_requested(transaction: &Transaction) -> Json {
    let found = causes::not_requested(transaction);
    json!({
        "id": null,
        "tx": hex(transaction.hash.as_bytes()),
        "block": transaction.block,
        "status": "not-requested",
        "steps": [step(&found)],
        "causes": [cause(&found)],
    })
}
