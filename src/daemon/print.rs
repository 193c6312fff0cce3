//! What an installation needs, printed: from what is loaded (units, routes), or as it ships.

use std::path::PathBuf;

use clap::ValueEnum;
use ira_commands::Fault;

use super::books::Loaded;
use super::life::DaemonArgs;
use super::{routes, unit};
use crate::cli::OutputFlags;
use crate::session::Session;

/// A file that ships.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Print {
    /// How the container is built: a static binary
    Containerfile,
    /// A `StatefulSet` with its volume, secrets and probes
    Kubernetes,
    /// The line for cron, where no daemon stays
    Cron,
    /// Grafana's dashboard
    Dashboard,
    /// Prometheus' alert rules about ira itself
    AlertRules,
}

impl Print {
    fn file(self) -> (&'static str, &'static str) {
        match self {
            Self::Containerfile => ("containerfile", include_str!("deploy/Containerfile")),
            Self::Kubernetes => ("kubernetes", include_str!("deploy/kubernetes.yaml")),
            Self::Cron => ("cron", include_str!("deploy/cron")),
            Self::Dashboard => ("dashboard", include_str!("deploy/dashboard.json")),
            Self::AlertRules => ("alert rules", include_str!("deploy/rules.yml")),
        }
    }
}

/// Prints what is asked for, and gives the exit code; none where nothing is. No secret is fetched: what is printed may be
/// for another machine.
pub(super) fn print(session: &mut Session, args: &DaemonArgs, output: &OutputFlags) -> Result<Option<u8>, Fault> {
    if let Some((name, text)) = args.print.map(Print::file) {
        return Ok(Some(session.show_text(name, text)));
    }
    if !args.unit && !args.alertmanager_routes {
        return Ok(None);
    }
    let loaded = Loaded::printed(output)?;
    session.configure(loaded.config.output);
    let (name, text) = if args.unit {
        let own = std::env::current_exe();
        let binary = own.map_or_else(|_| "/usr/bin/ira".to_owned(), |path| path.display().to_string());
        let config = output.config.clone().unwrap_or_else(|| PathBuf::from("/etc/ira/config.toml"));
        ("systemd units", unit::text(&loaded, &binary, &config.display().to_string()))
    } else {
        ("alertmanager routes", routes::text(&loaded))
    };
    Ok(Some(session.show_text(name, &text)))
}
