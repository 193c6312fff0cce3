//! `wait`: lets time pass. As a step of a run it is a timer that outlives the process.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;

use super::Look;
use crate::context::Context;
use crate::fault::Fault;
use crate::report::{Outcome, Report, Section, Status};
use crate::words::Span;

/// How long.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Args {
    /// How long: 30s, 5m, 1h30m
    #[arg(long = "for", value_name = "TIME")]
    #[serde(rename = "for", deserialize_with = "crate::words::span")]
    pub lasts: Span,
}

impl Args {
    /// The report of a wait that is over.
    pub fn over(&self) -> Report {
        let headline = format!("{} passed.", self.lasts);
        let section =
            Section { status: Status::Ok, headline, advice: String::new(), facts: Vec::new(), tables: Vec::new() };
        Report {
            sections: vec![section],
            next: Vec::new(),
            data: json!({ "waited": self.lasts.seconds }),
            errors: Vec::new(),
            warnings: Vec::new(),
            outcome: Outcome::Well,
        }
    }
}

#[async_trait]
impl Look for Args {
    fn pause(&self) -> Option<Duration> {
        Some(Duration::from_secs(self.lasts.seconds))
    }

    async fn look(&self, context: &Context) -> Result<Report, Fault> {
        context.progress().stage(&format!("waiting {}", self.lasts));
        context.let_pass(Duration::from_secs(self.lasts.seconds)).await;
        Ok(self.over())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Invocation;

    #[test]
    fn it_is_told_how_long_and_says_so() {
        let wait = Invocation::from_data("wait", json!({ "for": "1m30s" })).expect("read");
        assert_eq!(wait.pause(), Some(Duration::from_secs(90)));
        assert_eq!(wait.with(), json!({ "for": "1m30s" }));
        assert_eq!(Invocation::from_data("wait", json!({ "for": 90 })), Ok(wait), "as a parameter is");
        assert!(Invocation::from_data("wait", json!({})).expect_err("how long").message.contains("for"));
        let other = Invocation::from_data("prometheus.query", json!({ "query": "up" })).expect("read");
        assert_eq!(other.pause(), None);
    }
}
