//! Which playbook answers an alert, and with which parameters.

use std::collections::BTreeMap;

use ira_commands::playbook::present::Source;
use ira_commands::playbook::{self, Incoming, Playbook};
use ira_commands::text::clean;
use ira_commands::{Fault, Kind};
use serde_json::Value as Json;

use crate::playbooks;

/// A playbook with its text.
pub struct Chosen {
    /// The playbook.
    pub playbook: Playbook,
    /// Its text, as it is kept with the run.
    pub text: String,
    /// Where it comes from.
    pub file: String,
}

/// The playbook of this name, or the one that writes for this alert, or the one that reads for it.
pub fn choose(sources: &[Source], name: Option<&str>, alert: &Incoming) -> Result<Chosen, Fault> {
    let loaded: Vec<&Source> =
        sources.iter().filter(|source| source.overridden_by.is_none() && source.read.is_ok()).collect();
    let books: Vec<&Playbook> = loaded.iter().filter_map(|source| source.read.as_deref().ok()).collect();
    let at = match name {
        Some(name) => named(sources, &books, name, alert)?,
        None => matching(&books, alert)?,
    };
    let source = loaded[at];
    Ok(Chosen { playbook: books[at].clone(), text: playbooks::text_of(source)?, file: source.file.clone() })
}

fn named(sources: &[Source], books: &[&Playbook], name: &str, alert: &Incoming) -> Result<usize, Fault> {
    let name = playbooks::named(sources, name)?.name();
    let at = books.iter().position(|book| book.name.text == name);
    let at = at.ok_or_else(|| Fault::new(Kind::Usage, format!("there is no playbook `{name}`")))?;
    fits(books[at], alert)?;
    Ok(at)
}

/// Whether a playbook is for an alert.
fn fits(book: &Playbook, alert: &Incoming) -> Result<(), Fault> {
    playbook::matched(book, alert).map(drop).map_err(|stops| {
        let why = stops.iter().max_by_key(|stop| stop.stage).map(|stop| stop.why.clone()).unwrap_or_default();
        Fault::new(Kind::Usage, format!("the playbook `{}` is not for this alert", book.name.text)).because(why)
    })
}

/// The same among those that a daemon has loaded, each with its text.
pub fn loaded(books: &[(&Playbook, &str)], name: Option<&str>, alert: &Incoming) -> Result<Chosen, Fault> {
    let known: Vec<&Playbook> = books.iter().map(|(book, _)| *book).collect();
    let at = match name {
        Some(name) => {
            let at = known.iter().position(|book| book.name.text == name).ok_or_else(|| {
                Fault::new(Kind::Usage, format!("no playbook `{}` is loaded", clean(name)))
                    .hint("`ira daemon --check` there, or /playbooks, says which are, and why one is not")
            })?;
            fits(known[at], alert)?;
            at
        }
        None => matching(&known, alert)?,
    };
    let (playbook, text) = books[at];
    Ok(Chosen { playbook: playbook.clone(), text: text.to_owned(), file: "loaded by the daemon".to_owned() })
}

fn matching(books: &[&Playbook], alert: &Incoming) -> Result<usize, Fault> {
    let decision = playbook::decide(books, alert);
    if !decision.several.is_empty() {
        let names: Vec<&str> = decision.several.iter().map(|at| books[*at].name.text.as_str()).collect();
        return Err(Fault::new(Kind::Usage, "several playbooks would write for this alert, so none does")
            .because(names.join(", "))
            .hint("name one: ira remediate NAME --alert …"));
    }
    decision.writer.or_else(|| decision.readers.first().copied()).ok_or_else(|| {
        let furthest = decision.considered.iter().filter_map(|one| Some((one, one.furthest()?)));
        let mut fault = Fault::new(Kind::Missing, "no playbook is for this alert");
        if let Some((one, stop)) = furthest.max_by_key(|(_, stop)| stop.stage) {
            fault = fault.because(format!("nearest is `{}`: {}", one.playbook, stop.why));
        }
        fault.hint("`ira playbook explain` has each playbook and where it stopped; `ira playbook new` begins one")
    })
}

/// The parameters given as `name=value`, read by their types, with the defaults of the rest.
pub fn params(playbook: &Playbook, given: &[String]) -> Result<BTreeMap<String, Json>, Fault> {
    let mut read = BTreeMap::new();
    for one in given {
        let (name, text) = one.split_once('=').ok_or_else(|| {
            Fault::new(Kind::Usage, format!("--param takes name=value, and this is `{}`", clean(one)))
        })?;
        // One that does not exist is named with the others.
        let value = match playbook.params.get(name) {
            Some(param) => param.read(text).map_err(|why| Fault::new(Kind::Usage, format!("--param {name} {why}")))?,
            None => Json::from(text),
        };
        read.insert(name.to_owned(), value);
    }
    playbook::params(playbook, &read).map_err(|wrong| {
        let mut wrong = wrong.into_iter();
        let first = wrong.next().unwrap_or_default();
        wrong.fold(Fault::new(Kind::Usage, first), Fault::because)
    })
}
