//! The two arms of the page: one for the alert, should ira do nothing, and one for the run, should ira die in the middle.
//! Where one is missing, nothing is written by itself.

use crate::config::Config;

/// The lines of configuration that are missing; none where both arms are there.
pub(super) fn missing(config: &Config) -> Vec<String> {
    let systems = &config.systems;
    let mut missing = Vec::new();
    if systems.page.is_none() {
        missing.push("[page] routing_key = \"file:…\" (who is woken)".to_owned());
    }
    if systems.alertmanager.is_none() {
        missing.push(
            "[alertmanager] urls = [\"…\"] (its second route pages for the alert, and the run alert for the run: \
             `ira daemon --alertmanager-routes`)"
                .to_owned(),
        );
    }
    missing
}

/// How far the arm of the alert is known to be there.
pub(super) fn of_alert(config: &Config) -> &'static str {
    if config.systems.alertmanager.is_some() { "declared, not seen" } else { "missing" }
}
