//! A step, or a question, as the value that is run, kept and compared.

use super::bind::{Refusal, arguments, pointed, question};
use super::model::{Playbook, Query};
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

/// The command of a step with its arguments, its caps and its time. One that takes alerts, and whose arguments do not say what
/// it is about, is about the run's own alert; where it `writes`, as far as the playbook's `targets` allow. A script gets that
/// alert as data, whatever its arguments.
pub fn invocation(playbook: &Playbook, step: &Step, writes: bool, scope: &Scope) -> Result<Invocation, Unready> {
    let with = arguments(playbook, step, writes, scope).map_err(Unready::Refused)?;
    let mut invocation = Invocation::from_data(&step.action.text, with).map_err(Unready::NotTaken)?;
    if invocation.is_about_an_alert(!is_empty(&step.with)) {
        if writes {
            pointed(playbook, step, scope).map_err(Unready::Refused)?;
        }
        invocation.set_alerts(vec![scope.alert.alert.clone()]);
    }
    let caps = capped(invocation.caps(), &step.limits);
    Ok(match invocation.capped(caps) {
        Invocation::Act(mut action) => {
            let _most_have_no_use_for_it = action.inform(&scope.alert.alert);
            Invocation::Act(action.within(step.timeout))
        }
        other => other,
    })
}

/// The command of a query; about the run's own alert as that of a step is.
pub fn asking(playbook: &Playbook, query: &Query, scope: &Scope) -> Result<Invocation, Unready> {
    let with = question(playbook, query, scope).map_err(Unready::Refused)?;
    let mut invocation = Invocation::from_data(&query.action.text, with).map_err(Unready::NotTaken)?;
    if invocation.is_about_an_alert(!is_empty(&query.with)) {
        invocation.set_alerts(vec![scope.alert.alert.clone()]);
    }
    Ok(invocation)
}

fn is_empty(with: &Template) -> bool {
    matches!(with, Template::Map(entries, _) if entries.is_empty())
}

/// The caps of the arguments, with those of the step in their place.
fn capped(own: Caps, limits: &Limits) -> Caps {
    Caps { link: limits.max_spend.clone().or(own.link), native: limits.max_spend_native.clone().or(own.native) }
}
