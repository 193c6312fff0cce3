//! `ira run tail`: the events of a run as they happen.

use std::time::Duration;

use ira_commands::Fault;
use ira_commands::text::{clean, excerpt};

use super::no_run;
use super::times::took;
use super::words::words;
use crate::store::model::RunId;
use crate::store::{RunState, Store};

/// How often it is looked whether something happened.
const PAUSE: Duration = Duration::from_millis(200);

/// Gives each event in a line, those that were before first, until the run has ended.
pub(super) async fn tail(store: &dyn Store, id: RunId, mut line: impl FnMut(&str)) -> Result<(), Fault> {
    let mut last = 0;
    loop {
        let (lines, seen, state) = since(store, id, last).await?;
        for one in &lines {
            line(one);
        }
        if seen > last {
            last = seen;
            // What came after the events were read is read in the next round.
            continue;
        }
        if state.terminal() {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The events of a run behind this one, each in a line, with the number of the last, and where the run stands.
pub(super) async fn since(store: &dyn Store, id: RunId, seen: u64) -> Result<(Vec<String>, u64, RunState), Fault> {
    let run = store.run(id).await?.ok_or_else(|| no_run(id))?.run;
    let (mut lines, mut last) = (Vec::new(), seen);
    if run.seq > seen {
        for event in store.events(id).await?.into_iter().filter(|event| event.seq > seen) {
            last = event.seq;
            let Some(what) = words(&event.what) else { continue };
            let when = format!("+{}", took(run.admitted_at, event.at));
            lines.push(format!("{when:>12}  {:<14} {}\n", excerpt(&event.actor, 14), clean(&excerpt(&what, 200))));
        }
    }
    Ok((lines, last, run.state))
}
