//! `tests/cases/*.trycmd`: what is typed and what comes back. `TRYCMD=overwrite` rewrites them.

#[test]
fn transcripts_hold() {
    trycmd::TestCases::new().env("COLUMNS", "100").env("NO_COLOR", "1").case("tests/cases/*.trycmd");
}

/// What the README shows is what the binary prints.
#[test]
fn the_readmes_transcripts_hold() {
    trycmd::TestCases::new().env("COLUMNS", "110").env("NO_COLOR", "1").case("README.md");
}
