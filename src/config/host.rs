//! `[scripts]` and `[systemd]`: what may be run and restarted on this host.

use std::path::{Path, PathBuf};

use super::reader::{Item, Reader};
use super::{Config, keys};

/// What the configuration says about this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostConfig {
    /// The folder with the scripts that are known by name.
    pub folder: Option<PathBuf>,
    /// Whether scripts take `--` as the end of their options.
    pub end_of_options: bool,
    /// The most memory that one of a script's processes may have, MiB.
    pub memory_mib: u64,
    /// The D-Bus address of the service manager; the system's own where not given.
    pub bus: Option<String>,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self { folder: None, end_of_options: false, memory_mib: 4096, bus: None }
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
