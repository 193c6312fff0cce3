//! Actions on systems: each runnable by hand (`ira act NAME`) and as a step.

mod act;
pub mod alert;
pub mod aws;
pub mod cache;
pub mod chain;
pub mod http;
pub mod k8s;
mod list;
mod looks;
pub mod node;
pub mod pgbouncer;
mod plan;
mod policy;
pub mod postgres;
pub mod prometheus;
pub mod redis;
pub mod script;
mod settle;
pub mod systemd;
pub mod tell;
pub mod wait;

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::alert::Alert;
use crate::context::Context;
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::report::{Cell, Fact, Outcome, Report, Section, Status};
use crate::value::U256;
use crate::vrf_runbook::whose::short_id;

pub(crate) use http::digest;

pub use act::{Act, Attempt, Broken, Deed, Hold, Left, Look, Probed, Verified};
pub use list::Action;
pub use plan::{Caps, Change, Plan, Spend};

/// Whether an action only reads, or acts.
pub enum Verb<L, A> {
    /// It reads.
    Look(L),
    /// It changes something, or tells somebody.
    Act(A),
}

/// What came of an action that was agreed to.
#[derive(Clone, Debug, PartialEq)]
pub enum Applied {
    /// It was done.
    Done(Box<Report>),
    /// What the plan was made on has changed: nothing was done, and this is the new plan.
    Changed(Box<Plan>),
}

impl Action {
    /// How it may be repeated.
    pub fn effect(&self) -> Effect {
        match self.verb() {
            Verb::Look(_) => Effect::Read,
            Verb::Act(act) => act.effect(),
        }
    }

    /// Whether it is about a chain, and its endpoints have to be known.
    pub fn needs_chain(&self) -> bool {
        match self.verb() {
            Verb::Look(look) => look.needs_chain(),
            Verb::Act(act) => act.needs_chain(),
        }
    }

    /// How long it lets time pass, where it does nothing else.
    pub fn pause(&self) -> Option<Duration> {
        match self.verb() {
            Verb::Look(look) => look.pause(),
            Verb::Act(_) => None,
        }
    }

    /// The network by name or alias; `None` where the endpoint's own chain id is to say, or there is none.
    pub fn network(&self) -> Option<String> {
        match self.verb() {
            Verb::Look(look) => look.network(),
            Verb::Act(act) => act.network(),
        }
    }

    /// The Chainlink node that it is about, by name.
    pub fn node(&self) -> Option<&str> {
        match self.verb() {
            Verb::Look(_) => None,
            Verb::Act(act) => act.node(),
        }
    }

    /// Gives the alerts to one that reads; what is acted on is named with the action, and never by a stranger's alert.
    pub fn set_alerts(&mut self, alerts: &[Alert]) {
        if let Verb::Look(look) = self.verb_mut() {
            look.set_alerts(alerts);
        }
    }

    /// Gives it the facts of one alert, as data. A fault of kind `Usage` where it has no use for them.
    pub fn inform(&mut self, alert: &Alert) -> Result<(), Fault> {
        let took = match self.verb_mut() {
            Verb::Look(_) => false,
            Verb::Act(act) => act.inform(alert),
        };
        if took {
            return Ok(());
        }
        Err(Fault::new(Kind::Usage, format!("{} has no use for an alert", self.name()))
            .hint("what it acts on is named with it, and never by an alert"))
    }

    /// The most that may be spent.
    pub fn caps(&self) -> Caps {
        match self.verb() {
            Verb::Look(_) => Caps::default(),
            Verb::Act(act) => act.caps(),
        }
    }

    /// The same with these caps.
    #[must_use]
    pub fn capped(mut self, caps: &Caps) -> Self {
        if let Verb::Act(act) = self.verb_mut() {
            act.cap(caps);
        }
        self
    }

    /// The same with no more time than these seconds.
    #[must_use]
    pub fn within(mut self, seconds: u64) -> Self {
        if let Verb::Act(act) = self.verb_mut() {
            act.within(seconds);
        }
        self
    }

    /// What it can do, or the fault where it only reads.
    pub fn act(&self) -> Result<&dyn Act, Fault> {
        match self.verb() {
            Verb::Act(act) => Ok(act),
            Verb::Look(_) => {
                Err(Fault::new(Kind::Failed, format!("{} only reads: there is no plan of it", self.name())))
            }
        }
    }

    /// What it would do now. Changes nothing.
    pub async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        self.act()?.plan(context).await
    }

    /// Whose money it would be, see [`Act::stranger`].
    pub async fn stranger(&self, context: &Context) -> Result<Option<U256>, Fault> {
        match self.verb() {
            Verb::Look(_) => Ok(None),
            Verb::Act(act) => act.stranger(context).await,
        }
    }

    /// What it reaches.
    pub fn reach(&self) -> Reach {
        match self.verb() {
            Verb::Look(_) => Reach::Target,
            Verb::Act(act) => act.reach(),
        }
    }

    /// How it is taken back.
    pub fn taken_back(&self) -> TakenBack {
        match self.verb() {
            Verb::Look(_) => TakenBack::Transient,
            Verb::Act(act) => act.taken_back(),
        }
    }

    /// The reads that show nothing but what it sets itself: each a command with the place of the value in what that
    /// answers, `*` for any item of a list. That they changed proves nothing.
    pub fn self_evident(&self) -> &'static [(&'static str, &'static str)] {
        match self.verb() {
            Verb::Look(_) => &[],
            Verb::Act(act) => act.self_evident(),
        }
    }

    /// Reads; or in a context that may write: plans, checks the caps and acts; or in a dry one: plans.
    pub async fn run(&self, context: &Context) -> Result<Report, Fault> {
        if let Verb::Look(look) = self.verb() {
            return look.look(context).await;
        }
        let plan = self.plan(context).await?;
        plan.within(&self.caps())?;
        if let Some(id) = self.stranger(context).await? {
            return Err(not_ours(id, &plan));
        }
        if !context.is_acting() {
            return Ok(plan.report());
        }
        match self.apply(context, &plan).await? {
            Applied::Done(report) => Ok(*report),
            Applied::Changed(_) => Err(Fault::new(Kind::Busy, "what the plan was made on changed while it was begun")
                .hint("run it again to see the new plan")),
        }
    }

    /// Carries out a plan that was agreed to. What it was made on is read again right before anything is done; while an
    /// attempt of before is open nothing is (kind `Busy`).
    pub async fn apply(&self, context: &Context, agreed: &Plan) -> Result<Applied, Fault> {
        let act = self.act()?;
        let hold = act.hold(context, agreed).await?;
        context.progress().stage("reading again what the plan was made on");
        let now = self.plan(context).await?;
        if !act.still(&now, agreed) {
            return Ok(Applied::Changed(Box::new(now)));
        }
        if now.is_nothing() {
            return Ok(Applied::Done(Box::new(now.report())));
        }
        let asked = json!({ "do": self.name(), "with": self.with() });
        let attempt = Attempt { context, hold: &hold, plan: agreed, asked: &asked };
        let deed = act.carry_out(&attempt).await?;
        context.progress().stage("reading back whether it worked");
        let verified = act.verify(context, agreed).await;
        let verified = verified
            .map_err(|fault| fault.wrap(format!("it was done ({}), and could not be read back", deed.summary)))?;
        Ok(Applied::Done(Box::new(done(agreed, &deed, &verified))))
    }

    /// The words of a command line that asks for it, after `ira`.
    pub fn words(&self) -> Vec<String> {
        let mut words = vec!["act".to_owned(), self.name().to_owned()];
        let Json::Object(with) = self.with() else { return words };
        for (name, value) in with {
            let flag = format!("--{name}");
            match value {
                Json::Null | Json::Bool(false) => {}
                Json::Bool(true) => words.push(flag),
                Json::String(text) => words.extend([flag, text]),
                Json::Array(many) => {
                    for one in many {
                        words.extend([flag.clone(), one.as_str().map_or_else(|| one.to_string(), str::to_owned)]);
                    }
                }
                other => words.extend([flag, other.to_string()]),
            }
        }
        words
    }
}

/// The refusal to pay for what nobody said is ours, where no person names it.
pub fn not_ours(id: U256, plan: &Plan) -> Fault {
    let list = format!("networks.{}.vrf.fund", plan.place);
    Fault::new(Kind::Confirmation, format!("nothing was done: subscription {} is not known to be ours", short_id(id)))
        .because(format!("`{list}` lists neither it nor its owner; its owner can take the money out again"))
        .hint(format!("list it in `{list}`, or do it at a terminal without --yes, where its last digits are asked for"))
}

/// The report of an action that was carried out.
fn done(plan: &Plan, deed: &Deed, verified: &Verified) -> Report {
    let (status, headline, advice) = if verified.worked {
        (Status::Ok, format!("Done on {}: {}.", plan.place, verified.proof), String::new())
    } else {
        let headline = format!("Done on {}, and it did not do what it should: {}.", plan.place, verified.proof);
        (Status::Critical, headline, "look at what was done below before trying anything again.".to_owned())
    };
    let mut facts = vec![Fact { label: "action", value: Cell::from(plan.action), note: plan.what.clone() }];
    facts.extend(deed.facts.iter().cloned());
    let mut action = json!({
        "action": plan.action,
        "status": if verified.worked { "done" } else { "unverified" },
        "changes": plan.json()["changes"],
        "proof": verified.proof,
    });
    for (key, value) in deed.data.as_object().into_iter().flatten() {
        action[key] = value.clone();
    }
    Report {
        sections: vec![Section { status, headline, advice, facts, tables: plan.section().tables }],
        next: Vec::new(),
        data: plan.data(&json!([action])),
        errors: Vec::new(),
        warnings: Vec::new(),
        outcome: if verified.worked { Outcome::Well } else { Outcome::Problem },
    }
}
