//! `--runner`: the process that runs the daemon's scripts as a user of their own. It holds no secret and no store.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ira_commands::{Fault, Kind};
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};

use crate::clients::{runner, script};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::config::host::RunnerConfig;
use crate::connect;
use crate::retention::USUAL;
use crate::terminal::write_stdout;

/// How often it is looked for what need not be kept.
const SWEEP: Duration = Duration::from_secs(3_600);
/// Where names of users have their numbers.
const USERS: &str = "/etc/passwd";

/// Serves the daemon of `user` until it is told to end; gives the exit code. What it began goes on.
pub(super) fn serve(user: &str, config: &Arc<Config>) -> Result<u8, Fault> {
    let RunnerConfig::Socket(socket) = &config.host.runner else {
        return Err(Fault::new(Kind::Config, "there is no socket to serve")
            .hint("[scripts] runner = \"/run/ira-runner/socket\""));
    };
    if config.host.folder.is_none() {
        return Err(Fault::new(Kind::Config, "there are no scripts to run").hint("set `scripts.folder`"));
    }
    let peer = number(user)?;
    let scripts = connect::scripts(config)
        .ok_or_else(|| Fault::new(Kind::Config, "attempts can be kept nowhere").hint("set XDG_STATE_HOME"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::new(Kind::Failed, "cannot start").because(error.to_string()))?;
    let served = runtime.block_on(async {
        let take = |kind| {
            signal(kind).map_err(|error| Fault::new(Kind::Failed, "signals cannot be heard").because(error.to_string()))
        };
        let (mut terminate, mut interrupt) = (take(SignalKind::terminate())?, take(SignalKind::interrupt())?);
        let attempts = scripts.attempts.clone();
        let ready = || {
            let _unheard = write_stdout(&format!("ready: {} for user {peer}\n", socket.display()));
            if let Err(error) = sd_notify::notify(&[NotifyState::Ready]) {
                tracing::debug!("the service manager is not told: {error}");
            }
        };
        tokio::select! {
            served = runner::serve(Arc::clone(&scripts), socket, peer, ready) => served,
            () = sweep(&attempts) => Ok(()),
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
        }
    });
    runtime.shutdown_background();
    served.map(|()| 0)
}

/// Removes attempts that ended so long ago that no record speaks of them any more.
async fn sweep(attempts: &std::path::Path) {
    loop {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(SystemClock.now_millis());
        let since = now.checked_sub(USUAL.runs).unwrap_or(SystemTime::UNIX_EPOCH);
        match script::idle(attempts, since) {
            Ok(idle) => idle.iter().for_each(|name| script::forget(attempts, name)),
            Err(error) => tracing::debug!("nothing is let go: {error}"),
        }
        tokio::time::sleep(SWEEP).await;
    }
}

/// The number of a user.
fn number(user: &str) -> Result<u32, Fault> {
    if let Ok(number) = user.parse() {
        return Ok(number);
    }
    let all = std::fs::read_to_string(USERS).unwrap_or_default();
    let of = |line: &str| {
        let mut fields = line.split(':');
        (fields.next() == Some(user)).then(|| fields.nth(1)?.parse().ok()).flatten()
    };
    all.lines().find_map(of).ok_or_else(|| {
        Fault::new(Kind::Usage, format!("no user {user:?} is known on this machine"))
            .hint("give the user's number (id -u USER)")
    })
}
