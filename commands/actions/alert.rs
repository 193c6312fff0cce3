//! `alert.still_firing`: does the sender of an alert still say that it fires. Yes, no, or unknown: never a guess.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use serde_json::json;

use super::{Look, aws};
use crate::alert::Alert;
use crate::context::Context;
use crate::fault::{Fault, Kind};
use crate::ports::systems::{Firing, Witness};
use crate::report::{Cell, Outcome, Report, Section, Status, Table};
use crate::text::{clean, excerpt};

/// Which alert.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StillFiring {
    /// A label that it has: alertname=Down; give it several times
    #[arg(long, value_name = "NAME=VALUE")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub label: Vec<Label>,

    /// Alertmanager's own name of it: 16 hex digits
    #[arg(long, value_name = "HEX")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,

    /// Who sent it: alertmanager, cloudwatch, datadog, grafana or pagerduty; of any other it is unknown
    #[arg(long, value_name = "SOURCE", default_value = "alertmanager")]
    #[serde(default = "alertmanager")]
    pub source: String,

    /// The alerts, in place of labels
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Alert>,
}

fn alertmanager() -> String {
    "alertmanager".to_owned()
}

/// A label and its value: `alertname=Down`.
#[derive(Clone, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl FromStr for Label {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "it takes a label and its value: alertname=Down".to_owned();
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        if !is_label(name) || value.is_empty() {
            return Err(wrong());
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

crate::words::as_text!(Label);

/// Whether it is a name that a label can have.
fn is_label(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether it still fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    Unknown,
}

impl Answer {
    fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

/// What the witnesses say together: yes where one says so, no where all do, else unknown.
fn together(witnesses: &[Witness], fingerprint: Option<&str>) -> (Answer, Vec<String>) {
    let is_it = |one: &&Firing| fingerprint.is_none_or(|wanted| one.fingerprint.eq_ignore_ascii_case(wanted));
    let mut answer = if witnesses.is_empty() { Answer::Unknown } else { Answer::No };
    let mut why = Vec::new();
    for Witness { by, says } in witnesses {
        match says {
            Ok(firing) => match firing.iter().find(is_it) {
                Some(one) => {
                    answer = Answer::Yes;
                    let muted = if one.muted { ", silenced or inhibited there" } else { "" };
                    why.push(format!("{by}: it fires ({}){muted}", clean(&one.fingerprint)));
                }
                None => why.push(format!("{by}: it does not fire")),
            },
            Err(fault) => {
                if answer == Answer::No {
                    answer = Answer::Unknown;
                }
                why.push(format!("{by}: {}", fault.one_line()));
            }
        }
    }
    (answer, why)
}

impl StillFiring {
    /// What is asked about: labels of one alert each.
    fn asked(&self) -> Result<Vec<BTreeMap<String, String>>, Fault> {
        let own: BTreeMap<String, String> =
            self.label.iter().map(|one| (one.name.clone(), one.value.clone())).collect();
        if !own.is_empty() || self.fingerprint.is_some() {
            return Ok(vec![own]);
        }
        let labels = |alert: &Alert| -> BTreeMap<String, String> {
            alert.labels.iter().filter(|(name, _)| is_label(name)).map(|(k, v)| (k.clone(), v.clone())).collect()
        };
        let all: Vec<_> = self.alerts.iter().map(labels).collect();
        if all.is_empty() || all.iter().any(BTreeMap::is_empty) {
            return Err(Fault::new(Kind::Usage, "it is not said which alert is meant")
                .hint("give its labels: --label alertname=Down --label instance=web-01"));
        }
        Ok(all)
    }

    /// What its sender says, where it can be asked.
    async fn sender(&self, context: &Context, labels: &BTreeMap<String, String>) -> (Answer, Vec<String>) {
        let source = excerpt(&self.source, 40);
        context.progress().stage(&format!("asking {source} whether it still fires"));
        let said = match context.senders() {
            Some(senders) => senders.fires(&self.source, labels).await,
            None => None,
        };
        match said {
            Some(Ok(said)) => {
                let answer = if said.fires { Answer::Yes } else { Answer::No };
                (answer, vec![format!("{}: {}", said.by, clean(&said.words))])
            }
            Some(Err(fault)) => (Answer::Unknown, vec![fault.one_line()]),
            None => (
                Answer::Unknown,
                vec![format!("{source} is not configured, or cannot be asked whether an alert still fires")],
            ),
        }
    }
}

fn named(labels: &BTreeMap<String, String>, fingerprint: Option<&str>) -> String {
    let mut parts: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    parts.extend(fingerprint.map(|hex| format!("fingerprint {hex}")));
    excerpt(&parts.join(", "), 160)
}

#[async_trait]
impl Look for StillFiring {
    fn set_alerts(&mut self, alerts: &[Alert]) {
        self.alerts = alerts.to_vec();
    }

    async fn look(&self, context: &Context) -> Result<Report, Fault> {
        let asked = self.asked()?;
        let fingerprint = self.fingerprint.as_deref();
        let mut rows = Vec::new();
        let mut all = Vec::new();
        for labels in &asked {
            let (answer, why) = if let Some(said) = aws::witness(context, &self.source, labels).await {
                together(&[said], None)
            } else if self.source == "alertmanager" {
                context.progress().stage("asking Alertmanager whether it still fires");
                together(&context.alerts()?.firing(labels).await, fingerprint)
            } else {
                self.sender(context, labels).await
            };
            let status = match answer {
                Answer::Yes => Status::Critical,
                Answer::No => Status::Ok,
                Answer::Unknown => Status::Unknown,
            };
            let what = named(labels, fingerprint);
            rows.push(vec![
                Cell::from(what.as_str()),
                Cell::from(answer.word()).coloured(status),
                Cell::from(why.join("; ")),
            ]);
            all.push((what, answer, why));
        }
        // One that fires is enough; one that is unknown hides whether any does.
        let has = |wanted| all.iter().any(|(_, answer, _)| *answer == wanted);
        let (answer, status, outcome) = if has(Answer::Yes) {
            (Answer::Yes, Status::Critical, Outcome::Problem)
        } else if has(Answer::Unknown) {
            (Answer::Unknown, Status::Unknown, Outcome::Unavailable)
        } else {
            (Answer::No, Status::Ok, Outcome::Well)
        };
        let (what, why) = match all.iter().find(|(_, one, _)| *one == answer) {
            Some((what, _, why)) => (what.as_str(), why.join("; ")),
            None => ("", String::new()),
        };
        let headline = match answer {
            Answer::Yes => format!("It still fires: {what} ({why})."),
            Answer::No => format!("It does not fire any more: {what} ({why})."),
            Answer::Unknown => format!("It is not known whether it still fires: {what} ({why})."),
        };
        let alerts: Vec<_> = all
            .iter()
            .map(|(what, answer, why)| json!({ "alert": what, "firing": answer.word(), "why": why }))
            .collect();
        let table = Table { columns: vec!["alert", "fires", "why"], rows, ..Table::default() };
        Ok(Report {
            sections: vec![Section { status, headline, advice: String::new(), facts: Vec::new(), tables: vec![table] }],
            next: Vec::new(),
            data: json!({ "firing": answer.word(), "why": why, "alerts": alerts }),
            errors: Vec::new(),
            warnings: Vec::new(),
            outcome,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn witness(by: &str, says: Result<&[&str], Kind>) -> Witness {
        let firing = |fingerprint: &&str| Firing {
            fingerprint: (*fingerprint).to_owned(),
            labels: BTreeMap::new(),
            muted: false,
        };
        let says = says.map(|all| all.iter().map(firing).collect()).map_err(|kind| Fault::new(kind, "is out of order"));
        Witness { by: by.to_owned(), says }
    }

    #[test]
    fn lesson_27_yes_if_one_says_so_no_only_if_all_do() {
        let answer = |all: &[Witness]| together(all, None).0;
        let (fires, not, silent) =
            (witness("a", Ok(&["f1"])), witness("b", Ok(&[])), witness("c", Err(Kind::Unreachable)));
        assert_eq!(answer(&[not.clone(), fires.clone()]), Answer::Yes);
        assert_eq!(answer(&[silent.clone(), fires.clone()]), Answer::Yes);
        assert_eq!(answer(&[fires.clone(), silent.clone()]), Answer::Yes);
        assert_eq!(answer(&[not.clone(), silent.clone()]), Answer::Unknown);
        assert_eq!(answer(&[silent, not.clone()]), Answer::Unknown);
        assert_eq!(answer(&[not.clone(), not]), Answer::No);
        assert_eq!(answer(&[]), Answer::Unknown);
        assert_eq!(together(&[fires], Some("f2")).0, Answer::No);
    }

    #[test]
    fn no_label_means_no_alert_and_never_every_one() {
        let none = StillFiring { label: Vec::new(), fingerprint: None, source: alertmanager(), alerts: Vec::new() };
        assert_eq!(none.asked().expect_err("nothing").kind, Kind::Usage);
        let bare = StillFiring { alerts: vec![Alert::default()], ..none };
        assert_eq!(bare.asked().expect_err("nothing").kind, Kind::Usage);
        for wrong in ["", "=x", "a=", "a b=c", "1a=c"] {
            assert!(wrong.parse::<Label>().is_err(), "{wrong}");
        }
    }
}
