//! `ira playbook promote`: the record of a playbook, and whether it shows that it may go further by itself.

use ira_commands::playbook::{Mode, Playbook, Tested, autonomy};
use ira_commands::report::{Cell, Fact, Outcome, Report, Section, Status, Table};
use ira_commands::text::excerpt;
use ira_commands::{Fault, Kind};
use serde_json::json;

use crate::cli::{OutputFlags, PromoteArgs};
use crate::config::Config;
use crate::drill::Last;
use crate::engine::{Record, Standing, promote, standing};
use crate::store::Store;
use crate::{connect, remediate, session, store};

/// Runs of this revision in a row that must have helped before it goes on by itself.
const VERIFIED: usize = 3;
/// Plans that somebody must have looked at before it asks for a yes: those it suggested, or that were agreed to by hand.
const REHEARSED: usize = 1;

/// One thing that the record has to show.
struct Need {
    what: &'static str,
    wanted: String,
    found: String,
    good: bool,
    /// Whether a person's reason counts in its place.
    waived: bool,
}

/// Shows the record in the store of this machine, or promotes. `tested` is what the playbook's own tests came to.
pub(super) fn report(
    args: &PromoteArgs,
    playbook: &Playbook,
    tested: &[Tested],
    output: &OutputFlags,
    actor: &str,
) -> Result<Report, Fault> {
    let config = connect::effective(output)?;
    session::patiently(async {
        let store = store::open(&remediate::uri(&config)?)?;
        of(args, playbook, tested, &config, store.as_ref(), actor).await
    })
}

/// The same in this store.
pub(super) async fn of(
    args: &PromoteArgs,
    playbook: &Playbook,
    tested: &[Tested],
    config: &Config,
    store: &dyn Store,
    actor: &str,
) -> Result<Report, Fault> {
    if args.reason.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
        return Err(Fault::new(Kind::Usage, "--reason is empty: whoever reads the record wants to know why"));
    }
    let name = playbook.name.text.clone();
    let set = config.engine.playbooks.get(&name).and_then(|own| own.mode);
    let stands = standing(store, playbook, set).await?;
    let record = Record::of(store, playbook).await?;
    let Some(to) = args.to.map(Mode::from) else {
        return Ok(shown(playbook, &stands, &record, None, false));
    };
    if to <= stands.rung {
        return Err(Fault::new(Kind::Usage, format!("{name} stands on `{}` already", stands.rung.word()))
            .hint(format!("to keep it from going further: [playbooks.{name}] mode = \"{}\"", to.word())));
    }
    let needs = needs(playbook, tested, &stands, &record, to);
    let waives = args.reason.is_some();
    let good = needs.iter().all(|need| need.good || (need.waived && waives));
    if good {
        let missing: Vec<&str> = needs.iter().filter(|need| !need.good).map(|need| need.what).collect();
        let matter = json!({
            "to": to,
            "from": stands.rung,
            "reason": args.reason,
            "revision": playbook.revision,
            "verified": record.tally.in_a_row,
            "not_shown": missing,
        });
        promote(store, playbook, actor, matter).await?;
    }
    let stands = standing(store, playbook, set).await?;
    Ok(shown(playbook, &stands, &record, Some((to, &needs)), good))
}

/// What has to be shown before a playbook is let onto a rung.
fn needs(playbook: &Playbook, tested: &[Tested], stands: &Standing, record: &Record, to: Mode) -> Vec<Need> {
    let mut needs = Vec::new();
    let mut need = |what, wanted: String, found: String, good, waived| {
        needs.push(Need { what, wanted, found, good, waived });
    };
    let failed = tested.iter().filter(|test| !test.wrong.is_empty()).count();
    need(
        "tests",
        "all pass".to_owned(),
        format!("{} of {} pass", tested.len() - failed, tested.len()),
        failed == 0,
        false,
    );
    let problems = autonomy(playbook, to);
    let said: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    let found = if said.is_empty() { "nothing forbids it".to_owned() } else { said.join("; ") };
    need("the file", format!("may be on `{}`", to.word()), found, said.is_empty(), false);
    let found = record.newest.map_or_else(|| "none".to_owned(), |run| format!("run {run}"));
    // It is written down with it who said so.
    need("a run of it", "one at least".to_owned(), found, record.newest.is_some(), false);
    if !playbook.effects.any() || to < Mode::Approve {
        return needs;
    }
    let shows = |wanted: fn(&ira_commands::playbook::Outcome) -> bool| {
        tested.iter().any(|test| test.wrong.is_empty() && test.outcome.as_ref().is_some_and(wanted))
    };
    let helps = shows(|outcome| outcome.verified == Some(true));
    let fails = shows(|outcome| outcome.escalated && outcome.verified == Some(false));
    let found = match (helps, fails) {
        (true, true) => "both",
        (true, false) => "no test in which it does not help, and somebody is woken",
        (false, true) => "no test in which it helps",
        (false, false) => "neither",
    };
    need("rehearsal in tests", "one that helps, one that does not".to_owned(), found.to_owned(), helps && fails, true);
    let plans = record.rehearsed + record.agreed;
    let wanted = format!("{REHEARSED} plan that people saw");
    need(
        "rehearsals",
        wanted,
        format!("{} suggested, {} agreed to, {} refused", record.rehearsed, record.agreed, record.refused),
        plans >= REHEARSED,
        true,
    );
    if to == Mode::Auto {
        let found = format!(
            "{} of {}, the last {} in a row",
            record.tally.verified,
            record.tally.verified + record.tally.unhelpful,
            record.tally.in_a_row
        );
        need(
            "verified runs",
            format!("{VERIFIED} in a row of this revision"),
            found,
            record.tally.in_a_row >= VERIFIED,
            true,
        );
    }
    if let Some(last) = &record.drill {
        // Nobody has to drill; who did has seen.
        need("the last drill", "mended".to_owned(), drilled(last), last.passed, true);
    }
    if let Some(why) = &stands.demoted {
        // Only a person's word undoes this.
        need("not demoted", "--reason TEXT".to_owned(), why.clone(), false, true);
    }
    needs
}

/// What came of a drill.
fn drilled(last: &Last) -> String {
    let word = if last.passed { "mended" } else { "not mended" };
    format!("{}: {word} (run {})", last.drill, last.run)
}

fn shown(
    playbook: &Playbook,
    stands: &Standing,
    record: &Record,
    asked: Option<(Mode, &[Need])>,
    good: bool,
) -> Report {
    let name = &playbook.name.text;
    let rung = stands.rung.word();
    let (status, headline, advice) = match asked {
        None => (Status::Info, format!("{name} stands on `{rung}`."), String::new()),
        Some((to, _)) if good && stands.rung >= to => {
            (Status::Ok, format!("{name} stands on `{rung}` now."), String::new())
        }
        Some((to, _)) if good => (
            Status::Ok,
            format!("{name} may be on `{}`; it stands on `{rung}`, as it is configured.", to.word()),
            format!("set it in the configuration: [playbooks.{name}] mode = \"{}\"", to.word()),
        ),
        Some((to, needs)) => {
            let missing: Vec<&str> = needs.iter().filter(|need| !need.good).map(|need| need.what).collect();
            let waived = needs.iter().all(|need| need.good || need.waived);
            let advice = if waived {
                "show it, or say with --reason why it may all the same".to_owned()
            } else {
                "what is lacking here no reason stands for: mend the file (`ira playbook check`), run it once by hand"
                    .to_owned()
            };
            (
                Status::Warn,
                format!("{name} stays on `{rung}`: for `{}` it lacks {}.", to.word(), missing.join(", ")),
                advice,
            )
        }
    };
    let fact = |label, value: String, note: String| Fact { label, value: Cell::from(value), note };
    let mut facts = vec![fact("rung", rung.to_owned(), format!("`{}` by file and configuration", stands.set.word()))];
    facts.extend(
        stands.demoted.iter().map(|why| fact("demoted", excerpt(why, 120), "`auto` counts as `approve`".to_owned())),
    );
    let plans = format!("{} suggested, {} agreed to, {} refused", record.rehearsed, record.agreed, record.refused);
    facts.push(fact("plans", plans, String::new()));
    let helped = format!("{} helped, {} did not", record.tally.verified, record.tally.unhelpful);
    facts.push(fact("writes", helped, format!("{} for a key that had come before", record.again)));
    facts.extend(record.drill.as_ref().map(|last| fact("drill", drilled(last), String::new())));
    if let Some(last) = &record.promoted {
        let word = |name: &str| last[name].as_str().unwrap_or_default().to_owned();
        facts.push(fact("promoted", format!("to `{}` by {}", word("to"), word("by")), excerpt(&word("reason"), 120)));
    }
    let row = |need: &Need| {
        let cell = if need.good { Cell::from("yes") } else { Cell::from("no").coloured(Status::Warn) };
        vec![Cell::from(need.what), cell, Cell::from(need.wanted.as_str()), Cell::from(excerpt(&need.found, 120))]
    };
    let needs = asked.map(|(_, needs)| needs).unwrap_or_default();
    let table = Table {
        columns: vec!["what it takes", "shown", "wanted", "found"],
        rows: needs.iter().map(row).collect(),
        ..Table::default()
    };
    let data = json!({
        "playbook": name,
        "revision": playbook.revision,
        "rung": stands.rung,
        "set": stands.set,
        "demoted": stands.demoted,
        "promoted": asked.map(|_| good),
        "record": {
            "runs": record.tally.runs,
            "rehearsed": record.rehearsed,
            "agreed": record.agreed,
            "refused": record.refused,
            "verified": record.tally.verified,
            "in_a_row": record.tally.in_a_row,
            "unhelpful": record.tally.unhelpful,
            "again": record.again,
            "last_promotion": record.promoted,
            "drill": record.drill.as_ref().map(|last| json!({ "name": last.drill, "run": last.run, "passed": last.passed })),
        },
        "needs": needs.iter().map(|need| json!({
            "what": need.what, "wanted": need.wanted, "found": need.found, "shown": need.good,
        })).collect::<Vec<_>>(),
    });
    let tables = if needs.is_empty() { Vec::new() } else { vec![table] };
    Report {
        sections: vec![Section { status, headline, advice, facts, tables }],
        next: Vec::new(),
        data,
        errors: Vec::new(),
        warnings: Vec::new(),
        outcome: if asked.is_some() && !good { Outcome::Problem } else { Outcome::Well },
    }
}
