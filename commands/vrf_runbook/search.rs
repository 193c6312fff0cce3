//! Which of a network's coordinators is meant, where none is named: the one that knows the request or the subscription.

use std::collections::BTreeSet;

use crate::fault::{Fault, Kind};
use crate::ports::{BlockRef, Call, ChainRead, Interface, LogFilter, Network, Read};
use crate::units::address;
use crate::value::{H160, U256, Value};

use super::facts::Known;
use super::gather::word;
use super::scope::{Scope, no_coordinator};

/// The one coordinator of `network` that knows what is asked for. Ids of requests are not unique: after a migration a
/// coordinator may give one anew, so two that know it are a fault, and so is none. One round trip, however many coordinators
/// there are.
pub async fn coordinator(
    chain: &dyn ChainRead,
    block: &BlockRef,
    network: &Network,
    scope: &Scope,
    from: u64,
) -> Result<H160, Fault> {
    let known = &network.vrf.coordinators;
    if known.is_empty() {
        return Err(no_coordinator());
    }
    let (what, found) = match (scope.request, scope.subscription) {
        (Some(id), _) => {
            let waits = holders(chain, block, known, id, &COMMITMENT);
            let (waits, done) = futures_util::future::join(waits, answered(chain, block, known, id, from)).await;
            let mut found = waits?;
            match done {
                Ok(done) => found.extend(done),
                // One that waits for it is answer enough.
                Err(fault) if found.is_empty() => return Err(fault),
                Err(_) => {}
            }
            ("request", found)
        }
        (None, Some(id)) => ("subscription", holders(chain, block, known, id, &SUBSCRIPTION).await?),
        (None, None) => return Err(no_coordinator()),
    };
    let mut found = found.into_iter();
    match (found.next(), found.collect::<Vec<_>>()) {
        (Some(only), others) if others.is_empty() => Ok(only),
        (Some(first), others) => {
            let named: Vec<String> = std::iter::once(first).chain(others).map(address).collect();
            Err(Fault::new(
                Kind::Usage,
                format!("{} coordinators of {} know a {what} of this id: {}", named.len(), network.name, named.join(", ")),
            )
            .because("an id is given anew by the coordinator that a subscription moves to")
            .hint(format!("say which is meant: --coordinator {}", named[0])))
        }
        (None, _) => Err(Fault::new(
            Kind::Missing,
            format!("none of the {} known coordinators of {} knows this {what}", known.len(), network.name),
        )
        .hint("name its coordinator with --coordinator ADDRESS, look further back with --lookback BLOCKS, or give --tx HASH")),
    }
}

/// How each version is asked for one thing.
type Asked = [(Interface, &'static str); 2];

const COMMITMENT: Asked = [(Interface::VrfV25, "s_requestCommitments"), (Interface::VrfV2, "getCommitment")];
const SUBSCRIPTION: Asked = [(Interface::VrfV25, "getSubscription"), (Interface::VrfV2, "getSubscription")];

/// Those that keep something under `id`.
async fn holders(
    chain: &dyn ChainRead,
    block: &BlockRef,
    known: &[H160],
    id: U256,
    asked: &Asked,
) -> Result<BTreeSet<H160>, Fault> {
    // V2 counts its subscriptions in 64 bits.
    let fits =
        |interface: Interface| interface != Interface::VrfV2 || asked == &COMMITMENT || id <= U256::from(u64::MAX);
    let questions: Vec<(H160, Read)> = known
        .iter()
        .flat_map(|to| asked.iter().map(move |(interface, function)| (*to, *interface, *function)))
        .filter(|(_, interface, _)| fits(*interface))
        .map(|(to, interface, function)| {
            (to, Read::Call { to, call: Call { interface, function, args: vec![Value::Uint(id)] } })
        })
        .collect();
    let (whose, reads): (Vec<H160>, Vec<Read>) = questions.into_iter().unzip();
    let answers = chain.snapshot(block, reads).await;
    let mut found = BTreeSet::new();
    for (to, answer) in whose.into_iter().zip(answers) {
        match answer {
            Ok(Value::Bytes(commitment)) if commitment.iter().all(|byte| *byte == 0) => {}
            Ok(_) => {
                found.insert(to);
            }
            // It is of the other version, knows no such thing, or is not there at all.
            Err(fault) if matches!(fault.kind, Kind::Reverted | Kind::Missing | Kind::BadAnswer) => {}
            Err(fault) => return Err(fault.wrap(format!("the coordinator {} cannot be read", address(to)))),
        }
    }
    Ok(found)
}

/// Those that answered the request within the lookback.
async fn answered(
    chain: &dyn ChainRead,
    block: &BlockRef,
    known: &[H160],
    id: U256,
    from: u64,
) -> Result<BTreeSet<H160>, Fault> {
    let filter = LogFilter {
        addresses: known.to_vec(),
        events: vec![(Interface::VrfV25, "RandomWordsFulfilled"), (Interface::VrfV2, "RandomWordsFulfilled")],
        indexed: vec![Some(word(id))],
        from,
        to: block.number,
    };
    let logs: Known<Vec<_>> = chain.logs(block, vec![filter]).await.pop().unwrap_or_else(|| Ok(Vec::new()));
    let logs = logs.map_err(|fault| fault.wrap("the coordinators' fulfilments cannot be read"))?;
    Ok(logs.into_iter().map(|log| log.address).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::fakes::ScriptedChain;
    use crate::ports::{Log, VrfSettings};
    use crate::value::H256;

    const ONE: H160 = H160::repeat_byte(1);
    const TWO: H160 = H160::repeat_byte(2);

    fn network(coordinators: &[H160]) -> Network {
        let vrf = VrfSettings { coordinators: coordinators.to_vec(), ..VrfSettings::default() };
        Network { name: "bed".to_owned(), vrf, ..Network::default() }
    }

    fn kept(by: &[H160], function: &'static str, value: &Value) -> ScriptedChain {
        let calls: HashMap<_, _> = by.iter().map(|to| ((*to, function), Ok(value.clone()))).collect();
        ScriptedChain { calls, ..ScriptedChain::default() }
    }

    async fn searched(chain: &ScriptedChain, scope: &Scope) -> Result<H160, Fault> {
        let block = BlockRef { number: 100, ..BlockRef::default() };
        coordinator(chain, &block, &network(&[ONE, TWO]), scope, 1).await
    }

    fn request() -> Scope {
        Scope { request: Some(U256::from(7)), ..Scope::default() }
    }

    #[tokio::test]
    async fn the_one_that_keeps_the_request_is_meant_whichever_version_it_is() {
        let commitment = Value::Bytes(vec![9; 32]);
        for function in ["s_requestCommitments", "getCommitment"] {
            assert_eq!(searched(&kept(&[TWO], function, &commitment), &request()).await.expect("found"), TWO);
        }
        let both = searched(&kept(&[ONE, TWO], "s_requestCommitments", &commitment), &request()).await;
        let fault = both.expect_err("two know it");
        assert!(fault.kind == Kind::Usage && fault.hint.expect("a hint").contains("--coordinator 0x"));
        let none = searched(&kept(&[ONE], "getCommitment", &Value::Bytes(vec![0; 32])), &request()).await;
        assert_eq!(none.expect_err("nobody").kind, Kind::Missing);
    }

    #[tokio::test]
    async fn one_that_answered_it_is_found_by_its_event() {
        let log = Log {
            address: TWO,
            interface: Interface::VrfV2,
            event: "RandomWordsFulfilled",
            fields: Vec::new(),
            block: 50,
            tx: H256::zero(),
            index: 0,
        };
        let chain = ScriptedChain { logs: Some(Ok(vec![log])), ..ScriptedChain::default() };
        assert_eq!(searched(&chain, &request()).await.expect("found"), TWO);
    }

    #[tokio::test]
    async fn a_subscription_is_looked_for_alike_and_an_endpoint_that_fails_is_said() {
        let scope = Scope { subscription: Some(U256::from(3)), ..Scope::default() };
        let chain = kept(&[ONE], "getSubscription", &Value::List(Vec::new()));
        assert_eq!(searched(&chain, &scope).await.expect("found"), ONE);
        let mut broken = kept(&[], "getSubscription", &Value::Bool(true));
        broken.calls.insert((ONE, "getSubscription"), Err(Fault::new(Kind::Timeout, "is silent")));
        assert_eq!(searched(&broken, &scope).await.expect_err("unread").kind, Kind::Timeout);
        let nobody = coordinator(&broken, &BlockRef::default(), &network(&[]), &scope, 0).await;
        assert!(nobody.expect_err("none known").hint.expect("a hint").contains("--coordinator"));
    }
}
