//! What is on this machine: the store, scripts, keys, and the secrets of those who send alerts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ira_commands::ports::{Clock as _, Signer as _};
use ira_commands::units::{address, duration};
use ira_commands::{Fault, Kind};
use rustix::fs::{Access, access};

use super::{Question, Said};
use crate::clients::chain::Keystore;
use crate::clients::runner::Runner;
use crate::clients::sns::Sns;
use crate::clock::SystemClock;
use crate::config::daemon::TlsConfig;
use crate::config::host::RunnerConfig;
use crate::config::{Config, NetworkConfig};
use crate::daemon::sources::Source;
use crate::daemon::tls;
use crate::{remediate, store};

/// The most scripts that are looked at.
const MOST_SCRIPTS: usize = 500;

/// Everything here that is configured.
pub(super) fn questions(config: &Arc<Config>) -> Vec<Question<'_>> {
    let mut all = Vec::new();
    let uri = remediate::uri(config);
    let name = uri.as_ref().map_or_else(|_| "the state folder".to_owned(), Clone::clone);
    all.push(Question::blocking("store", name, move || kept(&uri?)));
    if let Some(folder) = config.host.folder.clone() {
        all.push(Question::blocking("scripts", folder.display().to_string(), move || scripts(&folder)));
    }
    if let RunnerConfig::Socket(socket) = &config.host.runner {
        all.push(Question::new("runner", socket.display().to_string(), async move {
            let runner = Runner { socket: socket.clone(), end_of_options: false, mask: Box::new(str::to_owned) };
            Ok(Said::Well(format!("version {}", runner.hello().await?)))
        }));
    }
    for network in config.networks.values().filter(|network| network.signer.is_some()) {
        let (config, network) = (Arc::clone(config), network.clone());
        let name = network.name.clone();
        all.push(Question::blocking("keystore", name, move || unlocked(&config, &network)));
    }
    for (name, source) in &config.systems.sources {
        let (config, name_of, source) = (Arc::clone(config), name.clone(), source.clone());
        all.push(Question::blocking("source", name.as_str(), move || {
            Source::new(&name_of, &source, config.env(), Arc::new(Sns::new(Arc::clone(&config))))?;
            Ok(Said::Well("what proves it is there; it is not asked, it comes by itself".to_owned()))
        }));
    }
    for (table, one) in [("daemon.tls", &config.daemon.tls), ("daemon.admin_tls", &config.daemon.admin_tls)] {
        let Some(one) = one.clone() else { continue };
        let config = Arc::clone(config);
        all.push(Question::blocking("tls", table, move || certificate(&config, table, &one)));
    }
    all
}

/// Whether a listener could show its certificate, and for how long.
fn certificate(config: &Config, table: &'static str, one: &TlsConfig) -> Result<Said, Fault> {
    tls::usable(table, one, config.env())?;
    let left = tls::lasts(one, config.env(), SystemClock.now())?;
    let Ok(seconds) = u64::try_from(left) else {
        return Err(Fault::new(Kind::Config, format!("the certificate of `{table}` has ended"))
            .hint("renew it, and reload the daemon (systemctl reload ira)"));
    };
    Ok(Said::Well(format!("the key fits; the certificate lasts {} more", duration(seconds))))
}

/// Whether the store can be read, and could be written; it is not made where there is none.
fn kept(uri: &str) -> Result<Said, Fault> {
    let path = PathBuf::from(uri.strip_prefix("sqlite:").unwrap_or(uri));
    let there = path.exists();
    store::rehearsal(uri)?;
    // Files come and go beside it, so that the folder counts too.
    let parts = [there.then_some(path.as_path()), existing(&path)];
    for part in parts.into_iter().flatten() {
        access(part, Access::WRITE_OK).map_err(|error| {
            Fault::new(Kind::Config, format!("{} cannot be written", part.display()))
                .because(std::io::Error::from(error).to_string())
                .hint("run this as the daemon's user, or give the folder to who runs it")
        })?;
    }
    Ok(Said::Well(if there { "can be read and written" } else { "is not there yet, and can be made" }.to_owned()))
}

/// The nearest folder above that there is.
fn existing(path: &Path) -> Option<&Path> {
    path.ancestors().skip(1).find(|folder| folder.is_dir())
}

/// Whether each script in the folder would be run.
#[cfg(target_os = "linux")]
fn scripts(folder: &Path) -> Result<Said, Fault> {
    let unread = |error: std::io::Error| {
        Fault::new(Kind::Config, "the folder cannot be read")
            .because(error.to_string())
            .hint("`scripts.folder` names it")
    };
    let (mut sound, mut refused) = (0_usize, Vec::new());
    for entry in std::fs::read_dir(folder).map_err(unread)?.take(MOST_SCRIPTS) {
        let entry = entry.map_err(unread)?;
        if !entry.path().is_file() {
            continue;
        }
        match crate::clients::script::runnable(&entry.path()) {
            Ok(()) => sound += 1,
            Err(fault) => refused.push(fault),
        }
    }
    let count = refused.len();
    match refused.into_iter().next() {
        Some(first) => {
            Err(Fault { kind: Kind::Config, ..first.wrap(format!("{count} of {} would not be run", count + sound)) })
        }
        None => Ok(Said::Well(format!("{sound} scripts that would be run"))),
    }
}

#[cfg(not(target_os = "linux"))]
fn scripts(_folder: &Path) -> Result<Said, Fault> {
    Err(Fault::new(Kind::Config, "scripts are run on Linux alone"))
}

/// Whether the key of a network opens with its password.
fn unlocked(config: &Config, network: &NetworkConfig) -> Result<Said, Fault> {
    let Some(signer) = config.signer(network)? else {
        return Ok(Said::Well("none".to_owned()));
    };
    let (path, private) = signer.keystore.path(config.env())?;
    let key = Keystore::open(&path, private)?.unlock(&signer.password(config.env())?)?;
    Ok(Said::Well(format!("opens: {}", address(key.address()))))
}
