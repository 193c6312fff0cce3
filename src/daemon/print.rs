//! What an installation needs, printed: from what is loaded (units, routes, role), or as it ships.

use std::path::PathBuf;

use clap::ValueEnum;
use ira_commands::Fault;
use ira_commands::actions::k8s;

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
    /// The role that the loaded playbooks need in a cluster
    Rbac,
    /// The line for cron, where no daemon stays
    Cron,
    /// Grafana's dashboard
    Dashboard,
    /// Prometheus' alert rules about ira itself
    AlertRules,
}

impl Print {
    /// Its text, where it ships as it is.
    fn file(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::Rbac => return None,
            Self::Containerfile => ("containerfile", include_str!("deploy/Containerfile")),
            Self::Kubernetes => ("kubernetes", include_str!("deploy/kubernetes.yaml")),
            Self::Cron => ("cron", include_str!("deploy/cron")),
            Self::Dashboard => ("dashboard", include_str!("deploy/dashboard.json")),
            Self::AlertRules => ("alert rules", include_str!("deploy/rules.yml")),
        })
    }
}

/// Prints what is asked for, and gives the exit code; none where nothing is. No secret is fetched: what is printed may be
/// for another machine.
pub(super) fn print(session: &mut Session, args: &DaemonArgs, output: &OutputFlags) -> Result<Option<u8>, Fault> {
    if let Some((name, text)) = args.print.and_then(Print::file) {
        return Ok(Some(session.show_text(name, text)));
    }
    if !args.unit && !args.alertmanager_routes && args.print.is_none() {
        return Ok(None);
    }
    let loaded = Loaded::printed(output)?;
    session.configure(loaded.config.output);
    let (name, text) = if args.unit {
        let own = std::env::current_exe();
        let binary = own.map_or_else(|_| "/usr/bin/ira".to_owned(), |path| path.display().to_string());
        let config = output.config.clone().unwrap_or_else(|| PathBuf::from("/etc/ira/config.toml"));
        ("systemd units", unit::text(&loaded, &binary, &config.display().to_string()))
    } else if args.print.is_some() {
        ("role", role(&loaded))
    } else {
        ("alertmanager routes", routes::text(&loaded))
    };
    Ok(Some(session.show_text(name, &text)))
}

/// The role that every action on a cluster needs that a loaded playbook names, and nothing else.
fn role(loaded: &Loaded) -> String {
    let playbooks = || loaded.books.iter().map(|book| &book.playbook);
    let steps = || playbooks().flat_map(|playbook| &playbook.steps);
    let asked = playbooks().flat_map(|playbook| playbook.queries.values().map(|query| &query.action));
    let undone = steps().filter_map(|step| step.undo.as_ref()).map(|undo| &undo.action);
    let actions = steps().map(|step| &step.action).chain(asked).chain(undone);
    k8s::role(actions.map(|action| action.text.as_str()))
        .unwrap_or_else(|| "# No playbook that is loaded reads or changes a cluster.\n".to_owned())
}
