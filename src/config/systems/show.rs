//! What is set of systems and people, without any secret.

use serde_json::{Value as Json, json};

use super::{Auth, Channel, SystemsConfig};
use crate::config::intake::SourceConfig;
use crate::config::secret::SecretRef;

fn auth(all: &mut Json, auth: &Auth) {
    match auth {
        Auth::None => {}
        Auth::Bearer(token) => all["token"] = json!(token.to_string()),
        Auth::Basic(user, password) => {
            all["user"] = json!(user);
            all["password"] = json!(password.to_string());
        }
    }
}

/// Each table as one value.
pub(in crate::config) fn shown(systems: &SystemsConfig) -> Vec<(String, Json)> {
    let mut all = Vec::new();
    let mut add = |key: &str, value: Json| all.push((key.to_owned(), value));
    if let Some(one) = &systems.pagerduty {
        let value = json!({ "token": one.token.to_string(), "from": one.from, "url": one.url.to_string() });
        add("pagerduty", value);
    }
    if let Some(one) = &systems.page {
        let value = json!({
            "provider": one.provider.word(),
            "routing_key": one.routing_key.as_ref().map(ToString::to_string),
            "fallback": one.fallback.map(Channel::word),
            "acknowledged_within": one.acknowledged_within.map(|within| format!("{}s", within.as_secs())),
            "url": one.url.to_string(),
            "declared": one.declared,
        });
        add("page", value);
    }
    if let Some(one) = &systems.heartbeat {
        let seconds = |time: std::time::Duration| format!("{}s", time.as_secs());
        let value =
            json!({ "url": one.url.to_string(), "every": seconds(one.every), "watchdog": one.watchdog.map(seconds) });
        add("heartbeat", value);
    }
    if let Some(webhook) = &systems.slack {
        add("slack", json!({ "webhook": webhook.to_string() }));
    }
    if let Some(one) = &systems.opsgenie {
        add("opsgenie", json!({ "key": one.key.to_string(), "url": one.url.to_string() }));
    }
    if let Some(one) = &systems.otlp {
        let mut value = json!({ "url": one.url.to_string() });
        auth(&mut value, &one.auth);
        add("otlp", value);
    }
    if let Some(one) = &systems.prometheus {
        let mut value = json!({ "url": one.url.to_string() });
        auth(&mut value, &one.auth);
        add("prometheus", value);
    }
    if let Some(one) = &systems.datadog {
        let value = json!({
            "api_key": one.api_key.to_string(),
            "application_key": one.application_key.to_string(),
            "url": one.url.to_string(),
        });
        add("datadog", value);
    }
    if let Some(one) = &systems.grafana {
        let mut value = json!({ "url": one.url.to_string() });
        auth(&mut value, &one.auth);
        add("grafana", value);
    }
    if let Some(one) = &systems.alertmanager {
        let urls: Vec<String> = one.urls.iter().map(ToString::to_string).collect();
        let mut value = json!({ "urls": urls, "settle": format!("{}s", one.settle) });
        auth(&mut value, &one.auth);
        add("alertmanager", value);
    }
    let cluster = &systems.kubernetes;
    if *cluster != super::KubernetesConfig::default() {
        let value = json!({
            "kubeconfig": cluster.kubeconfig,
            "context": cluster.context,
            "namespace": cluster.namespace,
        });
        add("kubernetes", value);
    }
    for (table, one) in systems.aws.all() {
        add(&table, one.shown());
    }
    for (name, desk) in &systems.tickets {
        let mut value = json!({ "preset": desk.preset.word(), "url": desk.url.to_string(), "project": desk.project });
        auth(&mut value, &desk.auth);
        add(&format!("tickets.{name}"), value);
    }
    for (table, one) in systems.data() {
        add(&format!("{table}.{}", one.name), one.shown());
    }
    if let Some(meeting) = &systems.room.meeting {
        add("war_room.meeting", json!(meeting.to_string()));
    }
    for product in &systems.room.products {
        let matches: Vec<String> = product.matches.iter().map(|(name, value)| format!("{name}={value}")).collect();
        add(&format!("war_room.products.{}", product.name), json!({ "match": matches, "key": product.key }));
    }
    for (name, source) in &systems.sources {
        add(&format!("sources.{name}"), source.shown());
    }
    if !systems.allow.is_empty() {
        let allow: Vec<String> = systems.allow.iter().map(ToString::to_string).collect();
        add("http.allow", json!(allow));
    }
    all
}

fn proof(auth: &Auth) -> Option<&SecretRef> {
    match auth {
        Auth::None => None,
        Auth::Bearer(secret) | Auth::Basic(_, secret) => Some(secret),
    }
}

/// Every reference, with the table that it stands in.
pub(super) fn references(systems: &SystemsConfig) -> Vec<(&'static str, &SecretRef)> {
    let mut all: Vec<(&'static str, &SecretRef)> = Vec::new();
    if let Some(one) = &systems.pagerduty {
        all.extend([("pagerduty", &one.token), ("pagerduty", &one.url)]);
    }
    all.extend(systems.heartbeat.as_ref().map(|one| ("heartbeat", &one.url)));
    if let Some(one) = &systems.page {
        all.extend(one.routing_key.iter().map(|key| ("page", key)));
        all.push(("page", &one.url));
    }
    all.extend(systems.slack.iter().map(|webhook| ("slack", webhook)));
    if let Some(one) = &systems.opsgenie {
        all.extend([("opsgenie", &one.key), ("opsgenie", &one.url)]);
    }
    if let Some(one) = &systems.prometheus {
        all.push(("prometheus", &one.url));
        all.extend(proof(&one.auth).map(|secret| ("prometheus", secret)));
    }
    if let Some(one) = &systems.datadog {
        all.extend([("datadog", &one.api_key), ("datadog", &one.application_key), ("datadog", &one.url)]);
    }
    if let Some(one) = &systems.grafana {
        all.push(("grafana", &one.url));
        all.extend(proof(&one.auth).map(|secret| ("grafana", secret)));
    }
    if let Some(one) = &systems.otlp {
        all.push(("otlp", &one.url));
        all.extend(proof(&one.auth).map(|secret| ("otlp", secret)));
    }
    if let Some(one) = &systems.alertmanager {
        all.extend(one.urls.iter().map(|url| ("alertmanager", url)));
        all.extend(proof(&one.auth).map(|secret| ("alertmanager", secret)));
    }
    for desk in systems.tickets.values() {
        all.push(("tickets", &desk.url));
        all.extend(proof(&desk.auth).map(|secret| ("tickets", secret)));
    }
    all.extend(systems.data().flat_map(|(table, one)| one.references().map(move |secret| (table, secret))));
    let accounts = std::iter::once(&systems.aws.own).chain(systems.aws.accounts.values());
    all.extend(accounts.flat_map(|one| &one.endpoint).map(|url| ("aws", url)));
    all.extend(systems.sources.values().flat_map(SourceConfig::secrets).map(|secret| ("sources", secret)));
    all
}
