//! What commands by hand wrote down.

use std::path::Path;

use ira::store::ask::Filter;
use ira::store::{Options, Sqlite, Store as _};
use serde_json::{Value, json};

/// In the home folder of a test: for each attempt what was begun, what was added, and, if it is known, how it ended.
pub fn journal(home: &Path) -> Vec<Value> {
    let path = home.join(".local/state/ira/ira.db");
    if !path.exists() {
        return Vec::new();
    }
    let store = Sqlite::open(&path, Options::default()).expect("the store opens");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let mut records = Vec::new();
        for run in store.runs(Filter::All).await.expect("listed").iter().rev() {
            let whole = store.run(run.id).await.expect("read").expect("it is there");
            for step in whole.steps {
                records.push(json!({ "begun": step.begun }));
                records.extend(step.added.iter().map(|more| json!({ "more": more })));
                let ended = json!({ "exit": step.exit, "state": step.state.to_string() });
                records.extend((!step.state.is_open()).then_some(ended));
            }
        }
        records
    })
}
