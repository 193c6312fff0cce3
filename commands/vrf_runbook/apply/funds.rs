//! Subscriptions that hold too little: how much each is short of, and whose it is.

use std::collections::BTreeMap;

use crate::actions::Action;
use crate::actions::chain::FundSubscription;
use crate::units::{coin, short_address};
use crate::value::U256;
use crate::vrf_runbook::causes::Verdict;
use crate::vrf_runbook::whose::{self, short_id};
use crate::words::{Address, Coins, Id};

use super::Strangers;
use super::remedies::{Case, Refused, Remedy, Wanted};

const CAUSE: &str = "underfunded";

/// What a subscription is short of in one currency.
#[derive(Default)]
struct Short {
    requests: Vec<U256>,
    balance: U256,
    /// Documented maximum of all that is pending.
    all: U256,
    /// The same of the requests asked about and the cheaper ones before them.
    until_here: U256,
}

/// Funds each subscription once, whatever the number of its requests; LINK and native apart.
pub fn fund(case: &Case<'_>) -> Vec<Remedy> {
    let mut short: BTreeMap<(U256, bool), Short> = BTreeMap::new();
    for (request, step) in case.steps(CAUSE) {
        if step.verdict != Verdict::Fail || !(step.blocking || case.named(CAUSE)) {
            continue;
        }
        let number = |key: &str| step.number(key).unwrap_or_default();
        let one = short.entry((request.subscription, request.native())).or_default();
        one.requests.push(request.id);
        one.balance = number("balance");
        one.all = one.all.max(number("needed_for_all_pending"));
        one.until_here = one.until_here.max(number("needed_until_here"));
    }
    short.into_iter().filter_map(|((id, native), short)| funded(case, id, native, short)).collect()
}

fn funded(case: &Case<'_>, id: U256, native: bool, short: Short) -> Option<Remedy> {
    let gathered = &case.diagnosis.gathered;
    let scene = &gathered.scene;
    let symbol = if native { scene.network.native.as_str() } else { "LINK" };
    let (missing_here, missing) =
        (short.until_here.saturating_sub(short.balance), short.all.saturating_sub(short.balance));
    let amount = if case.diagnosis.scope.names_one() { missing_here } else { missing };
    if amount.is_zero() {
        return None;
    }
    let ours = whose::is_ours(gathered, id);
    let stranger = match case.strangers {
        _ if ours => None,
        Strangers::Named(named) if named == id => Some(id),
        _ => return Some(Remedy::Not(not_ours(case, id, short.requests))),
    };
    let here = "what was asked about and the cheaper requests before it";
    let (sent, other) = (format!("{} for", coin(amount, symbol)), "all that is pending");
    let note = if missing == missing_here {
        format!("{sent} {other}")
    } else if case.diagnosis.scope.names_one() {
        format!("{sent} {here}; {} for {other}", coin(missing, symbol))
    } else {
        format!("{sent} {other}; {} for {here}", coin(missing_here, symbol))
    };
    let note = format!("subscription {} is short of {note}", short_id(id));
    let action = Action::FundSubscription(FundSubscription {
        coordinator: Address(scene.coordinator.address),
        subscription: Id(id),
        amount: Coins::of(amount, symbol),
        network: case.network(),
        max_spend: None,
        max_spend_native: None,
    });
    Some(Remedy::Do(Box::new(Wanted { cause: CAUSE, requests: short.requests, action, notes: vec![note], stranger })))
}

fn not_ours(case: &Case<'_>, id: U256, requests: Vec<U256>) -> Refused {
    let gathered = &case.diagnosis.gathered;
    let network = &gathered.scene.network;
    let owner = gathered
        .subscriptions
        .iter()
        .find(|one| one.id == id)
        .and_then(|one| one.state.as_ref().ok()?.as_ref())
        .map_or(String::new(), |state| format!(", of {},", short_address(state.owner)));
    let short = short_id(id);
    let list = format!("`networks.{}.vrf.fund`", network.name);
    let why = if network.vrf.fund.is_empty() {
        format!("subscription {short}{owner} is not known to be ours: {list} lists nothing that may be funded")
    } else {
        format!("subscription {short}{owner} is not ours: {list} does not list it, its owner or the consumer")
    };
    Refused {
        cause: CAUSE,
        requests,
        status: "not-ours",
        why,
        hint: format!("list it in {list}, or name it at a terminal: --subscription {id} --apply"),
    }
}
