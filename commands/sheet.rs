//! Asking for many values of many subjects in one snapshot, and finding each answer again.

use std::collections::HashMap;

use crate::fault::{Fault, Kind};
use crate::ports::{BlockRef, Call, ChainRead, Interface, Read};
use crate::value::{H160, Value};

/// Names one answer about one feed: what was asked, and of which oracle or how many rounds back.
pub type Key = (&'static str, usize);

/// One answer and where it belongs: the subject (a feed, a request), and its key.
pub type Filed = (usize, Key, Result<Value, Fault>);

/// The answers about one feed.
#[derive(Default)]
pub struct Sheet {
    answers: HashMap<Key, Result<Value, Fault>>,
}

impl Sheet {
    /// The answer under `name`.
    pub fn get(&self, name: &'static str) -> Result<&Value, Fault> {
        self.item(name, 0)
    }

    /// The answer under `name` for item `index`.
    pub fn item(&self, name: &'static str, index: usize) -> Result<&Value, Fault> {
        self.asked(name, index).unwrap_or_else(|| Err(Fault::new(Kind::Failed, format!("`{name}` was not read"))))
    }

    /// As [`Sheet::item`]; `None` where it was never asked.
    pub fn asked(&self, name: &'static str, index: usize) -> Option<Result<&Value, Fault>> {
        Some(self.answers.get(&(name, index))?.as_ref().map_err(Clone::clone))
    }
}

/// Reads collected for one snapshot.
#[derive(Default)]
pub struct Batch {
    reads: Vec<Read>,
    places: Vec<(usize, Key)>,
}

impl Batch {
    /// Asks `read` for feed `feed`.
    pub fn ask(&mut self, feed: usize, key: Key, read: Read) {
        self.reads.push(read);
        self.places.push((feed, key));
    }

    /// Asks a function without arguments, keyed by its own name.
    pub fn call(&mut self, feed: usize, to: H160, interface: Interface, function: &'static str) {
        self.call_as(feed, (function, 0), to, interface, function, Vec::new());
    }

    /// Asks a function with arguments under a key of its own.
    pub fn call_as(
        &mut self,
        feed: usize,
        key: Key,
        to: H160,
        interface: Interface,
        function: &'static str,
        args: Vec<Value>,
    ) {
        self.ask(feed, key, Read::Call { to, call: Call { interface, function, args } });
    }

    /// Reads it all at `block`. A reorganised block ends the report: its numbers would not belong together.
    pub async fn answers(self, chain: &dyn ChainRead, block: &BlockRef) -> Result<Vec<Filed>, Fault> {
        if self.reads.is_empty() {
            return Ok(Vec::new());
        }
        let answers = chain.snapshot(block, self.reads).await;
        if let Some(fault) = answers.iter().filter_map(|answer| answer.as_ref().err()).find(|f| f.kind == Kind::Reorged)
        {
            return Err(fault.clone());
        }
        Ok(self.places.into_iter().zip(answers).map(|((feed, key), answer)| (feed, key, answer)).collect())
    }

    /// Reads it all at `block` and files each answer in its feed's sheet.
    pub async fn run(self, chain: &dyn ChainRead, block: &BlockRef, sheets: &mut [Sheet]) -> Result<(), Fault> {
        file(self.answers(chain, block).await?, sheets);
        Ok(())
    }
}

/// Puts answers into their sheets.
pub fn file(answers: Vec<Filed>, sheets: &mut [Sheet]) {
    for (feed, key, answer) in answers {
        sheets[feed].answers.insert(key, answer);
    }
}
