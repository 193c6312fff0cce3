//! CloudWatch: alarms and metrics.

use async_trait::async_trait;

use super::Account;
use crate::fault::Fault;

/// How an alarm stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmState {
    /// It does not fire.
    Ok,
    /// It fires.
    Alarm,
    /// There are too few data to tell.
    Insufficient,
}

impl AlarmState {
    /// `ok`, `alarm`, `insufficient-data`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Alarm => "alarm",
            Self::Insufficient => "insufficient-data",
        }
    }
}

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: AlarmState,
    /// Why, in CloudWatch's words.
    pub reason: String,
    /// Since when, unix seconds.
    pub since: Option<u64>,
    /// What it watches: `AWS/ECS CPUUtilization`; the rule of one that is made of others.
    pub watches: String,
    /// Whether it tells anybody.
    pub tells: bool,
}

/// Which values of a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricAsk {
    /// `AWS/ECS`.
    pub namespace: String,
    /// `CPUUtilization`.
    pub metric: String,
    /// Names and values; all of them, as the metric has them.
    pub dimensions: Vec<(String, String)>,
    /// `Average`, `Sum`, `Maximum`, `Minimum`, `SampleCount`, `p99`.
    pub statistic: String,
    /// The length that one value stands for, seconds.
    pub period: u64,
    /// From here on, unix seconds.
    pub from: u64,
    /// Up to here, unix seconds.
    pub to: u64,
}

/// One value of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Where the length that it stands for begins, unix seconds.
    pub at: u64,
    /// The value.
    pub value: f64,
}

/// Reading CloudWatch.
#[async_trait]
pub trait CloudWatchRead: Send + Sync {
    /// An alarm by its name, made of a metric or of other alarms; kind `Missing` where there is none.
    async fn alarm(&self, account: Account<'_>, name: &str) -> Result<Alarm, Fault>;

    /// Values of a metric, newest first. None is no fault: CloudWatch does not know which metrics there are.
    async fn metric(&self, account: Account<'_>, ask: &MetricAsk) -> Result<Vec<Point>, Fault>;
}
