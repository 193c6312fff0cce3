use std::collections::BTreeMap;

use super::super::*;
use crate::alert::Alert;

const MINUTE: u64 = 60;

/// A playbook that restarts what an alert names.
fn mend(guards: &str) -> Playbook {
    let text = format!(
        "ira: 1
playbook: mend
owner: team
on:
  - source: alertmanager
    match: {{ alertname: Down }}
    when: alert.labels.env == \"prod\"
    key: [alert.labels.unit]
targets: {{ unit: [web*] }}
queries:
  site: {{ do: http.check, with: {{ url: https://shop.example/ }}, take: status }}
guards:
  budget: all
{guards}steps:
  - id: restart
    do: systemd.restart
    with: {{ unit: $key }}
    timeout: 30s
verify: {{ after: 1m, until: q.site == 200, within: 5m, hold: 4m }}
escalate: {{ to: pagerduty, deadline: 20m }}
"
    );
    parse(&text).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn alert(minute: u64, unit: &str) -> Recorded {
    let labels = [("alertname", "Down"), ("env", "prod"), ("unit", unit), ("zone", "a")];
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let alert = Alert { labels, ..Alert::default() };
    let at = 1_800_000_000 + minute * MINUTE;
    Recorded { at, alert: Incoming { source: "alertmanager".to_owned(), alert, starts_at: Some(at) } }
}

fn with(mut one: Recorded, name: &str, value: &str) -> Recorded {
    one.alert.alert.labels.insert(name.to_owned(), value.to_owned());
    one
}

fn around(max: u64) -> Surroundings {
    let all = Allowance { max: Some(max), window: 60 * MINUTE, per: Some("zone".to_owned()) };
    Surroundings { budgets: [("all".to_owned(), all)].into(), ..Surroundings::default() }
}

/// The verdict of each and what it is by.
fn said(playbook: &Playbook, recorded: &[Recorded], around: &Surroundings) -> Vec<(Verdict, &'static str)> {
    backtest(playbook, recorded, around).into_iter().map(|one| (one.verdict, one.by)).collect()
}

#[test]
fn each_alert_ends_at_the_stage_that_it_does_not_pass() {
    let mut resolved = alert(3, "web");
    resolved.alert.alert.resolved = true;
    let recorded = [
        with(alert(0, "web"), "alertname", "Up"),
        with(alert(1, "web"), "env", "test"),
        with(alert(2, "web"), "unit", ""),
        resolved,
        alert(4, "db"),
        alert(5, "web"),
        alert(5, "web"),
    ];
    let came = backtest(&mend(""), &recorded, &around(9));
    let by: Vec<(Verdict, &str)> = came.iter().map(|one| (one.verdict, one.by)).collect();
    let expected = [
        (Verdict::Ignored, "match"),
        (Verdict::Ignored, "when"),
        (Verdict::Denied, "key"),
        (Verdict::Ignored, "status"),
        (Verdict::Denied, "target"),
        (Verdict::Run, ""),
        (Verdict::Again, "delivery"),
    ];
    assert_eq!(by, expected, "{came:?}");
    assert!(came[1].why.contains("env"), "the reason is said: {}", came[1].why);
    assert_eq!(came[5].key, ["web"]);
    assert_eq!(came[5].targets, [("restart".to_owned(), vec!["unit web".to_owned()])]);
}

#[test]
fn lesson_24_the_guards_count_over_time_and_apart_for_each_key() {
    let book = mend("  cooldown: 30m\n  recurrence: { max: 3, within: 6h }\n");
    let minutes =
        [(0, "web"), (2, "web"), (2, "web2"), (20, "web"), (40, "web"), (80, "web"), (120, "web"), (500, "web")];
    let recorded: Vec<Recorded> = minutes.iter().map(|(minute, unit)| alert(*minute, unit)).collect();
    let (run, no) = (Verdict::Run, Verdict::Denied);
    let expected =
        [(run, ""), (no, "lock"), (run, ""), (no, "cooldown"), (run, ""), (run, ""), (no, "recurrence"), (run, "")];
    assert_eq!(said(&book, &recorded, &around(99)), expected);
    // A budget is shared by all keys of a zone.
    assert_eq!(said(&mend(""), &recorded[..4], &around(1))[2..], [(no, "budget"), (no, "budget")]);
    assert_eq!(said(&mend(""), &recorded[..1], &Surroundings::default()), [(no, "budget")], "none is none");
    let bucket = mend("  bucket: { max: 1, within: 1h }\n");
    assert_eq!(said(&bucket, &[alert(0, "web"), alert(1, "web2")], &around(9)), [(run, ""), (no, "bucket")]);
}

#[test]
fn windows_storms_and_what_only_queries_say() {
    let recorded: Vec<Recorded> = (0..4).map(|number| alert(0, &format!("web{number}"))).collect();
    let storm = Surroundings { storm: Some(2), ..around(99) };
    let by: Vec<&str> = said(&mend(""), &recorded, &storm).into_iter().map(|(_, by)| by).collect();
    assert_eq!(by, ["", "", "storm", "storm"]);
    let from = recorded[0].at;
    for (scope, expected) in [("*", "maintenance"), ("web0", "maintenance"), ("other", "")] {
        let closed = Surroundings { maintenance: vec![(from - 1, from + 1, scope.to_owned())], ..around(99) };
        assert_eq!(said(&mend(""), &recorded[..1], &closed)[0].1, expected, "{scope}");
        let meant = mend("  not_during: [freeze]\n");
        assert_eq!(said(&meant, &recorded[..1], &closed)[0].1, "", "the playbook does not mind");
    }
    let asks = mend("  require: q.site == 500\n");
    let came = backtest(&asks, &recorded[..1], &around(99));
    assert_eq!((came[0].verdict, came[0].why.as_str()), (Verdict::Unknown, "it hangs on q.site"));
    assert_eq!(backtest(&asks, &[], &Surroundings { budgets: BTreeMap::new(), ..around(1) }), []);
}
