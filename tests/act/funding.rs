//! Funding, on the real coordinators: what a person sees, agrees to and gets.

use serde_json::json;

use super::*;
use crate::support::bed::Chain;

/// The VRF bed, mining by itself, with LINK for the signer.
pub(crate) fn vrf() -> (Bed, Person) {
    let bed = Bed::start(Chain::Vrf);
    bed.rpc("evm_setAutomine", &json!([true]));
    bed.rpc("anvil_setBalance", &json!([SIGNER, "0x56bc75e2d63100000"]));
    let link = bed.about["link"].as_str().expect("LINK").to_owned();
    let funder = bed.about["accounts"]["funder"]["address"].as_str().expect("an account").to_owned();
    // transfer(address,uint256): 500 LINK.
    let data =
        format!("0xa9059cbb000000000000000000000000{}{:064x}", &SIGNER[2..].to_lowercase(), 500 * 10_u128.pow(18));
    bed.rpc("anvil_setBalance", &json!([funder, "0x56bc75e2d63100000"]));
    bed.rpc("anvil_impersonateAccount", &json!([funder]));
    let sent = bed.rpc("eth_sendTransaction", &json!([{ "from": funder, "to": link, "data": data }]));
    wait_until("it is mined", || !bed.rpc("eth_getTransactionReceipt", &json!([sent])).is_null());
    let person = Person::at(&bed.url, Some(&link));
    (bed, person)
}

fn situation(bed: &Bed, name: &str) -> (String, String) {
    let of = &bed.about["situations"][name];
    let text = |field: &str| of[field].as_str().unwrap_or_else(|| panic!("{name} has no {field}")).to_owned();
    (text("coordinator"), text("subscription"))
}

/// Lists a subscription as one that may be funded.
fn listed(person: &Person, id: &str) {
    let path = person.home.path().join(".config/ira/config.toml");
    let text = std::fs::read_to_string(path).expect("a configuration");
    let text = text.split("[networks.anvil.vrf]").next().unwrap_or_default();
    person.write(".config/ira/config.toml", &format!("{text}[networks.anvil.vrf]\nfund = [\"{id}\"]\n"));
}

/// LINK and native balance by the coordinator's own word: the first two words of `getSubscription`.
pub(crate) fn held(bed: &Bed, coordinator: &str, subscription: &str, selector: &str) -> (u128, u128) {
    let id = primitive(subscription);
    let answer = bed.rpc("eth_call", &json!([{ "to": coordinator, "data": format!("{selector}{id}") }, "latest"]));
    let words = answer.as_str().expect("hex").trim_start_matches("0x").to_owned();
    let word = |at: usize| u128::from_str_radix(&words[at * 64 + 32..at * 64 + 64], 16).expect("hex");
    (word(0), word(1))
}

/// An id as a word.
fn primitive(id: &str) -> String {
    let id: ira_commands::words::Id = id.parse().expect("an id");
    format!("{:064x}", id.0)
}

/// `getSubscription(uint256)` and `getSubscription(uint64)`.
pub(crate) const PLUS: &str = "0xdc311dd3";
pub(crate) const V2: &str = "0xa47c7696";

#[test]
fn a_subscription_is_funded_in_either_coin_on_either_version() {
    let (bed, person) = vrf();
    let (coordinator, id) = situation(&bed, "underfunded");
    listed(&person, &format!("sub:{id}"));
    let before = held(&bed, &coordinator, &id, PLUS);
    let fund =
        |amount| ["chain.fund_subscription", "--coordinator", &coordinator, "--subscription", &id, "--amount", amount];
    let ran = person.agreed(&fund("44.8 LINK"));
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = person.agreed(&fund("0.25 ETH"));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["data"]["actions"][0]["status"], "done");
    let after = held(&bed, &coordinator, &id, PLUS);
    assert_eq!((after.0 - before.0, after.1 - before.1), (44_800_000_000_000_000_000, 250_000_000_000_000_000));

    let (coordinator, id) = situation(&bed, "v2-underfunded");
    let owner = bed.about["situations"]["v2-underfunded"]["owner"].as_str().expect("an owner").to_owned();
    listed(&person, &format!("owner:{owner}"));
    let before = held(&bed, &coordinator, &id, V2).0;
    let fund =
        |amount| ["chain.fund_subscription", "--coordinator", &coordinator, "--subscription", &id, "--amount", amount];
    let ran = person.agreed(&fund("3 LINK"));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(held(&bed, &coordinator, &id, V2).0 - before, 3_000_000_000_000_000_000);
    let ran = person.agreed(&fund("1 ETH"));
    assert!(ran.code == 2 && ran.err.contains("LINK only"), "{ran:?}");
}

#[test]
fn without_a_terminal_the_plan_is_shown_with_the_line_that_applies_it() {
    let (bed, person) = vrf();
    let (coordinator, id) = situation(&bed, "underfunded");
    listed(&person, &format!("sub:{id}"));
    let before = held(&bed, &coordinator, &id, PLUS).0;
    let fund = ["chain.fund_subscription", "--coordinator", &coordinator, "--subscription", &id, "--amount", "5 LINK"];
    let dry = person.act(&[&fund[..], &["--dry-run"]].concat());
    assert_eq!(dry.code, 0, "{dry:?}");
    let refused = person.act(&fund);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.out.starts_with("Plan, signed by 0xf39F"), "{refused:?}");
    let uncapped = person.act(&[&fund[..], &["--yes"]].concat());
    assert!(uncapped.code == 2 && uncapped.out.is_empty(), "{uncapped:?}");
    let small = person.act(&[&fund[..], &["--max-spend", "4.9 LINK", "--dry-run"]].concat());
    assert!(small.code == 2 && small.err.contains("--max-spend allows 4.9 LINK"), "{small:?}");
    assert_eq!((held(&bed, &coordinator, &id, PLUS).0, person.journal().len()), (before, 0), "nothing was done");

    // The line is taken as it stands.
    for told in [&refused.err, &uncapped.err] {
        let line = told.lines().find_map(|line| line.strip_prefix("hint: ")).expect("a hint");
        let line = line.replacen("ira", env!("CARGO_BIN_EXE_ira"), 1);
        let mut shell = Command::new("sh");
        shell.env_clear().env("HOME", person.home.path()).env("RPC", &person.url).current_dir(person.home.path());
        let ran = Ran::of(shell.args(["-c", &line]).stdin(Stdio::null()));
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
    }
    assert_eq!(held(&bed, &coordinator, &id, PLUS).0 - before, 10_000_000_000_000_000_000);
}

#[test]
fn what_cannot_be_funded_is_said_and_nothing_is_sent() {
    let (bed, person) = vrf();
    let (coordinator, id) = situation(&bed, "underfunded");
    let (v2, _) = situation(&bed, "v2-underfunded");
    let link = bed.about["link"].as_str().expect("LINK").to_owned();
    let huge = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    for (coordinator, subscription, amount, code, what) in [
        (coordinator.as_str(), id.as_str(), "501 LINK", 1, "501 LINK are needed"),
        (&coordinator, "12345", "5 LINK", 69, "has no subscription 12345"),
        (&coordinator, &id, "0 LINK", 2, "nothing to send"),
        (&coordinator, &id, "5 BTC", 2, "in BTC"),
        (&v2, huge, "5 LINK", 2, "64 bits"),
        (&link, "1", "5 LINK", 69, "is no VRF coordinator"),
        (SIGNER, "1", "5 LINK", 69, "is no contract"),
    ] {
        let words = [
            "chain.fund_subscription",
            "--coordinator",
            coordinator,
            "--subscription",
            subscription,
            "--amount",
            amount,
        ];
        let ran = person.agreed(&words);
        assert!(ran.code == code && ran.err.contains(what), "{what}: {ran:?}");
    }
    assert!(person.journal().is_empty());
}

#[test]
fn a_key_is_funded_and_one_that_cannot_pay_says_so() {
    let bed = fresh();
    let person = Person::at(&bed.url, None);
    let ran = person.agreed(FUND);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(balance(&bed, DRY), AMOUNT);
    bed.rpc("anvil_setBalance", &json!([SIGNER, "0x1"]));
    let ran = person.agreed(FUND);
    assert!(ran.code == 1 && ran.err.contains("are needed"), "{ran:?}");
}

#[test]
fn a_key_that_cannot_be_had_is_named_with_the_mend_and_no_secret() {
    use std::os::unix::fs::PermissionsExt as _;
    let bed = fresh();
    let person = Person::at(&bed.url, None);
    person.write("password", "CANARY-wrong");
    let wrong = person.agreed(FUND);
    assert!(wrong.code == 78 && wrong.err.contains("the password is wrong"), "{wrong:?}");
    assert!(!format!("{wrong:?}").contains("CANARY"));
    for name in ["keystore.json", "password"] {
        let path = person.home.path().join(name);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("chmod");
        let open = person.agreed(FUND);
        assert!(open.code == 78 && open.err.contains(&format!("chmod 600 {}", path.display())), "{open:?}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("chmod");
    }
    assert!(person.journal().is_empty() && nonce(&bed) == 0);
}

#[test]
fn what_is_not_listed_is_never_funded_where_nobody_is_asked() {
    let (bed, person) = vrf();
    let (coordinator, id) = situation(&bed, "underfunded");
    let before = held(&bed, &coordinator, &id, PLUS);
    let fund = ["chain.fund_subscription", "--coordinator", &coordinator, "--subscription", &id, "--amount", "5 LINK"];
    let dry = person.act(&[&fund[..], &["--dry-run"]].concat());
    assert!(dry.code == 0 && !dry.out.contains("--yes"), "no line does it alone: {dry:?}");
    for listed_in_place in ["", "owner:0x00000000000000000000000000000000000000aa"] {
        if !listed_in_place.is_empty() {
            listed(&person, listed_in_place);
        }
        for ran in [person.agreed(&fund), person.act(&fund)] {
            let said = format!("{}{}", ran.out, ran.err);
            assert!(ran.code == 3 && said.contains("is not known to be ours"), "{ran:?}");
            assert!(said.contains("networks.anvil.vrf.fund"), "{ran:?}");
        }
    }
    assert_eq!((held(&bed, &coordinator, &id, PLUS), person.journal().len(), nonce(&bed)), (before, 0, 0));
}
