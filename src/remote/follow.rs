//! Runs of a daemon, shown while they go on. Ctrl-C cancels them there.

use ira_commands::{Fault, Kind};

use super::wire::{Answer, Ask, Follow};
use super::{Daemon, show};
use crate::clients::service::Again;
use crate::runs::RunVerb;
use crate::terminal::write_stderr;

/// Follows runs to their end, one after the other; gives the worst exit code. Where they only are looked at, a Ctrl-C ends
/// the looking.
pub(super) async fn runs(daemon: &Daemon, runs: &[u64], only_looks: bool) -> Result<u8, Fault> {
    let mut worst = 0;
    for run in runs {
        let answer = one(daemon, *run, only_looks).await?;
        worst = worst.max(show(&answer));
    }
    Ok(worst)
}

async fn one(daemon: &Daemon, run: u64, only_looks: bool) -> Result<Answer, Fault> {
    let mut seen = 0;
    let mut cancelled = false;
    loop {
        let asked = daemon.ask(Ask::Follow(Follow { run, seen }), Again::Freely);
        let answer = tokio::select! {
            biased;
            answer = asked => answer?,
            signal = tokio::signal::ctrl_c() => {
                if only_looks || cancelled || signal.is_err() {
                    return Err(Fault::new(Kind::Interrupted, format!("run {run} goes on without you"))
                        .hint(format!("ira run tail {run}")));
                }
                cancelled = true;
                write_stderr(&format!("Cancelling run {run}; Ctrl-C again leaves it.\n"));
                write_stderr(&daemon.ask(Ask::Run(RunVerb::Cancel { run }), Again::Refused).await?.aside);
                continue;
            }
        };
        seen = answer.seen;
        if answer.ended {
            return Ok(Answer { code: if cancelled { Kind::Interrupted.exit_code() } else { answer.code }, ..answer });
        }
        if !daemon.is_json() {
            write_stderr(&answer.aside);
        }
    }
}
