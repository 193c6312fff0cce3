//! A report to render in tests, and the same with an attacker behind every text.

use ira_commands::report::{Cell, Fact, Outcome, Section, Status, Table};
use ira_commands::{Fault, Kind, Report};
use serde_json::json;

use super::{Style, aside, report};
use crate::cli::Format;

/// A report with everything in it.
pub fn sample() -> Report {
    let oracle = |number: &str, short: &str, full: &str, note: &str| {
        vec![Cell::from(number), Cell::shortened(short, full), Cell::from(note).coloured(Status::Warn)]
    };
    Report {
        sections: vec![Section {
            status: Status::Critical,
            headline: "ETH / USD on testnet is CRITICAL: 2 of 4 oracles silent.".to_owned(),
            advice: "ask the operators of rows 1 and 3.".to_owned(),
            facts: vec![
                Fact { label: "answer", value: "3,412.77 USD".into(), note: "round 7".to_owned() },
                Fact { label: "LINK", value: "1,204".into(), note: String::new() },
            ],
            tables: vec![Table {
                columns: vec!["#", "oracle", "note"],
                rows: vec![
                    oracle("1", "0x7a3f…91Bc", "0x7a3f000000000000000000000000000000091Bc", "silent since round 5"),
                    oracle("3", "0x09c2…77d0", "0x09c2000000000000000000000000000000077d0", "silent"),
                ],
                folded: vec![
                    oracle("0", "0xaaaa…0000", "0xaaaa00000000000000000000000000000000000", ""),
                    oracle("2", "0xbbbb…0000", "0xbbbb00000000000000000000000000000000000", ""),
                ],
                folded_note: "2 more oracles, all in the last round".to_owned(),
            }],
        }],
        next: vec!["ira feed-report eth-usd --format markdown".to_owned()],
        data: json!({"feeds": []}),
        errors: vec![],
        warnings: vec![],
        outcome: Outcome::Problem,
    }
}

/// [`sample`] with `text` in every place that may hold text from outside.
fn poisoned(text: &str) -> Report {
    let mut report = sample();
    let cell = || Cell { text: text.to_owned(), full: Some(text.to_owned()), status: Some(Status::Critical) };
    for section in &mut report.sections {
        section.headline = text.to_owned();
        section.advice = text.to_owned();
        for fact in &mut section.facts {
            fact.value = cell();
            fact.note = text.to_owned();
        }
        for table in &mut section.tables {
            table.folded_note = text.to_owned();
            for one in table.rows.iter_mut().chain(&mut table.folded).flatten() {
                *one = cell();
            }
        }
    }
    report.next = vec![text.to_owned()];
    report.warnings = vec![text.to_owned()];
    report.errors = vec![Fault::new(Kind::BadAnswer, text).because(text).hint(text)];
    report.data = json!({ text: [text] });
    report
}

/// Texts made of the pieces that attacks are made of; the same ones in every run.
fn attacks() -> Vec<String> {
    const PIECES: [&str; 26] = [
        "\u{1b}[2J",
        "\u{1b}]0;title\u{7}",
        "\u{9b}31m",
        "\r",
        "\n",
        "\t",
        "\0",
        "\u{8}",
        "\u{7f}",
        "\u{202e}",
        "\u{2066}",
        "\u{200b}",
        "\u{feff}",
        "\u{e0041}",
        "\u{2028}",
        "|",
        "`",
        "```",
        "<script>",
        "@ops",
        "# ",
        "](https://evil)",
        "**",
        "\\",
        "宽",
        "word ",
    ];
    let mut seed: u64 = 0x5eed;
    let mut draw = |below: usize| {
        // Knuth's MMIX generator: enough to mix pieces, and the same everywhere.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).expect("31 bits") % below
    };
    let mut texts: Vec<String> = PIECES.iter().map(|piece| (*piece).to_owned()).collect();
    for _ in 0..300 {
        texts.push((0..=draw(8)).map(|_| PIECES[draw(PIECES.len())]).collect());
    }
    texts
}

fn obeyed_by_a_terminal(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{e0041}')
}

#[test]
fn no_text_from_outside_commands_the_terminal() {
    for attack in attacks() {
        let report_of_it = poisoned(&attack);
        for format in [Format::Table, Format::Markdown, Format::Json] {
            for (wide, verbose, width) in [(false, false, Some(60)), (true, true, None)] {
                let style = Style { format, wide, verbose, width, pretty: verbose, ..Style::default() };
                let shown = report(&report_of_it, 4, &style);
                let bad: Vec<char> = shown.chars().filter(|c| obeyed_by_a_terminal(*c)).collect();
                assert!(bad.is_empty(), "{format:?} lets {bad:?} of {attack:?} through");
            }
        }
        assert!(!aside(&report_of_it, false).chars().any(obeyed_by_a_terminal), "{attack:?}");
    }
}

#[test]
fn in_colour_the_only_escape_codes_are_our_own() {
    for attack in attacks() {
        let style = Style { colour: true, width: Some(60), ..Style::default() };
        let mut shown = report(&poisoned(&attack), 4, &style) + &aside(&poisoned(&attack), true);
        for own in ["0", "1", "2", "32", "33", "35", "36", "1;31"] {
            shown = shown.replace(&format!("\u{1b}[{own}m"), "");
        }
        assert!(!shown.chars().any(obeyed_by_a_terminal), "{attack:?}: {shown:?}");
    }
}

#[test]
fn no_text_from_outside_adds_a_line_or_a_cell_to_a_note() {
    let style = Style { format: Format::Markdown, ..Style::default() };
    let shape = |text: &str| -> Vec<usize> {
        report(&poisoned(text), 4, &style).lines().map(|line| line.replace("\\|", "").matches('|').count()).collect()
    };
    let harmless = shape("word");
    for attack in attacks().into_iter().filter(|attack| !ira_commands::text::clean(attack).is_empty()) {
        assert_eq!(shape(&format!("x {attack}"))[..harmless.len() - 1], harmless[..harmless.len() - 1], "{attack:?}");
    }
}
