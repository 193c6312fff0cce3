//! The store: its verbs against the model, its invariants by their numbers, its disk.

mod asks;
mod disk;
mod files;
mod intake;
mod lease;
mod machine;
mod people;
mod rules;
mod same;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ira::store::ask::{
    Admission, Admit, Begin, Charge, End, Finish, FirstWrite, Incoming, Outcome, Page, Text, Verdict, Which,
};
use ira::store::clock::Manual;
use ira::store::event::By;
use ira::store::model::{Run, RunId, Step};
use ira::store::{Guard, Memory, Options, RunState, Sqlite, Store};
use ira_commands::Effect;
use ira_commands::effect::Reach;
use serde_json::json;

/// When the tests' stores are opened, unix milliseconds.
const START: u64 = 1_800_000_000_000;
const SECOND: Duration = Duration::from_secs(1);

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

/// A file with a clock that the test sets.
fn sqlite(folder: &Path, ticks: &Arc<Manual>) -> Sqlite {
    let options = Options { ticks: Arc::<Manual>::clone(ticks), ..Options::default() };
    Sqlite::open(&folder.join("ira.db"), options).expect("it opens")
}

/// Does the same on the model and on a file.
#[expect(clippy::needless_pass_by_value, reason = "a closure is written where it is called")]
fn on_each(test: impl AsyncFn(&dyn Store, &Manual)) {
    let ticks = Arc::new(Manual::at(START));
    block(test(&Memory::new(Arc::<Manual>::clone(&ticks)), &ticks));
    let folder = tempfile::tempdir().expect("a folder");
    let ticks = Arc::new(Manual::at(START));
    block(test(&sqlite(folder.path(), &ticks), &ticks));
}

/// A run of a playbook for an alert.
fn admit(key: &str, alert: &str, playbook: &str) -> Admit {
    Admit {
        key: key.to_owned(),
        alert: Some(Incoming {
            source: "alertmanager".to_owned(),
            delivery_id: format!("delivery of {alert}"),
            fingerprint: alert.to_owned(),
            group_key: "{}".to_owned(),
            payload: json!({ "alert": alert }).to_string(),
            over: false,
        }),
        received: None,
        playbook: Some(Text {
            name: playbook.to_owned(),
            revision: format!("sha of {playbook}"),
            text: format!("playbook: {playbook}"),
        }),
        title: playbook.to_owned(),
        params: json!({ "max": 1 }),
        by: "alert".to_owned(),
        claimable: true,
        escalate_in: Some(60 * SECOND),
        page: Some(Page {
            dedup_key: format!("page of {alert}"),
            channel: "pagerduty".to_owned(),
            payload: json!({ "summary": alert }),
        }),
    }
}

/// A write of a run, as its first attempt.
fn write(run: &Run, path: &str) -> Begin {
    Begin {
        run: run.id,
        fence: run.fence,
        path: path.to_owned(),
        attempt: 1,
        effect: Effect::Once,
        reach: Reach::Target,
        undo: false,
        effect_key: None,
        within: 30 * SECOND,
        begun: json!({ "unit": path }),
        plan_hash: None,
        locks: Vec::new(),
        scopes: Vec::new(),
    }
}

/// The first write of a run, with no guard but the locks of `begin`.
fn unguarded(begin: Begin) -> FirstWrite {
    FirstWrite {
        begin,
        cooldowns: Vec::new(),
        charges: Vec::new(),
        breaker: None,
        approved: false,
        overrides: Vec::new(),
    }
}

fn bucket(key: &str, limit: u128, window: Duration) -> Charge {
    Charge { guard: Guard::Bucket, key: key.to_owned(), amount: 1, limit, window }
}

fn ended(step: &Step, outcome: Outcome) -> End {
    End { attempt: step.id, fence: step.fence, outcome, by: By::Worker, exit: json!({ "code": 0 }), output_ref: None }
}

fn finish(run: &Run, state: RunState) -> Finish {
    Finish { run: run.id, fence: run.fence, state, note: "over".to_owned(), resolve: true, verified: None }
}

/// A run that was admitted and taken, for this alert.
async fn taken(store: &dyn Store, alert: &str) -> Run {
    let admitted = store.admit(admit(alert, alert, "restart")).await.expect("admitted");
    assert!(matches!(admitted, Admission::New(_)));
    claim(store, "worker", Which::This(admitted.run().id)).await.expect("free").expect("there")
}

async fn claim(store: &dyn Store, worker: &str, which: Which) -> Verdict<Option<Run>> {
    store.claim(worker, 30 * SECOND, which).await.expect("the store works")
}

async fn run(store: &dyn Store, id: RunId) -> Run {
    store.run(id).await.expect("read").expect("it is kept").run
}

/// What denied, if anything did.
fn denial<T>(verdict: Verdict<T>) -> Option<Guard> {
    verdict.err().map(|denial| denial.guard)
}
