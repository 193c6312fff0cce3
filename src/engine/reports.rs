//! The reports that the note of a run holds: kept when they are read, for a later worker has only their data.

use ira_commands::Report;
use serde_json::{Value as Json, json};

use super::course::{Course, Go};
use crate::cli::Format;
use crate::render::{self, Style};

/// The most of one that is kept, characters.
const MOST: usize = 16_000;
/// What it is in the record.
const SORT: &str = "report";

impl Course<'_> {
    /// Keeps what a step reported, where the playbook's note is to hold it.
    pub async fn keep_report(&self, path: &str, report: &Report) -> Go<()> {
        let wanted = self.playbook.annotate.iter().flat_map(|annotate| &annotate.reports);
        if !wanted.into_iter().any(|id| below(path, &id.text)) {
            return Ok(());
        }
        let style = Style { format: Format::Markdown, ..Style::default() };
        let whole = render::report(report, report.outcome.exit_code(), &style);
        let mut text: String = whole.chars().take(MOST).collect();
        if text.len() < whole.len() {
            text.push_str("\n\n… cut here");
        }
        self.note(SORT, json!({ "path": path, "text": text })).await
    }

    /// What the note of the run holds of reports, in the order of the playbook: step and markdown.
    pub fn reports(&self) -> Vec<Json> {
        let wanted = self.playbook.annotate.iter().flat_map(|annotate| &annotate.reports);
        let kept = self.past.all_noted(SORT);
        let of = |id: &str| {
            let last = kept.iter().rfind(|matter| matter["path"].as_str().is_some_and(|path| below(path, id)))?;
            Some(json!({ "step": id, "text": last["text"] }))
        };
        wanted.filter_map(|id| of(&id.text)).collect()
    }
}

/// Whether a path is a step, or one of its rounds.
fn below(path: &str, id: &str) -> bool {
    path.strip_prefix(id).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
