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
    let mut any = false;
    for book in &loaded.books {
        for on in book.playbook.on.iter().filter(|on| matches!(on.source.text.as_str(), "alertmanager" | "any")) {
            any = true;
            pair(&mut out, book, on);
        }
    }
    if !any {
        out.push_str("# no playbook is for alerts of Alertmanager\n");
    }
    let deadline = loaded.books.iter().filter_map(|book| book.playbook.escalate.as_ref()).map(|one| one.deadline).max();
    let _never = writeln!(
        out,
        "- matchers: ['alertname=\"IraRunOpen\"']   # the run's own arm: it pages where ira dies in the middle\n  \
           receiver: ira-pager\n  group_by: [alertname, run]\n  group_wait: {}s\n  repeat_interval: 1h\n\
         receivers:\n\
         - name: ira\n  webhook_configs:\n  - url: 'http://{}/alertmanager'\n    send_resolved: true\n    \
             http_config: {{ authorization: {{ credentials_file: /etc/alertmanager/ira-token }} }}\n\
         - name: ira-pager\n  pagerduty_configs:\n  - routing_key_file: /etc/alertmanager/pagerduty-key   # the very key of `page.routing_key`\n\
         - name: ira-and-pager\n  webhook_configs:\n  - url: 'http://{}/alertmanager'\n    send_resolved: true\n    \
             http_config: {{ authorization: {{ credentials_file: /etc/alertmanager/ira-token }} }}\n  \
           pagerduty_configs:\n  - routing_key_file: /etc/alertmanager/pagerduty-key",
        deadline.unwrap_or(LEAST).max(60),
        loaded.config.daemon.listen,
        loaded.config.daemon.listen,
    );
    out
}

fn pair(out: &mut String, book: &Book, on: &On) {
    let name = &book.playbook.name.text;
    let matchers: Vec<String> = on
        .matches
        .iter()
        .map(|(label, matcher)| match matcher {
            Matcher::Equals(value) => format!("{label}={}", quoted(value)),
            Matcher::Regex(whole) => format!("{label}=~{}", quoted(whole.text())),
        })
        .map(|matcher| format!("'{}'", matcher.replace('\'', "''")))
        .collect();
    let mut labels = vec!["alertname".to_owned()];
    let keys = on.key.iter().filter_map(|path| path.text.strip_prefix("alert.labels."));
    labels.extend(keys.filter(|label| *label != "alertname").map(str::to_owned));
    let (matchers, by) = (matchers.join(", "), labels.join(", "));
    let _never = if book.rung == Mode::Auto && book.playbook.effects.any() {
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
