//! Whose money: which subscriptions may be funded. A coordinator is public; anyone can make dear requests on a subscription
//! of their own, and take what it holds out again.

use crate::ports::Fundable;
use crate::value::U256;

use super::gather::Gathered;

/// Whether the configuration lists a subscription, by itself or its owner, or a consumer that waits for an answer on it. That
/// a listed consumer is merely registered with it says nothing: anyone may register anyone's. Nor does what a coordinator
/// says that nobody vouches for.
pub fn is_ours(gathered: &Gathered, id: U256) -> bool {
    if !gathered.trusted {
        return false;
    }
    let state =
        gathered.subscriptions.iter().find(|one| one.id == id).and_then(|one| one.state.as_ref().ok()?.as_ref());
    let requests = || gathered.requests.iter().chain(&gathered.others).filter(|one| one.subscription == id);
    gathered.scene.network.vrf.fund.iter().any(|listed| match listed {
        Fundable::Subscription(listed) => *listed == id,
        Fundable::Owner(owner) => state.is_some_and(|state| state.owner == *owner),
        Fundable::Consumer(consumer) => requests().any(|one| one.sender == *consumer && one.pending() == Ok(true)),
    })
}

/// An id as it is read: `8831…0412`.
pub fn short_id(id: U256) -> String {
    let id = id.to_string();
    if id.len() > 12 { format!("{}…{}", &id[..4], &id[id.len() - 4..]) } else { id }
}
