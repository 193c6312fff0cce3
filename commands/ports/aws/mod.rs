//! AWS: one port for each service that is asked, and one for each that is changed. Which account, region and credentials a
//! name means the configuration says; where none is given it is the one without a name.

mod cloudwatch;
mod dynamodb;
mod ecs;
mod lambda;

use async_trait::async_trait;

use crate::fault::Fault;

pub use cloudwatch::{Alarm, AlarmState, CloudWatchRead, MetricAsk, Point};
pub use dynamodb::{BATCH, DynamoRead, DynamoWrite, Found, KeyKind, KeyQuery, SortBy, TableKeys};
pub use ecs::{Container, ContainerChange, Deployment, EcsRead, EcsWrite, Service, ServiceName, TaskDefinition};
pub use lambda::{Function, FunctionName, Invoked, LambdaRead, LambdaWrite};

/// Which of the configured accounts: `[aws.NAME]`, or `[aws]`.
pub type Account<'a> = Option<&'a str>;

/// Where things are.
#[async_trait]
pub trait AwsPlace: Send + Sync {
    /// The account's name and its region: `prod eu-west-1`. A fault where none is configured.
    async fn place(&self, account: Account<'_>) -> Result<String, Fault>;

    /// A name that no other attempt has.
    fn attempt(&self) -> String;
}

/// Everything that is read.
pub trait AwsRead: AwsPlace + CloudWatchRead + DynamoRead + EcsRead + LambdaRead {}

impl<T: AwsPlace + CloudWatchRead + DynamoRead + EcsRead + LambdaRead> AwsRead for T {}

/// Everything that is changed.
pub trait AwsWrite: DynamoWrite + EcsWrite + LambdaWrite {}

impl<T: DynamoWrite + EcsWrite + LambdaWrite> AwsWrite for T {}
