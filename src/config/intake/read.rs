//! Reading `[sources.NAME]`.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::{Limits, Mapping, Pairs, Pick, ProofConfig, Scheme, Sender, SourceConfig};
use crate::config::engine::{each, fields};
use crate::config::keys;
use crate::config::reader::{Item, Reader};
use crate::config::secret::SecretRef;

/// The words of `kind`.
const KINDS: [&str; 6] = ["alertmanager", "pagerduty", "sns", "datadog", "grafana", "generic"];

/// What stands in a table, as it is read.
#[derive(Default)]
struct Given {
    kind: Option<&'static str>,
    token: Vec<SecretRef>,
    user: Option<String>,
    password: Vec<SecretRef>,
    header: Option<String>,
    secret: Vec<SecretRef>,
    certificate: Vec<String>,
    timestamp_header: Option<String>,
    unauthenticated: bool,
    topics: Vec<String>,
    receiver: Option<String>,
    body: Option<u64>,
    alerts: Option<u64>,
    /// Whether any key of the mapping is given.
    mapped: bool,
    mapping: Mapping,
}

/// Reads `[sources]`.
pub(in crate::config) fn sources(reader: &mut Reader<'_>, item: &Item<'_>) -> BTreeMap<String, SourceConfig> {
    each(reader, "sources", item, |reader, full, item| {
        let name = full.trim_start_matches("sources.");
        let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 64 || !name.chars().all(sound) {
            let why = "a source's name is a part of a URL: small letters, digits and `-`, at most 64 of them";
            reader.problem(&item.span(), why, None);
            return None;
        }
        let mut given = Given::default();
        fields(reader, full, item, keys::SOURCE, |reader, word, key, item| given.take(reader, word, key, item))?;
        given.whole().map_err(|why| reader.problem(&item.span(), format!("`{full}` {why}"), None)).ok()
    })
}

impl Given {
    fn take(&mut self, reader: &mut Reader<'_>, word: &str, key: &str, item: &Item<'_>) -> bool {
        match word {
            "kind" => {
                self.kind = reader.parsed(key, item, |text| {
                    let known = KINDS.into_iter().find(|kind| *kind == text);
                    known.ok_or_else(|| format!("is one of {}", KINDS.join(", ")))
                });
            }
            "token" => self.token = secrets(reader, key, item),
            "user" => self.user = reader.text(key, item).map(str::to_owned),
            "password" => self.password = secrets(reader, key, item),
            "header" => self.header = reader.parsed(key, item, header),
            "secret" => self.secret = secrets(reader, key, item),
            "certificate" => self.certificate = texts(reader, key, item),
            "timestamp_header" => self.timestamp_header = reader.parsed(key, item, header),
            "unauthenticated" => self.unauthenticated = reader.boolean(key, item).unwrap_or_default(),
            "topics" => {
                self.topics = texts(reader, key, item);
                if self.topics.iter().any(|topic| !is_topic(topic)) {
                    let hint = Some("arn:aws:sns:eu-west-1:123456789012:alarms".to_owned());
                    reader.problem(&item.span(), format!("`{key}` takes the ARN of a topic"), hint);
                }
            }
            "receiver" => self.receiver = reader.text(key, item).map(str::to_owned),
            "max_body_mib" => self.body = reader.integer(key, item, &(1..=64)),
            "max_alerts" => self.alerts = reader.integer(key, item, &(1..=100_000)),
            _ => {
                self.mapped = true;
                return self.map(reader, word, key, item);
            }
        }
        true
    }

    fn map(&mut self, reader: &mut Reader<'_>, word: &str, key: &str, item: &Item<'_>) -> bool {
        let to = &mut self.mapping;
        match word {
            "alerts" => to.alerts = pick(reader, key, item),
            "id" => to.id = pick(reader, key, item),
            "status" => to.status = pick(reader, key, item),
            "resolved" => to.resolved = texts(reader, key, item),
            "starts_at" => to.starts_at = pick(reader, key, item),
            "fingerprint" => to.fingerprint = pick(reader, key, item),
            "group" => to.group = pick(reader, key, item),
            "labels" => to.labels = pairs(reader, key, item),
            "annotations" => to.annotations = pairs(reader, key, item),
            _ => return false,
        }
        true
    }

    fn whole(self) -> Result<SourceConfig, String> {
        let kind = self.kind.ok_or_else(|| format!("has no `kind`: one of {}", KINDS.join(", ")))?;
        if self.mapped && kind != "generic" {
            return Err(format!("is of the kind `{kind}`, whose alerts are known: only `generic` takes a mapping"));
        }
        let sender = match kind {
            "alertmanager" => Sender::Alertmanager,
            "pagerduty" => Sender::PagerDuty,
            "datadog" => Sender::Datadog,
            "grafana" => Sender::Grafana,
            "sns" if self.topics.is_empty() => return Err("has no `topics`: the ARN of each topic".to_owned()),
            "sns" => Sender::Sns(self.topics.clone()),
            _ => {
                let mapping = &self.mapping;
                if mapping.labels == Pairs::default() {
                    return Err("has no `labels`: labels = { alertname = \"item.name\" }".to_owned());
                }
                if mapping.alerts.as_ref().is_some_and(Pick::is_of_item) {
                    return Err("looks for its alerts in an alert: `alerts` begins with `body`".to_owned());
                }
                if mapping.status.is_some() && mapping.resolved.is_empty() {
                    return Err("has a `status` and no `resolved`: which values of it say that it is over".to_owned());
                }
                let signed = !self.secret.is_empty() && self.header.is_none();
                if !signed && mapping.id.is_none() && mapping.starts_at.is_none() {
                    let why = "tells no alert from its next one: give `id` or `starts_at`, or let the sender sign";
                    return Err(why.to_owned());
                }
                Sender::Generic(Box::new(mapping.clone()))
            }
        };
        if kind != "sns" && !self.topics.is_empty() {
            return Err("has `topics`, which only the kind `sns` takes".to_owned());
        }
        if kind != "alertmanager" && self.receiver.is_some() {
            return Err("has a `receiver`, which only an `alertmanager` takes".to_owned());
        }
        let longest = self.body.and_then(|mib| usize::try_from(mib).ok()).unwrap_or(sender.longest());
        let mut limits = Limits { body: longest << 20, ..Limits::default() };
        if let Some(most) = self.alerts.and_then(|most| usize::try_from(most).ok()) {
            limits.alerts = most;
        }
        let receiver = self.receiver.clone();
        Ok(SourceConfig { proof: self.proof(kind)?, sender, limits, receiver })
    }

    fn proof(self, kind: &str) -> Result<ProofConfig, String> {
        let given = [
            (!self.token.is_empty(), "token"),
            (self.user.is_some() || !self.password.is_empty(), "user"),
            (!self.secret.is_empty(), "secret"),
            (!self.certificate.is_empty(), "certificate"),
            (self.unauthenticated, "unauthenticated"),
        ];
        let given: Vec<&str> = given.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect();
        if given.len() > 1 {
            return Err(format!("is proved in more than one way: {}", given.join(", ")));
        }
        if self.header.is_some() && given != ["secret"] {
            return Err("has a `header` and no `secret` that stands in it".to_owned());
        }
        if self.timestamp_header.is_some() && (kind, given.as_slice()) != ("grafana", &["secret"]) {
            return Err("has a `timestamp_header`, which only a `grafana` that signs takes".to_owned());
        }
        match (kind, given.first().copied()) {
            ("sns", None) => Ok(ProofConfig::Inside),
            ("sns", Some(word)) => Err(format!("has `{word}`: a topic proves itself by its signature")),
            ("pagerduty", Some("secret")) if self.header.is_none() => {
                Ok(ProofConfig::Signed(Scheme::PagerDuty, self.secret))
            }
            ("pagerduty", _) => Err("has no `secret`: the one of the webhook subscription".to_owned()),
            (_, Some("token")) => Ok(ProofConfig::Bearer(self.token)),
            (_, Some("user")) => match self.user {
                Some(user) if !self.password.is_empty() && !user.contains(':') => {
                    Ok(ProofConfig::Basic(user, self.password))
                }
                _ => Err("takes a `user` (without a colon) and a `password`".to_owned()),
            },
            (_, Some("certificate")) => Ok(ProofConfig::Certificate(self.certificate)),
            (_, Some("unauthenticated")) => Ok(ProofConfig::Unauthenticated),
            (_, Some("secret")) if self.header.is_some() => {
                Ok(ProofConfig::Header(self.header.unwrap_or_default(), self.secret))
            }
            ("grafana", Some("secret")) => Ok(ProofConfig::Signed(Scheme::Grafana(self.timestamp_header), self.secret)),
            ("generic", Some("secret")) => Ok(ProofConfig::Signed(Scheme::Standard, self.secret)),
            (_, Some(_)) => {
                Err("signs nothing: give `token`, `user` and `password`, `header`, or `certificate`".to_owned())
            }
            (_, None) => {
                Err("does not say how it is proved who sends: give `token`, `user` and `password`, `secret`, \
                              `certificate`, or by the explicit word `unauthenticated = true` (only on loopback)"
                    .to_owned())
            }
        }
    }
}

fn pick(reader: &mut Reader<'_>, key: &str, item: &Item<'_>) -> Option<Pick> {
    reader.parsed(key, item, str::parse)
}

/// An object, or a table of paths.
fn pairs(reader: &mut Reader<'_>, key: &str, item: &Item<'_>) -> Pairs {
    let DeValue::Table(table) = item.get_ref() else {
        return pick(reader, key, item).map(Pairs::Of).unwrap_or_default();
    };
    let one = |(name, item): (&crate::config::reader::Name<'_>, &Item<'_>)| {
        let name = name.get_ref();
        Some((name.to_string(), pick(reader, &format!("{key}.{name}"), item)?))
    };
    Pairs::Each(table.iter().filter_map(one).collect())
}

fn texts(reader: &mut Reader<'_>, key: &str, item: &Item<'_>) -> Vec<String> {
    let all = reader.texts(key, item).unwrap_or_default();
    if all.iter().any(|(text, _)| text.is_empty()) {
        reader.problem(&item.span(), format!("`{key}` holds an empty text"), None);
    }
    all.into_iter().map(|(text, _)| text.to_owned()).collect()
}

/// One secret by reference, or several while they are changed.
fn secrets(reader: &mut Reader<'_>, key: &str, item: &Item<'_>) -> Vec<SecretRef> {
    let folder = crate::config::file::folder(reader);
    let mut all = Vec::new();
    for (text, span) in reader.texts(key, item).unwrap_or_default() {
        match SecretRef::parse_only(text, &folder) {
            Ok(reference) => all.push(reference),
            Err(why) => reader.problem(&span, format!("`{key}` {why}"), None),
        }
    }
    if all.len() > 4 {
        reader.problem(&item.span(), format!("`{key}` takes at most 4 at a time"), None);
    }
    all
}

fn header(text: &str) -> Result<String, String> {
    let sound = !text.is_empty() && text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if sound { Ok(text.to_ascii_lowercase()) } else { Err("takes the name of a header: X-Ira-Token".to_owned()) }
}

/// `arn:aws:sns:REGION:ACCOUNT:NAME`.
fn is_topic(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let [arn, partition, service, region, account, name] = parts.as_slice() else { return false };
    let word = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    *arn == "arn"
        && matches!(*partition, "aws" | "aws-cn" | "aws-us-gov")
        && *service == "sns"
        && (region.len() >= 3 && word(region))
        && (account.len() == 12 && account.chars().all(|c| c.is_ascii_digit()))
        && !name.is_empty()
        && name.len() <= 256
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}
