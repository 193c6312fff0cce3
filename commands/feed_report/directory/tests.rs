use std::time::{Duration, Instant};

use super::*;

const ETH_USD: &str = "0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419";
const SVR: &str = "0x5424384B256154046E9667dDFaaa5e550145215e";
const AGGREGATOR: &str = "0x7d4E742018fb52E48b08BE73d041C18B21de6Fb5";

/// In the form of the published list, with its traps.
fn text() -> String {
    format!(
        r#"[
  {{"name": "ETH / USD", "path": "eth-usd", "pair": ["ETH", "USD"], "proxyAddress": "{ETH_USD}\n", "secondaryProxyAddress": "{SVR}",
    "contractAddress": " {AGGREGATOR} ", "contractType": "", "contractVersion": 6, "decimals": 8, "decimalPlaces": 3,
    "heartbeat": 3600, "threshold": 0.5, "feedId": "", "ens": "eth-usd", "healthPrice": "", "history": false,
    "docs": {{"assetClass": "Crypto", "hidden": true, "decoding": [{{"name": "x"}}]}}, "transmissionsAccount": null}},
  {{"name": "LINK / USD", "path": "link-usd", "proxyAddress": "0x2c1d072e956AFFC0D435Cb7AC38EF18d24d9127c", "decimalPlaces": "18", "heartbeat": "86400", "threshold": "1 %"}},
  {{"name": "OLD / USD", "path": "old-usd", "proxyAddress": "0x0000000000000000000000000000000000000001", "docs": {{"shutdownDate": "March 1st, 2026"}}}},
  {{"name": "AAVE / USD", "path": "aave-usd-main", "proxyAddress": "0x0000000000000000000000000000000000000002"}},
  {{"name": "AAVE / USD", "path": "aave-usd-svr", "proxyAddress": "0x0000000000000000000000000000000000000003"}},
  {{"assetName": "Tether reserves", "proxyAddress": null, "contractAddress": "0x0000000000000000000000000000000000000004"}},
  {{"name": "BTC / USD", "path": "btc-usd", "proxyAddress": null}}
]"#
    )
}

fn directory() -> Directory {
    Directory::parse(&text()).expect("a directory")
}

fn h160(text: &str) -> H160 {
    text.parse().expect("an address")
}

#[test]
fn every_field_is_read_trimmed_and_in_its_unit() {
    let directory = directory();
    assert_eq!(directory.notes, Vec::<String>::new());
    assert_eq!(directory.entries.len(), 7);
    let eth = Entry {
        name: "ETH / USD".to_owned(),
        path: Some("eth-usd".to_owned()),
        proxy: Some(h160(ETH_USD)),
        secondary_proxy: Some(h160(SVR)),
        aggregator: Some(h160(AGGREGATOR)),
        decimals: Some(8),
        heartbeat: Some(3600),
        threshold: Some(0.5),
        shutdown: None,
    };
    assert_eq!(directory.entries[0], eth);
    let link = &directory.entries[1];
    assert_eq!((link.decimals, link.heartbeat, link.threshold), (Some(18), Some(86_400), Some(1.0)));
    assert_eq!(directory.entries[2].shutdown.as_deref(), Some("March 1st, 2026"));
    assert_eq!(directory.entries[5].name, "Tether reserves");
}

#[test]
fn a_wrong_field_is_missing_and_noted_and_the_rest_stays() {
    let directory = Directory::parse(
        r#"[ {"name": 7, "path": "a-usd", "proxyAddress": "0x12", "contractAddress": {"a": 1}, "decimals": 300, "heartbeat": -1,
              "threshold": "half", "docs": "none"},
             null, [1, [2]], {"docs": {"shutdownDate": ["x"]}}, {},
             {"name": " \n\u0000 ", "contractAddress": "0x5f4ec3df9cbd43714fe2740f5e3616155c5b8419", "heartbeat": 0, "threshold": 0, "heartbeat": 3600.0},
             {"name": "\u001b[31mEVIL\u202e / USD\n", "path": "evil-usd", "heartbeat": 1e40, "threshold": 1e999} ]"#
            .replace(r#", "threshold": 1e999"#, "")
            .as_str(),
    )
    .expect("a directory");
    let names: Vec<&str> = directory.entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["a-usd", "0x5f4e…8419", "[31mEVIL / USD"]);
    assert_eq!(directory.entries[0], Entry { name: "a-usd".into(), path: Some("a-usd".into()), ..Entry::default() });
    assert_eq!((directory.entries[1].heartbeat, directory.entries[1].threshold), (Some(3600), None));
    for want in [
        "entry 1 (`name`): 7 is not text",
        "entry 1 (`proxyAddress`): `0x12` is not an address",
        "entry 1 (`contractAddress`): an object is not an address",
        "entry 1 (`decimals`): 300 is not a whole number in range",
        "entry 1 (`heartbeat`): -1 is not a whole number in range",
        "entry 1 (`threshold`): `half` is not a number",
        "entry 2 is null, not an object",
        "entry 3 is a list, not an object",
        "entry 5 has neither a name nor an address: left out",
    ] {
        assert!(directory.notes.iter().any(|note| note == want), "{want}: {:#?}", directory.notes);
    }
}

#[test]
fn notes_are_bounded() {
    let directory = Directory::parse(&format!("[{}]", vec!["1"; 1000].join(","))).expect("a directory");
    assert_eq!((directory.notes.len(), directory.notes[20].as_str()), (21, "and 980 more"));
}

#[test]
fn what_is_no_list_says_what_it_is_and_broken_json_where() {
    for (text, want) in [
        ("", "it is empty"),
        ("<!DOCTYPE html><html>", "a web page"),
        (r#"{"feeds": []}"#, "it is an object"),
        ("404: Not Found", "it begins with `404: Not Found`"),
        ("[{\"name\": \"ETH / USD\",\n \"path\": ", "line 2, column 9"),
        ("[{\"name\": }]", "line 1, column 11"),
        ("[] []", "line 1, column 4"),
        (&"[".repeat(100_000), "line 1, column"),
    ] {
        let fault = Directory::parse(text).expect_err("no directory");
        assert_eq!(fault.kind, Kind::BadAnswer);
        assert!(fault.one_line().contains(want) && fault.one_line().len() < 400, "{want}: {fault}");
        assert!(fault.hint.is_some());
    }
    let many = format!("[{}]", vec![r#"{"name":"a"}"#; 50_001].join(","));
    assert!(Directory::parse(&many).expect_err("too many").one_line().contains("50,000"));
}

#[test]
fn a_name_is_found_however_it_is_written() {
    let directory = directory();
    for name in ["ETH / USD", "eth/usd", "eth-usd", "ETH_USD", "eth usd", "  Eth  /usd ", "eth:usd"] {
        assert_eq!(directory.by_name(name).expect(name).proxy, Some(h160(ETH_USD)), "{name}");
    }
    assert_eq!(
        directory.by_name("tether reserves").expect("named by its asset").aggregator,
        directory.entries[5].aggregator
    );
    assert_eq!(directory.by_name("aave-usd-svr").expect("path").key(), "aave-usd-svr");
}

#[test]
fn an_address_is_found_in_each_place() {
    let directory = directory();
    for address in [ETH_USD, SVR, AGGREGATOR] {
        assert_eq!(directory.by_address(h160(address)).map(Entry::key), Some("eth-usd"));
    }
    assert_eq!(directory.by_address(H160::zero()), None);
}

#[test]
fn a_name_of_several_feeds_is_not_guessed() {
    let directory = directory();
    let fault = directory.by_name("aave / usd").expect_err("two");
    assert_eq!((fault.kind, fault.message.as_str()), (Kind::Usage, "`aave / usd` names 2 feeds"));
    assert_eq!(fault.causes[1], "AAVE / USD (`aave-usd-svr`) at 0x0000000000000000000000000000000000000003");
    let twice = Directory { entries: vec![directory.entries[3].clone(), directory.entries[3].clone()], notes: vec![] };
    assert!(twice.by_name("aave / usd").is_ok(), "the same proxy listed twice is one feed");
    let fault = directory.by_name("btc-usd").expect_err("no address");
    assert!(fault.message.contains("without an address"), "{fault}");
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let directory = directory();
    let hint = |name: &str| directory.by_name(name).expect_err("unknown").hint.expect("a hint");
    assert!(hint("eht-usd").starts_with("did you mean ETH / USD (`eth-usd`)"), "{}", hint("eht-usd"));
    assert!(hint("ETHUSD").starts_with("did you mean ETH / USD (`eth-usd`)"));
    assert!(hint("link").contains("LINK / USD"));
    assert!(hint("aave").contains("AAVE / USD (`aave-usd-main`), AAVE / USD (`aave-usd-svr`)"));
    assert!(hint("zzz-usd").contains("--match"), "{}", hint("zzz-usd"));
    let long = directory.by_name(&"\u{1b}e".repeat(1_000_000)).expect_err("unknown");
    assert!(long.message.len() < 200 && !long.message.contains('\u{1b}'));
}

#[test]
fn a_pattern_matches_names_and_paths() {
    let directory = directory();
    let count = |pattern: &str| {
        let regex = regex::RegexBuilder::new(pattern).case_insensitive(true).build().expect("regex");
        directory.matching(&regex).len()
    };
    assert_eq!((count("aave"), count("^eth / "), count("-svr$"), count("nothing")), (2, 1, 1, 0));
}

#[test]
fn completions_are_what_can_be_typed_on() {
    let directory = directory();
    assert_eq!(directory.completions("eth"), [("eth-usd".to_owned(), "ETH / USD · every 1 h · 0.5 %".to_owned())]);
    assert_eq!(directory.completions("AAVE /").len(), 2);
    assert_eq!(directory.completions("old")[0].1, "OLD / USD · shut down");
    let all: Vec<String> = directory.completions("").into_iter().map(|(key, _)| key).collect();
    assert_eq!(all, ["Tether reserves", "aave-usd-main", "aave-usd-svr", "eth-usd", "link-usd", "old-usd"]);
    assert!(directory.completions("zzz").is_empty());
}

#[test]
fn two_thousand_feeds_are_read_and_searched_at_once() {
    let entry = |at: usize| {
        format!(
            r#"{{"name":"T{at} / USD","path":"t{at}-usd","pair":["T{at}","USD"],"proxyAddress":"0x{at:040x}","contractAddress":"0x{:040x}",
            "decimals":8,"heartbeat":86400,"threshold":0.5,"healthPrice":"","docs":{{"assetClass":"Crypto","assetName":"Token {at}","feedCategory":"low","decoding":[{{"type":"a","names":["b","c"]}}]}}}}"#,
            at + 10_000
        )
    };
    let text = format!("[{}]", (1..=2000).map(entry).collect::<Vec<_>>().join(","));
    let begun = Instant::now();
    let directory = Directory::parse(&text).expect("a directory");
    assert_eq!((directory.entries.len(), directory.notes.len()), (2000, 0));
    assert_eq!(directory.by_name("T1999 / USD").expect("found").key(), "t1999-usd");
    assert!(directory.by_name("T2001 / USD").expect_err("unknown").hint.is_some());
    // A debug build on a busy machine; in release it is a few milliseconds.
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}
