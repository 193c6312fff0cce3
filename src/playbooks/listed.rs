//! `ira playbook list`: the playbooks, each with its rung and with what its runs came to.

use std::collections::BTreeMap;

use ira_commands::playbook::present::{self, Evidence, Source};
use ira_commands::{Fault, Report};

use super::loaded;
use crate::cli::OutputFlags;
use crate::config::Config;
use crate::engine::{Tally, standing};
use crate::store::ask::Filter;
use crate::{connect, drill, remediate, session, store};

/// The list. Nothing is written; a record that cannot be read is a warning, for the playbooks are there all the same.
pub(super) fn report(sources: &[Source], output: &OutputFlags) -> Result<Report, Fault> {
    let config = connect::effective(output)?;
    let (known, warning) = match session::patiently(known(sources, &config)) {
        Ok(known) => (known, None),
        Err(fault) => (BTreeMap::new(), Some(format!("the record of the runs cannot be read: {}", fault.one_line()))),
    };
    let mut report = present::list(sources, &known);
    report.warnings.extend(warning);
    Ok(report)
}

async fn known(sources: &[Source], config: &Config) -> Result<BTreeMap<String, Evidence>, Fault> {
    let set = |name: &String| config.engine.playbooks.get(name).and_then(|own| own.mode);
    let books = || loaded(sources).map(|playbook| (playbook, set(&playbook.name.text)));
    let mut known = BTreeMap::new();
    let Some(store) = store::existing(&remediate::uri(config)?)? else {
        known.extend(books().map(|(playbook, set)| {
            let rung = set.unwrap_or(playbook.mode);
            let evidence = Evidence { rung, demoted: false, runs: 0, verified: 0, unhelpful: 0, drilled: None };
            (playbook.name.text.clone(), evidence)
        }));
        return Ok(known);
    };
    let runs = store.runs(Filter::All).await?;
    let drills = drill::last(store.as_ref(), &runs).await?;
    for (playbook, set) in books() {
        let stands = standing(store.as_ref(), playbook, set).await?;
        let tally = Tally::of(&runs, playbook);
        let evidence = Evidence {
            rung: stands.rung,
            demoted: stands.demoted.is_some(),
            runs: tally.runs,
            verified: tally.verified,
            unhelpful: tally.unhelpful,
            drilled: drills.get(&playbook.name.text).map(|last| last.passed),
        };
        known.insert(playbook.name.text.clone(), evidence);
    }
    Ok(known)
}
