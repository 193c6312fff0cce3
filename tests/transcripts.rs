//! `tests/cases/*.trycmd`: what is typed and what comes back. `TRYCMD=overwrite` rewrites them.

#[test]
fn transcripts_hold() {
    trycmd::TestCases::new().env("COLUMNS", "100").env("NO_COLOR", "1").case("tests/cases/*.trycmd");
}
