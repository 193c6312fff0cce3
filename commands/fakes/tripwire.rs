//! Every port in one: what reads answers, what writes panics.

mod aws;
mod cluster;
mod data;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::{FixedDirectory, ScriptedChain, Silent, StoppedClock};
use crate::actions::Broken;
use crate::alert::Alert;
use crate::context::{Ended, Journal, Open, Reads, Writes};
use crate::effect::Effect;
use crate::fault::Fault;
use crate::node::{Check, Meters, NodeJob, NodeKey, NodeRead, NodeTx, NodeWrite, Runs, VrfKey};
use crate::ports::host::{
    ScriptFate, ScriptFile, ScriptOrder, ScriptRead, ScriptWrite, UnitBroken, UnitRead, UnitState, UnitVerb, UnitWrite,
};
use crate::ports::people::{
    Channels, ChatWrite, Desk, Incident, IncidentChange, IncidentName, IncidentRead, IncidentWrite, NewTicket, Note,
    Page, Paged, PagerWrite, Ticket, TicketRead, TicketWrite,
};
use crate::ports::systems::{
    AlertRead, Firing, Measured, Metrics, SaidOf, Sample, SenderRead, WebAnswer, WebAsk, WebRead, WebWrite, Witness,
};
use crate::ports::{ChainWrite, Progress, Sent, SignedTx, Signer, TxOrder};
use crate::value::H160;

/// A world in which everything can be asked, and nothing may be touched: whoever writes, writes down or signs panics.
pub struct Tripwire;

impl Tripwire {
    /// What reads.
    pub fn reads() -> Reads {
        Reads {
            chain: Some(Arc::new(ScriptedChain::default())),
            scripts: Some(Arc::new(Self)),
            units: Some(Arc::new(Self)),
            cluster: Some(Arc::new(Self)),
            aws: Some(Arc::new(Self)),
            kept: Some(Arc::new(Self)),
            web: Some(Arc::new(Self)),
            metrics: Some(Arc::new(Self)),
            alerts: Some(Arc::new(Self)),
            senders: Some(Arc::new(Self)),
            channels: Some(Arc::new(Self)),
            tickets: Some(Arc::new(Self)),
            incidents: Some(Arc::new(Self)),
            postgres: Some(Arc::new(Self)),
            poolers: Some(Arc::new(Self)),
            redis: Some(Arc::new(Self)),
            nodes: vec![Arc::new(Self)],
            ..Reads::new(Arc::new(FixedDirectory(None)), Arc::new(StoppedClock(ScriptedChain::TIME)), Arc::new(Silent))
        }
    }

    /// What writes.
    pub fn writes() -> Writes {
        Writes {
            chain: Some(Arc::new(Self)),
            scripts: Some(Arc::new(Self)),
            units: Some(Arc::new(Self)),
            cluster: Some(Arc::new(Self)),
            aws: Some(Arc::new(Self)),
            kept: Some(Arc::new(Self)),
            web: Some(Arc::new(Self)),
            pager: Some(Arc::new(Self)),
            chat: Some(Arc::new(Self)),
            tickets: Some(Arc::new(Self)),
            incidents: Some(Arc::new(Self)),
            postgres: Some(Arc::new(Self)),
            poolers: Some(Arc::new(Self)),
            redis: Some(Arc::new(Self)),
            signer: Some(Arc::new(Self)),
            nodes: vec![Arc::new(Self)],
            ..Writes::new(Arc::new(Self))
        }
    }
}

#[async_trait]
impl ScriptRead for Tripwire {
    fn host(&self) -> String {
        "here".to_owned()
    }

    fn name(&self) -> String {
        "attempt".to_owned()
    }

    fn end_of_options(&self) -> bool {
        false
    }

    async fn find(&self, program: &str) -> Result<ScriptFile, Fault> {
        Ok(ScriptFile { path: format!("/srv/{program}"), sha256: "ab".repeat(32) })
    }

    async fn wait(&self, _attempt: &str, _seconds: u64, _progress: &dyn Progress) -> Result<ScriptFate, Fault> {
        Ok(ScriptFate::Vanished)
    }
}

#[async_trait]
impl ScriptWrite for Tripwire {
    async fn start(&self, order: &ScriptOrder) -> Result<(), Fault> {
        panic!("a script is started: {order:?}")
    }

    async fn stop(&self, attempt: &str) -> Result<usize, Fault> {
        panic!("a script is stopped: {attempt}")
    }
}

#[async_trait]
impl UnitRead for Tripwire {
    fn place(&self) -> String {
        "here".to_owned()
    }

    async fn unit(&self, name: &str) -> Result<UnitState, Fault> {
        Ok(UnitState {
            name: name.to_owned(),
            load: "loaded".to_owned(),
            active: "failed".to_owned(),
            sub: "failed".to_owned(),
            ..UnitState::default()
        })
    }

    async fn log(&self, _name: &str, _lines: usize) -> Vec<String> {
        vec!["it broke".to_owned()]
    }

    async fn pause(&self) {}
}

#[async_trait]
impl UnitWrite for Tripwire {
    async fn job(&self, verb: UnitVerb, unit: &str, _seconds: u64) -> Result<String, UnitBroken> {
        panic!("a unit is changed: {verb:?} {unit}")
    }
}

#[async_trait]
impl WebRead for Tripwire {
    async fn place(&self, ask: &WebAsk) -> Result<String, Fault> {
        Ok(ask.url.clone())
    }

    async fn fetch(&self, ask: &WebAsk) -> Result<WebAnswer, Fault> {
        assert!(matches!(ask.method, "GET" | "HEAD"), "it changes something: {ask:?}");
        Ok(WebAnswer { status: 200, headers: Vec::new(), body: b"{}".to_vec(), cut: false, ms: 1 })
    }
}

#[async_trait]
impl WebWrite for Tripwire {
    async fn send(&self, ask: &WebAsk) -> Result<WebAnswer, Broken> {
        panic!("a web server is told: {ask:?}")
    }
}

#[async_trait]
impl Metrics for Tripwire {
    async fn query(&self, _expr: &str, _seconds: u64) -> Result<Measured, Fault> {
        let samples = vec![Sample { labels: BTreeMap::new(), value: 1.0 }];
        Ok(Measured { samples, warnings: Vec::new(), by: "metrics".to_owned() })
    }
}

#[async_trait]
impl AlertRead for Tripwire {
    async fn firing(&self, labels: &BTreeMap<String, String>) -> Vec<Witness> {
        let firing = Firing { fingerprint: "0".repeat(16), labels: labels.clone(), muted: false };
        vec![Witness { by: "alerts".to_owned(), says: Ok(vec![firing]) }]
    }
}

#[async_trait]
impl SenderRead for Tripwire {
    async fn fires(&self, source: &str, _labels: &BTreeMap<String, String>) -> Option<Result<SaidOf, Fault>> {
        Some(Ok(SaidOf { by: source.to_owned(), fires: true, words: "it fires".to_owned() }))
    }
}

impl Channels for Tripwire {
    fn pagers(&self) -> Vec<String> {
        vec!["pager".to_owned()]
    }

    fn chat(&self) -> Option<String> {
        Some("chat".to_owned())
    }
}

#[async_trait]
impl PagerWrite for Tripwire {
    async fn page(&self, page: &Page) -> Result<Paged, Broken> {
        panic!("somebody is woken: {page:?}")
    }
}

#[async_trait]
impl ChatWrite for Tripwire {
    async fn post(&self, text: &str) -> Result<(), Broken> {
        panic!("a message is posted: {text}")
    }
}

#[async_trait]
impl TicketRead for Tripwire {
    fn desk(&self, name: &str) -> Result<Desk, Fault> {
        Ok(Desk { what: name.to_owned(), duplicates: None })
    }

    async fn find(&self, _desk: &str, _marker: &str) -> Result<Option<Ticket>, Fault> {
        Ok(None)
    }
}

#[async_trait]
impl TicketWrite for Tripwire {
    async fn create(&self, desk: &str, ticket: &NewTicket) -> Result<Ticket, Broken> {
        panic!("a ticket is made at {desk}: {ticket:?}")
    }
}

#[async_trait]
impl IncidentRead for Tripwire {
    async fn find(&self, _name: &IncidentName, _patience: u64) -> Result<Option<Incident>, Fault> {
        Ok(Some(Incident {
            id: "Q1".to_owned(),
            title: "an incident".to_owned(),
            status: "triggered".to_owned(),
            priority: None,
            url: "https://incidents.example/Q1".to_owned(),
        }))
    }

    async fn notes(&self, _incident: &str) -> Result<Vec<Note>, Fault> {
        Ok(Vec::new())
    }

    async fn alerts(&self, _incident: &str) -> Result<Vec<Alert>, Fault> {
        Ok(Vec::new())
    }

    async fn fields(&self, _incident: &str) -> Result<Vec<(String, Json)>, Fault> {
        Ok(vec![("x".to_owned(), json!(null))])
    }
}

#[async_trait]
impl IncidentWrite for Tripwire {
    async fn add_note(&self, incident: &str, content: &str) -> Result<String, Broken> {
        panic!("a note is added to {incident}: {content}")
    }

    async fn change_note(&self, incident: &str, note: &str, content: &str) -> Result<(), Broken> {
        panic!("the note {note} of {incident} is changed: {content}")
    }

    async fn change(&self, incident: &str, change: &IncidentChange) -> Result<(), Broken> {
        panic!("{incident} is changed: {change:?}")
    }
}

#[async_trait]
impl NodeRead for Tripwire {
    fn name(&self) -> &'static str {
        "x"
    }

    fn chain_id(&self) -> u64 {
        1
    }

    async fn version(&self) -> Result<Option<String>, Fault> {
        Ok(None)
    }

    async fn keys(&self) -> Result<Vec<NodeKey>, Fault> {
        let address = H160::from_low_u64_be(1);
        Ok(vec![NodeKey { address, disabled: Some(true), balance: None, max_gas_price: None }])
    }

    async fn vrf_keys(&self) -> Result<Vec<VrfKey>, Fault> {
        Ok(Vec::new())
    }

    async fn jobs(&self) -> Result<Vec<NodeJob>, Fault> {
        Ok(Vec::new())
    }

    async fn runs(&self, _job: &str, _since: u64) -> Result<Runs, Fault> {
        Ok(Runs::default())
    }

    async fn transactions(&self) -> Result<Vec<NodeTx>, Fault> {
        Ok(Vec::new())
    }

    async fn health(&self) -> Result<Vec<Check>, Fault> {
        Ok(Vec::new())
    }

    async fn meters(&self) -> Result<Meters, Fault> {
        Ok(Meters::default())
    }

    fn not_understood(&self) -> Vec<String> {
        Vec::new()
    }
}

#[async_trait]
impl NodeWrite for Tripwire {
    fn name(&self) -> &'static str {
        "x"
    }

    async fn replay_from(&self, chain_id: u64, block: u64) -> Result<(), Fault> {
        panic!("a node is told to replay chain {chain_id} from {block}")
    }

    async fn enable_key(&self, _chain_id: u64, address: H160) -> Result<(), Fault> {
        panic!("a node is told to enable {address:?}")
    }
}

#[async_trait]
impl ChainWrite for Tripwire {
    async fn send(&self, transaction: &SignedTx) -> Result<Sent, Fault> {
        panic!("a transaction is sent: {transaction:?}")
    }

    async fn pause(&self) {}
}

#[async_trait]
impl Signer for Tripwire {
    fn address(&self) -> H160 {
        H160::from_low_u64_be(1)
    }

    async fn sign(&self, order: &TxOrder) -> Result<SignedTx, Fault> {
        panic!("a transaction is signed: {order:?}")
    }
}

impl Journal for Tripwire {
    fn hold(&self, name: &str) -> Result<Box<dyn Send + Sync>, Fault> {
        panic!("{name} is held")
    }

    fn open(&self) -> Result<Vec<Open>, Fault> {
        Ok(Vec::new())
    }

    fn begin(&self, key: &str, _effect: Effect, _at: u64, _begun: &Json) -> Result<u64, Fault> {
        panic!("{key} is begun")
    }

    fn add(&self, id: u64, _more: &Json) -> Result<(), Fault> {
        panic!("something is added to {id}")
    }

    fn end(&self, id: u64, _ended: &Ended) -> Result<(), Fault> {
        panic!("{id} is ended")
    }
}

#[cfg(test)]
#[expect(non_snake_case, reason = "tests are named by the invariants that they show")]
mod tests;
