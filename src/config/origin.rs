//! Where an effective value comes from.

use std::fmt;
use std::path::PathBuf;

/// A configuration file's place in the order of precedence, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Compiled in.
    BuiltIn,
    /// `/etc/ira/config.toml`.
    System,
    /// The user's own.
    User,
    /// Named by `--config` or `IRA_CONFIG`; stands in place of the user's.
    Named,
    /// `.ira.toml` of the working folder or above: possibly a stranger's.
    Project,
}

impl Layer {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::BuiltIn => "built-in",
            Self::System => "system config",
            Self::User => "user config",
            Self::Named => "config file",
            Self::Project => "project config",
        }
    }
}

/// One configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// Its place in the order.
    pub layer: Layer,
    /// Where it is.
    pub path: PathBuf,
}

impl fmt::Display for ConfigFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.layer.name(), self.path.display())
    }
}

/// Where an effective value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A file, and the line in it, counted from 1.
    File(ConfigFile, usize),
    /// An environment variable.
    Environment(&'static str),
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(file, line) => write!(f, "{file}:{line}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}
