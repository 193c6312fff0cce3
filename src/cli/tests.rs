use secrecy::ExposeSecret;

use super::*;

fn ask(line: &str) -> Result<Asked, clap::Error> {
    let args: Vec<OsString> = std::iter::once("ira").chain(line.split(' ')).map(OsString::from).collect();
    parse(&args, None)
}

#[test]
fn the_definition_holds() {
    command().debug_assert();
}

#[test]
fn how_it_is_reached_stands_beside_the_arguments_and_not_in_them() {
    let asked = ask("feed-report eth-usd --rpc-url env:A --rpc-url env:B --watch --json").err();
    assert!(asked.is_some(), "--watch is for a table");
    let asked = ask("feed-report eth-usd --rpc-url env:A --rpc-url env:B --watch -v --wide").expect("a command line");
    assert!(asked.output.verbose && asked.output.wide);
    let What::Step(step) = asked.what else { panic!("a step") };
    let (Invocation::FeedReport(args), reach, around) = *step else { panic!("a feed report") };
    assert_eq!(args.feeds, ["eth-usd"]);
    assert_eq!(reach.rpc_url.iter().map(ExposeSecret::expose_secret).collect::<Vec<_>>(), ["env:A", "env:B"]);
    assert_eq!(around.watch, Some(15));
    let kept = serde_json::to_string(&args).expect("serialises");
    assert!(!kept.contains("env:"), "{kept}");
}

#[test]
fn an_endpoint_is_not_in_what_a_debug_print_shows() {
    let asked = ask("feed-report eth-usd --rpc-url https://rpc.example/KEY").expect("a command line");
    assert!(!format!("{asked:?}").contains("KEY"));
}

#[test]
fn what_makes_no_sense_together_is_refused() {
    for line in [
        "feed-report a --record f --replay g",
        "feed-report a --json --format markdown",
        "feed-report a --replay f --rpc-url env:A",
        "feed-report a --watch=0",
        "demo --rpc-url env:A",
    ] {
        assert!(ask(line).is_err(), "{line}");
    }
}

#[test]
fn output_flags_stand_before_or_after_the_command() {
    for line in ["--format json demo", "demo --json", "demo --format=json"] {
        assert_eq!(ask(line).expect(line).output.format(), Some(Format::Json), "{line}");
    }
}
