//! The plan and what came of it, for a person and for a program.

use serde_json::{Value as Json, json};

use crate::actions::Action;
use crate::fault::Fault;
use crate::report::{Cell, Fact, Outcome, Report, Section, Status, Table};
use crate::units::{address, duration, short_address, short_hex, thousands};
use crate::value::{H256, U256};
use crate::vrf_runbook::whose::short_id;
use crate::vrf_runbook::{Diagnosis, present};
use crate::words::Hash;

use super::act::{Deeds, Ended};
use super::{Mending, Part, Refused};

/// The letter of a part; beyond `z` its number.
fn letter(at: usize) -> String {
    u8::try_from(at).ok().filter(|at| *at < 26).map_or_else(|| (at + 1).to_string(), |at| char::from(b'a' + at).into())
}

/// `request 0x4f…21`, or how many.
fn of_requests(ids: &[U256]) -> String {
    match ids {
        [one] => format!("request {}", present::name(*one)),
        many => format!("{} requests", many.len()),
    }
}

/// The diagnosis with what would be done about it.
pub fn planned(mending: &Mending) -> Report {
    let mut report = mending.diagnosis.clone();
    if !mending.is_nothing() {
        report.next.clear();
        report.sections.iter_mut().for_each(brief);
    }
    report.sections.extend(section(mending));
    report.sections.extend(mending.refused.iter().map(refused));
    let actions = mending.parts.iter().map(|part| action(part, "planned", None));
    report.data["actions"] = actions.chain(mending.refused.iter().map(not_done)).collect();
    report.data["plan"] = if mending.is_nothing() { Json::Null } else { whole(mending) };
    report
}

/// The whole plan for a program, with each thing that it acts on.
fn whole(mending: &Mending) -> Json {
    let mut plan = mending.whole.json();
    plan["targets"] = mending.parts.iter().map(|part| part.plan.target.as_str()).collect();
    plan
}

/// Keeps of a diagnosis what the plan is about: what holds. The rest is folded away.
fn brief(section: &mut Section) {
    section.advice.clear();
    section.facts.clear();
    for table in &mut section.tables {
        let holds = |row: &Vec<Cell>| row.get(1).is_none_or(|step| step.status != Some(Status::Unknown));
        let (rows, unknown): (Vec<_>, Vec<_>) = std::mem::take(&mut table.rows).into_iter().partition(holds);
        if !unknown.is_empty() {
            let more = format!("{} not checkable without the node", unknown.len());
            table.folded_note = if table.folded.is_empty() { more } else { format!("{}, {more}", table.folded_note) };
        }
        table.rows = rows;
        table.folded.splice(0..0, unknown);
    }
}

/// The plan; none where nothing can be done.
fn section(mending: &Mending) -> Option<Section> {
    if mending.is_nothing() {
        return None;
    }
    let whole = &mending.whole;
    let mut facts = Vec::new();
    if let Some(spend) = &whole.spend {
        let signer = Cell::shortened(short_address(spend.signer), address(spend.signer));
        facts.push(Fact { label: "signer", value: signer, note: spend.count_text() });
    }
    facts.extend(whole.notes.iter().map(|note| Fact {
        label: "note",
        value: Cell::from(note.as_str()),
        note: String::new(),
    }));
    let rows = mending.parts.iter().enumerate().flat_map(|(at, part)| {
        part.plan.changes.iter().enumerate().map(move |(nth, change)| {
            let (letter, what) = if nth == 0 { (letter(at), what(part)) } else { (String::new(), Cell::default()) };
            vec![
                Cell::from(letter),
                what,
                value(&change.before),
                value(&change.after),
                Cell::from(format!("{}, {}", part.wanted.cause, of_requests(&part.wanted.requests))),
            ]
        })
    });
    let table =
        Table { columns: vec!["", "action", "before", "after", "mends"], rows: rows.collect(), ..Table::default() };
    Some(Section {
        status: Status::Info,
        headline: whole.headline(),
        advice: String::new(),
        facts,
        tables: vec![table],
    })
}

/// A value before or after; a hash is long.
fn value(text: &str) -> Cell {
    match text.parse::<Hash>() {
        Ok(Hash(hash)) => Cell::shortened(short_hex(hash.as_bytes()), text),
        Err(_) => Cell::from(text),
    }
}

/// What a part does; an id of a subscription is long.
fn what(part: &Part) -> Cell {
    let full = part.plan.what.as_str();
    match &part.wanted.action {
        Action::FundSubscription(fund) => {
            Cell::shortened(full.replace(&fund.subscription.to_string(), &short_id(fund.subscription.0)), full)
        }
        _ => Cell::from(full),
    }
}

fn refused(refused: &Refused) -> Section {
    Section {
        status: Status::Warn,
        headline: format!("Not mended: {} of {}: {}", refused.cause, of_requests(&refused.requests), refused.why),
        advice: refused.hint.clone(),
        facts: Vec::new(),
        tables: Vec::new(),
    }
}

/// What was done, and what the runbook says afterwards.
pub fn done(deeds: &Deeds<'_>, diagnosis: Result<Diagnosis, Fault>) -> Report {
    let mending = deeds.agreed;
    let (mut report, fulfilled) = match diagnosis {
        Ok(diagnosis) => (diagnosis.report(), fulfilled(&diagnosis, mending)),
        Err(fault) => (unread(mending, fault), Vec::new()),
    };
    report.sections.iter_mut().for_each(brief);
    let verdict = verdict(deeds, &fulfilled);
    let open = verdict.status != Status::Ok;
    if !open {
        // What was waited for is said above; why it is pending no more is no news.
        report.sections.clear();
    }
    report.sections.insert(0, verdict);
    report.sections.extend(mending.refused.iter().map(refused));
    let actions = mending.parts.iter().enumerate().map(|(at, part)| match deeds.ended.get(at) {
        Some(ended) => action(part, status(ended), Some(ended)),
        None => action(part, "not-begun", None),
    });
    report.data["actions"] = actions.chain(mending.refused.iter().map(not_done)).collect();
    report.data["plan"] = whole(mending);
    report.errors.extend(deeds.ended.iter().filter_map(|ended| ended.result.as_ref().err()).cloned());
    if open {
        report.outcome = Outcome::Problem;
    } else {
        report.next.clear();
    }
    report
}

/// The report where the chain could not be read any more.
fn unread(mending: &Mending, fault: Fault) -> Report {
    Report {
        sections: Vec::new(),
        next: Vec::new(),
        data: mending.diagnosis.data.clone(),
        errors: vec![fault],
        warnings: Vec::new(),
        outcome: Outcome::Unavailable,
    }
}

/// A request that was waited for: the transaction that fulfilled it and its block.
struct Fulfilled {
    request: U256,
    tx: H256,
    block: u64,
}

fn fulfilled(diagnosis: &Diagnosis, mending: &Mending) -> Vec<Fulfilled> {
    let found = diagnosis.gathered.requests.iter().filter(|one| mending.waited.requests.contains(&one.id));
    found
        .filter_map(|one| {
            let done = one.fulfilled.as_ref().ok()?.filter(|done| done.success)?;
            Some(Fulfilled { request: one.id, tx: done.tx, block: done.block })
        })
        .collect()
}

fn status(ended: &Ended) -> &'static str {
    match &ended.result {
        Ok(_) if ended.is_well() => "done",
        Ok(_) => "unverified",
        Err(fault) if fault.kind == crate::Kind::Busy => "unknown",
        Err(_) => "failed",
    }
}

fn verdict(deeds: &Deeds<'_>, fulfilled: &[Fulfilled]) -> Section {
    let waited = &deeds.agreed.waited.requests;
    let all: Vec<U256> = waited.iter().copied().collect();
    let took = duration(deeds.seconds);
    let (status, headline, advice) = if !deeds.are_well() {
        let at = deeds.ended.len().saturating_sub(1);
        let why = deeds.ended.last().map_or_else(|| "nothing was begun".to_owned(), said);
        (
            Status::Critical,
            format!("Not mended: {} failed: {why}", letter(at)),
            "look at what was done below first".to_owned(),
        )
    } else if all.is_empty() {
        (
            Status::Warn,
            format!("Mended what could be, in {took}; something else still keeps the requests waiting."),
            String::new(),
        )
    } else if fulfilled.len() == all.len() {
        (Status::Ok, format!("Mended: {} fulfilled, {took} after the plan.", is_or_are(&all)), String::new())
    } else {
        (
            Status::Warn,
            format!(
                "Mended, but of {} {} fulfilled within {took}.",
                of_requests(&all),
                if fulfilled.is_empty() { "none is".to_owned() } else { format!("only {} are", fulfilled.len()) }
            ),
            "nothing on chain keeps them waiting any more: look at the node (node operator)".to_owned(),
        )
    };
    let mut rows: Vec<Vec<Cell>> =
        deeds.agreed.parts.iter().enumerate().map(|(at, part)| row(at, part, deeds.ended.get(at))).collect();
    rows.extend(fulfilled.iter().map(|one| {
        vec![
            Cell::from("✔").coloured(Status::Ok),
            Cell::from(format!(
                "verified: RandomWordsFulfilled for {} (block {}), success",
                present::name(one.request),
                thousands(one.block)
            )),
            hash(one.tx),
            Cell::from(""),
        ]
    }));
    let table = Table { columns: vec!["", "what was done", "transaction", "took"], rows, ..Table::default() };
    Section { status, headline, advice, facts: Vec::new(), tables: vec![table] }
}

fn is_or_are(ids: &[U256]) -> String {
    format!("{} {}", of_requests(ids), if ids.len() == 1 { "is" } else { "are" })
}

fn hash(tx: H256) -> Cell {
    Cell::shortened(short_hex(tx.as_bytes()), format!("{tx:#x}"))
}

/// What an action that ended says of itself.
fn said(ended: &Ended) -> String {
    match &ended.result {
        Ok(_) => ended.data().and_then(|data| data["proof"].as_str()).unwrap_or_default().to_owned(),
        Err(fault) => fault.one_line(),
    }
}

fn row(at: usize, part: &Part, ended: Option<&Ended>) -> Vec<Cell> {
    let letter = letter(at);
    let Some(ended) = ended else {
        return vec![
            Cell::from(format!("· {letter}")),
            Cell::from(format!("not begun: {}", part.plan.what)),
            Cell::from(""),
            Cell::from(""),
        ];
    };
    let mark = if ended.is_well() {
        Cell::from(format!("✔ {letter}")).coloured(Status::Ok)
    } else {
        Cell::from(format!("✘ {letter}")).coloured(Status::Critical)
    };
    let hashes: Vec<&str> = ended
        .data()
        .and_then(|data| data["transactions"].as_array())
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let tx = match hashes.as_slice() {
        [] => Cell::from(""),
        [one] => one.parse().map_or_else(|_| Cell::from(*one), hash),
        [.., last] => last.parse().map_or_else(
            |_| Cell::from(*last),
            |last: H256| {
                Cell::shortened(
                    format!("{} and {} before", short_hex(last.as_bytes()), hashes.len() - 1),
                    hashes.join(" "),
                )
            },
        ),
    };
    vec![mark, Cell::from(said(ended)), tx, Cell::from(duration(ended.seconds))]
}

/// A part for a program.
fn action(part: &Part, status: &str, ended: Option<&Ended>) -> Json {
    let change = part.plan.changes.first();
    let mut all = json!({
        "action": part.wanted.action.name(),
        "with": part.wanted.action.with(),
        "cause": part.wanted.cause,
        "requests": part.wanted.requests.iter().map(U256::to_string).collect::<Vec<_>>(),
        "status": status,
        "tx": null,
        "before": change.map(|change| &change.before),
        "after": change.map(|change| &change.after),
    });
    for (key, value) in ended.and_then(Ended::data).and_then(Json::as_object).into_iter().flatten() {
        if !matches!(key.as_str(), "action" | "status") {
            all[key] = value.clone();
        }
    }
    if let Some(Err(fault)) = ended.map(|ended| &ended.result) {
        all["reason"] = json!(fault.one_line());
    }
    all
}

/// What is not mended, for a program.
fn not_done(refused: &Refused) -> Json {
    json!({
        "action": null,
        "cause": refused.cause,
        "requests": refused.requests.iter().map(U256::to_string).collect::<Vec<_>>(),
        "status": refused.status,
        "tx": null,
        "before": null,
        "after": null,
        "reason": refused.why,
    })
}

/// A report with what was settled before it.
pub fn after(settled: Report, mut report: Report) -> Report {
    report.sections.splice(0..0, settled.sections);
    let mut actions = settled.data["actions"].as_array().cloned().unwrap_or_default();
    actions.extend(report.data["actions"].as_array().cloned().unwrap_or_default());
    report.data["actions"] = Json::Array(actions);
    report.errors.splice(0..0, settled.errors);
    report.warnings.splice(0..0, settled.warnings);
    report
}
