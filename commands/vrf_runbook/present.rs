//! The runbook as a person reads it: what the request waits for, who can mend it, then the steps.

use crate::report::{Cell, Fact, Section, Status, Table};
use crate::shell;
use crate::units::{address, coin, duration, scaled_uint, short_address, short_hex, thousands};
use crate::value::U256;

use super::causes::{Verdict, not_requested};
use super::facts::Sender;
use super::gather::Gathered;
use super::nodes::NodeFacts;
use super::scope::Scope;
use super::state::{Examined, State, Step};
use super::whose::{self, short_id};

/// More requests than this are shown as a list, a row each.
const SECTIONS: usize = 3;

/// The report's sections.
pub fn sections(gathered: &Gathered, scope: &Scope, shown: &[&Examined]) -> Vec<Section> {
    match shown {
        [] => vec![nothing(gathered, scope)],
        few if few.len() <= SECTIONS => few.iter().map(|one| section(gathered, one)).collect(),
        many => vec![list(gathered, many)],
    }
}

fn nothing(gathered: &Gathered, scope: &Scope) -> Section {
    let scene = &gathered.scene;
    let where_to = format!("{} on {}", short_address(scene.coordinator.address), scene.network.name);
    let span = format!("in {} blocks", thousands(scene.block.number - scene.from));
    let (status, headline, advice) = match (&gathered.transaction, scope.names_one()) {
        (Some(transaction), _) => {
            let found = not_requested(transaction);
            let by = found.remedy.as_ref().map_or(String::new(), |remedy| format!("{} ({})", remedy.action, remedy.by));
            let tx = short_hex(transaction.hash.as_bytes());
            (
                Status::Critical,
                format!("Transaction {tx} made no request at {where_to} (not-on-chain): {}", found.message),
                by,
            )
        }
        (None, true) => (
            Status::Unknown,
            format!("No such request at the coordinator {where_to} {span}"),
            "look further back with --lookback BLOCKS, or give the request's transaction with --tx".to_owned(),
        ),
        (None, false) => {
            (Status::Ok, format!("Nothing is pending at the coordinator {where_to} {span}"), String::new())
        }
    };
    Section { status, headline, advice, facts: Vec::new(), tables: Vec::new() }
}

/// `Request 0x4f…21`.
pub fn name(id: U256) -> String {
    let mut bytes = [0; 32];
    id.to_big_endian(&mut bytes);
    short_hex(&bytes)
}

fn headline(gathered: &Gathered, one: &Examined) -> String {
    let request = &one.request;
    let age = gathered.scene.block.number.saturating_sub(request.block);
    let subject =
        format!("Request {} (block {}, {} blocks old)", name(request.id), thousands(request.block), thousands(age));
    let causes = one.causes();
    let blocking: Vec<&&Step> = causes.iter().filter(|step| step.blocking).collect();
    match (one.state, blocking.as_slice()) {
        (State::Fulfilled, _) => format!("{subject} is fulfilled"),
        (State::CallbackFailed, [first, ..]) => format!("{subject} was answered in vain: {}", first.message),
        (_, [only]) if one.is_young() => format!("{subject} waits as it should: {}", only.message),
        (_, [only]) => format!("{subject} waits for one thing, {}: {}", only.cause, only.message),
        (_, [first, ..]) => {
            format!("{subject} waits for {} things, first {}: {}", blocking.len(), first.cause, first.message)
        }
        (State::Unknown, []) => format!("{subject} is neither waited for nor seen fulfilled in the lookback"),
        (_, []) => match causes.first() {
            Some(suspect) => format!(
                "{subject} is pending and nothing on chain blocks it; suspect {}: {}",
                suspect.cause, suspect.message
            ),
            None => format!("{subject} is pending and nothing on chain blocks it: the node has to be asked"),
        },
    }
}

fn advice(one: &Examined) -> String {
    let remedies: Vec<String> = one
        .causes()
        .iter()
        .filter_map(|step| step.remedy.as_ref())
        .map(|remedy| format!("{} ({})", remedy.action, remedy.by))
        .collect();
    if remedies.is_empty() && one.is_problem() {
        return "look at the node's job, its runs for this transaction, and its keys (node operator)".to_owned();
    }
    remedies.join(" · ")
}

fn section(gathered: &Gathered, one: &Examined) -> Section {
    Section {
        status: one.status(),
        headline: headline(gathered, one),
        advice: advice(one),
        facts: facts(gathered, one),
        tables: vec![steps(one)],
    }
}

fn facts(gathered: &Gathered, one: &Examined) -> Vec<Fact> {
    let (scene, request) = (&gathered.scene, &one.request);
    let mut shown = Vec::new();
    let mut add = |label, value: Cell, note: String| shown.push(Fact { label, value, note });
    let age = request
        .at
        .as_ref()
        .map_or(String::new(), |at| format!("{} ago", duration(scene.block.timestamp.saturating_sub(*at))));
    add("request", Cell::shortened(name(request.id), request.id.to_string()), age);
    add(
        "tx",
        Cell::shortened(short_hex(request.tx.as_bytes()), format!("{:#x}", request.tx)),
        format!("block {}", thousands(request.block)),
    );
    let payment =
        if request.native() { format!("paid in {}", scene.network.native) } else { "paid in LINK".to_owned() };
    let words = if request.words == 1 { "1 word".to_owned() } else { format!("{} words", request.words) };
    add(
        "consumer",
        Cell::shortened(short_address(request.sender), address(request.sender)),
        format!("{words} · {} gas for the callback · {payment}", thousands(request.callback_gas_limit)),
    );
    let subscription = gathered.subscriptions.iter().find(|subscription| subscription.id == request.subscription);
    let state = subscription.and_then(|subscription| subscription.state.as_ref().ok()?.as_ref());
    add(
        "subscription",
        Cell::shortened(short_id(request.subscription), request.subscription.to_string()),
        state.map_or(String::new(), |state| {
            format!(
                "{} · {} · owner {}",
                coin(state.link, "LINK"),
                coin(state.native, &scene.network.native),
                short_address(state.owner)
            )
        }),
    );
    let coordinator = &scene.coordinator;
    add(
        "coordinator",
        Cell::shortened(short_address(coordinator.address), address(coordinator.address)),
        format!("version {} · lane {}", coordinator.version.word(), short_hex(request.key_hash.as_bytes())),
    );
    add("block", Cell::from(thousands(scene.block.number)), scene.network.name.clone());
    for node in &scene.nodes {
        add("node", Cell::from(node.name.clone()), of_node(node, scene.block.number));
    }
    shown
}

/// How a node is, in a few words.
fn of_node(node: &NodeFacts, head: u64) -> String {
    if let Some(fault) = node.silent() {
        return fault.one_line();
    }
    let mut parts = Vec::new();
    parts.extend(node.version.as_ref().ok().cloned().flatten().map(|version| format!("version {version}")));
    let at = node.meters.as_ref().ok().and_then(|meters| meters.head);
    parts.extend(at.map(|at| match head.saturating_sub(at) {
        0 => "at the newest block".to_owned(),
        behind => format!("{} blocks behind", thousands(behind)),
    }));
    if let Ok(jobs) = &node.jobs {
        parts.push(format!("{} jobs for randomness", jobs.len()));
    }
    if !node.not_understood.is_empty() {
        parts.push(format!("not understood: {}", node.not_understood.join("; ")));
    }
    parts.join(" · ")
}

fn cell(step: &Step) -> Cell {
    match step.verdict {
        // It passes with something to do: a warning.
        Verdict::Pass if step.remedy.is_some() => Cell::from("warn").coloured(Status::Warn),
        Verdict::Pass => Cell::from("pass").coloured(Status::Ok),
        Verdict::Fail => Cell::from("fail").coloured(Status::Critical),
        Verdict::Unknown => Cell::from("unknown").coloured(Status::Unknown),
        Verdict::Skipped => Cell::from("skipped"),
    }
}

fn steps(one: &Examined) -> Table {
    let row = |step: &Step| {
        let who = step.remedy.as_ref().map_or("", |remedy| remedy.by.as_str());
        vec![Cell::from(step.cause), cell(step), Cell::from(step.message.clone()), Cell::from(who)]
    };
    // A step that passes with something to do is a warning: it is not folded away.
    let quiet = |step: &&Step| {
        matches!(step.verdict, Verdict::Skipped) || (step.verdict == Verdict::Pass && step.remedy.is_none())
    };
    let mut open: Vec<&Step> = one.steps.iter().filter(|step| !quiet(step)).collect();
    open.sort_by_key(|step| match step.verdict {
        Verdict::Fail => 0,
        Verdict::Pass => 1,
        Verdict::Unknown | Verdict::Skipped => 2,
    });
    let folded: Vec<Vec<Cell>> = one.steps.iter().filter(quiet).map(row).collect();
    Table {
        columns: vec!["cause", "step", "evidence", "who can act"],
        rows: open.into_iter().map(row).collect(),
        folded_note: format!("{} other causes ruled out", folded.len()),
        folded,
    }
}

fn list(gathered: &Gathered, many: &[&Examined]) -> Section {
    let row = |one: &&Examined| {
        let request = &one.request;
        let first = one
            .causes()
            .first()
            .map_or("nothing on chain".to_owned(), |step| format!("{}: {}", step.cause, step.message));
        vec![
            Cell::from(one.state.word()).coloured(one.status()),
            Cell::shortened(name(request.id), request.id.to_string()),
            Cell::from(thousands(gathered.scene.block.number.saturating_sub(request.block))),
            Cell::from(first),
        ]
    };
    let waiting = many.iter().filter(|one| one.is_problem()).count();
    let status = many.iter().map(|one| one.status()).max().unwrap_or(Status::Ok);
    let coordinator = gathered.scene.coordinator.address;
    Section {
        status,
        headline: format!(
            "{} requests are pending at {} on {}, {waiting} of them past their confirmations; oldest first",
            many.len(),
            short_address(coordinator),
            gathered.scene.network.name
        ),
        advice: causes_counted(many),
        facts: Vec::new(),
        tables: vec![Table {
            columns: vec!["state", "request", "blocks", "first cause"],
            rows: many.iter().filter(|one| one.is_problem()).map(row).collect(),
            folded: many.iter().filter(|one| !one.is_problem()).map(row).collect(),
            folded_note: format!("{} still inside their confirmations", many.len() - waiting),
        }],
    }
}

/// `underfunded 12 · blockhash-expired 3`.
fn causes_counted(many: &[&Examined]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for step in many.iter().filter(|one| one.is_problem()).flat_map(|one| one.causes()) {
        match counts.iter_mut().find(|(cause, _)| *cause == step.cause) {
            Some((_, count)) => *count += 1,
            None => counts.push((step.cause, 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let counted: Vec<String> = counts.into_iter().map(|(cause, count)| format!("{cause} {count}")).collect();
    if counted.is_empty() { String::new() } else { format!("mend what holds most back: {}", counted.join(" · ")) }
}

/// The likely next command.
pub fn next(gathered: &Gathered, shown: &[&Examined]) -> Vec<String> {
    let scene = &gathered.scene;
    let network = if scene.network.name.starts_with("chain-") {
        String::new()
    } else {
        format!(" --network {}", scene.network.name)
    };
    let coordinator = address(scene.coordinator.address);
    let Some(first) = shown.iter().find(|one| one.is_problem()) else { return Vec::new() };
    if shown.len() > SECTIONS {
        return vec![format!("ira vrf-runbook --request {} --coordinator {coordinator}{network}", first.request.id)];
    }
    // What anyone can do comes as the command that shows its plan; the first cause to be mended first.
    let mut next: Vec<String> =
        first.causes().iter().filter_map(|step| remedy(gathered, first, step)).map(|line| line + &network).collect();
    next.truncate(1);
    next
}

/// The command that mends a cause, where one does.
fn remedy(gathered: &Gathered, one: &Examined, step: &Step) -> Option<String> {
    let coordinator = &gathered.scene.coordinator;
    let request = &one.request;
    let back = gathered.scene.block.number.saturating_sub(gathered.scene.from);
    let is_usual = back == gathered.scene.network.day_of_blocks() || gathered.scene.from == 0;
    let lookback = if is_usual { String::new() } else { format!(" --lookback {back}") };
    let apply = format!(
        "ira vrf-runbook --request {} --coordinator {}{lookback} --apply --dry-run",
        request.id,
        address(coordinator.address)
    );
    match step.cause {
        "blockhash-expired" | "bhs-feeder-broken" => coordinator.blockhash_store.is_ok().then_some(apply),
        "underfunded" if step.blocking && whose::is_ours(gathered, request.subscription) => Some(apply),
        "underfunded" => {
            let missing = step.number("needed_until_here")?.saturating_sub(step.number("balance")?);
            let symbol = if request.native() { gathered.scene.network.native.as_str() } else { "LINK" };
            (!missing.is_zero()).then(|| {
                format!(
                    "ira act chain.fund_subscription --coordinator {} --subscription {} --amount '{} {symbol}' --dry-run",
                    address(coordinator.address),
                    request.subscription,
                    scaled_uint(missing, 18)
                )
            })
        }
        "key-disabled" => {
            let first = step.evidence.get("disabled")?.get(0)?;
            let (node, account) = (first.get("node")?.as_str()?, first.get("account")?.as_str()?);
            Some(format!("ira act node.enable_key --node {} --address {account} --dry-run", shell::word(node)))
        }
        "log-missed" if step.evidence.contains_key("block") => {
            let node = shell::word(step.evidence.get("node")?.as_str()?);
            Some(format!("ira act node.replay --node {node} --block {} --dry-run", request.block))
        }
        // Only the key's owner can use its nonces.
        "tx-stuck" => {
            let is_own = |sender: &&Sender| Some(sender.account) == gathered.scene.network.signer;
            let own = gathered.scene.senders.iter().find(is_own).filter(|own| own.waits())?;
            Some(format!("{apply} --sender {}", address(own.account)))
        }
        "link-feed-stale" => Some(format!("ira feed-report {}", address(*coordinator.feed.as_ref().ok()?))),
        _ => None,
    }
}
