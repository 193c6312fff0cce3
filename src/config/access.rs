//! Who owns a file and who may read or change it.

use std::fs::Metadata;

/// Why a configuration file cannot be trusted, with the command that mends it; `None` where it can.
#[cfg(unix)]
pub fn untrusted(path: &str, metadata: &Metadata) -> Option<(String, String)> {
    use std::os::unix::fs::MetadataExt as _;
    judge(path, metadata.uid(), metadata.mode(), rustix::process::geteuid().as_raw())
}

/// Whether people other than its owner and group may read or change it.
#[cfg(unix)]
pub fn open_to_all(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.mode() & 0o006 != 0
}

// Elsewhere a file's mode says nothing; the user's profile is private by itself.
#[cfg(not(unix))]
pub fn untrusted(_path: &str, _metadata: &Metadata) -> Option<(String, String)> {
    None
}

#[cfg(not(unix))]
pub fn open_to_all(_metadata: &Metadata) -> bool {
    false
}

#[cfg(unix)]
fn judge(path: &str, owner: u32, mode: u32, user: u32) -> Option<(String, String)> {
    if owner != user && owner != 0 {
        let why = format!("it belongs to user {owner}, neither to you (user {user}) nor to root");
        return Some((why, format!("if you trust what it says: chown {user} {path}")));
    }
    let open = || (format!("anybody may change it (mode {:04o})", mode & 0o7777), format!("chmod o-w {path}"));
    (mode & 0o002 != 0).then(open)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn own_and_roots_files_are_trusted_a_strangers_and_the_worlds_are_not() {
        assert_eq!(judge("/c", 1000, 0o644, 1000), None);
        assert_eq!(judge("/c", 0, 0o644, 1000), None);
        let (why, mend) = judge("/c", 1001, 0o600, 1000).unwrap();
        assert!(why.contains("user 1001") && mend.ends_with("chown 1000 /c"), "{why}: {mend}");
        let (why, mend) = judge("/c", 1000, 0o100_666, 1000).unwrap();
        assert!(why.contains("0666"), "{why}");
        assert_eq!(mend, "chmod o-w /c");
    }
}
