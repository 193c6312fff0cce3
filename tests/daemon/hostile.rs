//! What an alert says reaches a script as one argument, or not at all. Fault 25, through all of it.

use super::*;

#[test]
fn fault_25_whatever_a_label_holds_is_one_argument_or_reaches_a_person() {
    let host = Host::new();
    // In one write: several run at the same time.
    host.script(
        "hex=$(printf %s \"$1\" | od -An -v -tx1 | tr -d ' \\n'); echo \"$# $hex\" >> @/got; echo done >> @/effects",
    );
    let text = host
        .mend("5s", "60s")
        .replace("with: { program: mend }", "with: { program: mend, arg: [$alert.labels.unit] }")
        .replace(
            "targets: { program: [mend] }",
            "labels: { unit: '(?s).*' }\ntargets: { program: [mend], unit: ['*'] }",
        );
    assert!(text.contains("arg:"));
    host.playbook("mend", &text);
    let daemon = host.start();
    let pwned = host.path("pwned").display().to_string();
    let values = [
        format!("$(touch {pwned})"),
        format!("`touch {pwned}`"),
        format!("; touch {pwned}"),
        format!("a\nb\r\ntouch {pwned}"),
        format!("| touch {pwned}"),
        "a\0b".to_owned(),
        "-rf".to_owned(),
        "--help".to_owned(),
        "\u{202e}txt.exe".to_owned(),
        "'\"\\".to_owned(),
        "é\u{fffd}\u{10ffff}".to_owned(),
        "{{ 7*7 }} ${{ x }} $alert.labels.severity %s %n".to_owned(),
        "*".to_owned(),
        "x".repeat(2000),
    ];
    for value in &values {
        assert_eq!(daemon.post(&message(&[value], "firing", 1)), 200, "{value:?}: {}", host.log());
    }
    wait_until("each is decided", || host.inbox().len() == values.len() && host.all_decided());
    wait_until("each run ends, or asks somebody", || host.all_settled());
    let hex = |text: &str| ira_commands::units::digits(text.as_bytes());
    let got = std::fs::read_to_string(host.path("got")).unwrap_or_else(|_| panic!("some are sound: {}", host.log()));
    for line in got.lines() {
        let of = line.strip_prefix("1 ").unwrap_or_else(|| panic!("one argument: {line}"));
        assert!(values.iter().any(|value| hex(value) == of), "as it is: {line}");
    }
    let taken = |value: &String| got.lines().any(|line| line == format!("1 {}", hex(value)));
    for value in values.iter().filter(|value| !taken(value)) {
        let row = host.inbox().into_iter().find(|row| unit_of(row) == *value);
        let row = row.unwrap_or_else(|| panic!("kept as it is: {value:?}"));
        let run = row.state.strip_prefix("run ").and_then(|id| id.parse::<u64>().ok());
        let handed =
            run.is_none_or(|id| host.runs().iter().any(|run| run.id.0 == id && run.state.word() != "succeeded"));
        assert!(handed && row.state.as_str() != "ignored", "{value:?}: {}", row.state);
    }
    let refused = values.iter().filter(|value| !taken(value)).count();
    wait_until("somebody is woken for each that reached no script", || host.woken().len() >= refused);
    for value in &values[..5] {
        assert!(taken(value) || value.contains('\n'), "a text is a text: {value:?} in {got}");
    }
    assert!(!taken(&values[5]) && !taken(&values[6]), "neither a NUL nor an option");
    assert!(!host.path("pwned").exists(), "no shell reads it");
    assert_eq!(daemon.post(&message(&[&"x".repeat(1 << 20)], "firing", 1)), 413, "a megabyte");
    assert_eq!(daemon.end(), Some(0));
}
