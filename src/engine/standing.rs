//! What would deny a run now, as far as that can be told before it is tried: shown with its plan.

use ira_commands::Fault;
use ira_commands::playbook::{Incoming, Playbook, Scope, matched};
use serde_json::{Value as Json, json};

use super::Engine;
use super::guards::key;
use crate::store::Guard;
use crate::store::ask::Denial;
use crate::store::model::{GuardRow, RunId};

impl Engine {
    /// The guards that stand in the way of a playbook's first write for this alert now: locks, cooldowns, an open breaker,
    /// freeze, maintenance, storm. Budgets and the like are counted when it begins. `own` is the run itself, where it is
    /// there already.
    pub async fn in_the_way(
        &self,
        playbook: &Playbook,
        alert: &Incoming,
        own: Option<RunId>,
    ) -> Result<Vec<Denial>, Fault> {
        let matched = matched(playbook, alert).map(|matched| matched.key).unwrap_or_default();
        let scope = Scope { key: matched, ..Scope::default() };
        let name = &playbook.name.text;
        let about = key(&scope);
        let mut scopes = vec!["*".to_owned(), name.clone()];
        scopes.extend(scope.key.iter().map(|part| part.value.clone()));
        let now = self.store.now().await?;
        let stands = |row: &GuardRow| {
            let what = row.key.split_once(':').map_or("", |(_, what)| what);
            let lasts = row.until.is_none_or(|until| until > now);
            match row.kind {
                Guard::Lock => what == format!("key:{about}") && row.run != own,
                Guard::Cooldown => lasts && what == format!("{name}:{about}"),
                Guard::Breaker => lasts && what == name && row.state == json!("open"),
                Guard::Freeze | Guard::Maintenance | Guard::Storm => lasts && scopes.iter().any(|scope| scope == what),
                _ => false,
            }
        };
        let rows = self.store.guards().await?;
        Ok(rows.iter().filter(|row| stands(row)).map(denial).collect())
    }
}

fn denial(row: &GuardRow) -> Denial {
    let key = row.key.split_once(':').map_or("", |(_, what)| what).to_owned();
    let reason = row.state.get("reason").and_then(Json::as_str).unwrap_or_default();
    let message = match row.kind {
        Guard::Lock => format!("run {} holds {key}", row.run.unwrap_or_default()),
        Guard::Cooldown => format!("{key} was acted on a short while ago"),
        Guard::Breaker => format!("the breaker of {key} is open after {} failures in a row", row.tokens),
        kind => format!("{kind} of {}: {reason}", if key == "*" { "everything" } else { &key }),
    };
    Denial { guard: row.kind, key, until: row.until, holder: row.run, message }
}
