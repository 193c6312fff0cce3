//! What the daemon works with: configuration, senders and playbooks, read together and replaced together.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use ira_commands::playbook::{Mode, Playbook};
use ira_commands::text::clean;
use ira_commands::{Effect, Fault, Kind};
use rustls::ServerConfig;

use super::arms::Sight;
use super::sources::Source;
use super::tls::{self, Clients};
use super::web::Shelved;
use crate::cli::OutputFlags;
use crate::clients::sns::Sns;
use crate::config::Config;
use crate::config::daemon::TlsConfig;
use crate::config::host::RunnerConfig;
use crate::config::intake::ProofConfig;
use crate::{connect, playbooks};

/// Why a playbook with scripts answers no alert where nothing is said of who runs them.
const NO_RUNNER: &str = "it runs scripts, and nothing says as whom; missing: [scripts] \
                         runner = \"/run/ira-runner/socket\" (a user of their own: `ira daemon --unit`), or \
                         runner = \"same-user\" (the daemon's own, with all that it may read)";

/// A playbook that counts.
pub(super) struct Book {
    pub playbook: Playbook,
    /// Its text, kept with each run.
    pub text: String,
    /// How far it goes by itself.
    pub rung: Mode,
    /// What it lacks of the arms of its page, as they were last looked at.
    pub unarmed: RwLock<Option<String>>,
    /// Why its scripts are run by nobody.
    pub unrun: Option<&'static str>,
    /// Its parameters that have no value: no alert gives one.
    pub unset: Vec<String>,
}

impl Book {
    /// Why it answers no alert.
    pub fn refused(&self) -> Option<String> {
        self.unfit().or_else(|| self.unarmed.read().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// The same, whatever is known of the arms of its page.
    pub fn unfit(&self) -> Option<String> {
        let name = &self.playbook.name.text;
        let unset = self.valueless().filter(|_| self.rung >= Mode::Approve);
        unset.map(|why| format!("{why}: set it in [playbooks.{name}] params")).or_else(|| self.unrun.map(str::to_owned))
    }

    /// Which of its parameters have no value, in words; none where all have one.
    pub fn valueless(&self) -> Option<String> {
        let names: Vec<String> = self.unset.iter().map(|name| format!("`{name}`")).collect();
        (!names.is_empty()).then(|| format!("no value is given for {}", names.join(", ")))
    }
}

/// Everything that is read from files.
pub(super) struct Loaded {
    pub config: Arc<Config>,
    pub sources: BTreeMap<String, Source>,
    pub books: Vec<Book>,
    /// How far the arms of the page were seen.
    pub sight: RwLock<Sight>,
    /// What alerts are taken over; plain HTTP where none.
    pub tls: Option<Arc<ServerConfig>>,
    /// The same of the admin listener.
    pub admin_tls: Option<Arc<ServerConfig>>,
}

impl Loaded {
    /// Reads everything; `listen` is the flag's word. A fault says what is wrong; nothing is half loaded.
    pub fn read(output: &OutputFlags, listen: Option<SocketAddr>) -> Result<Self, Fault> {
        let mut config = Config::clone(&*connect::effective(output)?);
        config.host.by_runner = true;
        let config = Arc::new(config);
        let sources = sources(&config, listen.unwrap_or(config.daemon.listen))?;
        let daemon = &config.daemon;
        let served = |table, one: &Option<TlsConfig>, clients| {
            one.as_ref().map(|one| tls::server(table, one, clients, config.env())).transpose()
        };
        let own = served("daemon.tls", &daemon.tls, Clients::May)?;
        let admin_tls = served("daemon.admin_tls", &daemon.admin_tls, Clients::Must)?;
        if let Some(admin) = daemon.admin {
            private(admin, admin_tls.is_some())?;
        }
        let books = books(&config, output)?;
        Ok(Self { sources, books, tls: own, admin_tls, config, sight: RwLock::default() })
    }

    /// What is printed from: no secret is fetched, for the machine that it is printed for may be another.
    pub fn printed(output: &OutputFlags) -> Result<Self, Fault> {
        let config = connect::effective(output)?;
        let books = books(&config, output)?;
        Ok(Self { config, books, sources: BTreeMap::new(), tls: None, admin_tls: None, sight: RwLock::default() })
    }

    /// Says in the log which playbooks answer no alert; of the arms of their pages it is said when these are looked at.
    pub fn say(&self) {
        for book in &self.books {
            if let Some(why) = book.unfit() {
                tracing::warn!("the playbook {} is not loaded: {why}", book.playbook.name.text);
            }
        }
    }

    /// How far the arms of the page were seen.
    pub fn sight(&self) -> Sight {
        self.sight.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What people see of the playbooks.
    pub fn shelf(&self) -> Vec<Shelved> {
        let one = |book: &Book| Shelved {
            name: book.playbook.name.text.clone(),
            about: book.playbook.about.clone(),
            revision: book.playbook.revision.clone(),
            rung: book.rung.word(),
            writes: book.playbook.effects.any(),
            refused: book.refused(),
            tests: book.playbook.tests.len(),
        };
        self.books.iter().map(one).collect()
    }

    /// The playbooks that were refused, with why.
    pub fn refused(&self) -> impl Iterator<Item = (&str, String)> {
        self.books.iter().filter_map(|book| Some((book.playbook.name.text.as_str(), book.refused()?)))
    }
}

/// Whoever reaches the admin listener sees probes and metrics: this machine alone, where it speaks no TLS.
pub(super) fn private(admin: SocketAddr, tls: bool) -> Result<(), Fault> {
    if tls || admin.ip().is_loopback() {
        return Ok(());
    }
    let why = format!("{admin} is reached by others, and `admin` takes an address of this machine alone");
    Err(Fault::new(Kind::Config, why).hint("127.0.0.1:9098, or [daemon.admin_tls] with certificate and key"))
}

fn sources(config: &Arc<Config>, listen: SocketAddr) -> Result<BTreeMap<String, Source>, Fault> {
    if config.systems.sources.is_empty() {
        return Err(Fault::new(Kind::Config, "no sender of alerts is configured")
            .hint("[sources.alertmanager] with `kind = \"alertmanager\"` and `token = \"file:/etc/ira/alertmanager-token\"` (`ira help config`)"));
    }
    let mut sources = BTreeMap::new();
    for (name, one) in &config.systems.sources {
        let source = Source::new(name, one, config.env(), Arc::new(Sns::new(Arc::clone(config))))?;
        if source.is_open() && !listen.ip().is_loopback() {
            let why = format!("the source `{name}` proves nothing, and {listen} is reached by others");
            return Err(Fault::new(Kind::Config, why).hint("give it a `token`, or listen on 127.0.0.1"));
        }
        let asks = config.daemon.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
        if matches!(one.proof, ProofConfig::Certificate(_)) && !asks {
            let why = format!("the source `{name}` is proved by its certificate, and nobody is asked for one");
            return Err(Fault::new(Kind::Config, why).hint("[daemon.tls] with `client_ca`: who signs the certificate"));
        }
        sources.insert(name.clone(), source);
    }
    Ok(sources)
}

fn books(config: &Config, output: &OutputFlags) -> Result<Vec<Book>, Fault> {
    let mut books = Vec::new();
    for source in playbooks::all(output)? {
        if source.overridden_by.is_some() {
            continue;
        }
        let text = playbooks::text_of(&source)?;
        let file = clean(&source.file);
        let playbook = match source.read {
            Ok(playbook) => *playbook,
            Err(problems) => {
                let first = problems.first().map(|first| format!("line {}: {}", first.line, first.message));
                return Err(Fault::new(Kind::Config, format!("the playbook {file} cannot be loaded"))
                    .because(first.unwrap_or_default())
                    .hint(format!("ira playbook check {}", ira_commands::shell::word(&source.file))));
            }
        };
        let own = config.engine.playbooks.get(&playbook.name.text).and_then(|own| own.mode);
        let rung = own.unwrap_or(playbook.mode);
        let acts = playbook.effects.any() && rung >= Mode::Approve;
        let unarmed = RwLock::new(acts.then(|| "the arms of its page were not looked at yet".to_owned()));
        // What only reads is run for the plan, too.
        let runs = playbook.steps.iter().zip(&playbook.effects.effects).any(|(step, effect)| {
            step.action.text.starts_with("script.") && (*effect == Effect::Read || rung >= Mode::Approve)
        });
        let unrun = (runs && config.host.runner == RunnerConfig::None).then_some(NO_RUNNER);
        let unset = ira_commands::playbook::unset(&playbook).into_iter().map(str::to_owned).collect();
        books.push(Book { playbook, text, rung, unarmed, unrun, unset });
    }
    Ok(books)
}
