//! Maintenance windows: what they cover waits until they are over.

use std::time::Duration;

use ira_commands::Fault;
use ira_commands::playbook::Decision;

use super::decide::One;
use crate::store::ask::Judged;

impl One {
    /// Whether a maintenance window covers it, and until when.
    pub(super) async fn maintained(&self, decision: &Decision) -> Result<Option<Judged>, Fault> {
        if self.loaded.config.engine.maintenance.is_empty() {
            return Ok(None);
        }
        let names =
            decision.writer.iter().chain(&decision.readers).map(|at| &self.loaded.books[*at].playbook.name.text);
        let names: Vec<&String> = names.collect();
        let now = self.shared.store.now().await? / 1000;
        let open = self.loaded.config.engine.maintenance.iter().find(|(_, window)| {
            let covers = window.scope == "*" || names.iter().any(|name| **name == window.scope);
            covers && (window.from..window.until).contains(&now)
        });
        Ok(open.map(|(name, window)| {
            let left = Duration::from_secs(window.until.saturating_sub(now).max(1));
            Judged::Suppressed(format!("maintenance window {name}"), left)
        }))
    }
}
