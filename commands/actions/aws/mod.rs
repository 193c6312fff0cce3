//! AWS, over its APIs: what is read, what is changed, and only as it was read a moment ago.

mod alarm;
mod dynamodb;
mod ecs;
mod firing;
mod iam;
mod lambda;
mod metric;
mod name;

use crate::context::Context;
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::Fault;
use crate::report::{Cell, Fact, Outcome, Report, Section, Status};

use super::{Change, Plan};

pub use alarm::AlarmState;
pub use dynamodb::{DeleteItems, RestoreItems};
pub(in crate::actions) use firing::witness;

pub use ecs::{StartService, StopService, UpdateTaskDefinition, WaitStable};
pub use iam::policy;
pub use lambda::Invoke;
pub use metric::Metric;
pub use name::{Name, Pair};

/// What a plan of an action on AWS is about.
struct About<'a> {
    /// The action's name.
    action: &'static str,
    /// Which account.
    account: Option<&'a Name>,
    /// What is acted on, as no other thing of the account is called.
    target: String,
    /// What is done, as an imperative.
    what: String,
    /// What changes.
    changes: Vec<Change>,
    /// How it is taken back.
    taken_back: TakenBack,
}

/// Which account, as the ports take it.
fn account(named: Option<&Name>) -> Option<&str> {
    named.map(Name::as_str)
}

/// A plan, as AWS said it a moment ago.
async fn planned(context: &Context, about: About<'_>) -> Result<Plan, Fault> {
    let place = context.aws()?.place(account(about.account)).await?;
    let nothing = about.changes.iter().all(|change| change.before == change.after);
    Ok(Plan {
        action: about.action,
        what: about.what,
        target: format!("aws {place} {}", about.target),
        place,
        changes: about.changes,
        spend: None,
        nothing,
        effect: Effect::Once,
        reach: Reach::Target,
        taken_back: about.taken_back,
        notes: Vec::new(),
    })
}

/// The words of `--account NAME` on a command line, where one is named.
fn flag(account: Option<&Name>) -> String {
    account.map(|name| format!("--account {name} ")).unwrap_or_default()
}

fn fact(label: &'static str, value: impl Into<Cell>) -> Fact {
    Fact { label, value: value.into(), note: String::new() }
}

/// A report of one section, whose exit says whether all is well.
fn report(status: Status, headline: String, facts: Vec<Fact>, data: serde_json::Value) -> Report {
    let outcome = match status {
        Status::Ok | Status::Info => Outcome::Well,
        Status::Unknown => Outcome::Unavailable,
        _ => Outcome::Problem,
    };
    Report {
        sections: vec![Section { status, headline, advice: String::new(), facts, tables: Vec::new() }],
        next: Vec::new(),
        data,
        errors: Vec::new(),
        warnings: Vec::new(),
        outcome,
    }
}
