//! `page`: whoever is on call. The same key is the same incident, however often it is said.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::{said, supersede};
use crate::actions::{Act, Attempt, Broken, Change, Deed, Plan, Probed, Verified};
use crate::context::{Context, Open};
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::people::{Page, PageVerb};
use crate::report::{Cell, Fact};
use crate::text::excerpt;

/// The name of the action.
const NAME: &str = "page";
/// The longest key that a pager takes, characters.
const LONGEST_KEY: usize = 255;
/// The longest summary, characters.
const LONGEST_SUMMARY: usize = 1_024;

/// What is said.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    clap::ValueEnum,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Somebody must look
    #[default]
    Trigger,
    /// Somebody is at it
    Acknowledge,
    /// It is over
    Resolve,
}

/// How bad it is.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    clap::ValueEnum,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Now
    #[default]
    Critical,
    /// Broken
    Error,
    /// Soon
    Warning,
    /// For the record
    Info,
}

impl Severity {
    fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// Where to read more: `https://…`, or `https://… what it is`.
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    /// The URL.
    pub url: String,
    /// What it is.
    pub text: String,
}

impl FromStr for Link {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (url, what) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let web = url.starts_with("https://") || url.starts_with("http://");
        if !web || url.chars().any(char::is_control) {
            return Err(
                "it takes a URL, and after a blank what it is: \"https://wiki.example/x the runbook\"".to_owned()
            );
        }
        Ok(Self { url: url.to_owned(), text: what.trim().to_owned() })
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)?;
        if self.text.is_empty() { Ok(()) } else { write!(f, " {}", self.text) }
    }
}

crate::words::as_text!(Link);

/// What is said, of what.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PageArgs {
    /// What it is about: pages of one key are one incident, and one resolve ends them
    #[arg(long, value_name = "KEY")]
    pub key: String,

    /// What is said: trigger, acknowledge or resolve
    #[arg(long, value_name = "VERB", value_enum, default_value_t)]
    #[serde(default)]
    pub verb: Verb,

    /// What is wrong, in one line; needed to trigger
    #[arg(long, value_name = "TEXT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,

    /// What is broken: web-01
    #[arg(long, value_name = "NAME", default_value = "ira")]
    #[serde(default = "ira")]
    pub source: String,

    /// How bad it is
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t)]
    #[serde(default)]
    pub severity: Severity,

    /// Whatever else helps, as text
    #[arg(long, value_name = "TEXT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,

    /// Where to read more: "URL what it is"
    #[arg(long, value_name = "LINK")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub link: Vec<Link>,
}

fn ira() -> String {
    "ira".to_owned()
}

impl PageArgs {
    /// The page itself, or what is wrong with it.
    pub fn page(&self) -> Result<Page, Fault> {
        let key = said("--key", &self.key)?;
        if key.chars().count() > LONGEST_KEY || key.chars().any(char::is_control) {
            return Err(Fault::new(
                Kind::Usage,
                format!("--key is no key: at most {LONGEST_KEY} characters on one line"),
            ));
        }
        let verb = match self.verb {
            Verb::Trigger => PageVerb::Trigger,
            Verb::Acknowledge => PageVerb::Acknowledge,
            Verb::Resolve => PageVerb::Resolve,
        };
        let summary = match (&self.summary, verb) {
            (Some(text), _) => excerpt(said("--summary", text)?, LONGEST_SUMMARY - 1),
            (None, PageVerb::Trigger) => {
                return Err(Fault::new(Kind::Usage, "a page needs a --summary: what is wrong, in one line"));
            }
            (None, _) => String::new(),
        };
        Ok(Page {
            verb,
            key: key.to_owned(),
            summary,
            severity: self.severity.word().to_owned(),
            source: excerpt(&self.source, 255),
            details: self.details.as_ref().map_or(Json::Null, |text| json!({ "details": text })),
            links: self.link.iter().map(|link| (link.url.clone(), link.text.clone())).collect(),
        })
    }
}

#[async_trait]
impl Act for PageArgs {
    fn effect(&self) -> Effect {
        Effect::Idempotent
    }

    fn reach(&self) -> Reach {
        Reach::Tell
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Transient
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        let page = self.page()?;
        let channels = context.channels()?.pagers();
        let Some((first, others)) = channels.split_first() else {
            return Err(Fault::new(Kind::Config, "nobody is configured to be paged")
                .hint("set `page.provider` and `page.routing_key` in the user's configuration (`ira help people`)"));
        };
        let key = excerpt(&page.key, 80);
        let (after, what) = match page.verb {
            PageVerb::Trigger => ("triggered", format!("page who is on call about {key}: {}", page.summary)),
            PageVerb::Acknowledge => ("acknowledged", format!("acknowledge {key}")),
            PageVerb::Resolve => ("resolved", format!("resolve {key}")),
        };
        let notes = if others.is_empty() {
            Vec::new()
        } else {
            vec![format!("where {first} does not take it: {}", others.join(", then "))]
        };
        Ok(Plan {
            action: NAME,
            what,
            place: first.clone(),
            target: format!("{NAME} {} {}", page.verb.word(), page.key),
            changes: vec![Change::new(format!("incident {key}"), "as it is", after)],
            spend: None,
            nothing: false,
            effect: Effect::Idempotent,
            reach: Reach::Tell,
            taken_back: TakenBack::Transient,
            notes,
        })
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let page = self.page()?;
        supersede(attempt.context, &attempt.plan.target)?;
        let step = attempt.begin(&json!({ "key": page.key }))?;
        let result = match step.pager() {
            Ok(pager) => pager.page(&page).await,
            Err(fault) => Err(Broken::before(fault)),
        };
        let result = result.map(|paged| {
            let mut facts = vec![Fact {
                label: "taken by",
                value: Cell::from(paged.by.as_str()),
                note: format!("key {}", excerpt(&page.key, 80)),
            }];
            facts.extend(paged.instead.iter().map(|why| Fact {
                label: "instead",
                value: Cell::from(why.as_str()),
                note: String::new(),
            }));
            let data = json!({ "key": page.key, "by": paged.by, "instead": paged.instead });
            Deed { summary: format!("{} took it", paged.by), facts, data }
        });
        attempt.end(step, result)
    }

    async fn verify(&self, _context: &Context, agreed: &Plan) -> Result<Verified, Fault> {
        // A pager has nothing to be read back by its key but its word.
        Ok(Verified { worked: true, proof: format!("the page was taken ({})", agreed.what) })
    }

    async fn probe(&self, _context: &Context, _open: &Open) -> Result<Probed, Fault> {
        Ok(Probed::Unknown(
            "a pager does not say what it was told; the same page may be sent again under its key".to_owned(),
        ))
    }
}
