//! Notes: they say more about a page, and wake nobody.

use std::sync::Arc;
use std::time::Duration;

use ira_commands::ports::people::ChatWrite as _;
use ira_commands::{Fault, Invocation, Kind, pd_annotate};

use super::{Posts, words};
use crate::clients::opsgenie::Opsgenie;
use crate::clients::slack::Slack;
use crate::config::systems::Channel;
use crate::engine::{SendFault, told_journal};
use crate::store::ask::Mails;
use crate::store::model::OutboxRow;
use crate::store::{Mail, MailState};

/// So long after a run's end an incident may still come to be: its sender may page with a delay.
const SETTLE: u64 = 300_000;
/// Between two looks for it.
const PAUSE: Duration = Duration::from_secs(30);

fn later(fault: Fault) -> SendFault {
    SendFault::Later(fault, None)
}

impl Posts {
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
                let noted = Opsgenie::new(config, own).note(&row.dedup_key, &words::note(row)).await;
                noted.map_err(|broken| later(broken.fault))
            }
            Channel::Slack => {
                let webhook = systems.slack.clone().ok_or_else(|| unset("slack.webhook"))?;
                let text = words::note(row).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                Slack::new(config, webhook).post(&text).await.map_err(|broken| later(broken.fault))
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
            content: Some(words::note(row)),
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
        let again = || SendFault::Later(fault.clone(), Some(PAUSE));
        let now = self.store.now().await.map_err(later)?;
        let Some(run) = row.run else {
            return Ok(if row.created_at + SETTLE <= now { SendFault::Moot(fault.one_line()) } else { again() });
        };
        let mails = self.store.mails(Mails::Of(run)).await.map_err(later)?;
        let mut triggers = mails.iter().filter(|mail| mail.mail == Mail::Trigger && mail.dedup_key == row.dedup_key);
        let comes = |mail: &OutboxRow| match mail.state {
            MailState::Armed | MailState::Pending => true,
            MailState::Accepted => mail.accepted_at.is_some_and(|at| at + SETTLE > now),
            _ => false,
        };
        let story = self.store.run(run).await.map_err(later)?;
        let ended = story.and_then(|story| story.run.ended_at);
        let over = ended.is_some_and(|at| at + SETTLE <= now);
        Ok(if over && !triggers.any(comes) { SendFault::Moot(fault.one_line()) } else { again() })
    }
}
