//! For an incident note: pasted as it is into GitHub, a wiki or a chat. Nothing in it is short, and nothing from
//! outside is markup.

use ira_commands::Report;
use ira_commands::report::{Cell, Section, Table};
use ira_commands::text::clean;

use super::table::folded_note;
use super::{Style, push};

/// The whole report.
pub fn report(report: &Report, style: &Style) -> String {
    let mut blocks: Vec<String> = report.sections.iter().map(|part| section(part, style)).collect();
    for line in &report.next {
        blocks.push(format!("Next: {}\n", code(line)));
    }
    blocks.join("\n")
}

fn section(section: &Section, style: &Style) -> String {
    let mut out = format!("**{}**\n", escape(&section.headline));
    if !clean(&section.advice).is_empty() {
        push(&mut out, format_args!("\nDo: {}\n", escape(&section.advice)));
    }
    if !section.facts.is_empty() {
        out.push('\n');
    }
    for fact in &section.facts {
        let note = escape(&fact.note);
        let note = if note.is_empty() { note } else { format!(" ({note})") };
        push(&mut out, format_args!("- **{}**: {}{note}\n", escape(fact.label), whole(&fact.value)));
    }
    for table in &section.tables {
        out.push_str(&rows(table, style));
    }
    out
}

fn rows(table: &Table, style: &Style) -> String {
    let folded = if style.verbose { table.folded.as_slice() } else { &[] };
    let mut out = String::new();
    let mut lines = table.rows.iter().chain(folded).peekable();
    if lines.peek().is_some() {
        out.push('\n');
        out.push_str(&line(table.columns.iter().map(|name| escape(name))));
        out.push_str(&line(table.columns.iter().map(|_| "---".to_owned())));
    }
    for row in lines {
        out.push_str(&line(row.iter().map(whole)));
    }
    if let Some(note) = folded_note(table, style) {
        push(&mut out, format_args!("\n… {}\n", escape(&note)));
    }
    out
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let mut out = String::from("|");
    for cell in cells {
        push(&mut out, format_args!(" {cell} |"));
    }
    out.push('\n');
    out
}

fn whole(cell: &Cell) -> String {
    escape(cell.full.as_ref().unwrap_or(&cell.text))
}

/// Text that is text and nothing else in GitHub's markdown: no emphasis, code, link, autolink, mention, image, HTML,
/// heading, list, formula or table cell.
fn escape(text: &str) -> String {
    let text = clean(text);
    let mut out = String::with_capacity(text.len() + 8);
    for (at, c) in text.char_indices() {
        let (before, after) = (&text[..at], &text[at + c.len_utf8()..]);
        let escaped = match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$' => true,
            ':' => after.starts_with("//"),
            '.' => ends_with_www(before) || (is_number(before) && ends_word(after)),
            ')' => is_number(before) && ends_word(after),
            '#' | '-' | '+' | '=' => before.is_empty(),
            _ => false,
        };
        if escaped {
            out.push('\\');
        }
        out.push(c);
        if c == '@' || (c == '#' && after.starts_with(|next: char| next.is_ascii_digit())) {
            // A backslash does not stop a mention of a person or an issue; a zero-width space behind the sign does.
            out.push('\u{200b}');
        }
    }
    out
}

fn ends_word(after: &str) -> bool {
    after.is_empty() || after.starts_with(' ')
}

fn ends_with_www(before: &str) -> bool {
    before.len() >= 3
        && before.is_char_boundary(before.len() - 3)
        && before[before.len() - 3..].eq_ignore_ascii_case("www")
}

fn is_number(before: &str) -> bool {
    !before.is_empty() && before.len() < 10 && before.bytes().all(|b| b.is_ascii_digit())
}

/// A command as code: fenced by more backticks than it holds.
fn code(text: &str) -> String {
    let text = clean(text);
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::super::hostile::sample;
    use super::*;

    #[test]
    fn a_note_holds_the_verdict_and_the_whole_addresses() {
        assert_eq!(
            report(&sample(), &Style::default()),
            "\
**ETH / USD on testnet is CRITICAL: 2 of 4 oracles silent.**

Do: ask the operators of rows 1 and 3.

- **answer**: 3,412.77 USD (round 7)
- **LINK**: 1,204

| \\# | oracle | note |
| --- | --- | --- |
| 1 | 0x7a3f000000000000000000000000000000091Bc | silent since round 5 |
| 3 | 0x09c2000000000000000000000000000000077d0 | silent |

… 2 more oracles, all in the last round

Next: `ira feed-report eth-usd --format markdown`
"
        );
    }

    #[test]
    fn markup_from_outside_is_text() {
        assert_eq!(escape("a|b `c` <img> [x](y) @ops"), "a\\|b \\`c\\` \\<img\\> \\[x\\](y) @\u{200b}ops");
        assert_eq!(escape("# head"), "\\# head");
        assert_eq!(escape("- item"), "\\- item");
        assert_eq!(escape("1. item"), "1\\. item");
        assert_eq!(escape("3.25 ETH - 1"), "3.25 ETH - 1");
        assert_eq!(
            escape("see https://evil.example or www.evil.example"),
            "see https\\://evil.example or www\\.evil.example"
        );
        assert_eq!(escape("&#64;ops $x$"), "\\&#\u{200b}64;ops \\$x\\$");
        assert_eq!(escape("#5 and #11"), "\\#\u{200b}5 and #\u{200b}11");
        assert_eq!(escape("a\n# b"), "a # b");
    }

    #[test]
    fn a_command_stays_whole_inside_its_fence() {
        assert_eq!(code("ira x"), "`ira x`");
        assert_eq!(code("a `b` c"), "``a `b` c``");
        assert_eq!(code("`b`"), "`` `b` ``");
    }
}
