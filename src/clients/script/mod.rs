//! Scripts on this host, each run under a shim of its own.

mod attend;
mod files;
mod find;
mod kin;
pub mod shim;

use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use async_trait::async_trait;
use ira_commands::ports::Progress;
use ira_commands::ports::host::{ScriptFate, ScriptFile, ScriptOrder, ScriptRead, ScriptWrite};
use ira_commands::{Fault, Kind};

use files::{Files, Order, create};

/// Takes known secrets out of a text.
pub type Mask = Box<dyn Fn(&str) -> String + Send + Sync>;

/// How scripts are found and run.
pub struct Scripts {
    /// The folder with those that are known by name.
    pub folder: Option<PathBuf>,
    /// Where attempts are kept.
    pub attempts: PathBuf,
    /// The binary that is the shim.
    pub shim: PathBuf,
    /// Whether scripts take `--` as the end of their options.
    pub end_of_options: bool,
    /// The most memory that one of a script's processes may have, bytes of address space.
    pub memory: u64,
    /// What takes known secrets out of what a script writes.
    pub mask: Mask,
}

/// This very program, also when the file it was started from is another one by now.
pub const SELF: &str = "/proc/self/exe";

/// A name for an attempt, which no other one has.
pub fn attempt_name() -> String {
    format!("{:016x}{:016x}", rand::random::<u64>(), rand::random::<u64>())
}

/// Whether the file would be run; the fault says why not.
pub fn runnable(path: &Path) -> Result<(), Fault> {
    let program = path.to_str().ok_or_else(|| Fault::new(Kind::Usage, "a script's path is UTF-8"))?;
    find::find(program, None).map(|_| ())
}

impl Scripts {
    /// Whether an attempt of this name was begun here.
    pub fn knows(&self, attempt: &str) -> bool {
        self.files(attempt).is_ok_and(|files| files.lock().exists())
    }

    fn files(&self, attempt: &str) -> Result<Files, Fault> {
        Files::of(&self.attempts, attempt)
            .ok_or_else(|| Fault::new(Kind::Failed, "the attempt has a name that is none of the journal's"))
    }

    /// Writes down what is to be run, and leaves it to a shim.
    fn launch(&self, files: &Files, order: &ScriptOrder) -> io::Result<()> {
        let mut lock = create(&files.lock())?;
        lock.try_lock()?;
        std::fs::DirBuilder::new().mode(0o700).create(files.home())?;
        // Files cost more than all else here: there are only those that have something in them.
        if let Some(text) = order.stdin.as_ref().filter(|text| !text.is_empty()) {
            create(&files.input())?.write_all(text.as_bytes())?;
        }
        let whole = Order {
            program: order.file.path.clone(),
            sha256: order.file.sha256.clone(),
            args: order.args.clone(),
            env: order.env.clone(),
            timeout_seconds: order.timeout,
            memory_bytes: self.memory,
            writable: order.writable.iter().map(PathBuf::from).collect(),
        };
        lock.write_all(&serde_json::to_vec(&whole)?)?;
        let mut shim = Command::new(&self.shim)
            .arg0(shim::FIRST)
            .arg(files.lock())
            .env_clear()
            .current_dir("/")
            // The lock lives with whoever holds this.
            .stdin(lock)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A Ctrl-C is for `ira`, not for what it began.
            .process_group(0)
            .spawn()?;
        std::thread::spawn(move || shim.wait());
        Ok(())
    }
}

/// The attempts in this folder of which nothing was written since a time, and of which nothing lives.
pub fn idle(attempts: &Path, since: std::time::SystemTime) -> io::Result<Vec<String>> {
    let mut last = std::collections::BTreeMap::new();
    for entry in std::fs::read_dir(attempts)? {
        let entry = entry?;
        let file = entry.file_name();
        let Some((name, _)) = file.to_str().and_then(|file| file.split_once('.')) else { continue };
        let written = entry.metadata()?.modified()?;
        let newest = last.entry(name.to_owned()).or_insert(written);
        *newest = written.max(*newest);
    }
    let mut idle: Vec<String> =
        last.into_iter().filter(|(_, written)| *written < since).map(|(name, _)| name).collect();
    idle.retain(|name| Files::of(attempts, name).is_some_and(|files| !attend::is_held(&files)));
    Ok(idle)
}

/// Removes everything of an attempt.
pub fn forget(attempts: &Path, name: &str) {
    if let Some(files) = Files::of(attempts, name) {
        files.forget();
    }
}

#[async_trait]
impl ScriptRead for Scripts {
    fn host(&self) -> String {
        super::host_name()
    }

    fn name(&self) -> String {
        attempt_name()
    }

    fn end_of_options(&self) -> bool {
        self.end_of_options
    }

    async fn find(&self, program: &str) -> Result<ScriptFile, Fault> {
        find::find(program, self.folder.as_deref())
    }

    async fn wait(&self, attempt: &str, seconds: u64, progress: &dyn Progress) -> Result<ScriptFate, Fault> {
        attend::wait(&self.files(attempt)?, seconds, progress, &self.mask).await
    }
}

#[async_trait]
impl ScriptWrite for Scripts {
    async fn start(&self, order: &ScriptOrder) -> Result<(), Fault> {
        let files = self.files(&order.attempt)?;
        let failed = |error: io::Error| {
            Fault::new(Kind::Failed, format!("{} cannot be started", order.file.path))
                .because(error.to_string())
                .hint(format!("nothing was run; its files belong into {}", self.attempts.display()))
        };
        std::fs::DirBuilder::new().mode(0o700).recursive(true).create(&self.attempts).map_err(failed)?;
        if files.lock().exists() {
            return Err(failed(io::Error::other("there are files of an attempt of the same name")));
        }
        if let Some(path) = order.writable.iter().find(|path| !Path::new(path).is_absolute()) {
            return Err(failed(io::Error::other(format!("`{path}` is no absolute path"))));
        }
        self.launch(&files, order).map_err(|error| {
            files.forget();
            failed(error)
        })
    }

    async fn stop(&self, attempt: &str) -> Result<usize, Fault> {
        Ok(attend::stop(&self.files(attempt)?).await)
    }
}
