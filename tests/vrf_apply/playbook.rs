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

/// Kills a run once the endpoint was given the transfer, and with it in a block where it is to be.
fn kill_at_sending(case: &mut Case, pass: fn() -> Pass, mined_already: bool) {
    let (url, given) = at_sending(&case.bed, pass);
    case.person.url = url;
    let mut command = asked(case, &[&REMEDIATE[..], &["--yes"]].concat());
    let running = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("ira starts"));
    wait_until("it is sent", || *given.0.lock().expect("not poisoned") > 0);
    if mined_already {
        wait_until("it is mined", || nonce(&case.bed) == 1);
    }
    running.kill();
    case.person.url.clone_from(&case.bed.url);
}

/// Killed there; then `ira run resume` goes on.
fn killed_at_sending(pass: fn() -> Pass, mined_already: bool) {
    let mut case = alerted("underfunded", &[]);
    kill_at_sending(&mut case, pass, mined_already);
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

/// The consumer asks once more, for a hundred words, which take more to pay for; and the request gets old enough.
fn requested_again(case: &Case) {
    // RandomWordsRequested of V2.5; the id is the first word of its data.
    let topic = "0xeb0e3652e0f44f417695e6e90f2f42c99b65cd7169074c5a654b16b9748c3a4e";
    let all =
        json!({ "address": case.text("coordinator"), "fromBlock": "0x0", "toBlock": "latest", "topics": [topic] });
    let logs = || case.bed.rpc("eth_getLogs", &json!([all])).as_array().expect("logs").clone();
    let id = |log: &Value| {
        let word = &log["data"].as_str().expect("data")[2..66];
        ira_commands::value::U256::from_str_radix(word, 16).expect("a number").to_string()
    };
    let before = logs();
    let first = before.iter().find(|log| id(log) == case.text("request_id")).expect("the first request");
    let made = case.bed.rpc("eth_getTransactionByHash", &json!([first["transactionHash"]]));
    // requestRandomWords(uint32 callbackGasLimit, uint16 confirmations, uint32 numWords, bytes32 keyHash, bool native).
    let input = made["input"].as_str().expect("calldata");
    let input = format!("{}{:064x}{}{:064x}{}", &input[..10], 2_500_000, &input[74..138], 100, &input[202..]);
    case.bed.rpc("anvil_impersonateAccount", &json!([made["from"]]));
    let call = json!({ "from": made["from"], "to": made["to"], "data": input, "gas": "0xf4240" });
    case.bed.rpc("eth_sendTransaction", &json!([call]));
    case.bed.rpc("anvil_mine", &json!(["0x14"]));
    assert_eq!(logs().len(), before.len() + 1, "one more request");
}

#[test]
fn resumed_with_more_to_pay_for_it_spends_only_the_rest_of_its_cap() {
    let mut case = alerted("underfunded", &[]);
    kill_at_sending(&mut case, || Pass::OnOnly, true);
    assert_eq!(case.held().0, FUNDED);
    requested_again(&case);
    let resumed = Ran::of(&mut asked(&case, &["run", "resume", "1"]));
    assert_eq!(resumed.code, 4, "a person decides: {resumed:?}");
    assert_eq!((nonce(&case.bed), fundings(&case), case.held().0), (1, 1, FUNDED), "nothing more: {resumed:?}");
    let said = format!("{}{}", resumed.out, resumed.err);
    assert!(said.contains("allows 2.01 LINK"), "what is left of 50 LINK is said: {resumed:?}");
}

#[test]
fn resumed_with_a_cap_that_has_room_the_same_is_not_paid_for_twice_in_a_run() {
    let mut case = alerted("underfunded", &[("max_spend: 50 LINK", "max_spend: 500 LINK")]);
    let path = case.person.home.path().join(".config/ira/config.toml");
    let text = std::fs::read_to_string(path).expect("a configuration").replace("200 LINK", "600 LINK");
    case.person.write(".config/ira/config.toml", &text);
    kill_at_sending(&mut case, || Pass::OnOnly, true);
    requested_again(&case);
    let resumed = Ran::of(&mut asked(&case, &["run", "resume", "1"]));
    assert_eq!((resumed.code, nonce(&case.bed), fundings(&case)), (4, 1, 1), "a person decides: {resumed:?}");
    assert!(resumed.out.contains("it is done"), "why is said: {resumed:?}");
}
