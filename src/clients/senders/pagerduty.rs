//! PagerDuty: an alert that it sent fires until its incident is resolved.

use std::collections::BTreeMap;

use ira_commands::ports::people::{IncidentName, IncidentRead as _};
use ira_commands::ports::systems::SaidOf;
use ira_commands::text::excerpt;
use ira_commands::{Fault, Kind};

use crate::clients::pagerduty::Rest;

/// The labels that name an incident: by its id, as its webhook does, or by the key that it was triggered with.
const NAMES: [&str; 2] = ["incident", "dedup_key"];

/// Whether the incident of these labels is open.
pub(super) async fn fires(rest: &Rest, labels: &BTreeMap<String, String>) -> Result<SaidOf, Fault> {
    let name = match NAMES.map(|name| labels.get(name)) {
        [Some(id), _] => IncidentName::Id(id.clone()),
        [None, Some(key)] => IncidentName::Key(key.clone()),
        [None, None] => {
            return Err(Fault::new(Kind::Usage, "the alert names no incident of PagerDuty")
                .hint("--label incident=ID, or --label dedup_key=KEY"));
        }
    };
    let Some(found) = rest.find(&name, 0).await? else {
        return Err(Fault::new(Kind::Missing, "PagerDuty has no such incident"));
    };
    let words = format!("incident {} is {}", excerpt(&found.id, 40), excerpt(&found.status, 40));
    match found.status.as_str() {
        "triggered" | "acknowledged" => Ok(SaidOf { by: "PagerDuty".to_owned(), fires: true, words }),
        "resolved" => Ok(SaidOf { by: "PagerDuty".to_owned(), fires: false, words }),
        _ => Err(Fault::new(Kind::BadAnswer, format!("PagerDuty says that {words}, which ira does not know"))),
    }
}
