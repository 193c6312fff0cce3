//! Integration tests: one binary.

mod generated;
mod process;
mod support;
mod transcripts;
