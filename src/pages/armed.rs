//! Who is paged, in words, before anybody agrees to anything: true to the configuration, also where it is nobody.

use ira_commands::playbook::Playbook;
use ira_commands::words::Span;

use super::run_alert::NAME;
use crate::config::Config;

/// How long somebody has to take up the run of a process that died, in words.
const GRACE: &str = "30s";
/// How long a page's own channel has before the fallback has it, in words.
const PATIENCE: &str = "2m";

/// Who is paged, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Armed {
    /// When it does not work.
    pub fails: String,
    /// When the process dies.
    pub process: String,
    /// When the machine dies.
    pub machine: String,
    /// What has to be seen before anything is agreed to.
    pub warnings: Vec<String>,
}

/// Who is paged for a run of a playbook that a person starts.
pub fn armed(config: &Config, playbook: &Playbook) -> Armed {
    let Some(escalate) = playbook.escalate.as_ref().filter(|_| playbook.effects.any()) else {
        let nobody = "nobody: it changes nothing".to_owned();
        return Armed { fails: nobody.clone(), process: nobody.clone(), machine: nobody, warnings: Vec::new() };
    };
    let systems = &config.systems;
    let within = Span { seconds: escalate.deadline };
    let machine = if systems.alertmanager.is_some() {
        format!("Alertmanager, where a route takes {NAME} to a pager (`ira help people`)")
    } else {
        "no one is paged if this machine dies".to_owned()
    };
    let Some(page) = &systems.page else {
        let nobody = "no one is paged: no pager is configured".to_owned();
        let warning = "nobody is configured to be paged: if this goes wrong, only you know \
                       (set `page`: `ira help config`)";
        return Armed { fails: nobody.clone(), process: nobody, machine, warnings: vec![warning.to_owned()] };
    };
    let provider = page.provider.word();
    let fallback = page.fallback.map_or_else(String::new, |other| format!(", after {PATIENCE} {}", other.word()));
    let mut warnings = Vec::new();
    let wanted = escalate.to.text.as_str();
    if ![Some(page.provider), page.fallback].into_iter().flatten().any(|channel| channel.word() == wanted) {
        warnings.push(format!("the playbook pages `{wanted}`, which takes no pages here: {provider} is paged instead"));
    }
    Armed {
        fails: format!("{provider}{fallback}"),
        process: format!(
            "{provider}, {GRACE} after that, by a watcher of its own; at the latest {within} after it began"
        ),
        machine,
        warnings,
    }
}
