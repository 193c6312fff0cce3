//! What the configuration is made from: the places of its files, the environment, the flags.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ira_commands::{Fault, Kind};

use super::env::{Env, IRA_CONFIG, SystemEnv};
use super::origin::{ConfigFile, Layer};
use super::{ColorChoice, Format};

/// The name of a project file.
const PROJECT_FILE: &str = ".ira.toml";

/// How many folders up a project file is looked for.
const MOST_FOLDERS: usize = 64;

/// Where files are by convention.
#[derive(Clone, Debug)]
pub struct Places {
    /// The system's file.
    pub system: PathBuf,
    /// The user's file.
    pub user: Option<PathBuf>,
    /// Where copies are kept that can be fetched again.
    pub cache: Option<PathBuf>,
    /// The home folder.
    pub home: Option<PathBuf>,
}

impl Places {
    /// Where what must not be lost is kept.
    pub fn state() -> Option<PathBuf> {
        let own = directories::ProjectDirs::from("", "", "ira")?;
        Some(own.state_dir().unwrap_or_else(|| own.data_local_dir()).to_owned())
    }

    /// Of this system and user.
    pub fn standard() -> Self {
        let own = directories::ProjectDirs::from("", "", "ira");
        Self {
            system: PathBuf::from("/etc/ira/config.toml"),
            user: own.as_ref().map(|own| own.config_dir().join("config.toml")),
            cache: own.as_ref().map(|own| own.cache_dir().to_owned()),
            home: directories::BaseDirs::new().map(|base| base.home_dir().to_owned()),
        }
    }
}

/// What the command line says about how `ira` is asked and shown. Not to be shown itself: it may hold a key.
#[derive(Clone, Default)]
pub struct Flags {
    /// `--config FILE`.
    pub config: Option<PathBuf>,
    /// Whether no other file is read.
    pub alone: bool,
    /// `--network NAME`.
    pub network: Option<String>,
    /// `--rpc-url URL|env:NAME|file:PATH`, each time it is given.
    pub rpc_url: Vec<String>,
    /// `--directory FILE|URL`.
    pub directory: Option<String>,
    /// `--format`, or `--json`.
    pub format: Option<Format>,
    /// `--color`.
    pub color: Option<ColorChoice>,
    /// `--wide`.
    pub wide: bool,
    /// `--verbose`.
    pub verbose: bool,
}

/// Everything that the configuration is made from.
#[derive(Clone)]
pub struct Sources {
    /// The environment.
    pub env: Arc<dyn Env>,
    /// The working folder.
    pub cwd: PathBuf,
    /// Where files are by convention.
    pub places: Places,
    /// The command line.
    pub flags: Flags,
}

impl Sources {
    /// Of this process.
    pub fn of_process(flags: Flags) -> Result<Self, Fault> {
        let cwd = std::env::current_dir()
            .map_err(|error| Fault::new(Kind::Failed, format!("the working folder cannot be read: {error}")))?;
        Ok(Self { env: Arc::new(SystemEnv), cwd, places: Places::standard(), flags })
    }

    /// The folders of the files that belong to who runs this, strongest first: never a project's.
    pub fn own_folders(&self) -> Result<Vec<PathBuf>, Fault> {
        let own = self.files()?.into_iter().rev().filter(|(file, _)| file.layer != Layer::Project);
        Ok(own.filter_map(|(file, _)| file.path.parent().map(Path::to_owned)).collect())
    }

    /// The files in question, weakest first, and whether each must exist.
    pub(super) fn files(&self) -> Result<Vec<(ConfigFile, bool)>, Fault> {
        if let (Some(path), true) = (&self.flags.config, self.flags.alone) {
            return Ok(vec![(ConfigFile { layer: Layer::Named, path: self.cwd.join(path) }, true)]);
        }
        let mut files = vec![(ConfigFile { layer: Layer::System, path: self.places.system.clone() }, false)];
        let named = match &self.flags.config {
            Some(path) => Some(path.clone()),
            None => self.env.get(IRA_CONFIG)?.map(PathBuf::from),
        };
        match (named, &self.places.user) {
            (Some(path), _) => files.push((ConfigFile { layer: Layer::Named, path: self.cwd.join(path) }, true)),
            (None, Some(path)) => files.push((ConfigFile { layer: Layer::User, path: path.clone() }, false)),
            (None, None) => {}
        }
        let project = project_file(&self.cwd, self.places.home.as_deref());
        files.extend(project.map(|path| (ConfigFile { layer: Layer::Project, path }, false)));
        Ok(files)
    }
}

/// The nearest project file: of the working folder or a folder above it, up to the first that holds a `.git`, or
/// the home folder.
fn project_file(cwd: &Path, home: Option<&Path>) -> Option<PathBuf> {
    for folder in cwd.ancestors().take(MOST_FOLDERS) {
        let candidate = folder.join(PROJECT_FILE);
        if candidate.symlink_metadata().is_ok() {
            return Some(candidate);
        }
        if Some(folder) == home || folder.join(".git").symlink_metadata().is_ok() {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_project_file_counts_up_to_the_repository_and_the_home_folder() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        std::fs::create_dir_all(at("repo/.git")).unwrap();
        std::fs::create_dir_all(at("repo/a/b")).unwrap();
        std::fs::write(at(PROJECT_FILE), "").unwrap();
        assert_eq!(project_file(&at("repo/a/b"), None), None, "it stops at the repository");
        assert_eq!(project_file(root.path(), None), Some(at(PROJECT_FILE)));
        std::fs::write(at("repo/.ira.toml"), "").unwrap();
        assert_eq!(project_file(&at("repo/a/b"), None), Some(at("repo/.ira.toml")));
        assert_eq!(project_file(&at("repo/a/b"), Some(&at("repo/a"))), None, "it stops at the home folder");
        std::fs::write(at("repo/a/b/.ira.toml"), "").unwrap();
        assert_eq!(project_file(&at("repo/a/b"), None), Some(at("repo/a/b/.ira.toml")));
    }
}
