//! `cargo bench --bench playbooks`: `ira playbook check` over 500 files, each with its own tests run, against `PyYAML` (with
//! libyaml) that only loads the same files, and against `ira` that checks one. Prints medians and ratios.

#![expect(clippy::disallowed_macros, reason = "what a benchmark prints is its result")]

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

#[expect(dead_code, reason = "the other benchmarks use the rest of it")]
mod measure;

use measure::{RUNS, median, ms, run};

/// How many files are checked.
const FILES: usize = 500;
/// What loads the same files, and looks at nothing in them.
const LOAD: &str = "import sys, yaml\nfor name in sys.argv[1:]:\n    yaml.load(open(name), Loader=yaml.CSafeLoader)\n";

/// A playbook that writes, with every part and three tests.
fn text(number: usize) -> String {
    format!(
        "# Restarts a service of shard {number} that its users do not reach any more.
ira: 1
playbook: service-{number}
about: a service of shard {number} is down; it is restarted, and its site is asked
owner: team-{number}
mode: auto
approve: {{ from: approver, within: 10m }}
on:
  - source: alertmanager
    match: {{ alertname: ServiceDown, shard: \"{number}\", severity: {{ regex: 'critical|page' }} }}
    when: double(alert.annotations.rate) > {number}.5 && !(alert.labels.env in ['dev', 'test'])
    key: [alert.labels.unit]
targets: {{ unit: [web-*, app-{number}] }}
params:
  wait: {{ type: duration, default: 30s, max: 10m }}
queries:
  up:   {{ prometheus: 'sum(up{{shard=\"{number}\", unit=$key}})' }}
  errors: {{ prometheus: 'sum(rate(errors_total{{unit=$key}}[2m]))' }}
  site: {{ do: http.check, with: {{ url: https://shard-{number}.example/healthz }}, take: status }}
guards:
  cooldown: 30m
  recurrence: {{ max: 3, within: 6h }}
  budget: shard-{number}
  require: q.up >= 1.0
  not_during: [maintenance, storm, freeze]
steps:
  - id: look
    do: systemd.status
    with: {{ unit: $key }}
    timeout: 10s
  - id: still
    do: alert.still_firing
  - id: restart
    if: steps.look.out.active != 'activating' && q.errors > 0.5
    do: systemd.restart
    with: {{ unit: $key }}
    timeout: 90s
    retry: {{ attempts: 2, backoff: 20s, on: [refused] }}
verify:
  after: 60s
  until: q.site == 200 && q.errors < 0.1
  every: 15s
  within: 5m
  hold: 5m
annotate: pagerduty
escalate:
  to: pagerduty
  deadline: 20m
  note: \"restart={{{{ steps.restart.state }}}}, errors {{{{ verify.before.errors }}}} -> {{{{ verify.after.errors }}}}\"
tests:
  - name: a resolved alert does nothing
    alert: {{ labels: {{ alertname: ServiceDown, shard: \"{number}\", severity: page, unit: web-1, env: prod }}, annotations: {{ rate: \"900.0\" }} }}
    set: {{ alert.status: resolved }}
    expect: {{ decision: ignored, reason: resolved }}
  - name: it helps, and holds
    alert: {{ labels: {{ alertname: ServiceDown, shard: \"{number}\", severity: page, unit: web-1, env: prod }}, annotations: {{ rate: \"900.0\" }} }}
    mock: {{ look: {{ active: failed }}, restart: ok, q.up: 2.0, q.errors: [4.0, 4.0, 0.0], q.site: 200 }}
    expect: {{ decision: run, path: [look, still, restart], verified: true, escalated: false }}
  - name: what does not hold wakes somebody
    alert: {{ labels: {{ alertname: ServiceDown, shard: \"{number}\", severity: page, unit: web-1, env: prod }}, annotations: {{ rate: \"900.0\" }} }}
    mock: {{ look: {{ active: failed }}, restart: ok, q.up: 2.0, q.errors: [4.0, 4.0, 0.0, 5.0], q.site: 200 }}
    expect: {{ decision: run, verified: false, escalated: true }}
"
    )
}

fn main() {
    let home = tempfile::tempdir().expect("a folder");
    let files: Vec<PathBuf> = (0..FILES)
        .map(|number| {
            let file = home.path().join(format!("service-{number}.yaml"));
            std::fs::write(&file, text(number)).expect("written");
            file
        })
        .collect();
    let bytes: usize = (0..FILES).map(|number| text(number).len()).sum();
    let check = |files: &[PathBuf]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ira"));
        command.env_clear().env("HOME", home.path()).args(["playbook", "check", "--json"]).args(files);
        command
    };
    let sound = check(&files).output().expect("it runs");
    assert!(sound.status.success(), "{}", String::from_utf8_lossy(&sound.stdout));
    let load = || {
        let mut command = Command::new("python3");
        command.args(["-c", LOAD]).args(&files);
        command
    };
    let (mut ours, mut theirs, mut single) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=RUNS {
        let times = (run(&mut check(&files)), run(&mut load()), run(&mut check(&files[..1])));
        // The first fills the caches.
        if round > 0 {
            ours.push(times.0);
            theirs.push(times.1);
            single.push(times.2);
        }
    }
    let (ours, theirs, single): (Duration, Duration, Duration) =
        (median(&mut ours), median(&mut theirs), median(&mut single));
    println!(
        "{FILES} playbooks ({:.1} MiB), all checked, {} tests run / loaded by PyYAML alone: {:.0} ms / {:.0} ms: ira takes {:.2}×",
        bytes as f64 / 1_048_576.0,
        FILES * 3,
        ms(ours),
        ms(theirs),
        ours.as_secs_f64() / theirs.as_secs_f64()
    );
    println!(
        "one playbook: {:.1} ms; each further one {:.2} ms",
        ms(single),
        ms(ours.saturating_sub(single)) / (FILES - 1) as f64
    );
}
