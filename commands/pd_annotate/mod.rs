//! `ira pd-annotate`: what was found, as a note of the incident where responders look. One note for each run, kept
//! current, and never a second one.

mod name;
mod note;
mod write;

use std::fmt;
use std::str::FromStr;

use serde_json::{Value as Json, json};

use crate::actions::digest;
use crate::context::Context;
use crate::effect::Effect;
use crate::fault::{Fault, Kind};
use crate::ports::people::{Incident, IncidentChange};
use crate::report::{Cell, Fact, Outcome, Report, Section, Status, Table};
use crate::text::excerpt;

pub use name::{group_key, names_in};

/// What the incident becomes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum IncidentStatus {
    /// Nobody is at it
    Triggered,
    /// Somebody is at it
    Acknowledged,
    /// It is over
    Resolved,
}

impl IncidentStatus {
    fn word(self) -> &'static str {
        match self {
            Self::Triggered => "triggered",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

/// A custom field and its value: `environment=production`, or `replicas:=3` for one that is no text.
#[derive(Clone, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Json,
}

impl FromStr for Field {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = "it takes a name and a text, environment=production, or a name and JSON, replicas:=3";
        let (name, value) = text.split_once('=').ok_or(wrong)?;
        let (name, value) = match name.strip_suffix(':') {
            Some(name) => (name, serde_json::from_str(value).map_err(|_| wrong)?),
            None => (name, Json::String(value.to_owned())),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if name.is_empty() || !name.chars().all(plain) {
            return Err(wrong.to_owned());
        }
        Ok(Self { name: name.to_owned(), value })
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Json::String(text) => write!(f, "{}={text}", self.name),
            other => write!(f, "{}:={other}", self.name),
        }
    }
}

crate::words::as_text!(Field);

/// Which incident, and what is said of it.
#[derive(Clone, Debug, Default, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Args {
    /// The incident: its id, its URL, or the key of its alert
    #[arg(value_name = "INCIDENT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,

    /// What makes it one note: said again under the same name it replaces what was said
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,

    /// Where the whole report is, for one that is too long for notes
    #[arg(long, value_name = "URL")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,

    /// What the incident becomes
    #[arg(long, value_name = "STATUS", value_enum)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<IncidentStatus>,

    /// The priority it gets, by name: P1
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,

    /// A custom field that is set: environment=production, replicas:=3; give it several times
    #[arg(long, value_name = "NAME=VALUE")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub field: Vec<Field>,

    /// Seconds to wait for an incident that is not there yet
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(0..=600))]
    #[serde(default = "thirty")]
    pub wait: u64,

    /// What is noted, in markdown
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,

    /// What else the incident may be called by, out of an alert
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

fn thirty() -> u64 {
    30
}

impl Args {
    /// How it may be repeated: what is there already is found by its marker.
    pub fn effect(&self) -> Effect {
        Effect::Idempotent
    }

    /// The name of the note: as given, else made of what it says.
    fn run_name(&self, content: &str) -> Result<String, Fault> {
        let Some(name) = &self.run else {
            return Ok(digest(content.as_bytes())["sha256:".len()..][..12].to_owned());
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':' | '/');
        if (1..=80).contains(&name.len()) && name.chars().all(plain) {
            return Ok(name.clone());
        }
        Err(Fault::new(Kind::Usage, "--run is a name of at most 80 letters, digits and -._:/"))
    }

    /// What of the incident is not yet as it is to be.
    async fn change(&self, context: &Context, incident: &Incident) -> Result<IncidentChange, Fault> {
        let status = self.status.map(IncidentStatus::word).filter(|word| *word != incident.status);
        let priority = self.priority.as_ref().filter(|name| Some(*name) != incident.priority.as_ref());
        let mut fields: Vec<(String, Json)> =
            self.field.iter().map(|field| (field.name.clone(), field.value.clone())).collect();
        if !fields.is_empty() {
            let now = context.incidents()?.fields(&incident.id).await?;
            fields.retain(|wanted| !now.contains(wanted));
        }
        Ok(IncidentChange { status: status.map(str::to_owned), priority: priority.cloned(), fields })
    }
}

/// Notes what is to be noted, and changes what is to be changed. In a dry context it says what it would do.
pub async fn run(args: &Args, context: &Context) -> Result<Report, Fault> {
    let body = args.content.as_deref().map(str::trim).filter(|text| !text.is_empty());
    if args.content.is_some() && body.is_none() {
        return Err(Fault::new(Kind::Usage, "what is to be noted is empty")
            .hint("did the command before the pipe fail? its error is above"));
    }
    if body.is_none() && args.status.is_none() && args.priority.is_none() && args.field.is_empty() {
        return Err(Fault::new(Kind::Usage, "it is not said what to note")
            .hint("ira feed-report eth-usd --format markdown | ira pd-annotate Q1ABC -"));
    }
    let incident = name::find(args, context).await?;
    let name = body.map(|text| args.run_name(text)).transpose()?;
    let key = format!("pd-annotate {} {}", incident.id, name.as_deref().unwrap_or("fields"));
    // Two of them at once would each find no note, and make two.
    let _hold = if context.is_acting() { Some(write::hold(context, &key)?) } else { None };
    let notes = context.incidents()?.notes(&incident.id).await?;
    write::settle(context, &key, &notes)?;
    let wanted = match (body, &name) {
        (Some(text), Some(name)) => note::planned(text, name, args.link.as_deref(), &notes),
        _ => Vec::new(),
    };
    let change = args.change(context, &incident).await?;
    let mut done = Vec::new();
    for one in &wanted {
        let id =
            if context.is_acting() { write::note(context, &key, &incident.id, one).await? } else { one.id.clone() };
        done.push((one, id));
    }
    if context.is_acting() {
        write::change(context, &key, &incident.id, &change).await?;
    }
    Ok(report(&incident, &done, &change, context.is_acting()))
}

fn report(
    incident: &Incident,
    notes: &[(&note::Planned, Option<String>)],
    change: &IncidentChange,
    acted: bool,
) -> Report {
    let mut rows = Vec::new();
    let mut add = |what: String, word: &str| rows.push(vec![Cell::from(what), Cell::from(word)]);
    for (one, id) in notes {
        let what = format!("note {} {}", one.number, id.as_deref().unwrap_or_default());
        add(what.trim_end().to_owned(), one.verb.word());
    }
    for (what, value) in [("status", &change.status), ("priority", &change.priority)] {
        if let Some(value) = value {
            add(format!("{what} {}", excerpt(value, 60)), "set");
        }
    }
    for (name, value) in &change.fields {
        add(format!("{name} {}", excerpt(&value.to_string(), 60)), "set");
    }
    let nothing = notes.iter().all(|(one, _)| one.verb == note::Verb::Leave) && *change == IncidentChange::default();
    let (id, title) = (excerpt(&incident.id, 40), excerpt(&incident.title, 120));
    let headline = match (nothing, acted) {
        (true, _) => format!("{id} ({title}) is as it is to be already."),
        (false, true) => format!("Written to {id} ({title})."),
        (false, false) => format!("Would be written to {id} ({title}); nothing was done."),
    };
    let notes: Vec<Json> =
        notes.iter().map(|(one, id)| json!({ "number": one.number, "id": id, "is": one.verb.word() })).collect();
    let fields: Vec<Json> = change.fields.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let table = Table { columns: vec!["what", "is"], rows, ..Table::default() };
    let fact = |label, value: &str, note: &str| Fact { label, value: Cell::from(value), note: note.to_owned() };
    Report {
        sections: vec![Section {
            status: Status::Ok,
            headline,
            advice: String::new(),
            facts: vec![
                fact("incident", &id, &excerpt(&incident.url, 200)),
                fact("status", &excerpt(&incident.status, 40), ""),
            ],
            tables: vec![table],
        }],
        next: Vec::new(),
        data: json!({
            "incident": { "id": incident.id, "title": incident.title, "url": incident.url, "status": incident.status },
            "notes": notes,
            "change": { "status": change.status, "priority": change.priority, "fields": fields },
            "acted": acted,
        }),
        errors: Vec::new(),
        warnings: Vec::new(),
        outcome: Outcome::Well,
    }
}
