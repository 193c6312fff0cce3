//! Files and stdin, read before a command exists, so that it holds content and not a place.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use ira_commands::text::without_urls;
use ira_commands::{Fault, Kind};

/// No alert is greater than this, bytes.
pub const ALERT: usize = 10 << 20;

/// The text of `path`, or of stdin where it is `-`: at most `most` bytes. `what` names it in the error (`the alert`).
pub fn text(path: &Path, what: &str, most: usize) -> Result<String, Fault> {
    if path == Path::new("-") {
        return limited(io::stdin().lock(), what, "stdin", most);
    }
    let place = without_urls(&path.display().to_string());
    let file = File::open(path).map_err(|error| unreadable(what, &place, &error))?;
    limited(file, what, &place, most)
}

/// Waits until a person ended a line.
pub fn line() -> io::Result<()> {
    io::stdin().read_line(&mut String::new()).map(|_| ())
}

fn limited(source: impl io::Read, what: &str, place: &str, most: usize) -> Result<String, Fault> {
    let mut bytes = Vec::new();
    source.take(most as u64 + 1).read_to_end(&mut bytes).map_err(|error| unreadable(what, place, &error))?;
    if bytes.len() > most {
        return Err(Fault::new(Kind::Usage, format!("{what} in {place} is greater than {} MB", most >> 20)));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Fault::new(Kind::Usage, format!("{what} in {place} is not UTF-8")).because(format!("byte {at} is not text"))
    })
}

fn unreadable(what: &str, place: &str, error: &io::Error) -> Fault {
    Fault::new(Kind::Usage, format!("cannot read {what} from {place}"))
        .because(error.to_string())
        .hint("give a file that can be read, or `-` for stdin")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_and_a_missing_one_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("alert.json");
        std::fs::write(&path, "{}").expect("written");
        assert_eq!(text(&path, "the alert", ALERT), Ok("{}".to_owned()));
        let fault = text(&folder.path().join("none"), "the alert", ALERT).expect_err("missing");
        assert!(fault.kind == Kind::Usage && fault.message.contains("none"), "{fault:?}");
    }

    #[test]
    fn what_is_endless_or_no_text_is_refused() {
        let endless = limited(io::repeat(b'a'), "the alert", "stdin", ALERT).expect_err("too much");
        assert!(endless.message.contains("10 MB"), "{endless:?}");
        assert!(
            limited(&b"ab\xff"[..], "the alert", "stdin", ALERT).expect_err("no text").causes[0].contains("byte 2")
        );
    }
}
