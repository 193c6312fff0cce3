//! What an attempt has on the disk: how its shim is told what to run, and how it says what came of it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The files of one attempt, beside each other in one folder.
#[derive(Clone, Debug)]
pub(super) struct Files {
    folder: PathBuf,
    name: String,
}

impl Files {
    /// Of the attempt `name`; `None` where that is no name.
    pub(super) fn of(folder: &Path, name: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let named = !name.is_empty() && name.len() <= 100 && name.chars().all(plain);
        named.then(|| Self { folder: folder.to_owned(), name: name.to_owned() })
    }

    /// Of the attempt whose lock this is.
    pub(super) fn of_lock(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_suffix(".lock")?;
        Self::of(path.parent()?, name)
    }

    fn with(&self, suffix: &str) -> PathBuf {
        self.folder.join(format!("{}.{suffix}", self.name))
    }

    /// What every process of it has in its environment: no other attempt of this machine has the same.
    pub(super) fn marker(&self) -> String {
        self.folder.join(&self.name).display().to_string()
    }

    /// The attempt's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Locked for as long as anything of it lives. What is to be run stands in it, as long as that is of use.
    pub(super) fn lock(&self) -> PathBuf {
        self.with("lock")
    }

    /// What it reads on standard input, where that is anything.
    pub(super) fn input(&self) -> PathBuf {
        self.with("in")
    }

    /// The path of its cgroup, where it has one.
    pub(super) fn cgroup(&self) -> PathBuf {
        self.with("cgroup")
    }

    /// How it ended.
    pub(super) fn result(&self) -> PathBuf {
        self.with("result")
    }

    /// Its standard output.
    pub(super) fn out(&self) -> PathBuf {
        self.with("out")
    }

    /// Its standard error.
    pub(super) fn err(&self) -> PathBuf {
        self.with("err")
    }

    /// The script's own folder: HOME and TMPDIR, and where it begins.
    pub(super) fn home(&self) -> PathBuf {
        self.with("home")
    }

    /// Removes what is of no use once it is known how it ended.
    pub(super) fn tidy(&self) {
        for path in [self.input(), self.cgroup()] {
            let _it_may_not_be_there = std::fs::remove_file(path);
        }
        // Whoever waits for the lock needs the file, and nobody what stands in it.
        let _what_is_left_is_private = OpenOptions::new().write(true).truncate(true).open(self.lock());
        let _what_it_left_there_is_only_its_own = std::fs::remove_dir_all(self.home());
    }

    /// Removes everything, as if there had never been an attempt.
    pub(super) fn forget(&self) {
        self.tidy();
        for path in [self.lock(), self.result(), self.out(), self.err()] {
            let _it_may_not_be_there = std::fs::remove_file(path);
        }
    }
}

/// Makes a file that only its owner reads, and that was not there before.
pub(super) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Puts `bytes` in the place of a file, whole or not at all, also when the machine loses power.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let _a_left_over = std::fs::remove_file(&new);
    let mut file = create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

/// What a shim is to run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) program: String,
    pub(super) sha256: String,
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) timeout_seconds: u64,
    pub(super) memory_bytes: u64,
    pub(super) writable: Vec<PathBuf>,
}

impl Order {
    pub(super) fn read(files: &Files) -> Result<Self, String> {
        let text = std::fs::read(files.lock()).map_err(|error| format!("the order cannot be read: {error}"))?;
        serde_json::from_slice(&text).map_err(|error| format!("the order cannot be read: {error}"))
    }
}

/// What was written to one output.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Spilled {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Ending {
    pub(super) exit: Option<i32>,
    pub(super) signal: Option<i32>,
    pub(super) timed_out: bool,
    pub(super) refused: Option<String>,
    pub(super) ended: usize,
    pub(super) left: usize,
    pub(super) millis: u64,
    pub(super) confined: Option<String>,
    pub(super) stdout: Spilled,
    pub(super) stderr: Spilled,
}

impl Ending {
    /// Nothing was run.
    pub(super) fn refused(why: String) -> Self {
        Self { refused: Some(why), ..Self::default() }
    }

    pub(super) fn write(&self, files: &Files) -> io::Result<()> {
        replace(&files.result(), &serde_json::to_vec(self)?)
    }

    /// `None` where there is none yet.
    pub(super) fn read(files: &Files) -> io::Result<Option<Self>> {
        match std::fs::read(files.result()) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
