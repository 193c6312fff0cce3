//! Actions on a Chainlink node. Both are safe to repeat.

use async_trait::async_trait;
use serde_json::json;

use super::{Act, Attempt, Broken, Change, Deed, Plan, Probed, Verified};
use crate::context::{Context, Open};
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::node::NodeRead;
use crate::report::{Cell, Fact};
use crate::units::{address, thousands};
use crate::words::Address;

/// Which node, and from which block on.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Replay {
    /// The node, by its name in the configuration
    #[arg(long, value_name = "NAME")]
    pub node: String,

    /// The first block whose logs it reads again
    #[arg(long, value_name = "BLOCK")]
    pub block: u64,

    /// The node's network, by its name in the configuration (`ira help networks`)
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

/// Which node, and which of its keys.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EnableKey {
    /// The node, by its name in the configuration
    #[arg(long, value_name = "NAME")]
    pub node: String,

    /// The account of the key
    #[arg(long, value_name = "ADDRESS")]
    pub address: Address,

    /// The node's network, by its name in the configuration (`ira help networks`)
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

fn plan(action: &'static str, node: &dyn NodeRead, on: &str, what: String, change: Change) -> Plan {
    Plan {
        action,
        what,
        place: format!("node {}", node.name()),
        target: format!("{action}/{}/{}/{on}", node.chain_id(), node.name()),
        changes: vec![change],
        spend: None,
        nothing: false,
        effect: Effect::Idempotent,
        reach: Reach::Target,
        taken_back: TakenBack::Transient,
        notes: Vec::new(),
    }
}

/// A node that refused did nothing; what one did that fell silent is not known.
fn broken(fault: Fault) -> Broken {
    match fault.kind {
        Kind::Timeout | Kind::Unreachable | Kind::BadAnswer | Kind::TooLarge => Broken::unknown(fault),
        _ => Broken::before(fault),
    }
}

/// What was told to the node, where it took it.
fn told(node: &str, what: &str) -> Deed {
    let facts = vec![Fact { label: "node", value: Cell::from(node), note: what.to_owned() }];
    Deed { summary: format!("{node} took it"), facts, data: json!({ "node": node }) }
}

impl Replay {
    const NAME: &'static str = "node.replay";
}

#[async_trait]
impl Act for Replay {
    fn effect(&self) -> Effect {
        Effect::Idempotent
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Transient
    }

    fn network(&self) -> Option<String> {
        self.network.clone()
    }

    fn node(&self) -> Option<&str> {
        Some(&self.node)
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        let node = context.node(&self.node)?;
        context.progress().stage("asking the node how far it is");
        // Whoever may not even look may not do this either.
        node.jobs().await?;
        let head = node.meters().await.ok().and_then(|meters| meters.head);
        if let Some(head) = head.filter(|head| *head < self.block) {
            let why = format!("block {} is not there yet: node {} is at {}", self.block, self.node, thousands(head));
            return Err(Fault::new(Kind::Usage, why).hint("--block is the block of the request that it missed"));
        }
        let from = format!("read again from block {}", thousands(self.block));
        let what = format!("have node {} read the chain's logs again from block {}", self.node, thousands(self.block));
        let mut plan = plan(Self::NAME, node, &self.block.to_string(), what, Change::new("logs", "as they came", from));
        plan.notes.extend(head.map(|head| {
            format!(
                "{} blocks up to {}; what the node has seen it passes over",
                thousands(head - self.block),
                thousands(head)
            )
        }));
        Ok(plan)
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let chain_id = attempt.context.node(&self.node)?.chain_id();
        let step = attempt.begin(&json!({}))?;
        let result = step.node(&self.node)?.replay_from(chain_id, self.block).await;
        attempt.end(step, result.map(|()| told(&self.node, "reads the logs again")).map_err(broken))
    }

    async fn verify(&self, context: &Context, _agreed: &Plan) -> Result<Verified, Fault> {
        // The node says nowhere how far a replay is. That it still answers is all that can be read here.
        context.node(&self.node)?.jobs().await?;
        let proof =
            format!("node {} took it and answers; what it sees now shows in its runs (ira vrf-runbook)", self.node);
        Ok(Verified { worked: true, proof })
    }

    async fn probe(&self, _context: &Context, _open: &Open) -> Result<Probed, Fault> {
        Ok(Probed::NotDone(
            "it may have begun; a replay changes nothing that was seen, and may be asked for again".to_owned(),
        ))
    }
}

impl EnableKey {
    const NAME: &'static str = "node.enable_key";

    /// Whether the node says that the key is disabled; `None` where it does not say.
    async fn disabled(&self, context: &Context) -> Result<Option<bool>, Fault> {
        let keys = context.node(&self.node)?.keys().await?;
        let key = keys.iter().find(|key| key.address == self.address.0).ok_or_else(|| {
            let known: Vec<String> = keys.iter().map(|key| address(key.address)).collect();
            let hint = if known.is_empty() {
                "it has none for this chain".to_owned()
            } else {
                format!("it has {}", known.join(", "))
            };
            Fault::new(Kind::Missing, format!("node {} has no key {}", self.node, address(self.address.0))).hint(hint)
        })?;
        Ok(key.disabled)
    }
}

#[async_trait]
impl Act for EnableKey {
    fn effect(&self) -> Effect {
        Effect::Idempotent
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Transient
    }

    fn network(&self) -> Option<String> {
        self.network.clone()
    }

    fn node(&self) -> Option<&str> {
        Some(&self.node)
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        context.progress().stage("reading the node's keys");
        let node = context.node(&self.node)?;
        let disabled = self.disabled(context).await?;
        let account = address(self.address.0);
        let before = match disabled {
            Some(true) => "disabled",
            Some(false) => "enabled",
            None => "not said by this build",
        };
        let nothing = disabled == Some(false);
        let what = if nothing {
            format!("the key {account} of node {} is enabled already", self.node)
        } else {
            format!("let node {} send from {account} again", self.node)
        };
        let change = Change::new(format!("key {account}"), before, "enabled");
        Ok(Plan { nothing, ..plan(Self::NAME, node, &account, what, change) })
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let chain_id = attempt.context.node(&self.node)?.chain_id();
        let step = attempt.begin(&json!({}))?;
        let result = step.node(&self.node)?.enable_key(chain_id, self.address.0).await;
        attempt.end(step, result.map(|()| told(&self.node, "enabled the key")).map_err(broken))
    }

    async fn verify(&self, context: &Context, _agreed: &Plan) -> Result<Verified, Fault> {
        let disabled = self.disabled(context).await?;
        let account = address(self.address.0);
        Ok(match disabled {
            Some(false) => Verified { worked: true, proof: format!("the node says that {account} is enabled") },
            Some(true) => Verified { worked: false, proof: format!("the node still says that {account} is disabled") },
            None => Verified {
                worked: true,
                proof: "this build does not say whether a key is enabled; it took it".to_owned(),
            },
        })
    }

    async fn probe(&self, context: &Context, _open: &Open) -> Result<Probed, Fault> {
        Ok(match self.disabled(context).await? {
            Some(false) => Probed::Done("the node says that the key is enabled".to_owned()),
            Some(true) => {
                Probed::NotDone("the node says that the key is disabled; it may be asked for again".to_owned())
            }
            None => Probed::Unknown("this build does not say whether a key is enabled".to_owned()),
        })
    }
}
