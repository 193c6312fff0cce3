//! `script.run`: a script by its path or its name.

use super::{Repeat, Request, Scripted, argv, facts, stdin, timeout};
use crate::alert::Alert;
use crate::fault::Fault;
use crate::words::Span;

/// Which script, and what it gets.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Run {
    /// The script: an absolute path, or a name in the configured folder (`scripts.folder`)
    #[arg(long, value_name = "PATH|NAME")]
    pub program: String,

    /// An argument of it, one element whatever stands in it; give it several times for several
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arg: Vec<String>,

    /// An option of it, which begins with `-`; stands before the arguments
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flag: Vec<String>,

    /// A variable of its environment, which has nothing else in it but PATH, LANG, HOME and TMPDIR
    #[arg(long, value_name = "NAME=VALUE")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,

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

impl Scripted for Run {
    const NAME: &'static str = "script.run";

    fn request(&self) -> Result<Request<'_>, Fault> {
        let mut env = facts(self.alert.as_ref());
        for text in &self.env {
            env.push(argv::variable(text)?);
        }
        Ok(Request {
            program: self.program.clone(),
            flags: &self.flag,
            args: &self.arg,
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
