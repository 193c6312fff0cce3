//! Prometheus: instant queries.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use ira_commands::ports::systems::{Measured, Metrics, Sample};
use ira_commands::text::excerpt;
use ira_commands::{Fault, Kind};
use reqwest::Method;
use serde_json::Value as Json;

use super::service::{Body, Call, Service};
use crate::config::Config;
use crate::config::systems::ServiceConfig;

/// A Prometheus, or what speaks like one.
pub struct Prometheus {
    config: Arc<Config>,
    service: ServiceConfig,
}

impl Prometheus {
    /// The configured one.
    pub fn new(config: Arc<Config>, service: ServiceConfig) -> Self {
        Self { config, service }
    }
}

/// A value as Prometheus writes it: a list of time and text.
fn number(value: &Json) -> Option<f64> {
    match value.get(1)?.as_str()? {
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        text => text.parse().ok(),
    }
}

fn labels(metric: &Json) -> BTreeMap<String, String> {
    let text = |(name, value): (&String, &Json)| Some((name.clone(), value.as_str()?.to_owned()));
    metric.as_object().into_iter().flatten().filter_map(text).collect()
}

/// The samples of an answer's `data`.
fn samples(data: &Json) -> Result<Vec<Sample>, Fault> {
    let strange = |what: &str| Fault::new(Kind::BadAnswer, format!("answers with {what}"));
    let result = data.get("result").ok_or_else(|| strange("no result"))?;
    match data.get("resultType").and_then(Json::as_str) {
        Some("scalar") => {
            let value = number(result).ok_or_else(|| strange("a scalar that is no number"))?;
            Ok(vec![Sample { labels: BTreeMap::new(), value }])
        }
        Some("vector") => {
            let all = result.as_array().ok_or_else(|| strange("a vector that is no list"))?;
            let one = |item: &Json| {
                let value = item.get("value").and_then(number).ok_or_else(|| strange("a sample without a value"))?;
                Ok(Sample { labels: item.get("metric").map(labels).unwrap_or_default(), value })
            };
            all.iter().map(one).collect()
        }
        Some("matrix") => Err(Fault::new(Kind::Usage, "gives a range, not a value")
            .hint("leave the `[…]` at its end out, or put a function such as rate() around it")),
        _ => Err(strange("a type that is no number")),
    }
}

#[async_trait]
impl Metrics for Prometheus {
    async fn query(&self, expr: &str, seconds: u64) -> Result<Measured, Fault> {
        let ServiceConfig { url, auth } = &self.service;
        let service = Service::open("Prometheus", url, auth, self.config.env())?.within(seconds);
        let mut call = Call::new(Method::POST, &["api", "v1", "query"]);
        // It gives up by itself a little before nobody listens any more.
        call.body = Body::Form(vec![("query", expr.to_owned()), ("timeout", format!("{seconds}s"))]);
        let said = service.read(&call).await.map_err(|fault| match fault.kind {
            Kind::BadAnswer | Kind::TooLarge => fault.because(format!("asked: {}", excerpt(expr, 200))),
            _ => fault,
        })?;
        if said.get("status").and_then(Json::as_str) != Some("success") {
            return Err(service.lacks("success"));
        }
        let data = said.get("data").ok_or_else(|| service.lacks("data"))?;
        let samples = samples(data).map_err(|fault| service.fault(fault))?;
        let texts = |name: &str| -> Vec<String> {
            let all = said.get(name).and_then(Json::as_array).into_iter().flatten();
            all.filter_map(Json::as_str).map(str::to_owned).collect()
        };
        Ok(Measured { samples, warnings: texts("warnings"), by: service.label() })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_shape_of_an_answer_is_read_or_refused() {
        let values = |data: Json| samples(&data).map(|all| all.into_iter().map(|one| one.value).collect::<Vec<_>>());
        assert_eq!(values(json!({ "resultType": "scalar", "result": [1.5, "3"] })), Ok(vec![3.0]));
        assert_eq!(values(json!({ "resultType": "vector", "result": [] })), Ok(vec![]));
        let one = json!({ "resultType": "vector", "result": [{ "metric": { "a": "b" }, "value": [1, "+Inf"] }] });
        assert_eq!(values(one), Ok(vec![f64::INFINITY]));
        for strange in [
            json!({ "resultType": "scalar", "result": [1, "x"] }),
            json!({ "resultType": "vector", "result": {} }),
            json!({ "resultType": "vector", "result": [{ "metric": {} }] }),
            json!({ "resultType": "vector", "result": [{ "metric": {}, "value": [1, 2] }] }),
            json!({ "resultType": "string", "result": [1, "x"] }),
            json!({ "resultType": "matrix", "result": [] }),
            json!({}),
        ] {
            assert!(values(strange.clone()).is_err(), "{strange}");
        }
    }
}
