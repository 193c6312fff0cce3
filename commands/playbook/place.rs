//! Where in a file something stands.

/// A place in a playbook's file, counted from 1. Two places are always equal: a playbook is what it says, wherever in
/// the file it says it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character in it.
    pub column: usize,
}

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Place {}
