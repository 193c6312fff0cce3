//! Finding a script, and refusing one that others could change.

use std::fs::Metadata;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use ira_commands::ports::host::ScriptFile;
use ira_commands::text::{excerpt, nearest};
use ira_commands::units::digits;
use ira_commands::{Fault, Kind};
use sha2::{Digest as _, Sha256};

/// A script longer than this is not one.
const MOST_BYTES: u64 = 64 << 20;
/// A folder with more in it is not one of scripts.
const MOST_ENTRIES: usize = 10_000;

/// SHA-256 of a file, hex.
pub(super) fn digest(path: &Path) -> io::Result<String> {
    let mut digest = Sha256::new();
    let mut file = std::fs::File::open(path)?.take(MOST_BYTES + 1);
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(digits(&digest.finalize())),
            count => digest.update(&buffer[..count]),
        }
    }
}

/// The script of a path, or of a name in the folder.
pub(super) fn find(program: &str, folder: Option<&Path>) -> Result<ScriptFile, Fault> {
    let path = if program.starts_with('/') { PathBuf::from(program) } else { listed(program, folder)? };
    if program.contains('\0') {
        return Err(Fault::new(Kind::Usage, "a script's path holds no NUL"));
    }
    let shown = excerpt(&path.display().to_string(), 300);
    let failed = |error: io::Error| {
        let kind = if error.kind() == io::ErrorKind::NotFound { Kind::Missing } else { Kind::Failed };
        Fault::new(kind, format!("the script {shown} cannot be read")).because(error.to_string())
    };
    // What is shown, checked and run is the file itself, not a name that leads to it.
    let path = path.canonicalize().map_err(failed)?;
    let metadata = path.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(Fault::new(Kind::Usage, format!("{shown} is no file that could be run")));
    }
    if metadata.len() > MOST_BYTES {
        return Err(Fault::new(Kind::Usage, format!("{shown} is longer than 64 MiB")));
    }
    if metadata.mode() & 0o111 == 0 {
        return Err(Fault::new(Kind::Usage, format!("{shown} may not be executed"))
            .hint(format!("if it is meant to be: chmod u+x {shown}")));
    }
    let parent = path.parent().unwrap_or(Path::new("/"));
    for (what, metadata) in [(path.as_path(), &metadata), (parent, &parent.metadata().map_err(failed)?)] {
        if let Some(why) = changeable(metadata) {
            return Err(Fault::new(Kind::Config, format!("{shown} is not run: others could change it"))
                .because(format!("{}: {why}", what.display()))
                .hint("it and its folder have to belong to you or to root, and nobody else may write to them"));
        }
    }
    let mut magic = [0; 4];
    let mut file = std::fs::File::open(&path).map_err(failed)?;
    let read = file.read(&mut magic).map_err(failed)?;
    if !magic[..read].starts_with(b"#!") && &magic != b"\x7fELF" {
        return Err(Fault::new(Kind::Usage, format!("{shown} does not say what runs it"))
            .because("it begins neither with `#!` nor as a program does, and is given to no shell")
            .hint("its first line is to be #!/bin/sh, or whatever it is written for"));
    }
    let text = path.to_str().ok_or_else(|| Fault::new(Kind::Usage, format!("the path {shown} is not UTF-8")))?;
    Ok(ScriptFile { path: text.to_owned(), sha256: digest(&path).map_err(failed)? })
}

/// The file of exactly this name among those in the folder: no path is made of the name.
fn listed(name: &str, folder: Option<&Path>) -> Result<PathBuf, Fault> {
    let shown = excerpt(name, 100);
    let Some(folder) = folder else {
        return Err(Fault::new(
            Kind::Config,
            format!("`{shown}` is no absolute path, and there is no folder of scripts"),
        )
        .hint("set `scripts.folder` in the user's configuration (`ira help config`)"));
    };
    let failed = |error: io::Error| {
        Fault::new(Kind::Config, format!("the folder of scripts {} cannot be read", folder.display()))
            .because(error.to_string())
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)?.take(MOST_ENTRIES) {
        let entry = entry.map_err(failed)?;
        if entry.file_name() == name {
            return Ok(entry.path());
        }
        names.extend(entry.file_name().into_string());
    }
    let fault = Fault::new(Kind::Missing, format!("there is no script `{shown}` in {}", folder.display()));
    Err(match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => fault.hint(format!("there is `{near}`; names have to be the same, letter by letter")),
        None => fault.hint("names have to be the same, letter by letter"),
    })
}

/// Why people other than its owner and root could change it.
fn changeable(metadata: &Metadata) -> Option<String> {
    let user = rustix::process::geteuid().as_raw();
    let mode = metadata.mode();
    if metadata.uid() != user && metadata.uid() != 0 {
        return Some(format!("it belongs to user {}", metadata.uid()));
    }
    // In a folder such as /tmp everybody may make files, and nobody change those of others.
    let sticky = metadata.is_dir() && mode & 0o1000 != 0;
    (mode & 0o022 != 0 && !sticky).then(|| format!("its mode is {:04o}", mode & 0o7777))
}
