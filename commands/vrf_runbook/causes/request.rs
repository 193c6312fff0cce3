//! Was it made, is it done, does it still belong to anybody.

use crate::units::{address, hex, short_address, short_hex, thousands};
use crate::vrf_runbook::facts::Request;
use crate::vrf_runbook::gather::Transaction;
use crate::vrf_runbook::state::Surroundings;
use crate::vrf_runbook::{decode, errors};

use super::Found;

/// The event is there, or there would be no request to look at.
pub fn not_on_chain(_: &Surroundings<'_>, request: &Request) -> Found {
    Found::pass(format!("requested in block {} by {}", thousands(request.block), short_hex(request.tx.as_bytes())))
        .with("tx", hex(request.tx.as_bytes()))
        .with("block", request.block)
}

/// A transaction without the event.
pub fn not_requested(transaction: &Transaction) -> Found {
    let found = match (transaction.success, &transaction.reverts) {
        (true, _) => Found::blocks("it succeeded, but no request event of this coordinator is in it")
            .mend("is it the transaction of the request, and is this its coordinator?", "you"),
        (false, Ok(Some(fault))) => match errors::named(&fault.message) {
            Some((name, meaning)) => Found::blocks(format!("it reverted; tried again now, with {name}: {meaning}"))
                .with("error", name)
                .mend(meaning, "subscription owner, or consumer's developers"),
            None => Found::blocks(format!("it reverted; tried again now: {}", fault.one_line()))
                .mend("look at why the consumer reverts", "consumer's developers"),
        },
        (false, Ok(None)) => Found::blocks("it reverted then, and would go through now").mend(
            "whatever stood in its way is mended; sending it again is the application's decision",
            "consumer's developers",
        ),
        (false, Err(fault)) => Found::blocks(format!("it reverted; why could not be read: {}", fault.one_line()))
            .mend("look at why the consumer reverts", "consumer's developers"),
    };
    found.with("tx", hex(transaction.hash.as_bytes())).with("block", transaction.block)
}

/// The commitment is gone and the fulfilment's event is there.
pub fn already_fulfilled(_: &Surroundings<'_>, request: &Request) -> Found {
    match (request.pending(), &request.fulfilled) {
        (Ok(true), _) => Found::pass("the coordinator still waits for it"),
        (_, Ok(Some(done))) if done.success => {
            Found::holds(format!("fulfilled in block {} by {}", thousands(done.block), short_hex(done.tx.as_bytes())))
                .with("tx", hex(done.tx.as_bytes()))
                .with("block", done.block)
                .with("payment", done.payment.to_string())
        }
        (_, Ok(Some(_))) => Found::pass("it was answered, but the consumer did not take it"),
        (Ok(false), Ok(None)) => {
            Found::unknown("the coordinator does not wait for it, and no fulfilment is in the lookback")
                .mend("look further back: --lookback BLOCKS", "you")
        }
        (Ok(false), Err(fault)) => Found::unread("the fulfilments", fault),
        (Err(fault), _) => Found::unread("its commitment", &fault),
    }
}

/// Fulfilled with `success = false`: charged, and never tried again.
pub fn callback_failed(_: &Surroundings<'_>, request: &Request) -> Found {
    match (request.pending(), &request.fulfilled) {
        (Ok(true), _) => Found::pass("no fulfilment was tried on chain"),
        (_, Ok(Some(done))) if !done.success => Found::blocks(format!(
            "the consumer's callback failed in block {} (reverted, or ran out of its {} gas); it was charged and cannot be called again",
            thousands(done.block),
            thousands(request.callback_gas_limit)
        ))
        .with("tx", hex(done.tx.as_bytes()))
        .with("payment", done.payment.to_string())
        .mend("fix the consumer or raise its callbackGasLimit; a new request is the application's decision", "consumer's developers"),
        (_, Ok(_)) => Found::pass("no failed callback is known"),
        (_, Err(fault)) => Found::unread("the fulfilments", fault),
    }
}

/// What the coordinator keeps is not the hash of what the event says: the event is of an orphaned block.
pub fn reorged(around: &Surroundings<'_>, request: &Request) -> Found {
    let kept = match &request.commitment {
        Ok(kept) if kept.is_zero() => return Found::skipped("the coordinator keeps nothing of it"),
        Ok(kept) => *kept,
        Err(fault) => return Found::unread("its commitment", fault),
    };
    let computed = decode::commitment(request, around.scene.coordinator.version);
    let found = if kept == computed {
        Found::pass("the coordinator keeps what the event says")
    } else {
        Found::blocks(
            "the coordinator keeps another request under this id: the event is of a block that was reorganised away",
        )
        .mend("wait for the new event, then have the nodes replay from its block", "node operator")
    };
    found.with("kept", hex(kept.as_bytes())).with("computed", hex(computed.as_bytes()))
}

/// The coordinator does not know the subscription any more.
pub fn subscription_gone(around: &Surroundings<'_>, request: &Request) -> Found {
    match around.subscription.map(|subscription| &subscription.state) {
        Some(Ok(Some(state))) => {
            Found::pass(format!("subscription {} belongs to {}", request.subscription, short_address(state.owner)))
                .with("owner", address(state.owner))
        }
        Some(Ok(None)) => Found::blocks(format!(
            "subscription {} was cancelled or has moved: nobody pays for this request any more",
            request.subscription
        ))
        .with("subscription", request.subscription.to_string())
        .mend(
            "nothing on chain; on V2 a node with a VRFOwner fulfils it by force, else the application must do without",
            "node operator",
        ),
        Some(Err(fault)) => Found::unread("the subscription", fault),
        None => Found::unknown("the subscription was not read"),
    }
}

/// The subscription was moved to another coordinator.
pub fn coordinator_migrated(around: &Surroundings<'_>, request: &Request) -> Found {
    match around.subscription.and_then(|subscription| subscription.migrated_to) {
        Some(new) => Found::blocks(format!(
            "subscription {} was migrated to the coordinator {}",
            request.subscription,
            address(new)
        ))
        .with("new_coordinator", address(new))
        .mend(format!("the consumer must call setCoordinator({}) and request there", address(new)), "consumer's owner"),
        None => Found::pass("no migration of its subscription in the lookback"),
    }
}

/// A consumer without code cannot be called back.
pub fn consumer_not_contract(_: &Surroundings<'_>, request: &Request) -> Found {
    match &request.sender_is_contract {
        Ok(true) => Found::pass("the consumer is a contract"),
        Ok(false) => Found::blocks(format!(
            "the consumer {} has no code: nodes drop the request after finality",
            short_address(request.sender)
        ))
        .with("consumer", address(request.sender))
        .mend("nothing: a plain account, or a contract that destroyed itself, cannot take an answer", "nobody"),
        Err(fault) => Found::unread("the consumer's code", fault),
    }
}
