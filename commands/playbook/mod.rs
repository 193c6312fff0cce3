//! Playbooks: what is to be done when an alert comes, as a file that a person can read and a machine can check.
//!
//! Pure: text in, values out. Whoever runs a playbook reads the files, asks the queries and does the steps; what is
//! decided on the way is decided by the functions here, so that a test inside a file, a plan and a run agree.

mod case;
mod cel;
mod model;
mod place;
mod scope;
mod step;
mod template;

pub use case::{Answer, Case, Expect, Fixture};
pub use cel::Cel;
pub use model::{
    Annotate, Approve, Bucket, Escalate, Guards, Matcher, MinHealthy, Mode, On, OrElse, Param, ParamType, Pattern,
    Playbook, Query, Recurrence, Season, Text, Verify, When,
};
pub use place::Place;
pub use scope::{Incoming, Scope, StepState, StepView};
pub use step::{Limits, Loop, Output, Retry, Source, Step, Undo, Wait};
pub use template::{Entry, Path, Piece, Template, Variable};
