//! What a playbook would have decided for alerts that were recorded: match, key, targets, and the guards over time.
//!
//! Only what a record can tell: what queries would have said is not known, and is said to be so.

use std::collections::{BTreeMap, BTreeSet};

use super::bind::{arguments, sources};
use super::decide::{Stage, matched};
use super::judge::guard_queries;
use super::model::{Playbook, Season};
use super::scope::{Incoming, Scope};
use super::template::{Template, Variable};
use super::values::params;

/// An alert that was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// When it came in, unix seconds.
    pub at: u64,
    /// The alert.
    pub alert: Incoming,
}

/// A budget of the configuration, as far as it counts runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The most runs that may begin to write within a window; none where only money is counted.
    pub max: Option<u64>,
    /// How long the window is, seconds.
    pub window: u64,
    /// The label that it is counted apart for.
    pub per: Option<String>,
}

/// What the configuration says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The budgets by name.
    pub budgets: BTreeMap<String, Allowance>,
    /// Maintenance windows: from, until (unix seconds), and what they are for; `*` is everything.
    pub maintenance: Vec<(u64, u64, String)>,
    /// More runs than these within a minute are a storm.
    pub storm: Option<u64>,
}

/// What would have become of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// A run.
    Run,
    /// A run, if its queries had said so.
    Unknown,
    /// A guard denies: a person.
    Denied,
    /// It came before, and is no new alert.
    Again,
    /// It is not for this playbook.
    Ignored,
}

impl Verdict {
    /// Every one, from most to least.
    pub const ALL: [Self; 5] = [Self::Run, Self::Unknown, Self::Denied, Self::Again, Self::Ignored];

    /// The word that is shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Unknown => "unknown",
            Self::Denied => "denied",
            Self::Again => "again",
            Self::Ignored => "ignored",
        }
    }
}

/// What would have become of one alert, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backtested {
    /// What.
    pub verdict: Verdict,
    /// By which stage or guard (`match`, `when`, `cooldown`, `target`); empty where it runs.
    pub by: &'static str,
    /// Why, in full.
    pub why: String,
    /// What the run would be about.
    pub key: Vec<String>,
    /// The arguments of the writes that come of the alert alone: step, and each value that it has a part in.
    pub targets: Vec<(String, Vec<String>)>,
}

/// What `playbook` would have decided for each of these, which are in the order of their times. A run is taken to hold its
/// key for as long as one takes that goes well.
pub fn backtest(playbook: &Playbook, recorded: &[Recorded], around: &Surroundings) -> Vec<Backtested> {
    let mut past = Past::default();
    recorded.iter().map(|one| past.judge(playbook, one, around)).collect()
}

/// What came before.
#[derive(Default)]
struct Past {
    /// The alerts that were seen, by labels, beginning and status.
    seen: BTreeSet<String>,
    /// When runs of a key began to write.
    runs: BTreeMap<Vec<String>, Vec<u64>>,
    /// When any did.
    all: Vec<u64>,
    /// When runs that a budget counts did, by its name.
    spent: BTreeMap<String, Vec<u64>>,
}

fn within(times: &[u64], now: u64, window: u64) -> u64 {
    times.iter().filter(|at| at.saturating_add(window) > now).count() as u64
}

impl Past {
    fn judge(&mut self, playbook: &Playbook, one: &Recorded, around: &Surroundings) -> Backtested {
        let end = |verdict, by, why: String| Backtested { verdict, by, why, key: Vec::new(), targets: Vec::new() };
        let alert = &one.alert;
        let key = match matched(playbook, alert) {
            Ok(matched) => matched.key,
            Err(stops) => {
                let Some(stop) = stops.into_iter().rev().max_by_key(|stop| stop.stage) else {
                    return end(Verdict::Ignored, "match", "it is for no alert".to_owned());
                };
                let verdict = if stop.stage == Stage::Key || stop.fault { Verdict::Denied } else { Verdict::Ignored };
                return end(verdict, stop.stage.word(), stop.why);
            }
        };
        let name = format!("{:?}", (&alert.source, &alert.alert.labels, alert.starts_at, alert.alert.resolved));
        let scope = Scope {
            alert: alert.clone(),
            params: params(playbook, &BTreeMap::new()).unwrap_or_default(),
            key,
            ..Scope::default()
        };
        let key: Vec<String> = scope.key.iter().map(|part| part.value.clone()).collect();
        let whole = |verdict, by, why: String| Backtested { key: key.clone(), ..end(verdict, by, why) };
        if alert.starts_at.is_some() && !self.seen.insert(name) {
            return whole(Verdict::Again, "delivery", "the very same alert came before".to_owned());
        }
        if !playbook.effects.any() {
            return whole(Verdict::Run, "", String::new());
        }
        let targets = match targets(playbook, &scope) {
            Ok(targets) => targets,
            Err(why) => return whole(Verdict::Denied, "target", why),
        };
        let denied = self.denied(playbook, &scope, &key, one.at, around);
        if let Some((by, why)) = denied {
            return Backtested { targets, ..whole(Verdict::Denied, by, why) };
        }
        self.runs.entry(key.clone()).or_default().push(one.at);
        self.all.push(one.at);
        if let Some(name) = budget(playbook, &scope, around) {
            self.spent.entry(name).or_default().push(one.at);
        }
        let asked = guard_queries(playbook);
        if asked.is_empty() {
            return Backtested { targets, ..whole(Verdict::Run, "", String::new()) };
        }
        let asked: Vec<String> = asked.iter().map(|name| format!("q.{name}")).collect();
        Backtested { targets, ..whole(Verdict::Unknown, "require", format!("it hangs on {}", asked.join(", "))) }
    }

    /// The guard that says no, and why.
    fn denied(
        &self,
        playbook: &Playbook,
        scope: &Scope,
        key: &[String],
        now: u64,
        around: &Surroundings,
    ) -> Option<(&'static str, String)> {
        let guards = &playbook.guards;
        let not_in = |season| guards.not_during.contains(&season);
        let about = |scope: &str| scope == "*" || scope == playbook.name.text || key.iter().any(|part| part == scope);
        let open = |(from, until, scope): &&(u64, u64, String)| (*from..*until).contains(&now) && about(scope);
        if let Some((.., scope)) = around.maintenance.iter().find(open).filter(|_| not_in(Season::Maintenance)) {
            return Some(("maintenance", format!("a window for {scope} is open")));
        }
        let storm = around.storm.filter(|most| not_in(Season::Storm) && within(&self.all, now, 60) >= *most);
        if let Some(most) = storm {
            return Some(("storm", format!("more than {most} runs within a minute")));
        }
        let times = self.runs.get(key).map(Vec::as_slice).unwrap_or_default();
        let took = playbook.verify.as_ref().map_or(0, |verify| verify.after.saturating_add(verify.hold));
        if let Some(last) = times.last().filter(|last| last.saturating_add(took) > now) {
            return Some(("lock", format!("the run of {} s before is not over", now.saturating_sub(*last))));
        }
        let passed = |last: &u64| now.saturating_sub(*last);
        if let (Some(cooldown), Some(last)) = (guards.cooldown, times.last())
            && passed(last) < cooldown
        {
            return Some((
                "cooldown",
                format!("it was acted on {} s before, and is left alone for {cooldown} s", passed(last)),
            ));
        }
        if let Some(limit) = guards.recurrence.filter(|limit| within(times, now, limit.within) >= limit.max.into()) {
            return Some((
                "recurrence",
                format!("{} times within {} s: a person has to look", limit.max, limit.within),
            ));
        }
        if let Some(limit) = guards.bucket.filter(|limit| within(&self.all, now, limit.within) >= limit.max.into()) {
            return Some(("bucket", format!("{} runs within {} s", limit.max, limit.within)));
        }
        let named = guards.budget.as_ref()?;
        let Some(allowance) = around.budgets.get(&named.text) else {
            return Some(("budget", format!("the configuration has no budget `{}`", named.text)));
        };
        let Some(name) = budget(playbook, scope, around) else {
            let label = allowance.per.as_deref().unwrap_or_default();
            return Some(("budget", format!("it is counted for each `{label}`, and the alert has none")));
        };
        let spent = self.spent.get(&name).map(Vec::as_slice).unwrap_or_default();
        let most = allowance.max.filter(|most| within(spent, now, allowance.window) >= *most)?;
        Some(("budget", format!("{name}: {most} runs within {} s", allowance.window)))
    }
}

/// What a run is counted under.
fn budget(playbook: &Playbook, scope: &Scope, around: &Surroundings) -> Option<String> {
    let name = &playbook.guards.budget.as_ref()?.text;
    match &around.budgets.get(name)?.per {
        None => Some(name.clone()),
        Some(label) => {
            let value = scope.alert.alert.labels.get(label).filter(|value| !value.is_empty())?;
            Some(format!("{name}:{value}"))
        }
    }
}

/// What the writes would act on, as far as the alert says it; or why one is refused.
fn targets(playbook: &Playbook, scope: &Scope) -> Result<Vec<(String, Vec<String>)>, String> {
    let mut all = Vec::new();
    for (step, _) in playbook.steps.iter().zip(&playbook.effects.writes).filter(|(_, writes)| **writes) {
        // What an earlier step answers is in no record.
        let unknown = |variable: &&Variable| matches!(variable, Variable::Item | Variable::Output { .. });
        if sources(&step.with).iter().any(unknown) {
            continue;
        }
        let with = arguments(playbook, step, true, scope)
            .map_err(|refusal| format!("`{}`: {}", step.id.text, refusal.message))?;
        let told = |name: &String| {
            let Template::Map(entries, _) = &step.with else { return false };
            entries.iter().any(|entry| entry.name == *name && !sources(&entry.value).is_empty())
        };
        let values = with.as_object().into_iter().flatten().filter(|(name, _)| told(name));
        let values = values.map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("{name} {text}")
        });
        all.push((step.id.text.clone(), values.collect()));
    }
    Ok(all)
}
