//! Pages that should have been sent by now: whoever asks about runs is told of them.

use ira_commands::Fault;
use ira_commands::text::excerpt;

use crate::store::ask::{Filter, Mails};
use crate::store::model::{OutboxRow, RunId};
use crate::store::{Mail, Store};

/// So long whoever sends has, milliseconds.
const PATIENCE: u64 = 60_000;

/// A line for each page that is overdue, but those of `known`.
pub async fn overdue(store: &dyn Store, known: Option<RunId>) -> Result<Vec<String>, Fault> {
    let now = store.now().await?;
    let mut lines = Vec::new();
    for run in store.runs(Filter::Active).await?.iter().filter(|run| Some(run.id) != known) {
        if run.escalate_by.is_some_and(|at| at + PATIENCE <= now) && !run.no_more_writes {
            let title = excerpt(&run.title, 60);
            lines.push(format!(
                "run {0} ({title}) should have ended, and nobody was paged: ira run show {0}, then: ira run resume {0}",
                run.id
            ));
        }
    }
    let late = |mail: &&OutboxRow| {
        let stands_in = mail.payload.get("instead_of").is_some();
        let waits = mail.attempts > 0 || (mail.next_at + PATIENCE <= now && mail.claimed_until <= now);
        mail.mail == Mail::Trigger && waits && !stands_in && (known.is_none() || mail.run != known)
    };
    for mail in store.mails(Mails::Pending).await?.iter().filter(late) {
        let whose = mail.run.map_or_else(|| "a page".to_owned(), |run| format!("the page of run {run}"));
        let why = mail.error.as_deref().unwrap_or("nothing sends it");
        lines.push(format!("{whose} is overdue at {}: {}", mail.channel, excerpt(why, 200)));
    }
    Ok(lines)
}
