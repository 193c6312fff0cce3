//! The notes of one run: cut to what a note takes, each with the marker by which it is found again.

use crate::ports::people::Note;
use crate::text::clean;

/// The longest note, characters.
const LONGEST: usize = 25_000;
/// The most notes of one run.
const MOST: usize = 4;

/// What is to become of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// It is made.
    Add,
    /// It gets another text.
    Change,
    /// It says this already.
    Leave,
}

impl Verb {
    pub fn word(self) -> &'static str {
        match self {
            Self::Add => "added",
            Self::Change => "updated",
            Self::Leave => "unchanged",
        }
    }
}

/// A note as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    /// Which of the run's notes, from 1.
    pub number: usize,
    /// All of it, its marker included.
    pub content: String,
    /// What is to become of it.
    pub verb: Verb,
    /// Its id, where it is there.
    pub id: Option<String>,
}

/// The last line of a run's note.
fn marker(name: &str, number: usize) -> String {
    format!("[ira {name} #{number}]")
}

/// The last line of a note: what stands above may be anybody's words.
pub(super) fn mark_of(content: &str) -> &str {
    content.trim_end().lines().next_back().unwrap_or_default().trim()
}

/// What could move a reader's eye to where nothing is, taken out of each line; blanks at its beginning stay.
fn sound(content: &str) -> String {
    let line = |line: &str| {
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        format!("{indent}{}", clean(line))
    };
    content.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The text in parts of at most `room` characters, cut between lines where that can be.
fn parts(text: &str, room: usize) -> Vec<String> {
    let mut all = Vec::new();
    let mut part = String::new();
    let mut length = 0;
    for line in text.lines() {
        let mut line: Vec<char> = line.chars().collect();
        while !line.is_empty() || length > 0 && line.is_empty() {
            let more = line.len() + usize::from(length > 0);
            if length + more <= room {
                if length > 0 {
                    part.push('\n');
                }
                part.extend(&line);
                length += more;
                break;
            }
            if length > 0 {
                all.push(std::mem::take(&mut part));
                length = 0;
                continue;
            }
            part.extend(line.drain(..room));
            all.push(std::mem::take(&mut part));
        }
    }
    if length > 0 {
        all.push(part);
    }
    all
}

/// The notes that `name` is to have, given those that are there.
pub(super) fn planned(content: &str, name: &str, link: Option<&str>, there: &[Note]) -> Vec<Planned> {
    // Room for the marker and for what is said where it is cut.
    let room = LONGEST - 400 - name.len();
    let mut texts = parts(&sound(content), room);
    if texts.len() > MOST {
        let dropped = texts.split_off(MOST).iter().map(|text| text.chars().count()).sum::<usize>();
        let whole = match link.map(clean) {
            Some(link) => format!("the whole: {}", link.chars().take(300).collect::<String>()),
            None => "run the command for the whole".to_owned(),
        };
        if let Some(last) = texts.last_mut() {
            last.extend(["\n\n… cut here, ", &dropped.to_string(), " characters more; ", &whole]);
        }
    }
    let found = |number: usize| {
        let mark = marker(name, number);
        there.iter().find(|note| mark_of(&note.content) == mark)
    };
    // What an earlier, longer text needed and this one does not is said to be empty: a note is never taken away.
    let surplus = (texts.len() + 1..=MOST).take_while(|number| found(*number).is_some()).count();
    texts.extend(std::iter::repeat_n("(nothing more)".to_owned(), surplus));
    let plan = |(at, text): (usize, String)| {
        let number = at + 1;
        let content = format!("{text}\n\n{}", marker(name, number));
        let (verb, id) = match found(number) {
            None => (Verb::Add, None),
            Some(note) if note.content.trim() == content.trim() => (Verb::Leave, Some(note.id.clone())),
            Some(note) => (Verb::Change, Some(note.id.clone())),
        };
        Planned { number, content, verb, id }
    };
    texts.into_iter().enumerate().map(plan).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(planned: &[Planned]) -> Vec<Note> {
        let note = |one: &Planned| Note { id: format!("N{}", one.number), content: one.content.clone() };
        planned.iter().map(note).collect()
    }

    fn verbs(planned: &[Planned]) -> Vec<Verb> {
        planned.iter().map(|one| one.verb).collect()
    }

    #[test]
    fn lesson_25_one_run_is_one_note_that_is_kept_current() {
        let first = planned("one", "r", None, &[]);
        assert_eq!((verbs(&first), first[0].content.as_str()), (vec![Verb::Add], "one\n\n[ira r #1]"));
        assert_eq!(verbs(&planned("one\n", "r", None, &kept(&first))), [Verb::Leave]);
        assert_eq!(verbs(&planned("two", "r", None, &kept(&first))), [Verb::Change]);
        assert_eq!(verbs(&planned("two", "other", None, &kept(&first))), [Verb::Add]);
        // A note that only quotes the marker is somebody else's.
        let quoted = [Note { id: "N".to_owned(), content: "see [ira r #1]\n[ira r #1]\nthanks".to_owned() }];
        assert_eq!(verbs(&planned("one", "r", None, &quoted)), [Verb::Add]);
        assert!(planned("[ira r #1]", "other", None, &[])[0].content.ends_with("[ira other #1]"));
    }

    #[test]
    fn what_is_too_long_goes_on_in_further_notes_and_is_cut_with_a_link() {
        let line = "é".repeat(99);
        let text = |lines: usize| vec![line.clone(); lines].join("\n");
        let two = planned(&text(400), "r", None, &[]);
        assert_eq!(two.len(), 2);
        assert!(
            two.iter().all(|one| one.content.chars().count() <= LONGEST && one.content.lines().next() == Some(&line))
        );
        let many = planned(&text(5_000), "r", Some("https://ira.example/runs/1"), &[]);
        assert_eq!(many.len(), MOST);
        assert!(many[3].content.contains("cut here") && many[3].content.contains("https://ira.example/runs/1"));
        assert!(many.iter().all(|one| one.content.chars().count() <= LONGEST));
        let endless = planned(&"x".repeat(60_000), "r", None, &[]);
        assert_eq!(endless.len(), 3);
        // Shorter again: what is left over says so.
        let again = planned("short", "r", None, &kept(&two));
        assert_eq!(verbs(&again), [Verb::Change, Verb::Change]);
        assert!(again[1].content.starts_with("(nothing more)"));
    }

    #[test]
    fn markdown_keeps_its_shape_and_loses_what_deceives() {
        let text = "# A\n\n| a | b |\n    code \u{202e}x\u{1b}[31m";
        assert_eq!(planned(text, "r", None, &[])[0].content, "# A\n\n| a | b |\n    code x[31m\n\n[ira r #1]");
    }
}
