//! The message: once for Slack, as blocks, and once for any chat, as lines.

use serde_json::{Value as Json, json};

use crate::text::{clean, excerpt};

/// The longest URL that is linked, bytes: with every character escaped a block still takes it.
const LONGEST: usize = 550;

/// What is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    /// One line.
    pub title: String,
    /// What happened, in the alert's own words; may be empty.
    pub summary: String,
    /// Names and values, in order.
    pub facts: Vec<Line>,
    /// Where to go: what it is, and the URL.
    pub links: Vec<(String, String)>,
}

/// A name and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where it is shown.
    pub link: Option<String>,
}

/// Slack's own escapes: mentions and links are written with these.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A value as it stands: in code, where nothing in it is a mark.
fn literal(text: &str) -> String {
    let text = text.replace('`', "'");
    if text.is_empty() { "—".to_owned() } else { format!("`{}`", escaped(&text)) }
}

/// A link that was made by ira: an `https` or `http` URL, without what would end it.
fn linked(url: &str, words: &str) -> String {
    let sound = url.len() <= LONGEST
        && (url.starts_with("https://") || url.starts_with("http://"))
        && !url.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '|'));
    let words = escaped(words).replace('|', "/");
    if sound { format!("<{}|{words}>", url.replace('&', "&amp;")) } else { words }
}

impl Message {
    /// Says that there are more alerts than the one that is shown.
    pub fn further(&mut self, alerts: usize) {
        if alerts > 0 {
            self.facts.push(Line { name: "Further alerts".to_owned(), value: alerts.to_string(), link: None });
        }
    }

    /// For any chat, and for Slack's notification of it.
    pub fn plain(&self) -> String {
        let mut lines = vec![clean(&self.title)];
        if !self.summary.is_empty() {
            lines.push(clean(&self.summary));
        }
        lines.extend(self.facts.iter().map(|line| {
            let link = line.link.as_ref().map(|link| format!(" {link}")).unwrap_or_default();
            format!("{}: {}{link}", line.name, line.value)
        }));
        lines.extend(self.links.iter().map(|(what, url)| format!("{what}: {url}")));
        lines.join("\n")
    }

    /// Slack's blocks: a header, the summary, the facts in two columns, the links.
    pub fn blocks(&self) -> Json {
        let mrkdwn = |text: String| json!({ "type": "mrkdwn", "text": text });
        // A header has no marks, and whether escapes count in it is told nowhere.
        let header = excerpt(&self.title.replace(['<', '>'], " "), 148);
        let mut blocks =
            vec![json!({ "type": "header", "text": { "type": "plain_text", "text": header, "emoji": false } })];
        if !self.summary.is_empty() {
            let summary = excerpt(&self.summary, 600);
            let summary = if summary.is_empty() { "—".to_owned() } else { escaped(&summary) };
            blocks.push(json!({ "type": "section", "text": mrkdwn(summary) }));
        }
        let field = |line: &Line| {
            let value = match &line.link {
                Some(link) => linked(link, &line.value),
                None => literal(&line.value),
            };
            mrkdwn(format!("*{}*\n{value}", escaped(&line.name)))
        };
        // A section takes ten.
        let fields: Vec<Json> = self.facts.iter().take(10).map(field).collect();
        if !fields.is_empty() {
            blocks.push(json!({ "type": "section", "fields": fields }));
        }
        let section = |(what, url): &(String, String)| json!({ "type": "section", "text": mrkdwn(linked(url, what)) });
        blocks.extend(self.links.iter().map(section));
        Json::Array(blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(hostile: &str) -> Message {
        let line =
            |link: Option<&str>| Line { name: "Alert".into(), value: hostile.into(), link: link.map(Into::into) };
        Message {
            title: format!("War room: {hostile}"),
            summary: hostile.to_owned(),
            facts: vec![line(None), line(Some("https://x.example/a"))],
            links: vec![
                ("Incident".into(), "https://x.pagerduty.com/incidents/Q1".into()),
                (hostile.into(), hostile.into()),
            ],
        }
    }

    #[test]
    fn nothing_in_an_alert_calls_a_channel_or_makes_a_link() {
        for hostile in
            ["<!channel> up", "<https://evil.example|click>", "a ` <@U1> `", "x|y>z", "https://e.example/|a> <!here>"]
        {
            let blocks = message(hostile).blocks().to_string();
            assert!(!blocks.contains("<!") && !blocks.contains("<@"), "{hostile}: {blocks}");
            let links: Vec<&str> = blocks.split('<').skip(1).map(|rest| &rest[..rest.find('|').unwrap_or(0)]).collect();
            assert_eq!(links, ["https://x.example/a", "https://x.pagerduty.com/incidents/Q1"], "{hostile}: {blocks}");
        }
    }

    #[test]
    fn the_blocks_keep_to_slacks_limits() {
        let long = "é".repeat(10_000);
        let mut message = message(&excerpt(&long, 200));
        message.title.clone_from(&long);
        message.summary = long;
        message.facts = vec![message.facts[0].clone(); 20];
        let blocks = message.blocks();
        assert!(blocks[0]["text"]["text"].as_str().unwrap().chars().count() <= 150);
        assert!(blocks[1]["text"]["text"].as_str().unwrap().chars().count() <= 3_000);
        let fields = blocks[2]["fields"].as_array().unwrap();
        assert!(fields.len() == 10 && fields.iter().all(|one| one["text"].as_str().unwrap().chars().count() <= 2_000));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_said_slack_takes_it(title in "\\PC{0,200}", summary in proptest::prelude::any::<String>(), value in "[<>&|`!@#a ]{0,200}") {
            let line = Line { name: "Alert".into(), value: value.clone(), link: Some(format!("https://x.example/{value}")) };
            let links = vec![("Meeting".to_owned(), format!("https://m.example/?{value}"))];
            let title = format!("War room: {title}");
            let blocks = Message { title, summary, facts: vec![line], links }.blocks();
            for block in blocks.as_array().into_iter().flatten() {
                let fields = block["fields"].as_array().cloned().unwrap_or_default();
                for text in fields.iter().chain([&block["text"]]).filter_map(|one| one["text"].as_str()) {
                    proptest::prop_assert!((1..=3_000).contains(&text.chars().count()), "{text}");
                    proptest::prop_assert!(!["<!", "<@", "<#"].iter().any(|mark| text.contains(mark)), "{text}");
                }
            }
        }
    }

    #[test]
    fn for_any_chat_it_is_lines() {
        let plain = message("DiskFull").plain();
        assert_eq!(plain.lines().next(), Some("War room: DiskFull"));
        assert!(plain.contains("Alert: DiskFull https://x.example/a"));
        assert!(plain.contains("Incident: https://x.pagerduty.com/incidents/Q1"));
    }
}
