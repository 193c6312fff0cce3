//! What a playbook would do for an alert, of which nothing is carried out.

use std::collections::BTreeMap;
use std::sync::Arc;

use ira_commands::playbook::Incoming;
use ira_commands::ports::Clock as _;
use ira_commands::{Fault, Report};
use serde_json::Value as Json;

use super::case::Case;
use super::{Around, Chosen, engine, shown, uri, wanted, windows};
use crate::cli::{OutputFlags, Reach, RemediateArgs};
use crate::clock::SystemClock;
use crate::engine::offline;
use crate::progress::Silent;
use crate::session::block_on;
use crate::{connect, store};

/// Plans; what is read is read now, or `given`. Nothing is written, not even to the store.
pub fn foresee(
    chosen: Chosen,
    alert: Incoming,
    params: BTreeMap<String, Json>,
    given: Option<&BTreeMap<String, Json>>,
    output: &OutputFlags,
) -> Result<Report, Fault> {
    let (args, reach) = (RemediateArgs::default(), Reach::default());
    let around = Around {
        args: &args,
        reach: &reach,
        output,
        config: connect::effective(output)?,
        actor: "plan".to_owned(),
        overrides: Vec::new(),
        progress: Arc::new(Silent),
        text: String::new(),
    };
    let mut case = Case::new(alert, Ok((chosen, params)));
    block_on(Box::pin(async {
        let Ok(chosen) = &case.chosen else { return Ok(()) };
        let rehearsal = store::rehearsal(&uri(&around.config)?)?;
        windows(rehearsal.as_ref(), &around.config, &around.actor).await?;
        let engine = engine(&around, rehearsal, true)?;
        let ask = wanted(&around, &case, &chosen.playbook, &chosen.text, "plan");
        let preview = match given {
            Some(given) => offline(&ask, given)?,
            None => engine.preview(&ask).await?,
        };
        if preview.stopped.is_none() {
            let ask = wanted(&around, &case, &chosen.playbook, &chosen.text, "forecast");
            case.forecast = engine.forecast(ask, &preview.plan).await?;
        }
        case.preview = Some(preview);
        Ok(())
    }))?;
    Ok(shown::plan(std::slice::from_ref(&case), &around.config, SystemClock.now() * 1_000))
}
