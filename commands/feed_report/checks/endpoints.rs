//! Do the endpoints agree.

use crate::ports::NoticeKind;
use crate::report::{Finding, Status};

use super::super::facts::{Facts, Scene};
use super::finding;

/// Forks, lags, failures and answers that differ between endpoints.
pub fn endpoints_disagree(scene: &Scene, _facts: &Facts) -> Option<Finding> {
    const CHECK: &str = "endpoints-disagree";
    if scene.endpoints < 2 && scene.notices.is_empty() {
        return None;
    }
    let status = scene
        .notices
        .iter()
        .map(|notice| match notice.kind {
            NoticeKind::Fork | NoticeKind::Disagrees => Status::Critical,
            // Behind one URL stand many machines: another of them answered, or the reads themselves are unknown.
            NoticeKind::Lags if scene.endpoints < 2 => Status::Info,
            NoticeKind::Lags => Status::Warn,
            NoticeKind::Failed => Status::Info,
        })
        .max()
        .unwrap_or(Status::Ok);
    let message = match scene.notices.as_slice() {
        [] => format!("{} endpoints agree on block {}", scene.endpoints, scene.block.number),
        notices => notices
            .iter()
            .map(|notice| format!("{}: {}", notice.endpoint, notice.message))
            .collect::<Vec<_>>()
            .join("; "),
    };
    let notices: Vec<serde_json::Value> = scene
        .notices
        .iter()
        .map(|notice| serde_json::json!({ "endpoint": notice.endpoint, "message": notice.message }))
        .collect();
    Some(
        finding(CHECK, status, message)
            .with("endpoints", scene.endpoints)
            .with("notices", notices)
            .mend("believe neither until they agree: leave out the endpoint that differs", "you"),
    )
}
