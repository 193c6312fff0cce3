//! Opening the file: whose it is, whether it is whole, and its schema.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::Duration;

use ira_commands::{Fault, Kind};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::store::frames::private_folder;

/// Written into the file's head: `ira1`.
const APPLICATION: i64 = 0x6972_6131;
/// Each brings the schema from the one before; none is ever changed.
const MIGRATIONS: &[&str] = &[include_str!("../migrations/0001.sql"), include_str!("../migrations/0002.sql")];
/// Up to this size, bytes, a file is looked through whole at each opening; a page that is damaged in a larger one is
/// noticed when it is read.
const LOOKED_THROUGH: u64 = 16 << 20;

/// What SQLite said, for a person.
pub(in crate::store) fn fault(path: &str, error: &rusqlite::Error) -> Fault {
    let (kind, what, hint) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => return damaged(path, error),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (Kind::Busy, "is held by another process", "run this again; `ira run list` shows who is at work")
        }
        Some(ErrorCode::DiskFull) => (Kind::Failed, "cannot be written: the disk is full", "make room on the disk"),
        Some(ErrorCode::SystemIoFailure) => {
            (Kind::Failed, "cannot be written or read", "check the disk; what was acknowledged before is safe")
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            (Kind::Failed, "cannot be opened", "check who owns the file and its folder")
        }
        _ => (Kind::Failed, "failed", "this is a fault of ira: keep the file, and report it"),
    };
    Fault::new(kind, format!("the store {path} {what}"))
        .because(error.to_string())
        .because("nothing is done that cannot be written down first")
        .hint(hint)
}

fn damaged(path: &str, why: impl std::fmt::Display) -> Fault {
    Fault::new(Kind::Failed, format!("the store {path} is damaged"))
        .because(why.to_string())
        .because("nothing is begun on it: what it says of runs under way cannot be trusted")
        .hint(format!(
            "keep a copy of it with its -wal and -shm; `sqlite3 {path} .recover | sqlite3 NEW` saves what can be read, \
             or put a backup in its place and look at every run that was under way (`ira run list --orphans`)"
        ))
}

/// Opens the file to write to, making it where it is missing, and brings its schema up to date.
pub(super) fn writer(path: &Path, busy: Duration) -> Result<Connection, Fault> {
    let shown = path.display().to_string();
    make(path).map_err(|error| {
        Fault::new(Kind::Failed, format!("the store {shown} cannot be opened"))
            .because(error.to_string())
            .hint("check who owns the file and its folder")
    })?;
    let work = || -> Result<Connection, Trouble> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(busy)?;
        whose(&connection, &shown)?;
        if path.metadata().is_ok_and(|file| file.len() <= LOOKED_THROUGH) {
            let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if found != "ok" {
                return Err(Trouble::Told(damaged(&shown, found)));
            }
        }
        write_ahead(&connection, &shown)?;
        // A page that is written again and again is brought into the file once for so many pages of the log (32 MiB).
        connection.execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1; \
             PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 67108864; \
             PRAGMA wal_autocheckpoint = 8000;",
        )?;
        // A command by hand ends after a commit or two: the next one reads the log as well as the file.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        migrate(&connection, &shown)?;
        Ok(connection)
    };
    work().map_err(|trouble| match trouble {
        Trouble::Said(error) => fault(&shown, &error),
        Trouble::Told(fault) => fault,
    })
}

/// Opens the file to read from.
pub(super) fn reader(path: &Path, busy: Duration) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let work = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(busy)?;
        connection.execute_batch("PRAGMA query_only = 1; PRAGMA temp_store = MEMORY;")?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Ok(connection)
    };
    work().map_err(|error| fault(&path.display().to_string(), &error))
}

enum Trouble {
    Said(rusqlite::Error),
    Told(Fault),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Said(error)
    }
}

/// The file and its folder, for nobody else to read; SQLite gives what it puts beside the file the same mode.
fn make(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        private_folder(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    match options.open(path) {
        Ok(_) => {
            // The name has to be on the disk too.
            #[cfg(unix)]
            std::fs::File::open(folder)?.sync_all()?;
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn pragma(connection: &Connection, sql: &str) -> rusqlite::Result<i64> {
    connection.query_row(sql, [], |row| row.get(0))
}

/// Refuses what is not ours, and what a newer ira wrote.
fn whose(connection: &Connection, path: &str) -> Result<(), Trouble> {
    // In one transaction: another process may be making it.
    connection.execute_batch("BEGIN")?;
    let looked = (|| {
        let tables = pragma(connection, "SELECT count(*) FROM sqlite_schema")?;
        let application = pragma(connection, "PRAGMA application_id")?;
        Ok((application, pragma(connection, "PRAGMA user_version")?, tables))
    })();
    connection.execute_batch("ROLLBACK")?;
    let (application, version, tables) = looked.map_err(Trouble::Said)?;
    if application != APPLICATION && (application != 0 || version != 0 || tables != 0) {
        let fault = Fault::new(Kind::Failed, format!("{path} is a database, but not one of ira's"))
            .hint("name another file as the store");
        return Err(Trouble::Told(fault));
    }
    newer(version, path).map_err(Trouble::Told)
}

fn newer(version: i64, path: &str) -> Result<(), Fault> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if version <= known {
        return Ok(());
    }
    Err(Fault::new(Kind::Failed, format!("the store {path} was written by a newer ira"))
        .because(format!("its schema is number {version}; this ira knows up to {known}"))
        .hint("run the newer ira, or name another store; this one was not touched"))
}

/// Readers do not wait for the writer, and a commit is one write and one sync. The switch is made once in a file's life,
/// alone with it, and SQLite does not wait for that by itself.
fn write_ahead(connection: &Connection, path: &str) -> Result<(), Trouble> {
    for pause in [1, 5, 20, 100, 400, 1600] {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                let fault = Fault::new(Kind::Failed, format!("the store {path} cannot have a log beside it"))
                    .because(format!("its mode is {mode}"))
                    .hint("put it on a local file system");
                return Err(Trouble::Told(fault));
            }
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                std::thread::sleep(Duration::from_millis(pause));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Trouble::Told(
        Fault::new(Kind::Busy, format!("the store {path} is held by another process")).hint("run this again"),
    ))
}

/// Runs what is missing, in one transaction.
fn migrate(connection: &Connection, path: &str) -> Result<(), Trouble> {
    if usize::try_from(pragma(connection, "PRAGMA user_version")?).ok() == Some(MIGRATIONS.len()) {
        return Ok(());
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    // Another process may have been faster, and newer.
    let version = pragma(connection, "PRAGMA user_version")?;
    newer(version, path).map_err(Trouble::Told)?;
    for script in MIGRATIONS.iter().skip(usize::try_from(version).unwrap_or(0)) {
        connection.execute_batch(script)?;
    }
    connection.execute(
        "INSERT INTO meta (id, schema, cluster_id, store_epoch, high_water) VALUES (1, ?1, ?2, 1, 0) \
         ON CONFLICT (id) DO UPDATE SET schema = ?1",
        (MIGRATIONS.len().cast_signed() as i64, format!("{:016x}", rand::random::<u64>())),
    )?;
    connection.pragma_update(None, "application_id", APPLICATION)?;
    connection.pragma_update(None, "user_version", MIGRATIONS.len().cast_signed() as i64)?;
    connection.execute_batch("COMMIT")?;
    Ok(())
}
