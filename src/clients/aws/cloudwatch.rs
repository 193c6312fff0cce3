//! CloudWatch.

use async_trait::async_trait;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{
    AlarmType, Dimension, MessageData, Metric, MetricDataQuery, MetricStat, ScanBy, StateValue, StatusCode,
};
use aws_smithy_types::DateTime;
use ira_commands::ports::aws::{Account, Alarm, AlarmState, CloudWatchRead, MetricAsk, Point};
use ira_commands::{Fault, Kind};

use super::{Aws, Connection};

fn seconds(at: Option<&DateTime>) -> Option<u64> {
    at.and_then(|at| u64::try_from(at.secs()).ok())
}

impl Connection {
    fn state(&self, state: Option<&StateValue>) -> Result<AlarmState, Fault> {
        match state {
            Some(StateValue::Ok) => Ok(AlarmState::Ok),
            Some(StateValue::Alarm) => Ok(AlarmState::Alarm),
            Some(StateValue::InsufficientData) => Ok(AlarmState::Insufficient),
            other => {
                let state = other.map(StateValue::as_str).unwrap_or_default();
                Err(Fault::new(
                    Kind::BadAnswer,
                    format!("AWS ({}) knows a state of alarms that is not known", self.place),
                )
                .because(self.said(state)))
            }
        }
    }
}

#[async_trait]
impl CloudWatchRead for Aws {
    async fn alarm(&self, account: Account<'_>, name: &str) -> Result<Alarm, Fault> {
        let connection = self.connection(account).await?;
        let request = Client::new(&connection.reads)
            .describe_alarms()
            .alarm_names(name)
            // Without both only those of a metric are given.
            .alarm_types(AlarmType::MetricAlarm)
            .alarm_types(AlarmType::CompositeAlarm);
        let answer = connection.ask("cloudwatch:DescribeAlarms", request.send()).await?;
        if let Some(one) = answer.metric_alarms().iter().find(|one| one.alarm_name() == Some(name)) {
            let watches = [one.namespace(), one.metric_name()].into_iter().flatten().collect::<Vec<_>>().join(" ");
            let dimension =
                |one: &Dimension| format!("{}={}", one.name().unwrap_or_default(), one.value().unwrap_or_default());
            let dimensions: Vec<String> = one.dimensions().iter().map(dimension).collect();
            return Ok(Alarm {
                name: name.to_owned(),
                state: connection.state(one.state_value())?,
                reason: connection.said(one.state_reason().unwrap_or_default()),
                since: seconds(one.state_transitioned_timestamp().or(one.state_updated_timestamp())),
                watches: connection.said(&format!("{watches} {{{}}}", dimensions.join(", "))),
                tells: one.actions_enabled().unwrap_or(true),
            });
        }
        if let Some(one) = answer.composite_alarms().iter().find(|one| one.alarm_name() == Some(name)) {
            return Ok(Alarm {
                name: name.to_owned(),
                state: connection.state(one.state_value())?,
                reason: connection.said(one.state_reason().unwrap_or_default()),
                since: seconds(one.state_transitioned_timestamp().or(one.state_updated_timestamp())),
                watches: connection.said(one.alarm_rule().unwrap_or_default()),
                tells: one.actions_enabled().unwrap_or(true),
            });
        }
        Err(Fault::new(Kind::Missing, format!("AWS ({}) has no such alarm", connection.place))
            .because(connection.said(name))
            .hint("check the name, the account and the region: an alarm that is gone is not one that is over"))
    }

    async fn metric(&self, account: Account<'_>, ask: &MetricAsk) -> Result<Vec<Point>, Fault> {
        let connection = self.connection(account).await?;
        let time = |seconds: u64| DateTime::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        let dimension = |(name, value): &(String, String)| Dimension::builder().name(name).value(value).build();
        let metric = Metric::builder()
            .namespace(&ask.namespace)
            .metric_name(&ask.metric)
            .set_dimensions(Some(ask.dimensions.iter().map(dimension).collect()))
            .build();
        let period = i32::try_from(ask.period).unwrap_or(i32::MAX);
        let stat = MetricStat::builder().metric(metric).period(period).stat(&ask.statistic).build();
        let query = MetricDataQuery::builder().id("m").metric_stat(stat).return_data(true).build();
        let request = Client::new(&connection.reads)
            .get_metric_data()
            .start_time(time(ask.from))
            .end_time(time(ask.to))
            .scan_by(ScanBy::TimestampDescending)
            .metric_data_queries(query);
        let answer = connection.ask("cloudwatch:GetMetricData", request.send()).await?;
        let mut points = Vec::new();
        for result in answer.metric_data_results() {
            if matches!(result.status_code(), Some(StatusCode::InternalError | StatusCode::Forbidden)) {
                let words: Vec<&str> = result.messages().iter().filter_map(MessageData::value).collect();
                return Err(Fault::new(Kind::BadAnswer, format!("AWS ({}) gives no values", connection.place))
                    .because(connection.said(&words.join("; "))));
            }
            let both = result.timestamps().iter().zip(result.values());
            points.extend(both.filter_map(|(at, value)| Some(Point { at: seconds(Some(at))?, value: *value })));
        }
        points.sort_by_key(|point| std::cmp::Reverse(point.at));
        Ok(points)
    }
}
