//! `ira demo`: the daemon at its work on this machine alone, with everything around it that it needs. Nothing of what is
//! installed or configured here is read or changed.

#[cfg(target_os = "linux")]
mod alert;
#[cfg(target_os = "linux")]
mod around;
#[cfg(target_os = "linux")]
mod children;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod http;
#[cfg(target_os = "linux")]
mod words;

use clap::{Args, ValueEnum};

#[cfg(target_os = "linux")]
pub use alert::alert;
#[cfg(target_os = "linux")]
pub use children::entry;

/// What is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct DemoArgs {
    /// What is shown [default: alert]
    #[arg(value_enum, value_name = "SCENE")]
    pub scene: Option<Scene>,
}

/// What can be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Scene {
    /// A service is killed, and its alert is answered; another one cannot be mended, and somebody is paged
    #[default]
    Alert,
    /// A recorded chain with three real faults in it, and the report on them
    Feed,
}
