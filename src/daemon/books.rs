//! What the daemon works with: configuration, senders and playbooks, read together and replaced together.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use ira_commands::playbook::{Mode, Playbook};
use ira_commands::text::clean;
use ira_commands::{Fault, Kind};

use super::arms::Sight;
use super::sources::Source;
use super::web::Shelved;
use crate::cli::OutputFlags;
use crate::clients::sns::Sns;
use crate::config::Config;
use crate::{connect, playbooks};

/// A playbook that counts.
pub(super) struct Book {
    pub playbook: Playbook,
    /// Its text, kept with each run.
    pub text: String,
    /// How far it goes by itself.
    pub rung: Mode,
    /// What it lacks of the arms of its page, as they were last looked at.
    pub unarmed: RwLock<Option<String>>,
    /// Its parameters that have no value: no alert gives one.
    pub unset: Vec<String>,
}

impl Book {
    /// Why it answers no alert.
    pub fn refused(&self) -> Option<String> {
        let name = &self.playbook.name.text;
        let unset = self.valueless().filter(|_| self.rung >= Mode::Approve);
        unset
            .map(|why| format!("{why}: set it in [playbooks.{name}] params"))
            .or_else(|| self.unarmed.read().unwrap_or_else(PoisonError::into_inner).clone())
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
}

impl Loaded {
    /// Reads everything; `listen` is the flag's word. A fault says what is wrong; nothing is half loaded.
    pub fn read(output: &OutputFlags, listen: Option<SocketAddr>) -> Result<Self, Fault> {
        let config = connect::effective(output)?;
        let sources = sources(&config, listen.unwrap_or(config.daemon.listen))?;
        let books = books(&config, output)?;
        Ok(Self { config, sources, books, sight: RwLock::default() })
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
        let unset = ira_commands::playbook::unset(&playbook).into_iter().map(str::to_owned).collect();
        books.push(Book { playbook, text, rung, unarmed, unset });
    }
    Ok(books)
}
