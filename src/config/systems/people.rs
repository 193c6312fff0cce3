//! The tables of people who are told, and of how.

use std::time::Duration;

use super::read::{address, known, needed, secret, span};
use super::{Channel, DatadogConfig, HeartbeatConfig, OpsgenieConfig, PageConfig, PagerDutyConfig};
use crate::config::engine::fields;
use crate::config::keys;
use crate::config::reader::{Item, Reader};
use crate::config::secret::SecretRef;

const PAGERDUTY: &str = "https://api.pagerduty.com";
const EVENTS: &str = "https://events.pagerduty.com";
const OPSGENIE: &str = "https://api.opsgenie.com";
/// Where Datadog is, in the first of its regions.
const DATADOG: &str = "https://api.datadoghq.com";
/// The external switch is told so often, seconds.
const BEAT: u64 = 60;

pub(super) fn pagerduty(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<PagerDutyConfig> {
    let (mut token, mut from, mut url) = (None, None, known(PAGERDUTY));
    fields(reader, "pagerduty", item, keys::PAGERDUTY, |reader, word, key, item| {
        match word {
            "token" => token = secret(reader, key, item),
            "from" => from = mail(reader, key, item),
            "url" => url = address(reader, key, item).unwrap_or_else(|| known(PAGERDUTY)),
            _ => return false,
        }
        true
    })?;
    let token = needed(reader, item, "pagerduty", "token", token)?;
    let from = needed(reader, item, "pagerduty", "from", from)?;
    Some(PagerDutyConfig { token, from, url })
}

fn mail(reader: &mut Reader<'_>, key: &str, item: &Item<'_>) -> Option<String> {
    let text = reader.text(key, item)?;
    let sound = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
        && text.chars().all(|c| c.is_ascii_graphic());
    if !sound {
        reader.problem(&item.span(), format!("`{key}` takes the address of a user: oncall@example.com"), None);
    }
    sound.then(|| text.to_owned())
}

pub(super) fn page(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<PageConfig> {
    let (mut provider, mut fallback, mut routing_key, mut url) = (Channel::PagerDuty, None, None, known(EVENTS));
    let (mut acknowledged_within, mut declared) = (None, None);
    fields(reader, "page", item, keys::PAGE, |reader, word, key, item| {
        match word {
            "provider" => {
                provider = channel(reader, key, item, &[Channel::PagerDuty, Channel::Opsgenie]).unwrap_or(provider);
            }
            "fallback" => {
                fallback = channel(reader, key, item, &[Channel::PagerDuty, Channel::Opsgenie, Channel::Slack]);
            }
            "acknowledged_within" => acknowledged_within = span(reader, key, item),
            "routing_key" => routing_key = secret(reader, key, item),
            "declared" => declared = reader.text(key, item).map(str::to_owned).filter(|word| !word.trim().is_empty()),
            "url" => url = address(reader, key, item).unwrap_or_else(|| known(EVENTS)),
            _ => return false,
        }
        true
    })?;
    if [Some(provider), fallback].contains(&Some(Channel::PagerDuty)) {
        needed(reader, item, "page", "routing_key", routing_key.as_ref())?;
    }
    let fallback = fallback.filter(|other| *other != provider);
    if acknowledged_within.is_some() {
        needed(reader, item, "page", "fallback, which `acknowledged_within` needs", fallback)?;
    }
    let acknowledged_within = acknowledged_within.map(Duration::from_secs);
    Some(PageConfig { provider, fallback, acknowledged_within, routing_key, url, declared })
}

pub(super) fn heartbeat(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<HeartbeatConfig> {
    let (mut url, mut every, mut watchdog) = (None, BEAT, None);
    fields(reader, "heartbeat", item, keys::HEARTBEAT, |reader, word, key, item| {
        match word {
            "url" => url = address(reader, key, item),
            "every" => every = span(reader, key, item).unwrap_or(BEAT),
            "watchdog" => watchdog = span(reader, key, item),
            _ => return false,
        }
        true
    })?;
    let url = needed(reader, item, "heartbeat", "url", url)?;
    Some(HeartbeatConfig {
        url,
        every: Duration::from_secs(every.max(1)),
        watchdog: watchdog.map(|within| Duration::from_secs(within.max(1))),
    })
}

fn channel(reader: &mut Reader<'_>, key: &str, item: &Item<'_>, of: &[Channel]) -> Option<Channel> {
    let text = reader.text(key, item)?;
    let found = of.iter().find(|channel| channel.word() == text).copied();
    if found.is_none() {
        let words: Vec<&str> = of.iter().map(|channel| channel.word()).collect();
        reader.problem(&item.span(), format!("`{key}` is one of {}", words.join(", ")), None);
    }
    found
}

pub(super) fn slack(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<SecretRef> {
    let mut webhook = None;
    fields(reader, "slack", item, keys::SLACK, |reader, word, key, item| {
        let known = word == "webhook";
        if known {
            webhook = secret(reader, key, item);
        }
        known
    })?;
    needed(reader, item, "slack", "webhook", webhook)
}

pub(super) fn opsgenie(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<OpsgenieConfig> {
    let (mut api, mut url) = (None, known(OPSGENIE));
    fields(reader, "opsgenie", item, keys::OPSGENIE, |reader, word, key, item| {
        match word {
            "key" => api = secret(reader, key, item),
            "url" => url = address(reader, key, item).unwrap_or_else(|| known(OPSGENIE)),
            _ => return false,
        }
        true
    })?;
    let key = needed(reader, item, "opsgenie", "key", api)?;
    Some(OpsgenieConfig { key, url })
}

/// `[datadog]`.
pub(super) fn datadog(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<DatadogConfig> {
    let (mut api, mut application, mut url) = (None, None, known(DATADOG));
    fields(reader, "datadog", item, keys::DATADOG, |reader, word, key, item| {
        match word {
            "api_key" => api = secret(reader, key, item),
            "application_key" => application = secret(reader, key, item),
            "url" => url = address(reader, key, item).unwrap_or_else(|| known(DATADOG)),
            _ => return false,
        }
        true
    })?;
    let api_key = needed(reader, item, "datadog", "api_key", api)?;
    let application_key = needed(reader, item, "datadog", "application_key", application)?;
    Some(DatadogConfig { api_key, application_key, url })
}
