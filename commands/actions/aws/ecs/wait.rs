//! `ecs.wait_stable`: whether all tasks of a service run, waited for.

use async_trait::async_trait;

use super::super::{Name, fact, report};
use super::stable::{json, watch};
use super::{default_cluster, five_minutes, named};
use crate::actions::Look;
use crate::context::Context;
use crate::fault::{Fault, Kind};
use crate::report::{Report, Status};

/// Which service.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WaitStable {
    /// The account of the configuration, [aws.NAME]; the one without a name where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Name>,

    /// The cluster
    #[arg(long, value_name = "NAME", default_value = "default")]
    #[serde(default = "default_cluster")]
    pub cluster: Name,

    /// The service
    #[arg(long, value_name = "NAME")]
    pub service: Name,

    /// Seconds that it may take
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    #[serde(default = "five_minutes")]
    pub within: u64,
}

#[async_trait]
impl Look for WaitStable {
    async fn look(&self, context: &Context) -> Result<Report, Fault> {
        let name = named(&self.cluster, &self.service);
        let seen = watch(context, self.account.as_ref(), &name, self.within, |_| true).await?;
        let Some(service) = seen.service else {
            return Err(Fault::new(Kind::Timeout, seen.proof));
        };
        let status = if seen.well { Status::Ok } else { Status::Critical };
        let headline = format!("{}.", seen.proof);
        let facts = vec![fact("made from", service.task_definition.as_str())];
        Ok(report(status, headline, facts, json(&service)))
    }
}
