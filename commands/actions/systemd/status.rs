//! `systemd.status`: how a unit stands.

use async_trait::async_trait;
use serde_json::json;

use super::{Unit, existing};
use crate::actions::Look;
use crate::context::Context;
use crate::fault::Fault;
use crate::ports::host::UnitState;
use crate::report::{Cell, Fact, Outcome, Report, Section, Status as Level, Table};

/// Which unit.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Status {
    /// The unit; `.service` where its name has no kind
    #[arg(long, value_name = "NAME")]
    pub unit: Unit,
}

/// So many lines of the log of a unit that is not up are shown.
const LINES: usize = 10;

/// How bad the state is. A unit that is merely off may be meant to be.
fn level(state: &UnitState) -> Level {
    match state.active.as_str() {
        "active" | "reloading" => Level::Ok,
        "failed" => Level::Critical,
        "inactive" => Level::Warn,
        _ => Level::Info,
    }
}

#[async_trait]
impl Look for Status {
    async fn look(&self, context: &Context) -> Result<Report, Fault> {
        let state = existing(context, &self.unit).await?;
        let place = context.units()?.place();
        let level = level(&state);
        let fact = |label, value: String| Fact { label, value: Cell::from(value), note: String::new() };
        let mut facts = vec![fact("unit", state.name.clone()), fact("state", state.words())];
        if !state.description.is_empty() {
            facts.push(fact("what", state.description.clone()));
        }
        if state.pid != 0 {
            facts.push(fact("pid", state.pid.to_string()));
        }
        facts.push(fact("restarts", state.restarts.to_string()));
        if !state.result.is_empty() && state.result != "success" {
            facts.push(fact("result", state.result.clone()));
        }
        if state.load != "loaded" {
            facts.push(fact("load", state.load.clone()));
        }
        let sound = level == Level::Ok;
        let log = if sound { Vec::new() } else { context.units()?.log(&state.name, LINES).await };
        let advice = match (sound, log.is_empty()) {
            (true, _) => String::new(),
            (false, true) => format!("its log says why: journalctl -u {}", state.name),
            (false, false) => "its log says why.".to_owned(),
        };
        let rows = log.iter().map(|line| vec![Cell::from(line.as_str())]).collect();
        let table = Table { columns: vec!["the end of its log"], rows, ..Table::default() };
        Ok(Report {
            sections: vec![Section {
                status: level,
                headline: format!("{} on {place} is {}.", state.name, state.words()),
                advice,
                facts,
                tables: if log.is_empty() { Vec::new() } else { vec![table] },
            }],
            next: if sound { Vec::new() } else { vec![format!("ira act systemd.restart --unit {}", self.unit)] },
            data: json!({
                "place": place,
                "unit": state.name,
                "load": state.load,
                "active": state.active,
                "sub": state.sub,
                "pid": state.pid,
                "restarts": state.restarts,
                "result": state.result,
                "invocation": state.invocation,
                "job": state.job,
                "manager_since": state.manager_since,
                "log": log,
            }),
            errors: Vec::new(),
            warnings: Vec::new(),
            outcome: if sound { Outcome::Well } else { Outcome::Problem },
        })
    }
}
