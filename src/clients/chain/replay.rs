//! Answers from a recording, with no network.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ira_commands::ports::BlockRef;
use ira_commands::{Fault, Kind};
use serde_json::Value as Json;

use super::record::{About, Entry, FORM};
use super::wire::{Meter, Raw, RpcItem, Wire};

/// More endpoints than anybody has.
const MOST_ENDPOINTS: usize = 1000;

/// A recording that was read back.
pub struct Recording {
    about: About,
    attachments: BTreeMap<String, String>,
    answers: Arc<Answers>,
}

/// Endpoint, method and canonical parameters.
type Question = (usize, String, String);

/// The answers to each question, in the order in which they were given.
type Answers = Mutex<HashMap<Question, VecDeque<Result<Raw, Fault>>>>;

#[derive(serde::Deserialize)]
struct File {
    ira_recording: u64,
    #[serde(flatten)]
    about: About,
    #[serde(default)]
    attachments: BTreeMap<String, String>,
    rpc: Vec<Entry>,
}

impl Recording {
    /// Reads the text that [`Recorder::finish`](super::Recorder::finish) wrote; it may have been reformatted since.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let refuse = |why: String| {
            Fault::new(Kind::Usage, "this is no recording of ira")
                .because(why)
                .hint("give a file that was written by --record")
        };
        let file: File = serde_json::from_str(text).map_err(|error| refuse(error.to_string()))?;
        if file.ira_recording != FORM {
            let by = if file.about.ira.is_empty() { "another version" } else { &file.about.ira };
            let what = format!("its form is {} (of ira {by}), this version reads {FORM}", file.ira_recording);
            return Err(refuse(what));
        }
        if file.about.endpoints == 0 || file.about.endpoints > MOST_ENDPOINTS || file.about.quorum == 0 {
            return Err(refuse(format!("it names {} endpoints", file.about.endpoints)));
        }
        let mut answers: HashMap<Question, VecDeque<Result<Raw, Fault>>> = HashMap::new();
        for Entry { e, method, params, result, fault } in file.rpc {
            let answer = match (result, fault) {
                (_, Some(fault)) => Err(fault.into()),
                (Some(result), None) => Ok(result),
                (None, None) => return Err(refuse(format!("an entry of {method} has neither result nor fault"))),
            };
            answers.entry((e, method, canonical(params.get()))).or_default().push_back(answer);
        }
        let answers = Arc::new(Mutex::new(answers));
        Ok(Self { about: file.about, attachments: file.attachments, answers })
    }

    /// What it says of the run that it is of.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The texts that it also read, by name.
    pub fn attachments(&self) -> &BTreeMap<String, String> {
        &self.attachments
    }

    pub(super) fn wire(&self, e: usize, meter: Arc<Meter>) -> Replay {
        let made = match (self.about.ira.as_str(), self.about.asked.as_str()) {
            ("" | env!("CARGO_PKG_VERSION"), "") => {
                "it was made by another version of ira, or with other flags".to_owned()
            }
            (env!("CARGO_PKG_VERSION"), asked) => format!("it was recorded with: {asked}"),
            (ira, asked) => {
                format!("it was recorded by ira {ira} (this is {}) with: {asked}", env!("CARGO_PKG_VERSION"))
            }
        };
        Replay { answers: self.answers.clone(), e, meter, made }
    }
}

/// One endpoint of a recording.
pub(super) struct Replay {
    answers: Arc<Answers>,
    e: usize,
    meter: Arc<Meter>,
    /// How it came about, for a question that it holds no answer to.
    made: String,
}

#[async_trait]
impl Wire for Replay {
    // The pin was checked when the answers were given: what failed the check was recorded as the fault that it was.
    async fn exchange(&self, items: &[RpcItem], _pin: Option<&BlockRef>) -> Vec<Result<Raw, Fault>> {
        let place = self.meter.start();
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = |item: &RpcItem| {
            let question = (self.e, item.method.to_owned(), canonical(&item.params));
            let Some(known) = answers.get_mut(&question) else {
                let what = format!("holds no answer for {} {}", item.method, clip(&item.params));
                return Err(Fault::new(Kind::Missing, what)
                    .because(self.made.clone())
                    .hint("replay it with the flags it was recorded with, or record it anew"));
            };
            // Asked more often than recorded, the last answer stands.
            let last = known.len() == 1;
            let answer = if last { known.front().cloned() } else { known.pop_front() };
            answer.unwrap_or_else(|| Err(Fault::new(Kind::Missing, "holds no further answer")))
        };
        let answered = items.iter().map(answer).collect();
        self.meter.end(place);
        answered
    }
}

fn clip(text: &str) -> String {
    let cut: String = text.chars().take(80).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}

/// The same text for the same JSON, whatever its blanks and the order of its keys.
fn canonical(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    if let Ok(value) = serde_json::from_str(json) {
        write_canonical(&value, &mut out);
    }
    out
}

fn write_canonical(value: &Json, out: &mut String) {
    match value {
        Json::Array(items) => {
            out.push('[');
            for item in items {
                write_canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Json::Object(fields) => {
            let sorted: BTreeMap<&String, &Json> = fields.iter().collect();
            out.push('{');
            for (name, field) in sorted {
                let _infallible = write!(out, "{}:", Json::from(name.as_str()));
                write_canonical(field, out);
                out.push(',');
            }
            out.push('}');
        }
        plain => {
            let _infallible = write!(out, "{plain}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::chain::Recorder;

    fn item(params: &str) -> RpcItem {
        RpcItem::new("eth_call", params.to_owned())
    }

    fn raw(text: &str) -> Raw {
        Raw::from(serde_json::value::RawValue::from_string(text.to_owned()).expect("JSON"))
    }

    #[tokio::test]
    async fn answers_come_back_in_order_after_reformatting_and_the_last_one_stays() {
        let recorder = Recorder::new();
        let slow = Fault::new(Kind::Timeout, "does not answer").because("a").hint("b");
        recorder.note(1, &[item(r#"[{"to":"0x1","data":"0x"},"0x5"]"#)], &[Err(slow.clone())]);
        recorder.note(1, &[item(r#"[{"to":"0x1","data":"0x"},"0x5"]"#)], &[Ok(raw("null"))]);
        let attachments = BTreeMap::from([("directory".to_owned(), "[\"x\"]".to_owned())]);
        let about = About { recorded_at: 1_700_000_000, endpoints: 2, quorum: 2, ..About::default() };
        let text = recorder.finish(&about, &attachments).expect("JSON");
        let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Json>(&text).expect("JSON")).expect("JSON");
        let recording = Recording::parse(&pretty).expect("reads its own");
        assert_eq!(recording.about(), &about);
        assert_eq!(recording.attachments(), &attachments);
        let wire = recording.wire(1, Arc::default());
        let question = [item(r#"[{"data":"0x","to":"0x1"},"0x5"]"#)];
        assert_eq!(wire.exchange(&question, None).await.remove(0).expect_err("slow"), slow);
        for _ in 0..2 {
            assert_eq!(wire.exchange(&question, None).await.remove(0).expect("null").get(), "null");
        }
        let fault = recording.wire(0, Arc::default()).exchange(&question, None).await.remove(0).expect_err("not there");
        assert!(fault.kind == Kind::Missing && fault.message.contains("eth_call") && fault.hint.is_some());
    }

    #[test]
    fn what_is_no_recording_is_said() {
        for bad in ["", "[]", "{\"ira_recording\":2,\"recorded_at\":1,\"endpoints\":1,\"rpc\":[]}", "{\"rpc\":[{}]}"] {
            assert_eq!(Recording::parse(bad).err().expect("none").kind, Kind::Usage);
        }
    }
}
