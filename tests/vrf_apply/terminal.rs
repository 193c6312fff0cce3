//! Somebody at a terminal: asked, and asked for the id of what is not theirs.

use std::io::{Read as _, Write as _};
use std::process::Child;

use super::*;

/// `ira` at a terminal of its own; ended with the value.
struct Typing(Child);

impl Drop for Typing {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Runs it at a terminal: each answer is typed once its question is there. Gives the exit code and what was shown.
fn typed(case: &Case, more: &[&str], answers: &[(&str, &str)]) -> (Option<i32>, String) {
    typed_to(case, &case.words(more), answers)
}

/// The same with these words.
fn typed_to(case: &Case, words: &[String], answers: &[(&str, &str)]) -> (Option<i32>, String) {
    let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let line = format!("{} {} --network anvil", env!("CARGO_BIN_EXE_ira"), words.join(" "));
    let mut command = Command::new("script");
    let home = case.person.home.path();
    command.env_clear().env("HOME", home).env("RPC", &case.person.url).env("TERM", "xterm").current_dir(home);
    command.args(["-qec", &line, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = Typing(command.spawn().expect("script of util-linux"));
    let (mut keys, mut screen) = (child.0.stdin.take().expect("piped"), child.0.stdout.take().expect("piped"));
    let (mut shown, mut seen) = (String::new(), 0);
    let mut asked = answers.iter();
    let mut next = asked.next();
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = screen.read(&mut bytes) {
        shown.push_str(&String::from_utf8_lossy(&bytes[..count]));
        while let Some((question, answer)) = next
            && let Some(at) = shown[seen..].find(question)
        {
            seen += at + question.len();
            // A prompt that is drawn is not read from yet.
            std::thread::sleep(std::time::Duration::from_millis(200));
            keys.write_all(answer.as_bytes()).and_then(|()| keys.flush()).expect("typed");
            next = asked.next();
        }
    }
    assert!(next.is_none(), "not asked: {next:?}\n{shown}");
    (child.0.wait().expect("it ends").code(), shown)
}

#[test]
fn a_person_is_shown_the_plan_and_asked() {
    let case = Case::ours("underfunded");
    let (code, shown) = typed(&case, &["--apply", "--wait", "1s"], &[("Go ahead?", "n")]);
    assert!(code == Some(3) && shown.contains("Plan, signed by 0xf39F"), "{code:?} {shown}");
    assert_eq!((nonce(&case.bed), case.person.journal().len()), (0, 0));
    let (code, shown) = typed(&case, &["--apply", "--wait", "1s"], &[("Go ahead?", "y")]);
    assert!(code == Some(4) && shown.contains("its balance read back: 48 LINK"), "{code:?} {shown}");
    assert_eq!((nonce(&case.bed), case.held().0), (1, 48 * 10_u128.pow(18)));
}

#[test]
fn what_is_not_ours_is_funded_only_where_a_person_names_it_and_types_its_id() {
    let case = Case::strange("underfunded");
    let id = case.text("subscription").to_owned();
    let named = ["--apply", "--wait", "1s", "--subscription", &id];
    let (code, shown) = typed(&case, &["--apply", "--wait", "1s"], &[]);
    assert!(code == Some(4) && shown.contains("not known to be ours"), "not named: {code:?} {shown}");
    let wrong = [("Go ahead?", "y"), ("digits of its id", "1234\r")];
    let (code, shown) = typed(&case, &named, &wrong);
    assert!(code == Some(3) && shown.contains("is not the subscription's id"), "{code:?} {shown}");
    assert_eq!((nonce(&case.bed), case.person.journal().len()), (0, 0));
    let last = format!("{}\r", &id[id.len() - 4..]);
    let (code, shown) = typed(&case, &named, &[("Go ahead?", "y"), ("digits of its id", &last)]);
    assert_eq!((code, nonce(&case.bed), case.held().0), (Some(4), 1, 48 * 10_u128.pow(18)), "{shown}");
    // Where nobody is asked it is not even planned.
    let case = Case::strange("underfunded");
    let capped = [&named[..], &AGREED[1..]].concat();
    let (code, shown) = typed(&case, &capped, &[]);
    assert!(code == Some(4) && shown.contains("not known to be ours") && nonce(&case.bed) == 0, "{code:?} {shown}");
}

#[test]
fn the_action_asks_for_the_id_of_what_is_not_ours_too() {
    let case = Case::strange("underfunded");
    let id = case.text("subscription").to_owned();
    let words = ["act", "chain.fund_subscription", "--coordinator", case.text("coordinator"), "--subscription", &id];
    let words: Vec<String> = [&words[..], &["--amount", "5 LINK"]].concat().into_iter().map(str::to_owned).collect();
    let wrong = [("Go ahead?", "y"), ("digits of its id", "1234\r")];
    let (code, shown) = typed_to(&case, &words, &wrong);
    assert!(code == Some(3) && shown.contains("is not the subscription's id"), "{code:?} {shown}");
    assert_eq!((nonce(&case.bed), case.person.journal().len()), (0, 0));
    let last = format!("{}\r", &id[id.len() - 4..]);
    let (code, shown) = typed_to(&case, &words, &[("Go ahead?", "y"), ("digits of its id", &last)]);
    assert_eq!((code, nonce(&case.bed)), (Some(0), 1), "{shown}");
    // One that is listed is asked about once.
    case.list(&[&format!("sub:{id}")]);
    let (code, shown) = typed_to(&case, &words, &[("Go ahead?", "y")]);
    assert_eq!((code, nonce(&case.bed)), (Some(0), 2), "{shown}");
}
