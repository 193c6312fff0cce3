//! `http.request`: tells a web server to do something, once, or as often as needed under one key.

use async_trait::async_trait;
use serde_json::json;

use super::{PlainHeader, SecretHeader, data, digest, facts};
use crate::actions::{Act, Attempt, Broken, Change, Deed, Plan, Probed, Verified};
use crate::context::{Context, Open};
use crate::effect::{Effect, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::systems::{WebAnswer, WebAsk};
use crate::text::excerpt;

/// The name of the action.
const NAME: &str = "http.request";

/// How it is told.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    clap::ValueEnum,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum RequestMethod {
    /// The usual one.
    #[default]
    #[value(name = "POST")]
    Post,
    /// Puts something in a place.
    #[value(name = "PUT")]
    Put,
    /// Changes a part of something.
    #[value(name = "PATCH")]
    Patch,
    /// Takes something away.
    #[value(name = "DELETE")]
    Delete,
}

impl RequestMethod {
    fn word(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// How it may be repeated.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    clap::ValueEnum,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Repeat {
    /// It may have happened once begun, and is never silently repeated
    #[default]
    Once,
    /// The server takes the same request again for the same, by its method or by its Idempotency-Key
    Idempotent,
}

/// What is to be done where.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Request {
    /// The URL; one that holds a key by reference, such as env:NAME
    #[arg(long, value_name = "URL")]
    pub url: String,

    /// POST, PUT, PATCH or DELETE
    #[arg(long, value_name = "METHOD", value_enum, ignore_case = true, default_value_t)]
    #[serde(default)]
    pub method: RequestMethod,

    /// What is sent
    #[arg(long, value_name = "TEXT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,

    /// What the body is; JSON where it is readable as that, else plain text
    #[arg(long, value_name = "TYPE")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,

    /// A header: "Accept: text/plain"
    #[arg(long, value_name = "NAME: VALUE")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub header: Vec<PlainHeader>,

    /// A header whose value is a secret: "Authorization: Bearer env:NAME"
    #[arg(long, value_name = "NAME: REFERENCE")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_header: Vec<SecretHeader>,

    /// How it may be repeated: once, or idempotent where the server knows a request again
    #[arg(long, value_name = "EFFECT", value_enum, default_value_t)]
    #[serde(default)]
    pub effect: Repeat,

    /// What is sent as Idempotency-Key; one that no other request has where none is given
    #[arg(long, value_name = "KEY")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,

    /// Seconds that it may take as a whole
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    #[serde(default = "ten")]
    pub within: u64,

    /// A part of the URL comes from an alert: only a public address is asked, or one that the configuration allows
    #[arg(long, hide = true)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untrusted: bool,
}

fn ten() -> u64 {
    10
}

impl Request {
    fn ask(&self) -> Result<WebAsk, Fault> {
        let mut headers: Vec<(String, String)> =
            self.header.iter().map(|one| (one.name.clone(), one.value.clone())).collect();
        if let Some(body) = &self.body {
            let is_json = serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok();
            let guessed = if is_json { "application/json" } else { "text/plain; charset=utf-8" };
            let kind = self.content_type.as_deref().unwrap_or(guessed);
            if kind.starts_with("application/json") && !is_json {
                return Err(Fault::new(Kind::Usage, "--body is no JSON, and --content-type says that it is"));
            }
            headers.push(("content-type".to_owned(), kind.to_owned()));
        }
        Ok(WebAsk {
            method: self.method.word(),
            url: self.url.clone(),
            headers,
            secret_headers: self.secret_header.iter().map(SecretHeader::parts).collect(),
            body: self.body.clone(),
            seconds: self.within,
            untrusted: self.untrusted,
        })
    }

    /// What no other attempt has, unless it is given.
    fn key(&self, attempt: &Attempt<'_>) -> Result<String, Fault> {
        if let Some(key) = &self.idempotency_key {
            let fits = (1..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
            return if fits {
                Ok(key.clone())
            } else {
                Err(Fault::new(Kind::Usage, "--idempotency-key is 1 to 128 letters, digits and signs, without a blank"))
            };
        }
        let of = format!("{} {} {}", attempt.asked, attempt.plan.target, attempt.context.now());
        Ok(format!("ira-{}", &digest(of.as_bytes())["sha256:".len()..][..32]))
    }
}

/// What an answer says of the effect: done, or broken with what is known.
fn judged(place: &str, answer: WebAnswer) -> Result<WebAnswer, Broken> {
    let status = answer.status;
    let said = excerpt(&String::from_utf8_lossy(&answer.body), 200);
    let fault = |kind, what: String| {
        let fault = Fault::new(kind, what);
        if said.is_empty() { fault } else { fault.because(format!("it says: {said}")) }
    };
    match status {
        200..=299 => Ok(answer),
        // Many answer so to a form that they took.
        300..=399 => Err(Broken::unknown(
            fault(Kind::BadAnswer, format!("{place} redirects (HTTP {status}), which is not followed"))
                .hint("look whether it was done; give the final URL"),
        )),
        // It may have been read before it was given up.
        408 | 499 => Err(Broken::unknown(fault(Kind::Timeout, format!("{place} gave up waiting (HTTP {status})")))),
        401 | 403 => {
            Err(Broken::before(fault(Kind::Denied, format!("{place} refuses the credential (HTTP {status})"))))
        }
        429 => Err(Broken::before(fault(Kind::RateLimited, format!("{place} asks to slow down (HTTP 429)")))),
        400..=499 => Err(Broken::before(fault(Kind::BadAnswer, format!("{place} does not take it (HTTP {status})")))),
        _ => Err(Broken::unknown(fault(Kind::Unreachable, format!("{place} is out of order (HTTP {status})")))),
    }
}

#[async_trait]
impl Act for Request {
    fn effect(&self) -> Effect {
        match self.effect {
            Repeat::Once => Effect::Once,
            Repeat::Idempotent => Effect::Idempotent,
        }
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Irreversible
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        let ask = self.ask()?;
        let place = context.web()?.place(&ask).await?;
        let (method, sent) = (ask.method, self.body.as_deref().unwrap_or_default());
        let after = match sent {
            "" => "without a body".to_owned(),
            body => format!("{} bytes: {}", body.len(), excerpt(body, 120)),
        };
        let mut notes = Vec::new();
        if self.effect == Repeat::Idempotent {
            notes.push("it may be sent again: the server is said to know it by its Idempotency-Key".to_owned());
        }
        Ok(Plan {
            action: NAME,
            what: format!("send {method} to {place}"),
            // The URL may be a reference, and two of them lead to one place; what is sent is another thing to do.
            target: format!("{NAME} {method} {place} {}", digest(format!("{}\n{sent}", self.url).as_bytes())),
            changes: vec![Change::new(format!("{method} {place}"), "not sent", after)],
            place,
            spend: None,
            nothing: false,
            effect: self.effect(),
            reach: self.reach(),
            taken_back: TakenBack::Irreversible,
            notes,
        })
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let mut ask = self.ask()?;
        let key = self.key(attempt)?;
        ask.headers.push(("idempotency-key".to_owned(), key.clone()));
        let step = attempt.begin(&json!({ "idempotency-key": key }))?;
        let result = match step.web() {
            Ok(web) => web.send(&ask).await,
            Err(fault) => Err(Broken::before(fault)),
        };
        let result = result.and_then(|answer| judged(&attempt.plan.place, answer)).map(|answer| {
            let mut all = data(&answer);
            all["idempotency_key"] = json!(key);
            Deed { summary: format!("it answered {}", answer.status), facts: facts(&answer), data: all }
        });
        attempt.end(step, result)
    }

    async fn verify(&self, _context: &Context, agreed: &Plan) -> Result<Verified, Fault> {
        // What the request did is for another read to tell: only its own answer is known here.
        Ok(Verified {
            worked: true,
            proof: format!("{} took it; whether it worked is for another check", agreed.place),
        })
    }

    async fn probe(&self, _context: &Context, _open: &Open) -> Result<Probed, Fault> {
        Ok(Probed::Unknown("only the server knows whether it came: look there".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::Left;

    #[test]
    fn what_a_status_says_of_the_effect() {
        let left = |status| {
            let answer = WebAnswer { status, headers: Vec::new(), body: Vec::new(), cut: false, ms: 1 };
            judged("h", answer).map(|_| ()).map_err(|broken| broken.left)
        };
        for well in [200, 201, 202, 204] {
            assert_eq!(left(well), Ok(()), "{well}");
        }
        for nothing in [400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429] {
            assert_eq!(left(nothing), Err(Left::Nothing), "{nothing}");
        }
        for unknown in [301, 302, 307, 408, 500, 502, 503, 504] {
            assert_eq!(left(unknown), Err(Left::Unknown), "{unknown}");
        }
    }
}
