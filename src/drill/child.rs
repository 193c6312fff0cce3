//! The injector, as whoever started it has it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ira_commands::{Fault, Kind};
use tokio::sync::mpsc;

use super::injector::{BACK, DONE, FAILED, NAME};

/// How long it has to break something, or to take it back.
const PATIENCE: Duration = Duration::from_secs(120);

/// An injector that was started. It takes back what it broke when this is dropped.
pub(super) struct Injector {
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Injector {
    /// Starts one; gives it with what it says once the fault is there.
    pub(super) async fn start(name: &str, config: Option<&Path>) -> Result<(Self, String), Fault> {
        let cannot = |why: String| Fault::new(Kind::Failed, "nothing was broken").because(why);
        let program = if cfg!(target_os = "linux") {
            // The one that runs, also where the file was replaced since.
            PathBuf::from("/proc/self/exe")
        } else {
            std::env::current_exe().map_err(|error| cannot(error.to_string()))?
        };
        let config = config.map(std::path::absolute).transpose().map_err(|error| cannot(error.to_string()))?;
        let mut command = Command::new(program);
        // What secrets are referred to it fetches itself, by the same configuration and environment.
        command.arg0(NAME).arg(name).arg(config.unwrap_or_default());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| cannot(error.to_string()))?;
        let (sender, lines) = mpsc::unbounded_channel();
        if let Some(pipe) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        let mut injector = Self { child, lines };
        let said = injector.heard().await.map_err(|why| cannot(why.one_line()))?;
        Ok((injector, said))
    }

    /// What it says next.
    async fn heard(&mut self) -> Result<String, Fault> {
        let failed = |why: String| Fault::new(Kind::Failed, why);
        match tokio::time::timeout(PATIENCE, self.lines.recv()).await {
            Ok(Some(line)) => match line.strip_prefix(DONE) {
                Some(said) => Ok(said.to_owned()),
                None => Err(failed(line.strip_prefix(FAILED).unwrap_or(&line).to_owned())),
            },
            Ok(None) => Err(failed("the injector has died".to_owned())),
            Err(_) => Err(failed(format!("the injector says nothing for {} s", PATIENCE.as_secs()))),
        }
    }

    /// Has it take back what it broke, and stay; gives what it did.
    pub(super) async fn back(&mut self) -> Result<String, Fault> {
        let told = self.child.stdin.as_mut().map(|pipe| writeln!(pipe, "{BACK}"));
        match told {
            Some(Ok(())) => self.heard().await,
            _ => Err(Fault::new(Kind::Failed, "the injector has died")),
        }
    }
}

impl Drop for Injector {
    fn drop(&mut self) {
        // The end of what it is told is its word to end; it may take as long as what it has to do takes.
        drop(self.child.stdin.take());
        let until = std::time::Instant::now() + PATIENCE;
        while std::time::Instant::now() < until && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
