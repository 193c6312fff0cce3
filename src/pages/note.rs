//! Notes: they say more about a page, and wake nobody.

use std::sync::Arc;
use std::time::Duration;

use ira_commands::ports::people::ChatWrite as _;
use ira_commands::{Fault, Invocation, Kind, pd_annotate};

use super::{Posts, words};
use crate::clients::opsgenie::Opsgenie;
use crate::clients::slack::Slack;
use crate::config::secret::SecretRef;
use crate::config::systems::Channel;
use crate::engine::{SendFault, told_journal};
use crate::store::ask::Mails;
use crate::store::model::OutboxRow;
use crate::store::{Mail, MailState};

/// So long after a run's end an incident may still come to be: its sender may page with a delay.
const SETTLE: u64 = 300_000;
/// Between two looks for it: it is made within seconds of its page, or as late as its sender pages.
const PAUSE: Duration = Duration::from_secs(2);
/// So many looks are made at that pace; then at a tenth of it.
const SOON: u32 = 15;

fn later(fault: Fault) -> SendFault {
    SendFault::Later(fault, None)
}

impl Posts {
    fn words(&self, row: &OutboxRow) -> String {
        words::note(row, self.config.public_url.as_deref())
    }

    /// Writes a note where its page is, or where the playbook wants it.
    pub(super) async fn note(&self, row: &OutboxRow) -> Result<(), SendFault> {
        let systems = &self.config.systems;
        let unset = |what: &str| SendFault::Moot(format!("there is nowhere to write it: `{what}` is not configured"));
        let Ok(channel) = self.channel(row) else { return Err(unset("page")) };
        let config = Arc::clone(&self.config);
        match channel {
            Channel::PagerDuty if systems.pagerduty.is_none() => Err(unset("pagerduty.token")),
            Channel::PagerDuty => self.on_incident(row).await,
            Channel::Opsgenie => {
                let own = systems.opsgenie.clone().ok_or_else(|| unset("opsgenie.key"))?;
                let noted = Opsgenie::new(config, own).note(&row.dedup_key, &self.words(row)).await;
                noted.map_err(|broken| later(broken.fault))
            }
            Channel::Slack => {
                let webhook = systems.slack.clone().ok_or_else(|| unset("slack.webhook"))?;
                self.in_channel(row, webhook).await
            }
        }
    }

    /// One note for a run, kept current, and another for what is said beside its page.
    async fn on_incident(&self, row: &OutboxRow) -> Result<(), SendFault> {
        let cluster: String = self.store.identity().await.map_err(later)?.cluster_id.chars().take(12).collect();
        let beside = if row.payload.get("text").is_some() { "" } else { "/page" };
        let run = row.run.map_or_else(|| row.id.to_string(), |run| run.to_string());
        let invocation = Invocation::PdAnnotate(pd_annotate::Args {
            incident: Some(row.dedup_key.clone()),
            run: Some(format!("{cluster}/{run}{beside}")),
            content: Some(self.words(row)),
            wait: 0,
            ..pd_annotate::Args::default()
        });
        let context = self.hands.context(&invocation, Some(told_journal())).await.map_err(later)?;
        match invocation.run(&context).await {
            Ok(_) => Ok(()),
            Err(fault) if fault.kind == Kind::Missing => Err(self.without_incident(row, fault).await?),
            Err(fault) => Err(later(fault)),
        }
    }

    /// An incident that is not there: it may yet come to be.
    async fn without_incident(&self, row: &OutboxRow, fault: Fault) -> Result<SendFault, SendFault> {
        let now = self.store.now().await.map_err(later)?;
        let (mut ended, mut mails) = (Some(row.created_at), Vec::new());
        if let Some(run) = row.run {
            ended = self.store.run(run).await.map_err(later)?.and_then(|story| story.run.ended_at);
            mails = self.store.mails(Mails::Of(run)).await.map_err(later)?;
        }
        if may_come(row, ended, &mails, now) {
            return Ok(SendFault::Later(fault, Some(pause(row.attempts))));
        }
        self.told_instead(row).await?;
        Ok(SendFault::Moot(fault.one_line()))
    }

    /// What came of a run that nobody was woken for is said in the channel, where there is one: its note has no other
    /// reader.
    async fn told_instead(&self, row: &OutboxRow) -> Result<(), SendFault> {
        let last = row.run.is_some_and(|run| row.key == format!("note:{run}:end"));
        match self.config.systems.slack.clone().filter(|_| last) {
            Some(webhook) => self.in_channel(row, webhook).await,
            None => Ok(()),
        }
    }

    async fn in_channel(&self, row: &OutboxRow, webhook: SecretRef) -> Result<(), SendFault> {
        let text = self.words(row).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let slack = Slack::new(Arc::clone(&self.config), webhook);
        slack.post(&text).await.map_err(|broken| later(broken.fault))
    }
}

/// How long until it is looked for again, after so many looks.
fn pause(looks: u32) -> Duration {
    if looks < SOON { PAUSE } else { PAUSE * 10 }
}

/// Whether the incident of a note may yet come to be: its run has not ended, or not long ago, or its page is on its way.
fn may_come(row: &OutboxRow, ended: Option<u64>, mails: &[OutboxRow], now: u64) -> bool {
    let comes = |mail: &OutboxRow| match mail.state {
        MailState::Armed | MailState::Pending => true,
        MailState::Accepted => mail.accepted_at.is_some_and(|at| at + SETTLE > now),
        _ => false,
    };
    let pages = mails.iter().filter(|mail| mail.mail == Mail::Trigger && mail.dedup_key == row.dedup_key);
    ended.is_none_or(|at| at + SETTLE > now) || pages.into_iter().any(comes)
}

#[cfg(test)]
#[expect(non_snake_case, reason = "tests are named by the invariants that they show")]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(mail: &str, state: &str, accepted_at: Option<u64>) -> OutboxRow {
        let row = json!({
            "id": 1, "key": "a", "run": 1, "mail": mail, "dedup_key": "k", "channel": "pagerduty", "payload": {},
            "reason": "", "state": state, "attempts": 0, "next_at": 0, "claimed_until": 0, "created_at": 0,
            "accepted_at": accepted_at, "human_ack_at": null, "error": null,
        });
        serde_json::from_value(row).expect("a row")
    }

    #[test]
    fn I18_a_note_is_moot_once_its_incident_can_not_come_to_be_any_more() {
        let note = row("note", "pending", None);
        let may = |ended, mails: &[OutboxRow]| may_come(&note, ended, mails, 1_000_000);
        assert!(may(None, &[]), "the run goes on");
        assert!(may(Some(900_000), &[]), "its sender may page with a delay");
        assert!(!may(Some(600_000), &[]));
        assert!(may(Some(600_000), &[row("trigger", "pending", None)]), "its page is on its way");
        assert!(may(Some(600_000), &[row("trigger", "accepted", Some(900_000))]), "it is being made");
        assert!(!may(Some(600_000), &[row("trigger", "accepted", Some(600_000)), row("trigger", "disarmed", None)]));
        let other = OutboxRow { dedup_key: "other".to_owned(), ..row("trigger", "armed", None) };
        assert!(!may(Some(600_000), &[other]));
    }
}
