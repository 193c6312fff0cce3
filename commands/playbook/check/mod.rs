//! What can be wrong with a playbook that can be read: everything that is known before anything runs, at once.

mod actions;
mod deadline;
mod expressions;
mod secrets;
mod stand_ins;
mod variables;
mod writes;

pub use deadline::{Worst, worst};
pub use writes::autonomy;

use super::model::{Effects, Playbook};
use super::problem::Problem;
use super::prose;
use crate::text::excerpt;
use actions::Acted;

/// Most steps.
const STEPS: usize = 64;

/// Everything that is wrong with `playbook`, its own tests apart; and what its steps do. A step that is unknown counts as
/// a write.
pub(super) fn check(playbook: &Playbook) -> (Effects, Vec<Problem>) {
    let mut problems = Vec::new();
    lists(playbook, &mut problems);
    let acted: Vec<Acted> = playbook.steps.iter().map(|step| actions::examine(playbook, step, &mut problems)).collect();
    actions::queries(playbook, &mut problems);
    variables::check(playbook, &acted, &mut problems);
    expressions::check(playbook, &mut problems);
    writes::check(playbook, &acted, &mut problems);
    notes(playbook, &mut problems);
    mocks(playbook, &mut problems);
    let (effects, writes) = acted.iter().map(|acted| (acted.effect, acted.writes || !acted.known)).unzip();
    (Effects { effects, writes }, problems)
}

/// Names that stand twice, and names that are nowhere.
fn lists(playbook: &Playbook, problems: &mut Vec<Problem>) {
    if playbook.on.is_empty() || playbook.steps.is_empty() {
        let what = if playbook.on.is_empty() { "`on` names no alert" } else { "there is no step" };
        problems.push(Problem::new(playbook.name.at, format!("{what}: such a playbook does nothing")));
    }
    if playbook.steps.len() > STEPS {
        let at = playbook.steps[STEPS].at;
        problems.push(Problem::new(at, format!("a playbook has at most {STEPS} steps, and this is one more")));
    }
    for (at, step) in playbook.steps.iter().enumerate() {
        if playbook.steps[..at].iter().any(|before| before.id.text == step.id.text) && !step.id.text.is_empty() {
            let message = format!("a step `{}` is there already", step.id.text);
            problems.push(Problem::new(step.id.at, message).hint("the record of a run finds a step by its id"));
        }
    }
    let mut names: Vec<&str> = Vec::new();
    for case in &playbook.tests {
        if names.contains(&case.name.as_str()) {
            problems.push(Problem::new(case.at, format!("a test `{}` is there already", excerpt(&case.name, 60))));
        }
        names.push(&case.name);
    }
    let ids = || playbook.steps.iter().map(|step| step.id.text.as_str());
    for report in playbook.annotate.iter().flat_map(|annotate| &annotate.reports) {
        if !ids().any(|id| id == report.text) {
            problems.push(
                Problem::new(report.at, format!("there is no step `{}`", report.text)).meant(&report.text, ids()),
            );
        }
    }
    if let Some(least) = &playbook.guards.min_healthy
        && !playbook.queries.contains_key(&least.query.text)
    {
        let known = playbook.queries.keys().map(String::as_str);
        let problem = Problem::new(least.query.at, format!("there is no query `{}`", least.query.text));
        problems.push(problem.meant(&least.query.text, known));
    }
    for (name, param) in &playbook.params {
        if let (Some(min), Some(max)) = (param.min, param.max)
            && min > max
        {
            problems
                .push(Problem::new(param.at, format!("the parameter `{name}` is at least {min} and at most {max}")));
        }
        if let Some(Err(why)) = param.default.as_ref().map(|default| param.accept(default)) {
            problems
                .push(Problem::new(param.at, format!("the default of `{name}` is none that it may have: it {why}")));
        }
    }
}

fn notes(playbook: &Playbook, problems: &mut Vec<Problem>) {
    let annotate = playbook.annotate.as_ref().and_then(|annotate| annotate.note.as_ref());
    let escalate = playbook.escalate.as_ref().and_then(|escalate| escalate.note.as_ref());
    for note in annotate.into_iter().chain(escalate) {
        problems.extend(prose::check(&note.text).into_iter().map(|why| Problem::new(note.at, why)));
    }
}

/// Tests that speak of what is not there.
fn mocks(playbook: &Playbook, problems: &mut Vec<Problem>) {
    let mut known: Vec<String> = playbook.steps.iter().map(|step| step.id.text.clone()).collect();
    let steps = known.len();
    known.extend(playbook.queries.keys().map(|name| format!("q.{name}")));
    for case in &playbook.tests {
        for name in case.mock.keys().filter(|name| !known.contains(name)) {
            let problem = Problem::new(case.at, format!("the test mocks `{}`, which is not there", excerpt(name, 60)));
            problems.push(problem.meant(name, known.iter().map(String::as_str)));
        }
        let expected = case.expect.path.iter().chain(&case.expect.undone).flatten();
        for name in expected.filter(|name| !known[..steps].contains(name)) {
            let problem = Problem::new(case.at, format!("the test expects a step `{name}`, which is not there"));
            problems.push(problem.meant(name, known[..steps].iter().map(String::as_str)));
        }
        for path in case.set.keys().filter(|path| !is_settable(path)) {
            let problem = Problem::new(case.at, format!("`set` cannot set `{}`", excerpt(path, 60)));
            problems.push(
                problem
                    .hint("alert.status, alert.labels.NAME, alert.annotations.NAME, alert.starts_at or alert.source"),
            );
        }
        for name in case.params.keys().filter(|name| !playbook.params.contains_key(*name)) {
            let problem = Problem::new(case.at, format!("there is no parameter `{}`", excerpt(name, 60)));
            problems.push(problem.meant(name, playbook.params.keys().map(String::as_str)));
        }
    }
}

fn is_settable(path: &str) -> bool {
    matches!(path, "alert.status" | "alert.starts_at" | "alert.source")
        || ["alert.labels.", "alert.annotations."].iter().any(|root| path.len() > root.len() && path.starts_with(root))
}
