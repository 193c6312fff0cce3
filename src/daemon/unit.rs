//! `--unit`: what systemd runs the daemon by, as narrow as its playbooks allow.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use ira_commands::playbook::{Playbook, Template};
use serde_json::Value as Json;

use super::books::Loaded;
use crate::config::host::RunnerConfig;

/// What both services are kept from, whoever they run as.
const NARROW: &str = "\
UMask=0077\n\
NoNewPrivileges=yes\n\
CapabilityBoundingSet=\n\
AmbientCapabilities=\n\
ProtectHome=yes\n\
ProtectClock=yes\n\
ProtectHostname=yes\n\
ProtectKernelLogs=yes\n\
ProtectKernelModules=yes\n\
ProtectKernelTunables=yes\n\
RestrictNamespaces=yes\n\
RestrictRealtime=yes\n\
RestrictSUIDSGID=yes\n\
LockPersonality=yes\n\
SystemCallArchitectures=native\n";

/// The units, and the rule that lets the daemon restart what its playbooks name, as files one after the other.
pub(super) fn text(loaded: &Loaded, binary: &str, config: &str) -> String {
    let runner = match &loaded.config.host.runner {
        RunnerConfig::Socket(socket) => Some(socket.as_path()),
        RunnerConfig::None | RunnerConfig::SameUser => None,
    };
    // The daemon and who speaks for it when it is dead are the same user, with the same secrets and folders.
    let mut who =
        "User=ira\nGroup=ira\nEnvironment=XDG_STATE_HOME=/var/lib\nStateDirectory=ira\nStateDirectoryMode=0700\n"
            .to_owned();
    for name in loaded.config.credentials() {
        let _never = writeln!(who, "LoadCredential={name}:/etc/ira/credentials/{name}");
    }
    let mut out = daemon(loaded, binary, config, &who, runner.is_some());
    if let Some(socket) = runner {
        out.push('\n');
        out.push_str(&runs_scripts(binary, config, socket));
    }
    let _never = writeln!(
        out,
        "\n# /etc/systemd/system/ira-failed.service\n\
[Unit]\n\
Description=wake somebody: ira does not run any more\n\
\n\
[Service]\n\
Type=oneshot\n\
{who}\
ExecStart={binary} daemon --ended --config {config}\n\
# Until the page is taken.\n\
Restart=on-failure\n\
RestartSec=30\n\
\n\
# /etc/systemd/system/ira-failed.path\n\
[Unit]\n\
Description=word that ira ended abnormally, and nobody was woken yet\n\
\n\
[Path]\n\
PathExists=/var/lib/ira/{word}",
        word = super::life::WORD
    );
    let (units, open) = units(loaded.books.iter().map(|book| &book.playbook));
    if !units.is_empty() || !open.is_empty() {
        let list = units.iter().map(|(verb, unit)| format!("    \"{verb} {unit}\": true")).collect::<Vec<_>>();
        let _never = writeln!(
            out,
            "\n// /etc/polkit-1/rules.d/50-ira.rules\n\
var iraMay = {{\n{}\n}};\n\
polkit.addRule(function(action, subject) {{\n    \
if (action.id == \"org.freedesktop.systemd1.manage-units\" && subject.user == \"ira\" &&\n        \
iraMay[action.lookup(\"verb\") + \" \" + action.lookup(\"unit\")]) {{\n        \
return polkit.Result.YES;\n    }}\n}});",
            list.join(",\n")
        );
    }
    for playbook in open {
        let _never =
            writeln!(out, "// {playbook} takes a unit from its alert: add what it may touch to iraMay by hand");
    }
    out
}

fn daemon(loaded: &Loaded, binary: &str, config: &str, who: &str, has_runner: bool) -> String {
    let grace = loaded.config.daemon.grace.as_secs() + 15;
    let (beside, scripts) = if has_runner {
        ("After=ira-runner.service\nWants=ira-runner.service\n", "# It runs no scripts of its own.\nKillMode=mixed\n")
    } else {
        let why = "# A script that is half done is not killed by a restart: the next daemon takes it up.\n\
                   KillMode=process\nDelegate=yes\n";
        ("", why)
    };
    format!(
        "# /etc/systemd/system/ira.service\n\
[Unit]\n\
Description=ira: alerts in, the same commands run, a person paged when needed\n\
After=network-online.target\n\
Wants=network-online.target\n\
{beside}\
# While Restart= goes on OnFailure= is not reached: ExecStopPost= pages at the third abnormal end within ten minutes.\n\
StartLimitIntervalSec=10min\n\
StartLimitBurst=20\n\
OnFailure=ira-failed.service\n\
# What runs after a stop has no credentials: it leaves word, and this unit wakes somebody.\n\
Wants=ira-failed.path\n\
After=ira-failed.path\n\
\n\
[Service]\n\
Type=notify\n\
NotifyAccess=main\n\
WatchdogSec=60\n\
{who}\
ExecStartPre={binary} daemon --check --config {config}\n\
ExecStart={binary} daemon --config {config}\n\
ExecReload=/bin/kill -HUP $MAINPID\n\
ExecStopPost={binary} daemon --ended --config {config}\n\
Restart=always\n\
RestartSec=1\n\
TimeoutStopSec={grace}\n\
{scripts}\
LimitNOFILE=65536\n\
{NARROW}\
ProtectSystem=strict\n\
PrivateTmp=yes\n\
PrivateDevices=yes\n\
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\n\
SystemCallFilter=@system-service\n\
SystemCallErrorNumber=EPERM\n\
\n\
[Install]\n\
WantedBy=multi-user.target\n"
    )
}

/// The runner: another user of the daemon's group, without any of its secrets. Locks, results and each script's TMPDIR
/// are in its own `StateDirectory`, since what else there is goes away at a stop.
fn runs_scripts(binary: &str, config: &str, socket: &Path) -> String {
    let below = socket.strip_prefix("/run").ok().and_then(Path::parent).and_then(Path::to_str);
    let place = match below.filter(|name| !name.is_empty()) {
        Some(name) => format!("RuntimeDirectory={name}\nRuntimeDirectoryMode=0750\nRuntimeDirectoryPreserve=yes\n"),
        None => "# The folder of the socket has to be there, and belong to this user.\n".to_owned(),
    };
    format!(
        "# /etc/systemd/system/ira-runner.service\n\
# useradd --system --gid ira --no-create-home --shell /usr/sbin/nologin ira-runner\n\
[Unit]\n\
Description=ira's runner: scripts, as a user of their own\n\
Before=ira.service\n\
\n\
[Service]\n\
Type=notify\n\
NotifyAccess=main\n\
User=ira-runner\n\
Group=ira\n\
Environment=XDG_STATE_HOME=/var/lib/ira-runner\n\
StateDirectory=ira-runner\n\
StateDirectoryMode=0700\n\
{place}\
ExecStart={binary} daemon --runner ira --config {config}\n\
Restart=always\n\
RestartSec=1\n\
# A restart must not kill a half-done script.\n\
KillMode=process\n\
Delegate=yes\n\
InaccessiblePaths=-/var/lib/ira -/etc/ira/credentials\n\
# What the scripts need beyond this is opened in a drop-in (systemctl edit ira-runner).\n\
{NARROW}\
ProtectSystem=full\n\
\n\
[Install]\n\
WantedBy=multi-user.target\n"
    )
}

/// Verb and unit of each step that acts on one, and the playbooks of which it is not known before an alert comes.
fn units<'a>(playbooks: impl Iterator<Item = &'a Playbook>) -> (BTreeSet<(String, String)>, BTreeSet<&'a str>) {
    let (mut units, mut open) = (BTreeSet::new(), BTreeSet::new());
    for playbook in playbooks {
        let steps = playbook.steps.iter().map(|step| (&step.action.text, &step.with));
        let undos =
            playbook.steps.iter().filter_map(|step| step.undo.as_ref()).map(|undo| (&undo.action.text, &undo.with));
        for (action, with) in steps.chain(undos) {
            let Some(verb) = action.strip_prefix("systemd.").filter(|verb| *verb != "status") else { continue };
            match literal(with) {
                Some(unit) => {
                    let unit = if unit.contains('.') { unit } else { format!("{unit}.service") };
                    units.insert((verb.to_owned(), unit));
                }
                None => {
                    open.insert(playbook.name.text.as_str());
                }
            }
        }
    }
    (units, open)
}

/// The unit where it stands in the file.
fn literal(with: &Template) -> Option<String> {
    match with {
        Template::Map(entries, _) => {
            let entry = entries.iter().find(|entry| entry.name == "unit")?;
            match &entry.value {
                Template::Plain(Json::String(unit), _) => Some(unit.clone()),
                _ => None,
            }
        }
        Template::Plain(json, _) => json.get("unit").and_then(Json::as_str).map(str::to_owned),
        _ => None,
    }
}
