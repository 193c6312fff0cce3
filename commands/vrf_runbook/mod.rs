//! `ira vrf-runbook`: why is this randomness request not fulfilled, and who can mend it.

use crate::Context;
use crate::alert::{self, Alert};
use crate::fault::Fault;
use crate::report::{Outcome, Report};

mod causes;
mod cost;
mod data;
mod decode;
mod errors;
mod facts;
mod gather;
mod nodes;
mod present;
mod scope;
mod search;
mod state;

use scope::Scope;
use state::{Examined, State};

/// Which requests to look at.
#[derive(Clone, Debug, Default, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Args {
    /// Only this request, by its id (decimal, or hex with 0x)
    #[arg(long, value_name = "ID")]
    #[serde(default)]
    pub request: Option<String>,

    /// Only the requests that this transaction made, or failed to make
    #[arg(long, value_name = "HASH")]
    #[serde(default)]
    pub tx: Option<String>,

    /// Only the requests of this subscription
    #[arg(long, value_name = "ID")]
    #[serde(default)]
    pub subscription: Option<String>,

    /// The VRF coordinator; without it those of the network are looked at (with --tx the transaction itself)
    #[arg(long, value_name = "ADDRESS")]
    #[serde(default)]
    pub coordinator: Option<String>,

    /// An account that the node sends fulfilments from; several may be given [default: those seen on chain of late]
    #[arg(long = "sender", value_name = "ADDRESS")]
    #[serde(default)]
    pub senders: Vec<String>,

    /// The network, by its name in the configuration (`ira help networks`)
    #[arg(long, value_name = "NAME")]
    #[serde(default)]
    pub network: Option<String>,

    /// How many blocks back requests are looked for [default: 24 hours of blocks, at most 50000]
    #[arg(long, value_name = "BLOCKS")]
    #[serde(default)]
    pub lookback: Option<u64>,

    /// The alerts that name coordinator, lane or request
    #[arg(skip)]
    #[serde(default)]
    pub alerts: Vec<Alert>,
}

impl Args {
    /// The network that is meant: as given, else the one that all alerts name.
    pub fn network(&self) -> Result<Option<String>, Fault> {
        alert::network(self.network.as_deref(), &self.alerts)
    }
}

/// Walks the runbook over every request asked about.
pub async fn run(args: &Args, context: &Context) -> Result<Report, Fault> {
    let scope = Scope::of(args)?;
    let chain = context.chain()?;
    context.progress().stage("finding the newest block");
    let head = chain.head().await?;
    let gathered = gather::gather(args, context, head, &scope).await?;
    let all = state::examine(&gathered);
    let shown: Vec<&Examined> = all.iter().filter(|one| scope.names_one() || one.state.is_open()).collect();
    let problem = shown.iter().any(|one| one.is_problem()) || gathered.nothing_requested(&scope);
    Ok(Report {
        sections: present::sections(&gathered, &scope, &shown),
        next: present::next(&gathered, &shown),
        data: data::data(&gathered, &shown),
        errors: Vec::new(),
        warnings: Vec::new(),
        outcome: if problem { Outcome::Problem } else { Outcome::Well },
    })
}

impl gather::Gathered {
    /// Whether one request was asked for and there is none.
    fn nothing_requested(&self, scope: &Scope) -> bool {
        scope.names_one() && self.requests.is_empty()
    }
}

impl State {
    /// Whether somebody still waits for it.
    fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Expired | Self::Orphaned | Self::Unknown)
    }
}
