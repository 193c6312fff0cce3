//! What a `do` names, and whether its arguments are its.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value as Json, json};

use super::variables;
use crate::Invocation;
use crate::effect::{Effect, Reach, TakenBack};
use crate::playbook::model::{Playbook, Text};
use crate::playbook::problem::Problem;
use crate::playbook::shape::spelled;
use crate::playbook::step::Step;
use crate::playbook::template::{Entry, PROMETHEUS, Piece, Template};
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

/// Texts of which a typed argument takes at least one: what a variable may stand for.
const STAND_INS: [&str; 9] = [
    "x",
    "1",
    "0x0000000000000000000000000000000000000000",
    "0x0000000000000000000000000000000000000000000000000000000000000000",
    "1 LINK",
    "10s",
    "http://example.test/",
    "/x",
    "env:X",
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

/// A command with arguments of which nothing is known.
fn typical(name: &str) -> Option<Invocation> {
    let fields = properties(name);
    let required = required(name);
    let of = |field: &String, text: &str| {
        let stand_in = stand_in(&fields.iter().find(|(name, _)| name == field)?.1);
        Some((field.clone(), if stand_in.is_null() { Json::from(text) } else { stand_in }))
    };
    let with = |text| Json::Object(required.iter().filter_map(|field| of(field, text)).collect());
    STAND_INS.into_iter().find_map(|text| Invocation::from_data(name, with(text)).ok())
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

fn properties(name: &str) -> &'static [(String, Json)] {
    SHAPES.get(name).map(|shape| shape.fields.as_slice()).unwrap_or_default()
}

fn required(name: &str) -> &'static [String] {
    SHAPES.get(name).map(|shape| shape.required.as_slice()).unwrap_or_default()
}

/// A value for one argument that the command takes, where there is one.
fn fitting(playbook: &Playbook, action: &str, entry: &Entry, fields: &[(String, Json)]) -> Result<Json, String> {
    let others: Map<String, Json> = required(action)
        .iter()
        .filter(|field| **field != entry.name)
        .filter_map(|field| {
            let shape = fields.iter().find(|(name, _)| name == field)?;
            Some((field.clone(), stand_in(&shape.1)))
        })
        .collect();
    let mut first = None;
    for value in stand_ins(playbook, &entry.value) {
        match accepted(action, &entry.name, &value, &others) {
            Ok(()) => return Ok(value),
            Err(why) => first = first.or(Some(why)),
        }
    }
    Err(first.unwrap_or_else(|| "nothing could be inserted here".to_owned()))
}

/// Whether a command takes `value` for one argument, whatever the others may be.
fn accepted(action: &str, name: &str, value: &Json, others: &Map<String, Json>) -> Result<(), String> {
    let mut why = None;
    for text in STAND_INS {
        let mut with: Map<String, Json> = others
            .iter()
            .map(|(field, one)| (field.clone(), if one.is_null() { Json::from(text) } else { one.clone() }))
            .collect();
        with.insert(name.to_owned(), value.clone());
        match Invocation::from_data(action, Json::Object(with)) {
            Ok(_) => return Ok(()),
            Err(fault) => why = why.or(Some(said(&fault.message))),
        }
        if !others.values().any(Json::is_null) {
            break;
        }
    }
    Err(why.unwrap_or_default())
}

/// A value of the kind that a schema asks for; nothing where any text may do.
fn stand_in(schema: &Json) -> Json {
    if let Some(first) = schema["enum"].as_array().and_then(|words| words.first()) {
        return first.clone();
    }
    let by_name = match schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        Some("Address") => Some(STAND_INS[2]),
        Some("Hash") => Some(STAND_INS[3]),
        Some("Id") => Some(STAND_INS[1]),
        Some("Coins") => Some(STAND_INS[4]),
        _ => None,
    };
    match (by_name, schema["type"].as_str()) {
        (Some(text), _) => text.into(),
        (None, Some("integer" | "number")) => json!(1),
        (None, Some("boolean")) => json!(false),
        (None, Some("array")) => json!([]),
        (None, Some("object")) => json!({}),
        _ => Json::Null,
    }
}

/// What a template may become, as far as kinds go.
fn stand_ins(playbook: &Playbook, template: &Template) -> Vec<Json> {
    match template {
        Template::Plain(json, _) => vec![json.clone()],
        Template::Text(pieces, _) => match pieces.as_slice() {
            [Piece::Variable(variable)] => match variables::kind(playbook, variable) {
                Some(kind) => kind.stand_ins(),
                None => STAND_INS.map(Json::from).to_vec(),
            },
            pieces => ["x", "1", "example.test"].map(|text| Json::from(filled(pieces, text))).to_vec(),
        },
        Template::List(items, _) => {
            let each: Vec<Vec<Json>> = items.iter().map(|item| stand_ins(playbook, item)).collect();
            (0..STAND_INS.len())
                .map(|at| each.iter().filter_map(|all| all.get(at).or(all.first())).cloned().collect())
                .collect()
        }
        Template::Map(entries, _) => {
            let each: Vec<(String, Vec<Json>)> =
                entries.iter().map(|entry| (entry.name.clone(), stand_ins(playbook, &entry.value))).collect();
            let at = |at: usize| {
                each.iter().filter_map(move |(name, all)| Some((name.clone(), all.get(at).or(all.first())?.clone())))
            };
            (0..STAND_INS.len()).map(|place| Json::Object(at(place).collect())).collect()
        }
    }
}

fn filled(pieces: &[Piece], text: &str) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Literal(literal) => literal.clone(),
        Piece::Variable(_) => text.to_owned(),
    };
    pieces.iter().map(piece).collect()
}

impl variables::VariableKind {
    fn stand_ins(self) -> Vec<Json> {
        match self {
            Self::Text => STAND_INS.map(Json::from).to_vec(),
            Self::Int => vec![json!(1)],
            Self::Double => vec![json!(1.5), json!(1)],
            Self::Bool => vec![json!(true)],
            Self::Texts => STAND_INS.iter().map(|text| json!([text])).collect(),
        }
    }
}

/// Serde's words without the part that only repeats the name of the command.
fn said(message: &str) -> String {
    excerpt(message.split_once("these arguments: ").map_or(message, |(_, why)| why), 200)
}

/// A reference to a secret where none belongs.
fn secrets(entry: &Entry, field: &Json, problems: &mut Vec<Problem>) {
    let is_secret = field["format"] == "secret" || field["writeOnly"] == true;
    if is_secret && !entry.value.variables().is_empty() {
        let problem =
            Problem::new(entry.value.at(), format!("`{}` is a secret, and a variable stands in it", entry.name));
        problems.push(problem.hint("write a reference: env:NAME, file:PATH or credential:NAME"));
    }
    if !is_secret {
        for at in references(&entry.value) {
            let message = format!("`{}` is no secret, and a reference to one stands in it", entry.name);
            problems.push(Problem::new(at, message).hint("it would be shown, kept and passed on in clear"));
        }
    }
}

/// Where texts stand that are references to secrets.
fn references(template: &Template) -> Vec<crate::playbook::place::Place> {
    match template {
        Template::Plain(Json::String(text), at) => {
            let is = ["env:", "file:", "credential:", "exec:"].iter().any(|scheme| text.starts_with(scheme));
            is.then_some(*at).into_iter().collect()
        }
        Template::Text(pieces, at) => match pieces.first() {
            Some(Piece::Literal(text))
                if ["env:", "file:", "credential:", "exec:"].iter().any(|s| text.starts_with(s)) =>
            {
                vec![*at]
            }
            _ => Vec::new(),
        },
        Template::Plain(..) => Vec::new(),
        Template::List(items, _) => items.iter().flat_map(references).collect(),
        Template::Map(entries, _) => entries.iter().flat_map(|entry| references(&entry.value)).collect(),
    }
}
