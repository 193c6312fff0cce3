//! `ira doctor`: every system that is configured is asked one harmless read, all at the same time, and what does not
//! answer is said with the reason and the mend.

mod data;
mod here;
mod said;
mod there;

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures::future::{BoxFuture, join_all};
use ira_commands::{Fault, Kind, Report};

use crate::cli::OutputFlags;
use crate::config::Config;
use crate::connect;
use crate::session::{self, Session};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct DoctorArgs {
    /// How long each system may take, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=120))]
    pub timeout: u64,
}

/// What a system answered.
enum Said {
    /// It is there, and takes the credential where it has one.
    Well(String),
    /// What can be asked without an effect was well; what only a message would show is said.
    Untold(String),
}

/// One system, and the read that is asked of it.
struct Question<'a> {
    /// The kind of system: kebab-case, public.
    check: &'static str,
    /// Which one, without any secret.
    system: String,
    ask: BoxFuture<'a, Result<Said, Fault>>,
}

impl<'a> Question<'a> {
    fn new(
        check: &'static str,
        system: impl Into<String>,
        ask: impl Future<Output = Result<Said, Fault>> + Send + 'a,
    ) -> Self {
        Self { check, system: system.into(), ask: Box::pin(ask) }
    }

    /// One that reads this machine and may block for it.
    fn blocking(
        check: &'static str,
        system: impl Into<String>,
        look: impl FnOnce() -> Result<Said, Fault> + Send + 'static,
    ) -> Self {
        Self::new(check, system, async {
            let looked = tokio::task::spawn_blocking(look).await;
            looked.unwrap_or_else(|_| Err(Fault::new(Kind::Failed, "looking at it broke")))
        })
    }
}

/// What came of a question.
struct Answered {
    check: &'static str,
    system: String,
    said: Result<Said, Fault>,
}

/// Asks everything that is configured, and shows what came of it; gives the exit code.
pub fn doctor(session: &mut Session, args: &DoctorArgs, output: &OutputFlags) -> Result<u8, Fault> {
    let config = connect::effective(output)?;
    session.configure(config.output);
    let report = session::block_on(async { Ok(asked(args, &config).await) })?;
    let code = report.outcome.exit_code();
    Ok(session.show(report, code))
}

/// A fault of one system is a finding, never the end.
async fn asked(args: &DoctorArgs, config: &Arc<Config>) -> Report {
    let limit = Duration::from_secs(args.timeout);
    let questions =
        here::questions(config).into_iter().chain(there::questions(config, limit)).chain(data::questions(config));
    let asked = questions.map(|Question { check, system, ask }| async move {
        let said = tokio::time::timeout(limit, ask).await.unwrap_or_else(|_| {
            let why = format!("nothing was heard within {} s", limit.as_secs());
            Err(Fault::new(Kind::Timeout, why).hint("is it up, and is the way to it open? --timeout gives it longer"))
        });
        Answered { check, system, said }
    });
    said::report(join_all(asked).await)
}
