//! Whether an alarm of CloudWatch still fires, for `alert.still_firing`.

use std::collections::BTreeMap;

use crate::context::Context;
use crate::fault::{Fault, Kind};
use crate::ports::aws::AlarmState;
use crate::ports::systems::{Firing, Witness};
use crate::text::excerpt;

/// What CloudWatch says of the alarm that an alert of it was about; none where another sent the alert.
pub(in crate::actions) async fn witness(
    context: &Context,
    source: &str,
    labels: &BTreeMap<String, String>,
) -> Option<Witness> {
    if source != "cloudwatch" {
        return None;
    }
    context.progress().stage("asking CloudWatch whether it still fires");
    Some(Witness { by: "CloudWatch".to_owned(), says: says(context, labels).await })
}

async fn says(context: &Context, labels: &BTreeMap<String, String>) -> Result<Vec<Firing>, Fault> {
    let Some(name) = labels.get("alertname").filter(|name| !name.is_empty()) else {
        return Err(Fault::new(Kind::Usage, "its labels name no alarm (alertname)"));
    };
    let aws = context.aws()?;
    let place = aws.place(None).await?;
    // An alarm of the same name elsewhere is another one.
    if let Some(region) = labels.get("region").filter(|region| place != **region) {
        let why = format!("the alarm is in {}, and [aws] is {place}", excerpt(region, 40));
        return Err(Fault::new(Kind::Config, why));
    }
    let alarm = aws.alarm(None, name).await?;
    match alarm.state {
        AlarmState::Ok => Ok(Vec::new()),
        AlarmState::Alarm => {
            Ok(vec![Firing { fingerprint: excerpt(&alarm.name, 255), labels: labels.clone(), muted: !alarm.tells }])
        }
        // No data is no all-clear.
        AlarmState::Insufficient => Err(Fault::new(Kind::Missing, "the alarm has too few data to tell")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::Tripwire;

    #[tokio::test]
    async fn the_alarm_that_the_alert_names_is_asked_and_none_of_another_region() {
        let context = Context::dry(Tripwire::reads());
        let labels = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()
        };
        let asked =
            async |pairs: &[(&str, &str)]| witness(&context, "cloudwatch", &labels(pairs)).await.map(|one| one.says);
        let here = asked(&[("alertname", "shop errors"), ("region", "eu-west-1")]).await.expect("asked");
        assert_eq!(here.expect("known").len(), 1, "it fires");
        assert!(asked(&[("alertname", "shop errors"), ("region", "us-east-1")]).await.expect("asked").is_err());
        assert!(asked(&[("region", "eu-west-1")]).await.expect("asked").is_err(), "which");
        assert!(witness(&context, "alertmanager", &labels(&[])).await.is_none());
    }
}
