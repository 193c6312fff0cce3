//! Subscriptions that hold too little.

use super::*;

/// What the runbook says of a subscription's request.
fn evidence(ran: &Ran) -> Value {
    let steps = ran.json()["data"]["requests"][0]["steps"].clone();
    steps.as_array().expect("steps").iter().find(|step| step["step"] == "underfunded").expect("a step")["evidence"]
        .clone()
}

fn digits(value: &Value) -> u128 {
    value.as_str().expect("digits").parse().expect("digits")
}

#[test]
fn an_underfunded_subscription_is_funded_and_the_coordinator_fulfils_what_it_refused() {
    for name in ["underfunded", "v2-underfunded", "underfunded-native"] {
        let case = Case::ours(name);
        let request = case.text("request_id");
        assert_eq!(case.simulated(request)["name"], "InsufficientBalance", "{name}");
        let (link, native) = case.held();
        let before = evidence(&case.run(&["--json"]));
        let needed = digits(&before["documented_maximum"]);

        let dry = case.run(&["--apply", "--dry-run", "--json"]);
        assert_eq!((dry.code, nonce(&case.bed), case.held()), (0, 0, (link, native)), "{name}: {dry:?}");
        let planned = &dry.json()["data"]["actions"][0];
        assert_eq!((&planned["action"], &planned["status"]), (&json!("chain.fund_subscription"), &json!("planned")));

        let ran = case.agreed(&["--wait", "1s"]);
        assert_eq!(ran.code, 4, "mended, and nobody fulfils it: {name}: {ran:?}");
        let action = &ran.json()["data"]["actions"][0];
        assert_eq!(action["status"], "done", "{name}: {ran:?}");
        assert!(action["tx"].is_string() && action["before"] != action["after"], "{action}");
        let (link_now, native_now) = case.held();
        let held = if name.ends_with("native") { native_now } else { link_now };
        assert_eq!(held, needed, "{name}: the documented maximum");
        assert_eq!(nonce(&case.bed), 1, "one transfer");

        let done = case.fulfilled(request);
        assert!(done["ok"] == true && done["success"] == true, "{name}: {done}");
        let after = case.run(&["--json"]);
        assert_eq!((after.code, &after.json()["data"]["requests"][0]["status"]), (0, &json!("fulfilled")), "{name}");
    }
}
