//! What a playbook owes for changing something.

use super::actions::{self, Acted};
use super::deadline::worst;
use crate::playbook::model::{Mode, OrElse, Playbook, Verify};
use crate::playbook::problem::Problem;
use crate::playbook::shape::spelled;
use crate::playbook::step::Step;

/// Most looks of one phase.
const LOOKS: u64 = 10_000;

pub(super) fn check(playbook: &Playbook, acted: &[Acted], problems: &mut Vec<Problem>) {
    let writes: Vec<(&Step, &Acted)> = playbook.steps.iter().zip(acted).filter(|(_, acted)| acted.writes).collect();
    if let Some(verify) = &playbook.verify {
        looks(verify, problems);
    }
    match writes.first() {
        Some((first, _)) => {
            owed(playbook, first, problems);
            for (step, _) in &writes {
                if !step.timeout_given {
                    let problem = Problem::new(step.at, format!("`{}` writes, and has no `timeout`", step.id.text));
                    problems.push(problem.hint("timeout: how long one attempt may take"));
                }
            }
            deadline(playbook, problems);
            if let Some(verify) = &playbook.verify {
                evident(playbook, verify, &writes, problems);
            }
            problems.extend(autonomy_of(playbook, playbook.mode, &writes));
        }
        None => {
            if let Some(verify) = playbook.verify.as_ref().filter(|verify| verify.or_else == OrElse::Undo) {
                problems
                    .push(Problem::new(verify.at, "`else: undo`, and no step writes: there is nothing to take back"));
            }
        }
    }
    for (step, _) in playbook.steps.iter().zip(acted).filter(|(_, acted)| acted.known && !acted.writes) {
        if step.undo.is_some() || step.accepts_irreversible {
            let message = format!("`{}` changes nothing: there is nothing to take back", step.id.text);
            problems.push(Problem::new(step.at, message));
        }
    }
}

/// What any write owes, reported at the first.
fn owed(playbook: &Playbook, first: &Step, problems: &mut Vec<Problem>) {
    let id = &first.id.text;
    let mut owe = |missing: bool, what: &str, hint: &str| {
        if missing {
            problems.push(Problem::new(first.at, format!("`{id}` writes, and there is no `{what}`")).hint(hint));
        }
    };
    owe(
        playbook.verify.is_none(),
        "verify",
        "verify: { until: q.NAME < 1.0, within: 5m }: how it is seen that it worked",
    );
    owe(
        playbook.escalate.is_none(),
        "escalate",
        "escalate: { to: pagerduty, deadline: 20m }: who is paged when it did not",
    );
    owe(playbook.guards.budget.is_none(), "guards.budget", "guards: { budget: NAME }: a budget of the configuration");
    let keyless = playbook.on.iter().any(|on| on.key.is_empty());
    owe(keyless, "key", "on: [{ key: [alert.labels.NAME] }]: what is locked and cools down; without it nothing is run");
}

fn looks(verify: &Verify, problems: &mut Vec<Problem>) {
    let every = verify.every.max(1);
    if verify.every == 0 {
        problems.push(Problem::new(verify.at, "`every` is 0s: it would look without a pause"));
    } else if verify.within.max(verify.hold) / every > LOOKS {
        problems.push(
            Problem::new(verify.at, format!("it would look more than {LOOKS} times")).hint("make `every` longer"),
        );
    }
    if verify.within == 0 {
        problems.push(Problem::new(verify.at, "`within` is 0s: nothing can become true"));
    }
}

fn deadline(playbook: &Playbook, problems: &mut Vec<Problem>) {
    let Some(escalate) = &playbook.escalate else { return };
    let worst = worst(playbook);
    if escalate.deadline < worst.seconds {
        let message = format!("the deadline of {} is shorter than the worst path", spelled(escalate.deadline));
        problems.push(Problem::new(escalate.at, message).hint(format!("at least {}: {worst}", spelled(worst.seconds))));
    }
}

/// Refuses a verify that can only say what the acting said.
fn evident(playbook: &Playbook, verify: &Verify, writes: &[(&Step, &Acted)], problems: &mut Vec<Problem>) {
    let queries = verify.until.queries();
    let known: Vec<_> = queries.iter().filter_map(|name| playbook.queries.get(*name)).collect();
    if queries.is_empty() {
        let mut of_act = verify.until.paths().iter().filter(|path| path[0] == "steps");
        let message = match of_act.next() {
            Some(path) => {
                format!("verify asks only what a step said of itself (`{}`): nothing is read again", path.join("."))
            }
            None => "verify asks no query: nothing is read again".to_owned(),
        };
        problems.push(Problem::new(verify.until.at(), message).hint("ask what the users of it would see: q.NAME"));
        return;
    }
    let shows = |action: &str, take: Option<&str>, (read, place): &(&str, &str)| {
        action == *read && take.is_none_or(|take| is_within(take, place))
    };
    let evident = |query: &crate::playbook::model::Query| {
        writes.iter().any(|(_, acted)| {
            acted.self_evident.iter().any(|one| shows(&query.action.text, query.take.as_deref(), one))
        })
    };
    if known.len() == queries.len() && known.iter().all(|query| evident(query)) {
        let names = queries.iter().map(|name| format!("q.{name}")).collect::<Vec<_>>().join(", ");
        let message =
            format!("verify asks only for what the act itself sets ({names}): that it was set proves nothing");
        problems.push(
            Problem::new(verify.until.at(), message)
                .hint("ask for what was wrong: an answer, an event, the alert's own query"),
        );
    }
}

/// Whether the value at `take` is that at `place`, `*` being any item.
fn is_within(take: &str, place: &str) -> bool {
    let (take, place): (Vec<&str>, Vec<&str>) = (take.split('.').collect(), place.split('.').collect());
    take.len() >= place.len() && take.iter().zip(&place).all(|(have, want)| *want == "*" || have == want)
}

/// What is missing for `playbook` to stand on the rung `mode`, which a configuration may raise.
pub fn autonomy(playbook: &Playbook, mode: Mode) -> Vec<Problem> {
    let acted: Vec<Acted> =
        playbook.steps.iter().map(|step| actions::examine(playbook, step, &mut Vec::new())).collect();
    let writes: Vec<(&Step, &Acted)> = playbook.steps.iter().zip(&acted).filter(|(_, acted)| acted.writes).collect();
    autonomy_of(playbook, mode, &writes)
}

fn autonomy_of(playbook: &Playbook, mode: Mode, writes: &[(&Step, &Acted)]) -> Vec<Problem> {
    let mut problems = Vec::new();
    if mode == Mode::Approve && playbook.approve.is_none() {
        let problem = Problem::new(playbook.name.at, "the rung is `approve`, and there is no `approve`");
        problems.push(problem.hint("approve: { from: approver, within: 10m }"));
    }
    if mode != Mode::Auto {
        return problems;
    }
    for (step, _) in writes.iter().filter(|(_, acted)| acted.irreversible) {
        if !step.accepts_irreversible {
            let message = format!("`{}` cannot be taken back, and the rung is `auto`", step.id.text);
            problems.push(Problem::new(step.at, message).hint("accept: irreversible, where that is meant"));
        }
    }
    for (step, acted) in writes.iter().filter(|(_, acted)| acted.irreversible && !acted.capped) {
        let what = if acted.money { "max_spend or max_spend_native" } else { "max_items or max_targets" };
        let message = format!("`{}` cannot be taken back, and has no cap", step.id.text);
        problems.push(Problem::new(step.at, message).hint(format!("caps: {{ … }} with {what}")));
    }
    problems
}
