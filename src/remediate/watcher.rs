//! The watcher of a run by hand: this same binary in a session of its own. It sends what falls due while the run has not
//! ended, so that the death of the process that runs it wakes somebody.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ira_commands::{Fault, Kind};

use super::hands::LocalHands;
use super::rounds::Rounds;
use super::{state, uri};
use crate::cli::{OutputFlags, Reach};
use crate::connect;
use crate::engine::{Engine, Hands};
use crate::pages::{self, RunAlert};
use crate::progress::Silent;
use crate::session::patiently;
use crate::store::model::RunId;
use crate::store::{self, Store};

/// The name under which this binary is the watcher.
const NAME: &str = "ira-watcher";
/// What it says when it has opened everything that it needs.
const READY: &str = "READY";
/// What the process that started it says when it ends and leaves the run as it is.
const LEFT: &str = "LEFT";
/// How long it has to say so.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at the run.
const PERIOD: Duration = Duration::from_secs(1);
/// The same while the record cannot be read.
const TROUBLED: Duration = Duration::from_secs(5);
/// It ends so long after the run should have, whatever is left.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Does what the watcher does where this process is one; `None` where it is `ira` itself.
pub fn entry(args: &[OsString]) -> Option<ExitCode> {
    let [name, run, config] = args else { return None };
    if name != NAME {
        return None;
    }
    let Some(run) = run.to_str().and_then(|text| text.parse().ok()).map(RunId) else { return Some(ExitCode::FAILURE) };
    let config = (!config.is_empty()).then(|| PathBuf::from(config));
    let mut told = std::io::stdout();
    let done = watch(run, OutputFlags { config, ..OutputFlags::default() }, &mut told, parent());
    if let Err(fault) = &done {
        // Whoever started it is told, where it has not gone on yet.
        let _nobody_listens = writeln!(told, "{}", fault.one_line());
    }
    Some(ExitCode::from(u8::from(done.is_err())))
}

/// Comes true when the process that started this one is dead: the pipe from it has ended without its word that it leaves
/// the run as it is.
fn parent() -> Arc<AtomicBool> {
    let dead = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&dead);
    std::thread::spawn(move || {
        let mut said = String::new();
        let _whatever_it_is = std::io::stdin().read_to_string(&mut said);
        seen.store(said.trim_end() != LEFT, Ordering::SeqCst);
    });
    dead
}

fn watch(run: RunId, output: OutputFlags, told: &mut impl std::io::Write, dead: Arc<AtomicBool>) -> Result<(), Fault> {
    // Neither Ctrl-C at the terminal nor its end reaches a session of its own.
    rustix::process::setsid()
        .map_err(|error| Fault::new(Kind::Failed, "it gets no session of its own").because(error.to_string()))?;
    let config = connect::effective(&output)?;
    let store = store::open(&uri(&config)?)?;
    let folder = state()?;
    patiently(Box::pin(async {
        let alert = RunAlert::of(&config, &store.identity().await?.cluster_id);
        let hands: Arc<dyn Hands> = Arc::new(LocalHands {
            output,
            reach: Reach::default(),
            progress: Arc::new(Silent),
            dry: false,
            config: None,
        });
        let sender = pages::sender(&config, &store, &hands);
        let engine =
            Engine::new(Arc::<dyn Store>::clone(&store), hands, format!("watcher:{}", std::process::id()), folder);
        let mut rounds = Rounds::new(engine, sender, alert, run);
        rounds.pages = config.systems.page.is_some();
        rounds.dead = dead;
        rounds.look().await?;
        let said = writeln!(told, "{READY}").and_then(|()| told.flush());
        said.map_err(|error| Fault::new(Kind::Failed, "nobody waits for it").because(error.to_string()))?;
        let began = Instant::now();
        loop {
            let pause = match rounds.pass().await {
                Ok(true) => return Ok(()),
                Ok(false) => PERIOD,
                Err(fault) => {
                    rounds.without_record(&fault).await;
                    TROUBLED
                }
            };
            if began.elapsed() > LONGEST + rounds.lasts() {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
        }
    }))
}

/// A watcher that was started.
pub struct Watcher(Child);

impl Watcher {
    /// Starts one for a run; gives it once it is armed. `config` is the file that was named on the command line.
    pub async fn start(run: RunId, config: Option<PathBuf>) -> Result<Self, Fault> {
        let cannot = |why: String| Fault::new(Kind::Failed, "the watcher cannot be started").because(why);
        let begun = tokio::task::spawn_blocking(move || begin(run, config));
        match tokio::time::timeout(PATIENCE, begun).await {
            Ok(Ok(done)) => done.map_err(cannot),
            Ok(Err(error)) => Err(cannot(error.to_string())),
            Err(_) => Err(cannot(format!("it is not ready after {} s", PATIENCE.as_secs()))),
        }
    }

    /// Whether it still watches.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // A panic is no word.
        if let Some(mut pipe) = self.0.stdin.take().filter(|_| !std::thread::panicking()) {
            let _it_may_have_ended = writeln!(pipe, "{LEFT}");
        }
    }
}

fn begin(run: RunId, config: Option<PathBuf>) -> Result<Watcher, String> {
    let program = if cfg!(target_os = "linux") {
        // The one that runs, also where the file was replaced since.
        PathBuf::from("/proc/self/exe")
    } else {
        std::env::current_exe().map_err(|error| error.to_string())?
    };
    let config = match config {
        Some(path) => std::path::absolute(path).map_err(|error| error.to_string())?.into_os_string(),
        None => OsString::new(),
    };
    // What secrets are referred to it fetches itself, by the same configuration and environment.
    let mut child = Command::new(program)
        .arg0(NAME)
        .arg(run.to_string())
        .arg(config)
        // Its end is the death of this process.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut line = String::new();
    let read = child.stdout.take().map(|pipe| BufReader::new(pipe).read_line(&mut line));
    match (line.trim_end(), read) {
        (READY, Some(Ok(_))) => Ok(Watcher(child)),
        (said, _) => {
            let why = if said.is_empty() { "it ended without a word" } else { said }.to_owned();
            // It is no use as it is.
            let _it_may_have_ended = child.kill();
            let _reaped = child.wait();
            Err(why)
        }
    }
}
