//! Whether it helped, by what others see; and whether it stays so.

use ira_commands::Fault;
use ira_commands::playbook::Verify;
use serde_json::{Value as Json, json};

use super::Came;
use super::drive::Driven;
use super::past::sort;
use super::steps::with_left;
use crate::store::{Phase, RunState};

impl Driven<'_> {
    /// Keeps what verify's queries say before anything is written.
    pub async fn remember_before(&mut self) -> Result<(), Fault> {
        let Some(verify) = self.playbook.verify.clone() else { return Ok(()) };
        for name in verify.until.queries() {
            self.ask(name).await;
        }
        self.scope.before = self.seen(&verify);
        self.remember(sort::BEFORE, json!(self.scope.before)).await
    }

    /// What verify's queries said last.
    fn seen(&self, verify: &Verify) -> std::collections::BTreeMap<String, Json> {
        let names = verify.until.queries();
        let of = |name: &&str| Some(((*name).to_owned(), self.scope.queries.get(*name)?.clone()));
        names.iter().filter_map(of).collect()
    }

    /// All steps are over.
    pub async fn after_steps(&mut self) -> Result<Came, Fault> {
        if !self.wrote() {
            if !self.effects.any() {
                return self.finish(RunState::Succeeded, "done", false).await;
            }
            return self.hand_over("nothing applied: no step of the playbook was for what was found").await;
        }
        let Some(verify) = self.playbook.verify.clone() else {
            // The check at load sees to it that there is one.
            return self.hand_over("it was done, and nothing says how to verify it").await;
        };
        self.phase(Phase::Verify, None).await?;
        let now = self.engine.store.now().await?;
        let since = *self.past.verify_since.get_or_insert(now);
        let elapsed = now.saturating_sub(since) / 1_000;
        if elapsed < verify.after {
            return self.sleep(verify.after - elapsed, "verified later").await;
        }
        let good = self.look(&verify).await?;
        let held = self.past.good_since.map(|at| now.saturating_sub(at) / 1_000);
        match (good, held) {
            (true, held) if verify.hold == 0 || held.is_some_and(|held| held >= verify.hold) => {
                self.finish(RunState::Succeeded, &self.verified(&verify), true).await
            }
            (true, held) => {
                if held.is_none() {
                    self.past.good_since = Some(now);
                }
                self.phase(Phase::Hold, Some(verify.hold + verify.every)).await?;
                let left = verify.hold.saturating_sub(held.unwrap_or_default());
                self.sleep(left.min(verify.every), "holding").await
            }
            // It was good, and is not any more: what failed to last is not taken back.
            (false, Some(_)) => self.hand_over(&format!("it did not hold: {}", self.verified(&verify))).await,
            (false, None) if elapsed >= verify.after + verify.within => self.unverified(&verify).await,
            (false, None) => {
                let left = (verify.after + verify.within).saturating_sub(elapsed);
                self.sleep(verify.every.min(left), "verifying").await
            }
        }
    }

    /// Looks once; remembers what was seen.
    async fn look(&mut self, verify: &Verify) -> Result<bool, Fault> {
        let judged = self.judge(&verify.until).await;
        self.scope.after = self.seen(verify);
        let seen = judged.fault.clone().unwrap_or_else(|| values(&self.scope.after));
        self.watch.look(self.run.phase, judged.holds, &seen);
        let matter = json!({ "good": judged.holds, "values": self.scope.after, "fault": judged.fault });
        self.remember(sort::LOOK, matter).await?;
        Ok(judged.holds)
    }

    fn verified(&self, verify: &Verify) -> String {
        let (before, after) = (values(&self.scope.before), values(&self.scope.after));
        format!("`{}`: {before} before, {after} now", verify.until.text())
    }

    async fn unverified(&mut self, verify: &Verify) -> Result<Came, Fault> {
        let why = format!("not verified within {} s: {}", verify.within, self.verified(verify));
        let left = if self.undoes() { self.take_back().await? } else { Vec::new() };
        self.hand_over(&with_left(&why, &left)).await
    }

    /// Whether what verify asks for is so right now.
    pub async fn is_good(&mut self) -> bool {
        match self.playbook.verify.clone() {
            Some(verify) => self.judge(&verify.until).await.holds,
            None => false,
        }
    }
}

/// `evic 88, web 200`.
fn values(values: &std::collections::BTreeMap<String, Json>) -> String {
    if values.is_empty() {
        return "nothing known".to_owned();
    }
    values.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}
