//! Actions on systems: each runnable by hand (`ira act NAME`) and as a step.

mod act;
pub mod alert;
pub mod cache;
pub mod chain;
pub mod http;
pub mod k8s;
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
use crate::args;
use crate::context::Context;
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::report::{Cell, Fact, Outcome, Report, Section, Status};
use crate::value::U256;
use crate::vrf_runbook::whose::short_id;

pub(crate) use http::digest;

pub use act::{Act, Attempt, Broken, Deed, Hold, Left, Look, Probed, Verified};
pub use plan::{Caps, Change, Plan, Spend};

/// The closed list of actions, in the spelling of a command line, a file and the journal.
macro_rules! actions {
    ($($(#[$doc:meta])* $name:literal $variant:ident($args:path) $kind:ident,)*) => {
        /// One action with its arguments.
        #[derive(Clone, Debug, PartialEq, clap::Subcommand)]
        pub enum Action {
            $($(#[$doc])* #[command(name = $name)] $variant($args),)*
        }

        impl Action {
            /// Every name.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The name as it is typed, and as a `do:` spells it.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            /// Reads `{do: name, with: {…}}`; `None` where there is no such action.
            pub fn from_data(name: &str, with: Json) -> Option<Result<Self, Fault>> {
                match name {
                    $($name => Some(args::from_json(name, with).map(Self::$variant)),)*
                    _ => None,
                }
            }

            /// The shape of an action's arguments; `None` where there is no such action.
            pub fn schema(name: &str) -> Option<schemars::Schema> {
                match name {
                    $($name => Some(schemars::schema_for!($args)),)*
                    _ => None,
                }
            }

            /// The arguments, as a file spells them.
            pub fn with(&self) -> Json {
                match self { $(Self::$variant(args) => serde_json::to_value(args).unwrap_or_default(),)* }
            }

            /// What it can do.
            pub fn verb(&self) -> Verb<&dyn Look, &dyn Act> {
                match self { $(Self::$variant(args) => Verb::$kind(args),)* }
            }

            fn verb_mut(&mut self) -> Verb<&mut dyn Look, &mut dyn Act> {
                match self { $(Self::$variant(args) => Verb::$kind(args),)* }
            }
        }
    };
}

actions! {
    /// Fund a VRF subscription, in LINK or (V2.5) in the native coin
    "chain.fund_subscription" FundSubscription(chain::FundSubscription) Act,
    /// Send native coins to an account, such as a node's key
    "chain.fund_key" FundKey(chain::FundKey) Act,
    /// Store the hash of a block in a BlockhashStore, however old the block is
    "chain.store_blockhash" StoreBlockhash(chain::StoreBlockhash) Act,
    /// Outbid a transaction of the configured key that waits to be mined
    "chain.replace_transaction" ReplaceTransaction(chain::ReplaceTransaction) Act,
    /// Use up the nonce that later transactions of the configured key wait for
    "chain.fill_nonce_gap" FillNonceGap(chain::FillNonceGap) Act,
    /// Have a Chainlink node read the chain's logs again from a block on
    "node.replay" NodeReplay(node::Replay) Act,
    /// Let a Chainlink node send from a key again that is disabled on it
    "node.enable_key" NodeEnableKey(node::EnableKey) Act,
    /// Run a script on this host: no shell, a cleared environment, limits, a deadline that ends all its processes
    "script.run" ScriptRun(script::Run) Act,
    /// Run the script that is named for a metric and its namespace: METRIC#NAMESPACE.sh of the configured folder
    "script.by_metric" ScriptByMetric(script::ByMetric) Act,
    /// Say how a systemd unit stands
    "systemd.status" SystemdStatus(systemd::Status) Look,
    /// Restart a systemd unit, and see that it stays up
    "systemd.restart" SystemdRestart(systemd::Restart) Act,
    /// Start a systemd unit, and see that it stays up
    "systemd.start" SystemdStart(systemd::Start) Act,
    /// Stop a systemd unit
    "systemd.stop" SystemdStop(systemd::Stop) Act,
    /// Say how pods stand: state, restarts, why they ended last
    "k8s.pod_status" K8sPodStatus(k8s::PodStatus) Look,
    /// Say how far the rollout of a workload is
    "k8s.rollout_status" K8sRolloutStatus(k8s::RolloutStatus) Look,
    /// List the revisions of a workload, newest first
    "k8s.rollout_history" K8sRolloutHistory(k8s::RolloutHistory) Look,
    /// List what happened to an object, newest first
    "k8s.events" K8sEvents(k8s::Events) Look,
    /// Show the end of a container's log
    "k8s.logs" K8sLogs(k8s::Logs) Look,
    /// Say what pods use of the CPU and memory that they may
    "k8s.top" K8sTop(k8s::Top) Look,
    /// Delete a sick pod, by its uid; its controller makes another
    "k8s.delete_pod" K8sDeletePod(k8s::DeletePod) Act,
    /// Make every pod of a workload anew, one after the other
    "k8s.rollout_restart" K8sRolloutRestart(k8s::RolloutRestart) Act,
    /// Take a workload back to an earlier revision
    "k8s.rollout_undo" K8sRolloutUndo(k8s::RolloutUndo) Act,
    /// Change how many pods a workload has, within bounds
    "k8s.scale" K8sScale(k8s::Scale) Act,
    /// Change between how many pods an autoscaler may choose, within bounds
    "k8s.update_hpa" K8sUpdateHpa(k8s::UpdateHpa) Act,
    /// Change one variable of a container, within bounds
    "k8s.set_env" K8sSetEnv(k8s::SetEnv) Act,
    /// Change the CPU and memory that a container is given, and may use
    "k8s.set_resources" K8sSetResources(k8s::SetResources) Act,
    /// Say how a node is, and whether it takes new pods
    "k8s.node_status" K8sNodeStatus(k8s::NodeStatus) Look,
    /// Let a node take no new pods
    "k8s.cordon" K8sCordon(k8s::Cordon) Act,
    /// Let a node take new pods again
    "k8s.uncordon" K8sUncordon(k8s::Uncordon) Act,
    /// Have a node's pods go, as far as disruption budgets allow, and let it take no new ones
    "k8s.drain" K8sDrain(k8s::Drain) Act,
    /// Run a command in a container, without a shell
    "k8s.pod_exec" K8sPodExec(k8s::PodExec) Act,
    /// Say whether a web server answers as it should
    "http.check" HttpCheck(http::Check) Look,
    /// Tell a web server to do something
    "http.request" HttpRequest(http::Request) Act,
    /// Say who is connected to a PostgreSQL server, and how much room there is
    "postgres.connections" PostgresConnections(postgres::Connections) Look,
    /// Close connections of a PostgreSQL server that idle for too long
    "postgres.terminate_idle" PostgresTerminateIdle(postgres::TerminateIdle) Act,
    /// Set a number or a switch of a PostgreSQL server for good, within bounds
    "postgres.set" PostgresSet(postgres::Set) Act,
    /// Set how many connections a PgBouncer opens
    "pgbouncer.set_pool" PgbouncerSetPool(pgbouncer::SetPool) Act,
    /// Say how a Redis stands
    "redis.info" RedisInfo(redis::Info) Look,
    /// Say how many lookups of a Redis find their key now
    "redis.hit_ratio" RedisHitRatio(redis::HitRatio) Look,
    /// Say which keys of a Redis are looked up most
    "redis.hot_keys" RedisHotKeys(redis::HotKeys) Look,
    /// Remove keys of a Redis that nobody looks up: some at a time, and never all
    "redis.delete_stale" RedisDeleteStale(redis::DeleteStale) Act,
    /// Ask a list of URLs, so that what they need is in a cache again
    "cache.warm" CacheWarm(cache::Warm) Act,
    /// Say what a metric is now
    "prometheus.query" PrometheusQuery(prometheus::Query) Look,
    /// Say whether an alert still fires, by the word of its sender
    "alert.still_firing" AlertStillFiring(alert::StillFiring) Look,
    /// Let time pass; as a step of a run, a timer that outlives the process
    "wait" Wait(wait::Args) Look,
    /// Page who is on call, or say that it is over
    "page" Page(tell::PageArgs) Act,
    /// Post a message in the configured channel
    "notify.slack" NotifySlack(tell::SlackArgs) Act,
    /// Make a ticket, unless it is there already
    "ticket.create" TicketCreate(tell::TicketArgs) Act,
}

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
