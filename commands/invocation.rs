//! The only list of what may be a step: by hand, in a playbook and in the journal alike.

use std::time::Duration;

use crate::actions::{Action, Caps};
use crate::alert::Alert;
use crate::effect::{Effect, Reach, TakenBack};
use crate::transact::Spends;
use crate::{Context, Fault, Report, args, feed_report, pd_annotate, vrf_runbook, war_room};

/// One command with its arguments: a command line, a playbook's `do:` and a journal row are this one value.
#[derive(Clone, Debug, PartialEq, clap::Subcommand)]
pub enum Invocation {
    /// Say whether a price feed is healthy, if not why, and who must act
    FeedReport(feed_report::Args),
    /// Say why a randomness request is not fulfilled, and who can mend it
    VrfRunbook(vrf_runbook::Args),
    /// Write what was found into the notes of a PagerDuty incident, once
    PdAnnotate(pd_annotate::Args),
    /// Call people together about an alert: one message in the channel, and a note on the incident
    WarRoom(war_room::Args),
    /// Do one thing to a system: show the plan, ask, do it, prove that it worked
    #[command(subcommand, arg_required_else_help = false)]
    Act(Action),
}

impl Invocation {
    /// The names of the commands; a step may also have one of [`Action::NAMES`].
    pub const NAMES: &'static [&'static str] = &["feed-report", "vrf-runbook", "pd-annotate", "war-room"];

    /// The name as it is typed, and as a `do:` spells it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::FeedReport(_) => "feed-report",
            Self::VrfRunbook(_) => "vrf-runbook",
            Self::PdAnnotate(_) => "pd-annotate",
            Self::WarRoom(_) => "war-room",
            Self::Act(action) => action.name(),
        }
    }

    /// Reads `{do: name, with: {…}}`: the name is looked up first, so that a typo in it names the nearest
    /// command, and one in the arguments names the argument.
    pub fn from_data(name: &str, with: serde_json::Value) -> Result<Self, Fault> {
        match name {
            "feed-report" => args::from_json(name, with).map(Self::FeedReport),
            "vrf-runbook" => args::from_json(name, with).map(Self::VrfRunbook),
            "pd-annotate" => args::from_json(name, with).map(Self::PdAnnotate),
            "war-room" => args::from_json(name, with).map(Self::WarRoom),
            other => {
                let known: Vec<&str> = Self::NAMES.iter().chain(Action::NAMES).copied().collect();
                let action = Action::from_data(other, with);
                action.unwrap_or_else(|| Err(args::unknown_command(other, &known))).map(Self::Act)
            }
        }
    }

    /// Its arguments, as [`Invocation::from_data`] reads them.
    pub fn with(&self) -> serde_json::Value {
        match self {
            Self::FeedReport(args) => serde_json::to_value(args),
            Self::VrfRunbook(args) => serde_json::to_value(args),
            Self::PdAnnotate(args) => serde_json::to_value(args),
            Self::WarRoom(args) => serde_json::to_value(args),
            Self::Act(action) => Ok(action.with()),
        }
        .unwrap_or_default()
    }

    /// Every name that a `do:` may have.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().chain(Action::NAMES).copied()
    }

    /// The shape of a command's arguments; `None` where there is no such command.
    pub fn schema(name: &str) -> Option<schemars::Schema> {
        match name {
            "feed-report" => Some(schemars::schema_for!(feed_report::Args)),
            "vrf-runbook" => Some(schemars::schema_for!(vrf_runbook::Args)),
            "pd-annotate" => Some(schemars::schema_for!(pd_annotate::Args)),
            "war-room" => Some(schemars::schema_for!(war_room::Args)),
            other => Action::schema(other),
        }
    }

    /// How it may be repeated: the strongest that its arguments allow.
    pub fn effect(&self) -> Effect {
        match self {
            Self::FeedReport(_) => Effect::Read,
            Self::VrfRunbook(args) => args.effect(),
            Self::PdAnnotate(args) => args.effect(),
            Self::WarRoom(args) => args.effect(),
            Self::Act(action) => action.effect(),
        }
    }

    /// What it reaches.
    pub fn reach(&self) -> Reach {
        match self {
            Self::FeedReport(_) | Self::VrfRunbook(_) => Reach::Target,
            Self::PdAnnotate(_) | Self::WarRoom(_) => Reach::Tell,
            Self::Act(action) => action.reach(),
        }
    }

    /// Whether it changes a system.
    pub fn writes(&self) -> bool {
        self.effect() != Effect::Read && self.reach() == Reach::Target
    }

    /// Whether it makes steps of its own: entered again after a crash, it finds out by itself what is left to do. Any other
    /// makes one attempt, and is not entered again once that is done.
    pub fn makes_steps(&self) -> bool {
        !matches!(self, Self::Act(_))
    }

    /// How it is taken back.
    pub fn taken_back(&self) -> TakenBack {
        match self {
            Self::VrfRunbook(args) => args.taken_back(),
            Self::FeedReport(_) | Self::PdAnnotate(_) | Self::WarRoom(_) => TakenBack::Transient,
            Self::Act(action) => action.taken_back(),
        }
    }

    /// The reads that show nothing but what it sets itself, see [`Action::self_evident`].
    pub fn self_evident(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::FeedReport(_) | Self::VrfRunbook(_) | Self::PdAnnotate(_) | Self::WarRoom(_) => &[],
            Self::Act(action) => action.self_evident(),
        }
    }

    /// Whether it is about a chain, and its endpoints have to be known.
    pub fn needs_chain(&self) -> bool {
        match self {
            Self::FeedReport(_) | Self::VrfRunbook(_) => true,
            Self::PdAnnotate(_) | Self::WarRoom(_) => false,
            Self::Act(action) => action.needs_chain(),
        }
    }

    /// How long it lets time pass, where it does nothing else.
    pub fn pause(&self) -> Option<Duration> {
        match self {
            Self::FeedReport(_) | Self::VrfRunbook(_) | Self::PdAnnotate(_) | Self::WarRoom(_) => None,
            Self::Act(action) => action.pause(),
        }
    }

    /// The Chainlink nodes that it asks, by name; all of the network where the list is empty, none where it asks none.
    pub fn nodes(&self) -> Option<Vec<String>> {
        match self {
            Self::FeedReport(_) | Self::PdAnnotate(_) | Self::WarRoom(_) => None,
            Self::VrfRunbook(_) => Some(Vec::new()),
            Self::Act(action) => action.node().map(|name| vec![name.to_owned()]),
        }
    }

    /// The network that it is about, by name or alias; `None` where the endpoint's own chain id is to say.
    pub fn network(&self) -> Result<Option<String>, Fault> {
        match self {
            Self::FeedReport(args) => args.network(),
            Self::VrfRunbook(args) => args.network(),
            Self::PdAnnotate(_) | Self::WarRoom(_) => Ok(None),
            Self::Act(action) => Ok(action.network()),
        }
    }

    /// Whether it takes alerts, and `given` arguments leave open what it is about: then an alert says it.
    pub fn is_about_an_alert(&self, given: bool) -> bool {
        match self {
            Self::VrfRunbook(args) => !args.name_something(),
            Self::FeedReport(_) | Self::Act(_) => !given,
            // Whatever else it is told, the alert says what the room is for.
            Self::WarRoom(args) => args.pd_url.is_none(),
            Self::PdAnnotate(_) => false,
        }
    }

    /// The most that may be spent.
    pub fn caps(&self) -> Caps {
        match self {
            Self::VrfRunbook(args) => args.caps(),
            Self::Act(action) => action.caps(),
            Self::FeedReport(_) | Self::PdAnnotate(_) | Self::WarRoom(_) => Caps::default(),
        }
    }

    /// The same with these caps.
    #[must_use]
    pub fn capped(self, caps: Caps) -> Self {
        match self {
            Self::VrfRunbook(args) => {
                Self::VrfRunbook(vrf_runbook::Args { max_spend: caps.link, max_spend_native: caps.native, ..args })
            }
            Self::Act(action) => Self::Act(action.capped(&caps)),
            other @ (Self::FeedReport(_) | Self::PdAnnotate(_) | Self::WarRoom(_)) => other,
        }
    }

    /// The same with only what is left of its caps when attempts that began so spent what they could.
    #[must_use]
    pub fn after<'a>(self, begun: impl IntoIterator<Item = &'a serde_json::Value>) -> Self {
        let spent = begun.into_iter().map(Spends::of_begun).fold(Spends::default(), Spends::and);
        let left = self.caps().less(spent);
        self.capped(left)
    }

    /// Gives it the alerts that say what it is about.
    pub fn set_alerts(&mut self, alerts: Vec<Alert>) {
        match self {
            Self::FeedReport(args) => args.alerts = alerts,
            Self::VrfRunbook(args) => args.alerts = alerts,
            Self::WarRoom(args) => args.alerts = alerts,
            // Its incident is found by what an alert was sent with, not by its labels.
            Self::PdAnnotate(_) => {}
            Self::Act(action) => action.set_alerts(&alerts),
        }
    }

    /// Runs the command in what `context` lets it reach.
    pub async fn run(&self, context: &Context) -> Result<Report, Fault> {
        match self {
            Self::FeedReport(args) => feed_report::run(args, context).await,
            Self::VrfRunbook(args) => vrf_runbook::run(args, context).await,
            Self::PdAnnotate(args) => pd_annotate::run(args, context).await,
            Self::WarRoom(args) => war_room::run(args, context).await,
            Self::Act(action) => action.run(context).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{Command, FromArgMatches as _, Subcommand as _};
    use serde_json::{Value as Json, json};

    use super::*;

    fn parsed(words: &[&str]) -> Result<Invocation, clap::Error> {
        let mut command = Invocation::augment_subcommands(Command::new("ira"));
        let matches = command.try_get_matches_from_mut(std::iter::once("ira").chain(words.iter().copied()))?;
        Invocation::from_arg_matches(&matches)
    }

    /// The arguments that a command cannot be without, as a command line names them.
    fn missing(error: &clap::Error) -> Vec<String> {
        match error.get(clap::error::ContextKind::InvalidArg) {
            Some(clap::error::ContextValue::Strings(flags)) => {
                flags.iter().filter_map(|flag| flag.split(' ').next()?.strip_prefix("--")).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn nothing_given_is_the_same_on_a_command_line_and_in_a_file() {
        for name in Invocation::NAMES.iter().chain(Action::NAMES) {
            let words: Vec<&str> = if Action::NAMES.contains(name) { vec!["act", name] } else { vec![name] };
            match (parsed(&words), Invocation::from_data(name, json!({}))) {
                (Ok(typed), Ok(read)) => assert_eq!(typed, read, "{name}"),
                (Err(error), Err(fault)) => {
                    let missing = missing(&error);
                    // Serde names the first of them.
                    assert!(missing.iter().any(|flag| fault.message.contains(&format!("`{flag}`"))), "{name}: {fault}");
                }
                (typed, read) => panic!("{name}: {typed:?} {read:?}"),
            }
        }
    }

    #[test]
    fn an_action_is_the_same_value_as_a_line_a_file_and_a_row() {
        let address = "0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419";
        let words =
            ["act", "chain.fund_subscription", "--coordinator", address, "--subscription", "17", "--amount", "5 LINK"];
        let Invocation::Act(typed) = parsed(&words).expect("a line") else { panic!("an action") };
        let with = json!({ "coordinator": address, "subscription": "17", "amount": "5 LINK" });
        assert_eq!(typed.with(), with);
        assert_eq!(Invocation::from_data("chain.fund_subscription", with), Ok(Invocation::Act(typed.clone())));
        assert_eq!(typed.words(), words);
    }

    /// A journal in which nothing may be begun.
    struct Untouched;

    impl crate::context::Journal for Untouched {
        fn hold(&self, name: &str) -> Result<Box<dyn Send + Sync>, Fault> {
            panic!("{name} is held");
        }

        fn open(&self) -> Result<Vec<crate::context::Open>, Fault> {
            panic!("what is open is asked for");
        }

        fn begin(&self, key: &str, _: Effect, _: u64, _: &Json) -> Result<u64, Fault> {
            panic!("{key} is begun");
        }

        fn add(&self, id: u64, _: &Json) -> Result<(), Fault> {
            panic!("{id} is added to");
        }

        fn end(&self, id: u64, _: &crate::context::Ended) -> Result<(), Fault> {
            panic!("{id} is ended");
        }
    }

    #[tokio::test]
    async fn promise_3_a_dry_run_of_every_command_acts_on_nothing_and_one_that_reads_never_begins_anything() {
        use std::sync::Arc;

        use crate::context::{Reads, Writes};
        use crate::fakes::{FixedDirectory, Silent, StoppedClock, sample};

        let reads = || Reads {
            chain: Some(Arc::new(crate::fakes::ScriptedChain::default())),
            ..Reads::new(Arc::new(FixedDirectory(None)), Arc::new(StoppedClock(1)), Arc::new(Silent))
        };
        for name in Invocation::names() {
            let invocation = sample(name).unwrap_or_else(|| panic!("{name} takes none of the samples"));
            assert_eq!(invocation.name(), name);
            // Whatever it says: it holds nothing that it could write with.
            if let Ok(report) = invocation.run(&Context::dry(reads())).await {
                let done = report.data.get("actions").and_then(Json::as_array).map_or(0, Vec::len);
                assert!(done == 0 || invocation.effect() == Effect::Read, "{name}: {}", report.data);
            }
            if invocation.effect() == Effect::Read {
                let context = Context::acting(reads(), Writes::new(Arc::new(Untouched)));
                let _whatever_it_says = invocation.run(&context).await;
            }
        }
    }

    #[test]
    fn an_unknown_field_is_refused_and_named() {
        for name in Invocation::NAMES {
            let fault = Invocation::from_data(name, json!({ "no such field": 1 })).expect_err("unknown");
            assert!(fault.message.contains("no such field"), "{fault}");
        }
    }

    #[test]
    fn a_typo_names_the_nearest() {
        let hint = |name: &str, with: Json| Invocation::from_data(name, with).expect_err("refused").hint;
        assert_eq!(
            hint("chain.fund_subscripton", json!({})).as_deref(),
            Some("did you mean `chain.fund_subscription`?")
        );
        let with = json!({ "key": "0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419", "amuont": "1 ETH" });
        assert_eq!(hint("chain.fund_key", with).as_deref(), Some("did you mean `amount`?"));
    }
}
