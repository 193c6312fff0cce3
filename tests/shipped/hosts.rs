//! The playbooks for the services of a host: down, and failing too many requests.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{Gate, Scene, dry, handed_over, killed, verified};
use crate::people::api::{Api, json as answer, silence};

/// A service that is mended by one web hook or one script, and what says how it is: a site, and a Prometheus.
struct Service {
    playbook: &'static str,
    /// The site, the metrics, and the web hook that mends.
    api: Api,
    state: Arc<State>,
    /// Whether the daemon's answer is held, once.
    held: Arc<AtomicBool>,
}

#[derive(Default)]
struct State {
    well: AtomicBool,
    useless: bool,
    done: Mutex<Vec<String>>,
}

impl State {
    fn mend(&self, how: &str) {
        self.done.lock().expect("whole").push(how.to_owned());
        self.well.store(!self.useless, Ordering::SeqCst);
    }
}

impl Service {
    fn of(playbook: &'static str, useless: bool) -> Self {
        let (state, held) = (Arc::new(State { useless, ..State::default() }), Arc::<AtomicBool>::default());
        let (own, hold) = (Arc::clone(&state), Arc::clone(&held));
        let api = Api::start(move |asked| {
            let well = own.well.load(Ordering::SeqCst);
            match asked.place() {
                "/rollback" => {
                    own.mend("rollback");
                    if hold.swap(false, Ordering::SeqCst) { silence() } else { answer(202, &json!({})) }
                }
                "/mend" => {
                    own.mend("script");
                    answer(200, &json!({}))
                }
                "/api/v1/query" => {
                    // Which kind of error it is: that of a deployment.
                    let kind = (asked.path.clone() + &asked.body).contains("process_start_time_seconds");
                    let value = if kind {
                        "1"
                    } else if well {
                        "0"
                    } else {
                        "0.4"
                    };
                    let result = json!({ "metric": {}, "value": [1, value] });
                    answer(200, &json!({ "status": "success", "data": { "resultType": "vector", "result": [result] } }))
                }
                _ => answer(if well { 200 } else { 503 }, &json!({})),
            }
        });
        Self { playbook, api, state, held }
    }
}

impl Gate for Service {
    fn is_hit(&self) -> bool {
        !self.held.load(Ordering::SeqCst)
    }
}

impl Scene for Service {
    fn playbook(&self) -> &'static str {
        self.playbook
    }

    fn hurry(&self) -> Vec<(&'static str, &'static str)> {
        match self.playbook {
            "service-down" => vec![
                ("hold: 5m", "hold: 2s"),
                ("within: 2m", "within: 4s"),
                ("after: 5s", "after: 1s"),
                ("every: 5s", "every: 1s"),
            ],
            _ => vec![
                ("hold: 5m", "hold: 2s"),
                ("within: 10m", "within: 4s"),
                ("after: 30s", "after: 1s"),
                ("every: 15s", "every: 1s"),
            ],
        }
    }

    fn own(&self) -> String {
        let url = self.api.url();
        match self.playbook {
            "service-down" => format!(
                "targets = {{ metric = [\"StatusCheckFailed\"], namespace = [\"AWS/EC2\"] }}\n\
                 params = {{ url = \"{url}/healthz\", host = \"i-0abc\" }}"
            ),
            _ => format!("params = {{ rollback = \"{url}/rollback\" }}"),
        }
    }

    fn tables(&self) -> String {
        format!("[prometheus]\nurl = \"{}\"\n", self.api.url())
    }

    fn labels(&self) -> Value {
        match self.playbook {
            "service-down" => json!({
                "alertname": "web-01 StatusCheckFailed", "metric": "StatusCheckFailed", "namespace": "AWS/EC2",
                "InstanceId": "i-0abc", "severity": "critical",
            }),
            _ => json!({ "alertname": "ErrorRateHighCritical", "job": "web", "severity": "critical" }),
        }
    }

    fn acted(&self) -> bool {
        !self.writes().is_empty()
    }

    fn writes(&self) -> Vec<String> {
        self.state.done.lock().expect("whole").clone()
    }

    fn files(&self) -> Vec<(&'static str, String, u32)> {
        // Without a program of the host's: it says it to the service itself.
        let script = format!(
            "#!/bin/bash\nexec 3<>/dev/tcp/127.0.0.1/{}\nprintf 'GET /mend HTTP/1.1\\r\\nhost: l\\r\\n\\r\\n' >&3\nread -r line <&3\necho \"$line\"\n",
            self.api.port
        );
        vec![("scripts/StatusCheckFailed#AWS%2FEC2.sh", script, 0o755)]
    }
}

#[test]
fn a_service_that_is_down_and_one_that_fails_are_mended_or_handed_over() {
    for (playbook, mended) in [("service-down", "script"), ("high-error-rate", "rollback")] {
        let service = Service::of(playbook, false);
        dry(&service);
        verified(&service);
        assert_eq!(service.writes(), [mended], "{playbook}: once");
        let useless = Service::of(playbook, true);
        handed_over(&useless, "did not help");
        assert_eq!(useless.writes(), [mended], "{playbook}: once");
    }
}

#[test]
fn fault_3_a_web_hook_whose_answer_nobody_heard_is_not_called_again() {
    let service = Service::of("high-error-rate", false);
    service.held.store(true, Ordering::SeqCst);
    let (ended, writes) = killed(&service, &service);
    assert!(ended.starts_with("needs_human"), "nobody can look whether it was: {ended}");
    assert_eq!(writes, ["rollback"]);
}
