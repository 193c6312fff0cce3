//! Alerts come in, and the same commands run.

pub mod sources;
pub mod web;
