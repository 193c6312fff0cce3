//! For a person at a terminal: the verdict, what to do, then the proof, fitted to the width.

use comfy_table::{ColumnConstraint, ContentArrangement, Table as Grid, Width, presets};
use ira_commands::Report;
use ira_commands::report::{Cell, Fact, Section, Table};
use ira_commands::text::clean;

use super::Style;
use super::paint::Paint;

const INDENT: u16 = 2;
const PADDING: u16 = 2;
/// A longer word (a link) may be cut: it would take the width from all else. The sparkline of 24 rounds is as long.
const LONGEST_WORD: u16 = 24;
/// A last column narrower than this cannot be read.
const PROSE: u16 = 8;
/// Narrower than this nothing can be told; the terminal may wrap.
const NARROWEST: u16 = 20;

/// The whole report.
pub fn report(report: &Report, style: &Style) -> String {
    let paint = Paint(style.colour);
    let mut blocks: Vec<String> = report.sections.iter().map(|part| section(part, style, paint)).collect();
    if !report.next.is_empty() {
        let next: Vec<String> =
            report.next.iter().map(|line| format!("{} {}\n", paint.bold("next:"), clean(line))).collect();
        blocks.push(next.concat());
    }
    blocks.join("\n")
}

fn section(section: &Section, style: &Style, paint: Paint) -> String {
    let mut out = wrapped(&paint.status(section.status, &clean(&section.headline)), style);
    let advice = clean(&section.advice);
    if !advice.is_empty() {
        out.push_str(&wrapped(&format!("{} {advice}", paint.bold("Do:")), style));
    }
    if !section.facts.is_empty() {
        out.push('\n');
        out.push_str(&facts(&section.facts, style, paint));
    }
    for table in &section.tables {
        let shown = rows(table, style, paint);
        if !shown.is_empty() {
            out.push('\n');
            out.push_str(&shown);
        }
    }
    out
}

fn facts(facts: &[Fact], style: &Style, paint: Paint) -> String {
    let lines = facts
        .iter()
        .map(|fact| vec![paint.dim(&clean(fact.label)), cell(&fact.value, style, paint), clean(&fact.note)])
        .collect();
    grid(None, lines, style)
}

fn rows(table: &Table, style: &Style, paint: Paint) -> String {
    let folded = if style.verbose { table.folded.as_slice() } else { &[] };
    let lines: Vec<Vec<String>> =
        table.rows.iter().chain(folded).map(|row| row.iter().map(|one| cell(one, style, paint)).collect()).collect();
    let mut out = String::new();
    if !lines.is_empty() {
        out.push_str(&grid(Some(table.columns.iter().map(|name| paint.dim(&clean(name))).collect()), lines, style));
    }
    if let Some(note) = folded_note(table, style) {
        let note = format!("{note} (--verbose)");
        out.push_str(&grid(None, vec![vec![paint.dim("…"), paint.dim(&note)]], style));
    }
    out
}

/// What stands in place of the folded rows; `None` where there are none, or they are shown.
pub fn folded_note(table: &Table, style: &Style) -> Option<String> {
    if table.folded.is_empty() || style.verbose {
        return None;
    }
    let note = clean(&table.folded_note);
    Some(if note.is_empty() { format!("{} more", table.folded.len()) } else { note })
}

fn cell(cell: &Cell, style: &Style, paint: Paint) -> String {
    let text = if style.wide { cell.full.as_ref().unwrap_or(&cell.text) } else { &cell.text };
    match cell.status {
        Some(status) => paint.status(status, &clean(text)),
        None => clean(text),
    }
}

/// Aligned columns without borders, indented; a line that does not fit is wrapped inside its column.
fn grid(header: Option<Vec<String>>, lines: Vec<Vec<String>>, style: &Style) -> String {
    let width = style.width.filter(|_| !style.wide).map(|width| width.saturating_sub(INDENT));
    let mut grid = plain(width);
    let words = width.and_then(|width| word_widths(header.iter().chain(&lines), width));
    if let Some(header) = header {
        grid.set_header(header);
    }
    grid.add_rows(lines);
    for (at, column) in grid.column_iter_mut().enumerate() {
        column.set_padding((0, PADDING));
        if let Some(word) = words.as_ref().and_then(|words| words.get(at)) {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(word + PADDING)));
        }
    }
    let mut out = String::new();
    for line in grid.lines() {
        out.push_str(format!("  {line}").trim_end());
        out.push('\n');
    }
    out
}

/// The longest word of each column: no column is made narrower, so that an address or a bar is not cut in two. `None`
/// where that would not fit.
fn word_widths<'a>(lines: impl Iterator<Item = &'a Vec<String>>, width: u16) -> Option<Vec<u16>> {
    let mut widest: Vec<u16> = Vec::new();
    for line in lines {
        widest.resize(widest.len().max(line.len()), 0);
        for (most, cell) in widest.iter_mut().zip(line) {
            let longest = longest_word(cell).min(LONGEST_WORD);
            *most = longest.max(*most);
        }
    }
    // The last column is prose: where the words of all do not fit, its own may be cut.
    let last = widest.pop()?;
    let before: u16 = widest.iter().map(|word| word + PADDING).sum();
    let left = width.checked_sub(before + PADDING).filter(|left| *left >= last.min(PROSE))?;
    widest.push(last.min(left));
    Some(widest)
}

/// Columns of the longest word of a cell, its colour not counted.
fn longest_word(cell: &str) -> u16 {
    let (mut longest, mut word, mut escape) = (0, 0, false);
    for c in cell.chars() {
        match c {
            '\u{1b}' => escape = true,
            'm' if escape => escape = false,
            _ if escape => {}
            ' ' => word = 0,
            _ => word += 1,
        }
        longest = u16::max(longest, word);
    }
    longest
}

/// One text, wrapped at the width between words.
pub fn wrapped(text: &str, style: &Style) -> String {
    let Some(width) = style.width.filter(|_| !style.wide) else { return format!("{text}\n") };
    let mut grid = plain(Some(width));
    grid.add_row(vec![text]);
    for column in grid.column_iter_mut() {
        column.set_padding((0, 0));
    }
    let lines: Vec<String> = grid.lines().collect();
    lines.iter().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

fn plain(width: Option<u16>) -> Grid {
    let mut grid = Grid::new();
    grid.load_style(presets::NOTHING).force_no_tty();
    match width {
        Some(width) => grid.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.max(NARROWEST)),
        None => grid.set_content_arrangement(ContentArrangement::Disabled),
    };
    grid
}

#[cfg(test)]
mod tests {
    use super::super::hostile::sample;
    use super::*;

    fn show(style: Style) -> String {
        report(&sample(), &style)
    }

    #[test]
    fn the_verdict_comes_first_then_what_to_do_then_the_proof() {
        let shown = show(Style::default());
        insta(
            &shown,
            "\
ETH / USD on testnet is CRITICAL: 2 of 4 oracles silent.
Do: ask the operators of rows 1 and 3.

  answer   3,412.77 USD  round 7
  LINK     1,204

  #  oracle       note
  1  0x7a3f…91Bc  silent since round 5
  3  0x09c2…77d0  silent
  …   2 more oracles, all in the last round (--verbose)

next: ira feed-report eth-usd --format markdown
",
        );
    }

    fn insta(got: &str, wanted: &str) {
        let fold = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(fold(got), fold(wanted), "\n{got}");
        let first_words = |text: &str| -> Vec<String> {
            text.lines().map(|line| line.split_whitespace().next().unwrap_or_default().to_owned()).collect()
        };
        assert_eq!(first_words(got), first_words(wanted), "\n{got}");
    }

    #[test]
    fn columns_stand_under_each_other_and_no_line_ends_in_blanks() {
        let shown = show(Style::default());
        let at = |word: &str| shown.lines().find_map(|line| line.find(word)).expect(word);
        assert_eq!(at("oracle  "), at("0x7a3f"));
        assert!(shown.lines().all(|line| line.trim_end() == line), "{shown}");
    }

    #[test]
    fn verbose_unfolds_and_wide_shows_the_whole() {
        let shown = show(Style { verbose: true, ..Style::default() });
        assert!(shown.contains("0xaaaa…0000") && !shown.contains("--verbose"), "{shown}");
        let shown = show(Style { wide: true, width: Some(40), ..Style::default() });
        assert!(shown.contains("0x7a3f000000000000000000000000000000091Bc"), "{shown}");
    }

    #[test]
    fn it_fits_the_width() {
        for width in [30, 40, 60, 100] {
            let shown = show(Style { width: Some(width), ..Style::default() });
            let too_long: Vec<&str> = shown
                .lines()
                .filter(|line| !line.starts_with("next:"))
                .filter(|line| line.chars().count() > usize::from(width))
                .collect();
            assert!(too_long.is_empty(), "{width}: {too_long:?}");
        }
    }

    #[test]
    fn a_narrow_window_cuts_no_address_and_no_bar() {
        let mut wordy = sample();
        let table = &mut wordy.sections[0].tables[0];
        table.columns = vec!["#", "oracle", "rounds", "note"];
        let bar = Cell::from("█████░░░░░ 46 %").coloured(ira_commands::report::Status::Warn);
        let note = Cell::from("silent since round 13; gas for 6 transmissions at the present price of gas");
        table.rows = vec![vec![Cell::from("3"), Cell::from("0xB2D4…63c3"), bar, note]];
        for colour in [false, true] {
            let shown = report(&wordy, &Style { width: Some(44), colour, ..Style::default() });
            assert!(shown.contains("0xB2D4…63c3") && shown.contains("█████░░░░░"), "{shown}");
        }
        // Where not even the words fit, it is cut rather than too wide.
        let shown = report(&wordy, &Style { width: Some(30), ..Style::default() });
        assert!(
            shown.lines().filter(|line| !line.starts_with("next:")).all(|line| line.chars().count() <= 30),
            "{shown}"
        );
    }

    #[test]
    fn colour_adds_escape_codes_and_changes_nothing_else() {
        let plain = show(Style::default());
        let coloured = show(Style { colour: true, ..Style::default() });
        assert!(coloured.contains("\u{1b}[1;31mETH / USD"), "{coloured}");
        let mut stripped = String::new();
        let mut rest = coloured.as_str();
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            stripped.push_str(before);
            rest = after.split_once('m').expect("a whole code").1;
        }
        stripped.push_str(rest);
        let lines = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
        assert_eq!(lines(&stripped), lines(&plain));
        assert!(!plain.contains('\u{1b}'));
    }
}
