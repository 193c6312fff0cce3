//! `ticket.create`: a ticket at a desk, with a marker by which it is found again. Desks know no key that would keep
//! the same ticket from being made twice, so the marker is looked for before.

use async_trait::async_trait;
use serde_json::json;

use super::said;
use crate::actions::{Act, Attempt, Broken, Change, Deed, Plan, Probed, Verified, digest};
use crate::context::{Context, Open};
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::Fault;
use crate::ports::people::{NewTicket, Ticket};
use crate::report::{Cell, Fact};
use crate::text::excerpt;

/// The name of the action.
const NAME: &str = "ticket.create";
/// The longest text of a ticket, characters: what the strictest desk takes.
const LONGEST: usize = 30_000;

/// What is asked of whom.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TicketArgs {
    /// The desk: NAME of `[tickets.NAME]` in the configuration
    #[arg(long, value_name = "NAME")]
    pub desk: String,

    /// What it is about, in one line
    #[arg(long, value_name = "TEXT")]
    pub title: String,

    /// All of it
    #[arg(long, value_name = "TEXT")]
    pub text: String,

    /// What makes it one ticket: the same key is the same ticket; made of desk and title where none is given
    #[arg(long, value_name = "KEY")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl TicketArgs {
    /// The marker: short, and one word for every search.
    fn marker(&self) -> String {
        let of = self.key.as_ref().map_or_else(|| format!("{}\n{}", self.desk, self.title), Clone::clone);
        format!("ira-{}", &digest(of.as_bytes())["sha256:".len()..][..20])
    }

    fn ticket(&self) -> Result<NewTicket, Fault> {
        let text = said("--text", &self.text)?;
        let mut cut: String = text.chars().take(LONGEST).collect();
        if cut.len() < text.len() {
            cut.push_str("\n… (cut)");
        }
        Ok(NewTicket { title: excerpt(said("--title", &self.title)?, 250), text: cut, marker: self.marker() })
    }

    async fn find(&self, context: &Context) -> Result<Option<Ticket>, Fault> {
        context.progress().stage(&format!("looking for {}", self.marker()));
        context.tickets()?.find(&self.desk, &self.marker()).await
    }
}

fn shown(ticket: &Ticket) -> String {
    match &ticket.url {
        Some(url) => format!("{} ({url})", ticket.id),
        None => ticket.id.clone(),
    }
}

#[async_trait]
impl Act for TicketArgs {
    fn effect(&self) -> Effect {
        Effect::Once
    }

    fn reach(&self) -> Reach {
        Reach::Tell
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Transient
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        let ticket = self.ticket()?;
        let desk = context.tickets()?.desk(&self.desk)?;
        // A ticket that cannot be looked for is not made: nobody could tell how many there are.
        let there = self.find(context).await?;
        let mut notes = vec![format!("it carries the marker {}, by which it is found again", ticket.marker)];
        notes.extend(desk.duplicates.map(|why| format!("a duplicate is possible: {why}")));
        let what = match &there {
            Some(one) => format!("the ticket is there already: {}", shown(one)),
            None => format!("make a ticket: {}", ticket.title),
        };
        let changes = match there {
            Some(_) => Vec::new(),
            None => vec![Change::new(format!("ticket {}", ticket.marker), "none", ticket.title.clone())],
        };
        Ok(Plan {
            action: NAME,
            what,
            place: desk.what,
            target: format!("{NAME} {} {}", self.desk, ticket.marker),
            nothing: changes.is_empty(),
            changes,
            spend: None,
            effect: Effect::Once,
            reach: Reach::Tell,
            taken_back: TakenBack::Transient,
            notes,
        })
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let ticket = self.ticket()?;
        let step = attempt.begin(&json!({ "marker": ticket.marker }))?;
        let result = match step.tickets() {
            Ok(tickets) => tickets.create(&self.desk, &ticket).await,
            Err(fault) => Err(Broken::before(fault)),
        };
        let result = result.map(|made| Deed {
            summary: shown(&made),
            facts: vec![Fact {
                label: "ticket",
                value: Cell::from(made.id.as_str()),
                note: made.url.clone().unwrap_or_default(),
            }],
            data: json!({ "ticket": made.id, "url": made.url, "marker": ticket.marker }),
        });
        attempt.end(step, result)
    }

    async fn verify(&self, context: &Context, _agreed: &Plan) -> Result<Verified, Fault> {
        let proof = match self.find(context).await? {
            Some(ticket) => format!("found by its marker: {}", shown(&ticket)),
            None => match context.tickets()?.desk(&self.desk)?.duplicates {
                Some(why) => format!("the desk took it, and does not find it yet ({why})"),
                None => {
                    return Ok(Verified { worked: false, proof: "the desk took it, and it is not there".to_owned() });
                }
            },
        };
        Ok(Verified { worked: true, proof })
    }

    async fn probe(&self, context: &Context, _open: &Open) -> Result<Probed, Fault> {
        Ok(match self.find(context).await? {
            Some(ticket) => Probed::Done(format!("found by its marker: {}", shown(&ticket))),
            None => match context.tickets()?.desk(&self.desk)?.duplicates {
                Some(why) => Probed::Unknown(format!("it is not found, which proves nothing: {why}")),
                None => Probed::NotDone("no ticket carries its marker".to_owned()),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Kind;

    #[test]
    fn the_same_key_is_the_same_ticket_whatever_it_says() {
        let ticket = |desk: &str, title: &str, key: Option<&str>| TicketArgs {
            desk: desk.to_owned(),
            title: title.to_owned(),
            text: "x".to_owned(),
            key: key.map(str::to_owned),
        };
        assert_eq!(ticket("a", "b", Some("k")).marker(), ticket("a", "other", Some("k")).marker());
        assert_ne!(ticket("a", "b", None).marker(), ticket("a", "c", None).marker());
        assert!(ticket("a", "b", None).marker().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
        assert_eq!(ticket("a", " ", None).ticket().expect_err("no title").kind, Kind::Usage);
        let long = TicketArgs { text: "é".repeat(100_000), ..ticket("a", "b", None) };
        assert!(long.ticket().expect("cut").text.ends_with("… (cut)"));
    }
}
