//! The `ira` binary.
fn main() {}
