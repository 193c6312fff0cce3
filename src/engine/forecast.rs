//! What the guards would say of a run's first write, were it begun now.

use std::time::Duration;

use ira_commands::Fault;

use super::asked::checked;
use super::guards::{first_write, overridable, refused};
use super::plan::PlanDocument;
use super::{Engine, Wanted};
use crate::store::Guard;
use crate::store::ask::{Denial, Override, Which};

/// What the guards would say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecast {
    /// What would deny it, in the order in which the store asks.
    pub denials: Vec<Denial>,
    /// What it would take from what is counted.
    pub used: Vec<Used>,
}

/// Something that is counted, with this run in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// Which guard counts it.
    pub guard: Guard,
    /// What is counted: the budget's name, the playbook with its key.
    pub key: String,
    /// How much is used.
    pub used: u128,
    /// How much may be.
    pub limit: u128,
    /// In which time.
    pub window: Duration,
}

impl Engine {
    /// What the guards of this engine's store would say of the first write of `plan`. The run is made in that store and its
    /// write begun: it must be a copy that nobody needs.
    pub async fn forecast(&self, wanted: Wanted<'_>, plan: &PlanDocument) -> Result<Forecast, Fault> {
        let scope = checked(&wanted)?;
        let (playbook, overrides) = (wanted.playbook, wanted.overrides.clone());
        let mut run = self.admit(wanted).await?.run().clone();
        let claimed = self.store.claim(&self.worker, self.ttl, Which::This(run.id)).await?;
        run.fence = claimed.map_err(|denial| refused(&denial))?.map_or(run.fence, |run| run.fence);
        self.store
            .plan(run.id, run.fence, &plan.hash, serde_json::Value::Null)
            .await?
            .map_err(|denial| refused(&denial))?;
        run.plan_hash = Some(plan.hash.clone());
        let mut forecast = Forecast::default();
        let mut first = match first_write(&run, playbook, &scope, plan, &self.budgets, &overrides, false) {
            Ok(first) => first,
            Err(denial) => return Ok(Forecast { denials: vec![denial], ..forecast }),
        };
        "forecast".clone_into(&mut first.begin.path);
        while let Err(denial) = self.store.begin_first_write(first.clone()).await? {
            let last = !overridable(denial.guard);
            // What stands behind it is worth knowing, too.
            let reason = "a look ahead".to_owned();
            first.overrides.push(Override { guard: denial.guard, reason, actor: self.worker.clone() });
            forecast.denials.push(denial);
            if last {
                break;
            }
        }
        let guards = self.store.guards().await?;
        forecast.used.extend(first.charges.into_iter().filter_map(|charge| {
            let name = format!("{}:{}", charge.guard, charge.key);
            let row = guards.iter().find(|row| row.key == name)?;
            let (guard, key, limit, window) = (charge.guard, charge.key, charge.limit, charge.window);
            Some(Used { guard, key, used: row.tokens, limit, window })
        }));
        Ok(forecast)
    }
}
