//! Whether each expression looks only at what is there when it is asked.

use crate::playbook::cel::{self, Cel, Kind, Roots};
use crate::playbook::fields::SOURCES;
use crate::playbook::model::{ParamType, Playbook};
use crate::playbook::problem::Problem;
use crate::playbook::template::PROMETHEUS;
use crate::text::{excerpt, nearest};

/// The states that a step may be in.
const STATES: &[&str] = &["pending", "skipped", "done", "refused", "failed", "unknown"];

/// What an alert has, by its source.
fn alert_fields(source: &str) -> &'static [&'static str] {
    match source {
        "any" => &["labels", "annotations", "status", "source"],
        _ => &["labels", "annotations", "status", "source", "starts_at"],
    }
}

pub(super) fn check(playbook: &Playbook, problems: &mut Vec<Problem>) {
    let all: Vec<&str> = playbook.on.iter().map(|on| on.source.text.as_str()).collect();
    let base = Sight { playbook, sources: &all, key: true, queries: true, steps: Some(0), before: false };
    for on in &playbook.on {
        let own = [on.source.text.as_str()];
        let sight = Sight { sources: &own, key: false, queries: false, steps: None, ..base };
        look(on.when.as_ref(), "when", sight, problems);
    }
    look(playbook.guards.require.as_ref(), "require", Sight { steps: None, ..base }, problems);
    for (at, step) in playbook.steps.iter().enumerate() {
        look(step.condition.as_ref(), "if", Sight { steps: Some(at), ..base }, problems);
        let wait = step.wait.as_ref().map(|wait| &wait.until);
        look(wait, "until", Sight { steps: Some(at + 1), ..base }, problems);
    }
    let until = playbook.verify.as_ref().map(|verify| &verify.until);
    look(until, "until", Sight { steps: Some(playbook.steps.len()), before: true, ..base }, problems);
}

fn look(cel: Option<&Cel>, field: &str, sight: Sight<'_>, problems: &mut Vec<Problem>) {
    let Some(cel) = cel else { return };
    problems.extend(cel::check(cel, &sight).into_iter().map(|why| Problem::new(cel.at(), format!("`{field}`: {why}"))));
}

/// What an expression may look at.
#[derive(Clone, Copy)]
struct Sight<'a> {
    playbook: &'a Playbook,
    sources: &'a [&'a str],
    key: bool,
    queries: bool,
    /// How many steps have been done; `None` where steps cannot be looked at at all.
    steps: Option<usize>,
    before: bool,
}

fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None if known.is_empty() => String::new(),
        None => format!("; there are: {}", known.join(", ")),
    }
}

impl Sight<'_> {
    fn roots(self) -> Vec<&'static str> {
        let mut roots = vec!["alert", "params"];
        roots.extend(self.key.then_some("key"));
        roots.extend(self.queries.then_some("q"));
        roots.extend(self.steps.map(|_| "steps"));
        roots.extend(self.before.then_some("verify"));
        roots
    }

    fn alert(self, path: &[String]) -> Result<Kind, String> {
        let Some(field) = path.get(1) else { return Ok(Kind::Map) };
        let known: Vec<&str> = alert_fields(self.sources.first().copied().unwrap_or("any"))
            .iter()
            .copied()
            .filter(|field| self.sources.iter().all(|source| alert_fields(source).contains(field)))
            .collect();
        let deeper = |kind: Kind| match path.len() {
            2 => Ok(kind),
            _ => Err(format!("`alert.{field}` has nothing in it")),
        };
        match field.as_str() {
            field if !known.contains(&field) => {
                let sources = self.sources.join(", ");
                Err(format!("an alert of {sources} has no `{}`{}", excerpt(field, 40), near(field, known)))
            }
            "labels" | "annotations" => match path.len() {
                2 => Ok(Kind::Map),
                3 => Ok(Kind::Text),
                _ => {
                    let shown = path[..3].join(".");
                    Err(format!("`{shown}` is a text; a name with dots is written alert.{field}['a.b']"))
                }
            },
            "starts_at" => deeper(Kind::Int),
            _ => deeper(Kind::Text),
        }
    }

    fn param(self, path: &[String]) -> Result<Kind, String> {
        let Some(name) = path.get(1) else { return Ok(Kind::Map) };
        let params = &self.playbook.params;
        let Some(param) = params.get(name) else {
            let near = near(name, params.keys().map(String::as_str));
            return Err(format!("there is no parameter `{}`{near}", excerpt(name, 40)));
        };
        if path.len() > 2 {
            return Err(format!("`params.{name}` has nothing in it"));
        }
        Ok(match param.kind {
            ParamType::String => Kind::Text,
            ParamType::Int | ParamType::Duration => Kind::Int,
            ParamType::Double => Kind::Double,
            ParamType::Bool => Kind::Bool,
            ParamType::Strings => Kind::List,
        })
    }

    fn query(self, path: &[String]) -> Result<Kind, String> {
        let Some(name) = path.get(1) else { return Err("`q` is looked at by name: q.NAME".to_owned()) };
        let queries = &self.playbook.queries;
        let Some(query) = queries.get(name) else {
            return Err(format!(
                "there is no query `{}`{}",
                excerpt(name, 40),
                near(name, queries.keys().map(String::as_str))
            ));
        };
        match (query.action.text == PROMETHEUS, path.len()) {
            (true, 2) => Ok(Kind::Double),
            (true, _) => Err(format!("`q.{name}` is a number, and has nothing in it")),
            (false, _) => Ok(Kind::Any),
        }
    }

    fn step(self, path: &[String]) -> Result<Kind, String> {
        let Some(id) = path.get(1) else { return Err("`steps` is looked at by id: steps.ID.out".to_owned()) };
        let all = &self.playbook.steps;
        let done = &all[..self.steps.unwrap_or_default().min(all.len())];
        if !done.iter().any(|step| step.id.text == *id) {
            return Err(if all.iter().any(|step| step.id.text == *id) {
                format!("the step `{id}` has not been done by then")
            } else {
                format!(
                    "there is no step `{}`{}",
                    excerpt(id, 40),
                    near(id, done.iter().map(|step| step.id.text.as_str()))
                )
            });
        }
        match path.get(2).map(String::as_str) {
            None => Ok(Kind::Map),
            Some("state") if path.len() == 3 => Ok(Kind::Text),
            Some("state") => Err(format!("`steps.{id}.state` is a text")),
            Some("out") => Ok(Kind::Any),
            Some(other) => Err(format!("a step has no `{}`{}", excerpt(other, 40), near(other, ["state", "out"]))),
        }
    }

    fn before(self, path: &[String]) -> Result<Kind, String> {
        match path.get(1).map(String::as_str) {
            Some("before") => match path.get(2) {
                Some(name) => self.query(&["q".to_owned(), name.clone()]),
                None => Ok(Kind::Map),
            },
            Some("after") => {
                Err("`verify.after` is known when it is over: an expression asks the query itself, q.NAME".to_owned())
            }
            other => Err(format!(
                "`verify` has no `{}`{}",
                other.unwrap_or_default(),
                near(other.unwrap_or_default(), ["before"])
            )),
        }
    }
}

impl Roots for Sight<'_> {
    fn kind(&self, path: &[String]) -> Result<Kind, String> {
        let root = path[0].as_str();
        let roots = self.roots();
        if !roots.contains(&root) {
            let known = ["alert", "params", "key", "q", "steps", "verify"].contains(&root);
            return Err(if known {
                format!("`{root}` cannot be looked at here; there are: {}", roots.join(", "))
            } else {
                format!("there is no `{}`{}", excerpt(root, 40), near(root, roots))
            });
        }
        match root {
            "alert" => self.alert(path),
            "params" => self.param(path),
            "q" => self.query(path),
            "steps" => self.step(path),
            "verify" => self.before(path),
            _ if self.playbook.on.iter().any(|on| on.key.len() != 1) => {
                Err("`key` needs a `key` of one part in every alert of `on`".to_owned())
            }
            _ if path.len() > 1 => Err("`key` is a text, and has nothing in it".to_owned()),
            _ => Ok(Kind::Text),
        }
    }

    fn words(&self, path: &[String]) -> &'static [&'static str] {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["alert", "status"] => &["firing", "resolved"],
            ["alert", "source"] => SOURCES,
            ["steps", _, "state"] => STATES,
            _ => &[],
        }
    }
}
