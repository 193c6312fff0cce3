//! `ira vrf-runbook`: why is this randomness request not fulfilled, and who can mend it.

use crate::Context;
use crate::actions::Caps;
use crate::alert::{self, Alert};
use crate::effect::{Effect, TakenBack};
use crate::fault::Fault;
use crate::report::{Outcome, Report};
use crate::words::{Address, Coins, Span};

mod apply;
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
pub(crate) mod whose;

use scope::Scope;
use state::{Examined, State};

pub use apply::{Came, Mending, Strangers, after, apply, none_open, plan, settle};

/// Where the flags stand that are about mending.
const HEADING: &str = "How it is mended";
/// How long is waited unless it is said.
const WAIT: Span = Span { seconds: 600 };

fn wait() -> Span {
    WAIT
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_wait(span: &Span) -> bool {
    *span == WAIT
}

/// Which requests to look at, and whether they are to be mended.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
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

    /// Mend what can be mended, by the causes found: show the plan, ask, do it, wait until the requests are fulfilled
    #[arg(long, help_heading = HEADING)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub apply: bool,

    /// Mend this cause only; may be given several times, and names those that block nothing yet, too
    #[arg(long, value_name = "CAUSE", help_heading = HEADING, value_parser = causes::names())]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,

    /// The most LINK that may be spent: "50 LINK"
    #[arg(long, value_name = "AMOUNT", help_heading = HEADING)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_spend: Option<Coins>,

    /// The most native coins that may be spent, gas included: "0.5 ETH"
    #[arg(long, value_name = "AMOUNT", help_heading = HEADING)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_spend_native: Option<Coins>,

    /// How long one transaction, and then the fulfilment, is waited for: "90s", "10m"
    #[arg(long, value_name = "TIME", help_heading = HEADING, default_value_t = WAIT)]
    #[serde(default = "wait", skip_serializing_if = "is_wait")]
    pub wait: Span,

    /// A BatchBlockhashStore of the coordinator's store, for old blocks: 60 headers in a transaction instead of one
    #[arg(long, value_name = "ADDRESS", help_heading = HEADING)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Address>,

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

    /// How it may be repeated.
    pub fn effect(&self) -> Effect {
        if self.apply { Effect::Once } else { Effect::Read }
    }

    /// How it is taken back: money is not.
    pub fn taken_back(&self) -> TakenBack {
        if self.apply { TakenBack::Irreversible } else { TakenBack::Transient }
    }

    /// Whether they say what it is about; else an alert does.
    pub fn name_something(&self) -> bool {
        [&self.request, &self.tx, &self.subscription, &self.coordinator].into_iter().any(Option::is_some)
    }

    /// The most that may be spent.
    pub fn caps(&self) -> Caps {
        Caps { link: self.max_spend.clone(), native: self.max_spend_native.clone() }
    }

    /// The words of a command line that asks for it, after `ira`; without the alerts, which no line holds.
    pub fn words(&self) -> Vec<String> {
        let mut words = vec!["vrf-runbook".to_owned()];
        let mut add = |flag: &str, value: Option<String>| {
            words.extend(value.into_iter().flat_map(|value| [format!("--{flag}"), value]));
        };
        for (flag, value) in [
            ("request", &self.request),
            ("tx", &self.tx),
            ("subscription", &self.subscription),
            ("coordinator", &self.coordinator),
            ("network", &self.network),
        ] {
            add(flag, value.clone());
        }
        for sender in &self.senders {
            add("sender", Some(sender.clone()));
        }
        for cause in &self.only {
            add("only", Some(cause.clone()));
        }
        add("lookback", self.lookback.map(|blocks| blocks.to_string()));
        add("batch", self.batch.map(|batch| batch.to_string()));
        add("max-spend", self.max_spend.as_ref().map(Coins::to_string));
        add("max-spend-native", self.max_spend_native.as_ref().map(Coins::to_string));
        add("wait", (!is_wait(&self.wait)).then(|| self.wait.to_string()));
        if self.apply {
            words.push("--apply".to_owned());
        }
        words
    }
}

impl Default for Args {
    fn default() -> Self {
        Self {
            request: None,
            tx: None,
            subscription: None,
            coordinator: None,
            senders: Vec::new(),
            network: None,
            lookback: None,
            apply: false,
            only: Vec::new(),
            max_spend: None,
            max_spend_native: None,
            wait: WAIT,
            batch: None,
            alerts: Vec::new(),
        }
    }
}

/// What the runbook came to.
struct Diagnosis {
    scope: Scope,
    gathered: gather::Gathered,
    all: Vec<Examined>,
}

impl Diagnosis {
    /// Walks the runbook over every request asked about.
    async fn of(args: &Args, context: &Context) -> Result<Self, Fault> {
        let scope = Scope::of(args)?;
        context.progress().stage("finding the newest block");
        let head = context.chain()?.head().await?;
        let gathered = gather::gather(args, context, head, &scope).await?;
        let all = state::examine(&gathered);
        Ok(Self { scope, gathered, all })
    }

    /// The requests that are reported.
    fn shown(&self) -> Vec<&Examined> {
        self.all.iter().filter(|one| self.scope.names_one() || one.state.is_open()).collect()
    }

    fn report(&self) -> Report {
        let shown = self.shown();
        let problem = shown.iter().any(|one| one.is_problem()) || self.gathered.nothing_requested(&self.scope);
        Report {
            sections: present::sections(&self.gathered, &self.scope, &shown),
            next: present::next(&self.gathered, &shown),
            data: data::data(&self.gathered, &shown),
            errors: Vec::new(),
            warnings: Vec::new(),
            outcome: if problem { Outcome::Problem } else { Outcome::Well },
        }
    }
}

/// Walks the runbook over every request asked about; and where it is to apply, mends what it finds, within the caps and
/// without anybody to ask.
pub async fn run(args: &Args, context: &Context) -> Result<Report, Fault> {
    if args.apply { apply::unattended(args, context).await } else { Ok(Diagnosis::of(args, context).await?.report()) }
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
