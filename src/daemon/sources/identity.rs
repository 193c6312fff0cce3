//! What an alert that somebody hands over is known by: the same as when its sender sends it.

use super::{Batch, Delivery, Limits, datadog, generic, grafana};
use crate::config::intake::Sender;
use crate::config::systems::SystemsConfig;

/// The fingerprint as the inbox has it, and the sender's group (it may be empty), of the one alert of a message. `None`
/// where none of the senders whose messages say enough by themselves would have sent it: these are Datadog, Grafana, and
/// what the configuration maps.
pub fn identity(systems: &SystemsConfig, text: &str) -> Option<(String, String)> {
    let (body, limits) = (text.as_bytes(), Limits::default());
    let known = [datadog::read(body, &limits), grafana::read(body, &limits)].into_iter().flatten();
    let mapped = systems.sources.values().filter_map(|source| match &source.sender {
        Sender::Generic(mapping) => generic::read(mapping, body, None, &source.limits).ok(),
        _ => None,
    });
    known.chain(mapped).find_map(|batch: Batch| match batch.deliveries.as_slice() {
        [one] => Some((print(one), one.group_key.clone())),
        _ => None,
    })
}

/// The fingerprint of an alert as the inbox has it.
pub(in crate::daemon) fn print(delivery: &Delivery) -> String {
    format!("{}:{}", delivery.incoming.source, delivery.fingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_known_by_the_same_whoever_brings_it() {
        let text = include_str!("../../../tests/payloads/datadog/triggered.json");
        let batch = datadog::read(text.as_bytes(), &Limits::default()).expect("a message");
        let (fingerprint, group) = identity(&SystemsConfig::default(), text).expect("one of Datadog's");
        assert_eq!((fingerprint, group), (print(&batch.deliveries[0]), batch.deliveries[0].group_key.clone()));
        assert_eq!(identity(&SystemsConfig::default(), "- alertname = Down"), None);
    }
}
