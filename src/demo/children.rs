//! The processes of a demonstration: this same binary, as a service that can be killed and as the daemon. Each is ended by
//! whoever started it, and ends by itself where that one dies.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use ira_commands::{Fault, Kind};
use rustix::process::{Pid, Signal, getppid, kill_process, set_parent_process_death_signal};

use super::files::Folder;
use super::http;
use crate::cli::OutputFlags;
use crate::clients::script::SELF;
use crate::daemon::{self, DaemonArgs};
use crate::session::Session;
use crate::terminal::{Env, Terminal};

/// The name under which this binary is one of them.
const NAME: &str = "ira-demo";
/// How long the daemon has to be ready, and to end.
const PATIENCE: Duration = Duration::from_secs(15);

/// Is one of them where this process was started as such; `None` where it is `ira` itself.
pub fn entry(args: &[OsString], env: Env<'_>) -> Option<ExitCode> {
    let (name, rest) = args.split_first()?;
    if name != NAME {
        return None;
    }
    let words: Vec<&str> = rest.iter().filter_map(|word| word.to_str()).collect();
    let (parent, words) = words.split_first()?;
    // Nobody else would end it. Who began it may have died before it could ask for that.
    let _without = set_parent_process_death_signal(Some(Signal::KILL));
    if getppid().map(|pid| pid.as_raw_nonzero().to_string()).as_deref() != Some(*parent) {
        return Some(ExitCode::FAILURE);
    }
    Some(match *words {
        ["service", name, port, status] => service(name, port, status),
        ["daemon", config, admin] => watched_over(config, admin, env),
        _ => ExitCode::FAILURE,
    })
}

/// A service that answers always the same.
fn service(name: &str, port: &str, status: &str) -> ExitCode {
    let (Ok(port), Ok(status)) = (port.parse::<u16>(), status.parse::<u16>()) else { return ExitCode::FAILURE };
    let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) else { return ExitCode::FAILURE };
    let said =
        if status == 200 { format!("the {name} is open\n") } else { format!("the {name} cannot read its books\n") };
    http::serve(&listener, move |_| (status, said.clone()));
    ExitCode::SUCCESS
}

/// The daemon, by its one file of configuration.
fn watched_over(config: &str, admin: &str, env: Env<'_>) -> ExitCode {
    let output = OutputFlags { config: Some(PathBuf::from(config)), alone: true, ..OutputFlags::default() };
    let (Ok(admin), listen) = (admin.parse(), ([127, 0, 0, 1], 0).into()) else { return ExitCode::FAILURE };
    let args = DaemonArgs { listen: Some(listen), admin: Some(admin), ..DaemonArgs::default() };
    let mut session = Session::new(Terminal::default(), &output);
    let done = daemon::daemon(&mut session, &args, &output, env);
    ExitCode::from(done.unwrap_or_else(|fault| session.fail(&fault)))
}

fn cannot(error: &std::io::Error) -> Fault {
    Fault::new(Kind::Failed, "a process of the demonstration cannot be started").because(error.to_string())
}

fn child(words: &[&str], home: &Path) -> Command {
    let mut command = Command::new(SELF);
    // A Ctrl-C is for who started it: it ends its own in order.
    command
        .arg0(NAME)
        .arg(std::process::id().to_string())
        .args(words)
        .env_clear()
        .env("HOME", home)
        .current_dir(home)
        .process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A port of this machine that nobody has.
fn free_port() -> Result<u16, Fault> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    listener.map(|at| at.port()).map_err(|error| cannot(&error))
}

/// A service, and who keeps it.
pub(super) struct Kept {
    name: &'static str,
    status: u16,
    port: u16,
    wanted: PathBuf,
    home: PathBuf,
    process: Option<Child>,
}

impl Kept {
    /// Starts it. It answers with `status`.
    pub(super) fn start(name: &'static str, status: u16, folder: &Folder) -> Result<Self, Fault> {
        let wanted = folder.path(&format!("restart-{name}"));
        let mut kept = Self { name, status, port: free_port()?, wanted, home: folder.path(""), process: None };
        kept.begin()?;
        Ok(kept)
    }

    fn begin(&mut self) -> Result<(), Fault> {
        let words = ["service", self.name, &self.port.to_string(), &self.status.to_string()];
        let started = child(&words, &self.home).spawn().map_err(|error| cannot(&error))?;
        self.process = Some(started);
        Ok(())
    }

    /// As `kill -9` does; gives the process's number.
    pub(super) fn kill(&mut self) -> u32 {
        let Some(mut process) = self.process.take() else { return 0 };
        // It may have ended by itself.
        let _killed = process.kill();
        let _reaped = process.wait();
        process.id()
    }

    /// Starts it anew where somebody asked for that, or where it could not take its port.
    pub(super) fn look(&mut self) -> Result<(), Fault> {
        let asked = self.wanted.exists() && std::fs::remove_file(&self.wanted).is_ok();
        let fell = self.process.as_mut().is_some_and(|process| !matches!(process.try_wait(), Ok(None)));
        if asked || fell {
            self.kill();
            self.begin()?;
        }
        Ok(())
    }

    /// Where it answers.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The daemon.
pub(super) struct Daemon {
    process: Child,
    /// Where it takes alerts.
    pub intake: String,
}

impl Daemon {
    /// Starts it and waits until it is ready; its pages are on the port `admin`.
    pub(super) fn start(folder: &Folder, admin: u16) -> Result<Self, Fault> {
        let (config, at) = (folder.path("config.toml"), format!("127.0.0.1:{admin}"));
        let log = folder.path("daemon.log");
        let written = std::fs::File::create(&log).map_err(|error| cannot(&error))?;
        let mut command = child(&["daemon", &config.display().to_string(), &at], &folder.path(""));
        let process = command.stdout(Stdio::piped()).stderr(written).spawn().map_err(|error| cannot(&error))?;
        let mut daemon = Self { process, intake: String::new() };
        let mut said = String::new();
        if let Some(pipe) = daemon.process.stdout.take() {
            BufReader::new(pipe).read_line(&mut said).map_err(|error| cannot(&error))?;
        }
        let Some(url) = said.trim().strip_prefix("ready: ") else {
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            let why = log.lines().rev().find(|line| line.contains("rror")).unwrap_or("it said nothing").to_owned();
            return Err(Fault::new(Kind::Failed, "the daemon does not start").because(why));
        };
        url.clone_into(&mut daemon.intake);
        Ok(daemon)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let told = Pid::from_raw(self.process.id().cast_signed()).map(|pid| kill_process(pid, Signal::TERM));
        let until = Instant::now() + if matches!(told, Some(Ok(()))) { PATIENCE } else { Duration::ZERO };
        while Instant::now() < until {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _killed = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// A port for the daemon's pages.
pub(super) fn port() -> Result<u16, Fault> {
    free_port()
}
