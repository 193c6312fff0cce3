//! What tells somebody, by hand: it needs no agreement.

use ira_commands::{Context, Fault, Invocation};

use super::journal;
use crate::cli::{OutputFlags, Reach};
use crate::connect;
use crate::session::{Session, block_on};
use crate::terminal::Env;

/// Tells, or says in a dry run what it would tell; gives the exit code.
pub fn tell(
    session: &mut Session,
    invocation: &Invocation,
    dry_run: bool,
    output: &OutputFlags,
    env: Env<'_>,
) -> Result<u8, Fault> {
    let config = connect::settings(output, invocation, &Reach::default())?;
    session.configure(config.output);
    let progress = session.progress(env);
    let report = block_on(async {
        let reads = connect::bare(&config, progress.sink());
        let context = if dry_run {
            Context::dry(reads)
        } else {
            Context::acting(reads, connect::bare_writes(&config, journal()?))
        };
        invocation.run(&context).await
    });
    progress.finish();
    let report = report?;
    let code = report.outcome.exit_code();
    Ok(session.show(report, code))
}
