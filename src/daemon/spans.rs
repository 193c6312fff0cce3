//! Runs as traces: OTLP over HTTP, in its JSON form (<https://opentelemetry.io/docs/specs/otlp/>). A run is told when it has
//! ended, from its record, so that one that outlived a daemon is one trace; it never waits for whoever takes them, and
//! what does not go is counted.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ira_commands::units::digits;
use ira_commands::{Fault, Kind};
use reqwest::Method;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Shared;
use crate::clients::service::{Again, Call, Service};
use crate::config::Config;
use crate::store::ask::Story;
use crate::store::model::{RunId, Step};
use crate::store::{RunState, StepState};

/// The most runs that wait to be told.
const MOST: usize = 1_024;
/// How long a request may take, seconds.
const WITHIN: u64 = 5;
/// What happens inside of a process.
const INTERNAL: u8 = 1;
/// The words of a status.
const OK: u8 = 1;
const ERROR: u8 = 2;

/// Where ended runs are handed over.
pub(super) struct Spans {
    send: Mutex<Option<mpsc::Sender<RunId>>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Spans {
    /// With the other end, for [`Spans::start`].
    pub fn new() -> (Self, mpsc::Receiver<RunId>) {
        let (send, receive) = mpsc::channel(MOST);
        (Self { send: Mutex::new(Some(send)), task: Mutex::default() }, receive)
    }

    /// Tells what is handed over from now on.
    pub fn start(shared: &Arc<Shared>, runs: mpsc::Receiver<RunId>) {
        let task = tokio::spawn(run(Arc::clone(shared), runs));
        *shared.spans.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    /// A run has ended; gives whether it can be told.
    pub fn ended(&self, run: RunId) -> bool {
        let send = self.send.lock().unwrap_or_else(PoisonError::into_inner);
        send.as_ref().is_some_and(|send| send.try_send(run).is_ok())
    }

    /// Nothing is handed over any more: what was has a little time to be told.
    pub async fn close(&self) {
        self.send.lock().unwrap_or_else(PoisonError::into_inner).take();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            let _late = tokio::time::timeout(Duration::from_secs(WITHIN), task).await;
        }
    }
}

/// Tells until nobody hands over any more.
async fn run(shared: Arc<Shared>, mut runs: mpsc::Receiver<RunId>) {
    while let Some(run) = runs.recv().await {
        let config = Arc::clone(&shared.loaded().config);
        if config.systems.otlp.is_none() {
            continue;
        }
        let told = tell(&shared, &config, run).await;
        if let Err(fault) = &told {
            tracing::warn!("run {run} is in no trace: {fault}");
        }
        shared.metrics.count("ira_traces_total", &[("outcome", if told.is_ok() { "sent" } else { "lost" })]);
    }
}

async fn tell(shared: &Shared, config: &Config, run: RunId) -> Result<(), Fault> {
    let Some(to) = &config.systems.otlp else { return Ok(()) };
    let story = shared.store.run(run).await?.ok_or_else(|| Fault::new(Kind::Missing, "there is no such run"))?;
    let service = Service::open("the collector", &to.url, &to.auth, config.env())?.within(WITHIN);
    let call = Call::new(Method::POST, &["v1", "traces"]).json(trace(&story, &shared.cluster));
    // A trace more or less is not worth that others wait: again only where it was not taken at all.
    service.ask(&call, Again::Refused).await.map(|_| ()).map_err(|broken| broken.fault)
}

/// A run with its attempts, as one request.
fn trace(story: &Story, cluster: &str) -> Json {
    let run = &story.run;
    let id = |what: &str, bytes: usize| digits(&Sha256::digest(format!("{cluster}:{what}").as_bytes())[..bytes]);
    let trace = id(&format!("run:{}", run.id), 16);
    let root = id(&format!("run:{}", run.id), 8);
    let end = run.ended_at.unwrap_or_else(|| latest(story));
    let wrong = !matches!(run.state, RunState::Succeeded | RunState::Cancelled);
    let mut spans = vec![json!({
        "traceId": trace,
        "spanId": root,
        "name": run.playbook.as_deref().unwrap_or(&run.title),
        "kind": INTERNAL,
        "startTimeUnixNano": nanos(run.admitted_at),
        "endTimeUnixNano": nanos(end),
        "status": status(wrong, run.state.word()),
        "attributes": [
            text("ira.run", &run.id.to_string()),
            text("ira.playbook", run.playbook.as_deref().unwrap_or_default()),
            text("ira.revision", run.revision.as_deref().unwrap_or_default()),
            text("ira.state", run.state.word()),
            text("ira.by", &run.by),
            text("ira.alert", &story.alert.as_ref().map(|alert| alert.fingerprint.clone()).unwrap_or_default()),
        ],
    })];
    spans.extend(story.steps.iter().map(|step| {
        json!({
            "traceId": trace,
            "spanId": id(&format!("attempt:{}", step.id), 8),
            "parentSpanId": root,
            "name": step.path,
            "kind": INTERNAL,
            "startTimeUnixNano": nanos(step.started_at),
            "endTimeUnixNano": nanos(step.ended_at.unwrap_or(end)),
            "status": status(step.state != StepState::Done, step.state.word()),
            "attributes": attributes(step),
        })
    }));
    let service =
        [text("service.name", "ira"), text("service.version", env!("CARGO_PKG_VERSION")), text("ira.cluster", cluster)];
    json!({ "resourceSpans": [{
        "resource": { "attributes": service },
        "scopeSpans": [{ "scope": { "name": "ira" }, "spans": spans }],
    }] })
}

/// What is said of an attempt: nothing that it read or wrote.
fn attributes(step: &Step) -> Json {
    json!([
        text("ira.attempt", &step.id.to_string()),
        json!({ "key": "ira.try", "value": { "intValue": step.attempt.to_string() } }),
        text("ira.effect", &format!("{:?}", step.effect).to_lowercase()),
        text("ira.state", step.state.word()),
        json!({ "key": "ira.undo", "value": { "boolValue": step.undo } }),
    ])
}

/// When anything was last written of a run that has no end.
fn latest(story: &Story) -> u64 {
    let ends = story.steps.iter().map(|step| step.ended_at.unwrap_or(step.started_at));
    ends.max().unwrap_or(story.run.admitted_at)
}

/// A number of 64 bits is a text in OTLP's JSON.
fn nanos(millis: u64) -> String {
    (u128::from(millis) * 1_000_000).to_string()
}

fn text(key: &str, value: &str) -> Json {
    json!({ "key": key, "value": { "stringValue": value } })
}

fn status(wrong: bool, word: &str) -> Json {
    if wrong { json!({ "code": ERROR, "message": word }) } else { json!({ "code": OK }) }
}
