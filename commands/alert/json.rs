//! Alerts as JSON. The shapes of Alertmanager and PagerDuty are one tree of objects in which a few names matter.

use std::collections::BTreeMap;

use serde_json::error::Category;

use super::tree::Tree;
use super::{Alert, Found, SHAPES, fill, plain};
use crate::fault::{Fault, Kind};
use crate::text::excerpt;

/// Names of objects, or lists of them, that lead to alerts.
const INNER: [&str; 8] = ["alerts", "alert", "data", "event", "incident", "incidents", "payload", "body"];

/// Names of what describes alerts within details.
const SOURCES: [&str; 4] = ["firing", "resolved", "details", "custom_details"];

/// How deep details may hold details, or JSON as text: each level copies the labels it adds to. Real ones need two.
const LEVELS: u8 = 4;

/// Whether the text is meant as JSON; `[FIRING:1] …` is a title.
pub(super) fn looks_like(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with('{') || text.strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with(['{', ']']))
}

/// Reads a JSON body.
pub(super) fn read(text: &str) -> Result<Vec<Alert>, Fault> {
    let tree: Tree = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    let none = BTreeMap::new();
    let outer = Outer { labels: &none, annotations: &none, resolved: false, levels: LEVELS };
    let mut found = Found::default();
    walk(&tree, outer, &mut found)?;
    if !found.alerts.is_empty() {
        return Ok(found.alerts);
    }
    let fault = Fault::new(Kind::Usage, "this JSON holds no alert with labels or details");
    let pagerduty = ["event", "incident", "incidents", "incident_key", "routing_key"];
    Err(if pagerduty.iter().any(|name| tree.get(name).is_some()) {
        fault
            .because("PagerDuty sends an incident without the details of its alerts")
            .hint("paste the details from the incident's page, or give the answer of GET /incidents/ID/alerts")
    } else {
        fault.hint(SHAPES)
    })
}

fn unreadable(error: &serde_json::Error) -> Fault {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let why = text.rsplit_once(" at line ").map_or(text.as_str(), |(why, _)| why);
    let fault = Fault::new(Kind::Usage, format!("the alert is not readable: line {line}, column {column}"))
        .because(excerpt(why, 200));
    match error.classify() {
        Category::Eof => fault.hint("the JSON ends before it is complete: was it cut while it was pasted?"),
        Category::Data => fault.hint("correct it there, or give the alert as its sender wrote it"),
        Category::Syntax | Category::Io => fault.hint("give the JSON as it was sent, and nothing before or after it"),
    }
}

/// What an alert has from the objects around it.
#[derive(Clone, Copy)]
struct Outer<'a> {
    labels: &'a BTreeMap<String, String>,
    annotations: &'a BTreeMap<String, String>,
    resolved: bool,
    /// How many details within details are still opened.
    levels: u8,
}

/// Collects the alerts at and below `tree`.
fn walk(tree: &Tree, outer: Outer<'_>, found: &mut Found) -> Result<(), Fault> {
    if let Tree::List(list) = tree {
        return list.iter().try_for_each(|item| walk(item, outer, found));
    }
    let (labels, annotations) = (tree.pairs("commonLabels"), tree.pairs("commonAnnotations"));
    let mut outer = outer;
    // The list of Alertmanager's API has an object for a status; what it lists is firing.
    if let Some(status) = tree.text("status").or_else(|| tree.text("event_action")) {
        outer.resolved = matches!(status, "resolved" | "resolve");
    }
    if !labels.is_empty() {
        (outer.labels, outer.annotations) = (&labels, &annotations);
    }
    let mut own = tree.pairs("labels");
    if !own.is_empty() {
        let mut annotations = tree.pairs("annotations");
        fill(&mut own, outer.labels);
        fill(&mut annotations, outer.annotations);
        return found.push(Alert { labels: own, annotations, resolved: outer.resolved });
    }
    let before = found.alerts.len();
    for inner in INNER.iter().filter_map(|name| tree.get(name)) {
        walk(inner, outer, found)?;
    }
    // An incident's own details repeat those of its alerts.
    if found.alerts.len() == before {
        for details in ["details", "custom_details"].iter().filter_map(|name| tree.get(name)) {
            open(details, outer, found)?;
        }
    }
    Ok(())
}

/// Collects the alerts in the details of a PagerDuty alert: text, or fields of the sender's choice.
fn open(details: &Tree, outer: Outer<'_>, found: &mut Found) -> Result<(), Fault> {
    let Some(levels) = outer.levels.checked_sub(1) else { return Ok(()) };
    let outer = Outer { levels, ..outer };
    match details {
        Tree::Object(_) => {}
        Tree::List(_) => return walk(details, outer, found),
        Tree::Text(text) => {
            let Some(tree) = json_in(text) else { return described(text, outer, found) };
            let before = found.alerts.len();
            walk(&tree, outer, found)?;
            return if found.alerts.len() == before { open(&tree, outer, found) } else { Ok(()) };
        }
        Tree::Nothing => return Ok(()),
    }
    let before = found.alerts.len();
    let mut labels = details.pairs("labels");
    let is_label = |name: &str| !plain::is_count(name) && !SOURCES.contains(&name);
    fill(&mut labels, &details.scalars(is_label));
    let speaks = !labels.is_empty();
    fill(&mut labels, outer.labels);
    let mut annotations = details.pairs("annotations");
    fill(&mut annotations, outer.annotations);
    let shared = Outer { labels: &labels, annotations: &annotations, ..outer };
    for (name, resolved) in [("firing", false), ("resolved", true)] {
        let shared = Outer { resolved, ..shared };
        match details.get(name) {
            Some(Tree::Text(text)) => match json_in(text) {
                Some(tree) => walk(&tree, shared, found)?,
                None => described(text, shared, found)?,
            },
            Some(source) => walk(source, shared, found)?,
            None => {}
        }
    }
    for inner in ["details", "custom_details"].iter().filter_map(|name| details.get(name)) {
        open(inner, shared, found)?;
    }
    if speaks && found.alerts.len() == before {
        found.push(Alert { labels, annotations, resolved: outer.resolved })?;
    }
    Ok(())
}

/// JSON kept as text: Alertmanager since 0.29 writes its alerts so, and PagerDuty may leave it at that.
fn json_in(text: &str) -> Option<Tree> {
    if looks_like(text) { serde_json::from_str(text).ok() } else { None }
}

/// Collects the alerts described in lines of text.
fn described(text: &str, outer: Outer<'_>, found: &mut Found) -> Result<(), Fault> {
    for mut alert in plain::in_details(text, outer.resolved) {
        fill(&mut alert.labels, outer.labels);
        fill(&mut alert.annotations, outer.annotations);
        found.push(alert)?;
    }
    Ok(())
}
