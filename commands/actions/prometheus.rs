//! `prometheus.query`: what a metric is now.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::Look;
use crate::context::Context;
use crate::fault::{Fault, Kind};
use crate::ports::systems::{Measured, Sample};
use crate::report::{Cell, Fact, Outcome, Report, Section, Status, Table};
use crate::text::{clean, excerpt};

/// Which expression.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Query {
    /// What is asked; one value is expected of it
    #[arg(long, value_name = "PROMQL")]
    pub query: String,

    /// Take several values too
    #[arg(long)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,

    /// Seconds that it may take
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=120))]
    #[serde(default = "five")]
    pub within: u64,
}

fn five() -> u64 {
    5
}

/// The labels of a sample as Prometheus writes them.
fn labels(sample: &Sample) -> String {
    let pairs: Vec<String> = sample.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    clean(&format!("{{{}}}", pairs.join(", ")))
}

impl Query {
    /// The samples, none of which is no number; a fault where there is none, or more than one and one was meant.
    fn judged<'a>(&self, measured: &'a Measured) -> Result<&'a [Sample], Fault> {
        let expr = excerpt(&self.query, 120);
        let samples = measured.samples.as_slice();
        if samples.is_empty() {
            return Err(Fault::new(Kind::Missing, format!("no data: `{expr}` matches nothing"))
                .because(format!("asked of {}", measured.by))
                .hint("nothing is not zero: check the labels, or write `… or vector(0)` where nothing means zero"));
        }
        if let Some(strange) = samples.iter().find(|sample| !sample.value.is_finite()) {
            return Err(Fault::new(Kind::BadAnswer, format!("`{expr}` is no number: {}", strange.value))
                .because(format!("of {}", labels(strange)))
                .hint("a division by zero does this: guard it with `> 0`"));
        }
        if samples.len() > 1 && !self.all {
            let few: Vec<String> = samples.iter().take(3).map(labels).collect();
            return Err(Fault::new(Kind::BadAnswer, format!("`{expr}` gives {} values, not one", samples.len()))
                .because(few.join("; "))
                .hint("aggregate it (`sum(…)`, `max(…)`), or take them all with --all"));
        }
        Ok(samples)
    }
}

#[async_trait]
impl Look for Query {
    async fn look(&self, context: &Context) -> Result<Report, Fault> {
        let metrics = context.metrics()?;
        context.progress().stage("asking Prometheus");
        let measured = metrics.query(&self.query, self.within).await?;
        let samples = self.judged(&measured)?;
        let expr = excerpt(&self.query, 120);
        let (headline, data) = if self.all {
            let values: Vec<Json> =
                samples.iter().map(|one| json!({ "labels": one.labels, "value": one.value })).collect();
            (format!("`{expr}` has {} values.", samples.len()), json!({ "values": values }))
        } else {
            let one = &samples[0];
            (format!("`{expr}` is {}.", one.value), json!({ "value": one.value, "labels": one.labels }))
        };
        let rows = samples.iter().map(|one| vec![Cell::from(labels(one)), Cell::from(one.value.to_string())]).collect();
        let table = Table { columns: vec!["labels", "value"], rows, ..Table::default() };
        Ok(Report {
            sections: vec![Section {
                status: Status::Info,
                headline,
                advice: String::new(),
                facts: vec![Fact { label: "asked", value: Cell::from(measured.by.as_str()), note: String::new() }],
                tables: if self.all { vec![table] } else { Vec::new() },
            }],
            next: Vec::new(),
            data,
            errors: Vec::new(),
            warnings: measured
                .warnings
                .iter()
                .map(|warning| format!("Prometheus says: {}", excerpt(warning, 200)))
                .collect(),
            outcome: Outcome::Well,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn judged(all: bool, values: &[f64]) -> Result<usize, Fault> {
        let samples = values.iter().map(|value| Sample { labels: BTreeMap::new(), value: *value }).collect();
        let measured = Measured { samples, warnings: Vec::new(), by: "prometheus".to_owned() };
        Query { query: "up".to_owned(), all, within: 5 }.judged(&measured).map(<[Sample]>::len)
    }

    #[test]
    fn nothing_is_never_zero_and_what_is_no_number_is_refused() {
        let fault = judged(false, &[]).expect_err("no data");
        assert!(fault.kind == Kind::Missing && fault.message.starts_with("no data"), "{fault}");
        assert_eq!(judged(true, &[]).expect_err("no data").kind, Kind::Missing);
        for strange in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(judged(false, &[strange]).expect_err("no number").kind, Kind::BadAnswer);
            assert_eq!(judged(true, &[1.0, strange]).expect_err("no number").kind, Kind::BadAnswer);
        }
        assert_eq!(judged(false, &[0.0]), Ok(1));
    }

    #[test]
    fn several_are_a_fault_unless_all_are_meant() {
        let fault = judged(false, &[1.0, 2.0]).expect_err("two");
        assert!(fault.message.contains("2 values") && fault.hint.expect("a hint").contains("--all"));
        assert_eq!(judged(true, &[1.0, 2.0]), Ok(2));
    }
}
