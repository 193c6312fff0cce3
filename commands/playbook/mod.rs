//! Playbooks: what is to be done when an alert comes, as a file that a person can read and a machine can check.
//!
//! Pure: text in, values out. Whoever runs a playbook reads the files, asks the queries and does the steps; what is
//! decided on the way is decided by the functions here, so that a test inside a file, a plan and a run agree.

mod backtest;
mod bind;
mod case;
mod cel;
mod check;
mod decide;
mod fields;
mod judge;
mod lower;
mod model;
mod pattern;
mod place;
pub mod present;
mod problem;
mod prose;
mod ready;
mod schema;
mod scope;
mod shape;
mod ships;
mod simulate;
mod step;
mod template;
mod tree;
mod trial;
mod values;
mod written;

pub use backtest::{Allowance, Backtested, Recorded, Surroundings, Verdict, backtest};
pub use bind::{Refusal, arguments, items, question, undoing};
pub use case::{Answer, Case, Expect, Fixture};
pub use cel::{Cel, Judged};
pub use check::{Worst, autonomy, worst};
pub use decide::{Considered, Decision, Matched, Stage, Stopped, decide, matched};
pub use fields::SOURCES;
pub use judge::{Denial, Firing, Want, answered, firing, guard_queries, holding, looks, permitted, wanted};
pub use model::{
    Annotate, Approve, Bucket, Effects, Escalate, Guards, Matcher, MinHealthy, Mode, On, OrElse, Param, ParamType,
    Playbook, Query, Recurrence, Season, Text, Verify, When,
};
pub use pattern::{Pattern, Whole, is_dns_label};
pub use place::Place;
pub use problem::Problem;
pub use prose::render as note;
pub use ready::{Unready, asking, invocation};
pub use schema::schema;
pub use scope::{Incoming, KeyPart, Scope, StepState, StepView};
pub use shape::spelled;
pub use ships::{SHIPPED, template};
pub use simulate::{Decided, Outcome, simulate};
pub use step::{Limits, Loop, Output, Retry, Source, Step, Undo, Wait};
pub use template::{Entry, Path, Piece, Template, Variable};
pub use trial::{Fixtures, Tested, test};
pub use values::{at, params, unset};
pub use written::written;

/// The read whose answer counts before the first write: whether the alert still fires.
pub const STILL_FIRING: &str = "alert.still_firing";

/// Reads a playbook's text: the playbook, or everything that is wrong with it, in the order of the file. Its own tests
/// are not run.
pub fn parse(text: &str) -> Result<Playbook, Vec<Problem>> {
    match lower::read(text) {
        (Some(mut playbook), mut problems) => {
            let (effects, wrong) = check::check(&playbook);
            problems.extend(wrong);
            playbook.effects = effects;
            if problems.is_empty() { Ok(playbook) } else { Err(problem::settle(problems, text)) }
        }
        (None, problems) => Err(problem::settle(problems, text)),
    }
}

/// Reads a playbook's text and runs its own tests: one of them that fails is a mistake like any other.
pub fn load(text: &str, fixtures: &Fixtures<'_>) -> Result<Playbook, Vec<Problem>> {
    let playbook = parse(text)?;
    let failed: Vec<Problem> = test(&playbook, fixtures).iter().filter_map(Tested::problem).collect();
    if failed.is_empty() { Ok(playbook) } else { Err(problem::settle(failed, text)) }
}

/// A YAML document as JSON, by the same strict reading: an alias, a tag or a name that stands twice is a problem.
pub fn yaml(text: &str) -> Result<serde_json::Value, Vec<Problem>> {
    match tree::read(text) {
        (Some(root), problems) if problems.is_empty() => Ok(root.json()),
        (_, problems) => Err(problems),
    }
}

#[cfg(test)]
mod tests;
