//! Dates as the directory writes them: `2026-09-22` and `September 22nd, 2026`.

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

#[cfg(test)]
mod tests {
    use super::day;

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
