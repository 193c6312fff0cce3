//! A page that needs no store: for when the store is what fails.

use std::sync::Arc;
use std::time::Duration;

use ira_commands::ports::people::{Page, PageVerb, PagerWrite as _};
use ira_commands::{Fault, Kind};
use serde_json::json;

use crate::clients::pager::Pager;
use crate::config::Config;

/// How long it is tried.
const WITHIN: Duration = Duration::from_secs(5);

/// Wakes somebody, by what is in memory alone. The same `about` of the same machine is one incident.
pub(super) async fn page(config: &Arc<Config>, about: &str, why: &str) -> Result<(), Fault> {
    let Some(paging) = &config.systems.page else {
        return Err(Fault::new(Kind::Config, "nobody is configured to be paged"));
    };
    let host = crate::clients::host_name();
    let page = Page {
        verb: PageVerb::Trigger,
        key: format!("ira:{host}:{about}"),
        summary: format!("ira on {host} cannot act: {about}"),
        severity: "critical".to_owned(),
        source: host,
        details: json!({ "details": why }),
        links: Vec::new(),
    };
    let pager = Pager::new(Arc::clone(config), paging);
    match tokio::time::timeout(WITHIN, pager.page(&page)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(broken)) => Err(broken.fault),
        Err(_) => Err(Fault::new(Kind::Timeout, "the pager did not answer in time")),
    }
}

/// The same for who has no runtime, or does not trust it any more: the process is about to end.
pub(super) fn last_page(config: &Arc<Config>, about: &str, why: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let told = match runtime {
        Ok(runtime) => runtime.block_on(page(config, about, why)),
        Err(error) => Err(Fault::new(Kind::Failed, error.to_string())),
    };
    if let Err(fault) = told {
        tracing::error!("nobody could be told: {fault}");
    }
}
