//! The typed data of `--json`. Ids, juels and wei are decimal strings, times unix seconds.

use serde_json::{Value as Json, json};

use crate::units::{address, hex};

use super::causes;
use super::facts::{Known, Request, Subscription};
use super::gather::{Gathered, Transaction};
use super::state::{Examined, Step};

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
        "actions": [],
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
        "pending": gathered.requests.iter().filter(pending).count(),
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
