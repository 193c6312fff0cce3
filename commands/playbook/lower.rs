//! From the tree to the value. What is of the wrong kind was reported before and is left out here, so that the rest can
//! still be looked at; what only shows here (an expression, a pattern, a variable) is reported here.

mod cases;
mod steps;
mod templates;

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

pub(super) use templates::variable;

use super::cel::Cel;
use super::fields::{self, Shape, Table};
use super::model::{
    Annotate, Approve, Bucket, Effects, Escalate, Guards, Matcher, MinHealthy, Mode, On, OrElse, Param, ParamType,
    Playbook, Query, Recurrence, Season, Text, Verify, When,
};
use super::pattern::{Pattern, Whole};
use super::place::Place;
use super::problem::Problem;
use super::shape::{self, duration};
use super::template::Path;
use super::tree::{self, Node};

/// Seconds that a read may take where a playbook says nothing.
const READ: u64 = 5;
/// Seconds between two looks where a playbook says nothing.
const EVERY: u64 = 15;

/// A map of the file with the table of its fields.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    node: &'a Node,
    table: &'static Table,
}

impl<'a> Record<'a> {
    fn get(self, name: &str) -> Option<&'a Node> {
        shape::entry(self.node, self.table, name).map(|item| &item.node)
    }

    /// The map in a field, with its table.
    fn record(self, name: &str) -> Option<Record<'a>> {
        let node = self.get(name)?;
        let field = self.table.fields.iter().find(|field| field.name == name)?;
        Some(Record { node, table: table_of(&field.shape)? })
    }

    /// The maps in a field that is a list of them.
    fn records(self, name: &str) -> Vec<Record<'a>> {
        let field = self.table.fields.iter().find(|field| field.name == name);
        match (self.get(name), field.and_then(|field| table_of(&field.shape))) {
            (Some(node), Some(table)) => node.list().iter().map(|node| Record { node, table }).collect(),
            _ => Vec::new(),
        }
    }

    /// The maps in a field whose names are the writer's.
    fn named(self, name: &str) -> Vec<(&'a str, Record<'a>)> {
        let field = self.table.fields.iter().find(|field| field.name == name);
        match (self.get(name), field.and_then(|field| table_of(&field.shape))) {
            (Some(node), Some(table)) => {
                node.items().iter().map(|item| (item.name.as_str(), Record { node: &item.node, table })).collect()
            }
            _ => Vec::new(),
        }
    }

    fn text(self, name: &str) -> Option<String> {
        self.get(name)?.text().map(str::to_owned)
    }

    /// A text with its place.
    fn word(self, name: &str) -> Option<Text> {
        let node = self.get(name)?;
        Some(Text { text: node.text()?.to_owned(), at: node.at })
    }

    fn words(self, name: &str) -> Vec<Text> {
        let nodes = self.get(name).map(Node::list).unwrap_or_default();
        nodes.iter().filter_map(|node| Some(Text { text: node.raw()?.to_owned(), at: node.at })).collect()
    }

    fn seconds(self, name: &str) -> Option<u64> {
        duration(self.get(name)?.raw()?).ok()
    }

    fn number(self, name: &str) -> Option<f64> {
        let node = self.get(name)?;
        node.json().as_f64().or_else(|| duration(node.raw()?).ok().map(|seconds| seconds as f64))
    }

    fn int(self, name: &str) -> Option<u64> {
        self.get(name)?.json().as_u64()
    }

    fn boolean(self, name: &str) -> Option<bool> {
        self.get(name)?.json().as_bool()
    }
}

/// The table behind a shape, also inside a list, a map, or a choice.
fn table_of(shape: &Shape) -> Option<&'static Table> {
    match shape {
        Shape::Record(table) => Some(table),
        Shape::List(inner) | Shape::Map(inner) | Shape::Named(inner) => table_of(inner),
        Shape::Either(one, other) => table_of(one).or_else(|| table_of(other)),
        _ => None,
    }
}

/// What is found on the way down.
#[derive(Default)]
pub(super) struct Lower {
    pub problems: Vec<Problem>,
}

/// Reads a playbook's text: as much of it as can be made out, and everything that is wrong with it so far.
pub(super) fn read(text: &str) -> (Option<Playbook>, Vec<Problem>) {
    let (root, problems) = tree::read(text);
    let Some(root) = root else { return (None, problems) };
    let mut lower = Lower { problems };
    shape::check(&root, &Shape::Record(&fields::PLAYBOOK), "the file", &mut lower.problems);
    let playbook = lower.playbook(Record { node: &root, table: &fields::PLAYBOOK }, text);
    (Some(playbook), lower.problems)
}

/// SHA-256 of a text, hex.
fn revision(text: &str) -> String {
    crate::units::digits(&Sha256::digest(text.as_bytes()))
}

impl Lower {
    fn complain(&mut self, at: Place, message: impl Into<String>) {
        self.problems.push(Problem::new(at, message));
    }

    fn playbook(&mut self, all: Record<'_>, text: &str) -> Playbook {
        Playbook {
            name: all.word("playbook").unwrap_or_default(),
            about: all.text("about").unwrap_or_default(),
            owner: all.text("owner").unwrap_or_default(),
            mode: all.text("mode").and_then(|word| mode(&word)).unwrap_or(Mode::Suggest),
            approve: all.record("approve").and_then(approve),
            on: all.records("on").into_iter().filter_map(|on| self.on(on)).collect(),
            labels: self.labels(all),
            targets: self.targets(all),
            params: all
                .named("params")
                .into_iter()
                .filter_map(|(name, one)| Some((name.into(), self.param(one)?)))
                .collect(),
            queries: all
                .named("queries")
                .into_iter()
                .filter_map(|(name, one)| Some((name.into(), self.query(one)?)))
                .collect(),
            guards: all.record("guards").map(|guards| self.guards(guards)).unwrap_or_default(),
            steps: all.records("steps").into_iter().filter_map(|step| self.step(step)).collect(),
            verify: all.record("verify").and_then(|verify| self.verify(verify)),
            annotate: annotate(all),
            escalate: all.record("escalate").and_then(escalate),
            tests: all.records("tests").into_iter().filter_map(|case| self.case(case)).collect(),
            revision: revision(text),
            effects: Effects::default(),
        }
    }

    /// An expression of a field.
    fn cel(&mut self, of: Record<'_>, name: &str) -> Option<Cel> {
        let node = of.get(name)?;
        match Cel::compile(node.text()?, node.at) {
            Ok(cel) => Some(cel),
            Err(why) => {
                self.complain(node.at, format!("`{name}`: {why}"));
                None
            }
        }
    }

    fn whole(&mut self, node: &Node) -> Option<Whole> {
        match Whole::new(node.text()?) {
            Ok(whole) => Some(whole),
            Err(why) => {
                self.complain(node.at, format!("this is no pattern: {why}"));
                None
            }
        }
    }

    fn labels(&mut self, all: Record<'_>) -> BTreeMap<String, Whole> {
        let items = all.get("labels").map(Node::items).unwrap_or_default();
        items.iter().filter_map(|item| Some((item.name.clone(), self.whole(&item.node)?))).collect()
    }

    fn targets(&mut self, all: Record<'_>) -> BTreeMap<String, Vec<Pattern>> {
        let pattern = |node: &Node| Some(Pattern { text: node.raw()?.to_owned(), at: node.at });
        let items = all.get("targets").map(Node::items).unwrap_or_default();
        for item in items.iter().filter(|item| item.node.list().is_empty()) {
            let problem = Problem::new(item.at, format!("`targets.{}` is empty, and so allows nothing", item.name));
            self.problems.push(problem.hint("name what may be acted on, as cache-*"));
        }
        items.iter().map(|item| (item.name.clone(), item.node.list().iter().filter_map(pattern).collect())).collect()
    }

    fn on(&mut self, on: Record<'_>) -> Option<On> {
        let mut matches = BTreeMap::new();
        for item in on.get("match").map(Node::items).unwrap_or_default() {
            let one = match item.node.raw() {
                Some(text) => Some(Matcher::Equals(text.to_owned())),
                None => item.node.items().iter().find_map(|inner| self.whole(&inner.node)).map(Matcher::Regex),
            };
            matches.extend(one.map(|one| (item.name.clone(), one)));
        }
        Some(On {
            source: on.word("source")?,
            matches,
            when: self.cel(on, "when"),
            status: match on.text("status").as_deref() {
                Some("resolved") => When::Resolved,
                Some("any") => When::Any,
                _ => When::Firing,
            },
            key: on.words("key").into_iter().map(|word| Path { text: word.text, at: word.at }).collect(),
            at: on.node.at,
        })
    }

    fn param(&mut self, one: Record<'_>) -> Option<Param> {
        let word = one.text("type")?;
        let kind = ParamType::ALL.into_iter().find(|kind| kind.word() == word)?;
        let pattern = one.get("pattern").and_then(|node| self.whole(node));
        let default = one.get("default").map(|node| match (kind, node.raw().map(duration)) {
            (ParamType::Duration, Some(Ok(seconds))) => seconds.into(),
            _ => node.json(),
        });
        Some(Param {
            kind,
            default,
            min: one.number("min"),
            max: one.number("max"),
            pattern,
            values: one.words("values").into_iter().map(|word| word.text).collect(),
            max_items: one.int("max_items").and_then(|most| usize::try_from(most).ok()),
            about: one.text("about").unwrap_or_default(),
            at: one.node.at,
        })
    }

    fn query(&mut self, one: Record<'_>) -> Option<Query> {
        let timeout = one.seconds("timeout").unwrap_or(READ);
        let (at, take) = (one.node.at, one.text("take"));
        match (one.get("prometheus"), one.word("do")) {
            (Some(_), Some(action)) => {
                self.complain(action.at, "a query has `prometheus` or `do`, not both");
                None
            }
            (Some(promql), None) => {
                let with = self.prometheus(promql)?;
                if one.get("with").is_some() || take.is_some() {
                    self.complain(at, "`with` and `take` go with `do`; PromQL gives one number");
                }
                let action = Text { text: super::template::PROMETHEUS.to_owned(), at: promql.at };
                Some(Query { action, with, take: Some("value".to_owned()), timeout, at })
            }
            (None, Some(action)) => Some(Query { action, with: self.with(one), take, timeout, at }),
            (None, None) => {
                self.problems.push(
                    Problem::new(at, "a query needs `prometheus` or `do`")
                        .hint("prometheus: 'sum(up{job=\"web\"})', or do: NAME with: {…} for any command that reads"),
                );
                None
            }
        }
    }

    fn guards(&mut self, guards: Record<'_>) -> Guards {
        let rate = |name| {
            let rate: Record<'_> = guards.record(name)?;
            Some((u32::try_from(rate.int("max")?).ok()?, rate.seconds("within")?))
        };
        let min_healthy = guards.record("min_healthy");
        let seasons = guards.get("not_during").map(|_| {
            let words = guards.words("not_during");
            Season::ALL.into_iter().filter(|season| words.iter().any(|word| word.text == season.word())).collect()
        });
        Guards {
            cooldown: guards.seconds("cooldown"),
            recurrence: rate("recurrence").map(|(max, within)| Recurrence { max, within }),
            budget: guards.word("budget"),
            bucket: rate("bucket").map(|(max, within)| Bucket { max, within }),
            min_healthy: min_healthy
                .and_then(|least| Some(MinHealthy { query: least.word("query")?, least: least.number("least")? })),
            require: self.cel(guards, "require"),
            not_during: seasons.unwrap_or_else(|| Season::ALL.to_vec()),
        }
    }

    fn verify(&mut self, verify: Record<'_>) -> Option<Verify> {
        let until = self.cel(verify, "until");
        Some(Verify {
            after: verify.seconds("after").unwrap_or_default(),
            until: until?,
            every: verify.seconds("every").unwrap_or(EVERY),
            within: verify.seconds("within").unwrap_or(EVERY),
            hold: verify.seconds("hold").unwrap_or_default(),
            or_else: or_else(verify),
            at: verify.node.at,
        })
    }
}

fn mode(word: &str) -> Option<Mode> {
    Mode::ALL.into_iter().find(|mode| mode.word() == word)
}

fn or_else(of: Record<'_>) -> OrElse {
    if of.text("else").as_deref() == Some("undo") { OrElse::Undo } else { OrElse::Escalate }
}

fn approve(of: Record<'_>) -> Option<Approve> {
    Some(Approve {
        from: of.word("from")?,
        within: of.seconds("within")?,
        or_else: OrElse::Escalate,
        second_person: of.boolean("second_person").unwrap_or_default(),
    })
}

fn annotate(all: Record<'_>) -> Option<Annotate> {
    let node = all.get("annotate")?;
    if let Some(to) = node.text() {
        return Some(Annotate { to: Text { text: to.to_owned(), at: node.at }, reports: Vec::new(), note: None });
    }
    let of = all.record("annotate")?;
    Some(Annotate { to: of.word("to")?, reports: of.words("reports"), note: of.word("note") })
}

fn escalate(of: Record<'_>) -> Option<Escalate> {
    Some(Escalate { to: of.word("to")?, deadline: of.seconds("deadline")?, note: of.word("note"), at: of.node.at })
}
