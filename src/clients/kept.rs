//! What is kept in files of the state folder before it is deleted elsewhere.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use ira_commands::ports::kept::{KeptRead, KeptWrite};
use ira_commands::text::excerpt;
use ira_commands::{Fault, Kind};

/// The most of a file that is read, bytes.
const MOST: u64 = 512 << 20;

/// The folder.
pub struct KeptFiles {
    folder: PathBuf,
}

impl KeptFiles {
    /// In this state folder.
    pub fn new(state: &std::path::Path) -> Self {
        Self { folder: state.join("kept") }
    }

    /// A file by its name, which leads nowhere else.
    fn path(&self, name: &str) -> Result<PathBuf, Fault> {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if !plain || name.starts_with('.') || name.is_empty() || name.len() > 255 {
            return Err(Fault::new(Kind::Usage, format!("`{}` is no name of a kept file", excerpt(name, 64))));
        }
        Ok(self.folder.join(name))
    }
}

fn failed(what: &str, error: &std::io::Error) -> Fault {
    Fault::new(Kind::Failed, what).because(error.to_string())
}

impl KeptRead for KeptFiles {
    fn place(&self) -> Result<String, Fault> {
        Ok(self.folder.display().to_string())
    }

    fn kept(&self, name: &str) -> Result<Vec<u8>, Fault> {
        let path = self.path(name)?;
        let file = File::open(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Fault::new(Kind::Missing, format!("there is no {}", path.display())),
            _ => failed(&format!("{} cannot be read", path.display()), &error),
        })?;
        let mut bytes = Vec::new();
        let read = file.take(MOST).read_to_end(&mut bytes);
        read.map_err(|error| failed(&format!("{} cannot be read", path.display()), &error))?;
        Ok(bytes)
    }
}

impl KeptWrite for KeptFiles {
    fn keep(&self, name: &str, bytes: &[u8]) -> Result<String, Fault> {
        let path = self.path(name)?;
        let all = || {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            // The name has to be on the disk, too.
            File::open(&self.folder)?.sync_all()
        };
        all().map_err(|error| {
            failed(&format!("{} cannot be written", path.display()), &error).hint("nothing was deleted")
        })?;
        Ok(path.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_kept_only_its_owner_reads_and_nothing_is_written_over() {
        let state = tempfile::tempdir().expect("a folder");
        let kept = KeptFiles::new(state.path());
        assert_eq!(kept.kept("a.json").expect_err("none yet").kind, Kind::Missing);
        let path = kept.keep("a.json", b"one").expect("kept");
        assert_eq!(kept.kept("a.json").expect("read"), b"one");
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert!(kept.keep("a.json", b"two").is_err());
        for name in ["", "../a", "a/b", ".a", "a\0"] {
            assert!(kept.keep(name, b"x").is_err() && kept.kept(name).is_err(), "{name}");
        }
    }
}
