//! From causes to actions: what mends which, in the order of mending.

use crate::actions::Action;
use crate::fault::{Fault, Kind};
use crate::text::{excerpt, nearest};
use crate::units::address;
use crate::value::U256;
use crate::vrf_runbook::facts::Request;
use crate::vrf_runbook::state::{Examined, Step};
use crate::vrf_runbook::{Args, Diagnosis, causes};

use super::unstick::{self, Own};
use super::{Strangers, blockhash, funds, keys, node};

/// Causes that nothing here can mend and that no waiting ends: for such a request nothing is spent.
const HOPELESS: [&str; 7] = [
    "already-fulfilled",
    "callback-failed",
    "reorged",
    "subscription-gone",
    "coordinator-migrated",
    "consumer-not-contract",
    "unknown-key-hash",
];

type Remedies = fn(&Case<'_>) -> Vec<Remedy>;

/// What is mended and how, in the order of mending. What is stuck under the own key comes before all of it.
const REMEDIES: [(&str, Remedies); 5] = [
    ("blockhash-expired", blockhash::store),
    ("underfunded", funds::fund),
    ("node-key-dry", keys::fund),
    ("key-disabled", node::enable),
    ("log-missed", node::replay),
];

/// What is to be done about a cause.
pub enum Remedy {
    /// This.
    Do(Box<Wanted>),
    /// Nothing: why not, and who could.
    Not(Refused),
}

/// An action that mends a cause.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The cause.
    pub cause: &'static str,
    /// The requests that it is for.
    pub requests: Vec<U256>,
    /// The action.
    pub action: Action,
    /// What is to be known before one agrees.
    pub notes: Vec<String>,
    /// The subscription that is funded though it is not ours: a person has to name it once more.
    pub stranger: Option<U256>,
}

/// A cause that is not mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The cause.
    pub cause: &'static str,
    /// The requests that have it.
    pub requests: Vec<U256>,
    /// In a word, for a program (`not-ours`).
    pub status: &'static str,
    /// Why it is not mended here.
    pub why: String,
    /// What a person can do about it.
    pub hint: String,
}

/// What a remedy is made of.
pub struct Case<'a> {
    /// What was found.
    pub diagnosis: &'a Diagnosis,
    /// What was asked.
    pub args: &'a Args,
    /// Whether a subscription that is not ours may be funded.
    pub strangers: Strangers,
    /// What waits under the key that signs, where one is configured.
    pub own: Option<Own>,
}

impl Case<'_> {
    /// The network, where the configuration names it.
    pub fn network(&self) -> Option<String> {
        let name = &self.diagnosis.gathered.scene.network.name;
        (!name.starts_with("chain-")).then(|| name.clone())
    }

    /// Whether a cause was named with `--only`: then it is mended though it blocks nothing yet.
    pub fn named(&self, cause: &str) -> bool {
        self.args.only.iter().any(|only| only == cause)
    }

    /// The requests that can be mended, oldest first, each with its step for `cause`.
    pub fn steps(&self, cause: &'static str) -> impl Iterator<Item = (&Request, &Step)> {
        let steps = move |one| step(one, cause).map(|step| (&one.request, step));
        self.diagnosis.all.iter().filter(|one| is_mendable(one)).filter_map(steps)
    }
}

/// Whether it still waits, past its confirmations, and may yet be fulfilled.
pub fn is_mendable(one: &Examined) -> bool {
    one.waits() && one.causes().iter().all(|step| !step.blocking || !HOPELESS.contains(&step.cause))
}

fn step<'a>(one: &'a Examined, cause: &str) -> Option<&'a Step> {
    one.steps.iter().find(|step| step.cause == cause)
}

/// Refuses `--only` with a name that is no cause.
pub fn check_only(args: &Args) -> Result<(), Fault> {
    let Some(wrong) = args.only.iter().find(|only| !causes::names().contains(&only.as_str())) else { return Ok(()) };
    let fault = Fault::new(Kind::Usage, format!("`only`: there is no cause `{}`", excerpt(wrong, 40)));
    Err(match nearest(wrong, causes::names()) {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => fault.hint(format!("one of: {}", causes::names().join(", "))),
    })
}

/// Every remedy for what was found, in the order of mending.
pub fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let wanted = |cause: &str| case.args.only.is_empty() || case.named(cause);
    let others: Vec<Remedy> =
        REMEDIES.iter().filter(|(cause, _)| wanted(cause)).flat_map(|(_, remedy)| remedy(case)).collect();
    let mut all = if wanted(unstick::CAUSE) { unstick::unstick(case, &others) } else { Vec::new() };
    all.extend(others);
    if case.diagnosis.gathered.trusted { all } else { all.into_iter().map(|remedy| unknown(case, remedy)).collect() }
}

/// Nothing is done for the word of a coordinator that only an alert or a transaction names; nor is it known whose its
/// subscriptions are.
fn unknown(of: &Case<'_>, remedy: Remedy) -> Remedy {
    let (cause, requests) = match remedy {
        Remedy::Do(wanted) => (wanted.cause, wanted.requests),
        Remedy::Not(refused) => (refused.cause, refused.requests),
    };
    let scene = &of.diagnosis.gathered.scene;
    let coordinator = address(scene.coordinator.address);
    let list = format!("`networks.{}.vrf.coordinators`", scene.network.name);
    Remedy::Not(Refused {
        cause,
        requests,
        status: "not-known",
        why: format!("nobody vouches for coordinator {coordinator}: {list} does not list it"),
        hint: format!("list it in {list}, or name it: --coordinator {coordinator}"),
    })
}
