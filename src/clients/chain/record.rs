//! Writes every answer of a run down, so that the run can be done again without a network.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ira_commands::ports::BlockRef;
use ira_commands::{Fault, Kind};
use serde_json::value::RawValue;

use super::wire::{Raw, RpcItem, Wire};

/// Version of the file's form.
pub(super) const FORM: u64 = 1;

/// What a recording says of the run that it is of.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct About {
    /// The wall clock when it began, unix seconds.
    pub recorded_at: u64,
    /// How many endpoints it had.
    pub endpoints: usize,
    /// How many of them had to agree.
    #[serde(default = "one")]
    pub quorum: usize,
    /// The version of ira that ran.
    #[serde(default)]
    pub ira: String,
    /// The command as it could be typed, without how the chain was reached.
    #[serde(default)]
    pub asked: String,
}

fn one() -> usize {
    1
}

/// Collects the answers of a run. Holds no URL, header or credential: only methods, parameters, answers and faults,
/// which were scrubbed where they arose.
#[derive(Default)]
pub struct Recorder {
    entries: Mutex<Vec<Entry>>,
}

/// One question to one endpoint, and what came of it.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Entry {
    /// The endpoint, by its place.
    pub(super) e: usize,
    pub(super) method: String,
    pub(super) params: Box<RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "even_null")]
    pub(super) result: Option<Raw>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fault: Option<Noted>,
}

/// `"result": null` is an answer; a missing `result` is none.
fn even_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Raw>, D::Error> {
    serde::Deserialize::deserialize(deserializer).map(Some)
}

/// A fault as it is written down.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct Noted {
    kind: Kind,
    message: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl From<Fault> for Noted {
    fn from(fault: Fault) -> Self {
        Self { kind: fault.kind, message: fault.message, causes: fault.causes, hint: fault.hint }
    }
}

impl From<Noted> for Fault {
    fn from(noted: Noted) -> Self {
        Self { kind: noted.kind, message: noted.message, causes: noted.causes, hint: noted.hint }
    }
}

impl Recorder {
    /// A recorder that has heard nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes what endpoint `e` answered, or that it was given up.
    pub(super) fn note(&self, e: usize, items: &[RpcItem], answers: &[Result<Raw, Fault>]) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        for (item, answer) in items.iter().zip(answers) {
            // Parameters are JSON by construction.
            let Ok(params) = RawValue::from_string(item.params.clone()) else { continue };
            let (result, fault) = match answer {
                Ok(raw) => (Some(raw.clone()), None),
                Err(fault) => (None, Some(fault.clone().into())),
            };
            entries.push(Entry { e, method: item.method.to_owned(), params, result, fault });
        }
    }

    /// The recording as JSON text, one answer a line; `attachments` are texts that the run also read (the directory), by
    /// name.
    pub fn finish(&self, about: &About, attachments: &BTreeMap<String, String>) -> Result<String, Fault> {
        let failed =
            |error: serde_json::Error| Fault::new(Kind::Failed, format!("cannot write the recording: {error}"));
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let attachments = serde_json::to_string(attachments).map_err(failed)?;
        let about = serde_json::to_string(about).map_err(failed)?;
        let about = about.trim_start_matches('{').trim_end_matches('}');
        let mut text = format!("{{\"ira_recording\":{FORM},{about},\n\"attachments\":{attachments},\n\"rpc\":[\n");
        for (at, entry) in entries.iter().enumerate() {
            if at > 0 {
                text.push_str(",\n");
            }
            text.push_str(&serde_json::to_string(entry).map_err(failed)?);
        }
        text.push_str("\n]}\n");
        Ok(text)
    }
}

/// A wire that is listened to.
pub(super) struct Recorded {
    pub(super) inner: Arc<dyn Wire>,
    pub(super) recorder: Arc<Recorder>,
    pub(super) e: usize,
}

#[async_trait]
impl Wire for Recorded {
    async fn exchange(&self, items: &[RpcItem], pin: Option<&BlockRef>) -> Vec<Result<Raw, Fault>> {
        let answers = self.inner.exchange(items, pin).await;
        self.recorder.note(self.e, items, &answers);
        answers
    }
}
