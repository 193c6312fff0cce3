//! The journal's file of before: records, each framed by its length and checksum, so that what was written whole is told
//! from what a crash tore. And files that only their owner may read.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use ira_commands::units::keccak256;

/// Length, checksum, and what parts them from the record.
const HEAD: usize = 8 + 1 + 16 + 1;

/// What a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// The records, oldest first.
    pub(super) records: Vec<String>,
    /// Where the last whole one ends.
    pub(super) end: u64,
    /// Bytes after it, of a record that was never written whole.
    pub(super) torn: usize,
}

/// The first eight bytes of the hash, in hex.
fn checksum(record: &[u8]) -> String {
    ira_commands::units::digits(&keccak256(record)[..8])
}

/// One record at the start of `bytes`, and its frame's length; `None` where there is none that is whole.
fn record(bytes: &[u8]) -> Option<(&str, usize)> {
    let head = std::str::from_utf8(bytes.get(..HEAD)?).ok()?;
    let (length, sum) = head.trim_end_matches(' ').split_once(' ')?;
    let length = usize::from_str_radix(length, 16).ok()?;
    let end = HEAD.checked_add(length)?;
    let body = bytes.get(HEAD..end)?;
    let whole = bytes.get(end) == Some(&b'\n') && checksum(body) == sum && head.ends_with(' ');
    if whole { Some((std::str::from_utf8(body).ok()?, end + 1)) } else { None }
}

/// Takes the bytes of a file apart. An error names the place of damage that no crash can have made: something whole
/// stands after it.
pub(super) fn parse(bytes: &[u8]) -> Result<Held, String> {
    let mut held = Held::default();
    let mut at = 0;
    while at < bytes.len() {
        let Some((text, length)) = record(&bytes[at..]) else {
            let rest = &bytes[at..];
            // Anywhere: the damage may be in what parts it from the next.
            let later = (1..rest.len()).any(|start| record(&rest[start..]).is_some());
            if later {
                return Err(format!(
                    "record {} (byte {at}) is damaged, and whole ones stand after it",
                    held.records.len() + 1
                ));
            }
            held.torn = rest.len();
            break;
        };
        held.records.push(text.to_owned());
        at += length;
    }
    held.end = at as u64;
    Ok(held)
}

/// Reads a file whole.
pub(super) fn read(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a file that only its owner may read, making it and its folder where they are missing.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let folder = path.parent().unwrap_or(Path::new("."));
    if !folder.is_dir() {
        private_folder(folder)?;
    }
    let fresh = !path.exists();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let file = options.open(path)?;
    if fresh {
        // The name has to be on the disk too.
        file.sync_all()?;
        #[cfg(unix)]
        File::open(folder)?.sync_all()?;
    }
    Ok(file)
}

/// Makes a folder that only its owner may look into.
pub(super) fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::store) fn framed(record: &str) -> String {
        format!("{:08x} {} {record}\n", record.len(), checksum(record.as_bytes()))
    }

    fn file_of(records: &[&str]) -> Vec<u8> {
        records.iter().flat_map(|record| framed(record).into_bytes()).collect()
    }

    #[test]
    fn whatever_a_crash_leaves_of_the_last_record_the_others_are_whole() {
        let all = file_of(&["{\"a\":1}", "{\"b\":\"ü\\n\"}", "{}"]);
        let before = file_of(&["{\"a\":1}", "{\"b\":\"ü\\n\"}"]);
        for cut in before.len()..all.len() {
            let held = parse(&all[..cut]).expect("a torn tail is no damage");
            assert_eq!(
                (held.records.len(), held.end, held.torn),
                (2, before.len() as u64, cut - before.len()),
                "{cut}"
            );
        }
        assert_eq!(parse(&all).expect("whole").records.len(), 3);
    }

    #[test]
    fn damage_in_the_middle_is_no_torn_tail() {
        for at in 0..framed("one").len() {
            let mut bytes = file_of(&["one", "two"]);
            bytes[at] ^= 1;
            assert!(parse(&bytes).is_err(), "{at}");
        }
        assert_eq!(parse(b"").expect("empty"), Held::default());
    }
}
