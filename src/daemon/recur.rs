//! An alert that a run answered comes again. A message that comes again is no recurrence: what counts is whether the
//! alert still fires when the run has long ended.

use std::time::Duration;

use ira_commands::playbook::Incoming;
use ira_commands::{Fault, Invocation};
use serde_json::json;

use super::decide::One;
use crate::store::ask::Judged;
use crate::store::model::RunId;

/// So long after a run's end its alert may still be on its way to be over.
const SETTLE: u64 = 300;

/// Looks at the run that answered it.
pub(super) async fn look(one: &One, alert: &Incoming, run: RunId) -> Result<(), Fault> {
    let story = one.shared.store.run(run).await?;
    let Some(ended) = story.as_ref().and_then(|story| story.run.ended_at) else {
        // It goes on. One that is not kept any more ended long ago.
        return match story {
            Some(_) => one.judged(Judged::Run(run), alert).await,
            None => one.answer(alert).await,
        };
    };
    let playbook = story.as_ref().and_then(|story| story.run.playbook.clone()).unwrap_or_default();
    let known = one.loaded.books.iter().find(|book| book.playbook.name.text == playbook);
    let hold = known.and_then(|book| book.playbook.verify.as_ref()).map_or(0, |verify| verify.hold);
    let settled = ended + hold.max(SETTLE) * 1000;
    let now = one.shared.store.now().await?;
    if now < settled {
        let why = format!("run {run} has just ended");
        return one.judged(Judged::Suppressed(why, Duration::from_millis(settled - now)), alert).await;
    }
    match firing(one, alert).await.as_str() {
        "yes" => one.answer(alert).await,
        "no" => one.judged(Judged::Ignored(format!("run {run} answered it, and it is over")), alert).await,
        // Nothing is begun on what is not known.
        _ if one.row.last_seen > settled => {
            let why = format!("it came again after run {run}, and whether it fires cannot be told");
            one.paged(&why, alert).await
        }
        _ => one.judged(Judged::Run(run), alert).await,
    }
}

/// `yes`, `no` or `unknown`.
pub(super) async fn firing(one: &One, alert: &Incoming) -> String {
    let asked = async {
        let with = json!({ "alerts": [alert.alert], "source": alert.source });
        let invocation = Invocation::from_data("alert.still_firing", with)?;
        let context = one.engine.hands.context(&invocation, None).await?;
        invocation.run(&context).await
    };
    match asked.await {
        Ok(report) => report.data["firing"].as_str().unwrap_or("unknown").to_owned(),
        Err(fault) => {
            tracing::warn!("alert {}: whether it fires cannot be told: {fault}", one.row.id);
            "unknown".to_owned()
        }
    }
}
