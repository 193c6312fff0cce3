//! `http.check`: does a web server answer as it should.

use async_trait::async_trait;
use serde_json::json;

use super::{PlainHeader, SecretHeader, data, facts};
use crate::actions::Look;
use crate::context::Context;
use crate::fault::Fault;
use crate::ports::systems::{WebAnswer, WebAsk};
use crate::report::{Outcome, Report, Section, Status};
use crate::text::excerpt;

/// How it is asked.
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
pub enum CheckMethod {
    /// With the body.
    #[default]
    #[value(name = "GET")]
    Get,
    /// Without it.
    #[value(name = "HEAD")]
    Head,
}

/// What is asked, and what the answer should be.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Check {
    /// The URL; one that holds a key by reference, such as env:NAME
    #[arg(long, value_name = "URL")]
    pub url: String,

    /// GET, or HEAD for the headers alone
    #[arg(long, value_name = "METHOD", value_enum, ignore_case = true, default_value_t)]
    #[serde(default)]
    pub method: CheckMethod,

    /// The status that is well; any of 200 to 299 where none is given
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(100..=599))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,

    /// What the body must contain
    #[arg(long, value_name = "TEXT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,

    /// A header that the answer must have, with a value that contains this: "content-type: json"
    #[arg(long, value_name = "NAME: TEXT")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect_header: Vec<PlainHeader>,

    /// A header of the request: "Accept: text/plain"
    #[arg(long, value_name = "NAME: VALUE")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub header: Vec<PlainHeader>,

    /// A header whose value is a secret: "Authorization: Bearer env:NAME"
    #[arg(long, value_name = "NAME: REFERENCE")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_header: Vec<SecretHeader>,

    /// Seconds that it may take as a whole
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=300))]
    #[serde(default = "five")]
    pub within: u64,

    /// A part of the URL comes from an alert: only a public address is asked, or one that the configuration allows
    #[arg(long, hide = true)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untrusted: bool,
}

fn five() -> u64 {
    5
}

impl Check {
    fn ask(&self) -> WebAsk {
        WebAsk {
            method: match self.method {
                CheckMethod::Get => "GET",
                CheckMethod::Head => "HEAD",
            },
            url: self.url.clone(),
            headers: self.header.iter().map(|one| (one.name.clone(), one.value.clone())).collect(),
            secret_headers: self.secret_header.iter().map(SecretHeader::parts).collect(),
            body: None,
            seconds: self.within,
            untrusted: self.untrusted,
        }
    }

    /// What is not as it should be.
    fn wrong(&self, answer: &WebAnswer) -> Vec<String> {
        let mut wrong = Vec::new();
        match self.status {
            Some(status) if answer.status != status => {
                wrong.push(format!("it answers {}, not {status}", answer.status));
            }
            None if !(200..300).contains(&answer.status) => wrong.push(format!("it answers {}", answer.status)),
            _ => {}
        }
        if let Some(text) = &self.contains
            && !String::from_utf8_lossy(&answer.body).contains(text.as_str())
        {
            let within = if answer.cut { format!(" in its first {} bytes", answer.body.len()) } else { String::new() };
            wrong.push(format!("the body does not contain `{}`{within}", excerpt(text, 60)));
        }
        for wanted in &self.expect_header {
            let name = wanted.name.to_ascii_lowercase();
            let found: Vec<&str> =
                answer.headers.iter().filter(|(have, _)| *have == name).map(|(_, value)| value.as_str()).collect();
            if !found.iter().any(|value| value.contains(&wanted.value)) {
                let is = if found.is_empty() { "is missing".to_owned() } else { excerpt(&found.join(", "), 80) };
                wrong.push(format!("the header {}: {is}", wanted.name));
            }
        }
        wrong
    }
}

#[async_trait]
impl Look for Check {
    async fn look(&self, context: &Context) -> Result<Report, Fault> {
        let web = context.web()?;
        let ask = self.ask();
        let place = web.place(&ask).await?;
        context.progress().stage(&format!("asking {place}"));
        let answer = web.fetch(&ask).await.map_err(|fault| fault.wrap(format!("{place} could not be checked")))?;
        let wrong = self.wrong(&answer);
        let well = wrong.is_empty();
        let (status, headline) = if well {
            (Status::Ok, format!("{place} answers as it should: {} in {} ms.", answer.status, answer.ms))
        } else {
            (Status::Critical, format!("{place} does not answer as it should: {}.", wrong.join("; ")))
        };
        let mut all = data(&answer);
        all["ok"] = json!(well);
        all["wrong"] = json!(wrong);
        Ok(Report {
            sections: vec![Section {
                status,
                headline,
                advice: String::new(),
                facts: facts(&answer),
                tables: Vec::new(),
            }],
            next: Vec::new(),
            data: all,
            errors: Vec::new(),
            warnings: Vec::new(),
            outcome: if well { Outcome::Well } else { Outcome::Problem },
        })
    }
}
