//! `cloudwatch.metric`: what a metric of CloudWatch is now.

use async_trait::async_trait;
use serde_json::json;

use super::{Name, Pair, account, fact, report};
use crate::actions::Look;
use crate::context::Context;
use crate::date;
use crate::fault::{Fault, Kind};
use crate::ports::aws::MetricAsk;
use crate::report::{Report, Status};
use crate::text::excerpt;
use crate::units::duration;
use crate::words::Span;

/// Which metric, and which value of it.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Metric {
    /// The account of the configuration, [aws.NAME]; the one without a name where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Name>,

    /// The namespace: AWS/ECS
    #[arg(long, value_name = "NAMESPACE")]
    pub namespace: String,

    /// The metric: CPUUtilization
    #[arg(long, value_name = "METRIC")]
    pub metric: String,

    /// A dimension, ServiceName=web; all that the metric has, and no others
    #[arg(long, value_name = "NAME=VALUE")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dimension: Vec<Pair>,

    /// Average, Sum, Maximum, Minimum, SampleCount, or a percentile: p99
    #[arg(long, value_name = "STATISTIC", default_value = "Average")]
    #[serde(default = "average")]
    pub statistic: String,

    /// The length that one value stands for
    #[arg(long, value_name = "TIME", default_value = "1m")]
    #[serde(default = "minute", deserialize_with = "crate::words::span")]
    pub period: Span,

    /// How old a value may be: what is older is no answer
    #[arg(long, value_name = "TIME", default_value = "10m")]
    #[serde(default = "ten_minutes", deserialize_with = "crate::words::span")]
    pub within: Span,
}

fn average() -> String {
    "Average".to_owned()
}

fn minute() -> Span {
    Span { seconds: 60 }
}

fn ten_minutes() -> Span {
    Span { seconds: 600 }
}

impl Metric {
    fn ask(&self, now: u64) -> Result<MetricAsk, Fault> {
        let (period, within) = (self.period.seconds, self.within.seconds);
        // CloudWatch keeps values of less than a minute only where they were sent so.
        if !matches!(period, 1 | 5 | 10 | 30) && (period == 0 || period % 60 != 0) {
            return Err(Fault::new(Kind::Usage, "the period is 1s, 5s, 10s, 30s or whole minutes"));
        }
        if within < period || within > 86_400 * 14 {
            return Err(Fault::new(Kind::Usage, "a value may be as old as one period, and no older than 14 days"));
        }
        Ok(MetricAsk {
            namespace: self.namespace.clone(),
            metric: self.metric.clone(),
            dimensions: self.dimension.iter().map(|one| (one.name.clone(), one.value.clone())).collect(),
            statistic: self.statistic.clone(),
            period,
            from: now.saturating_sub(within),
            to: now,
        })
    }

    /// `AWS/ECS CPUUtilization {ServiceName=web}`.
    fn words(&self) -> String {
        let all: Vec<String> = self.dimension.iter().map(ToString::to_string).collect();
        excerpt(&format!("{} {} {{{}}}", self.namespace, self.metric, all.join(", ")), 200)
    }
}

#[async_trait]
impl Look for Metric {
    async fn look(&self, context: &Context) -> Result<Report, Fault> {
        let now = context.now();
        let ask = self.ask(now)?;
        let aws = context.aws()?;
        let place = aws.place(account(self.account.as_ref())).await?;
        context.progress().stage("asking CloudWatch for a metric");
        let points = aws.metric(account(self.account.as_ref()), &ask).await?;
        let words = self.words();
        // One whose time is not over yet is not all of it.
        let whole = points.iter().find(|point| point.at.saturating_add(ask.period) <= now);
        let Some(point) = whole.or(points.first()) else {
            let why = format!("no data: {words} has no value of the last {}", duration(self.within.seconds));
            return Err(Fault::new(Kind::Missing, why)
                .because(format!("asked of {place}"))
                .hint("nothing is not zero: check the dimensions, all of which have to be named, and the region"));
        };
        if !point.value.is_finite() {
            return Err(Fault::new(Kind::BadAnswer, format!("{words} is no number: {}", point.value)));
        }
        let value = point.value;
        let headline = format!("The {} of {words} on {place} is {value}.", excerpt(&self.statistic, 20));
        let facts = vec![fact("value", value.to_string()), fact("from", date::stamp(point.at))];
        let data = json!({ "place": place, "value": value, "at": point.at, "points": points.len() });
        Ok(report(Status::Info, headline, facts, data))
    }
}
