//! What every action can do, whatever it acts on.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::Action;
use super::plan::{Caps, Plan};
use crate::alert::Alert;
use crate::context::{Context, Ended, Open, Step};
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::report::{Fact, Report};
use crate::transact::Turn;
use crate::value::U256;

/// What was done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deed {
    /// In a few words (`pid 4411 → 4502`, a transaction's hash).
    pub summary: String,
    /// What is to be shown of it.
    pub facts: Vec<Fact>,
    /// The same for a program: an object.
    pub data: Json,
}

/// What was found after an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whether it worked.
    pub worked: bool,
    /// What was read back (`balance read back: 48 LINK`).
    pub proof: String,
}

/// What a look back at an attempt finds, of which it is not written how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probed {
    /// It happened; the proof.
    Done(String),
    /// It acted, and failed; how.
    Failed(String),
    /// It did not, and cannot any more; why that is sure.
    NotDone(String),
    /// It cannot be told; a person decides. Why.
    Unknown(String),
}

/// What a failed attempt left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing: it was refused before it acted.
    Nothing,
    /// Something: it acted, and failed.
    Something,
    /// It is not known (no answer in time, a process that vanished).
    Unknown,
}

/// An attempt that failed, and what it left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Why.
    pub fault: Fault,
    /// What is known of its effect.
    pub left: Left,
}

impl Broken {
    /// Nothing was done.
    pub fn before(fault: Fault) -> Self {
        Self { fault, left: Left::Nothing }
    }

    /// Something was done.
    pub fn amid(fault: Fault) -> Self {
        Self { fault, left: Left::Something }
    }

    /// Whether anything was done is not known.
    pub fn unknown(fault: Fault) -> Self {
        Self { fault, left: Left::Unknown }
    }
}

/// What is held while an action is carried out, so that nobody else does the same.
pub enum Hold {
    /// The lock of what is acted on.
    Lock(Box<dyn Send + Sync>),
    /// The right to a sender's next nonce.
    Turn(Turn),
}

/// An action as it is carried out.
pub struct Attempt<'a> {
    /// The ports.
    pub context: &'a Context,
    /// What is held.
    pub hold: &'a Hold,
    /// What was agreed to.
    pub plan: &'a Plan,
    /// The action as data, `{do, with}`: what is written down, so that it can be looked after when this process is gone.
    pub asked: &'a Json,
}

impl<'a> Attempt<'a> {
    /// Writes down that it begins, with `more` that a probe will need. Only then may anything be done.
    pub fn begin(&self, more: &Json) -> Result<Step<'a>, Fault> {
        let mut begun = self.asked.clone();
        begun["what"] = json!(self.plan.what);
        begun["target"] = json!(self.plan.target);
        begun["more"] = more.clone();
        self.context.step(&self.plan.target, self.plan.effect, &begun)
    }

    /// Writes down how it ended. What may have happened stays open: it is never silently done again.
    pub fn end(&self, step: Step<'_>, result: Result<Deed, Broken>) -> Result<Deed, Fault> {
        match result {
            Ok(deed) => {
                step.end(&Ended::Done(json!({ "summary": deed.summary, "data": deed.data })))?;
                Ok(deed)
            }
            Err(Broken { fault, left }) => {
                let reason = json!({ "fault": fault.one_line() });
                match left {
                    Left::Nothing => step.end(&Ended::NotDone(reason))?,
                    Left::Something => step.end(&Ended::Failed(reason))?,
                    Left::Unknown => {
                        step.end(&Ended::Unknown(reason))?;
                        let what = &self.plan.what;
                        let mut open = fault.wrap(format!("it is not known whether this happened: {what}"));
                        open.kind = Kind::Busy;
                        return Err(open.hint("look at it; --resume looks too, and does nothing twice"));
                    }
                }
                Err(fault)
            }
        }
    }
}

/// An action that only reads.
#[async_trait]
pub trait Look: Send + Sync {
    /// Whether it is about a chain, and its endpoints have to be known.
    fn needs_chain(&self) -> bool {
        false
    }

    /// The network by name or alias; `None` where the endpoint's own chain id is to say, or there is none.
    fn network(&self) -> Option<String> {
        None
    }

    /// Gives it the alerts that say what it is about; most are about what their arguments name.
    fn set_alerts(&mut self, _alerts: &[Alert]) {}

    /// How long it lets time pass, where it does nothing else: a run keeps that as a timer of its own.
    fn pause(&self) -> Option<Duration> {
        None
    }

    /// Reads, and reports.
    async fn look(&self, context: &Context) -> Result<Report, Fault>;
}

/// An action that changes something, or tells somebody.
#[async_trait]
pub trait Act: Send + Sync {
    /// How it may be repeated.
    fn effect(&self) -> Effect;

    /// What it reaches.
    fn reach(&self) -> Reach {
        Reach::Target
    }

    /// How it is taken back.
    fn taken_back(&self) -> TakenBack;

    /// The reads that show nothing but what it sets itself, see [`Action::self_evident`](super::Action::self_evident).
    fn self_evident(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Whether it is about a chain, and its endpoints have to be known.
    fn needs_chain(&self) -> bool {
        false
    }

    /// The network by name or alias; `None` where the endpoint's own chain id is to say, or there is none.
    fn network(&self) -> Option<String> {
        None
    }

    /// The Chainlink node that it is about, by name.
    fn node(&self) -> Option<&str> {
        None
    }

    /// Gives it the facts of the alert, as data: what is acted on is named with the action, and never by a stranger's
    /// alert. False where it has no use for them.
    fn inform(&mut self, _alert: &Alert) -> bool {
        false
    }

    /// What takes it back, where [`Act::taken_back`] says that an action does.
    fn undo(&self) -> Option<Action> {
        None
    }

    /// The most that may be spent.
    fn caps(&self) -> Caps {
        Caps::default()
    }

    /// Sets the most that may be spent.
    fn cap(&mut self, _caps: &Caps) {}

    /// Gives it no more than these seconds: what it began is over by then. Where it has no time of its own, whoever waits
    /// for it counts.
    fn within(&mut self, _seconds: u64) {}

    /// What it would do now. Changes nothing. `target` of the plan is the key of the attempt: what is acted on, never how
    /// much.
    async fn plan(&self, context: &Context) -> Result<Plan, Fault>;

    /// Whether what the plan was made on is still so. Where the plan is a list of which each item is looked at once more
    /// right before it is acted on, some that are gone by then void nothing.
    fn still(&self, now: &Plan, agreed: &Plan) -> bool {
        now.is_as(agreed)
    }

    /// Whose money it would be, where that is not known to be ours: the subscription that a person has to name once more.
    /// Without a person nothing is done then.
    async fn stranger(&self, _context: &Context) -> Result<Option<U256>, Fault> {
        Ok(None)
    }

    /// Takes what keeps others from doing the same at the same time. Kind `Busy` where they do.
    async fn hold(&self, context: &Context, agreed: &Plan) -> Result<Hold, Fault> {
        Ok(Hold::Lock(context.hold(&lock_name(&agreed.target))?))
    }

    /// Does what the plan says, which was read a moment ago; [`Attempt::begin`] before it, [`Attempt::end`] after it.
    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault>;

    /// Reads, apart from what the acting said, whether it worked.
    async fn verify(&self, context: &Context, agreed: &Plan) -> Result<Verified, Fault>;

    /// Looks what became of an attempt of before. Changes nothing.
    async fn probe(&self, _context: &Context, _open: &Open) -> Result<Probed, Fault> {
        Ok(Probed::Unknown("there is nothing to tell it by".to_owned()))
    }
}

/// A name that a file system takes, for what is acted on.
fn lock_name(target: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_') { c } else { '-' };
    let short: String = target.chars().map(plain).take(60).collect();
    // Two targets that look alike are two locks.
    let mut hasher = tiny_keccak::Keccak::v256();
    let mut hash = [0; 32];
    tiny_keccak::Hasher::update(&mut hasher, target.as_bytes());
    tiny_keccak::Hasher::finalize(hasher, &mut hash);
    format!("{short}-{}", crate::units::digits(&hash[..6]))
}
