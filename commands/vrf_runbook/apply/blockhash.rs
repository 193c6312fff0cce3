//! The hashes of blocks that the chain forgets, or is about to.

use std::collections::BTreeMap;

use crate::actions::Action;
use crate::actions::chain::StoreBlockhash;
use crate::units::thousands;
use crate::value::U256;
use crate::vrf_runbook::causes::Verdict;
use crate::words::Address;

use super::remedies::{Case, Remedy, Wanted};

const CAUSE: &str = "blockhash-expired";
/// Blocks whose hash the EVM itself still knows.
const WINDOW: u64 = 256;

/// Stores what is missing. The walk to the oldest block passes all younger ones that are beyond the window.
pub fn store(case: &Case<'_>) -> Vec<Remedy> {
    let scene = &case.diagnosis.gathered.scene;
    let Ok(store) = scene.coordinator.blockhash_store else { return Vec::new() };
    let mut missing: BTreeMap<u64, Vec<U256>> = BTreeMap::new();
    for (request, step) in case.steps(CAUSE) {
        // A step that passes with a remedy is near the end of the window.
        if step.remedy.is_some() && matches!(step.verdict, Verdict::Fail | Verdict::Pass) {
            missing.entry(request.block).or_default().push(request.id);
        }
    }
    let is_beyond = |block: u64| scene.block.number.saturating_sub(block) > WINDOW;
    let passed: Vec<u64> = missing.keys().copied().filter(|block| is_beyond(*block)).skip(1).collect();
    let mut all = Vec::new();
    for (block, mut requests) in missing.clone() {
        if passed.contains(&block) {
            continue;
        }
        let mut notes = Vec::new();
        if is_beyond(block) {
            requests.extend(passed.iter().filter_map(|block| missing.get(block)).flatten());
            notes.extend(passed.iter().map(|passed| format!("block {} is stored on the way", thousands(*passed))));
        }
        let action = Action::StoreBlockhash(StoreBlockhash {
            store: Address(store),
            block,
            batch: case.args.batch,
            network: case.network(),
            max_spend: None,
            max_spend_native: None,
        });
        all.push(Remedy::Do(Box::new(Wanted { cause: CAUSE, requests, action, notes, stranger: None })));
    }
    all
}
