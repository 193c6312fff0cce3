use serde_json::{Value as Json, json};

use super::*;
use crate::playbook::scope::{StepState, StepView};

fn cel(text: &str) -> Cel {
    Cel::compile(text, Place::default()).unwrap_or_else(|why| panic!("{text}: {why}"))
}

fn refused(text: &str) -> String {
    Cel::compile(text, Place::default()).expect_err(text)
}

fn scope(out: Json) -> Scope {
    let mut scope = Scope::default();
    scope.alert.alert.labels.insert("cluster".into(), "cache-eu".into());
    scope.alert.alert.labels.insert("a.b".into(), "dotted".into());
    scope.queries.insert("up".into(), json!(3.0));
    scope.queries.insert("web".into(), json!(200));
    scope.params.insert("most".into(), json!(3));
    scope.steps.insert("look".into(), StepView { state: StepState::Done, out });
    scope
}

#[test]
fn an_expression_sees_what_it_names() {
    let scope =
        scope(json!({ "rate": 400.5, "pods": [{ "name": "a", "ready": true }, { "name": "b", "ready": false }] }));
    for (text, wanted) in [
        ("alert.labels.cluster == 'cache-eu' && alert.labels['a.b'] == 'dotted'", true),
        ("alert.status == 'firing'", true),
        ("has(alert.labels.nothing)", false),
        ("has(steps.look.out.rate) && !has(steps.look.out.other)", true),
        ("q.up >= 2.0 && q.web == 200", true),
        // Numbers of both kinds are compared by their value.
        ("q.up == 3 && q.web < 200.5 && params.most > 2.5", true),
        ("steps.look.state == 'done' && steps.look.out.rate > 100.0", true),
        ("steps.look.out.pods.exists(pod, !pod.ready)", true),
        ("steps.look.out.pods.all(pod, pod.name.startsWith('a'))", false),
        ("size(steps.look.out.pods.filter(pod, pod.ready)) == 1", true),
        ("alert.labels.cluster.matches('^cache-[a-z]+$')", true),
    ] {
        assert_eq!(cel(text).holds(&scope), Ok(wanted), "{text}");
    }
}

#[test]
fn an_error_is_never_true_and_is_seen() {
    let scope = scope(json!({}));
    for text in
        ["q.gone > 1.0", "double(alert.labels.cluster) > 1.0", "alert.labels.nothing == 'x'", "steps.none.out.a == 1"]
    {
        let judged = cel(text).judge(&scope);
        assert!(!judged.holds && judged.fault.is_some(), "{text}: {judged:?}");
    }
}

#[test]
fn an_error_quotes_nothing_that_moves_a_terminal() {
    let mut scope = scope(json!({}));
    scope.alert.alert.labels.insert("cluster".into(), "\u{1b}[31m\u{202e}x".repeat(100));
    let fault = cel("double(alert.labels.cluster) > 1.0").judge(&scope).fault.expect("a fault");
    assert!(!fault.contains('\u{1b}') && !fault.contains('\u{202e}') && fault.len() < 400, "{fault}");
}

#[test]
fn only_what_is_looked_at_is_bound_and_that_is_capped() {
    let big: Vec<u64> = (0..1_000).collect();
    let scope = scope(json!({ "rate": 1.0, "list": big, "text": "x".repeat(5_000) }));
    assert_eq!(cel("steps.look.out.rate == 1.0").holds(&scope), Ok(true));
    assert!(cel("size(steps.look.out.list) > 0").holds(&scope).expect_err("long").contains("at most 200"));
    assert!(cel("steps.look.out.text == 'x'").holds(&scope).expect_err("long").contains("at most 4096"));
}

#[test]
fn an_expression_that_could_be_slow_is_refused() {
    let l = "steps.look.out.pods";
    for (text, why) in [
        (format!("{l}.all(a, {l}.all(b, {l}.all(c, a != c && b != c)))"), "more than 2 deep"),
        (format!("{l}.all(a, {l}.all(b, a.matches('x')))"), "too much work"),
        (format!("{l}.all(a, {l}.all(b, {l} == {l}))"), "too much work"),
        (format!("{l}.all(a, {l}.all(b, b in {l}))"), "too much work"),
        (format!("{l}.map(a, a + a).map(a, a + a).exists(a, a == 'x')"), "literal"),
        (format!("{}x{}", "(".repeat(17), ")".repeat(17)), "too deep"),
        (vec!["q.a"; 60].join(" + "), "operators"),
        (format!("q.a == '{}'", "x".repeat(3_000)), "bytes"),
        (format!("{}true", "!".repeat(40)), "too deep"),
        ("q.a.matches(q.b)".to_owned(), "written out"),
        ("q.a.matches('(a{1000}){1000}')".to_owned(), "too great"),
        ("q.a == '''x'''".to_owned(), "triple"),
        ("q.a == r'x'".to_owned(), "raw"),
        ("{'a': 1}.a == 1".to_owned(), "map"),
        ("[1].map(x, optional.of(x)).size() == 1".to_owned(), "no function"),
        ("siez(q.a) == 1".to_owned(), "did you mean `size`"),
        ("q.a ==".to_owned(), "no expression"),
        ("1 + ".to_owned(), "no expression"),
    ] {
        let said = refused(&text);
        assert!(said.contains(why), "{text}: {said}");
    }
}

/// Printed, not asserted: the longest that anything takes which is let through.
#[test]
#[expect(clippy::disallowed_macros, reason = "a measurement is printed")]
fn the_worst_expression_that_passes_is_measured() {
    let rows: Vec<String> = (0..200).map(|at| format!("{at:04}{}", "x".repeat(16))).collect();
    let scope = scope(json!({ "a": rows, "b": rows.iter().map(|row| format!("{row}y")).collect::<Vec<_>>(),
        "long": "y".repeat(4_000) }));
    let (a, b, long) = ("steps.look.out.a", "steps.look.out.b", "steps.look.out.long");
    let mut worst = (0, String::new());
    for text in [
        format!("{a}.all(x, {b}.all(y, x != y))"),
        format!("{a}.all(x, {b}.exists(y, x != y) && x != '')"),
        format!("{a}.all(x, !({a} == {b}) && x != '')"),
        format!("{a}.all(x, !{long}.contains(x))"),
        format!("!{long}.matches('(x+x+)+z')"),
        format!("size({a}.map(x, {b}.filter(y, y == 'n'))) == 200"),
        format!("{a}.all(x, !(x in {b}) && !(x in {b}) && !(x in {b}))"),
        format!("({a} + {b}).all(x, !(x in {b}) || x != '')"),
        format!("size({a}.map(x, {b}.map(y, 1))) == 200"),
    ] {
        let Ok(cel) = Cel::compile(&text, Place::default()) else { continue };
        let begun = std::time::Instant::now();
        assert_eq!(cel.holds(&scope), Ok(true), "{text}");
        let took = begun.elapsed().as_micros();
        println!("{took:>8} µs, cost {:>7}: {text}", cel.cost());
        if took > worst.0 {
            worst = (took, text);
        }
    }
    println!("the worst that passes: {} µs: {}", worst.0, worst.1);
}

#[test]
fn a_compiled_expression_may_be_evaluated_on_another_thread() {
    fn assert<T: Send + Sync + 'static>() {}
    assert::<Cel>();
}
