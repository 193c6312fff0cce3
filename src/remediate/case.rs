//! An alert that is to be answered: the playbook that is for it, and all that is known before anything is done.

use std::collections::BTreeMap;

use ira_commands::playbook::{self, Incoming, KeyPart};
use ira_commands::text::clean;
use ira_commands::{Fault, Kind};
use serde_json::{Value as Json, json};

use super::choose::Chosen;
use crate::engine::{Forecast, Preview, Stop};
use crate::store::ask::Denial;

/// An alert, and what is to be done about it.
pub struct Case {
    /// The alert.
    pub alert: Incoming,
    /// The playbook, or why there is none.
    pub chosen: Result<Chosen, Fault>,
    /// Its parameters.
    pub params: BTreeMap<String, Json>,
    /// What the run is about.
    pub key: Vec<KeyPart>,
    /// What it would do; none where it changes nothing, or there is no playbook.
    pub preview: Option<Preview>,
    /// What the guards would say of it.
    pub forecast: Forecast,
    /// The earlier alert that is about the same thing: one run is for both.
    pub same_as: Option<usize>,
}

/// What is to happen with a case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next<'a> {
    /// Its plan is to be agreed to.
    Agree,
    /// It changes nothing: it is run.
    Run,
    /// It would end before its first write.
    Stop(&'a Stop),
    /// A guard is in the way.
    Denied(&'a Denial),
    /// It has no playbook.
    Fault(&'a Fault),
    /// Another one is for it, too.
    Same(usize),
}

impl Case {
    /// An alert with its playbook, before anything was looked at.
    pub fn new(alert: Incoming, chosen: Result<(Chosen, BTreeMap<String, Json>), Fault>) -> Self {
        let (chosen, params) = match chosen {
            Ok((chosen, params)) => (Ok(chosen), params),
            Err(fault) => (Err(fault), BTreeMap::new()),
        };
        let matched = chosen.as_ref().ok().and_then(|chosen| playbook::matched(&chosen.playbook, &alert).ok());
        let key = matched.map(|matched| matched.key).unwrap_or_default();
        Self { alert, chosen, params, key, preview: None, forecast: Forecast::default(), same_as: None }
    }

    /// Whether it is the same playbook about the same thing.
    pub fn is_as(&self, other: &Self) -> bool {
        match (&self.chosen, &other.chosen) {
            (Ok(one), Ok(two)) => {
                one.playbook.name.text == two.playbook.name.text && !self.key.is_empty() && self.key == other.key
            }
            _ => false,
        }
    }

    /// What is to happen with it.
    pub fn next(&self) -> Next<'_> {
        if let Err(fault) = &self.chosen {
            return Next::Fault(fault);
        }
        if let Some(at) = self.same_as {
            return Next::Same(at);
        }
        match &self.preview {
            None => Next::Run,
            Some(Preview { stopped: Some(stop), .. }) => Next::Stop(stop),
            Some(_) => self.forecast.denials.first().map_or(Next::Agree, Next::Denied),
        }
    }

    /// The exit code of a case of which nothing comes.
    pub fn code(&self) -> u8 {
        match self.next() {
            Next::Agree => Kind::Confirmation.exit_code(),
            Next::Run | Next::Same(_) | Next::Stop(Stop::Over) => 0,
            Next::Stop(Stop::Guard(..)) | Next::Denied(_) => Kind::Busy.exit_code(),
            Next::Stop(Stop::Unread(_)) => Kind::Missing.exit_code(),
            Next::Stop(Stop::Idle) => ira_commands::report::Outcome::Problem.exit_code(),
            Next::Fault(fault) => fault.kind.exit_code(),
        }
    }

    /// The alert, as it is named: with what the run is about, else with what tells it from others.
    pub fn subject(&self) -> String {
        let labels = &self.alert.alert.labels;
        let name = self.alert.alert.name().map_or_else(|| "the alert".to_owned(), |name| short(name, 60));
        let mut about: Vec<String> = self.key.iter().map(|part| short(&part.value, 40)).collect();
        if about.is_empty() {
            let known = ["instance", "service", "job", "namespace", "cluster"];
            about.extend(known.iter().find_map(|label| labels.get(*label)).map(|value| short(value, 40)));
        }
        if about.is_empty() { name } else { format!("{name} ({})", about.join(", ")) }
    }

    /// The name of its playbook.
    pub fn playbook(&self) -> &str {
        self.chosen.as_ref().map_or("", |chosen| chosen.playbook.name.text.as_str())
    }

    /// For a program: the alert, its playbook, and what would be done.
    pub fn json(&self) -> Json {
        let chosen = self.chosen.as_ref().ok();
        let preview = self.preview.as_ref();
        let read = |(step, said): &(String, Result<String, Fault>)| json!({ "step": step, "said": said.as_ref().ok(), "fault": said.as_ref().err().map(Fault::one_line) });
        let denial =
            |denial: &Denial| json!({ "guard": denial.guard, "until": denial.until, "message": denial.message });
        json!({
            "alert": self.alert.alert,
            "playbook": chosen.map(|chosen| &chosen.playbook.name.text),
            "revision": chosen.map(|chosen| &chosen.playbook.revision),
            "params": self.params,
            "same_as": self.same_as,
            "reads": preview.map(|preview| preview.reads.iter().map(read).collect::<Vec<_>>()),
            "stopped": preview.and_then(|preview| preview.stopped.as_ref()).map(Stop::why),
            "denied": self.forecast.denials.iter().map(denial).collect::<Vec<_>>(),
            "plan": preview.map(|preview| preview.plan.json()),
            "fault": self.chosen.as_ref().err().map(Fault::one_line),
        })
    }
}

fn short(text: &str, most: usize) -> String {
    ira_commands::text::excerpt(&clean(text), most)
}
