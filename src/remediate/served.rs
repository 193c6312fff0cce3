//! The engine asked through a daemon: it plans with what it has loaded, and begins what a person said yes to.

use std::sync::Arc;
use std::time::Duration;

use ira_commands::playbook::{Incoming, Mode, Playbook};
use ira_commands::report::Cell;
use ira_commands::{Fault, Kind, Report, alert};

use super::case::{Case, Next};
use super::choose::{self, Chosen};
use super::{Around, ended, line, look, nothing, overrides, paged, params, shown, wanted};
use crate::cli::{OutputFlags, Reach, RemediateArgs};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::engine::Engine;
use crate::progress::Silent;
use crate::runs;
use crate::store::ask::Admission;
use crate::store::model::RunId;

/// What is asked.
pub struct Asked<'a> {
    /// As on the command line.
    pub args: &'a RemediateArgs,
    /// The alerts, as their sender wrote them.
    pub alert: &'a str,
    /// The playbooks that are loaded, with their texts.
    pub books: Vec<(&'a Playbook, &'a str)>,
    /// The daemon's own flags.
    pub output: &'a OutputFlags,
    /// Its configuration.
    pub config: &'a Arc<Config>,
    /// Who asks.
    pub actor: &'a str,
}

/// What would be done.
pub struct Planned {
    /// It, for a person.
    pub report: Report,
    /// The exit code where nothing more is done.
    pub code: u8,
    cases: Vec<Case>,
    /// Whether it is to be begun at all.
    begins: bool,
    line: String,
}

/// A run that was begun.
pub struct Begun {
    /// Its number.
    pub id: RunId,
    /// The plan that was agreed to; none where a second person has to agree.
    pub agreed: Option<String>,
}

impl Planned {
    /// The plans that a person may say yes to, by their hashes.
    pub fn plans(&self) -> Vec<String> {
        if !self.begins {
            return Vec::new();
        }
        let plan = |case: &Case| match case.next() {
            Next::Agree => case.preview.as_ref().map(|preview| preview.plan.hash.clone()),
            // It changes nothing: there is nothing to read before a yes.
            Next::Run => Some(String::new()),
            _ => None,
        };
        self.cases.iter().filter_map(plan).collect()
    }

    /// What is said where nobody says yes.
    pub fn unconfirmed(&self) -> Option<Fault> {
        let waits = self.plans().iter().any(|plan| !plan.is_empty());
        waits
            .then(|| Fault::new(Kind::Confirmation, "nothing was done: it has to be confirmed").hint(self.line.clone()))
    }
}

fn around<'a>(asked: &Asked<'a>, reach: &'a Reach) -> Result<Around<'a>, Fault> {
    Ok(Around {
        args: asked.args,
        reach,
        output: asked.output,
        config: Arc::clone(asked.config),
        actor: asked.actor.to_owned(),
        overrides: overrides(asked.args, asked.actor)?,
        progress: Arc::new(Silent),
        text: asked.alert.to_owned(),
    })
}

/// Plans for each firing alert; nothing is written.
pub async fn plan(asked: &Asked<'_>) -> Result<Planned, Fault> {
    let reach = Reach::default();
    let around = around(asked, &reach)?;
    let (over, firing): (Vec<_>, Vec<_>) = alert::parse(asked.alert)?.into_iter().partition(|alert| alert.resolved);
    let line = line(&around, &["--yes"]);
    if firing.is_empty() {
        let said = if over.len() == 1 { "the alert is resolved" } else { "every alert is resolved" };
        let report = runs::line(format!("Nothing to do: {said}."));
        return Ok(Planned { report, code: 0, cases: Vec::new(), begins: false, line });
    }
    let mut cases: Vec<Case> = Vec::new();
    for alert in firing {
        let incoming = Incoming { source: asked.args.source.clone(), alert, starts_at: None };
        let chosen = choose::loaded(&asked.books, asked.args.playbook.as_deref(), &incoming).and_then(|chosen| {
            let params = params(&chosen.playbook, &asked.args.params)?;
            Ok((chosen, params))
        });
        let case = Case::new(incoming, chosen);
        let same_as = cases.iter().position(|other| other.same_as.is_none() && other.is_as(&case));
        cases.push(Case { same_as, ..case });
    }
    if let [Case { chosen: chosen @ Err(_), .. }] = cases.as_mut_slice() {
        let none = Fault::new(Kind::Failed, "there is no playbook");
        return Err(std::mem::replace(chosen, Err(none)).err().unwrap_or_else(|| Fault::new(Kind::Failed, "none")));
    }
    look(&around, &mut cases).await?;
    let now = ira_commands::ports::Clock::now(&SystemClock) * 1_000;
    let mut report = shown::plan(&cases, asked.config, now);
    // What is said of this machine by hand is another one's here.
    for fact in report.sections.iter_mut().flat_map(|section| &mut section.facts) {
        match fact.label {
            "guards" => "shared with the daemon".clone_into(&mut fact.note),
            "when its process dies" => fact.value = Cell::from("the daemon's own arms (`ira help daemon`)"),
            _ => {}
        }
    }
    let agree = cases.iter().any(|case| case.next() == Next::Agree);
    let runs = cases.iter().any(|case| case.next() == Next::Run);
    let rung = asked.args.mode.map_or(Mode::Auto, Mode::from);
    let writes = cases.iter().any(|case| case.preview.is_some());
    if writes && (asked.args.dry_run || rung <= Mode::Suggest) {
        report.next = agree.then(|| line.clone()).into_iter().collect();
        return Ok(Planned { report, code: 0, cases, begins: false, line });
    }
    let begins = agree || runs;
    let mut code = Kind::Confirmation.exit_code();
    if begins {
        report.next = vec![line.clone()];
    } else {
        code = nothing(&around, &cases, &mut report);
    }
    Ok(Planned { report, code, cases, begins, line })
}

/// Writes down the runs of these plans.
pub async fn begin(
    asked: &Asked<'_>,
    planned: &Planned,
    engine: &Engine,
    agreed: &[String],
) -> Result<Vec<Begun>, Fault> {
    let reach = Reach::default();
    let around = around(asked, &reach)?;
    let mut begun = Vec::new();
    for case in &planned.cases {
        let plan = match case.next() {
            Next::Agree => case.preview.as_ref().map(|preview| preview.plan.hash.clone()),
            Next::Run => Some(String::new()),
            _ => None,
        };
        let (Ok(chosen), Some(plan)) = (&case.chosen, plan) else { continue };
        if !agreed.contains(&plan) {
            if plan.is_empty() {
                continue;
            }
            return Err(Fault::new(Kind::Confirmation, "nothing was done: the plan has changed since it was shown")
                .hint(line(&around, &["--dry-run"])));
        }
        begun.push(one(&around, case, chosen, engine, plan).await?);
    }
    Ok(begun)
}

async fn one(around: &Around<'_>, case: &Case, chosen: &Chosen, engine: &Engine, plan: String) -> Result<Begun, Fault> {
    let key = format!("hand:{:016x}{:016x}", rand::random::<u64>(), rand::random::<u64>());
    let wanted = wanted(around, case, &chosen.playbook, &chosen.text, &key);
    let mut wanted = paged::paged(wanted, around, engine.store.as_ref()).await?;
    let second = chosen.playbook.approve.as_ref().filter(|approve| approve.second_person);
    if let Some(approve) = second {
        // The time in which somebody else may agree is not the run's own.
        wanted.escalate_in = wanted.escalate_in.map(|own| own + Duration::from_secs(approve.within));
    }
    let run = match engine.admit(wanted).await? {
        Admission::New(run) | Admission::Again(run) => run,
        Admission::Active(run) => {
            return Err(Fault::new(Kind::Busy, format!("run {} is for this alert already, and has not ended", run.id))
                .because(format!("it is {}", run.state))
                .hint(format!("ira run show {0}, then: ira run cancel {0}", run.id)));
        }
    };
    Ok(Begun { id: run.id, agreed: second.is_none().then_some(plan) })
}

/// The exit code of how a run ended.
pub fn exit(came: &crate::engine::Came) -> u8 {
    ended::exit(came, false)
}
