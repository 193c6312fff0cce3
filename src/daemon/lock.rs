//! One daemon for a store: whoever holds the lock knows that the runs of earlier daemons are nobody's.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use ira_commands::{Fault, Kind};
use rustix::fs::{FlockOperation, flock};

/// The lock, held while this lives.
pub(super) struct Lock {
    _file: File,
}

fn place(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push("-daemon");
    PathBuf::from(name)
}

fn fault(path: &Path, error: impl std::fmt::Display) -> Fault {
    Fault::new(Kind::Failed, format!("the lock {} cannot be taken", path.display()))
        .because(error.to_string())
        .hint("check who owns the store's folder")
}

/// Takes the lock of the store at `store`.
pub(super) fn take(store: &Path) -> Result<Lock, Fault> {
    let path = place(store);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|error| fault(&path, error))?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        let who = holder(&mut file).map_or_else(String::new, |pid| format!(" (process {pid})"));
        return Err(Fault::new(Kind::Busy, format!("another `ira daemon` has this store{who}"))
            .because(store.display().to_string())
            .hint("ira daemon --drain stops it; another daemon needs a `store` of its own"));
    }
    let said = file.set_len(0).and_then(|()| file.write_all(format!("{}\n", std::process::id()).as_bytes()));
    said.map_err(|error| fault(&path, error))?;
    Ok(Lock { _file: file })
}

fn holder(file: &mut File) -> Option<i32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// The process that has the store; none where there is none.
pub(super) fn who(store: &Path) -> Result<Option<i32>, Fault> {
    let path = place(store);
    let mut file = match OpenOptions::new().read(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(&path, error)),
    };
    if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
        return Ok(None);
    }
    Ok(holder(&mut file))
}
