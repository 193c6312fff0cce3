//! The only list of what may be a step: by hand, in a playbook and in the journal alike.

use crate::{Context, Fault, Report, args, feed_report};

/// One command with its arguments: a command line, a playbook's `do:` and a journal row are this one value.
#[derive(Clone, Debug, PartialEq, clap::Subcommand)]
pub enum Invocation {
    /// Say whether a price feed is healthy, if not why, and who must act
    FeedReport(feed_report::Args),
}

impl Invocation {
    /// Every name a step may have.
    pub const NAMES: &'static [&'static str] = &["feed-report"];

    /// The name as it is typed, and as a `do:` spells it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::FeedReport(_) => "feed-report",
        }
    }

    /// Reads `{do: name, with: {…}}`: the name is looked up first, so that a typo in it names the nearest
    /// command, and one in the arguments names the argument.
    pub fn from_data(name: &str, with: serde_json::Value) -> Result<Self, Fault> {
        match name {
            "feed-report" => args::from_json(name, with).map(Self::FeedReport),
            unknown => Err(args::unknown_command(unknown, Self::NAMES)),
        }
    }

    /// The network that it is about, by name or alias; `None` where the endpoint's own chain id is to say.
    pub fn network(&self) -> Result<Option<String>, Fault> {
        match self {
            Self::FeedReport(args) => args.network(),
        }
    }

    /// Runs the command in what `context` lets it reach.
    pub async fn run(&self, context: &Context) -> Result<Report, Fault> {
        match self {
            Self::FeedReport(args) => feed_report::run(args, context).await,
        }
    }
}
