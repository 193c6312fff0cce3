//! Variables become values, once: what is inserted is never looked at again.

use serde_json::{Map, Value as Json};

use super::model::{Playbook, Query};
use super::place::Place;
use super::scope::Scope;
use super::step::{Loop, Source, Step};
use super::template::{PROMETHEUS, Piece, Template, Variable};
use super::values::{at, fitting, harmless};
use crate::text::excerpt;

/// Longest text that comes of inserting, bytes.
const LONGEST: usize = 8 << 10;

/// Why something was not inserted, and where it was to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The place in the file.
    pub at: Place,
    /// Why; without what came from outside but for a cleaned excerpt.
    pub message: String,
}

/// How a variable stands inside a text of another language.
#[derive(Clone, Copy)]
enum Quoting {
    /// The text is no language.
    None,
    /// PromQL.
    PromQl,
}

/// The arguments of a step that is about to be done. `writes` is whether it changes a system: then what comes from the
/// alert must be one of the playbook's `targets`.
pub fn arguments(playbook: &Playbook, step: &Step, writes: bool, scope: &Scope) -> Result<Json, Refusal> {
    bound(playbook, &step.action.text, &step.with, writes, scope)
}

/// Refuses a write that the alert as a whole points at something, unless each label that `targets` names allows what it
/// holds, and at least one of them is there.
pub fn pointed(playbook: &Playbook, step: &Step, scope: &Scope) -> Result<(), Refusal> {
    let binder = Binder { playbook, writes: true, scope };
    let labels = &scope.alert.alert.labels;
    let refused = |message: String| Refusal { at: step.at, message };
    let mut named = 0;
    for (name, value) in playbook.targets.keys().filter_map(|name| Some((name, labels.get(name)?))) {
        named += 1;
        binder.label(name, value).map_err(|why| refused(format!("the label `{name}`: {why}")))?;
    }
    if named == 0 { Err(refused("the alert has none of the labels of `targets`".to_owned())) } else { Ok(()) }
}

/// The arguments of what takes a step back.
pub fn undoing(playbook: &Playbook, step: &Step, scope: &Scope) -> Option<Result<Json, Refusal>> {
    let undo = step.undo.as_ref()?;
    Some(bound(playbook, &undo.action.text, &undo.with, true, scope))
}

/// The arguments of a query.
pub fn question(playbook: &Playbook, query: &Query, scope: &Scope) -> Result<Json, Refusal> {
    bound(playbook, &query.action.text, &query.with, false, scope)
}

fn bound(playbook: &Playbook, action: &str, with: &Template, writes: bool, scope: &Scope) -> Result<Json, Refusal> {
    let binder = Binder { playbook, writes, scope };
    let Template::Map(entries, _) = with else { return binder.value(with, Quoting::None) };
    let mut map = Map::new();
    for entry in entries {
        let promql = action == PROMETHEUS && entry.name == "query";
        let quoting = if promql { Quoting::PromQl } else { Quoting::None };
        if entry.name == "secret-header" && !sources(&entry.value).is_empty() {
            let message = "a secret is named in the file, and by no variable".to_owned();
            return Err(Refusal { at: entry.at, message });
        }
        map.insert(entry.name.clone(), binder.value(&entry.value, quoting)?);
    }
    if action.starts_with("http.") || action == "cache.warm" {
        // What the file spells out is its author's word; what an alert or an answer has a part in is nobody's.
        let url = entries.iter().find(|entry| entry.name == "url").map(|entry| sources(&entry.value));
        if url.is_some_and(|all| all.iter().any(|source| !matches!(source, Variable::Param(_)))) {
            map.insert("untrusted".to_owned(), true.into());
        }
    }
    Ok(Json::Object(map))
}

/// The variables of a value.
pub(super) fn sources(template: &Template) -> Vec<&Variable> {
    match template {
        Template::Plain(..) => Vec::new(),
        Template::List(items, _) => items.iter().flat_map(sources).collect(),
        Template::Map(entries, _) => entries.iter().flat_map(|entry| sources(&entry.value)).collect(),
        Template::Text(pieces, _) => {
            let variables = pieces.iter().filter_map(|piece| match piece {
                Piece::Variable(variable) => Some(variable),
                Piece::Literal(_) => None,
            });
            variables.collect()
        }
    }
}

/// What a loop goes over. Each item is checked as what it comes from; a longer list than allowed is refused whole.
pub fn items(playbook: &Playbook, each: &Loop, scope: &Scope) -> Result<Vec<String>, Refusal> {
    let (list, place) = match &each.over {
        Source::Listed(items) => return Ok(items.clone()),
        Source::Named(path) => {
            let variable = super::lower::variable(&path.text);
            let refused = |message: String| Refusal { at: path.at, message };
            let variable = variable.ok_or_else(|| refused(format!("there is no `${}`", path.text)))?;
            let binder = Binder { playbook, writes: false, scope };
            (binder.variable(&variable).map_err(refused)?, path.at)
        }
    };
    let refused = |message: String| Refusal { at: place, message };
    let Json::Array(items) = list else { return Err(refused("a loop goes over a list".to_owned())) };
    if items.len() > each.max {
        return Err(refused(format!("the list has {} items, and at most {} may be", items.len(), each.max)));
    }
    items
        .iter()
        .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| refused("an item is no text".into())))
        .collect()
}

struct Binder<'a> {
    playbook: &'a Playbook,
    writes: bool,
    scope: &'a Scope,
}

impl Binder<'_> {
    fn value(&self, template: &Template, quoting: Quoting) -> Result<Json, Refusal> {
        match template {
            Template::Plain(json, _) => Ok(json.clone()),
            Template::List(items, _) => items.iter().map(|item| self.value(item, quoting)).collect(),
            Template::Map(entries, _) => {
                let entry =
                    |entry: &super::template::Entry| Ok((entry.name.clone(), self.value(&entry.value, quoting)?));
                Ok(Json::Object(entries.iter().map(entry).collect::<Result<_, _>>()?))
            }
            Template::Text(pieces, at) => self.text(pieces, *at, quoting),
        }
    }

    fn text(&self, pieces: &[Piece], at: Place, quoting: Quoting) -> Result<Json, Refusal> {
        let refused = |message: String| Refusal { at, message };
        if let ([Piece::Variable(variable)], Quoting::None) = (pieces, quoting) {
            return self.variable(variable).map_err(refused);
        }
        let mut out = String::new();
        for piece in pieces {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Variable(variable) => {
                    let value = self.variable(variable).map_err(refused)?;
                    match (&value, quoting) {
                        (Json::String(text), Quoting::PromQl) => out.push_str(&promql(text)),
                        (Json::String(text), Quoting::None) => out.push_str(text),
                        (Json::Number(_) | Json::Bool(_), _) => out.push_str(&value.to_string()),
                        _ => return Err(refused(format!("`{variable}` is a list, and stands inside a text"))),
                    }
                }
            }
        }
        if out.len() > LONGEST {
            Err(refused(format!("it becomes longer than {LONGEST} bytes")))
        } else {
            Ok(out.into())
        }
    }

    fn variable(&self, variable: &Variable) -> Result<Json, String> {
        let wrong = |why: String| format!("`{variable}`: {why}");
        match variable {
            Variable::Key => match self.scope.key.as_slice() {
                [part] => match part.path.strip_prefix("alert.labels.") {
                    Some(label) => self.label(label, &part.value).map_err(wrong),
                    None => harmless(&part.value).map(|()| part.value.clone().into()).map_err(wrong),
                },
                _ => Err(wrong("the key has not one part".to_owned())),
            },
            Variable::Label(name) => match self.scope.alert.alert.labels.get(name) {
                Some(value) => self.label(name, value).map_err(wrong),
                None => Err(wrong("the alert has no such label".to_owned())),
            },
            Variable::Param(name) => {
                self.scope.params.get(name).cloned().ok_or_else(|| wrong("it has no value".to_owned()))
            }
            Variable::Item => {
                let item = self.scope.item.as_deref().ok_or_else(|| wrong("there is no loop".to_owned()))?;
                harmless(item).map(|()| item.into()).map_err(wrong)
            }
            Variable::Output { step, name } => {
                let declared = self.playbook.steps.iter().find(|one| one.id.text == *step);
                let output = declared.and_then(|step| step.outputs.get(name));
                let output = output.ok_or_else(|| wrong("it is not declared".to_owned()))?;
                let answer = self.scope.steps.get(step).map(|view| &view.out);
                let value = answer.and_then(|answer| at(answer, &output.take));
                let value = value.ok_or_else(|| wrong(format!("there is no `{}` in what it answered", output.take)))?;
                output.value.accept(value).map(|()| value.clone()).map_err(wrong)
            }
        }
    }

    /// The value of a label: as its pattern says, and for a write one of the targets.
    fn label(&self, name: &str, value: &str) -> Result<Json, String> {
        fitting(value, self.playbook.labels.get(name))?;
        if self.writes {
            let target = name;
            let allowed = self.playbook.targets.get(target).map(Vec::as_slice).unwrap_or_default();
            if !allowed.iter().any(|pattern| pattern.matches(value)) {
                return Err(format!("`{}` is none of `targets.{target}`", excerpt(value, 40)));
            }
        }
        Ok(value.into())
    }
}

/// A string literal of PromQL.
fn promql(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

impl std::fmt::Display for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key => f.write_str("$key"),
            Self::Item => f.write_str("$item"),
            Self::Param(name) => write!(f, "$params.{name}"),
            Self::Label(name) => write!(f, "$alert.labels.{name}"),
            Self::Output { step, name } => write!(f, "$steps.{step}.out.{name}"),
        }
    }
}

impl Template {
    /// Every variable in it, with the place of its text.
    pub fn variables(&self) -> Vec<(&Variable, Place)> {
        match self {
            Self::Plain(..) => Vec::new(),
            Self::List(items, _) => items.iter().flat_map(Self::variables).collect(),
            Self::Map(entries, _) => entries.iter().flat_map(|entry| entry.value.variables()).collect(),
            Self::Text(pieces, at) => pieces
                .iter()
                .filter_map(|piece| match piece {
                    Piece::Variable(variable) => Some((variable, *at)),
                    Piece::Literal(_) => None,
                })
                .collect(),
        }
    }

    /// Where it stands.
    pub fn at(&self) -> Place {
        match self {
            Self::Plain(_, at) | Self::Text(_, at) | Self::List(_, at) | Self::Map(_, at) => *at,
        }
    }
}
