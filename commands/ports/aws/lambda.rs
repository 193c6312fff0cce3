//! Lambda: functions.

use std::fmt;

use async_trait::async_trait;
use serde_json::Value as Json;

use super::Account;
use crate::actions::Broken;
use crate::fault::Fault;

/// A function, and which version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionName {
    /// Its name.
    pub name: String,
    /// A version or an alias; what was published last where not given.
    pub qualifier: Option<String>,
}

impl fmt::Display for FunctionName {
    /// `function clean-up:live`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "function {}", self.name)?;
        self.qualifier.as_ref().map_or(Ok(()), |qualifier| write!(f, ":{qualifier}"))
    }
}

/// How a function is set up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Function {
    /// Its ARN.
    pub arn: String,
    /// The version.
    pub version: String,
    /// The hash of its code.
    pub code: String,
    /// `Active`, `Pending`, `Inactive`, `Failed`; empty where Lambda does not say.
    pub state: String,
    /// How long it may take, seconds.
    pub timeout: u64,
}

/// What came of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invoked {
    /// Where the function failed: `Handled`, `Unhandled`.
    pub error: Option<String>,
    /// How its answer begins. Known secrets are masked.
    pub output: String,
    /// Whether there was more of it.
    pub cut: bool,
    /// The version that ran.
    pub version: String,
    /// The end of what it logged. Known secrets are masked.
    pub log: String,
}

/// Reading Lambda.
#[async_trait]
pub trait LambdaRead: Send + Sync {
    /// How a function is set up; kind `Missing` where there is none.
    async fn function(&self, account: Account<'_>, name: &FunctionName) -> Result<Function, Fault>;
}

/// Having functions run.
#[async_trait]
pub trait LambdaWrite: Send + Sync {
    /// Runs it once and waits for its end. What did not answer in time may have run.
    async fn invoke(
        &self,
        account: Account<'_>,
        name: &FunctionName,
        payload: &Json,
        seconds: u64,
    ) -> Result<Invoked, Broken>;
}
