//! `postgres.set`: a setting of the server, for good.

use async_trait::async_trait;
use serde_json::json;

use crate::actions::{Act, Action, Attempt, Change, Deed, Plan, Probed, Verified};
use crate::context::{Context, Open};
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::data::PgSetting;
use crate::report::{Cell, Fact};
use crate::shell;
use crate::text::excerpt;

const NAME: &str = "postgres.set";
/// What loses data, or hides that it is lost, where it is off (or on).
const NEVER: [&str; 6] = [
    "fsync",
    "full_page_writes",
    "zero_damaged_pages",
    "ignore_checksum_failure",
    "ignore_invalid_pages",
    "allow_system_table_mods",
];
/// How often it is read back, half a second apart.
const LOOKS: usize = 6;

/// Which setting, and to what.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Set {
    /// The server, as the configuration names it: [postgres.NAME]
    #[arg(long, value_name = "NAME")]
    pub server: String,

    /// The setting: a number, an enumeration, on or off; never a text, which may name a program
    #[arg(long, value_name = "NAME")]
    pub setting: String,

    /// Its new value, in its own unit
    #[arg(long, value_name = "VALUE", conflicts_with_all = ["times", "reset"])]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,

    /// So many times what it is now, in place of a value
    #[arg(long, value_name = "FACTOR", conflicts_with = "reset")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<f64>,

    /// Take back what was written for it
    #[arg(long)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reset: bool,

    /// Never below this
    #[arg(long, value_name = "NUMBER")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,

    /// Never above this; needed with --times
    #[arg(long, value_name = "NUMBER")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
}

fn refused(what: impl Into<String>) -> Fault {
    Fault::new(Kind::Usage, what)
}

impl Set {
    /// What is to be written; none where what was written is to be taken back.
    fn after(&self, now: &PgSetting) -> Result<Option<String>, Fault> {
        let name = &now.name;
        if NEVER.contains(&name.as_str()) || now.category == "Developer Options" {
            return Err(refused(format!("{name} is not set by ira: it can lose data")));
        }
        if !matches!(now.kind.as_str(), "integer" | "real" | "bool" | "enum") {
            return Err(refused(format!("{name} is a text, and those are not set by ira"))
                .because("some of them name a program that the server runs"));
        }
        if now.context == "internal" {
            return Err(refused(format!("{name} cannot be changed: the server was built or set up with it")));
        }
        let value = match (&self.value, self.times, self.reset) {
            (None, None, true) => return Ok(None),
            (Some(value), None, false) => value.trim().to_owned(),
            (None, Some(factor), false) => self.multiplied(now, factor)?,
            _ => return Err(refused("it takes one of --value, --times and --reset")),
        };
        self.checked(now, &value).map(Some)
    }

    fn multiplied(&self, now: &PgSetting, factor: f64) -> Result<String, Fault> {
        let most = self.at_most.ok_or_else(|| refused("--times needs a bound: --at-most"))?;
        // What was written and waits for a restart counts: raised twice it is raised twice.
        let base = now.written.as_deref().filter(|_| now.waits_for_restart).unwrap_or(&now.value);
        let base: f64 = base.parse().map_err(|_| refused(format!("{} is no number", now.name)))?;
        if !factor.is_finite() || factor <= 0.0 {
            return Err(refused("--times takes a factor above zero: 1.5"));
        }
        let bounded = (base * factor).min(most).max(self.at_least.unwrap_or(f64::MIN));
        Ok(if now.kind == "integer" { format!("{:.0}", bounded.floor()) } else { bounded.to_string() })
    }

    fn checked(&self, now: &PgSetting, value: &str) -> Result<String, Fault> {
        let name = &now.name;
        if now.kind == "bool" {
            return match value {
                "on" | "true" | "yes" | "1" => Ok("on".to_owned()),
                "off" | "false" | "no" | "0" => Ok("off".to_owned()),
                _ => Err(refused(format!("{name} is on or off"))),
            };
        }
        if now.kind == "enum" {
            let found = now.choices.iter().any(|choice| choice == value);
            let hint = format!("one of {}", now.choices.join(", "));
            return if found {
                Ok(value.to_owned())
            } else {
                Err(refused(format!("{name} has no such value")).hint(hint))
            };
        }
        let unit = if now.unit.is_empty() { String::new() } else { format!(", in units of {}", now.unit) };
        let number: f64 = match value.parse() {
            Ok(number) if f64::is_finite(number) => number,
            _ => return Err(refused(format!("{name} takes a number{unit}: {} is none", excerpt(value, 40)))),
        };
        if now.kind == "integer" && number.fract() != 0.0 {
            return Err(refused(format!("{name} takes a whole number{unit}")));
        }
        let lowest = [now.least, self.at_least].into_iter().flatten().fold(f64::MIN, f64::max);
        let highest = [now.most, self.at_most].into_iter().flatten().fold(f64::MAX, f64::min);
        if number < lowest || number > highest {
            let fault = refused(format!("{name} = {number} is out of bounds{unit}"));
            return Err(fault.because(format!("it may be {lowest} to {highest}")).hint("nothing was done"));
        }
        Ok(number.to_string())
    }

    /// What takes it back: the value that was written before, or none.
    fn back(&self, before: &PgSetting) -> Action {
        Action::PostgresSet(Self {
            server: self.server.clone(),
            setting: before.name.clone(),
            value: before.written.clone(),
            times: None,
            reset: before.written.is_none(),
            at_least: None,
            at_most: None,
        })
    }
}

/// Whether what is written means this value: `1.0` is `1`, `true` is `on`.
fn is_written(now: &PgSetting, value: Option<&str>) -> bool {
    match (now.written.as_deref(), value) {
        (None, None) => true,
        (Some(has), Some(wanted)) => {
            has == wanted || has.parse::<f64>().ok().is_some_and(|has| wanted.parse() == Ok(has))
        }
        _ => false,
    }
}

fn needs_restart(now: &PgSetting) -> bool {
    now.context == "postmaster"
}

fn shown(now: &PgSetting) -> String {
    let unit = if now.unit.is_empty() { String::new() } else { format!(" × {}", now.unit) };
    match &now.written {
        Some(written) if *written != now.value => format!("{}{unit}, with {written} written for it", now.value),
        Some(_) => format!("{}{unit}, written by ALTER SYSTEM", now.value),
        None => format!("{}{unit}", now.value),
    }
}

#[async_trait]
impl Act for Set {
    fn effect(&self) -> Effect {
        Effect::Once
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Undo
    }

    fn self_evident(&self) -> &'static [(&'static str, &'static str)] {
        &[("postgres.connections", "max"), ("postgres.connections", "usable")]
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        let postgres = context.postgres()?;
        let place = postgres.place(&self.server)?;
        context.progress().stage(&format!("asking {place}"));
        let now = postgres.setting(&self.server, &self.setting).await?;
        let after = self.after(&now)?;
        let nothing = in_force(&now, after.as_deref())
            || (now.written.is_none() && !now.waits_for_restart && after.as_deref() == Some(now.value.as_str()));
        let mut notes = Vec::new();
        if needs_restart(&now) {
            notes.push(format!("{} comes into force when the server is restarted, and not before", now.name));
        } else if now.context == "backend" || now.context == "superuser-backend" {
            notes.push("it comes into force for connections that are opened later".to_owned());
        }
        if !nothing {
            let line: Vec<String> = self.back(&now).words().iter().map(|word| shell::word(word)).collect();
            notes.push(format!("taken back by: ira {}", line.join(" ")));
        }
        let (what, to) = match (&after, nothing) {
            (_, true) => (format!("{} is {}", now.name, shown(&now)), String::new()),
            (Some(value), _) => (format!("set {} to {value}", now.name), value.clone()),
            (None, _) => {
                (format!("take back what was written for {}", now.name), "as the configuration file has it".to_owned())
            }
        };
        let changes = if nothing { Vec::new() } else { vec![Change::new(now.name.clone(), shown(&now), to)] };
        Ok(Plan {
            action: NAME,
            what,
            target: format!("postgres {place} {}", now.name),
            place,
            changes,
            spend: None,
            nothing,
            effect: Effect::Once,
            reach: Reach::Target,
            taken_back: TakenBack::Undo,
            notes,
        })
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let context = attempt.context;
        let before = context.postgres()?.setting(&self.server, &self.setting).await?;
        let after = self.after(&before)?;
        let tag = format!("ira set {}", context.now());
        let step = attempt.begin(&json!({ "session": tag, "before": before.written, "after": after }))?;
        context.progress().stage(&attempt.plan.what);
        let set = step.postgres()?.set(&self.server, &tag, &before.name, after.as_deref()).await;
        let result = set.map(|()| {
            let to = after.as_deref().unwrap_or("what the configuration file says");
            let restart = needs_restart(&before);
            let summary = format!("{} → {to}{}", before.value, if restart { ", at the next restart" } else { "" });
            let fact = Fact { label: "setting", value: Cell::from(before.name.as_str()), note: summary.clone() };
            let line: Vec<String> = self.back(&before).words().iter().map(|word| shell::word(word)).collect();
            let back =
                Fact { label: "undo", value: Cell::from(format!("ira {}", line.join(" "))), note: String::new() };
            let data = json!({
                "setting": before.name,
                "before": before.value,
                "written_before": before.written,
                "value": after,
                "restart_needed": restart,
                "undo": self.back(&before).with(),
            });
            Deed { summary, facts: vec![fact, back], data }
        });
        attempt.end(step, result)
    }

    async fn verify(&self, context: &Context, agreed: &Plan) -> Result<Verified, Fault> {
        let postgres = context.postgres()?;
        let wanted = agreed.changes.first().filter(|_| !self.reset).map(|change| change.after.as_str());
        let mut now = postgres.setting(&self.server, &self.setting).await?;
        // The server reads it a moment after it was told to.
        for _ in 0..LOOKS {
            if in_force(&now, wanted) {
                break;
            }
            postgres.pause().await;
            now = postgres.setting(&self.server, &self.setting).await?;
        }
        let proof = match (needs_restart(&now) && now.waits_for_restart, &now.written) {
            (true, Some(written)) => format!("{} is {}, and {written} at the next restart", now.name, now.value),
            _ => format!("{} is {}", now.name, shown(&now)),
        };
        Ok(Verified { worked: in_force(&now, wanted), proof })
    }

    async fn probe(&self, context: &Context, open: &Open) -> Result<Probed, Fault> {
        let more = &open.begun["more"];
        let postgres = context.postgres()?;
        if postgres.at_work(&self.server, more["session"].as_str().unwrap_or_default()).await? > 0 {
            return Ok(Probed::Unknown("the session that sets it is at work still".to_owned()));
        }
        let now = postgres.setting(&self.server, &self.setting).await?;
        Ok(probed(more["before"].as_str(), more["after"].as_str(), &now))
    }
}

/// Whether what was to be written is, and counts as far as it can without a restart.
fn in_force(now: &PgSetting, wanted: Option<&str>) -> bool {
    let same = |a: &str, b: &str| a == b || a.parse::<f64>().ok().is_some_and(|a| b.parse() == Ok(a));
    is_written(now, wanted) && (wanted.is_none_or(|wanted| same(&now.value, wanted)) || now.waits_for_restart)
}

/// What became of an attempt, by what was written before it, what it was to write, and what is written now.
pub(super) fn probed(before: Option<&str>, after: Option<&str>, now: &PgSetting) -> Probed {
    let is = format!("{} is {}", now.name, shown(now));
    if is_written(now, after) {
        return if in_force(now, after) {
            Probed::Done(is)
        } else {
            Probed::Failed(format!("{is}; it was written, and the server has not read it: SELECT pg_reload_conf()"))
        };
    }
    if is_written(now, before) {
        return Probed::NotDone(format!("{is}, as before, and no session sets it"));
    }
    Probed::Unknown(format!("{is}: neither what it was nor what it was to be"))
}
