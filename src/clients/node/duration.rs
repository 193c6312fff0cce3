//! Spans of time as Go writes them: `24h0m0s`, `300ms`.

/// Milliseconds of a span; `None` where `text` is none, or one below zero.
pub(super) fn millis(text: &str) -> Option<u64> {
    const UNITS: [(&str, f64); 7] =
        [("ns", 1e-6), ("us", 1e-3), ("µs", 1e-3), ("ms", 1.0), ("s", 1_000.0), ("m", 60_000.0), ("h", 3_600_000.0)];
    let text = text.trim();
    if text == "0" {
        return Some(0);
    }
    let (mut rest, mut sum) = (text, 0.0);
    while !rest.is_empty() {
        let number_ends = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, after) = rest.split_at(number_ends);
        let unit_ends = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_ends);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
        sum += number.parse::<f64>().ok()? * factor;
        rest = after;
    }
    // Longer than any configuration has: 300 years.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded, and never below zero")]
    (!text.is_empty() && sum < 1e13).then_some(sum.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::millis;

    #[test]
    fn every_way_of_go_to_write_a_span_is_read() {
        for (text, wanted) in [
            ("24h0m0s", 86_400_000),
            ("1m0s", 60_000),
            ("300ms", 300),
            ("1.5h", 5_400_000),
            ("0s", 0),
            ("0", 0),
            ("1h2m3.5s", 3_723_500),
            ("15000000ns", 15),
        ] {
            assert_eq!(millis(text), Some(wanted), "{text}");
        }
        for text in ["", "soon", "5", "-1s", "5 s", "1d", "h", "1..5s", "999999999999999h", "é"] {
            assert_eq!(millis(text), None, "{text}");
        }
    }
}
