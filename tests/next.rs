//! The `next:` line of a report is a command that can be pasted: it is run here as it is printed.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::bed::{self, Bed, Chain};
use crate::support::run::{Ran, ira};

/// The command after `next:`.
fn next(ran: &Ran) -> String {
    let line = ran.out.lines().find_map(|line| line.strip_prefix("next: "));
    line.unwrap_or_else(|| panic!("no next command: {ran:?}")).to_owned()
}

/// Runs a printed line in a shell that knows nothing but where `ira` is.
fn typed(line: &str, home: &Path) -> Ran {
    let binary = Path::new(env!("CARGO_BIN_EXE_ira")).parent().expect("a folder");
    let path = format!("{}:/usr/bin:/bin", binary.display());
    Ran::of(Command::new("sh").args(["-c", line]).env_clear().env("PATH", path).env("HOME", home).current_dir(home))
}

/// A report on the bed, asked for by flags alone; the directory's name needs quoting.
fn asked(home: &Path, args: &[&str]) -> Ran {
    std::fs::copy(Chain::Situations.directory(), home.join("my feeds.json")).expect("copied");
    let reach = ["--rpc-url", &bed::shared().url, "--directory", "my feeds.json", "--window", "700"];
    Ran::of(ira(home).arg("feed-report").args(args).args(reach))
}

#[test]
fn what_a_report_names_next_runs_as_it_is_printed() {
    let home = tempfile::tempdir().expect("a folder");
    let first = asked(home.path(), &["ocr2-silent-usd", "--reference", "ETH / USD"]);
    let second = typed(&next(&first), home.path());
    assert_eq!((second.code, second.err.as_str()), (4, ""), "{second:?}");
    assert!(second.out.starts_with("**OCR2-SILENT / USD on chain-31337 is CRITICAL"), "{second:?}");
    let again = second.out.lines().find_map(|line| line.strip_prefix("Next: `")).expect("a next command");
    assert!(!again.contains("--format"), "the note's reader runs the report itself: {again}");
}

#[test]
fn what_a_fleet_names_next_is_its_first_row() {
    let home = tempfile::tempdir().expect("a folder");
    let fleet = asked(home.path(), &["--all"]);
    let first = fleet.out.lines().find(|line| line.trim_start().starts_with("critical")).expect("a row");
    let line = next(&fleet);
    let one = typed(&line, home.path());
    let name = one.out.split(" on chain-31337").next().expect("a name");
    assert!(one.code == 4 && first.contains(name), "{line}\n{first}\n{one:?}");
}

#[test]
fn what_a_replay_names_next_is_of_the_recording() {
    let home = tempfile::tempdir().expect("a folder");
    let recorded = asked(home.path(), &["ocr2-silent-usd", "--record", "case.json"]);
    assert_eq!(recorded.code, 4, "{recorded:?}");
    let replayed =
        Ran::of(ira(home.path()).args(["feed-report", "ocr2-silent-usd", "--window", "700", "--replay", "case.json"]));
    let line = next(&replayed);
    assert!(line.ends_with("--replay case.json"), "{line}");
    assert_eq!(typed(&line, home.path()).code, 4, "{line}");
}

#[test]
fn a_path_in_an_endpoint_is_not_in_what_comes_next() {
    let home = tempfile::tempdir().expect("a folder");
    let url = format!("{}/?apikey=CANARY", bed::shared().url);
    let directory = Chain::Situations.directory();
    let ran = Ran::of(
        ira(home.path()).args(["feed-report", "ocr2-silent-usd", "--rpc-url", &url, "--directory"]).arg(directory),
    );
    assert!(!ran.out.contains("CANARY") && !ran.err.contains("CANARY"), "{ran:?}");
    assert!(ran.code != 4 || next(&ran).contains("--rpc-url env:RPC_URL"), "{ran:?}");
}

/// The account of the tests' keystore.
const SIGNER: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

/// Gives the signer 1,000 LINK and 100 ETH, and somebody's home its key and a configuration that names the network.
fn equip(bed: &Bed, home: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let link = bed.about["link"].as_str().expect("an address");
    let funder = &bed.about["accounts"]["funder"]["address"];
    let amount = 1_000_u128 * 10_u128.pow(18);
    // transfer(address,uint256)
    let data = format!("0xa9059cbb{:0>64}{amount:064x}", SIGNER[2..].to_lowercase());
    bed.rpc("anvil_setBalance", &json!([SIGNER, "0x56bc75e2d63100000"]));
    bed.rpc("anvil_impersonateAccount", &json!([funder]));
    bed.rpc("eth_sendTransaction", &json!([{ "from": funder, "to": link, "data": data }]));
    bed.rpc("anvil_mine", &json!(["0x1"]));
    let keys = home.display();
    let config = format!(
        "network = \"bed\"\n[networks.bed]\nchain_id = 31337\nnative = \"ETH\"\nlink = \"{link}\"\n\
         [networks.bed.signer]\nkeystore = \"{keys}/keystore.json\"\npassword = \"file:{keys}/password\"\n"
    );
    let files = [
        ("ira.toml", config.as_str()),
        ("keystore.json", include_str!("support/keystore.json")),
        ("password", "correct horse\n"),
    ];
    for (name, text) in files {
        let path = home.join(name);
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("chmod");
    }
}

/// What the runbook names next for a situation of the VRF bed, run as it is printed.
fn mended(situation: &str) -> (String, Ran) {
    let bed = Bed::start(Chain::Vrf);
    let home = tempfile::tempdir().expect("a folder");
    equip(&bed, home.path());
    let tx = bed.about["situations"][situation]["tx"].as_str().expect("a transaction").to_owned();
    let ran =
        Ran::of(ira(home.path()).args(["vrf-runbook", "--tx", &tx, "--rpc-url", &bed.url, "--config", "ira.toml"]));
    assert_eq!(ran.code, 4, "{ran:?}");
    let line = next(&ran);
    let plan = typed(&line, home.path());
    (line, plan)
}

#[test]
fn what_the_runbook_names_next_shows_the_plan_that_mends() {
    let (line, plan) = mended("underfunded");
    assert!(line.contains("chain.fund_subscription") && line.contains("--amount '47.99 LINK'"), "{line}");
    assert!(plan.code == 0 && plan.out.contains("47.99 LINK"), "{line}\n{plan:?}");
    let (line, plan) = mended("underfunded-native");
    assert!(line.contains(" ETH'"), "{line}");
    assert_eq!(plan.code, 0, "{line}\n{plan:?}");
    let (line, plan) = mended("blockhash-expired");
    assert!(line.starts_with("ira vrf-runbook --request ") && line.contains(" --apply --dry-run"), "{line}");
    assert!(plan.code == 0 && plan.out.contains("store the hash of block 180"), "{line}\n{plan:?}");
}
