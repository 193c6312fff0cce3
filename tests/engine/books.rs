//! Playbooks of the tests.

/// What every one of them begins with. Its `site` is what the users of it see.
fn head(guards: &str) -> String {
    format!(
        "ira: 1
playbook: mend
owner: team
mode: auto
approve: {{ from: approver, within: 10m }}
on:
  - source: alertmanager
    match: {{ alertname: Down }}
    key: [alert.labels.unit]
targets: {{ unit: [web*, app*] }}
queries:
  site: {{ do: systemd.status, with: {{ unit: site }}, take: result }}
  odd: {{ do: systemd.status, with: {{ unit: broken }}, take: active }}
guards:
  budget: all
{guards}steps:
"
    )
}

/// How every one of them ends.
pub const TAIL: &str = "verify:
  after: 10s
  until: q.site == \"active\"
  every: 5s
  within: 20s
  hold: 10s
escalate:
  to: pagerduty
  deadline: 20m
  note: \"site {{ verify.before.site }} -> {{ verify.after.site }}\"
";

/// A playbook of these steps.
pub fn of(steps: &str) -> String {
    guarded("", steps)
}

/// The same with guards, each in a line of its own.
pub fn guarded(guards: &str, steps: &str) -> String {
    format!("{}{steps}{TAIL}", head(guards))
}

/// A read.
pub const LOOK: &str = "  - id: look
    do: systemd.status
    with: { unit: $key }
";

/// The read that asks whether the alert still fires.
pub const STILL: &str = "  - id: still
    do: alert.still_firing
";

/// A step that tells somebody, and changes nothing.
pub const SAY: &str = "  - id: say
    do: notify.slack
    with: { text: about web }
";

/// A write that is done once, and that a probe can tell.
pub const RESTART: &str = "  - id: restart
    do: systemd.restart
    with: { unit: $key }
    timeout: 30s
";

/// A write that can be taken back.
pub const STOP: &str = "  - id: stop
    do: systemd.stop
    with: { unit: app }
    timeout: 30s
    undo: { do: systemd.start, with: { unit: app }, timeout: 30s }
";

/// A write that is done once, and of which nothing tells whether it was.
pub const SCRIPT: &str = "  - id: script
    do: script.run
    with: { program: blind }
    timeout: 30s
    accept: irreversible
    caps: { max_targets: 1 }
";

/// A write that is safe to repeat.
pub const REPEAT: &str = "  - id: repeat
    do: script.run
    with: { program: again }
    effect: idempotent
    timeout: 30s
    accept: irreversible
    caps: { max_targets: 1 }
";

/// A step that fails where the world has it fail.
pub const LAST: &str = "  - id: last
    do: systemd.restart
    with: { unit: app-last }
    timeout: 30s
";
