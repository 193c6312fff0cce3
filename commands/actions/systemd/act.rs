//! `systemd.restart`, `systemd.start`, `systemd.stop`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::{Unit, existing};
use crate::actions::{Act, Action, Attempt, Broken, Change, Deed, Plan, Probed, Verified};
use crate::context::{Context, Open};
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::host::{UnitBroken, UnitState, UnitVerb};
use crate::report::{Cell, Fact};
use crate::shell;

/// Seconds that the manager's job is waited for; its own limit for a start is 90.
const PATIENCE: u64 = 120;
/// How often a unit that was started is looked at again, half a second apart, before it is believed.
const LOOKS: usize = 4;

macro_rules! verbs {
    ($($(#[$doc:meta])* $args:ident $name:literal $verb:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        pub struct $args {
            /// The unit; `.service` where its name has no kind
            #[arg(long, value_name = "NAME")]
            pub unit: Unit,
        }

        #[async_trait]
        impl Act for $args {
            fn effect(&self) -> Effect {
                Effect::Once
            }

            fn taken_back(&self) -> TakenBack {
                taken_back(UnitVerb::$verb)
            }

            fn undo(&self) -> Option<Action> {
                undo(UnitVerb::$verb, &self.unit)
            }

            fn self_evident(&self) -> &'static [(&'static str, &'static str)] {
                // That a unit is up is what the act itself sets.
                &[("systemd.status", "active"), ("systemd.status", "sub"), ("systemd.status", "pid")]
            }

            async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
                plan(context, $name, UnitVerb::$verb, &self.unit).await
            }

            async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
                carry_out(attempt, UnitVerb::$verb, &self.unit).await
            }

            async fn verify(&self, context: &Context, agreed: &Plan) -> Result<Verified, Fault> {
                verify(context, agreed, UnitVerb::$verb, &self.unit).await
            }

            async fn probe(&self, context: &Context, open: &Open) -> Result<Probed, Fault> {
                let now = context.units()?.unit(self.unit.name()).await?;
                Ok(probed(UnitVerb::$verb, &Before::of(&open.begun["more"]), &now))
            }
        }
    )*};
}

verbs! {
    /// Which unit to restart.
    Restart "systemd.restart" Restart;
    /// Which unit to start.
    Start "systemd.start" Start;
    /// Which unit to stop.
    Stop "systemd.stop" Stop;
}

fn taken_back(verb: UnitVerb) -> TakenBack {
    match verb {
        UnitVerb::Restart => TakenBack::Transient,
        UnitVerb::Start | UnitVerb::Stop => TakenBack::Undo,
    }
}

fn undo(verb: UnitVerb, unit: &Unit) -> Option<Action> {
    match verb {
        UnitVerb::Restart => None,
        UnitVerb::Start => Some(Action::SystemdStop(Stop { unit: unit.clone() })),
        UnitVerb::Stop => Some(Action::SystemdStart(Start { unit: unit.clone() })),
    }
}

async fn plan(context: &Context, action: &'static str, verb: UnitVerb, unit: &Unit) -> Result<Plan, Fault> {
    context.progress().stage(&format!("looking at {unit}"));
    let state = existing(context, unit).await?;
    let place = context.units()?.place();
    if matches!(state.load.as_str(), "masked" | "bad-setting" | "error") && verb != UnitVerb::Stop {
        return Err(Fault::new(Kind::Failed, format!("{unit} cannot be started: it is {}", state.load))
            .hint("nothing was done; `systemctl status` says more"));
    }
    if state.job {
        return Err(Fault::new(Kind::Busy, format!("systemd is at work on {unit} already"))
            .because(format!("it is {}", state.words()))
            .hint("wait for it, and run this again"));
    }
    let (word, after) = match verb {
        UnitVerb::Restart => ("restart", "active, under a new process".to_owned()),
        UnitVerb::Start => ("start", "active".to_owned()),
        UnitVerb::Stop => ("stop", "inactive".to_owned()),
    };
    let nothing = match verb {
        UnitVerb::Restart => false,
        UnitVerb::Start => state.is_active(),
        UnitVerb::Stop => matches!(state.active.as_str(), "inactive" | "failed"),
    };
    let changes = if nothing { Vec::new() } else { vec![Change::new(state.name.clone(), shown(&state), after)] };
    let mut notes = Vec::new();
    if state.restarts > 0 && !nothing {
        notes.push(format!("systemd itself restarted it {} times", state.restarts));
    }
    if let Some(back) = undo(verb, unit).filter(|_| !nothing) {
        let line: Vec<String> = back.words().iter().map(|word| shell::word(word)).collect();
        notes.push(format!("taken back by: ira {}", line.join(" ")));
    }
    let what = if nothing { format!("{} is {}", state.name, state.words()) } else { format!("{word} {}", state.name) };
    Ok(Plan {
        action,
        what,
        target: format!("systemd {place} {}", state.name),
        place,
        changes,
        spend: None,
        nothing,
        effect: Effect::Once,
        reach: Reach::Target,
        taken_back: taken_back(verb),
        notes,
    })
}

fn shown(state: &UnitState) -> String {
    let mut parts = vec![state.words()];
    if state.pid != 0 {
        parts.push(format!("pid {}", state.pid));
    }
    if !state.result.is_empty() && state.result != "success" {
        parts.push(state.result.clone());
    }
    parts.join(", ")
}

async fn carry_out(attempt: &Attempt<'_>, verb: UnitVerb, unit: &Unit) -> Result<Deed, Fault> {
    let context = attempt.context;
    let before = existing(context, unit).await?;
    let step = attempt.begin(&Before::from(&before).json())?;
    context.progress().stage(&attempt.plan.what);
    let result = match step.units()?.job(verb, &before.name, PATIENCE).await {
        Err(UnitBroken::Refused(fault)) => Err(Broken::before(fault)),
        Err(UnitBroken::Unknown(fault)) => Err(Broken::unknown(fault)),
        Ok(result) if result == "done" => done(context, &before).await,
        // Something else went before it: another job took its place, or it was not to be done at all.
        Ok(result) if matches!(result.as_str(), "canceled" | "collected" | "once") => {
            Err(Broken::unknown(Fault::new(Kind::Failed, format!("systemd ended the job for {unit}: {result}"))))
        }
        Ok(result) if result == "skipped" => {
            Err(Broken::before(Fault::new(Kind::Failed, format!("systemd had nothing to do for {unit}"))))
        }
        Ok(result) => {
            let fault = Fault::new(Kind::Failed, format!("systemd could not {}: {result}", attempt.plan.what));
            let now = context.units()?.unit(&before.name).await;
            let fault = match now {
                Ok(now) => fault.because(format!("it is now {}", shown(&now))),
                Err(why) => fault.because(format!("and how it is now cannot be read: {}", why.one_line())),
            };
            Err(Broken::amid(fault.hint(format!("its log says why: journalctl -u {}", before.name))))
        }
    };
    attempt.end(step, result)
}

async fn done(context: &Context, before: &UnitState) -> Result<Deed, Broken> {
    // It was done; that it cannot be read is said by who verifies.
    let now = match context.units() {
        Ok(units) => units.unit(&before.name).await.unwrap_or_else(|_| before.clone()),
        Err(_) => before.clone(),
    };
    let summary = format!("{} → {}", shown(before), shown(&now));
    let fact = Fact { label: "unit", value: Cell::from(now.name.as_str()), note: summary.clone() };
    let data = json!({
        "unit": now.name,
        "pid_before": before.pid,
        "pid": now.pid,
        "active": now.active,
        "sub": now.sub,
        "invocation": now.invocation,
    });
    Ok(Deed { summary, facts: vec![fact], data })
}

/// Reads the unit anew, for a while: one that dies at once was never up.
async fn verify(context: &Context, agreed: &Plan, verb: UnitVerb, unit: &Unit) -> Result<Verified, Fault> {
    let units = context.units()?;
    let first = units.unit(unit.name()).await?;
    let told = |worked, state: &UnitState, more: &str| Verified {
        worked,
        proof: format!("{} is {}{more}", state.name, shown(state)),
    };
    if verb == UnitVerb::Stop {
        return Ok(told(matches!(first.active.as_str(), "inactive" | "failed"), &first, ""));
    }
    let before = agreed.changes.first().map_or("", |change| change.before.as_str());
    let same = format!("pid {}", first.pid);
    if first.pid != 0 && before.split(", ").any(|word| word == same) && verb == UnitVerb::Restart {
        return Ok(told(false, &first, ": the process of before"));
    }
    let mut last = first.clone();
    for _ in 0..LOOKS {
        if !last.is_active() {
            return Ok(told(false, &last, ""));
        }
        units.pause().await;
        last = units.unit(unit.name()).await?;
        if last.invocation != first.invocation || last.restarts > first.restarts {
            return Ok(told(false, &last, ": it did not stay up, and was started again"));
        }
    }
    Ok(told(last.is_active(), &last, if last.is_active() { " and stays so" } else { "" }))
}

/// What of a unit is written down before anything is done to it.
pub(super) struct Before {
    invocation: String,
    active: bool,
    active_since: u64,
    manager_since: u64,
}

impl From<&UnitState> for Before {
    fn from(state: &UnitState) -> Self {
        Self {
            invocation: state.invocation.clone(),
            active: state.is_active(),
            active_since: state.active_since,
            manager_since: state.manager_since,
        }
    }
}

impl Before {
    fn of(more: &Json) -> Self {
        Self {
            invocation: more["invocation"].as_str().unwrap_or_default().to_owned(),
            active: more["active"].as_bool().unwrap_or_default(),
            active_since: more["active_since"].as_u64().unwrap_or_default(),
            manager_since: more["manager_since"].as_u64().unwrap_or_default(),
        }
    }

    fn json(&self) -> Json {
        json!({
            "invocation": self.invocation,
            "active": self.active,
            "active_since": self.active_since,
            "manager_since": self.manager_since,
        })
    }
}

/// What became of an attempt, by how the unit was and how it is.
pub(super) fn probed(verb: UnitVerb, before: &Before, now: &UnitState) -> Probed {
    let is = format!("{} is {}", now.name, shown(now));
    if before.manager_since != now.manager_since {
        return Probed::Unknown(format!("{is}, and systemd itself was started anew since"));
    }
    if now.job {
        return Probed::Unknown(format!("{is}, and systemd is at work on it"));
    }
    let same_run = before.invocation == now.invocation && before.active_since == now.active_since;
    if verb == UnitVerb::Stop {
        return match (now.active.as_str(), same_run) {
            ("inactive" | "failed", _) => Probed::Done(is),
            (_, true) => Probed::NotDone(format!("{is}, the same run as before, and no job is queued")),
            _ => Probed::Unknown(format!("{is}, and it is another run than before")),
        };
    }
    if same_run && !now.invocation.is_empty() && before.active == now.is_active() {
        return Probed::NotDone(format!("{is}, the same run as before, and no job is queued"));
    }
    match now.active.as_str() {
        "active" if before.invocation != now.invocation => Probed::Done(format!("{is}, under a new run")),
        "failed" if before.invocation != now.invocation => Probed::Failed(format!("{is}: it was started, and failed")),
        // One that was never up, or is unloaded, has no run to compare.
        _ => Probed::Unknown(format!("{is}, and nothing tells whether it was started in between")),
    }
}
