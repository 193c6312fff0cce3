//! Grafana's alerting: Alertmanager's form with what Grafana knows besides.

use super::alertmanager::{Dialect, read_as};
use super::{Batch, Limits, Refusal, digest};

const GRAFANA: Dialect = Dialect {
    source: "grafana",
    version: "1",
    kept: &["valueString", "generatorURL", "dashboardURL", "panelURL", "silenceURL"],
};

/// The alerts of a body.
pub(super) fn read(body: &[u8], limits: &Limits) -> Result<Batch, Refusal> {
    let (mut batch, org) = read_as(GRAFANA, body, limits)?;
    // Another organisation of the same Grafana may have the same labels.
    let org = org.unwrap_or_default().to_string();
    for delivery in &mut batch.deliveries {
        delivery.fingerprint = format!("grafana:{org}:{}", delivery.fingerprint);
        delivery.id = digest(&["grafana", &org, &delivery.id]);
    }
    Ok(batch)
}
