//! `cargo bench --bench engine`: durable runs of three steps, many at once, as many requests in a commit as wait, against
//! one commit for each transition. Prints medians and their ratio.

#![expect(clippy::disallowed_macros, reason = "what a benchmark prints is its result")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use ira::store::ask::{Admit, Begin, End, Finish, FirstWrite, Outcome, Which};
use ira::store::event::By;
use ira::store::{Options, RunState, Sqlite, Store};
use ira_commands::Effect;
use ira_commands::effect::Reach;
use serde_json::json;

/// Runs that are under way at once.
const CLIENTS: usize = 256;
/// Counted rounds of each side, in turn.
const ROUNDS: usize = 5;

fn admit(index: usize) -> Admit {
    Admit {
        received: None,
        key: format!("run {index}"),
        alert: None,
        playbook: None,
        title: "bench".to_owned(),
        params: json!({}),
        by: "bench".to_owned(),
        claimable: true,
        escalate_in: None,
        page: None,
    }
}

/// Eight transitions: taken, three steps begun and ended, over.
async fn three_steps(store: &Sqlite, index: usize) {
    let admitted = store.admit(admit(index)).await.expect("admitted").run().id;
    let run = store.claim("w", Duration::from_secs(600), Which::This(admitted)).await.expect("asked");
    let run = run.expect("free").expect("there");
    for path in ["stop", "restart", "check"] {
        let begin = Begin {
            run: run.id,
            fence: run.fence,
            path: path.to_owned(),
            attempt: 1,
            effect: Effect::Once,
            reach: Reach::Target,
            undo: false,
            effect_key: None,
            within: Duration::from_secs(60),
            begun: json!({ "unit": "webapp" }),
            plan_hash: None,
            locks: vec![format!("host {index}")],
            scopes: Vec::new(),
        };
        let asked = if path == "stop" {
            let (cooldowns, charges, overrides) = (Vec::new(), Vec::new(), Vec::new());
            store
                .begin_first_write(FirstWrite { begin, cooldowns, charges, breaker: None, approved: false, overrides })
                .await
        } else {
            store.begin(begin).await
        };
        let step = asked.expect("asked").expect("begun");
        let exit = json!({ "code": 0 });
        let end =
            End { attempt: step.id, fence: run.fence, outcome: Outcome::Done, by: By::Worker, exit, output_ref: None };
        store.end(end).await.expect("asked").expect("done");
    }
    let (note, state) = (String::new(), RunState::Succeeded);
    let over = Finish { run: run.id, fence: run.fence, state, note, resolve: false, verified: None };
    store.finish(over).await.expect("asked").expect("over");
}

/// Runs a second, and commits for each run.
fn measured(batch: usize, rounds: usize) -> (f64, f64) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Arc::new(
        Sqlite::open(&folder.path().join("ira.db"), Options { batch, ..Options::default() }).expect("it opens"),
    );
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let begun = Instant::now();
    runtime.block_on(async {
        let clients = (0..CLIENTS).map(|client| {
            let store = Arc::clone(&store);
            async move {
                for round in 0..rounds {
                    three_steps(&store, client * rounds + round).await;
                }
            }
        });
        join_all(clients).await;
    });
    let runs = (CLIENTS * rounds) as f64;
    (runs / begun.elapsed().as_secs_f64(), store.commits() as f64 / runs)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let (mut grouped, mut single) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        grouped.push(measured(Options::default().batch, 8));
        single.push(measured(1, 1));
    }
    let of = |values: &[(f64, f64)]| {
        let (rates, commits): (Vec<f64>, Vec<f64>) = values.iter().copied().unzip();
        (median(rates), median(commits))
    };
    let ((fast, few), (slow, many)) = (of(&grouped), of(&single));
    println!("durable runs of 3 steps, {CLIENTS} at once: {fast:.0}/s with {few:.2} commits each");
    println!("the same with one commit for each transition: {slow:.0}/s with {many:.2} commits each");
    println!("ratio {:.1}×", fast / slow);
}
