//! Whether it helped, and whether it stays so. The times between two looks are kept in the store.

use std::time::Duration;

use ira_commands::playbook::{OrElse, Verify};

use super::Ending;
use super::course::{Course, Go, Halt};
use super::eye::Eye;
use super::undo::Why;
use super::walk::{cursor, since};
use crate::store::ask::Advance;
use crate::store::{Phase, RunState};

impl Course<'_> {
    /// Looks until it is good; comes back when it is.
    pub async fn verify(&mut self) -> Go<()> {
        let Some(verify) = &self.playbook.verify else { return Ok(()) };
        let now = self.store().now().await?;
        let began = since(&self.past.run.cursor, "verify").unwrap_or(now);
        let first = began + verify.after * 1_000;
        if now < first {
            let rest = Duration::from_millis(first - now);
            match self.sleep(rest, "before it is looked at", cursor("verify", began)).await? {}
        }
        self.boundary().await?;
        let cancelled = self.past.noted("stopped", true).is_some();
        let (good, why) = self.judge(verify, "verify").await?;
        let end = first + verify.within * 1_000;
        let left = Duration::from_millis(end.saturating_sub(self.store().now().await?));
        self.watch.look(Phase::Verify, good, &why, left);
        if good && cancelled {
            return Ok(());
        }
        if good {
            self.note("after", serde_json::json!(self.scope.after)).await?;
            let hold = Duration::from_secs(verify.hold + verify.every);
            let now = self.store().now().await?;
            let ask = Advance {
                cursor: Some(cursor("hold", now)),
                escalate_in: Some(hold).filter(|_| verify.hold > 0),
                ..self.to(RunState::Running(Phase::Hold), "it helped")
            };
            self.advance(ask).await?;
            let text = format!("it helped: {}", verify.until.text());
            self.annotate("verified", self.past.run.state, &text).await?;
            return Ok(());
        }
        if self.store().now().await? + verify.every * 1_000 <= end {
            let rest = Duration::from_secs(verify.every);
            match self.sleep(rest, &why, cursor("verify", began)).await? {}
        }
        let said = format!("it did not help within {} s: {why}", verify.within);
        if cancelled {
            return Err(self.finish(Ending::Unverified, &format!("it was cancelled; {said}")).await?);
        }
        Err(match verify.or_else {
            OrElse::Undo => self.undo(Why::Unverified, &said).await?,
            OrElse::Escalate => self.finish(Ending::Unverified, &said).await?,
        })
    }

    /// Looks whether it stays good. A failed hold takes nothing back: what was done did help for a while.
    pub async fn hold(&mut self) -> Go<Halt> {
        let Some(verify) = &self.playbook.verify else {
            return self.finish(Ending::Done, "every step was done").await;
        };
        let began = match since(&self.past.run.cursor, "hold") {
            Some(began) => began,
            None => self.store().now().await?,
        };
        let until = began + verify.hold * 1_000;
        let now = self.store().now().await?;
        self.boundary().await?;
        // It was seen to be good when this began.
        if now > began {
            let (good, why) = self.judge(verify, "hold").await?;
            self.watch.look(Phase::Hold, good, &why, Duration::from_millis(until.saturating_sub(now)));
            if !good {
                return self.finish(Ending::NotHeld, &format!("it helped, and did not hold: {why}")).await;
            }
        }
        if now >= until {
            return self.finish(Ending::Verified, "it helped, and was seen to hold").await;
        }
        let rest = Duration::from_millis((until - now).min(verify.every.max(1) * 1_000));
        match self.sleep(rest, "whether it holds", cursor("hold", began)).await? {}
    }

    /// Whether it is good now. What cannot be told is not.
    async fn judge(&mut self, verify: &Verify, place: &str) -> Go<(bool, String)> {
        let names = verify.until.queries();
        self.eye.ask(&names, &mut self.scope).await;
        self.heard_at(place, &names).await?;
        self.scope.after = Eye::values(&names, &self.scope);
        let judged = verify.until.judge(&self.scope);
        let seen: Vec<String> = self.scope.after.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let seen = if seen.is_empty() { String::new() } else { format!(" ({})", seen.join(", ")) };
        let why = judged.fault.unwrap_or_else(|| verify.until.text().to_owned());
        Ok((judged.holds, format!("{why}{seen}")))
    }
}
