//! `[sources.NAME]`.

use super::*;
use crate::config::intake::{Pairs, ProofConfig, Sender};

fn loaded(text: &str) -> Config {
    Machine::new().user(text).load().unwrap_or_else(|fault| panic!("{fault}\n{text}"))
}

#[test]
fn each_kind_is_read_with_what_proves_it() {
    let config = loaded(
        r#"
        [sources.am]
        kind = "alertmanager"
        token = ["env:A", "env:B"]
        max_body_mib = 4
        [sources.pd]
        kind = "pagerduty"
        secret = "env:P"
        [sources.aws]
        kind = "sns"
        topics = ["arn:aws:sns:eu-west-1:123456789012:alarms", "arn:aws-cn:sns:cn-north-1:123456789012:a.fifo"]
        [sources.dd]
        kind = "datadog"
        header = "X-Ira-Token"
        secret = "env:D"
        [sources.grafana]
        kind = "grafana"
        secret = "env:G"
        timestamp_header = "X-Time"
        [sources.local]
        kind = "alertmanager"
        unauthenticated = true
        [sources.own]
        kind = "generic"
        secret = "env:O"
        labels = { alertname = "item.name" }
        annotations = "item.details"
        "#,
    );
    let sources = &config.systems.sources;
    assert_eq!(sources.len(), 7);
    assert!(matches!(&sources["am"].proof, ProofConfig::Bearer(all) if all.len() == 2));
    assert_eq!((sources["am"].limits.body, sources["pd"].limits.body), (4 << 20, 1 << 20));
    assert!(matches!(&sources["dd"].proof, ProofConfig::Header(name, _) if name == "x-ira-token"));
    assert!(matches!(sources["aws"].proof, ProofConfig::Inside));
    assert!(matches!(sources["local"].proof, ProofConfig::Unauthenticated));
    assert!(matches!(&sources["own"].sender, Sender::Generic(map) if matches!(map.annotations, Pairs::Of(_))));
    assert_eq!(config.systems.references().iter().filter(|(table, _)| *table == "sources").count(), 6);
    assert!(config.show().iter().any(|value| value.key == "sources.am" && value.origin != Origin::Default));
}

#[test]
fn what_proves_nothing_or_two_things_is_refused() {
    for (text, why) in [
        ("kind = \"alertmanager\"", "how it is proved who sends"),
        ("kind = \"alertmanager\"\nunauthenticated = false", "how it is proved who sends"),
        ("kind = \"alertmanager\"\nsecret = \"env:A\"", "signs nothing"),
        ("kind = \"alertmanager\"\ntoken = \"env:A\"\nunauthenticated = true", "more than one way"),
        ("kind = \"alertmanager\"\ntoken = \"the-token-itself\"", "never the"),
        ("kind = \"alertmanager\"\nuser = \"am\"", "`password`"),
        ("kind = \"alertmanager\"\ntoken = \"env:A\"\nlabels = \"item\"", "only `generic`"),
        (
            "kind = \"alertmanager\"\ntoken = \"env:A\"\ntopics = \"arn:aws:sns:eu-west-1:123456789012:a\"",
            "only the kind",
        ),
        ("kind = \"pagerduty\"\nunauthenticated = true", "no `secret`"),
        ("kind = \"sns\"", "no `topics`"),
        ("kind = \"sns\"\ntopics = \"alarms\"", "ARN"),
        ("kind = \"sns\"\ntopics = \"arn:aws:sns:eu-west-1:123456789012:a\"\nunauthenticated = true", "its signature"),
        ("kind = \"nagios\"\ntoken = \"env:A\"", "is one of"),
        ("token = \"env:A\"", "no `kind`"),
        ("kind = \"generic\"\nsecret = \"env:A\"", "no `labels`"),
        ("kind = \"generic\"\ntoken = \"env:A\"\nlabels = \"item\"", "tells no alert from its next"),
        ("kind = \"generic\"\nsecret = \"env:A\"\nlabels = \"item\"\nstatus = \"item.s\"", "no `resolved`"),
        ("kind = \"generic\"\nsecret = \"env:A\"\nlabels = \"items.a\"", "begins with"),
        ("kind = \"generic\"\nsecret = \"env:A\"\nlabels = \"item\"\nalerts = \"item.a\"", "begins with `body`"),
        ("kind = \"datadog\"\nheader = \"X Token\"\nsecret = \"env:A\"", "name of a header"),
        ("kind = \"alertmanager\"\ntokne = \"env:A\"", "did you mean `token`"),
    ] {
        let fault = Machine::new().user(&format!("[sources.one]\n{text}")).load().unwrap_err();
        assert!(format!("{fault:?}").contains(why), "{text}: {fault:?}");
    }
    let fault = Machine::new().user("[sources.Two_]\nkind = \"alertmanager\"\ntoken = \"env:A\"").load().unwrap_err();
    assert!(format!("{fault:?}").contains("part of a URL"));
}

#[test]
fn a_checkout_names_no_sender() {
    let machine = Machine::new().project("[sources.one]\nkind = \"alertmanager\"\nunauthenticated = true");
    assert!(machine.load().is_err());
}
