//! Caches: how well they serve, which keys are hot, and which are stale.

mod delete_stale;
mod hit_ratio;
mod hot_keys;
mod info;
#[cfg(test)]
mod tests;

pub use delete_stale::DeleteStale;
pub use hit_ratio::HitRatio;
pub use hot_keys::HotKeys;
pub use info::Info;

use crate::ports::data::RedisInfo;
use crate::text::excerpt;

/// A key's name, fit to be shown.
fn shown(name: &[u8]) -> String {
    excerpt(&String::from_utf8_lossy(name), 120)
}

/// Bytes as a person reads them: `12.4 MiB`.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// The share of lookups that found their key, of all since its start; none where there were none.
fn ratio(info: &RedisInfo) -> Option<f64> {
    let all = info.hits.saturating_add(info.misses);
    (all > 0).then(|| info.hits as f64 / all as f64)
}
