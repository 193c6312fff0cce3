//! A step as the value that is run, kept and compared.

use super::bind::{Refusal, arguments};
use super::model::Playbook;
use super::scope::Scope;
use super::step::{Limits, Step};
use super::template::Template;
use crate::actions::Caps;
use crate::{Fault, Invocation};

/// Why a step cannot be begun. Nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unready {
    /// A variable was not inserted.
    Refused(Refusal),
    /// The command does not take what came of it.
    NotTaken(Fault),
}

/// The command of a step with its arguments and caps. One that takes alerts and is given no argument is about the run's
/// own alert.
pub fn invocation(playbook: &Playbook, step: &Step, writes: bool, scope: &Scope) -> Result<Invocation, Unready> {
    let with = arguments(playbook, step, writes, scope).map_err(Unready::Refused)?;
    let mut invocation = Invocation::from_data(&step.action.text, with).map_err(Unready::NotTaken)?;
    if matches!(&step.with, Template::Map(entries, _) if entries.is_empty()) {
        invocation.set_alerts(vec![scope.alert.alert.clone()]);
    }
    Ok(match invocation {
        Invocation::Act(action) => {
            let caps = capped(action.caps(), &step.limits);
            Invocation::Act(action.capped(&caps))
        }
        other => other,
    })
}

/// The caps of the arguments, with those of the step in their place.
fn capped(own: Caps, limits: &Limits) -> Caps {
    Caps { link: limits.max_spend.clone().or(own.link), native: limits.max_spend_native.clone().or(own.native) }
}
