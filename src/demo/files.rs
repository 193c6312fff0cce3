//! The files of a demonstration, in a folder of its own that goes with it.

use std::path::{Path, PathBuf};

use ira_commands::{Fault, Kind};

use super::around::Around;
use crate::config::secret::SecretRef;
use crate::keep;

/// What restarts a service here, where `systemctl` does so elsewhere: whoever keeps it looks for the file.
const RESTART: &str = "#!/bin/sh\nset -eu\n: > '@FOLDER/restart-@NAME'\necho restarted\n";

/// What is done when a service is down.
const PLAYBOOK: &str = r#"ira: 1
playbook: @NAME-down
about: the @NAME is down; it is restarted once, and what its users get says whether that helped
owner: demo
mode: auto
on:
  - source: alertmanager
    match: { alertname: @ALERT }
    key: [alert.labels.service]
targets: { program: [restart-@NAME] }
queries:
  answer: { do: http.check, with: { url: "@URL", within: 1 }, take: status }
guards:
  budget: demo
steps:
  - id: still
    do: alert.still_firing
  - id: restart
    do: script.run
    with: { program: restart-@NAME }
    timeout: 10s
    accept: irreversible
    caps: { max_targets: 1 }
verify:
  after: 1s
  until: q.answer == 200
  every: 1s
  within: 4s
  hold: 2s
escalate:
  to: pagerduty
  deadline: 45s
  note: "the @NAME was restarted, and does not answer as it should"
"#;

/// A folder that is removed with this.
pub(super) struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind is in the folder for such things, and of no use to anybody.
        let _removed = std::fs::remove_dir_all(&self.0);
    }
}

fn cannot(path: &Path) -> impl Fn(std::io::Error) -> Fault {
    let said = format!("{} cannot be written", path.display());
    move |error| Fault::new(Kind::Failed, said.clone()).because(error.to_string()).hint("TMPDIR names another place")
}

impl Folder {
    /// One that nobody else may look into.
    pub(super) fn new() -> Result<Self, Fault> {
        let path = std::env::temp_dir().join(format!("ira-demo-{:016x}", rand::random::<u64>()));
        keep::private_folder(&path).map_err(cannot(&path))?;
        Ok(Self(path))
    }

    /// A path in it.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Where the store is.
    pub(super) fn store(&self) -> String {
        format!("sqlite:{}", self.path("ira.db").display())
    }

    /// What the sender of alerts shows.
    pub(super) fn token(&self) -> SecretRef {
        SecretRef::File(self.path("token"))
    }

    fn write(&self, name: &str, text: &str, mode: u32) -> Result<(), Fault> {
        let path = self.path(name);
        let folder = path.parent().unwrap_or(&self.0);
        let written = keep::private_folder(folder).and_then(|()| keep::replace(&path, text.as_bytes()));
        let written =
            written.and_then(|()| std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)));
        written.map_err(cannot(&path))
    }

    /// What the daemon reads; its pages are at `public_url`.
    pub(super) fn configure(&self, around: &Around, public_url: &str) -> Result<(), Fault> {
        for secret in ["token", "routing-key"] {
            self.write(secret, &format!("{:032x}\n", rand::random::<u128>()), 0o600)?;
        }
        let text = format!(
            "store = \"{}\"\npublic_url = \"{public_url}\"\n\
             [sources.alertmanager]\nkind = \"alertmanager\"\ntoken = \"file:token\"\n\
             [page]\nrouting_key = \"file:routing-key\"\nurl = \"{}\"\ndeclared = \"both arms are part of the demonstration\"\n\
             [alertmanager]\nurls = \"{}\"\nsettle = \"0s\"\n\
             [scripts]\nfolder = \"{}\"\nrunner = \"same-user\"\n\
             [budgets.demo]\nmax = 10\nwindow = \"1h\"\n",
            self.store(),
            around.pager,
            around.alertmanager,
            self.path("scripts").display(),
        );
        self.write("config.toml", &text, 0o600)
    }

    /// The playbook of a service that answers at `url`, and what it runs.
    pub(super) fn playbook(&self, name: &str, alert: &str, url: &str) -> Result<(), Fault> {
        let filled = |text: &str| {
            let text = text.replace("@NAME", name).replace("@ALERT", alert).replace("@URL", url);
            text.replace("@FOLDER", &self.0.display().to_string())
        };
        self.write(&format!("playbooks/{name}-down.yaml"), &filled(PLAYBOOK), 0o600)?;
        self.write(&format!("scripts/restart-{name}"), &filled(RESTART), 0o700)
    }
}
