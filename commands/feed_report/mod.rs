//! `ira feed-report`: is this feed healthy, if not why, and who must act.

use crate::alert::Alert;
use crate::{Context, Fault, Report};

pub mod directory;
pub mod target;

/// What to report on.
#[derive(Clone, Debug, Default, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Args {
    /// A proxy or aggregator address, or a name in the directory (`ETH / USD`, `eth-usd`)
    #[arg(value_name = "FEED")]
    #[serde(default)]
    pub feeds: Vec<String>,

    /// The network, by its name in the configuration (`ira help networks`)
    #[arg(long, value_name = "NAME")]
    #[serde(default)]
    pub network: Option<String>,

    /// Every feed of the directory, worst first
    #[arg(long)]
    #[serde(default)]
    pub all: bool,

    /// Only feeds of the directory whose name or path matches; implies --all
    #[arg(long = "match", value_name = "REGEX")]
    #[serde(default, rename = "match")]
    pub matching: Option<String>,

    /// How many blocks back rounds, oracles and configuration changes are looked at [default: 24 hours of blocks, at most 7200]
    #[arg(long, value_name = "BLOCKS")]
    #[serde(default)]
    pub window: Option<u64>,

    /// Compare the answer with another feed, or with a price
    #[arg(long, value_name = "FEED|PRICE")]
    #[serde(default)]
    pub reference: Option<String>,

    /// Seconds within which a new round is promised, in place of the directory's
    #[arg(long, value_name = "SECONDS")]
    #[serde(default)]
    pub heartbeat: Option<u64>,

    /// Deviation that triggers a round, in percent, in place of the directory's
    #[arg(long, value_name = "PERCENT")]
    #[serde(default)]
    pub threshold: Option<f64>,

    /// Let every unknown count as a problem (exit 4)
    #[arg(long)]
    #[serde(default)]
    pub strict: bool,

    /// The alerts that name the feeds
    #[arg(skip)]
    #[serde(default)]
    pub alerts: Vec<Alert>,
}

/// Reads everything about the feeds asked for and judges it.
pub async fn run(_args: &Args, _context: &Context) -> Result<Report, Fault> {
    Err(Fault::new(crate::Kind::Failed, "not built yet"))
}
