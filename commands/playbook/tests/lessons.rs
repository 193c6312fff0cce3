//! What hurt the users of such systems before, as far as a playbook by itself can keep it from happening.

use serde_json::json;

use super::super::*;
use super::{FUND, beside, changed, said};

/// A playbook with a step that is not built in, of which `writes` says what it does.
fn unchecked(steps: &str, mock: &str, writes: &[bool]) -> Playbook {
    let text = format!(
        "ira: 1\nplaybook: p\nowner: o\non: [{{ source: alertmanager, key: [alert.labels.host] }}]\nsteps:\n{steps}\n\
         verify: {{ until: q.good == 1, within: 1m, every: 15s }}\nqueries: {{ good: {{ prometheus: good }} }}\n\
         escalate: {{ to: pager, deadline: 1h }}\ntargets: {{ host: ['*'] }}\n\
         tests: [{{ name: t, alert: {{ labels: {{ host: web }} }}, mock: {{ q.good: 1, {mock} }}, expect: {{}} }}]\n"
    );
    let (playbook, problems) = super::super::lower::read(&text);
    assert_eq!(problems, [], "{text}");
    let mut playbook = playbook.expect("a playbook");
    playbook.effects.writes = writes.to_vec();
    playbook
}

fn outcome(playbook: &Playbook) -> Outcome {
    let tested = test(playbook, &beside).remove(0);
    tested.outcome.unwrap_or_else(|| panic!("{:?}", tested.wrong))
}

const RESTART: &str = "  - { id: still, do: alert.still_firing }\n  - { id: restart, do: systemd.restart, with: { unit: $key }, timeout: 1m }";

#[test]
fn lesson_26_only_what_fires_starts_a_run_and_the_truth_is_read_again_before_the_write() {
    let playbook = parse(FUND).expect("sound");
    let mut alert = Incoming { source: "alertmanager".into(), ..Incoming::default() };
    for (name, value) in [
        ("alertname", "SubscriptionLow"),
        ("env", "prod"),
        ("coordinator", "0xD7f86b4b8Cae7D942340FF628F82735b7a20893a"),
    ] {
        alert.alert.labels.insert(name.into(), value.into());
    }
    alert.alert.annotations.insert("balance".into(), "3".into());
    assert!(matched(&playbook, &alert).is_ok());
    alert.alert.resolved = true;
    assert_eq!(matched(&playbook, &alert).expect_err("resolved")[0].stage, Stage::Status);

    let gone = outcome(&unchecked(RESTART, "still: no, restart: ok", &[false, true]));
    assert_eq!((gone.decision, gone.reason.as_str(), gone.escalated), (Decided::Cancelled, "resolved", false));
    assert_eq!(gone.path, ["still"]);
}

#[test]
fn lesson_27_that_the_truth_cannot_be_asked_denies_and_pages() {
    let unknown = outcome(&unchecked(RESTART, "still: unknown, restart: ok", &[false, true]));
    assert_eq!((unknown.decision, unknown.reason.as_str(), unknown.escalated), (Decided::Denied, "still_firing", true));
    assert_eq!(unknown.path, ["still"]);
}

#[test]
fn lesson_28_waiting_and_asking_again_are_steps() {
    let steps = format!("  - {{ id: pause, do: wait, with: {{ seconds: 1800 }}, timeout: 31m }}\n{RESTART}");
    let over = outcome(&unchecked(&steps, "still: no, restart: ok", &[false, false, true]));
    assert_eq!((over.decision, over.path), (Decided::Cancelled, vec!["pause".to_owned(), "still".to_owned()]));
    let goes_on = outcome(&unchecked(&steps, "still: yes, restart: ok", &[false, false, true]));
    assert_eq!(goes_on.path, ["pause", "still", "restart"]);
    assert_eq!(goes_on.verified, Some(true));
}

#[test]
fn lesson_29_after_the_first_write_a_resolved_alert_goes_on_to_verify() {
    let steps = "  - { id: restart, do: systemd.restart, with: { unit: $key }, timeout: 1m }\n  - { id: still, do: alert.still_firing }";
    let done = outcome(&unchecked(steps, "still: no, restart: ok", &[true, false]));
    assert_eq!((done.decision, done.verified), (Decided::Run, Some(true)));
    assert_eq!(done.path, ["restart", "still"]);
}

#[test]
fn lesson_30_the_order_of_the_stages_is_fixed_and_each_says_why() {
    let playbook = parse(FUND).expect("sound");
    let stage = |alert: &Incoming| matched(&playbook, alert).expect_err("no match").remove(0);
    let mut alert = Incoming { source: "grafana".into(), ..Incoming::default() };
    alert.alert.resolved = true;
    let mut seen = vec![stage(&alert)];
    alert.source = "alertmanager".into();
    seen.push(stage(&alert));
    alert.alert.resolved = false;
    seen.push(stage(&alert));
    alert.alert.labels.insert("alertname".into(), "SubscriptionLow".into());
    alert.alert.labels.insert("env".into(), "prod".into());
    seen.push(stage(&alert));
    alert.alert.annotations.insert("balance".into(), "30".into());
    seen.push(stage(&alert));
    alert.alert.annotations.insert("balance".into(), "3".into());
    seen.push(stage(&alert));
    let stages: Vec<Stage> = seen.iter().map(|stopped| stopped.stage).collect();
    assert_eq!(stages, [Stage::Source, Stage::Status, Stage::Match, Stage::When, Stage::When, Stage::Key]);
    // An expression that cannot be told is no match, and somebody sees it; one that is false is just no match.
    assert!(seen[3].fault && !seen[4].fault, "{seen:?}");
    assert!(seen[5].why.contains("`alert.labels.coordinator`"), "{seen:?}");
}

#[test]
fn lesson_31_nothing_runs_without_an_end_and_the_page_waits_for_the_worst() {
    let playbook = parse(FUND).expect("sound");
    assert!(
        playbook.steps.iter().all(|step| step.timeout > 0) && playbook.queries.values().all(|query| query.timeout > 0)
    );
    assert!(
        said("    timeout: 10s\n    outputs:", "    until: q.pending == 0\n    outputs:")
            .contains("`until` needs `within`")
    );
    assert!(said("  deadline: 20m", "  deadline: 12m").contains("at least 12m30s: look 10s + fund 6m20s"));
}

#[test]
fn lesson_34_a_loop_has_a_bound_and_at_least_one_at_once() {
    let each = |text: &str| {
        said("    timeout: 10s\n    outputs:", &format!("    timeout: 10s\n    for_each: {text}\n    outputs:"))
    };
    assert!(each("{ over: [a, b], concurrency: 0 }").contains("`concurrency` must be between 1 and 16, not 0"));
    assert!(each("{ over: $steps.look.out.pods }").contains("needs `max`"));
    assert!(each("{ over: [a, b], max: 1 }").contains("the list has 2 items, and at most 1 may be"));
    assert!(each("{ over: $params.link, max: 3 }").contains("is no list"));
    assert!(
        said("backoff: 20s, on: [refused]", "backoff: 20s, on: [failed]").contains("`retry` cannot be on `failed`")
    );
    assert!(said("attempts: 2", "attempts: 1000").contains("between 1 and 10"));
}

#[test]
fn lesson_37_an_expression_can_call_only_what_is_listed() {
    for text in
        ["eval('1')", "q.up.system('id')", "import('os')", "__import__('os')", "q.up.map(x, exec(x)).size() > 0"]
    {
        let said = said("until: q.pending == 0", &format!("until: \"{text}\""));
        assert!(said.contains("there is no function") || said.contains("this is no expression"), "{text}: {said}");
    }
}

#[test]
fn lesson_38_what_looks_like_a_shell_line_stays_one_argument_or_is_refused() {
    let step = "  - { id: run, do: script.run, with: { argv: [check, --host, $alert.labels.host] }, timeout: 1m }";
    let playbook = unchecked(step, "run: ok", &[true]);
    let mut scope = Scope::default();
    for hostile in
        ["echo x > /root/.ssh/authorized_keys", "$(id)", "a;b", "a|b", "`id`", "a\nb", "-rf", "--", "", "a b", "../x"]
    {
        scope.alert.alert.labels.insert("host".into(), hostile.into());
        let refusal = arguments(&playbook, &playbook.steps[0], true, &scope).expect_err(hostile);
        assert!(refusal.at.line == 6 && refusal.message.starts_with("`$alert.labels.host`: "), "{refusal:?}");
    }
    scope.alert.alert.labels.insert("host".into(), "web-01".into());
    let bound = arguments(&playbook, &playbook.steps[0], true, &scope);
    assert_eq!(bound, Ok(json!({ "argv": ["check", "--host", "web-01"] })));
}

#[test]
fn lesson_39_what_stands_in_an_alert_is_never_read_as_an_expression_a_variable_or_a_template() {
    let text = changed("coordinator: 0x[0-9a-fA-F]{40}", "coordinator: '.*'")
        .replace("[\"0xD7f86b4b8Cae7D942340FF628F82735b7a2*\"]", "['*']");
    let playbook = parse(&text).expect("sound");
    let mut scope = Scope { params: params(&playbook, &[].into()).expect("defaults"), ..Scope::default() };
    for hostile in ["$params.link", "${params.link}", "{{ params.link }}", "q.up > 1.0", "$$", "\" or vector(1) or \""]
    {
        scope.key = vec![KeyPart { path: "alert.labels.coordinator".into(), value: hostile.into() }];
        let bound = arguments(&playbook, &playbook.steps[1], true, &scope).expect(hostile);
        assert_eq!(bound["coordinator"], hostile);
        // In PromQL it is one string.
        let asked = question(&playbook, &playbook.queries["up"], &scope).expect(hostile);
        assert_eq!(asked["query"], format!("sum(up{{coordinator=\"{}\"}})", hostile.replace('"', "\\\"")));
        scope.alert.alert.labels.insert("x".into(), hostile.into());
        assert_eq!(note("{{ alert.labels.x }}", "p", &scope).as_deref(), Ok(hostile));
    }
}

#[test]
fn lesson_40_what_tries_a_playbook_has_nothing_to_write_with() {
    // No context, no port, no clock goes in; what comes out is a value.
    let run: fn(&Playbook, &Case, &Incoming) -> Result<Outcome, String> = simulate;
    let playbook = parse(FUND).expect("sound");
    assert!(run(&playbook, &playbook.tests[0], &Incoming::default()).is_ok());
}

#[test]
fn lesson_41_a_playbook_carries_its_tests() {
    let playbook = parse(FUND).expect("sound");
    assert_eq!(playbook.tests.len(), 7);
    assert!(load(&changed("decision: denied, reason: require, path: []", "decision: run"), &beside).is_err());
}

#[test]
fn lesson_42_a_step_may_have_a_condition_and_be_tried_again() {
    let playbook = parse(FUND).expect("sound");
    let case = |name: &str| test(&playbook, &beside).into_iter().find(|tested| tested.name == name).expect(name);
    // Refused once, tried again, done.
    assert!(case("a fix that does not hold escalates").outcome.expect("ran").path.contains(&"fund".to_owned()));
    assert_eq!(case("nothing waits, so nothing is applied").outcome.expect("ran").path, ["look"]);
    let twice = changed("fund: [refused, ok]", "fund: [refused, refused, ok]");
    let failed = load(&twice, &beside).expect_err("two attempts only")[0].message.clone();
    assert!(failed.contains("verified is not asked, not false (`fund` was refused)"), "{failed}");
}

#[test]
fn lesson_43_a_refusal_names_the_rule_and_the_remedy() {
    let (_, problems) = super::super::lower::read("ira: 1");
    assert!(problems.iter().all(|problem| problem.hint.is_some()), "{problems:?}");
    let problems = parse(include_str!("planted.yaml")).expect_err("mistakes");
    let bare: Vec<&str> = problems.iter().filter(|one| one.hint.is_none()).map(|one| one.message.as_str()).collect();
    assert!(bare.len() < problems.len() / 2, "{bare:#?}");
}

#[test]
fn lesson_44_a_key_that_stands_twice_and_a_second_alert_are_told_apart() {
    let said = said("    match: {", "    match: { a: b }\n    match: {");
    assert!(
        said.contains("fund.yaml:11:5: `match` stands here a second time") && said.contains("on line 10 already"),
        "{said}"
    );
    let two = changed(
        "on:\n",
        "on:\n  - { source: pagerduty, match: { alertname: Other }, key: [alert.labels.coordinator] }\n",
    );
    assert_eq!(parse(&two).expect("two alerts").on.len(), 2);
}

#[test]
fn of_several_playbooks_that_would_write_none_does() {
    let (one, two) =
        (parse(FUND).expect("sound"), parse(&changed("playbook: fund", "playbook: other")).expect("sound"));
    let mut alert = Incoming { source: "alertmanager".into(), ..Incoming::default() };
    for (name, value) in [
        ("alertname", "SubscriptionLow"),
        ("env", "stage"),
        ("coordinator", "0xD7f86b4b8Cae7D942340FF628F82735b7a20893a"),
    ] {
        alert.alert.labels.insert(name.into(), value.into());
    }
    alert.alert.annotations.insert("balance".into(), "3".into());
    let decision = decide(&[&one], &alert);
    assert_eq!((decision.writer, decision.several.len()), (Some(0), 0));
    let decision = decide(&[&one, &two], &alert);
    assert_eq!((decision.writer, decision.several), (None, vec![0, 1]));
    alert.alert.labels.remove("coordinator");
    let decision = decide(&[&one, &two], &alert);
    assert!(decision.writer.is_none() && decision.considered[1].furthest().expect("a stop").stage == Stage::Key);
}

#[test]
fn a_step_becomes_the_command_with_its_arguments_its_caps_and_the_alert() {
    let playbook = parse(FUND).expect("sound");
    let mut scope = Scope { params: params(&playbook, &[].into()).expect("defaults"), ..Scope::default() };
    let part = |value: &str| vec![KeyPart { path: "alert.labels.coordinator".into(), value: value.into() }];
    scope.key = part("0xD7f86b4b8Cae7D942340FF628F82735b7a20893a");
    let ready = invocation(&playbook, &playbook.steps[1], true, &scope).expect("ready");
    assert_eq!(ready.with()["amount"], "5 LINK");
    assert_eq!(ready.with()["max-spend"], "20 LINK");
    // An address that is not among the targets is read from, and not written to.
    scope.key = part("0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419");
    assert!(invocation(&playbook, &playbook.steps[0], false, &scope).is_ok());
    let Err(Unready::Refused(refusal)) = invocation(&playbook, &playbook.steps[1], true, &scope) else {
        panic!("written")
    };
    assert!(refusal.message.contains("is none of `targets.coordinator`"), "{refusal:?}");

    let ships = parse(SHIPPED[0].1).expect("sound");
    scope.alert.alert.labels.insert("feed".into(), "ETH / USD".into());
    let ready = invocation(&ships, &ships.steps[0], false, &scope).expect("ready");
    assert_eq!(ready.with()["alerts"][0]["labels"]["feed"], "ETH / USD");
}
