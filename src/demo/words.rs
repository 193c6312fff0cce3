//! What is said on the way.

use ira_commands::text::clean;
use serde_json::Value as Json;

/// Where the words of a line begin, behind the time and who said them.
const WORDS: usize = 29;
/// What a run says that is of no use here: who took it, which attempt it was, what it waits for.
const LEFT_OUT: [&str; 8] = [
    "is at it",
    "the plan is known",
    "is to be done",
    "attempt ",
    "after: ",
    "waiting:timer",
    "running:",
    "a person is woken",
];

/// What is there.
pub(super) fn opening(intake: &str, pages: &str) -> String {
    format!(
        "Here are a daemon with a store of its own ({intake}; pages at {pages}/runs), a shop\n\
         and a till that it looks after, an Alertmanager and a pager. All of it is on this machine, and goes with this.\n\n"
    )
}

/// A line of `ira run tail` in the words of this scene; none where it is not shown.
pub(super) fn line(line: &str) -> Option<String> {
    let when = line.get(..WORDS - 15)?.trim();
    let what = line.chars().skip(WORDS).collect::<String>();
    if LEFT_OUT.iter().any(|part| what.contains(part)) {
        return None;
    }
    let words = what.split_whitespace().filter(|word| !word.starts_with("sha256:") && !word.ends_with("/script"));
    let words: Vec<&str> = words.map(|word| if word.starts_with('/') { file(word) } else { word }).collect();
    Some(format!("   {when:>9}  {}\n", words.join(" ")))
}

/// The last part of a path.
fn file(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// How the first one ended.
pub(super) fn mended(run: &Json) -> String {
    let took = run["took"].as_str().unwrap_or_default();
    match run["state"].as_str() {
        Some("succeeded") => format!("   Fixed, verified, in {took}. Nobody was woken.\n"),
        other => format!("   It is {}: {}\n", other.unwrap_or("lost"), clean(run["note"].as_str().unwrap_or_default())),
    }
}

/// A page as a pager shows it.
pub(super) fn page(event: &Json) -> String {
    let payload = &event["payload"];
    let mut lines = vec![format!(
        "{}: {}",
        payload["severity"].as_str().unwrap_or_default().to_uppercase(),
        clean(payload["summary"].as_str().unwrap_or_default())
    )];
    let details = payload["custom_details"]["details"].as_str().or(payload["custom_details"].as_str());
    lines.extend(details.unwrap_or_default().lines().filter(|line| !line.is_empty()).map(clean));
    lines.iter().fold(String::new(), |text, line| text + "     | " + line + "\n")
}

/// What comes next.
pub(super) fn next(lines: &[&str]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("  {line}\n")).collect();
    format!("\nThe same for your services:\n{}", lines.concat())
}
