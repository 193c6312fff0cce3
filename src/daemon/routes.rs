//! `--alertmanager-routes`: the sibling routes that make the two arms, from what the playbooks match; never wider.

use std::fmt::Write as _;

use ira_commands::playbook::{Matcher, Mode, On};

use super::books::{Book, Loaded};

/// How long ira is given before the pager's route sends, beside what the playbook says.
const LEAST: u64 = 300;

/// The part of Alertmanager's configuration that belongs under `route:`, and the receivers that it names.
pub(super) fn text(loaded: &Loaded) -> String {
    let mut out = String::from(
        "# Put these under `route: routes:`, before the routes that page for the same alerts, and the receivers beside\n\
         # yours. The two routes of a pair have the same matchers and the same group_by: so they share one incident.\n\
         routes:\n",
    );
    // Those that act come first: what is for one of these and for one that only reads has the pager's delay.
    let mut books: Vec<&Book> = loaded.books.iter().collect();
    books.sort_by_key(|book| !acts(book));
    let mut any = false;
    for book in books {
        for (matchers, by) in matched(book) {
            any = true;
            pair(&mut out, book, &matchers, &by);
        }
    }
    if !any {
        out.push_str("# no playbook is for alerts of Alertmanager\n");
    }
    if let Some(within) = loaded.config.systems.heartbeat.as_ref().and_then(|heart| heart.watchdog) {
        let often = (within.as_secs() / 3).max(1);
        let _never = writeln!(
            out,
            "# always fires, so that ira knows that it would be told; a rule of Prometheus for it:\n\
             #   - alert: Watchdog\n#     expr: vector(1)\n\
             - matchers: ['alertname=\"Watchdog\"']\n  receiver: ira\n  group_by: [alertname]\n  group_wait: 0s\n  \
               group_interval: {often}s\n  repeat_interval: {often}s"
        );
    }
    let deadline = loaded.books.iter().filter_map(|book| book.playbook.escalate.as_ref()).map(|one| one.deadline).max();
    let scheme = if loaded.config.daemon.tls.is_some() { "https" } else { "http" };
    let _never = writeln!(
        out,
        "- matchers: ['alertname=\"IraRunOpen\"']   # the run's own arm: it pages where ira dies in the middle\n  \
           receiver: ira-pager\n  group_by: [alertname, run]\n  group_wait: {}s\n  repeat_interval: 1h\n\
         receivers:\n\
         - name: ira\n  webhook_configs:\n  - url: '{}://{}/alertmanager'\n    send_resolved: true\n    \
             http_config: {{ authorization: {{ credentials_file: /etc/alertmanager/ira-token }} }}\n\
         - name: ira-pager\n  pagerduty_configs:\n  - routing_key_file: /etc/alertmanager/pagerduty-key   # the very key of `page.routing_key`\n\
         - name: ira-and-pager\n  webhook_configs:\n  - url: '{}://{}/alertmanager'\n    send_resolved: true\n    \
             http_config: {{ authorization: {{ credentials_file: /etc/alertmanager/ira-token }} }}\n  \
           pagerduty_configs:\n  - routing_key_file: /etc/alertmanager/pagerduty-key",
        deadline.unwrap_or(LEAST).max(60),
        scheme,
        loaded.config.daemon.listen,
        scheme,
        loaded.config.daemon.listen,
    );
    out
}

/// Whether it changes anything by itself.
fn acts(book: &Book) -> bool {
    book.rung == Mode::Auto && book.playbook.effects.any()
}

/// The matchers of a playbook, each once, with the labels that their alerts are grouped by: where only `when` or the key
/// tells them apart, Alertmanager would never come to the second.
fn matched(book: &Book) -> Vec<(String, String)> {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for on in book.playbook.on.iter().filter(|on| matches!(on.source.text.as_str(), "alertmanager" | "any")) {
        let text = matchers(on);
        let at = all.iter().position(|(known, _)| *known == text).unwrap_or_else(|| {
            all.push((text, vec!["alertname".to_owned()]));
            all.len() - 1
        });
        for label in on.key.iter().filter_map(|path| path.text.strip_prefix("alert.labels.")) {
            if !all[at].1.iter().any(|known| known == label) {
                all[at].1.push(label.to_owned());
            }
        }
    }
    all.into_iter().map(|(matchers, labels)| (matchers, labels.join(", "))).collect()
}

fn matchers(on: &On) -> String {
    let spelled = on.matches.iter().map(|(label, matcher)| match matcher {
        Matcher::Equals(value) => format!("{label}={}", quoted(value)),
        Matcher::Regex(whole) => format!("{label}=~{}", quoted(whole.text())),
    });
    spelled.map(|matcher| format!("'{}'", matcher.replace('\'', "''"))).collect::<Vec<_>>().join(", ")
}

fn pair(out: &mut String, book: &Book, matchers: &str, by: &str) {
    let name = &book.playbook.name.text;
    let _never = if acts(book) {
        let given = book.playbook.escalate.as_ref().map_or(LEAST, |escalate| escalate.deadline.min(LEAST));
        writeln!(
            out,
            "# {name}: ira at once, the pager {given} s later unless it is over by then\n\
             - matchers: [{matchers}]\n  receiver: ira\n  continue: true\n  group_by: [{by}]\n  group_wait: 0s\n  \
               group_interval: 15s\n  repeat_interval: 10m\n\
             - matchers: [{matchers}]\n  receiver: ira-pager\n  group_by: [{by}]\n  group_wait: {given}s"
        )
    } else {
        writeln!(
            out,
            "# {name} does nothing by itself: the pager at once, and ira writes on the same incident\n\
             - matchers: [{matchers}]\n  receiver: ira-and-pager\n  group_by: [{by}]"
        )
    };
}

/// A value as a matcher has it.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}
