//! What is agreed to, by whom, and whose money it is.

use super::*;
use crate::act::{Pass, proxy};

#[test]
fn I7_a_dry_run_sends_nothing_and_shows_the_line_that_does() {
    let mut case = Case::ours("underfunded");
    case.person.url = proxy(&case.bed, |body| {
        assert!(!body.contains("eth_send"), "a dry run sent something: {body}");
        Pass::On
    });
    let dry = case.run(&["--apply", "--dry-run"]);
    assert!(dry.code == 0 && dry.out.contains("Plan, signed by 0xf39F"), "{dry:?}");
    let refused = case.run(&["--apply"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    let uncapped = case.run(&["--apply", "--yes"]);
    assert!(uncapped.code == 2 && uncapped.out.is_empty(), "{uncapped:?}");
    let half = case.run(&["--apply", "--yes", "--max-spend", "50 LINK"]);
    assert!(half.code == 2 && half.err.contains("needs a cap for each currency"), "{half:?}");
    let small = case.run(&["--apply", "--dry-run", "--max-spend", "47 LINK"]);
    assert!(small.code == 2 && small.err.contains("--max-spend allows 47 LINK"), "{small:?}");
    assert!(case.person.journal().is_empty() && nonce(&case.bed) == 0);

    // The line is taken as it stands.
    case.person.url.clone_from(&case.bed.url);
    let hint = |ran: &Ran| ran.err.lines().find_map(|line| line.strip_prefix("hint: ")).expect("a hint").to_owned();
    assert_eq!(hint(&refused), hint(&uncapped));
    let line = format!("{} --wait 1s", hint(&refused)).replacen("ira", env!("CARGO_BIN_EXE_ira"), 1);
    let mut shell = Command::new("sh");
    let home = case.person.home.path();
    shell.env_clear().env("HOME", home).env("RPC", &case.person.url).current_dir(home);
    let ran = Ran::of(shell.args(["-c", &line]).stdin(Stdio::null()));
    assert_eq!((ran.code, case.held().0), (4, 48 * 10_u128.pow(18)), "{line}: {ran:?}");
}

#[test]
fn a_subscription_that_is_not_ours_is_never_funded_unattended() {
    let case = Case::strange("underfunded");
    let id = case.text("subscription").to_owned();
    let stranger = "owner:0x00000000000000000000000000000000000000aa";
    for listed in [&[][..], &[stranger]] {
        if !listed.is_empty() {
            case.list(listed);
        }
        for more in [&[][..], &["--subscription", id.as_str()]] {
            let ran = case.agreed(more);
            assert_eq!(ran.code, 4, "{ran:?}");
            let data = ran.json()["data"].clone();
            assert_eq!((&data["actions"][0]["status"], &data["plan"]), (&json!("not-ours"), &Value::Null), "{data:#}");
            assert_eq!(data["requests"][0]["causes"][0]["cause"], "underfunded", "the cause stays");
            assert_eq!((nonce(&case.bed), case.person.journal().len()), (0, 0));
        }
    }
    // A dry run has nothing to show, and says why.
    let dry = case.run(&["--apply", "--dry-run"]);
    assert!(dry.code == 4 && dry.out.contains("is not ours"), "{dry:?}");
}

#[test]
fn an_owner_or_a_consumer_that_is_listed_makes_it_ours() {
    for field in ["owner", "consumer"] {
        let case = Case::strange("underfunded");
        case.list(&[&format!("{field}:{}", case.text(field))]);
        let ran = case.run(&["--apply", "--dry-run", "--json"]);
        assert_eq!((ran.code, &ran.json()["data"]["actions"][0]["status"]), (0, &json!("planned")), "{field}: {ran:?}");
    }
}

#[test]
fn a_listed_consumer_that_a_stranger_registers_does_not_make_theirs_ours() {
    let case = Case::strange("underfunded");
    let ours = case.bed.about["situations"]["healthy-pending"]["consumer"].as_str().expect("a consumer").to_owned();
    // addConsumer(uint256,address): its owner registers whom they like.
    let id: ira_commands::words::Id = case.text("subscription").parse().expect("an id");
    let data = format!("0xbec4c08c{:064x}{:0>64}", id.0, ours[2..].to_lowercase());
    case.bed.rpc("anvil_impersonateAccount", &json!([case.text("owner")]));
    case.bed.rpc("anvil_setBalance", &json!([case.text("owner"), "0x56bc75e2d63100000"]));
    case.bed.rpc(
        "eth_sendTransaction",
        &json!([{ "from": case.text("owner"), "to": case.text("coordinator"), "data": data }]),
    );
    case.list(&[&format!("consumer:{ours}")]);
    let ran = case.agreed(&[]);
    let data = ran.json()["data"].clone();
    let consumers = data["subscriptions"][0]["consumers"].to_string().to_lowercase();
    assert!(consumers.contains(&ours.to_lowercase()), "it is registered: {consumers}");
    assert_eq!((ran.code, &data["actions"][0]["status"], nonce(&case.bed)), (4, &json!("not-ours"), 0), "{ran:?}");
}

#[test]
fn only_the_cause_that_is_named_is_mended_and_a_typo_names_the_nearest() {
    let case = Case::ours("underfunded");
    let ran = case.run(&["--apply", "--dry-run", "--only", "blockhash-expired", "--json"]);
    assert_eq!((ran.code, &ran.json()["data"]["actions"]), (4, &json!([])), "{ran:?}");
    let typo = case.run(&["--apply", "--only", "underfundet"]);
    assert!(typo.code == 2 && typo.err.contains("`underfunded`"), "{typo:?}");
    let alone = case.run(&["--yes"]);
    assert_eq!(alone.code, 2, "{alone:?}");
    for words in [&["--apply", "--record", "f"][..], &["--apply", "--replay", "f"], &["--apply", "--watch"]] {
        assert_eq!(case.run(words).code, 2, "{words:?}");
    }
}

#[test]
fn a_plan_that_can_only_be_paid_in_part_is_not_begun() {
    let case = Case::ours("underfunded");
    let (one, other) = (case.text("subscription"), &case.bed.about["situations"]["head-of-line"]["subscription"]);
    case.list(&[&format!("sub:{one}"), &format!("sub:{}", other.as_str().expect("an id"))]);
    // 500 LINK are held; all but 190 go elsewhere: 47.99 and 150 are needed, each alone could be paid.
    let link = case.bed.about["link"].clone();
    let away = format!("0xa9059cbb{:0>64}{:064x}", "aa", 310 * 10_u128.pow(18));
    case.bed.rpc("anvil_impersonateAccount", &json!([crate::act::SIGNER]));
    case.bed.rpc("eth_sendTransaction", &json!([{ "from": crate::act::SIGNER, "to": link, "data": away }]));
    let words = ["vrf-runbook", "--coordinator", case.text("coordinator"), "--only", "underfunded", "--json"];
    let ran = Ran::of(&mut case.person.ira(&[&words[..], &AGREED].concat()));
    assert!(ran.code == 1 && ran.err.contains("190 LINK") && ran.err.contains("are needed"), "{ran:?}");
    assert_eq!((nonce(&case.bed), case.person.journal().len()), (1, 0));
}

#[test]
fn without_a_key_there_is_no_plan_and_a_healthy_request_needs_none() {
    let case = Case::ours("underfunded");
    let path = case.person.home.path().join(".config/ira/config.toml");
    let text = std::fs::read_to_string(&path).expect("a configuration");
    let (start, end) =
        (text.find("[networks.anvil.signer]").expect("a key"), text.find("[networks.anvil.vrf]").expect("a list"));
    case.person.write(".config/ira/config.toml", &format!("{}{}", &text[..start], &text[end..]));
    let ran = case.agreed(&[]);
    assert!(ran.code == 78 && ran.err.contains("signer"), "{ran:?}");
    let id = case.bed.about["situations"]["fulfilled"]["request_id"].as_str().expect("an id").to_owned();
    assert_eq!(case.agreed(&["--request", &id]).code, 0);
    let nobody = case.agreed(&["--request", "7"]);
    assert_eq!(nobody.code, 4, "{nobody:?}");
}
