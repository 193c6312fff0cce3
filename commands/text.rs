//! Text from outside, made safe to show; and the nearest word for a typo.

/// Strips what could move a terminal's cursor, hide or reorder text: control characters (line breaks too),
/// and Unicode's bidirectional and invisible format characters. A blank stands where one stood between words.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if c.is_control() || is_invisible(c) => {}
            c => out.push(c),
        }
    }
    out.trim().to_owned()
}

/// Bidirectional controls, zero-width and other format characters, and line separators.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// A name of a network or node as it is looked up: small letters, `-` for blanks and `_`.
pub fn name(text: &str) -> String {
    text.trim().to_lowercase().replace(['_', ' '], "-")
}

/// `text` with every URL in it masked, up to the next blank: what stands in one may be a key.
pub fn without_urls(text: &str) -> String {
    let mask = |word: &str| match word.find("://") {
        Some(at) => {
            let start = word[..at].rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |before| before + 1);
            // A character before the scheme may be wider than a byte.
            format!("{}…", word.get(..start).unwrap_or_default())
        }
        None => word.to_owned(),
    };
    text.split(' ').map(mask).collect::<Vec<_>>().join(" ")
}

/// Text from outside for a message: cleaned, and cut after `most` characters.
pub fn excerpt(text: &str, most: usize) -> String {
    // What is cleaned away is not counted, but text of a megabyte is not cleaned whole for a line of it.
    let head: String = text.chars().take(most.saturating_mul(4)).collect();
    let cleaned = clean(&head);
    if cleaned.chars().count() <= most && head.len() == text.len() {
        return cleaned;
    }
    let mut cut: String = cleaned.chars().take(most).collect();
    cut.push('…');
    cut
}

/// The known word nearest to `word`, where one is near enough to have been meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_few(word, known, 1).into_iter().next()
}

/// Up to `most` known words near enough to have been meant, nearest first.
pub fn nearest_few<'a>(word: &str, known: impl IntoIterator<Item = &'a str>, most: usize) -> Vec<&'a str> {
    let mut scored: Vec<(f64, &str)> =
        known.into_iter().filter_map(|candidate| Some((closeness(word, candidate)?, candidate))).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.into_iter().take(most).map(|(_, candidate)| candidate).collect()
}

/// How near `word` is to `candidate`, up to 1; `None` where it cannot have been meant.
///
/// Names of several words (`ETH / USD`, `feed-report`) are compared word by word, the first counting twice: compared
/// as a whole, every `… / USD` would be near every other one.
pub fn closeness(word: &str, candidate: &str) -> Option<f64> {
    // Longer than any name: nothing was meant, and comparing would take long.
    const LONGEST: usize = 100;
    if word.len() > LONGEST || candidate.len() > LONGEST * 4 {
        return None;
    }
    let (asked, known) = (words(word), words(candidate));
    if asked.is_empty() || known.is_empty() {
        return None;
    }
    let squashed = likeness(&asked.concat(), &known.concat());
    if asked.len() == 1 && known.len() == 1 {
        let score = strsim::jaro_winkler(&asked[0], &known[0]);
        return (score >= 0.75).then_some(score);
    }
    let mut sum = 0.0;
    let mut total = asked.len().saturating_sub(known.len()) as f64;
    for (at, want) in known.iter().enumerate() {
        let weight = if at == 0 { 2.0 } else { 1.0 };
        let best = asked.iter().enumerate().map(|(place, have)| {
            let same_place = if place == at { 1.0 } else { 0.9 };
            likeness(have, want) * same_place
        });
        sum += weight * best.fold(0.0, f64::max);
        total += weight;
    }
    let mut score = sum / total;
    if squashed >= 0.8 {
        score = score.max(squashed);
    }
    (score >= 0.6).then_some(score)
}

/// The words of a name, in lower case.
fn words(text: &str) -> Vec<String> {
    text.to_lowercase().split(is_separator).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// What stands between the words of a name.
pub fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '/' | '-' | '_' | ':')
}

/// One less the share of characters to be changed, swapped, added or left out.
fn likeness(a: &str, b: &str) -> f64 {
    let longest = a.chars().count().max(b.chars().count()).max(1);
    1.0 - strsim::osa_distance(a, b) as f64 / longest as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_codes_and_bidi_do_not_pass() {
        assert_eq!(clean("\u{1b}[31mEVIL\u{202e} / USD\n"), "[31mEVIL / USD");
        assert_eq!(clean("a\u{9b}b\u{200b}c\u{7}"), "abc");
        assert_eq!(clean("Ξ / ¥ ok"), "Ξ / ¥ ok");
    }

    #[test]
    fn a_typo_finds_its_word_and_noise_finds_none() {
        assert_eq!(nearest("treshold", ["heartbeat", "threshold"]), Some("threshold"));
        assert_eq!(nearest("zzz", ["heartbeat", "threshold"]), None);
        assert_eq!(nearest("feed-reprot", ["vrf-runbook", "feed-report"]), Some("feed-report"));
    }

    #[test]
    fn the_nearest_pair_shares_more_than_its_quote() {
        let known = ["BTC / USD", "ETH / EUR", "ETH / USD", "LINK / ETH", "LINK / USD", "SOL / USD"];
        assert_eq!(nearest_few("eht-usd", known, 3)[0], "ETH / USD");
        assert_eq!(nearest_few("ETHUSD", known, 1), ["ETH / USD"]);
        assert_eq!(nearest_few("link", known, 3), ["LINK / ETH", "LINK / USD"]);
        assert_eq!(nearest_few("ETH / GBP", known, 3), ["ETH / EUR", "ETH / USD"]);
        assert_eq!(nearest_few("usd/eth", known, 1), ["ETH / USD"]);
        assert!(nearest_few("xyz-usd", known, 3).is_empty(), "a quote alone is no likeness");
        assert!(nearest_few(&"e".repeat(1_000_000), known, 3).is_empty());
        assert!(nearest_few(" / ", known, 3).is_empty());
    }

    #[test]
    fn an_excerpt_is_short_and_says_that_it_was_cut() {
        assert_eq!(excerpt("a\u{1b}b", 5), "ab");
        assert_eq!(excerpt("abcdef", 5), "abcde…");
        assert_eq!(excerpt(&"\u{202e}x".repeat(1_000_000), 3), "xxx…");
    }
}
