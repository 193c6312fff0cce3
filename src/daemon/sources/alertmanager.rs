//! Alertmanager's webhook, version 4. It signs nothing and gives a message no id: retries and reminders are the same to
//! the byte, and a flap has a new start.

use std::collections::BTreeMap;
use std::fmt;

use ira_commands::alert::Alert;
use ira_commands::date::moment_ms;
use ira_commands::playbook::Incoming;
use ira_commands::text::excerpt;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::json::{MORE, Pairs, shorten, unreadable};
use super::{Batch, Delivery, Limits, Refusal, digest};

/// Who speaks it.
#[derive(Clone, Copy)]
pub(super) struct Dialect {
    /// What its alerts are said to come from.
    pub(super) source: &'static str,
    /// What `version` is.
    pub(super) version: &'static str,
    /// Fields of an alert that are kept as annotations.
    pub(super) kept: &'static [&'static str],
}

/// Alertmanager itself.
pub(super) const ALERTMANAGER: Dialect = Dialect { source: "alertmanager", version: "4", kept: &[] };

/// The alerts of a body.
pub(super) fn read(body: &[u8], limits: &Limits) -> Result<Batch, Refusal> {
    Ok(read_as(ALERTMANAGER, body, limits)?.0)
}

/// The same of another who speaks it, with the number of its organisation.
pub(super) fn read_as(dialect: Dialect, body: &[u8], limits: &Limits) -> Result<(Batch, Option<i64>), Refusal> {
    limits.shallow(body)?;
    let mut json = serde_json::Deserializer::from_slice(body);
    let message = Message { limits, dialect }.deserialize(&mut json).map_err(|error| unreadable(&error))?;
    json.end().map_err(|error| unreadable(&error))?;
    Ok(message)
}

/// A whole message.
struct Message<'a> {
    limits: &'a Limits,
    dialect: Dialect,
}

impl<'de> DeserializeSeed<'de> for Message<'_> {
    type Value = (Batch, Option<i64>);

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Message<'_> {
    type Value = (Batch, Option<i64>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the object of a webhook")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut org = None;
        let (mut alerts, mut version, mut truncated, mut group_key) = (None, None, 0, String::new());
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "version" => version = Some(map.next_value::<String>()?),
                "groupKey" => group_key = map.next_value()?,
                "truncatedAlerts" => truncated = map.next_value()?,
                "alerts" if alerts.is_none() => {
                    alerts = Some(map.next_value_seed(Alerts { limits: self.limits, dialect: self.dialect })?);
                }
                "orgId" => org = map.next_value()?,
                "alerts" => return Err(A::Error::custom("`alerts` is given twice")),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        match version.as_deref() {
            Some(version) if version == self.dialect.version => {}
            Some(other) => {
                let why = format!("its version is `{}`, not {}", excerpt(other, 20), self.dialect.version);
                return Err(A::Error::custom(why));
            }
            None => return Err(A::Error::missing_field("version")),
        }
        let mut deliveries = alerts.ok_or_else(|| A::Error::missing_field("alerts"))?;
        if deliveries.is_empty() {
            return Err(A::Error::custom("there is no alert in it"));
        }
        if group_key.len() > self.limits.label {
            return Err(A::Error::custom(format!("{MORE} {} bytes in `groupKey`", self.limits.label)));
        }
        for delivery in &mut deliveries {
            group_key.clone_into(&mut delivery.group_key);
        }
        Ok((Batch { deliveries, truncated, ..Batch::default() }, org))
    }
}

/// The list of alerts.
struct Alerts<'a> {
    limits: &'a Limits,
    dialect: Dialect,
}

impl<'de> DeserializeSeed<'de> for Alerts<'_> {
    type Value = Vec<Delivery>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Alerts<'_> {
    type Value = Vec<Delivery>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of alerts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = seq.next_element_seed(One { limits: self.limits, dialect: self.dialect })? {
            if all.len() >= self.limits.alerts {
                return Err(A::Error::custom(format!("{MORE} {} alerts", self.limits.alerts)));
            }
            all.push(one);
        }
        Ok(all)
    }
}

/// One alert.
pub(super) struct One<'a> {
    pub(super) limits: &'a Limits,
    pub(super) dialect: Dialect,
}

impl<'de> DeserializeSeed<'de> for One<'_> {
    type Value = Delivery;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Delivery, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for One<'_> {
    type Value = Delivery;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an alert")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Delivery, A::Error> {
        let (mut labels, mut annotations) = (BTreeMap::new(), BTreeMap::new());
        let mut links = Vec::new();
        let (mut status, mut starts, mut fingerprint) = (String::new(), String::new(), String::new());
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "labels" => labels = map.next_value_seed(Pairs { limits: self.limits, cut: false })?,
                "annotations" => annotations = map.next_value_seed(Pairs { limits: self.limits, cut: true })?,
                "status" => status = map.next_value()?,
                "startsAt" => starts = map.next_value()?,
                "fingerprint" => fingerprint = map.next_value()?,
                kept if self.dialect.kept.contains(&kept) => {
                    if let Some(mut text) = map.next_value::<Option<String>>()?.filter(|text| !text.is_empty()) {
                        shorten(&mut text, self.limits.label);
                        links.push((name, text));
                    }
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        for (name, text) in links {
            annotations.entry(name).or_insert(text);
        }
        let resolved = match status.as_str() {
            "firing" => false,
            "resolved" => true,
            other => return Err(A::Error::custom(format!("an alert's status is `{}`", excerpt(other, 20)))),
        };
        if labels.is_empty() {
            return Err(A::Error::custom("an alert has no label"));
        }
        // Before 1970 is the zero of its language: not known.
        let began = moment_ms(&starts);
        if began.is_none() && !starts.starts_with("0001-") {
            return Err(A::Error::custom(format!("`{}` is no time at which an alert starts", excerpt(&starts, 40))));
        }
        if fingerprint.len() > 128 || fingerprint.is_empty() {
            let parts: Vec<&str> = labels.iter().flat_map(|(name, value)| [name.as_str(), value]).collect();
            fingerprint = digest(&parts);
        }
        let alert = Alert { labels, annotations, resolved };
        let incoming = Incoming { source: self.dialect.source.to_owned(), alert, starts_at: began.map(|ms| ms / 1000) };
        let id = episode(&fingerprint, began.unwrap_or_default(), incoming.status());
        Ok(Delivery { id, fingerprint, group_key: String::new(), incoming, incident: None })
    }
}

/// By which an alert is known again whose sender gives it no id; `began` in unix milliseconds, as exact as every API of
/// Alertmanager has it.
pub(super) fn episode(fingerprint: &str, began: u64, status: &str) -> String {
    // Those that begin together stand together in the index: a storm then writes few pages of it.
    let hash = digest(&[fingerprint, status]);
    format!("{began:012x}{}", &hash[..48])
}
