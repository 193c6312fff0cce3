//! Playbooks: what is to be done when an alert comes, as a file that a person can read and a machine can check.
//!
//! Pure: text in, values out. Whoever runs a playbook reads the files, asks the queries and does the steps; what is
//! decided on the way is decided by the functions here, so that a test inside a file, a plan and a run agree.

mod bind;
mod case;
mod cel;
mod check;
mod fields;
mod lower;
mod model;
mod pattern;
mod place;
mod problem;
mod prose;
mod scope;
mod shape;
mod step;
mod template;
mod tree;
mod values;

pub use bind::{Refusal, arguments, items, question, undoing};
pub use case::{Answer, Case, Expect, Fixture};
pub use cel::{Cel, Judged};
pub use check::{Effects, Worst, autonomy, effects, worst};
pub use model::{
    Annotate, Approve, Bucket, Escalate, Guards, Matcher, MinHealthy, Mode, On, OrElse, Param, ParamType, Playbook,
    Query, Recurrence, Season, Text, Verify, When,
};
pub use pattern::{Pattern, Whole};
pub use place::Place;
pub use problem::Problem;
pub use prose::render as note;
pub use scope::{Incoming, KeyPart, Scope, StepState, StepView};
pub use shape::spelled;
pub use step::{Limits, Loop, Output, Retry, Source, Step, Undo, Wait};
pub use template::{Entry, Path, Piece, Template, Variable};
pub use values::{at, params};

/// The read whose answer counts before the first write: whether the alert still fires.
pub const STILL_FIRING: &str = "alert.still_firing";

/// Reads a playbook's text: the playbook, or everything that is wrong with it, in the order of the file. Its own tests
/// are not run.
pub fn parse(text: &str) -> Result<Playbook, Vec<Problem>> {
    let (playbook, mut problems) = lower::read(text);
    problems.extend(playbook.iter().flat_map(check::check));
    match playbook {
        Some(playbook) if problems.is_empty() => Ok(playbook),
        _ => Err(problem::settle(problems, text)),
    }
}

#[cfg(test)]
mod tests;
