//! `[drill.NAME]`: what may be broken to see whether it is mended, on what, how far, and when.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ira_commands::playbook::Mode;
use ira_commands::words::Span;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::engine::{each, fields, named};
use super::keys;
use super::reader::{Item, Reader};
use super::systems::{needed, span};

/// How long a drill may take where nothing is said, seconds.
const WITHIN: u64 = 1_200;
/// The longest that it may, seconds.
const LONGEST: u64 = 14_400;
/// The days of a week, from the first of January 1970 on.
pub const DAYS: [&str; 7] = ["thu", "fri", "sat", "sun", "mon", "tue", "wed"];

/// A drill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrillConfig {
    /// The playbook that is to mend it.
    pub playbook: String,
    /// The sender, as [sources.NAME] has it, whose alert is made.
    pub source: String,
    /// Where alerts are taken; the daemon's own listener where none is given.
    pub url: Option<String>,
    /// The labels of the alert.
    pub labels: BTreeMap<String, String>,
    /// Parameters of the playbook, for the drill alone.
    pub params: BTreeMap<String, String>,
    /// How far the playbook goes in the drill; as far as ever where none is given.
    pub rung: Option<Mode>,
    /// What is broken.
    pub inject: Inject,
    /// Whether the target is said to be safe to break.
    pub safe: bool,
    /// How long all of it may take, seconds: what was broken is taken back then, whatever came of it.
    pub within: u64,
    /// How long after the fault its alert is made, seconds: what a rule of monitoring waits for, too.
    pub after: u64,
    /// Whether who is on call is paged as ever.
    pub pages: bool,
    /// When the daemon does it by itself.
    pub schedule: Option<Schedule>,
}

/// What is broken, on what, and how far. It is kept beside the journal while it is broken, so that it can be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum Inject {
    /// A unit of this host is stopped.
    StopUnit {
        /// Which.
        unit: String,
    },
    /// One pod is deleted.
    DeletePod {
        /// Where.
        namespace: String,
        /// Which labels it has.
        selector: String,
    },
    /// Connections of a server are taken, and left idle.
    ExhaustPool {
        /// [postgres.NAME]: as whom they are opened.
        server: String,
        /// The most that are opened.
        most: u64,
    },
    /// Keys that are not there are looked up.
    DropHitRatio {
        /// [redis.NAME].
        cache: String,
        /// So many lookups in all.
        most: u64,
        /// So many in a second.
        rate: u64,
    },
    /// A file is made until so much of a file system is in use.
    FillDisk {
        /// The folder that it is made in.
        folder: PathBuf,
        /// So much of it, percent.
        percent: u64,
        /// The file is no longer than this, MiB.
        most: u64,
    },
    /// What goes through a proxy waits.
    Delay {
        /// Where the proxy listens.
        listen: String,
        /// Where it leads.
        to: String,
        /// How long each part of what is said waits, milliseconds.
        millis: u64,
    },
    /// Nothing goes through a proxy.
    Cut {
        /// Where the proxy listens.
        listen: String,
        /// Where it leads.
        to: String,
    },
    /// A page is asked for often.
    Load {
        /// Which.
        url: String,
        /// So often in all.
        most: u64,
        /// So often in a second.
        rate: u64,
    },
}

/// A time of each week, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The day, as in [`DAYS`].
    pub day: u64,
    /// When, seconds after midnight.
    pub at: u64,
    /// How long it may be begun after that, seconds.
    pub window: u64,
}

impl Schedule {
    /// The window that `now` (unix seconds) is in: when it began.
    pub fn open(&self, now: u64) -> Option<u64> {
        const WEEK: u64 = 7 * 86_400;
        let first = self.day * 86_400 + self.at;
        let began = now.checked_sub(first)? / WEEK * WEEK + first;
        (now < began + self.window).then_some(began)
    }
}

impl Inject {
    /// The word of the configuration.
    pub fn word(&self) -> &'static str {
        match self {
            Self::StopUnit { .. } => "stop-unit",
            Self::DeletePod { .. } => "delete-pod",
            Self::ExhaustPool { .. } => "exhaust-pool",
            Self::DropHitRatio { .. } => "drop-hit-ratio",
            Self::FillDisk { .. } => "fill-disk",
            Self::Delay { .. } => "delay",
            Self::Cut { .. } => "cut",
            Self::Load { .. } => "load",
        }
    }

    /// What is acted on.
    pub fn target(&self) -> String {
        match self {
            Self::StopUnit { unit } => unit.clone(),
            Self::DeletePod { namespace, selector } => format!("{namespace}/{selector}"),
            Self::ExhaustPool { server, .. } => server.clone(),
            Self::DropHitRatio { cache, .. } => cache.clone(),
            Self::FillDisk { folder, .. } => folder.display().to_string(),
            Self::Delay { to, .. } | Self::Cut { to, .. } => to.clone(),
            Self::Load { url, .. } => url.clone(),
        }
    }
}

impl DrillConfig {
    /// What is set of it; there is no secret in it.
    pub(super) fn shown(&self) -> Json {
        json!({
            "playbook": self.playbook,
            "inject": self.inject,
            "safe": self.safe,
            "labels": self.labels,
            "within": Span { seconds: self.within }.to_string(),
            "scheduled": self.schedule.is_some(),
        })
    }
}

/// `[drill.NAME]`.
pub(super) fn read(reader: &mut Reader<'_>, item: &Item<'_>) -> BTreeMap<String, DrillConfig> {
    each(reader, "drill", item, |reader, full, item| {
        let (mut playbook, mut source, mut url, mut rung) = (None, None, None, None);
        let (mut labels, mut params, mut inject, mut schedule) = (BTreeMap::new(), BTreeMap::new(), None, None);
        let (mut safe, mut pages, mut within, mut after) = (false, false, WITHIN, 0);
        fields(reader, full, item, keys::DRILL, |reader, word, key, item| {
            let texts = |reader: &mut Reader<'_>| {
                named(reader, key, item, |reader, key, item| reader.text(key, item).map(str::to_owned))
            };
            match word {
                "playbook" => playbook = reader.text(key, item).map(str::to_owned),
                "source" => source = reader.text(key, item).map(str::to_owned),
                "url" => url = reader.text(key, item).map(str::to_owned),
                "labels" => labels = texts(reader),
                "params" => params = texts(reader),
                "rung" => rung = reader.parsed(key, item, mode),
                "inject" => inject = injected(reader, key, item),
                "safe" => safe = reader.boolean(key, item).unwrap_or(false),
                "within" => within = span(reader, key, item).unwrap_or(WITHIN).clamp(1, LONGEST),
                "after" => after = span(reader, key, item).unwrap_or(0).min(LONGEST),
                "page" => pages = reader.boolean(key, item).unwrap_or(false),
                "schedule" => schedule = scheduled(reader, key, item),
                _ => return false,
            }
            true
        })?;
        if labels.is_empty() {
            let hint = format!("{full}.labels = {{ alertname = \"…\" }}");
            reader.problem(&item.span(), format!("`{full}` has no `labels`: no playbook answers it"), Some(hint));
        }
        Some(DrillConfig {
            playbook: needed(reader, item, full, "playbook", playbook)?,
            source: source.unwrap_or_else(|| "alertmanager".to_owned()),
            inject: needed(reader, item, full, "inject", inject)?,
            url,
            labels,
            params,
            rung,
            safe,
            within,
            after,
            pages,
            schedule,
        })
    })
}

fn mode(text: &str) -> Result<Mode, String> {
    let found = Mode::ALL.into_iter().find(|mode| mode.word() == text);
    found.ok_or_else(|| format!("is one of {}", Mode::ALL.map(Mode::word).join(", ")))
}

/// `inject = { fault = "exhaust-pool", target = "shop", most = 35 }`.
fn injected(reader: &mut Reader<'_>, key: &str, item: &Item<'_>) -> Option<Inject> {
    let (mut fault, mut target, mut namespace, mut listen) = (None, None, None, None);
    let (mut most, mut rate, mut percent, mut millis) = (None, None, 90, 500);
    fields(reader, key, item, keys::INJECT, |reader, word, key, item| {
        match word {
            "fault" => fault = reader.text(key, item).map(str::to_owned),
            "target" => target = reader.text(key, item).map(str::to_owned),
            "namespace" => namespace = reader.text(key, item).map(str::to_owned),
            "listen" => listen = reader.text(key, item).map(str::to_owned),
            "most" => most = reader.integer(key, item, &(1..=1_000_000)),
            "rate" => rate = reader.integer(key, item, &(1..=10_000)),
            "percent" => percent = reader.integer(key, item, &(1..=90)).unwrap_or(percent),
            "millis" => millis = reader.integer(key, item, &(1..=10_000)).unwrap_or(millis),
            _ => return false,
        }
        true
    })?;
    let fault = needed(reader, item, key, "fault", fault)?;
    let target = needed(reader, item, key, "target", target)?;
    if !FAULTS.contains(&fault.as_str()) {
        reader.problem(&item.span(), format!("`{key}.fault` is one of {}", FAULTS.join(", ")), None);
        return None;
    }
    let bounded = matches!(fault.as_str(), "exhaust-pool" | "drop-hit-ratio" | "fill-disk" | "load");
    let most = if bounded { needed(reader, item, key, "most, which bounds it", most)? } else { 0 };
    let rate = rate.unwrap_or(50);
    Some(match fault.as_str() {
        "stop-unit" => Inject::StopUnit { unit: target },
        "delete-pod" => {
            Inject::DeletePod { namespace: needed(reader, item, key, "namespace", namespace)?, selector: target }
        }
        "exhaust-pool" => Inject::ExhaustPool { server: target, most: most.min(1_000) },
        "drop-hit-ratio" => Inject::DropHitRatio { cache: target, most, rate },
        "fill-disk" => Inject::FillDisk { folder: PathBuf::from(target), percent, most },
        "delay" => Inject::Delay { listen: needed(reader, item, key, "listen", listen)?, to: target, millis },
        "cut" => Inject::Cut { listen: needed(reader, item, key, "listen", listen)?, to: target },
        _ => Inject::Load { url: target, most, rate },
    })
}

/// What can be broken.
pub const FAULTS: [&str; 8] =
    ["stop-unit", "delete-pod", "exhaust-pool", "drop-hit-ratio", "fill-disk", "delay", "cut", "load"];

/// `schedule = { day = "tue", at = "10:00", window = "30m" }`.
fn scheduled(reader: &mut Reader<'_>, key: &str, item: &Item<'_>) -> Option<Schedule> {
    let (mut day, mut at, mut window) = (None, None, 1_800);
    fields(reader, key, item, keys::SCHEDULE, |reader, word, key, item| {
        match word {
            "day" => {
                day = reader.parsed(key, item, |text| {
                    let found = DAYS.iter().position(|day| text.to_ascii_lowercase().starts_with(day));
                    found.ok_or_else(|| "takes a day of the week: tue".to_owned())
                });
            }
            "at" => at = reader.parsed(key, item, clock),
            "window" => window = span(reader, key, item).unwrap_or(window).clamp(60, 86_400),
            _ => return false,
        }
        true
    })?;
    let day = needed(reader, item, key, "day", day)? as u64;
    Some(Schedule { day, at: needed(reader, item, key, "at", at)?, window })
}

/// `10:30` in seconds.
fn clock(text: &str) -> Result<u64, String> {
    let wrong = || "takes a time of the day, UTC: 10:30".to_owned();
    let (hours, minutes) = text.split_once(':').ok_or_else(wrong)?;
    match (hours.parse::<u64>(), minutes.parse::<u64>()) {
        (Ok(hours @ 0..24), Ok(minutes @ 0..60)) => Ok(hours * 3_600 + minutes * 60),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_has_one_window() {
        let days = DAYS.iter().position(|day| *day == "tue").expect("a day") as u64;
        let plan = Schedule { day: days, at: 36_000, window: 1_800 };
        // 2026-11-24 is a Tuesday.
        let open = 1_795_514_400;
        assert_eq!(plan.open(open), Some(open));
        assert_eq!((plan.open(open - 1), plan.open(open + 1_800)), (None, None));
        assert_eq!(plan.open(open + 1_799), Some(open));
        assert_eq!(plan.open(open + 7 * 86_400 + 5), Some(open + 7 * 86_400));
        assert_eq!((clock("10:30"), clock("24:00").is_err()), (Ok(37_800), true));
    }
}
