//! `ira daemon` as it is asked.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use ira_commands::{Fault, Kind};

use super::arms::{self, Sight};
use super::books::Loaded;
use super::print::{self, Print};
use super::{Shared, direct, lock, once, runner, serve};
use crate::cli::OutputFlags;
use crate::config::Config;
use crate::config::daemon::parse_address;
use crate::session::Session;
use crate::store::{Options, Sqlite, Store};
use crate::terminal::Env;
use crate::{connect, keep, logging, remediate, runs};

/// So many abnormal ends …
const ENDS: usize = 3;
/// … within this time, seconds, wake somebody.
const WITHIN: u64 = 600;

/// What is left in the state folder where somebody is to be woken by who has the credentials for it.
pub(super) const WORD: &str = "daemon-ended";

/// How the daemon is started.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag, and clap lets only one of them be given")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct DaemonArgs {
    /// Where alerts come in; port 0 takes a free one [default: 127.0.0.1:9097]
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = parse_address)]
    pub listen: Option<SocketAddr>,
    /// Where health, metrics and pages are: this machine alone, but with `[daemon.admin_tls]`
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = parse_address)]
    pub admin: Option<SocketAddr>,
    /// Say whether configuration and playbooks are sound, and start nothing (exit 78 where not)
    #[arg(long, group = "instead")]
    pub check: bool,
    /// Do what is due, and end: for cron
    #[arg(long, group = "instead")]
    pub once: bool,
    /// Tell the daemon of this store to stop, and wait until it has
    #[arg(long, group = "instead")]
    pub drain: bool,
    /// Print the systemd units, and the polkit rule that the playbooks need
    #[arg(long, group = "instead")]
    pub unit: bool,
    /// Print the routes that Alertmanager needs for the playbooks
    #[arg(long, group = "instead")]
    pub alertmanager_routes: bool,
    /// Print what else an installation needs
    #[arg(long, group = "instead", value_name = "WHAT", value_enum)]
    pub print: Option<Print>,
    /// Run the scripts of the daemon that this user (name or number) runs, over the socket of `scripts.runner`
    #[arg(long, group = "instead", value_name = "USER")]
    pub runner: Option<String>,
    /// Count an abnormal end, and wake somebody at the third in ten minutes: for the units
    #[arg(long, group = "instead", hide = true)]
    pub ended: bool,
}

/// Runs until it is told to end; gives the exit code.
pub fn daemon(session: &mut Session, args: &DaemonArgs, output: &OutputFlags, env: Env<'_>) -> Result<u8, Fault> {
    if logging::level(env(logging::VARIABLE).as_deref())?.is_none() {
        logging::start(tracing::Level::INFO, session.colours_stderr());
    }
    if args.ended {
        return ended(output, env);
    }
    if let Some(user) = &args.runner {
        return runner::serve(user, &connect::effective(output)?);
    }
    if args.drain {
        return drain(session, &*connect::effective(output)?);
    }
    if let Some(code) = print::print(session, args, output)? {
        return Ok(code);
    }
    let loaded = Loaded::read(output, args.listen)?;
    session.configure(loaded.config.output);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Fault::new(Kind::Failed, "cannot start").because(error.to_string()))?;
    if args.check {
        runtime.block_on(arms::look(&loaded));
        return check(session, &loaded);
    }
    loaded.say();
    let path = store_path(&loaded.config)?;
    let config = Arc::clone(&loaded.config);
    let _lock = lock::take(&path)?;
    let store = open(&path, &config).inspect_err(|fault| {
        if fault.kind != Kind::Busy {
            direct::last_page(&config, "store", &format!("it does not start: {}", fault.one_line()));
        }
    })?;
    let served = runtime.block_on(async {
        arms::look(&loaded).await;
        let (shared, stopped) = Shared::new(store, loaded, output).await?;
        if args.once { once::once(&shared).await } else { serve::serve(args, output, &shared, stopped).await }
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    served.map(|()| 0)
}

/// The file of the store.
fn store_path(config: &Config) -> Result<PathBuf, Fault> {
    let uri = remediate::uri(config)?;
    let path = uri.strip_prefix("sqlite:").map(Path::new).ok_or_else(|| {
        Fault::new(Kind::Config, "the daemon needs a store that outlives it")
            .hint("store = \"sqlite:/var/lib/ira/ira.db\"")
    })?;
    if let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) {
        keep::private_folder(folder).map_err(|error| unkept(folder, &error))?;
    }
    Ok(path.to_owned())
}

fn unkept(folder: &Path, error: &std::io::Error) -> Fault {
    Fault::new(Kind::Failed, format!("nothing can be kept in {}", folder.display())).because(error.to_string())
}

/// Opens the store. Where its disk fails later, one page is tried, and the process ends: what is on the disk is not known
/// any more to a process that has seen a sync fail.
fn open(path: &Path, config: &Arc<Config>) -> Result<Arc<dyn Store>, Fault> {
    let config = Arc::clone(config);
    let fatal = Arc::new(move |fault: &Fault| {
        tracing::error!("the disk under the store fails, and the daemon ends: {fault}");
        direct::last_page(&config, "store", &fault.one_line());
        std::thread::sleep(Duration::from_millis(200));
        std::process::abort();
    });
    Ok(Arc::new(Sqlite::open(path, Options { fatal, ..Options::default() })?))
}

fn check(session: &mut Session, loaded: &Loaded) -> Result<u8, Fault> {
    let mut refused: Vec<_> = loaded.refused().collect();
    // What is only not there at this moment is no fault of the configuration: the daemon looks again.
    if let Sight::Unseen(why) = loaded.sight()
        && loaded.config.systems.page.is_some()
    {
        let named = refused.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        if !named.is_empty() {
            session.warn([format!("{named}: not loaded before the routes of Alertmanager are seen: {why}")]);
        }
        let unfit =
            |name: &str| loaded.books.iter().any(|book| book.playbook.name.text == name && book.unfit().is_some());
        refused.retain(|(name, _)| unfit(name));
    }
    if let Some((name, why)) = refused.first() {
        let mut fault = Fault::new(Kind::Config, format!("the playbook {name} is not loaded")).because(why.as_str());
        for (name, why) in refused.iter().skip(1) {
            fault = fault.because(format!("{name}: {why}"));
        }
        return Err(fault.hint("add what is missing, or set its mode to suggest: [playbooks.NAME]"));
    }
    let said = format!(
        "Sound: {} playbooks, {} senders ({}).",
        loaded.books.len(),
        loaded.sources.len(),
        loaded.sources.keys().cloned().collect::<Vec<_>>().join(", ")
    );
    let mut report = runs::line(said);
    // It suggests nothing either: an alert that it is for goes to a person, with this reason.
    report.warnings.extend(loaded.books.iter().filter_map(|book| {
        let name = &book.playbook.name.text;
        Some(format!("the playbook {name} answers no alert: {} ([playbooks.{name}] params)", book.valueless()?))
    }));
    Ok(session.show(report, 0))
}

/// Tells the daemon that has the store to end, and waits for that.
fn drain(session: &mut Session, config: &Config) -> Result<u8, Fault> {
    session.configure(config.output);
    let path = store_path(config)?;
    let Some(pid) = lock::who(&path)? else {
        return Ok(session.show(runs::line("No daemon has this store.".to_owned()), 0));
    };
    let process =
        rustix::process::Pid::from_raw(pid).ok_or_else(|| Fault::new(Kind::Failed, format!("{pid} is no process")))?;
    rustix::process::kill_process(process, rustix::process::Signal::TERM).map_err(|error| {
        Fault::new(Kind::Failed, format!("the daemon (process {pid}) cannot be told to end"))
            .because(error.to_string())
            .hint("run this as its user, or systemctl stop ira")
    })?;
    let begun = Instant::now();
    while lock::who(&path)? == Some(pid) {
        if begun.elapsed() > config.daemon.grace + Duration::from_secs(10) {
            return Err(Fault::new(Kind::Busy, format!("the daemon (process {pid}) has not ended yet")));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(session.show(runs::line(format!("The daemon (process {pid}) has stopped; what it had is in the record.")), 0))
}

/// An end of the daemon that was none of its own: counted, and at the third in ten minutes somebody is woken. Where no
/// service says how it ended, it is the end of all tries.
fn ended(output: &OutputFlags, env: Env<'_>) -> Result<u8, Fault> {
    let config = connect::effective(output)?;
    let result = env("SERVICE_RESULT");
    if result.as_deref() == Some("success") {
        return Ok(0);
    }
    let folder = remediate::state()?;
    let word = folder.join(WORD);
    let left = std::fs::read_to_string(&word).ok().filter(|_| result.is_none());
    if let Some(why) = &left {
        tell(&config, why)?;
        return std::fs::remove_file(&word).map(|()| 0).map_err(|error| unkept(&folder, &error));
    }
    let after_stop = result.is_some();
    let why = result.unwrap_or_else(|| "it is not started any more".to_owned());
    let now = crate::clock::SystemClock.now_millis() / 1000;
    let place = folder.join("daemon-ends");
    let before = std::fs::read_to_string(&place).unwrap_or_default();
    let recent = |line: &&str| line.parse::<u64>().is_ok_and(|at| at + WITHIN > now && at <= now);
    let mut ends: Vec<String> = before.lines().filter(recent).map(str::to_owned).collect();
    ends.push(now.to_string());
    keep::private_folder(&folder)
        .and_then(|()| keep::replace(&place, format!("{}\n", ends.join("\n")).as_bytes()))
        .map_err(|error| unkept(&folder, &error))?;
    if ends.len() < ENDS && after_stop {
        return Ok(0);
    }
    let why = format!("it ended abnormally ({why}), {} times within ten minutes", ends.len());
    match tell(&config, &why) {
        // systemd gives no credentials to what it runs after a stop.
        Err(fault) if after_stop => {
            tracing::warn!("nobody could be told from here: {fault}");
            keep::replace(&word, why.as_bytes()).map(|()| 0).map_err(|error| unkept(&folder, &error))
        }
        told => told.map(|()| 0),
    }
}

fn tell(config: &Arc<Config>, why: &str) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::new(Kind::Failed, error.to_string()))?;
    runtime.block_on(direct::page(config, "daemon", why))
}
