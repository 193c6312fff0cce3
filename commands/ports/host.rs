//! What is asked of a host: its scripts, and the units of its service manager.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::ports::Progress;

/// A script that may be run: found, and its owner and mode checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptFile {
    /// Its absolute path.
    pub path: String,
    /// SHA-256 of its content, hex.
    pub sha256: String,
}

/// Everything about one run of a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptOrder {
    /// The attempt that it belongs to: a name that no other one has.
    pub attempt: String,
    /// What is run, provided that its content is still this.
    pub file: ScriptFile,
    /// Its arguments, one element each.
    pub args: Vec<String>,
    /// What its environment has beside PATH, LANG, HOME, TMPDIR and `IRA_ATTEMPT`, which names the attempt.
    pub env: Vec<(String, String)>,
    /// What it reads on standard input; nothing where not given.
    pub stdin: Option<String>,
    /// Seconds after which it is ended with all its processes.
    pub timeout: u64,
    /// The only places below which it may write, beside its own temporary folder; anywhere where there are none.
    pub writable: Vec<String>,
}

/// What a script wrote to one of its outputs. Known secrets are masked in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptOutput {
    /// How many bytes.
    pub bytes: u64,
    /// SHA-256 of all of them, hex.
    pub sha256: String,
    /// How it begins.
    pub head: String,
    /// How it ends, where that is not in `head`.
    pub tail: String,
    /// The file with more of it.
    pub file: String,
}

/// How a script ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptEnd {
    /// Its exit code; `None` where a signal ended it.
    pub exit: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether its time was over.
    pub timed_out: bool,
    /// Why it was never started, where that is so: nothing was done.
    pub refused: Option<String>,
    /// How many processes outlived it and were ended.
    pub ended: usize,
    /// How many could not be ended.
    pub left: usize,
    /// How long it took, milliseconds.
    pub millis: u64,
    /// Its standard output.
    pub stdout: ScriptOutput,
    /// Its standard error.
    pub stderr: ScriptOutput,
    /// How far the kernel keeps it from writing elsewhere; `None` where that was not asked for.
    pub confined: Option<String>,
}

/// How an attempt at a script stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScriptFate {
    /// It ended.
    Ended(Box<ScriptEnd>),
    /// It runs.
    Alive,
    /// Nothing of it runs, and nothing says how it ended.
    Vanished,
}

/// Finding scripts, and looking after those that run.
#[async_trait]
pub trait ScriptRead: Send + Sync {
    /// The name of the host.
    fn host(&self) -> String;

    /// A name for an attempt, which no other one has.
    fn name(&self) -> String;

    /// Whether scripts take `--` as the end of their options.
    fn end_of_options(&self) -> bool;

    /// The script of an absolute path, or of a name in the configured folder: that very name among those listed there.
    /// A fault where there is none, or where others could change it.
    async fn find(&self, program: &str) -> Result<ScriptFile, Fault>;

    /// Waits until nothing of the attempt runs any more, at most this many seconds. What it writes meanwhile goes to
    /// `progress`.
    async fn wait(&self, attempt: &str, seconds: u64, progress: &dyn Progress) -> Result<ScriptFate, Fault>;
}

/// Running scripts.
#[async_trait]
pub trait ScriptWrite: Send + Sync {
    /// Starts one, apart from this process: it lives on when this one dies. After a fault nothing was started.
    async fn start(&self, order: &ScriptOrder) -> Result<(), Fault>;

    /// Ends every process of the attempt; gives how many could not be ended.
    async fn stop(&self, attempt: &str) -> Result<usize, Fault>;
}

/// How a unit of the service manager stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitState {
    /// Its name, as the manager has it (an alias is followed).
    pub name: String,
    /// What it is, in its own words.
    pub description: String,
    /// `loaded`, `not-found`, `masked`, `error` …
    pub load: String,
    /// `active`, `inactive`, `failed`, `activating` …
    pub active: String,
    /// `running`, `exited`, `dead` …
    pub sub: String,
    /// Its main process; zero where there is none.
    pub pid: u32,
    /// How often it was restarted by the manager itself.
    pub restarts: u32,
    /// What the last run of it ended with (`success`, `exit-code` …); empty where it has no such thing.
    pub result: String,
    /// The id of its present or last run, hex; empty where there was none.
    pub invocation: String,
    /// When it was active last, microseconds of the manager's monotonic clock; zero where it never was.
    pub active_since: u64,
    /// The manager's own start, microseconds since 1970: with another one, ids of before mean nothing.
    pub manager_since: u64,
    /// Whether a job for it is queued or under way.
    pub job: bool,
}

impl UnitState {
    /// `active (running)`.
    pub fn words(&self) -> String {
        format!("{} ({})", self.active, self.sub)
    }

    /// Whether it is up.
    pub fn is_active(&self) -> bool {
        self.active == "active"
    }
}

/// Reading units.
#[async_trait]
pub trait UnitRead: Send + Sync {
    /// Where they are: the name of the host, or how its manager is reached.
    fn place(&self) -> String;

    /// How a unit stands. One that does not exist has the load state `not-found`.
    async fn unit(&self, name: &str) -> Result<UnitState, Fault>;

    /// The last lines of its log, oldest first, at most so many; none where there is none that can be read here. Known
    /// secrets are masked in them.
    async fn log(&self, name: &str, lines: usize) -> Vec<String>;

    /// Lets half a second pass.
    async fn pause(&self);
}

/// What can be asked of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitVerb {
    /// To be started.
    Start,
    /// To be stopped.
    Stop,
    /// To be stopped and started.
    Restart,
}

/// Why a job did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnitBroken {
    /// The manager refused it: nothing was done.
    Refused(Fault),
    /// It was begun, and whether it was done is not known.
    Unknown(Fault),
}

/// Changing units.
#[async_trait]
pub trait UnitWrite: Send + Sync {
    /// Has the manager do it, and waits for the end of its job, at most this many seconds; gives the job's result in the
    /// manager's words (`done`, `failed`, `dependency` …).
    async fn job(&self, verb: UnitVerb, unit: &str, seconds: u64) -> Result<String, UnitBroken>;
}
