//! Dates as they are published (`2026-09-22`, `September 22nd, 2026`), and moments (`2026-09-22T10:00:00Z`).

/// Seconds in a day.
const DAY: u64 = 86_400;
/// First letters of the months' names.
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Unix seconds of the beginning of a day (UTC); `None` where `text` is no date since 1970.
pub fn day(text: &str) -> Option<u64> {
    let text = text.to_lowercase();
    let date = text.split_once('t').filter(|(date, _)| date.starts_with(|c: char| c.is_ascii_digit()));
    let words: Vec<&str> = match date {
        // `2026-09-22T00:00:00Z`, but not `September 22nd`.
        Some((date, _)) if date.len() == 10 => date.split('-').collect(),
        _ => text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect(),
    };
    let [one, two, three] = words[..] else { return None };
    let number = |word: &str| word.parse::<u64>().ok();
    let nth = |word: &str| number(word.trim_end_matches(|c: char| c.is_ascii_alphabetic()));
    let month = |word: &str| Some(MONTHS.iter().position(|name| word.starts_with(name))? as u64 + 1);
    let (year, month, day) = if let Some(year) = number(one).filter(|year| *year > 31) {
        (year, number(two)?, number(three)?)
    } else if let Some(month) = month(one) {
        (number(three)?, month, nth(two)?)
    } else {
        (number(three)?, month(two)?, nth(one)?)
    };
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days from civil: years begin in March, so that the leap day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    Some((days.checked_sub(719_468)?) * DAY)
}

/// Unix seconds of a moment as RFC 3339 has it, whatever its zone; `None` where `text` is none since 1970.
pub fn moment(text: &str) -> Option<u64> {
    let (date, rest) = text.trim().split_once(['T', 't', ' '])?;
    let clock_ends = rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.')))?;
    let (clock, zone) = rest.split_at(clock_ends);
    let mut parts = clock.split_once('.').map_or(clock, |(whole, _)| whole).split(':').map(str::parse::<u64>);
    let (hours, minutes, seconds) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    // A second more than 59 is one that leaps.
    if date.len() != 10 || parts.next().is_some() || hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    let here = day(date)? + hours * 3600 + minutes * 60 + seconds;
    if zone.eq_ignore_ascii_case("z") {
        return Some(here);
    }
    let (ahead, offset) = (zone.starts_with('+'), zone.strip_prefix(['+', '-'])?);
    let (hours, minutes) = offset.split_once(':')?;
    let offset = hours.parse::<u64>().ok()?.min(24) * 3600 + minutes.parse::<u64>().ok()?.min(59) * 60;
    if ahead { here.checked_sub(offset) } else { Some(here + offset) }
}

/// A moment as RFC 3339 has it (`2026-09-22T10:20:30Z`), of unix seconds.
pub fn stamp(seconds: u64) -> String {
    let (days, rest) = (seconds / DAY, seconds % DAY);
    // Civil from days, in eras of 400 years that begin in March.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + later;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Unix milliseconds of a moment as RFC 3339 has it; what is finer is cut off. `None` as for [`moment`].
pub fn moment_ms(text: &str) -> Option<u64> {
    let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).map(|digit| u64::from(digit - b'0'));
    let ms = digits.chain(std::iter::repeat(0)).take(3).fold(0, |ms, digit| ms * 10 + digit);
    Some(moment(text)? * 1000 + ms)
}

#[cfg(test)]
mod tests {
    use super::{day, moment, moment_ms, stamp};

    #[test]
    fn a_moment_that_is_written_is_read_back() {
        for text in ["1970-01-01T00:00:00Z", "2024-02-29T23:59:59Z", "2026-09-22T10:20:30Z", "2100-03-01T00:00:01Z"] {
            assert_eq!(moment(text).map(stamp).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_moment_is_exact_to_the_millisecond() {
        for (text, ms) in [("Z", 0), (".9Z", 900), (".95312Z", 953), (".0009+02:00", 0), (".007Z", 7)] {
            let text = format!("1970-01-02T00:00:01{text}");
            assert_eq!(moment_ms(&text).map(|all| all % 1000), Some(ms), "{text}");
        }
        assert_eq!(moment_ms("1970-01-01T00:00:01.5Z"), Some(1_500));
        assert_eq!(moment_ms("soon.5"), None);
    }

    #[test]
    fn a_moment_is_read_in_every_zone() {
        for text in [
            "2026-09-22T10:20:30Z",
            "2026-09-22T10:20:30.123456789Z",
            "2026-09-22t12:20:30+02:00",
            "2026-09-22 05:50:30-04:30",
        ] {
            assert_eq!(moment(text), Some(1_790_035_200 + 37_230), "{text}");
        }
        for text in
            ["", "2026-09-22", "2026-09-22T10:20:30", "2026-09-22T25:00:00Z", "0001-01-01T00:00:00Z", "T::Z", "é T é"]
        {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn both_ways_of_writing_a_date_are_read() {
        for text in ["2026-09-22", "September 22nd, 2026", "Sep 22, 2026", "22 September 2026", "2026-09-22T10:00:00Z"]
        {
            assert_eq!(day(text), Some(1_790_035_200), "{text}");
        }
        assert_eq!(day("1970-01-01"), Some(0));
        assert_eq!(day("August 1st, 2024"), Some(1_722_470_400));
        assert_eq!(day("2024-02-29"), Some(1_709_164_800));
        for text in ["", "soon", "Q3 2026", "2026-13-01", "September 2026", "0000-01-01", "99999999999999999999-1-1"] {
            assert_eq!(day(text), None, "{text}");
        }
    }
}
