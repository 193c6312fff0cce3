//! Whether every variable has a value, and what comes from an alert points only where it may.

use super::actions::Acted;
use crate::playbook::model::{ParamType, Playbook};
use crate::playbook::place::Place;
use crate::playbook::problem::Problem;
use crate::playbook::step::{Source, Step};
use crate::playbook::template::{PROMETHEUS, Piece, Template, Variable};

/// What a variable stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VariableKind {
    Text,
    Int,
    Double,
    Bool,
    Texts,
}

impl VariableKind {
    fn of(kind: ParamType) -> Self {
        match kind {
            ParamType::String => Self::Text,
            ParamType::Int | ParamType::Duration => Self::Int,
            ParamType::Double => Self::Double,
            ParamType::Bool => Self::Bool,
            ParamType::Strings => Self::Texts,
        }
    }
}

/// What a variable stands for; `None` where it is not declared.
pub(super) fn kind(playbook: &Playbook, variable: &Variable) -> Option<VariableKind> {
    match variable {
        Variable::Key | Variable::Item | Variable::Label(_) => Some(VariableKind::Text),
        Variable::Param(name) => playbook.params.get(name).map(|param| VariableKind::of(param.kind)),
        Variable::Output { step, name } => {
            let step = playbook.steps.iter().find(|one| one.id.text == *step)?;
            step.outputs.get(name).map(|output| VariableKind::of(output.value.kind))
        }
    }
}

pub(super) fn check(playbook: &Playbook, acted: &[Acted], problems: &mut Vec<Problem>) {
    keys(playbook, problems);
    for (number, step) in playbook.steps.iter().enumerate() {
        let writes = acted.get(number).is_some_and(|acted| acted.writes);
        let here = Here { playbook, steps: number, each: step.each.is_some(), writes };
        here.template(&step.with, problems);
        if acted.get(number).is_some_and(|acted| acted.writes && acted.about_alert) && playbook.targets.is_empty() {
            let message =
                format!("the alert points `{}` at something, and `targets` does not say at what", step.id.text);
            let hint = "targets: { LABEL: [web-*] } for the labels that say it; without it nothing is allowed";
            problems.push(Problem::new(step.at, message).hint(hint));
        }
        promql(&step.action.text, &step.with, problems);
        if let Some(undo) = &step.undo {
            Here { steps: number + 1, writes: true, ..here }.template(&undo.with, problems);
        }
        looped(here, step, problems);
    }
    for query in playbook.queries.values() {
        // A query is asked at any time, so no step's output is there for sure.
        Here { playbook, steps: 0, each: false, writes: false }.template(&query.with, problems);
        promql(&query.action.text, &query.with, problems);
    }
}

/// The paths of `key`.
fn keys(playbook: &Playbook, problems: &mut Vec<Problem>) {
    for path in playbook.on.iter().flat_map(|on| &on.key) {
        let label = path.text.strip_prefix("alert.labels.").filter(|label| !label.is_empty());
        let param = path.text.strip_prefix("params.");
        match (label, param) {
            (Some(_), _) => {}
            (None, Some(name)) => {
                if !playbook.params.contains_key(name) {
                    let problem = Problem::new(path.at, format!("there is no parameter `{name}`"));
                    problems.push(problem.meant(name, playbook.params.keys().map(String::as_str)));
                }
            }
            (None, None) => {
                let problem = Problem::new(path.at, format!("`{}` is nothing that a key could be made of", path.text));
                problems.push(problem.meant(&path.text, ["alert.labels.NAME", "params.NAME"]));
            }
        }
    }
}

/// Where variables stand.
#[derive(Clone, Copy)]
struct Here<'a> {
    playbook: &'a Playbook,
    /// How many steps come before.
    steps: usize,
    each: bool,
    writes: bool,
}

impl Here<'_> {
    fn template(self, template: &Template, problems: &mut Vec<Problem>) {
        for (variable, at) in template.variables() {
            problems.extend(self.variable(variable, at));
        }
    }

    fn variable(self, variable: &Variable, at: Place) -> Option<Problem> {
        let playbook = self.playbook;
        match variable {
            Variable::Key => {
                if playbook.on.iter().any(|on| on.key.len() != 1) {
                    let problem = Problem::new(at, "`$key` needs a `key` of one part in every alert of `on`");
                    return Some(problem.hint("name the part that is meant: $alert.labels.NAME"));
                }
                let labels = playbook
                    .on
                    .iter()
                    .flat_map(|on| &on.key)
                    .filter_map(|path| path.text.strip_prefix("alert.labels."));
                labels.into_iter().find_map(|label| self.target(label, at))
            }
            Variable::Label(name) => self.target(name, at),
            Variable::Item if !self.each => {
                Some(Problem::new(at, "`$item` stands outside of a loop").hint("give the step a `for_each`"))
            }
            Variable::Param(name) if !playbook.params.contains_key(name) => {
                let problem = Problem::new(at, format!("there is no parameter `{name}`"));
                Some(problem.meant(name, playbook.params.keys().map(String::as_str)))
            }
            Variable::Item | Variable::Param(_) => None,
            Variable::Output { step, name } => self.output(step, name, at),
        }
    }

    /// A write whose target comes from an alert needs to be told what it may be.
    fn target(self, label: &str, at: Place) -> Option<Problem> {
        if !self.writes || self.playbook.targets.contains_key(label) {
            return None;
        }
        let message = format!("the label `{label}` points a write at something, and `targets` does not say at what");
        Some(Problem::new(at, message).hint(format!("targets: {{ {label}: [web-*] }}; without it nothing is allowed")))
    }

    fn output(self, step: &str, name: &str, at: Place) -> Option<Problem> {
        let before = &self.playbook.steps[..self.steps];
        let Some(found) = before.iter().find(|one| one.id.text == step) else {
            let later = self.playbook.steps.iter().any(|one| one.id.text == step);
            let message = if later && self.steps == 0 {
                format!("a query may be asked before the step `{step}` is done")
            } else if later {
                format!("the step `{step}` comes later")
            } else {
                format!("there is no step `{step}`")
            };
            let problem = Problem::new(at, message);
            return Some(if later {
                problem
            } else {
                problem.meant(step, before.iter().map(|one| one.id.text.as_str()))
            });
        };
        if found.outputs.contains_key(name) {
            return None;
        }
        let problem = Problem::new(at, format!("the step `{step}` declares no output `{name}`"));
        let known: Vec<&str> = found.outputs.keys().map(String::as_str).collect();
        Some(if known.is_empty() {
            problem.hint(format!("outputs: {{ {name}: {{ take: PLACE, type: string }} }}"))
        } else {
            problem.meant(name, known)
        })
    }
}

fn looped(here: Here<'_>, step: &Step, problems: &mut Vec<Problem>) {
    let Some(each) = &step.each else { return };
    let Source::Named(path) = &each.over else { return };
    let variable = crate::playbook::lower::variable(&path.text);
    let Some(variable @ (Variable::Param(_) | Variable::Output { .. })) = variable else {
        let problem = Problem::new(path.at, format!("`${}` is no list", path.text));
        problems.push(problem.hint("a loop goes over a list of the file, $params.NAME or $steps.ID.out.NAME"));
        return;
    };
    if let Some(problem) = here.variable(&variable, path.at) {
        problems.push(problem);
    } else if kind(here.playbook, &variable) != Some(VariableKind::Texts) {
        problems.push(Problem::new(path.at, format!("`${}` is no list: its type is not `strings`", path.text)));
    }
}

/// A variable of PromQL that stands in quotes would be quoted twice.
fn promql(action: &str, with: &Template, problems: &mut Vec<Problem>) {
    let Template::Map(entries, _) = with else { return };
    let queries = entries.iter().filter(|entry| action == PROMETHEUS && entry.name == "query");
    for entry in queries {
        let Template::Text(pieces, at) = &entry.value else { continue };
        let quoted = pieces.windows(2).any(|pair| match pair {
            [Piece::Literal(before), Piece::Variable(_)] => before.ends_with(['"', '\'', '`']),
            _ => false,
        });
        if quoted {
            problems.push(
                Problem::new(*at, "a variable stands in quotes")
                    .hint("leave them out: it is quoted where it is inserted"),
            );
        }
    }
}
