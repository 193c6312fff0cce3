//! Where a request stands, and what the runbook's steps say about it.

use crate::report::{Remedy, Status};
use crate::value::U256;

use super::causes::{self, Verdict};
use super::facts::{Request, Scene, Subscription};
use super::gather::Gathered;

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The coordinator waits for its fulfilment.
    Pending,
    /// Fulfilled, and the consumer took it.
    Fulfilled,
    /// Fulfilled, but the consumer's callback failed.
    CallbackFailed,
    /// The event is of a block that is no longer part of the chain.
    Orphaned,
    /// Pending, and older than a node keeps a request.
    Expired,
    /// Neither waiting nor seen fulfilled, or not readable.
    Unknown,
}

impl State {
    /// The word that is serialised.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Fulfilled => "fulfilled",
            Self::CallbackFailed => "callback-failed",
            Self::Orphaned => "orphaned",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
        }
    }
}

/// One step of the runbook for one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The cause that it looks for.
    pub cause: &'static str,
    /// Whether that holds.
    pub verdict: Verdict,
    /// Whether it alone keeps the request from being fulfilled.
    pub blocking: bool,
    /// One sentence with the numbers.
    pub message: String,
    /// The numbers, for machines.
    pub evidence: serde_json::Map<String, serde_json::Value>,
    /// What to do, where it holds.
    pub remedy: Option<Remedy>,
}

/// A request with what the runbook says of it.
#[derive(Clone, Debug)]
pub struct Examined {
    /// The request.
    pub request: Request,
    /// Where it stands.
    pub state: State,
    /// Every step, in the order of the runbook.
    pub steps: Vec<Step>,
}

impl Step {
    /// A number of its evidence.
    pub fn number(&self, key: &str) -> Option<U256> {
        U256::from_dec_str(self.evidence.get(key)?.as_str()?).ok()
    }
}

impl Examined {
    /// The causes that hold, those that block first.
    pub fn causes(&self) -> Vec<&Step> {
        let mut holding: Vec<&Step> = self.steps.iter().filter(|step| step.verdict == Verdict::Fail).collect();
        holding.sort_by_key(|step| !step.blocking);
        holding
    }

    /// What does not hold it up yet and soon will: steps that pass with something to do.
    pub fn warnings(&self) -> Vec<&Step> {
        let near = |step: &&Step| step.verdict == Verdict::Pass && step.remedy.is_some();
        self.steps.iter().filter(near).collect()
    }

    /// Whether it is still inside its confirmations: then nothing is wrong yet.
    pub fn is_young(&self) -> bool {
        self.steps.iter().any(|step| step.cause == "unconfirmed" && step.verdict == Verdict::Fail)
    }

    /// Whether somebody should look: pending past its confirmations whatever the cause, or failed for good.
    pub fn is_problem(&self) -> bool {
        match self.state {
            State::Fulfilled => false,
            State::CallbackFailed | State::Expired | State::Orphaned | State::Unknown => true,
            State::Pending => !self.is_young(),
        }
    }

    /// Whether it waits for its fulfilment, past its confirmations.
    pub fn waits(&self) -> bool {
        matches!(self.state, State::Pending | State::Expired) && !self.is_young()
    }

    /// How bad it is.
    pub fn status(&self) -> Status {
        match self.state {
            State::Fulfilled => Status::Ok,
            State::Unknown => Status::Unknown,
            _ if !self.is_problem() => Status::Ok,
            _ if self.causes().iter().any(|step| step.blocking) => Status::Critical,
            _ => Status::Warn,
        }
    }
}

/// What a step may look at beside its own request.
pub struct Surroundings<'a> {
    /// What all requests share.
    pub scene: &'a Scene,
    /// The request's subscription.
    pub subscription: Option<&'a Subscription>,
    /// Every pending request of that subscription, oldest first.
    pub siblings: Vec<&'a Request>,
}

/// Takes every request through the runbook.
pub fn examine(gathered: &Gathered) -> Vec<Examined> {
    gathered.requests.iter().map(|request| examined(gathered, request)).collect()
}

fn examined(gathered: &Gathered, request: &Request) -> Examined {
    let surroundings = Surroundings {
        scene: &gathered.scene,
        subscription: gathered.subscriptions.iter().find(|one| one.id == request.subscription),
        siblings: gathered
            .requests
            .iter()
            .chain(&gathered.others)
            .filter(|one| one.subscription == request.subscription && one.pending().unwrap_or(false))
            .collect(),
    };
    let steps = causes::walk(&surroundings, request);
    let holds = |cause: &str| steps.iter().any(|step| step.cause == cause && step.verdict == Verdict::Fail);
    let state = match (request.pending(), &request.fulfilled) {
        _ if holds("already-fulfilled") => State::Fulfilled,
        _ if holds("callback-failed") => State::CallbackFailed,
        _ if holds("reorged") => State::Orphaned,
        (Ok(true), _) if holds("expired-in-node") => State::Expired,
        (Ok(true), _) => State::Pending,
        _ => State::Unknown,
    };
    Examined { request: request.clone(), state, steps }
}
