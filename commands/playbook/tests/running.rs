use super::super::*;
use super::{FUND, beside, changed};

#[test]
fn the_tests_of_a_sound_playbook_pass() {
    let playbook = parse(FUND).expect("sound");
    for tested in test(&playbook, &beside) {
        assert_eq!(tested.wrong, Vec::<String>::new(), "{}: {:?}", tested.name, tested.outcome);
    }
    assert!(load(FUND, &beside).is_ok());
}

#[test]
fn a_test_that_fails_is_a_mistake_with_its_place() {
    let text = changed("q.pending: [2, 1, 0]", "q.pending: [2, 1]");
    let problems = load(&text, &beside).expect_err("not verified");
    assert_eq!(problems.len(), 1);
    let said = problems[0].render("fund.yaml");
    assert!(
        said.contains("the test `it funds, and it holds` fails") && said.contains("verified is false, not true"),
        "{said}"
    );
    let text = changed("      fund: ok\n", "");
    let said = load(&text, &beside).expect_err("no mock")[0].message.clone();
    assert!(said.contains("the test does not say what `fund` answers"), "{said}");
    let problems = load(FUND, &|_| Err("gone".to_owned())).expect_err("no file");
    assert!(problems[0].message.contains("`fixtures/low.json` cannot be read: gone"), "{problems:?}");
}
