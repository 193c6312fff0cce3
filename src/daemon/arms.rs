//! The two arms of the page: one for the alert, should ira do nothing, and one for the run, should ira die in the middle.
//! Where one is missing, nothing is written by itself.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ira_commands::alert::Alert;
use ira_commands::playbook::{Incoming, Matcher, Mode, Playbook, matched};
use serde_json::Value as Json;

use super::Shared;
use super::books::{Book, Loaded};
use super::routing::{By, Goes, Routing};
use crate::clients::alertmanager::Alertmanager;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::config::intake::Sender;
use crate::config::systems::Channel;
use crate::pages::RUN_ALERT;

/// How often Alertmanager is looked at.
const ROUND: Duration = Duration::from_secs(300);
/// The same, where a playbook waits for it.
const SOON: Duration = Duration::from_secs(15);
/// How long it has to answer.
const WITHIN: Duration = Duration::from_secs(4);

/// What is known of the arms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Sight {
    /// Not looked at yet.
    #[default]
    Unknown,
    /// Alertmanager's routes were seen.
    Seen(String),
    /// They could not be: why.
    Unseen(String),
    /// No Alertmanager is configured.
    None,
}

/// Looks at both arms of every playbook that acts, and has those answer no alert that lack one.
pub(super) async fn look(loaded: &Loaded) {
    let config = &loaded.config;
    let routings = match tokio::time::timeout(WITHIN, asked(config)).await {
        Ok(asked) => asked,
        Err(_) => Err("Alertmanager does not answer in time".to_owned()),
    };
    let before = loaded.sight();
    let sight = match &routings {
        Ok(all) if all.is_empty() => Sight::None,
        Ok(all) => Sight::Seen(all.iter().map(|(by, _)| by.as_str()).collect::<Vec<_>>().join(", ")),
        // What was seen once holds until something else is seen.
        Err(why) if matches!(before, Sight::Seen(_)) => {
            tracing::warn!("the routes of Alertmanager cannot be looked at, and count as they were: {why}");
            return;
        }
        Err(why) => Sight::Unseen(why.clone()),
    };
    for book in loaded.books.iter().filter(|book| acts(book)) {
        let missing = missing(config, &book.playbook, &routings);
        let why = (!missing.is_empty())
            .then(|| format!("it writes, and nobody would be paged if it failed; missing: {}", missing.join("; ")));
        let mut unarmed = book.unarmed.write().unwrap_or_else(PoisonError::into_inner);
        if why != *unarmed {
            let name = &book.playbook.name.text;
            if let Some(why) = &why {
                tracing::warn!("the playbook {name} is not loaded: {why}");
            } else {
                tracing::info!("the playbook {name} is loaded: both arms of its page are there");
            }
        }
        *unarmed = why;
    }
    *loaded.sight.write().unwrap_or_else(PoisonError::into_inner) = sight;
}

/// Whether a playbook answers no alert only because its routes could not be seen.
fn waits(loaded: &Loaded) -> bool {
    matches!(loaded.sight(), Sight::Unseen(_)) && loaded.refused().next().is_some()
}

/// The same, every five minutes until the daemon stops.
pub(super) async fn run(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(if waits(&shared.loaded()) { SOON } else { ROUND }) => {}
            () = shared.looked.notified() => {}
            () = shared.stopped() => return,
        }
        let loaded = shared.loaded();
        look(&loaded).await;
        shared.web.shelve(loaded.shelf());
    }
}

/// Whether it would change anything because of an alert.
fn acts(book: &Book) -> bool {
    book.playbook.effects.any() && book.rung >= Mode::Approve
}

/// The routes of every Alertmanager of the pair that answers: one that does is enough to know.
pub(super) async fn asked(config: &Arc<Config>) -> Result<Vec<(String, Routing)>, String> {
    let Some(pair) = config.systems.alertmanager.clone() else { return Ok(Vec::new()) };
    let pair = Alertmanager::new(Arc::clone(config), pair, Arc::new(SystemClock));
    let mut all = Vec::new();
    let mut failed = Vec::new();
    for (by, status) in pair.status().await {
        let read = status.map_err(|fault| fault.one_line()).and_then(|status| {
            let text = status.pointer("/config/original").and_then(Json::as_str);
            Routing::read(text.ok_or_else(|| format!("{by} does not show its configuration"))?)
                .map_err(|why| format!("{by} has a configuration that cannot be read: {why}"))
        });
        match read {
            Ok(routing) => all.push((by, routing)),
            Err(why) => failed.push(why),
        }
    }
    if all.is_empty() { Err(failed.join("; ")) } else { Ok(all) }
}

/// The lines of configuration that are missing for this playbook; none where both arms are there.
fn missing(config: &Config, playbook: &Playbook, routings: &Result<Vec<(String, Routing)>, String>) -> Vec<String> {
    let systems = &config.systems;
    let mut missing = Vec::new();
    if systems.page.is_none() {
        missing.push("[page] routing_key = \"file:…\" (who is woken)".to_owned());
    }
    // The external switch is both arms.
    if systems.heartbeat.is_some() {
        return missing;
    }
    let declared = systems.page.as_ref().is_some_and(|page| page.declared.is_some());
    if systems.alertmanager.is_none() {
        let why =
            "its second route pages for the alert, and the run alert for the run: `ira daemon --alertmanager-routes`";
        missing.push(format!("[alertmanager] urls = [\"…\"] ({why}), or [heartbeat] url = \"…\""));
        return missing;
    }
    if declared {
        return missing;
    }
    if others(config, playbook) {
        missing.push("[page] declared = \"…\" (how a sender other than Alertmanager pages by itself)".to_owned());
    }
    match routings {
        Err(why) => {
            missing
                .push(format!("the routes of Alertmanager, which cannot be seen ({why}), or [page] declared = \"…\""));
        }
        Ok(all) => {
            let lacks =
                |(by, routing): &(String, Routing)| lacks(config, playbook, routing).map(|why| format!("{by}: {why}"));
            missing.extend(all.iter().filter_map(lacks));
        }
    }
    missing
}

/// Whether it answers senders that are configured and neither have routes nor page by themselves.
fn others(config: &Config, playbook: &Playbook) -> bool {
    let other = config
        .systems
        .sources
        .values()
        .any(|source| !matches!(source.sender, Sender::Alertmanager | Sender::PagerDuty));
    other && playbook.on.iter().any(|on| !matches!(on.source.text.as_str(), "alertmanager" | "pagerduty"))
}

/// What an Alertmanager lacks of the two arms of this playbook.
fn lacks(config: &Config, playbook: &Playbook, routing: &Routing) -> Option<String> {
    let printed = "`ira daemon --alertmanager-routes` prints what is needed";
    let pager = pager(config);
    let pages = |goes: &&Goes<'_>| routing.receiver(goes.receiver).is_some_and(|one| one.others.contains(pager));
    let run: BTreeMap<String, String> =
        [("alertname", RUN_ALERT), ("run", "x/1"), ("playbook", &playbook.name.text), ("severity", "critical")]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
    let apart = |by: &By| match by {
        By::All => true,
        By::Labels(by) => by.contains("run"),
    };
    if !routing.of(&run).iter().filter(pages).any(|goes| apart(goes.by)) {
        return Some(format!("no route takes {RUN_ALERT}, grouped by its run, to the pager; {printed}"));
    }
    if !config.systems.sources.values().any(|source| source.sender == Sender::Alertmanager) {
        return None;
    }
    let examples = examples(playbook);
    if examples.is_empty() && playbook.on.iter().any(|on| matches!(on.source.text.as_str(), "alertmanager" | "any")) {
        return Some("none of its tests has an alert that it answers, whose route could be looked at".to_owned());
    }
    examples.iter().find_map(|labels| {
        let name = labels.get("alertname").map_or("its alert", String::as_str);
        let all = routing.of(labels);
        let Some(ours) = all.iter().find(|goes| is_ours(config, routing, goes.receiver)) else {
            return Some(format!("no route takes {name} to the webhook of ira; {printed}"));
        };
        let Some(pager) = all.iter().find(pages) else {
            return Some(format!("no route takes {name} to the pager; {printed}"));
        };
        (ours.by != pager.by).then(|| {
            format!("{name} is grouped otherwise for ira than for the pager: they would be two incidents; {printed}")
        })
    })
}

/// What the receiver of the pager is called in Alertmanager.
fn pager(config: &Config) -> &'static str {
    match config.systems.page.as_ref().map(|page| page.provider) {
        Some(Channel::Opsgenie) => "opsgenie_configs",
        _ => "pagerduty_configs",
    }
}

/// Whether a receiver is ira: by its name where the configuration says it, or by where its webhook leads. Some
/// Alertmanagers show no URL at all: then any may be.
fn is_ours(config: &Config, routing: &Routing, name: &str) -> bool {
    let Some(receiver) = routing.receiver(name) else { return false };
    let hidden = receiver.webhooks.iter().any(Option::is_none);
    config.systems.sources.iter().filter(|(_, source)| source.sender == Sender::Alertmanager).any(|(path, source)| {
        let named = source.receiver.as_deref() == Some(name) && !receiver.webhooks.is_empty();
        named || hidden || receiver.leads_to(path)
    })
}

/// The labels of alerts that the playbook answers: of its tests, else of what it matches word for word.
fn examples(playbook: &Playbook) -> Vec<BTreeMap<String, String>> {
    let answered = |labels: &BTreeMap<String, String>| {
        let alert = Alert { labels: labels.clone(), ..Alert::default() };
        let incoming = Incoming { source: "alertmanager".to_owned(), alert, starts_at: None };
        matched(playbook, &incoming).is_ok()
    };
    let mut all: Vec<BTreeMap<String, String>> =
        playbook.tests.iter().filter_map(|case| case.alert.labels().cloned()).collect();
    for on in &playbook.on {
        let word = |(label, matcher): (&String, &Matcher)| match matcher {
            Matcher::Equals(value) => Some((label.clone(), value.clone())),
            Matcher::Regex(_) => None,
        };
        let Some(mut labels) = on.matches.iter().map(word).collect::<Option<BTreeMap<_, _>>>() else { continue };
        for label in on.key.iter().filter_map(|path| path.text.strip_prefix("alert.labels.")) {
            labels.entry(label.to_owned()).or_insert_with(|| "x".to_owned());
        }
        all.push(labels);
    }
    all.retain(answered);
    all.dedup();
    all
}

/// How the arm of the alert is known, for `/readyz`: whether it is there, and in words.
pub(super) fn of_alert(loaded: &Loaded) -> (bool, String) {
    let systems = &loaded.config.systems;
    let declared = systems.page.as_ref().and_then(|page| page.declared.as_deref());
    match (loaded.sight(), declared) {
        (Sight::Seen(by), _) => (true, format!("seen at {by}")),
        (_, Some(word)) => (true, format!("declared, not seen: {}", ira_commands::text::excerpt(word, 200))),
        _ if systems.heartbeat.is_some() => (true, "the external switch".to_owned()),
        (Sight::Unseen(why), _) => (false, format!("not seen: {why}")),
        _ => (false, "missing".to_owned()),
    }
}
