//! Which playbook an alert is for, and why the others are not.

use super::model::{On, Playbook, When};
use super::scope::{Incoming, KeyPart, Scope};
use super::values::harmless;
use crate::text::excerpt;

/// A stage that an alert passes or not, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Who sent it.
    Source,
    /// Whether it fires, or is over.
    Status,
    /// Its labels.
    Match,
    /// The expression that narrows.
    When,
    /// What the run would be about.
    Key,
}

impl Stage {
    /// The word that is shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Status => "status",
            Self::Match => "match",
            Self::When => "when",
            Self::Key => "key",
        }
    }
}

/// Where an alert ended on its way through one `on`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The stage that it did not pass.
    pub stage: Stage,
    /// Why.
    pub why: String,
    /// Whether it could not be said, rather than was not so: somebody should see that.
    pub fault: bool,
}

/// What a run would be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// Which alert of `on` it is, from 0.
    pub on: usize,
    /// The key.
    pub key: Vec<KeyPart>,
}

/// How one playbook answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Considered {
    /// Its name.
    pub playbook: String,
    /// Whether any of its steps changes a system.
    pub writes: bool,
    /// The first `on` that the alert passed whole, or where it ended in each.
    pub answer: Result<Matched, Vec<Stopped>>,
}

impl Considered {
    /// The stop that came furthest: the one that says most.
    pub fn furthest(&self) -> Option<&Stopped> {
        // Of those that came as far, the first.
        self.answer.as_ref().err()?.iter().rev().max_by_key(|stopped| stopped.stage)
    }
}

/// What is to be done about an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Each playbook, in the order given.
    pub considered: Vec<Considered>,
    /// The playbook that may write, by its number; none where several would.
    pub writer: Option<usize>,
    /// Those that only read and tell.
    pub readers: Vec<usize>,
    /// The playbooks that would write, where they are several: none of them does.
    pub several: Vec<usize>,
}

/// Which of `playbooks` an alert is for.
pub fn decide(playbooks: &[&Playbook], alert: &Incoming) -> Decision {
    let consider = |playbook: &&Playbook| Considered {
        playbook: playbook.name.text.clone(),
        writes: playbook.effects.any(),
        answer: matched(playbook, alert),
    };
    let considered: Vec<Considered> = playbooks.iter().map(consider).collect();
    let that = |writes: bool| {
        let all = considered.iter().enumerate();
        all.filter(|(_, one)| one.answer.is_ok() && one.writes == writes).map(|(at, _)| at).collect::<Vec<_>>()
    };
    let (writers, readers) = (that(true), that(false));
    match writers.as_slice() {
        [one] => Decision { writer: Some(*one), several: Vec::new(), readers, considered },
        _ => Decision { writer: None, several: writers, readers, considered },
    }
}

/// Whether a playbook is for an alert, and what the run would be about.
pub fn matched(playbook: &Playbook, alert: &Incoming) -> Result<Matched, Vec<Stopped>> {
    let mut stops = Vec::new();
    for (on, one) in playbook.on.iter().enumerate() {
        match pass(playbook, one, alert) {
            Ok(key) => return Ok(Matched { on, key }),
            Err(stopped) => stops.push(stopped),
        }
    }
    Err(stops)
}

fn pass(playbook: &Playbook, on: &On, alert: &Incoming) -> Result<Vec<KeyPart>, Stopped> {
    let stop = |stage, why: String| Stopped { stage, why, fault: false };
    let source = on.source.text.as_str();
    if source != "any" && source != alert.source {
        return Err(stop(
            Stage::Source,
            format!("it is for {source}, and this came from {}", excerpt(&alert.source, 40)),
        ));
    }
    let wanted = match on.status {
        When::Firing => !alert.alert.resolved,
        When::Resolved => alert.alert.resolved,
        When::Any => true,
    };
    if !wanted {
        let why = if alert.alert.resolved { "the alert is resolved" } else { "the alert fires" };
        return Err(stop(Stage::Status, why.to_owned()));
    }
    for (label, matcher) in &on.matches {
        match alert.alert.labels.get(label) {
            Some(value) if matcher.matches(value) => {}
            Some(value) => return Err(stop(Stage::Match, format!("its `{label}` is `{}`", excerpt(value, 60)))),
            None => return Err(stop(Stage::Match, format!("it has no label `{label}`"))),
        }
    }
    let mut scope = Scope { alert: alert.clone(), ..Scope::default() };
    // What has no default is not known yet; an expression that asks for it is then a fault.
    let known = |(name, param): (&String, &super::model::Param)| Some((name.clone(), param.default.clone()?));
    scope.params = playbook.params.iter().filter_map(known).collect();
    if let Some(when) = &on.when {
        let judged = when.judge(&scope);
        if !judged.holds {
            let fault = judged.fault.is_some();
            let why = judged.fault.unwrap_or_else(|| format!("`{}` is false", excerpt(when.text(), 80)));
            return Err(Stopped { stage: Stage::When, why, fault });
        }
    }
    on.key.iter().map(|path| key(&path.text, &scope)).collect::<Result<_, _>>().map_err(|why| Stopped {
        stage: Stage::Key,
        why,
        fault: true,
    })
}

/// One part of the key. What is missing or empty means nothing, never everything.
fn key(path: &str, scope: &Scope) -> Result<KeyPart, String> {
    let value = match (path.strip_prefix("alert.labels."), path.strip_prefix("params.")) {
        (Some(label), _) => scope.alert.alert.labels.get(label).cloned(),
        (None, Some(name)) => scope.params.get(name).map(|value| match value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        }),
        (None, None) => None,
    };
    let value = value.filter(|value| !value.is_empty());
    let value = value.ok_or_else(|| format!("the alert has no `{path}`, and it is what the run would be about"))?;
    harmless(&value).map_err(|why| format!("`{path}`: {why}"))?;
    Ok(KeyPart { path: path.to_owned(), value })
}
