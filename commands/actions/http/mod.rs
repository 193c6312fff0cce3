//! `http.*`: asking a web server, and telling one to do something.

mod check;
mod header;
mod request;

pub use check::{Check, CheckMethod};
pub use header::{PlainHeader, SecretHeader};
pub use request::{Repeat, Request, RequestMethod};

use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use crate::ports::systems::WebAnswer;
use crate::report::{Cell, Fact};
use crate::text::excerpt;
use crate::units::digits;

/// The most of a body that is shown and kept, characters.
const EXCERPT: usize = 300;

/// The digest of a text: `sha256:` and its hex digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", digits(&Sha256::digest(bytes)))
}

/// What is shown of an answer.
fn facts(answer: &WebAnswer) -> Vec<Fact> {
    let bytes = if answer.cut {
        format!("more than {} bytes", answer.body.len())
    } else {
        format!("{} bytes", answer.body.len())
    };
    let fact = |label, value: String, note: String| Fact { label, value: Cell::from(value), note };
    vec![
        fact("status", answer.status.to_string(), format!("after {} ms", answer.ms)),
        fact("body", said(answer), bytes),
    ]
}

/// The beginning of a body, fit to be shown.
fn said(answer: &WebAnswer) -> String {
    excerpt(&String::from_utf8_lossy(&answer.body), EXCERPT)
}

/// The same for a program.
fn data(answer: &WebAnswer) -> Json {
    json!({
        "status": answer.status,
        "ms": answer.ms,
        "bytes": answer.body.len(),
        "cut": answer.cut,
        "digest": digest(&answer.body),
        "excerpt": said(answer),
    })
}
