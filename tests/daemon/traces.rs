//! Runs as traces, and that nothing waits for whoever takes them.

use std::collections::BTreeSet;

use super::*;

fn spans(asked: &Asked) -> Vec<Value> {
    assert_eq!(asked.verb(), "POST /v1/traces");
    assert_eq!(asked.headers["content-type"], "application/json");
    assert_eq!(asked.headers["authorization"], format!("Bearer {CANARY}"));
    let body = asked.json();
    let resource = body["resourceSpans"][0]["resource"]["attributes"].to_string();
    assert!(resource.contains("service.name"), "{resource}");
    body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().expect("spans").clone()
}

#[test]
fn a_run_is_one_trace_with_a_span_for_each_attempt() {
    let collector = Api::start(|_| answer(200, &json!({})));
    let host = Host::with(&format!("[otlp]\nurl = \"{}\"\ntoken = \"env:KEY\"\n", collector.url()));
    let daemon = host.start();
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200);
    wait_until("it is told", || !collector.asked().is_empty());
    let told = spans(&collector.asked()[0]);
    let text = |span: &Value, name: &str| span[name].as_str().unwrap_or_default().to_owned();
    let root = &told[0];
    assert_eq!((text(root, "name").as_str(), &root["status"]["code"]), ("mend", &json!(1)), "{root}");
    assert!(root.get("parentSpanId").is_none() && told.len() == 2, "{told:?}");
    let traces: BTreeSet<String> = told.iter().map(|span| text(span, "traceId")).collect();
    let ids: BTreeSet<String> = told.iter().map(|span| text(span, "spanId")).collect();
    assert_eq!((traces.len(), ids.len()), (1, told.len()));
    let hex = |text: &str, length: usize| text.len() == length && text.chars().all(|c| c.is_ascii_hexdigit());
    assert!(traces.iter().all(|id| hex(id, 32)) && ids.iter().all(|id| hex(id, 16)), "{traces:?} {ids:?}");
    let time = |span: &Value, name: &str| text(span, name).parse::<u64>().expect("nanoseconds as a text");
    for span in &told[1..] {
        assert_eq!(text(span, "parentSpanId"), text(root, "spanId"));
        assert!(time(span, "startTimeUnixNano") >= time(root, "startTimeUnixNano"), "{span}");
        assert!(time(span, "endTimeUnixNano") <= time(root, "endTimeUnixNano"), "{span}");
    }
    assert!(time(root, "endTimeUnixNano") > 1_600_000_000_000_000_000, "unix time");
    let all = Value::from(told.clone()).to_string();
    assert!(
        !all.contains(CANARY) && !all.contains(TOKEN) && !all.contains("is down"),
        "neither secret nor text: {all}"
    );
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn a_collector_that_is_silent_or_refuses_holds_up_no_run() {
    let collector =
        Api::start(
            |asked| if asked.path.contains("deaf") { crate::people::api::silence() } else { with(400, &[], b"no") },
        );
    for way in ["deaf", "strict"] {
        let url = format!("{}/{way}", collector.url());
        let host = Host::with(&format!("[otlp]\nurl = \"{url}\"\ntoken = \"env:KEY\"\n"));
        let daemon = host.start_with(&["--admin", "127.0.0.1:0"]);
        for (minute, unit) in (1..).zip(["web", "db", "app"]) {
            assert_eq!(daemon.post(&message(&[unit], "firing", minute)), 200);
            wait_until("the run ends", || host.runs_beside().len() == usize::try_from(minute).expect("few"));
        }
        assert_eq!(host.effects(), 3, "{}", host.log());
        wait_until("it is counted", || daemon.get("/metrics").1.contains("ira_traces_total{outcome=\"lost\"}"));
        assert_eq!(daemon.end(), Some(0));
        assert!(!host.log().contains(CANARY));
    }
}
