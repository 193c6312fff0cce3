//! What is refused before a host is asked, and what an end means.

use serde_json::json;

use super::argv::{built, fits, shown, variable};
use super::by_metric::encoded;
use crate::actions::Action;
use crate::alert::Alert;
use crate::effect::Effect;

fn all(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn an_option_is_given_as_one_or_stands_behind_two_dashes() {
    assert_eq!(built(&all(&["-v", "--x=1"]), &all(&["a"]), false).expect("plain"), ["-v", "--x=1", "a"]);
    assert_eq!(built(&all(&["-v"]), &all(&["-rf"]), true).expect("guarded"), ["-v", "--", "-rf"]);
    assert_eq!(built(&all(&["-v"]), &[], true).expect("none"), ["-v"]);
    for (flags, args) in [(&["v"][..], &[][..]), (&["--"], &["a"]), (&[""], &[]), (&[], &["-rf"]), (&[], &["--"])] {
        assert!(built(&all(flags), &all(args), false).is_err(), "{flags:?} {args:?}");
    }
}

#[test]
fn what_could_not_arrive_whole_is_refused() {
    assert!(fits(&all(&["a\nb", "", "\u{202e}"]), &[]).is_ok());
    assert!(fits(&all(&["a\0b"]), &[]).is_err());
    assert!(fits(&[], &[("A".to_owned(), "\0".to_owned())]).is_err());
    assert!(fits(&["x".repeat(131_071)], &[]).is_ok() && fits(&["x".repeat(131_072)], &[]).is_err());
    assert!(fits(&vec!["x".repeat(131_071); 5], &[]).is_err(), "all together");
}

#[test]
fn a_variable_cannot_change_what_is_run() {
    assert_eq!(variable("REGION=a=b").expect("a variable"), ("REGION".to_owned(), "a=b".to_owned()));
    for text in ["PATH=x", "LD_PRELOAD=x", "BASH_FUNC_a%%=x", "IFS=x", "a=b", "1A=b", "=b", "A", "A B=c", "IRA_X=y"] {
        assert!(variable(text).is_err(), "{text}");
    }
}

#[test]
fn two_metrics_never_have_one_script() {
    assert_eq!(encoded("AWS/EC2"), "AWS%2FEC2");
    assert_eq!(encoded("a b%2Fé#"), "a%20b%252F%C3%A9%23");
    assert_eq!(encoded("x-1_y.z"), "x-1_y.z");
}

#[test]
fn what_cannot_be_seen_is_shown() {
    assert_eq!(shown("a b"), "'a b'");
    assert_eq!(shown("\u{202e}x\n"), "\"\\u{202e}x\\n\"");
    let long = shown(&"x".repeat(1000));
    assert!(long.ends_with("… (1000 bytes)") && long.len() < 200, "{long}");
}

#[test]
fn a_script_is_once_unless_it_is_said_otherwise_and_takes_an_alert_as_data() {
    let read = |with| Action::from_data("script.run", with).expect("an action").expect("its arguments");
    assert_eq!(read(json!({ "program": "a" })).effect(), Effect::Once);
    let mut action = read(json!({ "program": "a", "effect": "idempotent", "timeout": "3m", "expect-exit": 3 }));
    assert_eq!(action.effect(), Effect::Idempotent);
    action.inform(&Alert::default()).expect("it takes one");
    assert_eq!(Action::from_data("script.run", action.with()).expect("an action"), Ok(action));
    let mut other = Action::from_data("systemd.stop", json!({ "unit": "web" })).expect("an action").expect("read");
    assert!(other.inform(&Alert::default()).is_err());
}
