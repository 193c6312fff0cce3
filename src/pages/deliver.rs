//! What is to be said of a run, said before the command that it is of ends.

use std::time::Duration;

use ira_commands::Fault;

use crate::engine::Sender;
use crate::store::MailState;
use crate::store::ask::Mails;
use crate::store::model::RunId;

/// How long a person waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sends what is due of a run; gives what was not taken, a line for each row. Whoever watches the run goes on with that.
pub async fn deliver(sender: &Sender, run: RunId) -> Result<Vec<String>, Fault> {
    // What is cut off here is sent again, under the same key.
    let _in_time = tokio::time::timeout(PATIENCE, sender.pass(Some(run)))
        .await
        .map(|sent| sent.inspect_err(|fault| tracing::warn!("run {run}: {fault}")).is_ok());
    let mails = sender.store.mails(Mails::Of(run)).await?;
    let now = sender.store.now().await?;
    let due = mails.iter().filter(|mail| mail.run == Some(run) && mail.state == MailState::Pending);
    let tried = due.filter(|mail| mail.attempts > 0 || mail.next_at <= now);
    Ok(tried
        .map(|mail| {
            let why = mail.error.as_deref().unwrap_or("it is under way");
            format!("the {} to {} is not taken yet: {why}", mail.mail, mail.channel)
        })
        .collect())
}
