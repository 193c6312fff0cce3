//! `[scripts]` and `[systemd]`: what may be run and restarted on this host.

use std::path::{Path, PathBuf};

use super::reader::{Item, Reader};
use super::{Config, keys};

/// As whom the daemon runs scripts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RunnerConfig {
    /// Nothing is said: it runs none.
    #[default]
    None,
    /// As itself, by the explicit word `same-user`.
    SameUser,
    /// As the user of the runner that serves this socket.
    Socket(PathBuf),
}

impl RunnerConfig {
    /// As the configuration spells it.
    pub fn shown(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::SameUser => Some(SAME_USER.to_owned()),
            Self::Socket(path) => Some(path.display().to_string()),
        }
    }
}

const SAME_USER: &str = "same-user";

/// What the configuration says about this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostConfig {
    /// The folder with the scripts that are known by name.
    pub folder: Option<PathBuf>,
    /// Whether scripts take `--` as the end of their options.
    pub end_of_options: bool,
    /// The most memory that one of a script's processes may have, MiB.
    pub memory_mib: u64,
    /// As whom the daemon runs them.
    pub runner: RunnerConfig,
    /// Whether who asks runs none by itself where there is a runner: the daemon.
    pub by_runner: bool,
    /// The D-Bus address of the service manager; the system's own where not given.
    pub bus: Option<String>,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            folder: None,
            end_of_options: false,
            memory_mib: 4096,
            runner: RunnerConfig::None,
            by_runner: false,
            bus: None,
        }
    }
}

/// Reads `[scripts]`.
pub(super) fn scripts(config: &mut Config, reader: &mut Reader<'_>, item: &Item<'_>, base: &Path) {
    let Some(table) = reader.table("scripts", item) else { return };
    for (key, item) in table {
        let name = key.get_ref().as_ref();
        let full = format!("scripts.{name}");
        let set = match name {
            "folder" => reader.text(&full, item).map(|text| config.host.folder = Some(base.join(text))),
            "end_of_options" => reader.boolean(&full, item).map(|value| config.host.end_of_options = value),
            "runner" => reader.parsed(&full, item, runner).map(|value| config.host.runner = value),
            "memory_mib" => reader.integer(&full, item, &(64..=1 << 20)).map(|value| config.host.memory_mib = value),
            _ => {
                reader.unknown(key, "[scripts]", keys::SCRIPTS);
                None
            }
        };
        if set.is_some() {
            config.origins.insert(full, reader.origin(&key.span()));
        }
    }
}

fn runner(text: &str) -> Result<RunnerConfig, String> {
    match text {
        SAME_USER => Ok(RunnerConfig::SameUser),
        path if path.starts_with('/') => Ok(RunnerConfig::Socket(PathBuf::from(path))),
        _ => Err(format!("takes the path of the runner's socket, or {SAME_USER}")),
    }
}

/// Reads `[systemd]`.
pub(super) fn systemd(config: &mut Config, reader: &mut Reader<'_>, item: &Item<'_>) {
    let Some(table) = reader.table("systemd", item) else { return };
    for (key, item) in table {
        if key.get_ref().as_ref() != "bus" {
            reader.unknown(key, "[systemd]", keys::SYSTEMD);
            continue;
        }
        let Some(text) = reader.text("systemd.bus", item) else { continue };
        if !text.starts_with("unix:") {
            let hint = "unix:path=/run/dbus/system_bus_socket".to_owned();
            reader.problem(&item.span(), "`systemd.bus` takes the D-Bus address of a Unix socket", Some(hint));
            continue;
        }
        config.host.bus = Some(text.to_owned());
        config.origins.insert("systemd.bus".to_owned(), reader.origin(&key.span()));
    }
}
