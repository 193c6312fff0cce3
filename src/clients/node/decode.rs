//! From a node's answers to plain values.

use ira_commands::node::{Check, JobError, NodeJob, NodeKey, NodeRun, NodeTx, VrfKey};
use ira_commands::value::U256;
use serde_json::Value as Json;

use super::read::{Item, bytes, hash, small, whole};

/// What a chain's id is called in the builds.
const CHAIN: [&str; 4] = ["evmChainID", "evmChainId", "chainID", "ChainID"];
/// How deep the inputs of a run are searched.
const DEEPEST: usize = 8;
/// Characters of a name.
const NAME: usize = 80;
/// Characters of what went wrong.
const TROUBLE: usize = 240;

/// Whether an item is of this chain; one that does not say is.
fn is_of(item: &Item<'_>, chain_id: u64) -> bool {
    item.number(&CHAIN).is_none_or(|chain| chain == chain_id)
}

/// An account that the node sends from; `None` for one of another chain, or one that only pays the others.
pub(super) fn key(item: &Item<'_>, chain_id: u64) -> Option<NodeKey> {
    if !is_of(item, chain_id) || item.truth(&["isFunding"]) == Some(true) {
        return None;
    }
    let Some(address) = item.address(&["address", "id"]) else {
        item.strange("a key without an address");
        return None;
    };
    Some(NodeKey {
        address,
        disabled: item.truth(&["disabled"]),
        balance: item.coins(&["ethBalance"]),
        max_gas_price: item.uint(&["maxGasPriceWei"]),
    })
}

pub(super) fn vrf_key(item: &Item<'_>) -> Option<VrfKey> {
    let key = VrfKey { public: public(item, &["compressed", "id"])?, hash: item.hash(&["hash"])? };
    Some(key)
}

/// A compressed public key in one spelling.
fn public(item: &Item<'_>, names: &[&str]) -> Option<String> {
    let text = item.text(names, 200)?.to_lowercase();
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    let sound = digits.len() == 66 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !sound {
        item.strange(format!("`{}` is no compressed public key", names[0]));
    }
    sound.then(|| format!("0x{digits}"))
}

/// A job that has to do with randomness on this chain.
pub(super) fn job(item: &Item<'_>, chain_id: u64) -> Option<NodeJob> {
    let kind = item.text(&["type"], NAME).unwrap_or_default();
    let spec = match kind.as_str() {
        "vrf" => item.object("vrfSpec"),
        "blockhashstore" => item.object("blockhashStoreSpec"),
        _ => return None,
    };
    let job = NodeJob {
        id: item.id(),
        name: item.text(&["name"], NAME).unwrap_or_default(),
        kind,
        errors: item.list("errors").iter().map(|error| trouble(&item.of(error))).collect(),
        ..NodeJob::default()
    };
    let Some(spec) = spec else {
        item.strange(format!("the job {} has no spec of its type", job.id));
        return Some(job);
    };
    if !is_of(&spec, chain_id) {
        return None;
    }
    let mut coordinators = spec.addresses(&["coordinatorAddress"]);
    coordinators.extend(spec.addresses(&["coordinatorV2Address"]));
    coordinators.extend(spec.addresses(&["coordinatorV2PlusAddress"]));
    coordinators.retain(|one| !one.is_zero());
    let mut from = spec.addresses(&["fromAddresses", "fromAddress"]);
    from.retain(|one| !one.is_zero());
    let stores = [spec.address(&["blockhashStoreAddress"]), spec.address(&["trustedBlockhashStoreAddress"])];
    Some(NodeJob {
        chain_id: spec.number(&CHAIN),
        coordinators,
        from,
        public_key: spec.get(&["publicKey"]).and_then(|_| public(&spec, &["publicKey"])),
        request_timeout: spec.millis(&["requestTimeout"]).map(|millis| millis / 1_000),
        backoff_initial: spec.millis(&["backoffInitialDelay"]),
        backoff_max: spec.millis(&["backoffMaxDelay"]),
        min_confirmations: spec.number(&["minIncomingConfirmations", "confirmations"]),
        owner_contract: spec.address(&["vrfOwnerAddress"]),
        wait_blocks: spec.number(&["waitBlocks"]),
        lookback_blocks: spec.number(&["lookbackBlocks"]),
        stores: stores.into_iter().flatten().collect(),
        ..job
    })
}

fn trouble(item: &Item<'_>) -> JobError {
    JobError {
        description: item.text(&["description"], TROUBLE).unwrap_or_default(),
        occurrences: item.number(&["occurrences"]),
        at: item.moment(&["updatedAt", "createdAt"]),
    }
}

pub(super) fn transaction(item: &Item<'_>, chain_id: u64) -> Option<NodeTx> {
    if !is_of(item, chain_id) {
        return None;
    }
    Some(NodeTx {
        hash: item.hash(&["hash", "id"])?,
        state: item.text(&["state"], NAME).unwrap_or_default(),
        from: item.address(&["from"]),
        to: item.address(&["to"]),
        nonce: filled(item, "nonce"),
        gas_limit: filled(item, "gasLimit"),
        // By its name a time; it is the height at which it was sent.
        sent_at_block: filled(item, "sentAt"),
        data: item.bytes(&["data"]).unwrap_or_default(),
    })
}

/// A number that is an empty text where there is none.
fn filled(item: &Item<'_>, name: &str) -> Option<u64> {
    if item.get(&[name])?.as_str() == Some("") {
        return None;
    }
    item.number(&[name])
}

pub(super) fn check(item: &Item<'_>) -> Option<Check> {
    let status = item.text(&["status"], NAME)?;
    Some(Check {
        name: item.text(&["name", "id"], NAME).unwrap_or_default(),
        passing: status.eq_ignore_ascii_case("passing"),
        output: item.text(&["output"], TROUBLE).unwrap_or_default(),
    })
}

pub(super) fn run(item: &Item<'_>) -> NodeRun {
    let mut run = NodeRun { id: item.id(), at: item.moment(&["createdAt", "finishedAt"]), ..NodeRun::default() };
    for name in ["inputs", "meta"] {
        match item.get(&[name]) {
            // Some builds write it as a text that is JSON.
            Some(Json::String(text)) => match serde_json::from_str(text) {
                Ok(inside) => look_into(&inside, &mut run, DEEPEST),
                Err(_) => item.strange(format!("`{name}` is a text that is no JSON")),
            },
            Some(value) => look_into(value, &mut run, DEEPEST),
            None => {}
        }
    }
    for name in ["errors", "fatalErrors"] {
        for error in item.list(name).iter().filter_map(Json::as_str) {
            let error = item.clean(error, TROUBLE);
            if !run.errors.contains(&error) {
                run.errors.push(error);
            }
        }
    }
    run
}

/// What the inputs of a run say of the request, wherever in them it stands.
fn look_into(value: &Json, run: &mut NodeRun, deeper: usize) {
    let Some(left) = deeper.checked_sub(1) else { return };
    match value {
        Json::Object(map) => {
            for (name, value) in map {
                let found = match name.to_lowercase().as_str() {
                    "logtxhash" | "requesttx" | "requesttxhash" | "txhash" => {
                        set(&mut run.tx, value.as_str().and_then(hash))
                    }
                    "logblocknumber" | "requestblock" | "requestblocknumber" | "blocknumber" | "block" => {
                        set(&mut run.block, whole(value).and_then(small))
                    }
                    "requestid" | "reqid" => set(&mut run.request, whole(value)),
                    // The first word of a request's event is its id.
                    "logdata" => {
                        set(&mut run.request, value.as_str().and_then(bytes).and_then(|data| first_word(&data)))
                    }
                    _ => false,
                };
                if !found {
                    look_into(value, run, left);
                }
            }
        }
        Json::Array(list) => list.iter().for_each(|one| look_into(one, run, left)),
        _ => {}
    }
}

fn first_word(data: &[u8]) -> Option<U256> {
    data.get(..32).map(U256::from_big_endian)
}

/// Keeps what is found first.
fn set<T>(place: &mut Option<T>, found: Option<T>) -> bool {
    let is = found.is_some();
    if place.is_none() {
        *place = found;
    }
    is
}
