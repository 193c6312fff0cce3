//! The playbook that ships for VRF alerts, on the real coordinator: `ira remediate`, and after a crash `ira run resume`.

use super::*;
use crate::act::{Pass, at_sending, wait_until};
use crate::support::run::ira;

/// The playbook as it ships, in a file of the person's own, with these words in the place of others.
fn playbook(case: &Case, other: &[(&str, &str)]) {
    let mut text = include_str!("../../commands/playbooks/vrf-alert.yaml").to_owned();
    let quick = [("every: 15s", "every: 1s"), ("hold: 2m", "hold: 1s"), ("within: 10m", "within: 20s")];
    for (shipped, here) in quick.iter().chain(other) {
        assert!(text.contains(shipped), "{shipped}");
        text = text.replacen(shipped, here, 1);
    }
    case.person.write(".config/ira/playbooks/vrf-alert.yaml", &text);
}

/// Somebody whose configuration knows the coordinator and has the budget, with an alert about the situation.
pub(crate) fn alerted(name: &str, other: &[(&str, &str)]) -> Case {
    let case = Case::ours(name);
    let path = case.person.home.path().join(".config/ira/config.toml");
    let text = std::fs::read_to_string(path).expect("a configuration");
    let known = format!("coordinators = [\"{}\"]\n", case.text("coordinator"));
    let budget = "[budgets.vrf]\nlink = \"200 LINK\"\nnative = \"1 ETH\"\nwindow = \"24h\"\n";
    case.person.write(".config/ira/config.toml", &format!("{text}{known}{budget}"));
    playbook(&case, other);
    let alert = json!({ "status": "firing", "labels": labels(&case), "annotations": {}, "startsAt": "2026-09-21T07:00:00Z",
        "fingerprint": "c0ffee0123456789" });
    let payload =
        json!({ "version": "4", "status": "firing", "groupKey": "{}:{}", "receiver": "ira", "alerts": [alert] });
    case.person.write("alert.json", &payload.to_string());
    case
}

/// What the alert about the situation says.
pub(crate) fn labels(case: &Case) -> Value {
    json!({
        "alertname": "VRFRequestPending", "network_name": "anvil", "severity": "critical",
        "contract_address": case.text("coordinator").to_lowercase(), "key_hash": case.text("key_hash"),
        "subscription_id": case.text("subscription"),
    })
}

/// `ira` without the flags of a chain: the alert says which.
fn asked(case: &Case, words: &[&str]) -> Command {
    let mut command = ira(case.person.home.path());
    command.env("RPC", &case.person.url).env("USER", "kim").args(words);
    command
}

const REMEDIATE: [&str; 4] = ["remediate", "vrf-alert", "--alert", "alert.json"];

/// Runs it while the node, which sees that the subscription can pay, fulfils the request.
fn fulfilled_meanwhile(case: &Case, words: &[&str]) -> Ran {
    let mut command = asked(case, words);
    std::thread::scope(|scope| {
        let running = scope.spawn(move || Ran::of(&mut command));
        wait_until("it is funded", || case.held().0 == FUNDED || running.is_finished());
        if !running.is_finished() {
            case.fulfilled(case.text("request_id"));
        }
        running.join().expect("it ends")
    })
}

/// The documented maximum of the request, juels.
pub(crate) const FUNDED: u128 = 48_000_000_000_000_000_000;

/// What was sent of LINK to the coordinator: by its own log of fundings, how often.
pub(crate) fn fundings(case: &Case) -> usize {
    // SubscriptionFunded(uint256,uint256,uint256).
    let topic = "0x1ced9348ff549fceab2ac57cd3a9de38edaaab274b725ee82c23e8fc8c4eec7a";
    let id: ira_commands::words::Id = case.text("subscription").parse().expect("an id");
    let filter = json!({ "address": case.text("coordinator"), "fromBlock": "0x259", "toBlock": "latest",
        "topics": [topic, format!("0x{:064x}", id.0)] });
    case.bed.rpc("eth_getLogs", &json!([filter])).as_array().expect("logs").len()
}

#[test]
fn an_underfunded_subscription_of_ours_is_funded_within_the_cap_and_seen_to_be_fulfilled() {
    let case = alerted("underfunded", &[]);
    let dry = Ran::of(&mut asked(&case, &[&REMEDIATE[..], &["--dry-run"]].concat()));
    assert!(dry.code == 0 && dry.out.contains("47.99 LINK"), "{dry:?}");
    assert_eq!((nonce(&case.bed), fundings(&case)), (0, 0), "a dry run sends nothing");
    let unasked = Ran::of(&mut asked(&case, &REMEDIATE));
    assert!(unasked.code == 3 && unasked.err.contains("--yes"), "{unasked:?}");
    assert_eq!((nonce(&case.bed), fundings(&case)), (0, 0));

    let ran = fulfilled_meanwhile(&case, &[&REMEDIATE[..], &["--yes"]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!((nonce(&case.bed), fundings(&case)), (1, 1));
    // One `do:` is as many attempts in the record as it made transactions.
    let shown = Ran::of(&mut asked(&case, &["run", "show", "1", "--json"]));
    let said = shown.json()["data"].to_string();
    assert!(said.contains("mend/chain.fund_subscription/31337/"), "{said}");
    // What it may spend was written down before it was sent: after a crash only the rest of the cap is left.
    let store = case.person.home.path().join(".local/state/ira/ira.db");
    let store = rusqlite::Connection::open(store).expect("the store");
    let begun: String =
        store.query_row("SELECT begun FROM step WHERE path LIKE 'mend/%'", [], |row| row.get(0)).expect("the attempt");
    let begun: serde_json::Value = serde_json::from_str(&begun).expect("JSON");
    assert_eq!(begun["spends"]["link_juels"], "47990000000000000000", "{begun}");
    assert_ne!(begun["spends"]["native_wei"], "0", "{begun}");
}

#[test]
fn a_cap_that_forbids_it_sends_nothing_and_ends_escalated_with_what_was_found() {
    let case = alerted("underfunded", &[("max_spend: 50 LINK", "max_spend: 40 LINK")]);
    let ran = Ran::of(&mut asked(&case, &[&REMEDIATE[..], &["--yes"]].concat()));
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.out.contains("handed to a person") && ran.out.contains("--max-spend allows 40 LINK"), "{ran:?}");
    let record = Ran::of(&mut asked(&case, &["run", "show", "1", "--json"])).out;
    let note = "mend=refused, requests of ours that wait 1 -> ?\\nNothing was changed";
    assert!(record.contains(note) && record.contains("underfunded"), "{record}");
    assert_eq!((nonce(&case.bed), fundings(&case)), (0, 0));
}

#[test]
fn a_budget_that_is_used_up_denies_and_says_so() {
    let case = alerted("underfunded", &[]);
    let path = case.person.home.path().join(".config/ira/config.toml");
    let text = std::fs::read_to_string(path).expect("a configuration").replace("200 LINK", "40 LINK");
    case.person.write(".config/ira/config.toml", &text);
    let ran = Ran::of(&mut asked(&case, &[&REMEDIATE[..], &["--yes"]].concat()));
    assert!(ran.code == 75 && format!("{}{}", ran.out, ran.err).contains("budget"), "{ran:?}");
    assert_eq!((nonce(&case.bed), fundings(&case)), (0, 0));
}

#[test]
fn nothing_is_spent_on_what_is_not_ours() {
    let case = alerted("underfunded", &[]);
    let path = case.person.home.path().join(".config/ira/config.toml");
    let text = std::fs::read_to_string(path).expect("a configuration");
    let id = case.text("subscription");
    case.person.write(".config/ira/config.toml", &text.replace(&format!("sub:{id}"), "sub:1"));
    let ran = Ran::of(&mut asked(&case, &[&REMEDIATE[..], &["--yes"]].concat()));
    assert_eq!((ran.code, nonce(&case.bed), fundings(&case)), (4, 0, 0), "{ran:?}");
    assert!(format!("{}{}", ran.out, ran.err).contains("no step that changes anything"), "{ran:?}");
}

#[test]
fn nothing_is_sent_for_the_word_of_a_coordinator_that_nobody_vouches_for() {
    let case = alerted("underfunded", &[]);
    let path = case.person.home.path().join(".config/ira/config.toml");
    let text = std::fs::read_to_string(path).expect("a configuration");
    let known = text.replace(case.text("coordinator"), "0x00000000000000000000000000000000000000aa");
    case.person.write(".config/ira/config.toml", &known);
    let ran = Ran::of(&mut asked(&case, &[&REMEDIATE[..], &["--yes"]].concat()));
    assert_eq!((ran.code, nonce(&case.bed), fundings(&case)), (4, 0, 0), "{ran:?}");
    // By hand, an alert is no better witness; who types the address is.
    let by_hand = ["vrf-runbook", "--alert", "alert.json", "--apply", "--dry-run", "--json"];
    let data = Ran::of(&mut asked(&case, &by_hand)).json()["data"].clone();
    assert_eq!((&data["actions"][0]["status"], &data["plan"]), (&json!("not-known"), &Value::Null), "{data:#}");
    let named = [&by_hand[..], &["--coordinator", case.text("coordinator")]].concat();
    let data = Ran::of(&mut asked(&case, &named)).json()["data"].clone();
    assert_eq!(data["actions"][0]["status"], "planned", "{data:#}");
}

/// Kills the run once the endpoint was given the transfer; then `ira run resume` goes on.
fn killed_at_sending(pass: fn() -> Pass, mined_already: bool) {
    let mut case = alerted("underfunded", &[]);
    let (url, given) = at_sending(&case.bed, pass);
    case.person.url = url;
    let mut command = asked(&case, &[&REMEDIATE[..], &["--yes"]].concat());
    let running = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("ira starts"));
    wait_until("it is sent", || *given.0.lock().expect("not poisoned") > 0);
    if mined_already {
        wait_until("it is mined", || nonce(&case.bed) == 1);
    }
    running.kill();
    case.person.url.clone_from(&case.bed.url);
    let resumed = fulfilled_meanwhile(&case, &["run", "resume", "1"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert_eq!((nonce(&case.bed), fundings(&case)), (1, 1), "once, and no more: {resumed:?}");
}

#[test]
fn killed_after_it_was_signed_and_before_the_chain_has_it() {
    killed_at_sending(|| Pass::Swallow, false);
}

#[test]
fn killed_after_the_chain_has_it_and_before_it_is_known() {
    killed_at_sending(|| Pass::OnOnly, true);
}
