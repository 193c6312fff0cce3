use super::*;

/// A webhook body of Alertmanager 0.25 about two feeds, one of them resolved.
const WEBHOOK: &str = r#"{
  "receiver": "feeds", "status": "firing",
  "alerts": [
    {"status": "firing",
     "labels": {"alertname": "FeedStale", "contract_address": "0xe62b71cf983019bff55bc83b48601ce8419650cc", "feed_name": "ETH / USD", "severity": "critical"},
     "annotations": {"summary": "no transmission for 70 min"},
     "startsAt": "2026-11-21T04:02:24.681Z", "endsAt": "0001-01-01T00:00:00Z",
     "generatorURL": "http://prometheus:9090/graph?g0.expr=up", "fingerprint": "1a4cdc0e55ad19fb"},
    {"status": "resolved",
     "labels": {"alertname": "FeedStale", "contract_address": "0xae74faa92cb67a95ebcab07358bc222e33a34da7", "job": "own"},
     "annotations": {}, "startsAt": "2026-11-21T04:00:00Z", "endsAt": "2026-11-21T04:01:00Z"}
  ],
  "groupLabels": {"alertname": "FeedStale"},
  "commonLabels": {"alertname": "FeedStale", "job": "ocr_telemetry_prometheus_exporter_ethereum_mainnet"},
  "commonAnnotations": {"runbook_url": "https://runbooks.example.com/FeedStale"},
  "version": "4", "groupKey": "{}:{alertname=\"FeedStale\"}", "truncatedAlerts": 0
}"#;

/// What Alertmanager's default template writes into the details of PagerDuty.
const LINES: &str = "Labels:
 - alertname = FeedStale
 - contract_address = 0xE62B71cf983019BFf55bC83B48601ce8419650CC
 - network_name = ethereum-mainnet
Annotations:
 - description = no transmission
for 70 min = 2 heartbeats
 - summary = stale
Source: http://prometheus:9090/graph?g0.expr=a+%3D%3D+0&g0.tab=1
Labels:
 - alertname = FeedStale
 - contract = 0xae74faa92cb67a95ebcab07358bc222e33a34da7
Annotations:
Source: http://prometheus:9090/graph
";

fn one(text: &str) -> Alert {
    let mut alerts = parse(text).expect("an alert");
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    alerts.remove(0)
}

fn label<'a>(alert: &'a Alert, name: &str) -> &'a str {
    alert.labels.get(name).map_or("", String::as_str)
}

fn fault(text: &str) -> Fault {
    let fault = parse(text).expect_err("no alert");
    assert_eq!(fault.kind, Kind::Usage);
    assert!(fault.hint.is_some(), "{fault}");
    fault
}

/// JSON text of a string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[test]
fn a_webhook_gives_each_alert_its_own_labels_before_the_common_ones() {
    let alerts = parse(WEBHOOK).expect("alerts");
    assert_eq!(alerts.len(), 2);
    assert_eq!(alerts[0].name(), Some("FeedStale"));
    assert_eq!(label(&alerts[0], "job"), "ocr_telemetry_prometheus_exporter_ethereum_mainnet");
    assert_eq!(alerts[0].annotations["runbook_url"], "https://runbooks.example.com/FeedStale");
    assert_eq!(label(&alerts[1], "job"), "own");
    assert_eq!((alerts[0].resolved, alerts[1].resolved), (false, true));
}

#[test]
fn the_list_of_alertmanagers_api_is_read() {
    let alert = one(
        r#"[{"annotations":{"summary":"x"},"endsAt":"2026-11-21T05:00:00Z","fingerprint":"a","receivers":[{"name":"pd"}],
        "startsAt":"2026-11-21T04:00:00Z","status":{"inhibitedBy":[],"silencedBy":[],"state":"active"},
        "labels":{"alertname":"FeedStale","proxy":"0x5f4ec3df9cbd43714fe2740f5e3616155c5b8419"}}]"#,
    );
    assert_eq!(label(&alert, "proxy"), "0x5f4ec3df9cbd43714fe2740f5e3616155c5b8419");
    assert!(!alert.resolved);
}

#[test]
fn pasted_lines_are_read_with_their_sections() {
    let alerts = parse(LINES).expect("alerts");
    assert_eq!(alerts.len(), 2);
    assert_eq!(label(&alerts[0], "network_name"), "ethereum-mainnet");
    assert_eq!(alerts[0].annotations["description"], "no transmission\nfor 70 min = 2 heartbeats");
    assert!(!alerts[0].labels.contains_key("summary") && !alerts[0].labels.contains_key("Source"));
    assert_eq!(label(&alerts[1], "contract"), "0xae74faa92cb67a95ebcab07358bc222e33a34da7");
}

#[test]
fn lines_may_be_written_in_any_of_the_usual_ways() {
    for text in [
        "- alertname = X\n- contract = 0xab",
        " - alertname=X\r\n - contract=0xab\r\n",
        "alertname: X\ncontract: \"0xab\"",
        "\u{feff}alertname = X\n\n\ncontract = 0xab\nSource: https://x.example/?a=b",
        "[FIRING:1] X (prod)\nfiring\nLabels:\n - alertname = X\n - contract = 0xab\nnum_firing\n1",
        "* alertname = X\n• contract = 0xab",
    ] {
        let alert = one(text);
        assert_eq!((alert.name(), label(&alert, "contract")), (Some("X"), "0xab"), "{text}");
        assert_eq!(alert.labels.len(), 2, "{text}: {alert:?}");
    }
    let resolved = one("Resolved:\nLabels:\n - alertname = X");
    assert!(resolved.resolved);
    let two = parse("- alertname = X\n- contract = 0xab\n- alertname = X\n- contract = 0xcd").expect("alerts");
    assert_eq!(two.len(), 2, "a label that comes again begins the next alert");
}

#[test]
fn every_shape_of_pagerduty_leads_to_the_labels() {
    let firing = quoted(LINES.split("Source:").next().expect("first alert"));
    let structured = r#"[{"status":"firing","labels":{"alertname":"FeedStale","contract_address":"0xE62B71cf983019BFf55bC83B48601ce8419650CC","network_name":"ethereum-mainnet"},"annotations":{},"startsAt":"2026-11-21T04:00:00Z"}]"#;
    let details = [
        format!(r#"{{"firing":{firing},"num_firing":"1","num_resolved":"0","resolved":""}}"#),
        format!(r#"{{"firing":{structured},"num_firing":1,"num_resolved":0,"resolved":[]}}"#),
        format!(r#"{{"firing":{},"resolved":"[]"}}"#, quoted(structured)),
        r#"{"alertname":"FeedStale","contract_address":"0xE62B71cf983019BFf55bC83B48601ce8419650CC","network_name":"ethereum-mainnet","load":0.75,"x":null,"y":[1]}"#.to_owned(),
        firing.clone(),
        format!(r#"{{"custom_details":{{"firing":{firing}}}}}"#),
        r#"{"labels":{"alertname":"FeedStale","contract_address":"0xE62B71cf983019BFf55bC83B48601ce8419650CC"},"network_name":"ethereum-mainnet"}"#.to_owned(),
    ];
    for details in &details {
        for body in [
            format!(
                r#"{{"event":{{"id":"1","event_type":"incident.triggered","resource_type":"incident","agent":null,"client":{{"name":"PagerDuty"}},"data":{{"id":"Q1","type":"incident","status":"triggered","title":"stale","body":{{"type":"incident_body","details":{details}}}}}}}}}"#
            ),
            format!(
                r#"{{"incident":{{"id":"Q1","type":"incident","status":"triggered","body":{{"details":{details}}},"resolved_at":null}}}}"#
            ),
            format!(r#"{{"id":"Q1","type":"incident","status":"acknowledged","body":{{"details":{details}}}}}"#),
            format!(
                r#"{{"incidents":[{{"id":"Q1","status":"triggered","body":{{"details":{details}}}}}],"limit":25,"more":false}}"#
            ),
            format!(
                r#"{{"alerts":[{{"id":"A1","type":"alert","status":"triggered","body":{{"type":"alert_body","contexts":[{{"type":"link"}}],"cef_details":{{"severity":"critical"}},"details":{details}}}}}],"limit":1}}"#
            ),
            format!(r#"{{"alert":{{"id":"A1","status":"triggered","body":{{"details":{details}}}}}}}"#),
            format!(
                r#"{{"routing_key":"SECRETKEY","event_action":"trigger","dedup_key":"a","payload":{{"summary":"s","severity":"critical","source":"x","custom_details":{details}}}}}"#
            ),
        ] {
            let alert = one(&body);
            assert_eq!(alert.name(), Some("FeedStale"), "{body}");
            assert_eq!(label(&alert, "contract_address"), "0xE62B71cf983019BFf55bC83B48601ce8419650CC", "{body}");
            assert_eq!(label(&alert, "network_name"), "ethereum-mainnet", "{body}");
            assert!(!alert.resolved, "{body}");
            assert!(!alert.labels.contains_key("num_firing") && !alert.labels.contains_key("firing"), "{alert:?}");
            assert!(!format!("{alert:?}").contains("SECRETKEY"));
        }
    }
}

#[test]
fn what_is_over_says_so() {
    let resolved = one(r#"{"event_action":"resolve","payload":{"custom_details":{"alertname":"X"}}}"#);
    assert!(resolved.resolved);
    let alerts = parse(r#"{"status":"triggered","body":{"details":{"cluster":"prod","firing":"Labels:\n - alertname = A\n","resolved":"Labels:\n - alertname = B\n"}}}"#).expect("alerts");
    let seen: Vec<_> = alerts.iter().map(|alert| (alert.name(), alert.resolved, label(alert, "cluster"))).collect();
    assert_eq!(seen, [(Some("A"), false, "prod"), (Some("B"), true, "prod")]);
}

#[test]
fn what_is_empty_adds_no_alert_of_shared_labels() {
    for resolved in [r#""""#, r#""[]""#, "[]", "null", "{}", r#""{}""#] {
        let body = format!(
            r#"{{"commonLabels":{{"c":"d"}},"body":{{"details":{{"cluster":"prod","firing":"- alertname = A","resolved":{resolved}}}}}}}"#
        );
        assert_eq!(one(&body).labels.len(), 3, "{body}");
        let body = format!(r#"{{"commonLabels":{{"c":"d"}},"body":{{"details":{resolved}}}}}"#);
        assert!(parse(&body).is_err(), "{body}");
    }
}

#[test]
fn an_incident_whose_alerts_have_details_is_not_counted_twice() {
    let alert =
        one(r#"{"incident":{"status":"triggered","body":{"details":{"alertname":"X"}},"details":{"alertname":"X"},
        "labels":[],"title":"t"}}"#);
    assert_eq!(alert.labels.len(), 1);
}

#[test]
fn bad_json_names_line_and_column_and_the_mend() {
    let cut = fault(&WEBHOOK[..400]);
    assert!(cut.message.contains("line ") && cut.hint.as_deref().is_some_and(|hint| hint.contains("cut")), "{cut:?}");
    let syntax = fault("\n{\n  \"alerts\": [,]\n}");
    assert!(syntax.message.contains("line 3, column 14"), "{syntax}");
    let twice = fault("{\"alerts\":[{\"labels\":{\"contract\":\"0xab\",\n\"contract\":\"0xcd\"}}]}");
    assert!(twice.one_line().contains("line 2") && twice.one_line().contains("`contract` is given twice"), "{twice}");
    assert!(fault("{} trailing").message.contains("line 1, column 4"));
}

#[test]
fn what_holds_no_alert_says_what_would() {
    assert!(fault("").message.contains("empty"));
    assert!(fault("\u{feff} \n").message.contains("empty"));
    let none = fault(r#"{"alerts":[],"version":"4","commonLabels":{"a":"b"}}"#);
    assert!(none.hint.as_deref().is_some_and(|hint| hint.contains("Alertmanager webhook")), "{none:?}");
    let bare = fault(
        r#"{"event":{"event_type":"incident.triggered","data":{"id":"Q1","status":"triggered","title":"The server is on fire."}}}"#,
    );
    assert!(bare.hint.as_deref().is_some_and(|hint| hint.contains("GET /incidents/ID/alerts")), "{bare:?}");
    let prose = fault("\n\nthe feed is down, please look\nthanks");
    assert!(prose.one_line().contains("line 3") && prose.one_line().contains("please look"), "{prose}");
    let odd = fault("- alertname = X\n- contract_address 0xE62B71cf983019BFf55bC83B48601ce8419650CC");
    assert!(odd.message.starts_with("line 2 ") && odd.message.contains("contract_address 0xE62B"), "{odd}");
}

#[test]
fn hostile_text_is_data_or_a_fault_but_never_a_panic() {
    let long = "x".repeat(1 << 20);
    let json = format!(r#"{{"alerts":[{{"labels":{{"alertname":"{long}","a\u0000b":"\u202e\u001b[31m"}}}}]}}"#);
    let alert = one(&json);
    assert_eq!((alert.name().map(str::len), label(&alert, "a\0b")), (Some(1 << 20), "\u{202e}\u{1b}[31m"));
    assert_eq!(
        one(&format!("- alertname = {long}\n- \u{202e} = 1\0").replace("- \u{202e}", "\u{202e}")).labels.len(),
        1
    );
    for deep in ["[".repeat(100_000), "[{\"alerts\":".repeat(100_000), "{\"a\":".repeat(100_000)] {
        let fault = fault(&deep);
        assert!(fault.message.len() < 200, "{fault}");
    }
    // Details in details, and JSON in text in JSON, are opened a few times and not without end.
    let inside = |depth| format!("{}{{\"alertname\":\"X\"}}{}", "{\"details\":".repeat(depth), "}".repeat(depth));
    assert!(parse(&inside(3)).is_ok());
    assert!(parse(&inside(100)).is_err());
    let wrapped =
        (0..10).fold(r#"{"alertname":"X"}"#.to_owned(), |text, _| format!(r#"{{"details":{}}}"#, quoted(&text)));
    assert!(parse(&wrapped).is_err());
    let shown = fault("\u{1b}[31m\u{202e}evil").one_line();
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown:?}");
    assert!(fault(&"é".repeat(1000)).one_line().len() < 400);
}

#[test]
fn the_bounds_hold() {
    assert!(fault(&"a".repeat(MAX_TEXT + 1)).message.contains("16 MiB"));
    let many = |count: usize, common: usize| {
        let alerts = vec![r#"{"labels":{"a":"b"}}"#; count].join(",");
        format!(r#"{{"alerts":[{alerts}],"commonLabels":{{"c":"{}"}}}}"#, "x".repeat(common))
    };
    assert_eq!(parse(&many(MAX_ALERTS, 1)).expect("as many as allowed").len(), MAX_ALERTS);
    assert!(fault(&many(MAX_ALERTS + 1, 1)).one_line().contains("10,000"));
    assert!(fault(&many(1000, 1 << 20)).one_line().contains("64 MiB"), "common labels are not copied without end");
    assert!(fault(&"- a = b\n".repeat(MAX_ALERTS + 1)).message.contains("10,000"));
}

mod scope {
    use super::*;

    fn with(labels: &[(&str, &str)]) -> Scope {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        chain_scope(&Alert { labels, ..Alert::default() })
    }

    #[test]
    fn the_network_is_found_in_each_form() {
        for (name, value, network) in [
            ("network_name", "ethereum-mainnet", "ethereum-mainnet"),
            ("network", "Ethereum_Mainnet ", "ethereum-mainnet"),
            ("chain", "Polygon Mainnet", "polygon-mainnet"),
            ("job", "ocr_telemetry_prometheus_exporter_ethereum_mainnet", "ethereum-mainnet"),
            ("job", "ocr_telemetry_prometheus_exporter_ethereum-testnet-sepolia", "ethereum-testnet-sepolia"),
            ("job", "atlas_prod_otpe2_arbitrum_mainnet", "arbitrum-mainnet"),
        ] {
            assert_eq!(with(&[(name, value)]).network.as_deref(), Some(network), "{name}={value}");
        }
        assert_eq!(with(&[("job", "node")]).network, None);
        assert_eq!(with(&[("job", "atlas_prod_otpe2_")]).network, None);
        let said = with(&[("job", "atlas_prod_otpe2_bsc_mainnet"), ("network_name", "ethereum-mainnet")]);
        assert_eq!(said.network.as_deref(), Some("ethereum-mainnet"), "a label that says it goes before the job");
    }

    #[test]
    fn targets_come_in_order_of_trust_and_in_any_case() {
        let scope = with(&[
            ("feed_name", "ETH / USD"),
            ("proxy_address", "0x5F4EC3DF9CBD43714FE2740F5E3616155C5B8419"),
            ("contract_address", "0xE62B71cf983019bff55bC83B48601ce8419650cc"),
            ("contract", "0xe62b71cf983019bff55bc83b48601ce8419650cc"),
            ("feed_id", "0x00037da06d56d083fe599397a4769a042d63aa73dc4ef57709d31e9971a5b439"),
            ("asset", " \u{202e} "),
        ]);
        let seen: Vec<_> = scope.targets.iter().map(|hint| (hint.label, hint.address.is_some())).collect();
        assert_eq!(seen, [("contract_address", true), ("proxy_address", true), ("feed_name", false)]);
        let cut = with(&[("contract_address", "0xE62B71")]);
        assert_eq!((cut.targets[0].address, cut.targets[0].value.as_str()), (None, "0xE62B71"));
    }
}
