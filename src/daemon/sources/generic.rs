//! Any sender of JSON, by the mapping of the configuration.

use std::collections::BTreeMap;

use ira_commands::alert::Alert;
use ira_commands::date::moment_ms;
use ira_commands::playbook::Incoming;
use ira_commands::text::excerpt;
use serde_json::Value as Json;

use super::alertmanager::episode;
use super::json::{fits, unreadable};
use super::{Batch, Delivery, Limits, Refusal, digest};
use crate::config::intake::{Mapping, Pairs, Pick, scalar};

/// The alerts of a body; `message` is its signed id.
pub(super) fn read(mapping: &Mapping, body: &[u8], message: Option<&str>, limits: &Limits) -> Result<Batch, Refusal> {
    limits.shallow(body)?;
    let body: Json = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    let items = match &mapping.alerts {
        None => std::slice::from_ref(&body),
        Some(pick) => pick
            .find(&body, &Json::Null)
            .and_then(Json::as_array)
            .ok_or_else(|| Refusal::malformed("there is no list where `alerts` looks"))?,
    };
    if items.is_empty() {
        return Err(Refusal::malformed("there is no alert in it"));
    }
    if items.len() > limits.alerts {
        return Err(Refusal::too_much(format!("more than {} alerts", limits.alerts)));
    }
    let read = Reading { mapping, body: &body, message, limits };
    let deliveries: Result<_, _> = items.iter().enumerate().map(|(index, item)| read.one(index, item)).collect();
    Ok(Batch { deliveries: deliveries?, ..Batch::default() })
}

struct Reading<'a> {
    mapping: &'a Mapping,
    body: &'a Json,
    message: Option<&'a str>,
    limits: &'a Limits,
}

impl Reading<'_> {
    fn text(&self, pick: Option<&Pick>, item: &Json) -> Option<String> {
        pick.and_then(|pick| pick.text(self.body, item)).filter(|text| !text.is_empty())
    }

    /// What must be there where the mapping names it: an alert with a part missing is not taken for another.
    fn needed(&self, name: &str, pick: Option<&Pick>, item: &Json) -> Result<Option<String>, Refusal> {
        let Some(pick) = pick else { return Ok(None) };
        let found = self.text(Some(pick), item);
        found.map(Some).ok_or_else(|| Refusal::malformed(format!("there is no text where `{name}` looks")))
    }

    fn one(&self, index: usize, item: &Json) -> Result<Delivery, Refusal> {
        let to = self.mapping;
        let labels = self.pairs(&to.labels, item);
        if labels.is_empty() {
            return Err(Refusal::malformed("an alert has no label"));
        }
        let status = self.needed("status", to.status.as_ref(), item)?;
        let resolved = status.is_some_and(|status| to.resolved.contains(&status));
        let mut alert = Alert { labels, annotations: self.pairs(&to.annotations, item), resolved };
        self.limits.alert(&mut alert)?;
        let began = match self.needed("starts_at", to.starts_at.as_ref(), item)? {
            None => None,
            Some(text) => Some(instant(&text).ok_or_else(|| {
                Refusal::malformed(format!("`{}` is no time at which an alert starts", excerpt(&text, 40)))
            })?),
        };
        let incoming = Incoming { source: "generic".to_owned(), alert, starts_at: began.map(|ms| ms / 1000) };
        let labels = || incoming.alert.labels.iter().flat_map(|(name, value)| [name.as_str(), value]);
        let fingerprint = match self.needed("fingerprint", to.fingerprint.as_ref(), item)? {
            Some(own) => digest(&["generic", &own]),
            None => digest(&["generic"].into_iter().chain(labels()).collect::<Vec<_>>()),
        };
        let id = match (self.needed("id", to.id.as_ref(), item)?, self.message) {
            (Some(id), _) => digest(&["id", &id, incoming.status()]),
            (None, Some(message)) => {
                fits("webhook-id", message)?;
                format!("{message}:{index}")
            }
            (None, None) => episode(&fingerprint, began.unwrap_or_default(), incoming.status()),
        };
        let group_key = self.text(to.group.as_ref(), item).unwrap_or_default();
        if group_key.len() > self.limits.label {
            return Err(Refusal::too_much(format!("more than {} bytes in `group`", self.limits.label)));
        }
        Ok(Delivery { id, fingerprint, group_key, incoming, incident: None })
    }

    fn pairs(&self, pairs: &Pairs, item: &Json) -> BTreeMap<String, String> {
        match pairs {
            Pairs::Of(pick) => {
                let object = pick.find(self.body, item).and_then(Json::as_object);
                object.into_iter().flatten().filter_map(|(name, value)| Some((name.clone(), scalar(value)?))).collect()
            }
            Pairs::Each(each) => {
                let one = |(name, pick): (&String, &Pick)| Some((name.clone(), self.text(Some(pick), item)?));
                each.iter().filter_map(one).collect()
            }
        }
    }
}

/// Unix milliseconds of a moment, or of a number of seconds or milliseconds.
fn instant(text: &str) -> Option<u64> {
    match text.parse::<f64>() {
        // Seconds do not reach this far before the year 5138.
        Ok(number) if (0.0..1e11).contains(&number) => Some(truncated(number * 1000.0)),
        Ok(number) if (1e11..1e15).contains(&number) => Some(truncated(number)),
        Ok(_) => None,
        Err(_) => moment_ms(text),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0 and 1e15")]
fn truncated(number: f64) -> u64 {
    number as u64
}
