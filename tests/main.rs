//! Integration tests: one binary.

mod demo;
mod endpoints;
mod feed_report;
mod generated;
mod process;
mod support;
mod transcripts;
