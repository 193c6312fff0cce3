//! Where Alertmanager sends an alert, by its own configuration: the tree of routes as its status shows it.

use std::collections::{BTreeMap, BTreeSet};

use ira_commands::playbook::{self, Whole};
use serde_json::Value as Json;

/// The routes and the receivers of an Alertmanager.
#[derive(Debug)]
pub(super) struct Routing {
    root: Route,
    receivers: BTreeMap<String, Receiver>,
}

/// Who is told.
#[derive(Clone, Debug, Default)]
pub(super) struct Receiver {
    /// The URLs of its webhooks; none where they are kept secret.
    pub webhooks: Vec<Option<String>>,
    /// The kinds of the others that it tells (`pagerduty_configs`).
    pub others: BTreeSet<String>,
}

/// A route, with what it has from those above.
#[derive(Clone, Debug)]
struct Route {
    matchers: Vec<Matcher>,
    receiver: String,
    by: By,
    goes_on: bool,
    key: String,
    routes: Vec<Route>,
}

/// What alerts are grouped by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Every label.
    All,
    /// These.
    Labels(BTreeSet<String>),
}

#[derive(Clone, Debug, PartialEq)]
struct Matcher {
    label: String,
    value: String,
    is: Is,
}

/// In the order in which Alertmanager sorts them.
#[derive(Clone, Debug, PartialEq)]
enum Is {
    Equal,
    Not,
    Like(Whole),
    Unlike(Whole),
}

/// A route that an alert is sent by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goes<'a> {
    pub receiver: &'a str,
    pub by: &'a By,
    key: &'a str,
}

impl Routing {
    /// Reads the configuration as `/api/v2/status` gives it; the error says what in it cannot be read.
    pub fn read(text: &str) -> Result<Self, String> {
        let config = playbook::yaml(text).map_err(|problems| {
            problems.first().map_or_else(String::new, |first| format!("line {}: {}", first.line, first.message))
        })?;
        let above = Route {
            matchers: Vec::new(),
            receiver: String::new(),
            by: By::Labels(BTreeSet::new()),
            goes_on: false,
            key: String::new(),
            routes: Vec::new(),
        };
        let root = route(&config["route"], &above, true)?;
        let each = config["receivers"].as_array().into_iter().flatten();
        let receivers = each.filter_map(|one| Some((one["name"].as_str()?.to_owned(), receiver(one)))).collect();
        Ok(Self { root, receivers })
    }

    /// The routes by which an alert with these labels is sent, in order.
    pub fn of(&self, labels: &BTreeMap<String, String>) -> Vec<Goes<'_>> {
        let mut found = Vec::new();
        walk(&self.root, labels, &mut found);
        let each = found.into_iter();
        each.map(|route| Goes { receiver: &route.receiver, by: &route.by, key: &route.key }).collect()
    }

    /// The names of those whose webhook is seen to lead to this path.
    pub fn leading_to(&self, path: &str) -> impl Iterator<Item = &String> {
        self.receivers.iter().filter(move |(_, one)| one.leads_to(path)).map(|(name, _)| name)
    }

    /// Who it is.
    pub fn receiver(&self, name: &str) -> Option<&Receiver> {
        self.receivers.get(name)
    }
}

impl Receiver {
    /// Whether one of its webhooks is seen to lead to this path.
    pub fn leads_to(&self, path: &str) -> bool {
        let end = format!("/{path}");
        self.webhooks.iter().flatten().any(|url| url.trim_end_matches('/').ends_with(&end))
    }
}

impl Goes<'_> {
    /// The key of the group that an alert with these labels is in: what a webhook carries as `groupKey`.
    pub fn group_key(&self, labels: &BTreeMap<String, String>) -> String {
        let counts = |name: &str| match self.by {
            By::All => true,
            By::Labels(by) => by.contains(name),
        };
        let of = labels.iter().filter(|(name, _)| counts(name));
        let of: Vec<String> = of.map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        format!("{}:{{{}}}", self.key, of.join(", "))
    }
}

fn walk<'a>(route: &'a Route, labels: &BTreeMap<String, String>, found: &mut Vec<&'a Route>) -> bool {
    if !route.matchers.iter().all(|matcher| matcher.holds(labels)) {
        return false;
    }
    let before = found.len();
    for below in &route.routes {
        if walk(below, labels, found) && !below.goes_on {
            break;
        }
    }
    if found.len() == before {
        found.push(route);
    }
    true
}

fn route(json: &Json, above: &Route, root: bool) -> Result<Route, String> {
    let mut matchers = Vec::new();
    for (name, like) in [("match", false), ("match_re", true)] {
        for (label, value) in json[name].as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            matchers.push(Matcher::new(label, if like { "=~" } else { "=" }, value)?);
        }
    }
    for text in json["matchers"].as_array().into_iter().flatten() {
        matchers.push(Matcher::read(text.as_str().unwrap_or_default())?);
    }
    matchers.sort_by(|a, b| (&a.label, &a.value, a.is.word()).cmp(&(&b.label, &b.value, b.is.word())));
    let spelled: Vec<String> = matchers.iter().map(Matcher::spelled).collect();
    let own = format!("{{{}}}", spelled.join(","));
    let by = match json["group_by"].as_array() {
        None => above.by.clone(),
        Some(labels) if labels.iter().any(|label| label == "...") => By::All,
        Some(labels) => By::Labels(labels.iter().filter_map(Json::as_str).map(str::to_owned).collect()),
    };
    let mut own = Route {
        matchers,
        receiver: json["receiver"].as_str().unwrap_or(&above.receiver).to_owned(),
        by,
        goes_on: json["continue"].as_bool().unwrap_or(false),
        key: if root { own } else { format!("{}/{own}", above.key) },
        routes: Vec::new(),
    };
    for below in json["routes"].as_array().into_iter().flatten() {
        let below = route(below, &own, false)?;
        own.routes.push(below);
    }
    if own.receiver.is_empty() {
        return Err("a route has no receiver".to_owned());
    }
    Ok(own)
}

fn receiver(json: &Json) -> Receiver {
    let mut one = Receiver::default();
    for (name, each) in json.as_object().into_iter().flatten() {
        let each = each.as_array().map(Vec::as_slice).unwrap_or_default();
        if name == "webhook_configs" {
            let url = |one: &Json| one["url"].as_str().filter(|url| *url != "<secret>").map(str::to_owned);
            one.webhooks.extend(each.iter().map(url));
        } else if !each.is_empty() {
            one.others.insert(name.clone());
        }
    }
    one
}

impl Is {
    fn word(&self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Not => "!=",
            Self::Like(_) => "=~",
            Self::Unlike(_) => "!~",
        }
    }
}

impl Matcher {
    fn new(label: &str, word: &str, value: String) -> Result<Self, String> {
        let like = || Whole::new(&value).map_err(|why| format!("the matcher of `{label}`: {why}"));
        let is = match word {
            "=" => Is::Equal,
            "!=" => Is::Not,
            "=~" => Is::Like(like()?),
            _ => Is::Unlike(like()?),
        };
        Ok(Self { label: label.to_owned(), value, is })
    }

    /// Reads `name="value"`, its quotes and its escapes.
    fn read(text: &str) -> Result<Self, String> {
        let at = text.find(['=', '!']).ok_or_else(|| format!("`{text}` is no matcher"))?;
        let (label, rest) = (text[..at].trim(), &text[at..]);
        let word = ["=~", "!~", "!=", "="].into_iter().find(|word| rest.starts_with(word));
        let word = word.ok_or_else(|| format!("`{text}` is no matcher"))?;
        let value = rest[word.len()..].trim();
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).map_or_else(
            || value.to_owned(),
            |quoted| {
                let mut chars = quoted.chars();
                let mut out = String::new();
                while let Some(c) = chars.next() {
                    match (c, if c == '\\' { chars.next() } else { None }) {
                        ('\\', Some('n')) => out.push('\n'),
                        ('\\', Some(escaped)) => out.push(escaped),
                        (c, _) => out.push(c),
                    }
                }
                out
            },
        );
        Self::new(label, word, value)
    }

    fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.label).map_or("", String::as_str);
        match &self.is {
            Is::Equal => value == self.value,
            Is::Not => value != self.value,
            Is::Like(whole) => whole.matches(value),
            Is::Unlike(whole) => !whole.matches(value),
        }
    }

    fn spelled(&self) -> String {
        format!("{}{}\"{}\"", self.label, self.is.word(), escaped(&self.value))
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Alertmanager 0.25 writes its own configuration down.
    const STATUS: &str = r#"global:
  resolve_timeout: 5m
  http_config:
    follow_redirects: true
route:
  receiver: none
  group_by:
  - alertname
  continue: false
  routes:
  - receiver: ira
    group_by:
    - alertname
    - unit
    matchers:
    - unit=~"a|b.*"
    - alertname="Down"
    continue: true
    group_wait: 0s
  - receiver: pager
    group_by:
    - alertname
    - unit
    matchers:
    - alertname="Down"
    continue: false
    group_wait: 1m30s
    routes:
    - match:
        team: 'night "x"'
      receiver: night
      continue: false
      group_by:
      - '...'
receivers:
- name: none
- name: ira
  webhook_configs:
  - send_resolved: true
    url: http://127.0.0.1:9097/alertmanager
- name: pager
  pagerduty_configs:
  - routing_key: <secret>
- name: night
  webhook_configs:
  - url: <secret>
"#;

    fn labels(of: &[(&str, &str)]) -> BTreeMap<String, String> {
        of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_alert_goes_by_the_routes_that_alertmanager_would_take() {
        let routing = Routing::read(STATUS).expect("a configuration");
        let of = |labels: &BTreeMap<String, String>| {
            routing.of(labels).iter().map(|goes| goes.receiver.to_owned()).collect::<Vec<_>>()
        };
        let down = labels(&[("alertname", "Down"), ("unit", "bx"), ("severity", "critical")]);
        assert_eq!(of(&down), ["ira", "pager"]);
        assert_eq!(of(&labels(&[("alertname", "Down"), ("unit", "c")])), ["pager"]);
        assert_eq!(of(&labels(&[("alertname", "Down"), ("team", "night \"x\"")])), ["night"]);
        assert_eq!(of(&labels(&[("alertname", "Other")])), ["none"]);
        let goes = routing.of(&down);
        assert!(goes[0].by == goes[1].by, "{goes:?}");
        assert_eq!(
            goes[0].group_key(&down),
            "{}/{alertname=\"Down\",unit=~\"a|b.*\"}:{alertname=\"Down\", unit=\"bx\"}"
        );
        let night = labels(&[("alertname", "Down"), ("team", "night \"x\"")]);
        assert_eq!(
            routing.of(&night)[0].group_key(&night),
            "{}/{alertname=\"Down\"}/{team=\"night \\\"x\\\"\"}:{alertname=\"Down\", team=\"night \\\"x\\\"\"}"
        );
        let receiver = |name| routing.receiver(name).expect("known");
        assert_eq!(receiver("ira").webhooks, [Some("http://127.0.0.1:9097/alertmanager".to_owned())]);
        assert!(receiver("pager").others.contains("pagerduty_configs") && receiver("pager").webhooks.is_empty());
        assert_eq!(receiver("night").webhooks, [None]);
    }

    #[test]
    fn what_is_no_configuration_is_said() {
        assert!(Routing::read("route: {}").is_err());
        assert!(Routing::read("a: [").is_err());
        assert!(Routing::read("route: { receiver: a, matchers: ['x'] }").is_err());
        assert!(Routing::read("route: { receiver: a, matchers: ['x=~\"(\"'] }").is_err());
    }
}
