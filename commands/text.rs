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

/// The known word nearest to `word`, where one is near enough to have been meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_few(word, known, 1).into_iter().next()
}

/// Up to `most` known words near enough to have been meant, nearest first.
pub fn nearest_few<'a>(word: &str, known: impl IntoIterator<Item = &'a str>, most: usize) -> Vec<&'a str> {
    let word = word.to_lowercase();
    let mut scored: Vec<(f64, &str)> = known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&word, &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score >= 0.75)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.into_iter().take(most).map(|(_, candidate)| candidate).collect()
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
    }
}
