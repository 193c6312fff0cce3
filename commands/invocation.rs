//! The only list of what may be a step: by hand, in a playbook and in the journal alike.

use crate::alert::Alert;
use crate::{Context, Fault, Report, args, feed_report, vrf_runbook};

/// One command with its arguments: a command line, a playbook's `do:` and a journal row are this one value.
#[derive(Clone, Debug, PartialEq, clap::Subcommand)]
pub enum Invocation {
    /// Say whether a price feed is healthy, if not why, and who must act
    FeedReport(feed_report::Args),
    /// Say why a randomness request is not fulfilled, and who can mend it
    VrfRunbook(vrf_runbook::Args),
}

impl Invocation {
    /// Every name a step may have.
    pub const NAMES: &'static [&'static str] = &["feed-report", "vrf-runbook"];

    /// The name as it is typed, and as a `do:` spells it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::FeedReport(_) => "feed-report",
            Self::VrfRunbook(_) => "vrf-runbook",
        }
    }

    /// Reads `{do: name, with: {…}}`: the name is looked up first, so that a typo in it names the nearest
    /// command, and one in the arguments names the argument.
    pub fn from_data(name: &str, with: serde_json::Value) -> Result<Self, Fault> {
        match name {
            "feed-report" => args::from_json(name, with).map(Self::FeedReport),
            "vrf-runbook" => args::from_json(name, with).map(Self::VrfRunbook),
            unknown => Err(args::unknown_command(unknown, Self::NAMES)),
        }
    }

    /// Its arguments, as [`Invocation::from_data`] reads them.
    pub fn with(&self) -> serde_json::Value {
        match self {
            Self::FeedReport(args) => serde_json::to_value(args),
            Self::VrfRunbook(args) => serde_json::to_value(args),
        }
        .unwrap_or_default()
    }

    /// The network that it is about, by name or alias; `None` where the endpoint's own chain id is to say.
    pub fn network(&self) -> Result<Option<String>, Fault> {
        match self {
            Self::FeedReport(args) => args.network(),
            Self::VrfRunbook(args) => args.network(),
        }
    }

    /// Gives it the alerts that say what it is about.
    pub fn set_alerts(&mut self, alerts: Vec<Alert>) {
        match self {
            Self::FeedReport(args) => args.alerts = alerts,
            Self::VrfRunbook(args) => args.alerts = alerts,
        }
    }

    /// Runs the command in what `context` lets it reach.
    pub async fn run(&self, context: &Context) -> Result<Report, Fault> {
        match self {
            Self::FeedReport(args) => feed_report::run(args, context).await,
            Self::VrfRunbook(args) => vrf_runbook::run(args, context).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::error::{ContextKind, ContextValue};
    use clap::{CommandFactory as _, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        step: Invocation,
    }

    /// The bare names of the arguments that clap misses: `<POD>` and `--pod <POD>` are `pod`.
    fn missing(error: &clap::Error) -> Vec<String> {
        let Some(ContextValue::Strings(args)) = error.get(ContextKind::InvalidArg) else { return Vec::new() };
        let bare = |arg: &String| {
            let first = arg.split_whitespace().next().unwrap_or_default();
            first.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_lowercase()
        };
        args.iter().map(bare).collect()
    }

    #[test]
    fn every_command_is_listed_under_the_name_it_is_typed_by() {
        let command = Line::command();
        let typed: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        assert_eq!(typed, Invocation::NAMES);
    }

    #[test]
    fn no_arguments_mean_the_same_by_hand_and_in_data() {
        for name in Invocation::NAMES {
            let typed = Line::try_parse_from(["ira", name]).map(|line| line.step);
            let data = Invocation::from_data(name, serde_json::json!({}));
            match (typed, data) {
                (Ok(typed), Ok(data)) => {
                    assert_eq!(typed, data);
                    assert_eq!(typed.name(), *name);
                }
                (Err(typed), Err(data)) => {
                    // Data names the first one that is missing.
                    let missing = missing(&typed);
                    assert!(
                        missing.iter().any(|field| data.message.contains(&format!("`{field}`"))),
                        "{name}: {missing:?}, {data}"
                    );
                }
                (typed, data) => panic!("{name}: {typed:?}, {data:?}"),
            }
        }
    }

    #[test]
    fn an_unknown_field_is_refused_and_the_nearest_named() {
        for name in Invocation::NAMES {
            let fault = Invocation::from_data(name, serde_json::json!({ "no such field": 1 })).expect_err("unknown");
            assert!(fault.message.contains("no such field"), "{fault}");
        }
    }
}
