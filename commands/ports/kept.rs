//! What is kept on this machine before it is deleted elsewhere, so that it can be put back.

use crate::fault::Fault;

/// Reading what was kept.
pub trait KeptRead: Send + Sync {
    /// The folder; nothing is made.
    fn place(&self) -> Result<String, Fault>;

    /// What is in it; kind `Missing` where there is none.
    fn kept(&self, name: &str) -> Result<Vec<u8>, Fault>;
}

/// Keeping something.
pub trait KeptWrite: Send + Sync {
    /// Writes a new file that only its owner can read; on the disk when it returns. Gives its path. A fault where there is
    /// one of that name.
    fn keep(&self, name: &str, bytes: &[u8]) -> Result<String, Fault>;
}
