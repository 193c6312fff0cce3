//! Alerts as lines of text: what Alertmanager's PagerDuty template writes and a person pastes.
//!
//! ```text
//! Labels:
//!  - alertname = FeedStale
//!  - contract_address = 0x…
//! Annotations:
//!  - summary = …
//! Source: http://prometheus/graph?…
//! ```

use super::{Alert, Found, SHAPES};
use crate::fault::{Fault, Kind};
use crate::text::excerpt;

/// Reads pasted text.
pub(super) fn read(text: &str) -> Result<Vec<Alert>, Fault> {
    let lines = Lines::of(text, false);
    if let Some((at, line)) = lines.odd {
        return Err(Fault::new(Kind::Usage, format!("line {at} of the alert is no label: `{}`", excerpt(line, 80)))
            .hint("a label is written `- name = value`"));
    }
    let mut found = Found::default();
    for alert in lines.alerts {
        found.push(alert)?;
    }
    if found.alerts.is_empty() {
        let first = text.lines().enumerate().find(|(_, line)| !line.trim().is_empty());
        let (at, line) = first.unwrap_or_default();
        return Err(Fault::new(Kind::Usage, "there is no alert in this text")
            .because(format!("line {} is neither JSON nor a label `name = value`: `{}`", at + 1, excerpt(line, 80)))
            .hint(SHAPES));
    }
    Ok(found.alerts)
}

/// The alerts in a field of JSON; what is no label there is text among them.
pub(super) fn in_details(text: &str, resolved: bool) -> Vec<Alert> {
    Lines::of(text, resolved).alerts
}

/// Where the following lines belong.
#[derive(Clone, Copy, PartialEq)]
enum Section {
    Labels,
    Annotations,
}

/// What was made of the lines.
struct Lines<'a> {
    alerts: Vec<Alert>,
    /// The first line that begins like a label and is none, and its number from 1.
    odd: Option<(usize, &'a str)>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str, resolved: bool) -> Self {
        let mut out = Self { alerts: Vec::new(), odd: None };
        let mut now = Alert { resolved, ..Alert::default() };
        let mut section = Section::Labels;
        // Whether the entries of this section begin with a dash: if so, a line without one continues a text.
        let mut dashed = None;
        let mut last: Option<String> = None;
        for (at, raw) in text.lines().enumerate() {
            let line = raw.trim();
            if line.is_empty() {
                continue;
            }
            if let Some(heading) = heading(line) {
                (dashed, last) = (None, None);
                match heading {
                    Heading::Annotations => section = Section::Annotations,
                    Heading::Source => {}
                    Heading::Labels => {
                        section = Section::Labels;
                        out.close(&mut now);
                    }
                    Heading::Alerts { resolved } => {
                        section = Section::Labels;
                        out.close(&mut now);
                        now.resolved = resolved;
                    }
                }
                continue;
            }
            let bare = line.strip_prefix(['-', '*', '•']).map(str::trim_start);
            let entry = entry(bare.unwrap_or(line)).filter(|_| dashed.is_none_or(|dashed| dashed == bare.is_some()));
            match (entry, section) {
                (Some((key, value)), _) => {
                    dashed = Some(bare.is_some());
                    if section == Section::Labels && now.labels.contains_key(key) {
                        out.close(&mut now);
                    }
                    let into = if section == Section::Labels { &mut now.labels } else { &mut now.annotations };
                    if !is_count(key) {
                        into.insert(key.to_owned(), value.to_owned());
                        last = Some(key.to_owned());
                    }
                }
                (None, Section::Annotations) => {
                    if let Some(text) = last.as_ref().and_then(|key| now.annotations.get_mut(key)) {
                        text.push('\n');
                        text.push_str(line);
                    }
                }
                (None, Section::Labels) => {
                    if bare.is_some() && out.odd.is_none() {
                        out.odd = Some((at + 1, line));
                    }
                }
            }
        }
        out.close(&mut now);
        out
    }

    /// Ends the alert `now`, if it has begun, and begins the next with the same state.
    fn close(&mut self, now: &mut Alert) {
        let resolved = now.resolved;
        let done = std::mem::replace(now, Alert { resolved, ..Alert::default() });
        if !done.labels.is_empty() {
            self.alerts.push(done);
        }
    }
}

enum Heading {
    Labels,
    Annotations,
    Source,
    Alerts { resolved: bool },
}

fn heading(line: &str) -> Option<Heading> {
    if line.starts_with("Source:") {
        return Some(Heading::Source);
    }
    // Longer than any heading.
    if line.len() > 20 {
        return None;
    }
    match line.trim_end_matches(':').trim_end().to_ascii_lowercase().as_str() {
        "labels" => Some(Heading::Labels),
        "annotations" => Some(Heading::Annotations),
        "firing" | "alerts firing" => Some(Heading::Alerts { resolved: false }),
        "resolved" | "alerts resolved" => Some(Heading::Alerts { resolved: true }),
        _ => None,
    }
}

/// `key = value`, `key=value` or `key: value`.
fn entry(line: &str) -> Option<(&str, &str)> {
    let at = line.find(['=', ':'])?;
    let (key, value) = (line[..at].trim_end(), &line[at + 1..]);
    // `http://…` is no entry.
    if line.as_bytes()[at] == b':' && !(value.is_empty() || value.starts_with(char::is_whitespace)) {
        return None;
    }
    let first = key.chars().next()?;
    let is_key = (first.is_ascii_alphabetic() || first == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/'));
    let value = value.trim();
    let unquoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    is_key.then_some((key, unquoted))
}

/// How many alerts there are is no label of one.
pub(super) fn is_count(key: &str) -> bool {
    matches!(key, "num_firing" | "num_resolved")
}
