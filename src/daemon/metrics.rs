//! What is counted, in Prometheus' form. The names are public: `ira help daemon` has them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The upper ends of the buckets of times, seconds.
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 4.0];

/// Every metric with what it says.
pub(super) const NAMES: &[(&str, &str, &str)] = &[
    ("ira_requests_total", "counter", "requests by source and answer"),
    ("ira_alerts_received_total", "counter", "alerts that are on disk, by source and whether they came before"),
    ("ira_ack_seconds", "histogram", "from the head of a request to its answer"),
    ("ira_decisions_total", "counter", "decisions on alerts, by their word"),
    ("ira_undecided", "gauge", "alerts that wait to be decided"),
    ("ira_undecided_oldest_seconds", "gauge", "for how long the oldest of them has waited"),
    ("ira_runs_total", "counter", "runs that ended, by playbook and how"),
    ("ira_denials_total", "counter", "first writes that were denied, by guard"),
    ("ira_mail_sent_total", "counter", "rows of the outbox that were taken by their channels"),
    ("ira_mail_pending", "gauge", "rows of the outbox that are to be sent"),
    ("ira_heartbeats_total", "counter", "times at which the external switch was to be told, by whether it was"),
    ("ira_store_errors_total", "counter", "requests to the store that failed"),
    ("ira_store_up", "gauge", "whether the store answers"),
    ("ira_playbooks", "gauge", "playbooks, by whether they are loaded"),
    ("ira_handshakes_failed_total", "counter", "connections over TLS that came to nothing, by how"),
    ("ira_traces_total", "counter", "runs that were told as traces, by how that went"),
    ("ira_reloads_total", "counter", "reloads, by how they went"),
];

/// What is counted.
#[derive(Default)]
pub(super) struct Metrics {
    counts: Mutex<BTreeMap<(&'static str, String), u64>>,
    acks: [AtomicU64; BUCKETS.len()],
    ack_count: AtomicU64,
    ack_micros: AtomicU64,
    /// Alerts that wait, as they were last counted, with those that came since.
    pub waiting: AtomicU64,
}

impl Metrics {
    /// One more. `labels` is as it stands between the braces.
    pub fn count(&self, name: &'static str, labels: &[(&str, &str)]) {
        self.add(name, labels, 1);
    }

    /// So many more.
    pub fn add(&self, name: &'static str, labels: &[(&str, &str)], by: u64) {
        if by == 0 {
            return;
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((name, spelled(labels))).or_default() += by;
    }

    /// So many there are.
    pub fn set(&self, name: &'static str, labels: &[(&str, &str)], value: u64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.insert((name, spelled(labels)), value);
    }

    /// A request was answered after so long.
    pub fn acked(&self, after: Duration) {
        let seconds = after.as_secs_f64();
        if let Some(at) = BUCKETS.iter().position(|most| seconds <= *most) {
            self.acks[at].fetch_add(1, Ordering::Relaxed);
        }
        self.ack_count.fetch_add(1, Ordering::Relaxed);
        self.ack_micros.fetch_add(u64::try_from(after.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// All of it, as Prometheus reads it.
    pub fn text(&self) -> String {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut out = String::new();
        let mut push = |line: String| {
            out.push_str(&line);
            out.push('\n');
        };
        for (name, kind, help) in NAMES {
            push(format!("# HELP {name} {help}"));
            push(format!("# TYPE {name} {kind}"));
            if *kind == "histogram" {
                let mut below = 0;
                for (most, count) in BUCKETS.iter().zip(&self.acks) {
                    below += count.load(Ordering::Relaxed);
                    push(format!("{name}_bucket{{le=\"{most}\"}} {below}"));
                }
                let all = self.ack_count.load(Ordering::Relaxed);
                push(format!("{name}_bucket{{le=\"+Inf\"}} {all}"));
                push(format!("{name}_sum {}", self.ack_micros.load(Ordering::Relaxed) as f64 / 1e6));
                push(format!("{name}_count {all}"));
            }
            for ((of, labels), value) in counts.iter().filter(|((of, _), _)| of == name) {
                push(format!("{of}{labels} {value}"));
            }
        }
        out
    }
}

/// Labels as they are written, their values escaped.
fn spelled(labels: &[(&str, &str)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let mut out = String::with_capacity(64);
    for (at, (name, value)) in labels.iter().enumerate() {
        out.push(if at == 0 { '{' } else { ',' });
        out.push_str(name);
        out.push_str("=\"");
        for c in value.chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                '\n' => out.push_str("\\n"),
                c => out.push(c),
            }
        }
        out.push('"');
    }
    out.push('}');
    out
}
