//! The tests of the file.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Lower, Record};
use crate::playbook::case::{Answer, Case, Expect, Fixture};
use crate::playbook::model::Text;
use crate::playbook::shape::duration;
use crate::playbook::tree::{Node, Value};

impl Lower {
    pub(super) fn case(&mut self, case: Record<'_>) -> Option<Case> {
        let mut mock = BTreeMap::new();
        for item in case.get("mock").map(Node::items).unwrap_or_default() {
            let is_query = item.name.starts_with("q.");
            let answers = match &item.node.value {
                Value::List(nodes) if nodes.is_empty() => {
                    self.complain(item.node.at, format!("`{}` answers nothing: the list is empty", item.name));
                    continue;
                }
                Value::List(nodes) => nodes.iter().map(|node| answer(node, is_query)).collect(),
                _ => vec![answer(&item.node, is_query)],
            };
            mock.insert(item.name.clone(), answers);
        }
        let expect = case.record("expect")?;
        let names = |name| expect.get(name).map(|_| expect.words(name).into_iter().map(|word| word.text).collect());
        Some(Case {
            name: case.text("name").unwrap_or_default(),
            alert: fixture(case)?,
            set: pairs(case, "set"),
            params: pairs(case, "params"),
            mock,
            expect: Expect {
                decision: expect.word("decision"),
                reason: expect.text("reason"),
                path: names("path"),
                verified: expect.boolean("verified"),
                escalated: expect.boolean("escalated"),
                undone: names("undone"),
            },
            at: case.node.at,
        })
    }
}

fn pairs(of: Record<'_>, name: &str) -> BTreeMap<String, Json> {
    let items = of.get(name).map(Node::items).unwrap_or_default();
    let value = |node: &Node| match node.text().map(duration) {
        Some(Ok(seconds)) if name == "params" => seconds.into(),
        _ => node.json(),
    };
    items.iter().map(|item| (item.name.clone(), value(&item.node))).collect()
}

/// What one mock answers. A query's text is its value; a step's word says how it ended.
fn answer(node: &Node, is_query: bool) -> Answer {
    match node.text() {
        Some("unknown") => Answer::Unknown,
        Some("ok") if !is_query => Answer::Ok,
        Some("refused") if !is_query => Answer::Refused,
        Some("failed") if !is_query => Answer::Failed,
        _ => Answer::Out(node.json()),
    }
}

fn fixture(case: Record<'_>) -> Option<Fixture> {
    let node = case.get("alert")?;
    if let Some(file) = node.text() {
        return Some(Fixture::File(Text { text: file.to_owned(), at: node.at }));
    }
    let of = case.record("alert")?;
    let texts = |name| {
        let items = of.get(name).map(Node::items).unwrap_or_default();
        items.iter().filter_map(|item| Some((item.name.clone(), item.node.raw()?.to_owned()))).collect()
    };
    Some(Fixture::Written {
        labels: texts("labels"),
        annotations: texts("annotations"),
        resolved: of.text("status").as_deref() == Some("resolved"),
    })
}
