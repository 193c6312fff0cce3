//! A run becomes a test of its playbook: the alert, what was read and what came of each step, and how it ended.

use std::cell::Cell;
use std::collections::BTreeMap;

use ira_commands::playbook::{
    Answer, Case, Expect, Fixture, Incoming, Outcome, Place, Playbook, Step, Text, holding, parse, simulate,
};
use ira_commands::{Effect, Fault, Kind};
use serde_json::{Value as Json, json};

use super::outputs;
use super::past::{self, Asked, Past};
use crate::store::event::{Event, What};
use crate::store::model::{Run, RunId};
use crate::store::{RunState, StepState as Stands, Store, Trace};

/// The longest answer of a step that is taken whole, bytes of JSON; of a longer one what the playbook speaks of.
const LONG: usize = 2 << 10;

/// A test that was made of a run.
pub struct Exported {
    /// The playbook as it was when the run began.
    pub playbook: Playbook,
    /// The test.
    pub case: Case,
    /// What is to be known of it.
    pub remarks: Vec<String>,
}

/// Makes a test of a run that has ended.
pub async fn export(from: &dyn Store, id: RunId) -> Result<Exported, Fault> {
    let none = || Fault::new(Kind::Usage, format!("there is no run {id}")).hint("`ira run list` has those there are");
    let story = from.run(id).await?.ok_or_else(none)?;
    let run = story.run.clone();
    let Some(revision) = run.revision.clone() else {
        return Err(Fault::new(Kind::Usage, format!("run {id} is of a command by hand, and of no playbook")));
    };
    if !run.state.terminal() {
        return Err(Fault::new(Kind::Usage, format!("run {id} has not ended: it is {}", run.state))
            .hint(format!("ira run tail {id}")));
    }
    let text = from.playbook(&revision).await?.unwrap_or_default();
    let playbook = parse(&text).map_err(|_| {
        Fault::new(Kind::Failed, format!("the playbook of run {id} cannot be read by this ira any more"))
    })?;
    let events = from.events(id).await?;
    let alert = story.alert.as_ref().map(|row| past::incoming(&row.payload)).transpose()?.unwrap_or_default();
    let asked = Asked::of(&run)?;
    let told = Told {
        playbook: &playbook,
        text: &text,
        events: &events,
        past: &Past::of(story, &events),
        was_cut: Cell::new(false),
    };
    let mut case = Case {
        name: format!("run {id}: {}", ira_commands::text::excerpt(&run.title, 60)),
        alert: Fixture::Written {
            labels: alert.alert.labels.clone(),
            annotations: alert.alert.annotations.clone(),
            resolved: alert.alert.resolved,
        },
        set: set(&playbook, &alert),
        params: asked.params.into_iter().filter(|(name, _)| playbook.params.contains_key(name)).collect(),
        mock: told.mocks(),
        expect: told.expect(&run),
        at: Place::default(),
    };
    let mut remarks = Vec::new();
    if told.was_cut.get() {
        remarks.push("of long answers only what the playbook speaks of is here".to_owned());
    }
    match simulate(&playbook, &case, &alert) {
        Ok(outcome) => {
            let differs = differences(&case.expect, &outcome);
            if differs.is_empty() {
                case.expect.reason = Some(outcome.reason);
            } else {
                remarks.push(format!("the run went so, and the test alone does not: {}", differs.join("; ")));
            }
        }
        Err(why) => remarks.push(format!("the run went so, and the test alone does not: {why}")),
    }
    Ok(Exported { playbook, case, remarks })
}

/// What has to be set beside labels and annotations.
fn set(playbook: &Playbook, alert: &Incoming) -> BTreeMap<String, Json> {
    let source = playbook.on.first().map(|on| on.source.text.as_str()).unwrap_or_default();
    let mut set = BTreeMap::new();
    if source != alert.source {
        set.insert("alert.source".to_owned(), json!(alert.source));
    }
    if let Some(at) = alert.starts_at {
        set.insert("alert.starts_at".to_owned(), json!(at));
    }
    set
}

/// What the record says of a run.
struct Told<'a> {
    playbook: &'a Playbook,
    text: &'a str,
    events: &'a [Event],
    past: &'a Past,
    /// Whether an answer was too long to be taken whole.
    was_cut: Cell<bool>,
}

impl Told<'_> {
    fn notes<'a>(&'a self, wanted: &'a str) -> impl Iterator<Item = &'a Json> {
        self.events.iter().filter_map(move |event| match &event.what {
            What::Noted { sort, matter } if sort == wanted => Some(matter),
            _ => None,
        })
    }

    /// What queries and steps answered, in the order in which a test asks.
    fn mocks(&self) -> BTreeMap<String, Vec<Answer>> {
        let mut mock: BTreeMap<String, Vec<Answer>> = BTreeMap::new();
        let mut hear = |matter: &Json| {
            for (name, value) in matter["values"].as_object().into_iter().flatten() {
                mock.entry(format!("q.{name}")).or_default().push(Answer::Out(value.clone()));
            }
            for name in matter["unread"].as_array().into_iter().flatten().filter_map(Json::as_str) {
                mock.entry(format!("q.{name}")).or_default().push(Answer::Unknown);
            }
        };
        let at = |place: String| self.notes("asked").filter(move |matter| matter["at"] == place.as_str());
        let last = |place: &str| at(place.to_owned()).last();
        last("guards").into_iter().for_each(&mut hear);
        let mut wrote = false;
        for (step, writes) in self.playbook.steps.iter().zip(&self.playbook.effects.writes) {
            let id = &step.id.text;
            last(&format!("if:{id}")).into_iter().for_each(&mut hear);
            if *writes && !wrote && self.begun(step) {
                wrote = true;
                last("before").into_iter().for_each(&mut hear);
            }
            at(format!("until:{id}")).for_each(&mut hear);
        }
        at("verify".to_owned()).for_each(&mut hear);
        let held = self.playbook.verify.as_ref().map_or(0, holding);
        at("hold".to_owned()).take(usize::try_from(held).unwrap_or(usize::MAX)).for_each(&mut hear);
        for answers in mock.values_mut() {
            // The last one is given again and again.
            while answers.len() > 1 && answers[answers.len() - 1] == answers[answers.len() - 2] {
                answers.pop();
            }
        }
        for (at, step) in self.playbook.steps.iter().enumerate() {
            let answers = self.answers(step, self.playbook.effects.effects[at]);
            if !answers.is_empty() {
                mock.insert(step.id.text.clone(), answers);
            }
        }
        mock
    }

    fn begun(&self, step: &Step) -> bool {
        self.past.attempts(&step.id.text).next().is_some() || self.past.settled(&step.id.text).is_some()
    }

    /// What a step came to, each time that it was done.
    fn answers(&self, step: &Step, effect: Effect) -> Vec<Answer> {
        let id = step.id.text.as_str();
        let mut answers = Vec::new();
        if effect == Effect::Read {
            for attempt in self.past.attempts(id) {
                answers.extend(match attempt.state {
                    Stands::Done => {
                        Some(Answer::Out(self.cut(outputs::read(&attempt.exit, attempt.output_ref.as_deref()))))
                    }
                    Stands::Failed(_) => Some(Answer::Refused),
                    _ => None,
                });
            }
            return answers;
        }
        answers.extend(self.notes("tried").filter(|matter| matter["path"] == id).map(|_| Answer::Refused));
        if let Some(matter) = self.past.settled(id) {
            match (outputs::read(matter, matter["file"].as_str()), &step.each) {
                (Json::Array(outs), Some(_)) => {
                    answers.extend(outs.into_iter().map(|out| Answer::Out(self.cut(out))));
                }
                (Json::Object(map), _) if map.is_empty() => answers.push(Answer::Ok),
                (out, _) => answers.push(Answer::Out(self.cut(out))),
            }
            return answers;
        }
        let states: Vec<Stands> = self.past.latest(id).iter().map(|attempt| attempt.state).collect();
        let any = |wanted: fn(Stands) -> bool| states.iter().any(|state| wanted(*state));
        if any(Stands::is_open) {
            answers.push(Answer::Unknown);
        } else if any(|state| state == Stands::Failed(Trace::Something)) {
            answers.push(Answer::Failed);
        } else if any(|state| state == Stands::Failed(Trace::Nothing)) {
            answers.push(Answer::Refused);
        } else if any(|state| state == Stands::Done) {
            // It was done, and its command did not end well.
            answers.push(Answer::Failed);
        }
        answers
    }

    /// Of a long answer, the fields that the playbook speaks of.
    fn cut(&self, out: Json) -> Json {
        match out {
            Json::Object(map) if json!(map).to_string().len() > LONG => {
                self.was_cut.set(true);
                let spoken = |name: &str| self.text.contains(&format!(".{name}"));
                let short = |value: &Json| value.to_string().len() <= LONG;
                Json::Object(map.into_iter().filter(|(name, value)| spoken(name) && short(value)).collect())
            }
            other => other,
        }
    }

    /// How the run ended.
    fn expect(&self, run: &Run) -> Expect {
        let wrote = run.first_write_at.is_some();
        let over = run.state == RunState::Cancelled && !wrote;
        let decision = match (self.notes("denied").last(), over) {
            (Some(_), _) if !wrote => "denied",
            (_, true) => "cancelled",
            _ => "run",
        };
        let undone = self.notes("undone").last().and_then(|matter| matter["back"].as_array()).cloned();
        Expect {
            decision: Some(Text { text: decision.to_owned(), at: Place::default() }),
            reason: None,
            path: Some(self.path()),
            verified: wrote.then_some(run.state == RunState::Succeeded),
            escalated: Some(run.state == RunState::Escalated),
            undone: undone
                .map(|back| back.iter().filter_map(|path| Some(self.step_of(path.as_str()?)?.to_owned())).collect()),
        }
    }

    /// The steps that were done, in order.
    fn path(&self) -> Vec<String> {
        let mut path: Vec<String> = Vec::new();
        for event in self.events {
            let at = match &event.what {
                What::Began { path, .. } if !path.starts_with("undo/") => Some(path.as_str()),
                What::Noted { sort, matter } if sort == "step" || sort == "tried" => matter["path"].as_str(),
                _ => None,
            };
            if let Some(id) = at.and_then(|at| self.step_of(at))
                && !path.iter().any(|known| known == id)
            {
                path.push(id.to_owned());
            }
        }
        path
    }

    /// The step that a path is of.
    fn step_of<'a>(&'a self, path: &str) -> Option<&'a str> {
        let id = path.split('/').next()?;
        self.playbook.steps.iter().map(|step| step.id.text.as_str()).find(|known| *known == id)
    }
}

fn differences(expect: &Expect, came: &Outcome) -> Vec<String> {
    let mut differs = Vec::new();
    let mut say = |what: &str, run: String, test: String| {
        if run != test {
            differs.push(format!("{what} was {run}, and is {test}"));
        }
    };
    let decision = expect.decision.as_ref().map(|word| word.text.clone()).unwrap_or_default();
    say("decision", decision, came.decision.word().to_owned());
    say("path", json!(expect.path).to_string(), json!(came.path).to_string());
    say("verified", json!(expect.verified).to_string(), json!(came.verified).to_string());
    say("escalated", json!(expect.escalated).to_string(), json!(came.escalated).to_string());
    say("undone", json!(expect.undone.clone().unwrap_or_default()).to_string(), json!(came.undone).to_string());
    differs
}
