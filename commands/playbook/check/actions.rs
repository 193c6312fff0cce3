//! What a `do` names, and whether its arguments are its.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value as Json};

use super::secrets::secrets;
use super::stand_ins::{fitting, typical};
use crate::Invocation;
use crate::effect::{Effect, Reach, TakenBack};
use crate::playbook::model::{Playbook, Text};
use crate::playbook::problem::Problem;
use crate::playbook::shape::spelled;
use crate::playbook::step::Step;
use crate::playbook::template::{PROMETHEUS, Template};
use crate::text::{excerpt, nearest};

/// What runs and keeps playbooks: never a step.
const CONTROL: [&str; 14] = [
    "daemon",
    "demo",
    "config",
    "doctor",
    "run",
    "remediate",
    "playbook",
    "freeze",
    "thaw",
    "drill",
    "help",
    "completions",
    "act",
    "ira",
];

/// What a step does, as far as is known before a run.
#[expect(clippy::struct_excessive_bools, reason = "each is asked on its own")]
pub(super) struct Acted {
    /// Whether there is such an action.
    pub known: bool,
    /// How it may be repeated.
    pub effect: Effect,
    /// Whether it changes a system.
    pub writes: bool,
    /// Whether the run's alert says what it is about.
    pub about_alert: bool,
    /// Whether it cannot be taken back.
    pub irreversible: bool,
    /// Whether it spends.
    pub money: bool,
    /// Whether it has a cap.
    pub capped: bool,
    /// The reads that show only what it sets itself.
    pub self_evident: &'static [(&'static str, &'static str)],
}

/// Looks at what a step does; everything wrong with its `do` and `with` goes to `problems`.
pub(super) fn examine(playbook: &Playbook, step: &Step, problems: &mut Vec<Problem>) -> Acted {
    let limits = &step.limits;
    let mut acted = Acted {
        known: false,
        effect: step.effect.unwrap_or(Effect::Once),
        writes: false,
        about_alert: false,
        irreversible: false,
        money: false,
        capped: limits.max_spend.is_some()
            || limits.max_spend_native.is_some()
            || limits.max_items.is_some()
            || limits.max_targets.is_some(),
        self_evident: &[],
    };
    let invocation = invocation(playbook, &step.action, &step.with, problems);
    // What a step does is mostly known even where an argument of it is wrong.
    let Some(invocation) = invocation.or_else(|| typical(&step.action.text)) else { return acted };
    acted.known = true;
    let own = invocation.effect();
    match step.effect {
        Some(declared) if declared != own && own == Effect::Read => {
            problems
                .push(Problem::new(step.at, format!("`{}` only reads: it has no effect to declare", step.action.text)));
        }
        Some(Effect::Idempotent) if own == Effect::Once && !declares(&step.action.text) => {
            let message =
                format!("`{}` may have happened once begun: a playbook cannot declare it idempotent", step.action.text);
            problems.push(
                Problem::new(step.at, message)
                    .hint("only scripts, commands and requests of your own are yours to judge"),
            );
        }
        _ => {}
    }
    acted.effect = step.effect.filter(|_| own != Effect::Read).unwrap_or(own);
    acted.writes = invocation.writes();
    let given = !matches!(&step.with, Template::Map(entries, _) if entries.is_empty());
    acted.about_alert = invocation.is_about_an_alert(given);
    let taken_back = step.taken_back.unwrap_or(invocation.taken_back());
    acted.irreversible = acted.writes && step.undo.is_none() && taken_back == TakenBack::Irreversible;
    let fields = properties(&step.action.text);
    acted.money = acted.writes && fields.iter().any(|(name, _)| name.starts_with("max-spend"));
    acted.capped |= invocation.with().as_object().is_some_and(|with| with.keys().any(|name| name.starts_with("max-")));
    acted.self_evident = invocation.self_evident();
    if let Some(undo) = &step.undo
        && let Some(back) = self::invocation(playbook, &undo.action, &undo.with, problems)
        && back.effect() == Effect::Read
    {
        problems
            .push(Problem::new(undo.action.at, format!("`{}` only reads: it takes nothing back", undo.action.text)));
    }
    if acted.effect != Effect::Read && step.wait.is_some() {
        let message = format!("`until` does `{}` again and again, and it does not only read", step.action.text);
        problems.push(Problem::new(step.at, message).hint("look again in a step of its own"));
    }
    if invocation.pause().is_some_and(|pause| pause.as_secs() > step.timeout) {
        let message = format!("`{}` may last longer than its timeout of {}", step.id.text, spelled(step.timeout));
        problems
            .push(Problem::new(step.at, message).hint("timeout: the longest that it may last; the deadline counts it"));
    }
    if step.retry.is_some() && step.wait.is_some() {
        problems.push(Problem::new(step.at, "a step has `retry` or `until`, not both"));
    }
    acted
}

/// Whether the effect of an action is the playbook's to judge.
fn declares(action: &str) -> bool {
    action.starts_with("script.") || matches!(action, "ssm.run_command" | "s3.script" | "http.request")
}

/// The queries: each must read.
pub(super) fn queries(playbook: &Playbook, problems: &mut Vec<Problem>) {
    for (name, query) in &playbook.queries {
        // The short form has the one argument that it needs, and is there whether or not the action is built in.
        if query.action.text == PROMETHEUS && !Invocation::names().any(|known| known == PROMETHEUS) {
            continue;
        }
        let Some(invocation) = invocation(playbook, &query.action, &query.with, problems) else { continue };
        if invocation.effect() != Effect::Read || invocation.reach() != Reach::Target {
            let message = format!("the query `{name}` must read, and `{}` does more than that", query.action.text);
            problems.push(Problem::new(query.action.at, message));
        }
    }
}

/// The command with these arguments, with something of the right kind in the place of each variable.
fn invocation(playbook: &Playbook, action: &Text, with: &Template, problems: &mut Vec<Problem>) -> Option<Invocation> {
    let name = action.text.as_str();
    if !Invocation::names().any(|known| known == name) {
        problems.push(unknown(action));
        return None;
    }
    let Template::Map(entries, at) = with else {
        problems.push(Problem::new(with.at(), "`with` takes a map of arguments"));
        return None;
    };
    let fields = properties(name);
    let mut whole = Map::new();
    let mut sound = true;
    for entry in entries {
        let Some((_, field)) = fields.iter().find(|(field, _)| *field == entry.name) else {
            let known = fields.iter().map(|(field, _)| field.as_str());
            let problem = Problem::new(entry.at, format!("`{name}` has no argument `{}`", excerpt(&entry.name, 60)));
            problems.push(problem.meant(&entry.name, known));
            sound = false;
            continue;
        };
        secrets(entry, field, problems);
        match fitting(playbook, name, entry, fields) {
            Ok(value) => {
                whole.insert(entry.name.clone(), value);
            }
            Err(why) => {
                problems.push(Problem::new(entry.value.at(), format!("`{}`: {why}", entry.name)));
                sound = false;
            }
        }
    }
    for missing in required(name).iter().filter(|field| !entries.iter().any(|entry| entry.name == **field)) {
        let near = entries.iter().any(|entry| nearest(&entry.name, [missing.as_str()]).is_some());
        if !near || sound {
            problems.push(Problem::new(*at, format!("`{name}` needs the argument `{missing}`")));
        }
        sound = false;
    }
    if !sound {
        return None;
    }
    match Invocation::from_data(name, Json::Object(whole)) {
        Ok(invocation) => Some(invocation),
        Err(fault) => {
            problems.push(Problem::new(*at, said(&fault.message)));
            None
        }
    }
}

fn unknown(action: &Text) -> Problem {
    let name = action.text.as_str();
    let shown = excerpt(name, 60);
    let first = name.split([' ', '.']).next().unwrap_or_default();
    if CONTROL.contains(&first) {
        let message = format!("`{shown}` runs, keeps or inspects playbooks: it is never a step");
        return Problem::new(action.at, message).hint("a step is a command that reads, or an action (`ira act`)");
    }
    let problem = Problem::new(action.at, format!("there is no command or action `{shown}`"));
    match nearest(name, Invocation::names()) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem.hint("`ira playbook schema` lists every one with its arguments"),
    }
}

/// What a command takes.
struct Shape {
    /// Its arguments, each with its schema.
    fields: Vec<(String, Json)>,
    /// Those that must be given.
    required: Vec<String>,
}

/// What each command takes, made once.
static SHAPES: LazyLock<BTreeMap<&'static str, Shape>> =
    LazyLock::new(|| Invocation::names().map(|name| (name, shape(name))).collect());

fn shape(name: &str) -> Shape {
    let schema = Invocation::schema(name).map(Json::from).unwrap_or_default();
    let fields = schema["properties"].as_object().cloned().unwrap_or_default();
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str);
    Shape {
        // Alerts are what a run is about; they are given to a command, never written into a file.
        fields: fields.into_iter().filter(|(field, _)| field != "alerts").collect(),
        required: required.map(str::to_owned).collect(),
    }
}

/// The arguments of a command, each with its schema.
pub(super) fn properties(name: &str) -> &'static [(String, Json)] {
    SHAPES.get(name).map(|shape| shape.fields.as_slice()).unwrap_or_default()
}

/// Those of them that must be given.
pub(super) fn required(name: &str) -> &'static [String] {
    SHAPES.get(name).map(|shape| shape.required.as_slice()).unwrap_or_default()
}

/// Serde's words without the part that only repeats the name of the command.
pub(super) fn said(message: &str) -> String {
    excerpt(message.split_once("these arguments: ").map_or(message, |(_, why)| why), 200)
}
