//! `cloudwatch.alarm_state`: how an alarm of CloudWatch stands.

use async_trait::async_trait;
use serde_json::json;

use super::{Name, account, fact, report};
use crate::actions::Look;
use crate::context::Context;
use crate::date;
use crate::fault::{Fault, Kind};
use crate::ports::aws;
use crate::report::{Report, Status};
use crate::text::excerpt;

/// Which alarm.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AlarmState {
    /// The account of the configuration, [aws.NAME]; the one without a name where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Name>,

    /// Its name
    #[arg(long, value_name = "NAME")]
    pub alarm: String,
}

#[async_trait]
impl Look for AlarmState {
    async fn look(&self, context: &Context) -> Result<Report, Fault> {
        if self.alarm.is_empty() || self.alarm.chars().count() > 255 {
            return Err(Fault::new(Kind::Usage, "the name of an alarm has 1 to 255 characters"));
        }
        let aws = context.aws()?;
        let place = aws.place(account(self.account.as_ref())).await?;
        context.progress().stage("asking CloudWatch for an alarm");
        let alarm = aws.alarm(account(self.account.as_ref()), &self.alarm).await?;
        let name = excerpt(&alarm.name, 255);
        let (status, is) = match alarm.state {
            aws::AlarmState::Ok => (Status::Ok, "does not fire"),
            aws::AlarmState::Alarm => (Status::Critical, "fires"),
            // No data is no all-clear.
            aws::AlarmState::Insufficient => (Status::Unknown, "has too few data to tell"),
        };
        let headline = format!("The alarm {name} on {place} {is}.");
        let since = alarm.since.map(date::stamp).unwrap_or_default();
        let reason = excerpt(&alarm.reason, 300);
        let mut facts = vec![fact("watches", excerpt(&alarm.watches, 200)), fact("since", since.as_str())];
        facts.push(fact("reason", reason.as_str()));
        if !alarm.tells {
            facts.push(fact("note", "its actions are switched off: it tells nobody"));
        }
        let data = json!({
            "place": place,
            "alarm": name,
            "state": alarm.state.word(),
            "firing": match alarm.state {
                aws::AlarmState::Ok => "no",
                aws::AlarmState::Alarm => "yes",
                aws::AlarmState::Insufficient => "unknown",
            },
            "reason": reason,
            "since": alarm.since,
        });
        Ok(report(status, headline, facts, data))
    }
}
