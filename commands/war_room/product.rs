//! Which product an alert is about, and the key that its experts look it up by.

use crate::alert::{Alert, chain_scope};
use crate::playbook::{Pattern, Place};
use crate::text::excerpt;
use crate::value::lenient_address;

/// A rule of the configuration, or one that ships.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// What it is called (`VRF`).
    pub name: String,
    /// Labels and the values that say so; `*` stands for any characters, capitals do not count. One of them is enough.
    pub matches: Vec<(String, String)>,
    /// The label with the key that is shown.
    pub key: Option<String>,
}

/// What is tried after the rules of the configuration: name, labels and values, the label of the key.
type Shipped = (&'static str, &'static [(&'static str, &'static str)], &'static str);

const SHIPPED: [Shipped; 3] = [
    ("VRF", &[("key_hash", "*"), ("alertname", "*vrf*"), ("job", "*vrf*"), ("summary", "*vrf*")], "key_hash"),
    (
        "Keepers",
        &[
            ("registry_address", "*"),
            ("alertname", "*keeper*"),
            ("alertname", "*upkeep*"),
            ("alertname", "*automation*"),
            ("job", "*keeper*"),
            ("job", "*automation*"),
        ],
        "registry_address",
    ),
    (
        "Feeds",
        &[
            ("contract_address", "*"),
            ("feed_name", "*"),
            ("alertname", "*feed*"),
            ("alertname", "*ocr*"),
            ("job", "*ocr*"),
            ("job", "*otpe*"),
            ("job", "*feed*"),
        ],
        "contract_address",
    ),
];

/// The keys that are shown where no rule says which.
const KEYS: [&str; 3] = ["key_hash", "registry_address", "contract_address"];

/// What an alert is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    /// The product's name; `other` where no rule knows it.
    pub product: String,
    /// The label of its key and the value.
    pub key: Option<(String, String)>,
    /// Where an explorer shows it.
    pub link: Option<String>,
}

/// What `alert` is about, by `rules` and then by those that ship.
pub(super) fn subject(alert: &Alert, rules: &[Product], explorer: impl Fn(&str) -> Option<String>) -> Subject {
    let text = |name: &str| {
        let value = alert.labels.get(name).or_else(|| alert.annotations.get(name))?;
        Some(excerpt(value, 200)).filter(|value| !value.is_empty())
    };
    let matches = |name: &str, pattern: &str| {
        let pattern = Pattern { text: pattern.to_lowercase(), at: Place::default() };
        text(name).is_some_and(|value| pattern.matches(&value.to_lowercase()))
    };
    let own = rules.iter().find(|rule| rule.matches.iter().any(|(name, pattern)| matches(name, pattern)));
    let (product, label) = match own {
        Some(rule) => (rule.name.clone(), rule.key.clone()),
        None => SHIPPED
            .iter()
            .find(|(_, all, _)| all.iter().any(|(name, pattern)| matches(name, pattern)))
            .map_or(("other".to_owned(), None), |(name, _, key)| ((*name).to_owned(), Some((*key).to_owned()))),
    };
    let named = label.and_then(|label| Some((text(&label)?, label)));
    let key = named.or_else(|| KEYS.iter().find_map(|label| Some((text(label)?, (*label).to_owned()))));
    let address = key.as_ref().and_then(|(value, _)| lenient_address(value));
    let base = chain_scope(alert).network.as_deref().and_then(explorer);
    let link = address.zip(base).map(|(address, base)| format!("{base}/address/{}", crate::units::address(address)));
    Subject { product, key: key.map(|(value, label)| (label, value)), link }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(labels: &[(&str, &str)]) -> Alert {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Alert { labels, ..Alert::default() }
    }

    fn of(labels: &[(&str, &str)]) -> Subject {
        subject(&alert(labels), &[], |network| Some(format!("https://{network}.example")))
    }

    const ADDRESS: &str = "0x5f4ec3df9cbd43714fe2740f5e3616155c5b8419";

    #[test]
    fn each_product_is_told_by_what_its_alerts_carry() {
        for (labels, product, key) in [
            (vec![("alertname", "x"), ("key_hash", "0x8af3")], "VRF", Some("key_hash")),
            (vec![("alertname", "VRFRequestsPending"), ("contract_address", ADDRESS)], "VRF", Some("contract_address")),
            (vec![("job", "KEEPER_registry"), ("registry_address", ADDRESS)], "Keepers", Some("registry_address")),
            (vec![("alertname", "FeedStale"), ("contract_address", ADDRESS)], "Feeds", Some("contract_address")),
            (vec![("job", "ocr_telemetry_prometheus_exporter_base_mainnet")], "Feeds", None),
            (vec![("alertname", "DiskFull")], "other", None),
        ] {
            let subject = of(&labels);
            assert_eq!(
                (subject.product.as_str(), subject.key.as_ref().map(|(label, _)| label.as_str())),
                (product, key)
            );
        }
    }

    #[test]
    fn an_address_leads_to_the_explorer_of_its_network_and_a_hash_nowhere() {
        let feed = of(&[("network_name", "base-mainnet"), ("contract_address", ADDRESS)]);
        let link = "https://base-mainnet.example/address/0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419";
        assert_eq!(feed.link.as_deref(), Some(link));
        assert_eq!(of(&[("network_name", "base-mainnet"), ("key_hash", "0x8af3")]).link, None);
        assert_eq!(of(&[("contract_address", ADDRESS)]).link, None, "no network, no explorer");
    }

    #[test]
    fn a_rule_of_the_configuration_is_tried_first() {
        let rule = Product {
            name: "Payments".to_owned(),
            matches: vec![("namespace".to_owned(), "payments*".to_owned())],
            key: Some("device".to_owned()),
        };
        let given = alert(&[("namespace", "Payments-eu"), ("device", "nvme0"), ("key_hash", "0x1")]);
        let subject = subject(&given, &[rule], |_| None);
        assert_eq!((subject.product.as_str(), subject.key), ("Payments", Some(("device".into(), "nvme0".into()))));
    }
}
