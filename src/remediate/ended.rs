//! What came of it: the exit code, and for several alerts one table.

use ira_commands::report::{Cell, Outcome, Report, Section, Status, Table};
use ira_commands::text::excerpt;
use ira_commands::{Fault, Kind};
use serde_json::json;

use super::act::{Acted, Done};
use super::case::{Case, Next};
use crate::engine::{Came, Ending, overridable, refused};
use crate::store::RunState;

/// The exit code of where a run stands.
pub fn exit(came: &Came, interrupted: bool) -> u8 {
    match came {
        Came::Ended(_, Ending::Cancelled) if interrupted => Kind::Interrupted.exit_code(),
        Came::Ended(_, Ending::Verified | Ending::Done | Ending::Resolved | Ending::Covered | Ending::Undone) => 0,
        Came::Ended(_, Ending::Failed) => Kind::Failed.exit_code(),
        Came::Ended(_, Ending::NotAgreed) | Came::Asks(..) => Kind::Confirmation.exit_code(),
        Came::Denied(..) | Came::Ended(_, Ending::Denied) | Came::Lost(_) => Kind::Busy.exit_code(),
        _ => Outcome::Problem.exit_code(),
    }
}

/// The worst of several exit codes: what a person has to look at comes before what may be tried again.
pub fn worst(codes: impl IntoIterator<Item = u8>) -> u8 {
    const ORDER: [u8; 9] = [0, 3, 75, 69, 2, 78, 4, 1, 130];
    let rank = |code: &u8| ORDER.iter().position(|known| known == code).unwrap_or(ORDER.len());
    codes.into_iter().max_by_key(rank).unwrap_or(0)
}

/// The report of all that was done, and its exit code. `line` asks for the same again, with more words.
pub fn all(cases: &[Case], mut done: Vec<Done>, line: &dyn Fn(&[&str]) -> String) -> (Report, u8) {
    let codes: Vec<u8> = cases.iter().zip(&done).map(|(case, one)| code(case, one, &done)).collect();
    let code = worst(codes.iter().copied());
    if let [Done::Ran(acted)] = done.as_mut_slice() {
        let mut report = alone(acted, line);
        report.data = json!({ "alerts": [came_json(&cases[0], Some(acted), code)] });
        return (report, code);
    }
    (together(cases, &done, &codes), code)
}

fn code(case: &Case, one: &Done, done: &[Done]) -> u8 {
    match one {
        Done::Ran(acted) => exit(&acted.came, acted.interrupted),
        // Its alert is answered as well as the other is.
        Done::Covered(_, first) => match done.get(*first) {
            Some(Done::Ran(acted)) => exit(&acted.came, acted.interrupted),
            _ => case.code(),
        },
        Done::Not(fault) => fault.kind.exit_code(),
        Done::Nothing => case.code(),
    }
}

/// The report of one run, with what went wrong as an error where it ended with its code.
fn alone(acted: &Acted, line: &dyn Fn(&[&str]) -> String) -> Report {
    let mut report = acted.report.clone();
    match &acted.came {
        Came::Denied(denial, run) => {
            if let Some(section) = report.sections.first_mut() {
                section.headline =
                    format!("Run {} did nothing: the guard `{}` denied it: {}.", run.id, denial.guard, denial.message);
            }
            let mut fault = refused(denial);
            if overridable(denial.guard) {
                let again = line(&[&format!("--override {} --reason TEXT", denial.guard)]);
                fault = fault.hint(format!("to go on all the same (it is recorded): {again}"));
                report.next = vec![again];
            }
            report.errors.push(fault);
        }
        Came::Ended(_, Ending::NotAgreed) => {
            let again = line(&["--yes"]);
            let why = "nothing was done: what the plan was made on has changed since it was shown";
            report
                .errors
                .push(Fault::new(Kind::Confirmation, why).hint(format!("look at the new plan: {}", line(&[]))));
            report.next = vec![line(&["--dry-run"]), again];
        }
        Came::Lost(run) => report.errors.push(
            Fault::new(Kind::Busy, format!("run {run} was taken over by somebody else"))
                .hint(format!("ira run show {run}")),
        ),
        _ => {}
    }
    report
}

fn came_json(case: &Case, acted: Option<&Acted>, code: u8) -> serde_json::Value {
    let mut json = case.json();
    json["run"] = acted.map(|acted| acted.report.data.clone()).unwrap_or_default();
    json["exit"] = json!(code);
    json
}

/// Several alerts: a row for each.
fn together(cases: &[Case], done: &[Done], codes: &[u8]) -> Report {
    let mut table =
        Table { columns: vec!["#", "alert", "playbook", "run", "came to", "what came of it"], ..Table::default() };
    let (mut well, mut next, mut errors) = (0_usize, Vec::new(), Vec::new());
    let mut worst = Status::Ok;
    for (at, (case, done)) in cases.iter().zip(done).enumerate() {
        let (status, run, word, said) = row(case, done, cases);
        worst = worst.max(status);
        well += usize::from(codes[at] == 0);
        if let Done::Ran(acted) = done {
            if codes[at] != 0 {
                next.push(format!("ira run show {run}"));
            }
            if let Came::Denied(denial, _) = &acted.came {
                errors.push(refused(denial).wrap(case.subject()));
            }
        }
        if let Done::Not(fault) = done {
            errors.push(fault.clone().wrap(case.subject()));
        }
        table.rows.push(vec![
            Cell::from((at + 1).to_string()),
            Cell::from(excerpt(&case.subject(), 40)),
            Cell::from(case.playbook()),
            Cell::from(run),
            Cell::from(word).coloured(status),
            Cell::from(excerpt(&said, 120)),
        ]);
    }
    let headline = match (well, cases.len()) {
        (well, all) if well == all => format!("All {all} alerts are answered well."),
        (well, all) => format!("{well} of {all} alerts are answered well; {} need somebody to look.", all - well),
    };
    let data = cases.iter().zip(done).zip(codes).map(|((case, done), code)| match done {
        Done::Ran(acted) | Done::Covered(acted, _) => came_json(case, Some(acted), *code),
        Done::Not(_) | Done::Nothing => came_json(case, None, *code),
    });
    let data = json!({ "alerts": data.collect::<Vec<_>>() });
    let section = Section { status: worst, headline, advice: String::new(), facts: Vec::new(), tables: vec![table] };
    let warnings = done.iter().flat_map(|done| match done {
        Done::Ran(acted) | Done::Covered(acted, _) => acted.report.warnings.clone(),
        Done::Not(_) | Done::Nothing => Vec::new(),
    });
    let warnings = warnings.collect();
    Report { sections: vec![section], next, data, errors, warnings, outcome: Outcome::Well }
}

/// How it is to be seen, the run, one word, and what came of it.
fn row(case: &Case, done: &Done, cases: &[Case]) -> (Status, String, String, String) {
    let none = String::new;
    match done {
        Done::Ran(acted) => {
            let said = acted.report.data["run"]["note"].as_str().unwrap_or_default();
            let said = said.lines().next().unwrap_or_default().to_owned();
            match &acted.came {
                Came::Ended(run, ending) => {
                    (state(run.state), run.id.to_string(), word(*ending, run.state).to_owned(), said)
                }
                Came::Denied(denial, run) => (Status::Warn, run.id.to_string(), "denied".to_owned(), {
                    format!("by the guard `{}`: {}", denial.guard, denial.message)
                }),
                Came::Waits(run) | Came::Asks(_, run) => {
                    (Status::Critical, run.id.to_string(), "waits for a person".to_owned(), said)
                }
                Came::Lost(run) => (Status::Warn, run.to_string(), "taken over".to_owned(), said),
                Came::Sleeps(_) => (Status::Info, none(), "waits".to_owned(), said),
            }
        }
        Done::Covered(acted, first) => {
            let other = cases.get(*first).map(Case::subject).unwrap_or_default();
            let said = format!("the run of {} ({other}) is for this, too", first + 1);
            (Status::Info, acted.run.to_string(), "covered".to_owned(), said)
        }
        Done::Not(fault) => (Status::Warn, none(), "not begun".to_owned(), fault.one_line()),
        Done::Nothing => match case.next() {
            Next::Same(at) => {
                let other = cases.get(at).map(Case::subject).unwrap_or_default();
                (Status::Info, none(), "the same".to_owned(), format!("it is with {} ({other})", at + 1))
            }
            Next::Fault(fault) => (Status::Warn, none(), "no playbook".to_owned(), fault.one_line()),
            Next::Denied(denial) => (Status::Warn, none(), "denied".to_owned(), {
                format!("by the guard `{}`: {}", denial.guard, denial.message)
            }),
            Next::Stop(stop) => (Status::Warn, none(), "nothing done".to_owned(), stop.why()),
            Next::Agree | Next::Run => (Status::Warn, none(), "not begun".to_owned(), none()),
        },
    }
}

fn state(state: RunState) -> Status {
    match state {
        RunState::Succeeded => Status::Ok,
        RunState::Cancelled => Status::Info,
        RunState::Failed => Status::Warn,
        _ => Status::Critical,
    }
}

/// One word for an ending.
fn word(ending: Ending, state: RunState) -> &'static str {
    match ending {
        Ending::Verified => "fixed",
        Ending::Done => "done",
        Ending::Resolved => "over already",
        Ending::Covered => "covered",
        _ => state.word(),
    }
}

#[cfg(test)]
mod tests {
    use super::worst;

    #[test]
    fn the_worst_is_what_a_person_has_to_look_at() {
        assert_eq!(worst([0, 75, 4, 0]), 4);
        assert_eq!(worst([0, 75, 69]), 69);
        assert_eq!(worst([0, 3]), 3);
        assert_eq!(worst([4, 130]), 130);
        assert_eq!(worst([]), 0);
    }
}
