use super::super::*;
use super::{FUND, changed, said};

#[test]
fn a_sound_playbook_is_read() {
    let playbook = parse(FUND).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(|one| one.render("fund.yaml")).collect::<Vec<_>>().join("\n"))
    });
    assert_eq!(playbook.name.text, "fund");
    assert_eq!(playbook.revision.len(), 64);
    assert_eq!(playbook.effects.writes, [false, true]);
    // 10s + (2 × 180s + 20s) + 60s + 300s.
    assert_eq!(worst(&playbook).seconds, 750);
    assert_eq!(autonomy(&playbook, Mode::Auto), []);
    assert_ne!(parse(&format!("{FUND}\n")).expect("sound").revision, playbook.revision);
}

#[test]
fn twenty_planted_mistakes_are_reported_at_once_each_with_its_place() {
    let problems = parse(include_str!("planted.yaml")).expect_err("mistakes");
    let said: Vec<String> = problems.iter().map(|problem| problem.render("planted.yaml")).collect();
    let all = said.join("\n");
    for wanted in [
        "1:6: `ira` must be 1, not 2",
        "2:11: `planted mistakes` is no name",
        "4:7: `mode` cannot be `sugest`\n     4 | mode: sugest\n  hint: did you mean `suggest`?",
        "5:1: a playbook has no field `onn`\n     5 | onn:\n  hint: did you mean `on`?",
        "6:13: `source` cannot be `alertmanger`",
        "7:34: this is no pattern: unclosed group",
        "8:11: `alert.label.cluster` is nothing that a key could be made of",
        "9:12: `targets.cluster` is empty, and so allows nothing",
        "11:9: the default of `most` is none that it may have: it is at most 3, not 9",
        "12:3: `most` stands here a second time",
        "14:21: a variable stands in quotes",
        "15:14: the query `bad` must read, and `chain.fund_key` does more than that",
        "17:12: `require`: there is no query `upp`; did you mean `up`?",
        "18:13: `cooldown` takes a duration, as 90s, 10m, 1h30m or 2d, not `30`",
        "21:9: there is no command or action `feed-reprot`",
        "22:9: a step `look` is there already",
        "23:9: `daemon` runs, keeps or inspects playbooks: it is never a step",
        "24:5: `fund` writes, and there is no `guards.budget`",
        "24:5: `fund` writes, and has no `timeout`",
        "25:9: `if`: there is no step `later`",
        "27:26: the label `coordinator` points a write at something, and `targets` does not say at what",
        "27:73: `chain.fund_subscription` has no argument `amuont`",
        "28:46: `retry` cannot be on `timeout`",
        "31:40: `heartbeat`: invalid type: string \"soon\", expected u64",
        "31:55: `network` is no secret, and a reference to one stands in it",
        "32:23: `$params.most` is no list: its type is not `strings`",
        "32:58: `concurrency` must be between 1 and 16, not 0",
        "34:10: `until`: `==` compares a text with a whole number: they are never alike",
        "34:10: verify asks no query: nothing is read again",
        "37:3: the deadline of 1m is shorter than the worst path",
        "39:9: a note knows nothing of `nobody`",
        "43:25: `decision` cannot be `maybe`",
    ] {
        assert!(all.contains(&format!("planted.yaml:{wanted}")), "{wanted} in\n{all}");
    }
}

#[test]
fn yaml_that_could_mean_something_else_is_refused() {
    for (text, why) in [
        ("a: &x 1\nb: 2", "1:4: an anchor"),
        ("a: &x 1\nb: *x", "2:4: an alias"),
        ("a: !!str 1", "1:4: a tag"),
        ("a: !include x", "a tag"),
        ("<<: { a: 1 }", "1:1: a merge key"),
        ("a: 1\n---\nb: 1", "a second document"),
        ("a: 1\na: 2", "2:1: `a` stands here a second time\n     2 | a: 2\n  hint: it stands on line 1 already"),
        ("a: [1, 2", "this is no YAML"),
        ("a: *x", "this is no YAML"),
        ("? [a]\n: 1", "a list stands where a name belongs"),
        ("a: .inf", "no number to reckon with"),
        ("a: 1e999", "too great a number"),
        ("", "the file is empty"),
        ("# only this", "the file is empty"),
        ("just words", "`the file` takes a map, and this is a text"),
        ("\u{0}", "f:1"),
    ] {
        let problems = parse(text).expect_err(text);
        let said: Vec<String> = problems.iter().map(|problem| problem.render("f")).collect();
        assert!(said.iter().any(|line| line.contains(why)), "{text:?}: {said:#?}");
    }
    let deep = format!("a: {}1{}", "[".repeat(40), "]".repeat(40));
    assert!(parse(&deep).expect_err("deep")[0].message.contains("nested more than"));
    assert!(parse(&"a: 1\n".repeat(60_000)).expect_err("long")[0].message.contains("at most 256"));
    assert!(parse(&format!("a: [{}]", "1,".repeat(30_000))).expect_err("many")[0].message.contains("more than 20000"));
}

#[test]
fn a_thousand_mistakes_are_counted_and_a_hundred_shown() {
    let text = (0..1_000).fold("ira: 1\n".to_owned(), |text, at| format!("{text}zzzz{at}: 1\n"));
    let problems = parse(&text).expect_err("mistakes");
    assert_eq!(problems.len(), 101);
    assert!(problems[100].message.contains("more problems"), "{:?}", problems[100]);
}

#[test]
fn what_a_write_owes_is_said_at_the_write() {
    for (from, to, why) in [
        ("  budget: vrf\n", "", "`fund` writes, and there is no `guards.budget`"),
        ("    timeout: 3m\n", "", "`fund` writes, and has no `timeout`"),
        ("    key: [alert.labels.coordinator]\n", "", "`fund` writes, and there is no `key`"),
        (
            "  deadline: 20m\n",
            "  deadline: 12m29s\n",
            "at least 12m30s: look 10s + fund 6m20s + verify.after 1m + verify.within 5m = 12m30s",
        ),
        ("targets: {", "params_x: {", "`targets` does not say at what"),
        ("mode: suggest", "mode: auto\n# ", ""),
        ("  until: q.pending == 0", "  until: q.link != '0'", "verify asks only for what the act itself sets (q.link)"),
        ("  until: q.pending == 0", "  until: steps.fund.state == 'done'", "only what a step said of itself"),
        ("  until: q.pending == 0", "  until: 'true'", "verify asks no query"),
    ] {
        if why.is_empty() {
            assert!(parse(&changed(from, to)).is_ok(), "{to}");
        } else {
            let said = said(from, to);
            assert!(said.contains(why), "{to}: {said}");
        }
    }
    let auto = changed("mode: suggest", "mode: auto").replace("    accept: irreversible\n", "");
    let problems = parse(&auto).expect_err("irreversible");
    assert!(problems[0].message.contains("cannot be taken back, and the rung is `auto`"), "{problems:?}");
    let auto = changed("mode: suggest", "mode: auto")
        .replace("    caps: { max_spend: 20 LINK, max_spend_native: 0.1 ETH }\n", "");
    let problems = parse(&auto).expect_err("no cap");
    assert!(problems[0].message.contains("has no cap"), "{problems:?}");
}

#[test]
fn an_expression_is_held_against_the_schema_of_its_source() {
    let until = |text: &str| said("until: q.pending == 0", &format!("until: {text}"));
    for (text, why) in [
        ("\"q.pending == 0 && 1 == '1'\"", "compares a whole number with a text"),
        ("q.pending == 0 && alert.lables.x == 'a'", "an alert of alertmanager has no `lables`; did you mean `labels`?"),
        ("q.pending == 0 && alert.labels.a.b == 'a'", "a name with dots is written"),
        ("q.pending == 0 && alert.status == 'fireing'", "`alert.status` is never `fireing`; did you mean `firing`?"),
        ("q.pending == 0 && steps.fund.state == 'ok'", "`steps.fund.state` is never `ok`"),
        ("q.pending == 0 && steps.fund.ouput == 1", "a step has no `ouput`; there are: state, out"),
        ("q.pending == 0 && stesp.fund.out == 1", "there is no `stesp`; did you mean `steps`?"),
        ("q.pending == 0 && params.lnik > 1", "there is no parameter `lnik`; did you mean `link`?"),
        ("q.up + 1 > 2.0", "write double(…) around one"),
        ("q.up", "it is a decimal number, neither true nor false"),
        ("q.up > 1.0 && params.link", "`&&` takes true or false, and this is a whole number"),
        ("q.up.value > 1.0", "`q.up` is a number, and has nothing in it"),
        ("q.pending == 0 && now() > 1", "there is no function `now`"),
        ("q.pending == verify.after.pending", "`verify.after` is known when it is over"),
        ("q.pending == 0 && alert.starts_at > '1'", "compares a whole number with a text"),
    ] {
        let said = until(text);
        assert!(said.contains(why), "{text}: {said}");
    }
    assert!(parse(&changed("until: q.pending == 0", "until: q.pending < verify.before.pending")).is_ok());
    assert!(said("when: double(", "when: q.up > 1.0 && double(").contains("`q` cannot be looked at here"));
    assert!(said("require: q.up >= 1.0", "require: steps.look.state == 'done'").contains("cannot be looked at here"));
    assert!(said("if: steps.look.out", "if: steps.fund.out").contains("the step `fund` has not been done by then"));
    let starts =
        changed("when: double(", "when: alert.starts_at > 0 && double(").replace("source: alertmanager", "source: any");
    assert!(parse(&starts).expect_err("any")[0].message.contains("an alert of any has no `starts_at`"));
}

#[test]
fn a_variable_has_a_value_of_the_right_kind() {
    for (from, to, why) in [
        (
            "subscription: $params.subscription",
            "subscription: $params.subscribtion",
            "there is no parameter `subscribtion`",
        ),
        ("subscription: $params.subscription", "subscription: $params.link", "`subscription`: invalid type: integer"),
        ("subscription: $params.subscription", "subscription: $subscription", "did you mean `$params.subscription`?"),
        ("subscription: $params.subscription", "subscription: $item", "`$item` stands outside of a loop"),
        ("subscription: $params.subscription", "subscription: $q.link", "a query decides in an expression"),
        ("subscription: $params.subscription", "subscription: '${params.subscription}'", "without braces"),
        (
            "subscription: $params.subscription",
            "subscription: $steps.look.out.id",
            "the step `look` declares no output `id`",
        ),
        ("subscription: $params.subscription", "subscription: $steps.fund.out.id", "the step `fund` comes later"),
        ("subscription: $params.subscription", "subscription: 8831", "invalid type: integer `8831`"),
        ("amount: $params.link LINK", "amount: $params.link", "`amount`: invalid type: integer"),
        ("amount: $params.link LINK", "amount: many LINK", "it takes an amount and its coin"),
        ("coordinator: $key, subscription", "coordinator: 'x$key', subscription", "0x and 40 hex digits"),
        ("coordinator: $key, subscription", "subscription", "needs the argument `coordinator`"),
    ] {
        let said = said(from, to);
        assert!(said.contains(why), "{to}: {said}");
    }
}
