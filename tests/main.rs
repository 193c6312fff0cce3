//! Integration tests: one binary.

mod act;
mod daemon;
mod data;
mod demo;
mod doctor;
mod endpoints;
mod engine;
mod feed_report;
mod generated;
mod host;
mod next;
mod node;
mod paged;
mod people;
mod playbooks;
mod process;
mod remediate;
mod secrets;
mod store;
mod support;
mod transcripts;
mod verbs;
mod vrf_apply;
mod vrf_runbook;
mod web;
mod whole;
