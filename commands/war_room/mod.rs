//! `ira war-room`: calls the people together about an alert: one message in the channel, and a note on the incident that
//! says where they meet.

mod message;
mod product;

use serde_json::{Value as Json, json};

use crate::actions::{Broken, Left, digest};
use crate::alert::{Alert, chain_scope};
use crate::context::{Context, Ended, Open};
use crate::effect::Effect;
use crate::fault::{Fault, Kind};
use crate::pd_annotate;
use crate::ports::people::{Incident, IncidentName};
use crate::report::{Cell, Fact, Outcome, Report, Section, Status};
use crate::text::{clean, excerpt};

use message::{Line, Message};
pub use product::Product;
use product::{Subject, subject};

/// Where people meet, and how products are told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// The URL of the meeting.
    pub meeting: Option<String>,
    /// Rules that are tried before those that ship.
    pub products: Vec<Product>,
}

/// What it is about.
#[derive(Clone, Debug, Default, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Args {
    /// The incident at PagerDuty: its URL
    #[arg(long, value_name = "URL")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pd_url: Option<String>,

    /// The service that is hurt, in place of the alert's label `service`
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,

    /// The alerts that it is about
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Alert>,

    /// What else the incident may be called by, out of an alert
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

impl Args {
    /// How it may be repeated: a channel knows no message again.
    pub fn effect(&self) -> Effect {
        Effect::Once
    }

    /// The id in the incident's URL.
    fn incident(&self) -> Result<Option<String>, Fault> {
        let Some(url) = &self.pd_url else { return Ok(None) };
        let id = url.split_once("/incidents/").filter(|_| url.starts_with("https://") || url.starts_with("http://"));
        let id = id.map(|(_, rest)| rest.chars().take_while(char::is_ascii_alphanumeric).collect::<String>());
        id.filter(|id| !id.is_empty()).map(Some).ok_or_else(|| {
            Fault::new(Kind::Usage, "--pd-url takes the URL of an incident")
                .hint("as the browser shows it: https://ACME.pagerduty.com/incidents/Q1ABC2DEF3")
        })
    }
}

/// Posts the message and notes it. In a dry context it says what it would post.
pub async fn run(args: &Args, context: &Context) -> Result<Report, Fault> {
    let id = args.incident()?;
    if args.alerts.is_empty() && id.is_none() {
        return Err(Fault::new(Kind::Usage, "it is not said what the war room is about")
            .hint("paste the alert (ira war-room -), give --alert FILE, or --pd-url URL"));
    }
    let channels = context.channels()?;
    let mut warnings = Vec::new();
    let incident = find(args, id.as_deref(), context, &mut warnings).await;
    let room = channels.room()?;
    let alerts = match &incident {
        // Nothing was pasted: the incident's own alerts say what it is about.
        Some(incident) if args.alerts.is_empty() => read(incident, context, &mut warnings).await,
        _ => args.alerts.clone(),
    };
    let alert = alerts.first().cloned().unwrap_or_default();
    let about = subject(&alert, &room.products, |network| channels.explorer(network));
    let mut message = message(args, &alert, &about, incident.as_ref(), room.meeting.as_deref());
    message.further(alerts.len().saturating_sub(1));
    let place = channels.chat();
    let posted = match (&place, context.is_acting()) {
        (Some(place), true) => {
            post(args, context, &message, place).await?;
            true
        }
        _ => false,
    };
    let mut errors = Vec::new();
    let mut noted = false;
    if let (Some(incident), true) = (&incident, context.is_acting()) {
        match note(incident, &message, place.as_deref().filter(|_| posted), context).await {
            Ok(_) => noted = true,
            // The people are called: a note that is missing is no reason to call them again.
            Err(fault) => errors.push(fault.wrap("the incident has no note of it")),
        }
    }
    Ok(report(&Done { message, about, incident, place, posted, noted, acted: context.is_acting(), errors, warnings }))
}

/// The incident, where PagerDuty can be asked and knows it. A war room does not wait for it.
async fn find(args: &Args, id: Option<&str>, context: &Context, warnings: &mut Vec<String>) -> Option<Incident> {
    let names = id.map(|id| IncidentName::Id(id.to_owned())).into_iter();
    let names: Vec<IncidentName> = names.chain(args.names.iter().cloned().map(IncidentName::Key)).collect();
    if names.is_empty() {
        return None;
    }
    let incidents = match context.incidents() {
        Ok(incidents) => incidents,
        Err(fault) => {
            warnings.push(format!("the incident gets no note: {}", fault.message));
            return None;
        }
    };
    context.progress().stage("looking for the incident");
    for name in &names {
        match incidents.find(name, 0).await {
            Ok(Some(found)) => return Some(found),
            Ok(None) => {}
            Err(fault) => warnings.push(format!("the incident cannot be read: {}", fault.one_line())),
        }
    }
    warnings.push("PagerDuty knows no such incident: none gets a note".to_owned());
    None
}

async fn read(incident: &Incident, context: &Context, warnings: &mut Vec<String>) -> Vec<Alert> {
    let read = match context.incidents() {
        Ok(incidents) => incidents.alerts(&incident.id).await,
        Err(fault) => Err(fault),
    };
    read.unwrap_or_else(|fault| {
        warnings.push(format!("the incident's alerts cannot be read: {}", fault.one_line()));
        Vec::new()
    })
}

fn message(args: &Args, alert: &Alert, about: &Subject, incident: Option<&Incident>, meeting: Option<&str>) -> Message {
    let annotation = |name: &str| alert.annotations.get(name).or_else(|| alert.labels.get(name));
    let title = incident.map(|incident| incident.title.as_str());
    let name = alert.name().or(title).unwrap_or("an alert");
    let summary = annotation("summary").or_else(|| annotation("description")).map(String::as_str).or(title);
    let service = args.service.as_deref().or(alert.labels.get("service").map(String::as_str));
    let mut facts = Vec::new();
    let mut add = |name: &str, value: Option<&str>, link: Option<String>| {
        if let Some(value) = value.map(|value| excerpt(value, 160)).filter(|value| !value.is_empty()) {
            facts.push(Line { name: name.to_owned(), value, link });
        }
    };
    add("Product", Some(&about.product), None);
    add("Service", service, None);
    add("Alert", alert.name(), None);
    add("Network", chain_scope(alert).network.as_deref(), None);
    if let Some((label, value)) = &about.key {
        add(&label.replace('_', " "), Some(value), about.link.clone());
    }
    let link = |what: &str, url: &str| (what.to_owned(), clean(url));
    let mut links = Vec::new();
    links.extend(incident.map(|one| &one.url).or(args.pd_url.as_ref()).map(|url| link("Incident", url)));
    links.extend(meeting.map(|url| link("Meeting", url)));
    let summary = summary.map(|text| excerpt(text, 600)).filter(|text| text != name).unwrap_or_default();
    Message { title: format!("War room: {}", excerpt(name, 120)), summary, facts, links }
}

/// What is posted once: about this incident, or else about these very alerts.
fn key(args: &Args) -> String {
    let what = match &args.pd_url {
        Some(url) => url.clone(),
        None => json!([args.names, args.alerts]).to_string(),
    };
    format!("war-room {}", &digest(what.as_bytes())["sha256:".len()..][..16])
}

async fn post(args: &Args, context: &Context, message: &Message, place: &str) -> Result<(), Fault> {
    let key = key(args);
    let _hold = context.hold(&key.replace(' ', "-"))?;
    if let Some(open) = context.open_attempts()?.into_iter().find(|open| open.key == key) {
        return Err(unknown(&open, context));
    }
    context.progress().stage("posting the message");
    let begun = json!({ "command": "war-room", "place": place, "text": message.plain() });
    let step = context.step(&key, Effect::Once, &begun)?;
    let result = match step.chat() {
        Ok(chat) => chat.post_blocks(&message.plain(), &message.blocks()).await,
        Err(fault) => Err(Broken::before(fault)),
    };
    let Err(Broken { fault, left }) = result else { return step.end(&Ended::Done(json!({ "place": place }))) };
    let reason = json!({ "fault": fault.one_line() });
    match left {
        Left::Nothing => step.end(&Ended::NotDone(reason))?,
        Left::Something => step.end(&Ended::Failed(reason))?,
        // A channel cannot be read: the attempt ends as one that may have been seen, and a person looks.
        Left::Unknown => {
            step.end(&Ended::Failed(reason))?;
            let mut open = fault.wrap("it is not known whether the channel has the message");
            open.kind = Kind::Busy;
            return Err(open.hint("look in the channel; where it is not there, run the same again"));
        }
    }
    Err(fault)
}

/// An attempt that broke off: it is closed, and whoever asks looks in the channel first.
fn unknown(open: &Open, context: &Context) -> Fault {
    let closed = context.reopen(open).and_then(|step| step.end(&Ended::Failed(json!({ "by": "a later attempt" }))));
    if let Err(fault) = closed {
        return fault;
    }
    Fault::new(Kind::Busy, "an earlier attempt broke off: the channel may have the message already")
        .hint("look in the channel; where it is not there, run the same again")
}

async fn note(incident: &Incident, message: &Message, place: Option<&str>, context: &Context) -> Result<Report, Fault> {
    let called = place.map_or_else(|| "said by hand".to_owned(), |place| format!("posted to {place}"));
    let args = pd_annotate::Args {
        incident: Some(incident.id.clone()),
        run: Some("war-room".to_owned()),
        content: Some(format!("{}\n\n({called})", message.plain())),
        ..pd_annotate::Args::default()
    };
    pd_annotate::run(&args, context).await
}

/// What came of it.
struct Done {
    message: Message,
    about: Subject,
    incident: Option<Incident>,
    place: Option<String>,
    posted: bool,
    noted: bool,
    acted: bool,
    errors: Vec<Fault>,
    warnings: Vec<String>,
}

fn report(done: &Done) -> Report {
    let place = done.place.as_deref();
    let headline = match (done.posted, done.acted, place) {
        (true, ..) => format!("Posted to {}.", place.unwrap_or("the channel")),
        (false, false, Some(place)) => format!("Would be posted to {place}; nothing was done."),
        (false, _, _) => "No channel is configured: this is the message, for any chat.".to_owned(),
    };
    let mut facts: Vec<Fact> = Vec::new();
    let mut add = |label: &'static str, value: &str| {
        facts.push(Fact { label, value: Cell::from(value), note: String::new() });
    };
    let plain = done.message.plain();
    for (at, line) in plain.lines().enumerate() {
        add(if at == 0 { "message" } else { "" }, line);
    }
    if let Some(incident) = &done.incident {
        let word = match (done.noted, done.acted) {
            (true, _) => "noted",
            (false, true) => "not noted",
            (false, false) => "would be noted",
        };
        add("incident", &format!("{} ({word})", excerpt(&incident.id, 40)));
    }
    let incident = done.incident.as_ref().map(|one| json!({ "id": one.id, "title": one.title, "url": one.url }));
    let key =
        done.about.key.as_ref().map(|(label, value)| json!({ "label": label, "value": value, "url": done.about.link }));
    Report {
        sections: vec![Section {
            status: if done.errors.is_empty() { Status::Ok } else { Status::Warn },
            headline,
            advice: String::new(),
            facts,
            tables: Vec::new(),
        }],
        next: Vec::new(),
        data: json!({
            "product": done.about.product,
            "key": key,
            "incident": incident,
            "message": { "text": plain, "blocks": done.message.blocks() },
            "place": place.map_or(Json::Null, Json::from),
            "posted": done.posted,
            "noted": done.noted,
        }),
        errors: done.errors.clone(),
        warnings: done.warnings.clone(),
        outcome: if done.errors.is_empty() { Outcome::Well } else { Outcome::Unavailable },
    }
}
