//! `script.by_metric`: the script that a folder has for a metric and its namespace.

use super::{Repeat, Request, Scripted, facts, stdin, timeout};
use crate::alert::Alert;
use crate::fault::{Fault, Kind};
use crate::words::Span;

/// Which metric.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ByMetric {
    /// The metric, as its sender names it: `CPUUtilization`
    #[arg(long, value_name = "METRIC")]
    pub metric: String,

    /// Its namespace: `AWS/EC2` (the script is then `CPUUtilization#AWS%2FEC2.sh`)
    #[arg(long, value_name = "NAMESPACE")]
    pub namespace: String,

    /// What it reads on standard input; without it the alert as JSON, where there is one
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<String>,

    /// How long it is given: 60s, unless said otherwise; then all its processes are ended
    #[arg(long, value_name = "TIME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,

    /// How it may be repeated: once, unless said otherwise
    #[arg(long, value_enum, value_name = "EFFECT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Repeat>,

    /// The exit code that means that it worked: 0, unless said otherwise
    #[arg(long, value_name = "CODE")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_exit: Option<u8>,

    /// The only folder below which it may write, beside its own temporary one; several times for several
    #[arg(long, value_name = "PATH")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writable: Vec<String>,

    /// The alert
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<Alert>,
}

/// A metric's or namespace's part of a file name: what is not in `[A-Za-z0-9._-]` is percent-encoded, byte by byte. Two
/// names never become one, and none holds a `/`.
pub(super) fn encoded(text: &str) -> String {
    let one = |byte: u8| {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(one).collect()
}

impl Scripted for ByMetric {
    const NAME: &'static str = "script.by_metric";

    fn request(&self) -> Result<Request<'_>, Fault> {
        for (flag, text) in [("--metric", &self.metric), ("--namespace", &self.namespace)] {
            if text.is_empty() || text.len() > 255 {
                return Err(Fault::new(Kind::Usage, format!("{flag} takes 1 to 255 bytes")));
            }
        }
        let mut env = facts(self.alert.as_ref());
        env.push(("IRA_METRIC".to_owned(), self.metric.clone()));
        env.push(("IRA_NAMESPACE".to_owned(), self.namespace.clone()));
        Ok(Request {
            program: format!("{}#{}.sh", encoded(&self.metric), encoded(&self.namespace)),
            flags: &[],
            args: &[],
            env,
            stdin: stdin(self.stdin.as_ref(), self.alert.as_ref())?,
            own_stdin: self.stdin.as_deref(),
            timeout: timeout(self.timeout)?,
            effect: self.effect.into(),
            expect_exit: i32::from(self.expect_exit.unwrap_or(0)),
            writable: &self.writable,
        })
    }

    fn alert(&mut self) -> &mut Option<Alert> {
        &mut self.alert
    }

    fn time(&mut self) -> &mut Option<Span> {
        &mut self.timeout
    }
}
