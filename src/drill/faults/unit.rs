//! A unit is stopped, and started again.

use std::sync::Arc;

use async_trait::async_trait;
use ira_commands::ports::host::{UnitBroken, UnitRead as _, UnitState, UnitVerb, UnitWrite as _};
use ira_commands::{Fault, Kind};

use super::Breaks;
use crate::config::Config;
use crate::connect;

/// How long a job may take, seconds.
const JOB: u64 = 90;

pub(super) struct Unit {
    pub config: Arc<Config>,
    pub unit: String,
}

impl Unit {
    async fn job(&self, verb: UnitVerb) -> Result<(), Fault> {
        // A connection may wait for one job alone.
        match connect::units(&self.config).job(verb, &self.unit, JOB).await {
            Ok(said) if said == "done" => Ok(()),
            Ok(said) => Err(Fault::new(Kind::Failed, format!("the job for {} ended as `{said}`", self.unit))),
            Err(UnitBroken::Refused(fault) | UnitBroken::Unknown(fault)) => Err(fault),
        }
    }

    async fn state(&self) -> Result<UnitState, Fault> {
        connect::units(&self.config).unit(&self.unit).await
    }
}

#[async_trait]
impl Breaks for Unit {
    async fn look(&self) -> Result<String, Fault> {
        let state = self.state().await?;
        if !state.is_active() || state.job {
            return Err(Fault::new(
                Kind::Denied,
                format!("{} is {}: only what is well is broken", self.unit, state.words()),
            ));
        }
        Ok(format!("{} is stopped; it is started again where it is not up by then", self.unit))
    }

    async fn begin(&mut self) -> Result<String, Fault> {
        self.job(UnitVerb::Stop).await?;
        Ok(format!("{} is stopped", self.unit))
    }

    async fn end(&mut self) -> Result<String, Fault> {
        if self.state().await?.is_active() {
            return Ok(String::new());
        }
        self.job(UnitVerb::Start).await?;
        Ok(format!("{} is started again", self.unit))
    }
}
