use super::*;
use crate::alert::Alert;
use crate::feed_report::Args;
use crate::feed_report::directory::Directory;

const PROXY: &str = "0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419";
const AGGREGATOR: &str = "0x7d4E742018fb52E48b08BE73d041C18B21de6Fb5";
const LINK: &str = "0x2c1d072e956AFFC0D435Cb7AC38EF18d24d9127c";

fn directory() -> Directory {
    Directory::parse(&format!(
        r#"[{{"name":"ETH / USD","path":"eth-usd","proxyAddress":"{PROXY}","contractAddress":"{AGGREGATOR}"}},
            {{"name":"LINK / USD","path":"link-usd","proxyAddress":"{LINK}"}},
            {{"name":"Reserves","contractAddress":"0x0000000000000000000000000000000000000004"}}]"#
    ))
    .expect("a directory")
}

fn feeds(feeds: &[&str]) -> Args {
    Args { feeds: feeds.iter().map(|feed| (*feed).to_owned()).collect(), ..Args::default() }
}

fn alerts(alerts: &[&[(&str, &str)]]) -> Args {
    let alert = |labels: &&[(&str, &str)]| Alert {
        labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..Alert::default()
    };
    Args { alerts: alerts.iter().map(alert).collect(), ..Args::default() }
}

fn found(args: &Args) -> Resolved {
    resolve(args, Some(&directory())).expect("targets")
}

fn fault(args: &Args, directory: Option<&Directory>) -> Fault {
    let fault = resolve(args, directory).expect_err("no targets");
    assert_eq!(fault.kind, Kind::Usage);
    assert!(fault.hint.is_some(), "{fault}");
    fault
}

fn shown(resolved: &Resolved) -> Vec<String> {
    resolved.targets.iter().map(|target| units::address(target.address)).collect()
}

mod feed {
    use super::*;

    fn bad(input: &str) -> String {
        let fault = parse_feed(input).expect_err(input);
        assert_eq!(fault.kind, Kind::Usage);
        format!("{} | {}", fault.one_line(), fault.hint.expect("a hint"))
    }

    #[test]
    fn an_address_is_taken_checked_or_in_one_case() {
        let address = FeedInput::Address(PROXY.parse().expect("address"));
        for input in [
            PROXY.to_owned(),
            format!(" {PROXY}\n"),
            PROXY.to_lowercase(),
            format!("0x{}", PROXY[2..].to_uppercase()),
            PROXY.to_uppercase(),
        ] {
            assert_eq!(parse_feed(&input).expect(&input), address);
        }
    }

    #[test]
    fn a_wrong_checksum_is_told_with_the_right_spelling() {
        let told = bad("0x5F4eC3Df9cbd43714FE2740f5E3616155c5b8419");
        assert!(told.contains("checksum of 0x5F4eC3Df9cbd43714FE2740f5E3616155c5b8419 is wrong"), "{told}");
        assert!(told.contains(PROXY) && told.contains("lower case"), "{told}");
    }

    #[test]
    fn what_only_looks_like_an_address_says_where() {
        assert!(bad("0x").contains("has 0 digits"));
        assert!(bad(&PROXY[..41]).contains("has 39 digits"));
        assert!(bad(&format!("0x{}", "a".repeat(64))).contains("a transaction"));
        assert!(bad("0x5g4e").contains("`g` in place 4"));
        assert!(bad("0x\u{202e}4e").contains("`\\u{202e}` in place 3"));
        assert!(bad(&PROXY[2..]).contains(&format!("begins with 0x: {PROXY}")));
        assert!(bad("").contains("empty"));
    }

    #[test]
    fn ens_names_are_refused_with_what_to_give() {
        assert!(bad("vitalik.eth").contains("ENS names are not looked up"));
        assert!(bad("ETH-USD.data.eth").contains("directory: eth-usd"));
    }

    #[test]
    fn everything_else_is_a_name() {
        for name in ["ETH / USD", "eth-usd", "0x0 / USD", "1inch-usd", "stETH / ETH"] {
            assert_eq!(parse_feed(name).expect(name), FeedInput::Name(name.to_owned()));
        }
    }
}

mod reference {
    use super::*;

    #[test]
    fn a_price_is_exact() {
        for (input, digits, decimals) in [
            ("3412.77", "341277", 2),
            ("3412", "3412", 0),
            ("0.000120", "12", 5),
            (".5", "5", 1),
            ("+5.", "5", 0),
            ("-37.63", "-3763", 2),
            ("000123456789012345678901234567890.1", "1234567890123456789012345678901", 1),
        ] {
            let Reference::Price(price) = parse_reference(input).expect(input) else { panic!("{input} is a price") };
            assert_eq!((price.value.to_string().as_str(), price.decimals), (digits, decimals), "{input}");
        }
        assert!(parse_reference(&"9".repeat(76)).is_ok());
    }

    #[test]
    fn what_is_almost_a_price_is_told_the_mend() {
        for (input, hint) in [
            ("3,412.77", ": 3412.77"),
            ("$3412.77", ": 3412.77"),
            ("1.2.3", "at most one point"),
            ("3_412", "digits"),
            ("1e-3", "without an exponent"),
            ("0", "other than 0"),
            ("-", "digits"),
            (".", "digits"),
            (&"9".repeat(77), "76"),
        ] {
            let fault = parse_reference(input).expect_err(input);
            assert!(fault.hint.as_deref().is_some_and(|text| text.contains(hint)), "{input}: {fault:?}");
        }
    }

    #[test]
    fn what_is_no_number_is_a_feed() {
        assert_eq!(parse_reference("eth-usd").expect("name"), Reference::Feed(FeedInput::Name("eth-usd".into())));
        assert_eq!(
            parse_reference("1INCH / USD").expect("name"),
            Reference::Feed(FeedInput::Name("1INCH / USD".into()))
        );
        let address = PROXY.parse().expect("address");
        assert_eq!(parse_reference(PROXY).expect("address"), Reference::Feed(FeedInput::Address(address)));
        assert!(parse_reference("0x12").is_err());
    }
}

#[test]
fn names_and_addresses_are_found_once_and_in_order() {
    let resolved =
        found(&feeds(&["link-usd", "ETH / USD", &PROXY.to_lowercase(), "0x00000000000000000000000000000000000000ff"]));
    assert_eq!(shown(&resolved), [LINK, PROXY, "0x00000000000000000000000000000000000000ff"]);
    assert_eq!(resolved.targets[1].input, "ETH / USD");
    assert!(resolved.targets[2].entry.is_none() && resolved.notes.is_empty());
}

#[test]
fn an_aggregator_stays_what_is_asked_and_hints_at_its_proxy() {
    let resolved = found(&feeds(&[AGGREGATOR, PROXY]));
    assert_eq!(shown(&resolved), [AGGREGATOR, PROXY]);
    assert_eq!(resolved.targets[0].proxy_hint(), Some(PROXY.parse().expect("address")));
    assert_eq!(resolved.targets[1].proxy_hint(), None);
    assert_eq!(found(&feeds(&["reserves"])).targets[0].proxy_hint(), None);
}

#[test]
fn the_directory_is_asked_for_only_where_it_is_needed() {
    assert!(resolve(&feeds(&[PROXY]), None).is_ok());
    for args in [feeds(&["eth-usd"]), Args { all: true, ..Args::default() }] {
        assert!(fault(&args, None).hint.is_some_and(|hint| hint.contains("--directory FILE|URL")));
    }
    assert!(fault(&Args::default(), None).hint.is_some_and(|hint| hint.contains("ira feed-report eth-usd")));
}

#[test]
fn several_wrong_feeds_are_told_at_once() {
    let told = fault(&feeds(&["eht-usd", "link-usd", "0x12"]), Some(&directory()));
    assert_eq!((told.message.as_str(), told.causes.len()), ("2 feeds cannot be found", 2));
    assert!(told.causes[0].contains("did you mean ETH / USD (`eth-usd`)?"), "{told}");
    let single = fault(&feeds(&["eht-usd"]), Some(&directory()));
    assert!(single.message.contains("no feed `eht-usd`"), "{single}");
}

#[test]
fn all_and_match_take_what_has_a_proxy() {
    let matching = |pattern: &str| Args { matching: Some(pattern.to_owned()), ..Args::default() };
    assert_eq!(shown(&found(&Args { all: true, ..Args::default() })), [PROXY, LINK]);
    assert_eq!(shown(&found(&matching("^Link"))), [LINK]);
    assert_eq!(shown(&found(&Args { all: true, ..feeds(&["link-usd"]) })), [LINK, PROXY]);
    let none = fault(&matching("lnik-usd"), Some(&directory()));
    assert!(none.hint.as_deref().is_some_and(|hint| hint.contains("link-usd")), "{none:?}");
    assert!(fault(&matching("(eth"), Some(&directory())).one_line().contains("unclosed group"));
    assert!(fault(&matching("reserves"), Some(&directory())).message.contains("a proxy"));
    assert!(fault(&matching(&"(a{500}){500}".repeat(3)), Some(&directory())).message.len() < 200);
    assert!(
        fault(&Args { all: true, ..Args::default() }, Some(&Directory::default())).message.contains("no feed with")
    );
}

#[test]
fn an_alert_leads_to_the_contract_it_trusts_most() {
    let lower = AGGREGATOR.to_lowercase();
    let resolved =
        found(&alerts(&[&[("contract_address", &lower), ("feed_name", "LINK / USD")], &[("feed_name", "link / usd")]]));
    assert_eq!(shown(&resolved), [AGGREGATOR, LINK]);
    assert_eq!(resolved.targets[0].entry.as_ref().map(|entry| entry.name.as_str()), Some("ETH / USD"));
    let resolved = found(&alerts(&[&[("contract_address", "0x7d4E74"), ("feed_name", "LINK / USD")]]));
    assert_eq!(shown(&resolved), [LINK]);
    assert_eq!(resolved.notes, ["the alert's contract_address is no address (`0x7d4E74`): feed_name was used"]);
    let resolved = found(&alerts(&[&[("contract", "OffchainAggregator"), ("feed_path", "eth-usd")]]));
    assert_eq!((shown(&resolved), resolved.notes.len()), (vec![PROXY.to_owned()], 0));
    assert!(resolve(&alerts(&[&[("contract", &lower)]]), None).is_ok(), "an address needs no directory");
}

#[test]
fn an_alert_that_leads_nowhere_says_why() {
    let silent = alerts(&[&[("alertname", "InstanceDown"), ("instance", "web-01:9100")]]);
    let told = fault(&silent, Some(&directory()));
    assert!(told.message.contains("`InstanceDown`") && told.one_line().contains("contract_address"), "{told}");
    let typo = fault(&alerts(&[&[("feed_name", "ETHH / USD")]]), Some(&directory()));
    assert!(typo.one_line().contains("its label feed_name") && typo.hint.is_some_and(|hint| hint.contains("eth-usd")));
    assert!(
        fault(&alerts(&[&[("feed_name", "ETH / USD")]]), None).hint.is_some_and(|hint| hint.contains("--directory"))
    );
    // Beside one that leads somewhere, or a feed that was named, it is a note.
    let mut mixed = silent.clone();
    mixed.feeds = vec!["eth-usd".to_owned()];
    let resolved = found(&mixed);
    assert!(shown(&resolved) == [PROXY] && resolved.notes[0].contains("InstanceDown"), "{resolved:?}");
}

#[test]
fn what_is_resolved_is_said() {
    let mut args = alerts(&[&[("contract", PROXY)], &[("contract", LINK)]]);
    args.alerts[0].resolved = true;
    assert_eq!(found(&args).notes, ["1 of 2 alerts are resolved already"]);
    args.alerts.truncate(1);
    assert_eq!(found(&args).notes, ["the alert is resolved already"]);
}

#[test]
fn alerts_of_several_networks_are_not_mixed() {
    let mut args = alerts(&[
        &[("contract", PROXY), ("network_name", "ethereum-mainnet")],
        &[("contract", LINK), ("job", "atlas_prod_otpe2_arbitrum_mainnet")],
    ]);
    let told = fault(&args, Some(&directory()));
    assert!(told.message.contains("arbitrum-mainnet, ethereum-mainnet"), "{told}");
    args.network = Some("ethereum-mainnet".to_owned());
    let resolved = found(&args);
    assert_eq!((shown(&resolved), resolved.notes.len()), (vec![PROXY.to_owned()], 1));
    // A name that no alert uses is another word for the one that they do.
    args.alerts.truncate(1);
    args.network = Some("mainnet".to_owned());
    assert_eq!(shown(&found(&args)), [PROXY]);
}

#[test]
fn ten_thousand_alerts_about_nothing_end_soon() {
    let names: Vec<String> = (0..10_000).map(|at| format!("NONE{at} / USD")).collect();
    let labels: Vec<[(&str, &str); 1]> = names.iter().map(|name| [("feed_name", name.as_str())]).collect();
    let args = alerts(&labels.iter().map(<[_; 1]>::as_slice).collect::<Vec<_>>());
    let told = fault(&args, Some(&directory()));
    assert!(told.causes.len() <= 5, "{}", told.causes.len());
}
