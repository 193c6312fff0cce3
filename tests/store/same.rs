//! Fault test 29: the same requests, drawn at random, on the model and on SQLite: the same answers, the same visible
//! state. What must hold after each is in `rules`, apart from both.

use std::sync::Arc;
use std::time::Duration;

use ira::store::clock::Manual;
use ira::store::{Memory, Sqlite};
use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use super::asks::{Op, aimed, any_op, ask, see};
use super::rules::Rules;
use super::{START, block, sqlite};

#[derive(Clone, Debug)]
pub(super) struct Requests;

impl ReferenceStateMachine for Requests {
    type State = ();
    type Transition = Op;

    fn init_state() -> BoxedStrategy<()> {
        Just(()).boxed()
    }

    fn transitions((): &()) -> BoxedStrategy<Op> {
        any_op()
    }

    fn apply((): (), _: &Op) {}
}

pub(super) struct Both {
    ticks: Arc<Manual>,
    model: Memory,
    file: Option<Sqlite>,
    folder: tempfile::TempDir,
    rules: Rules,
}

impl StateMachineTest for Both {
    type SystemUnderTest = Self;
    type Reference = Requests;

    fn init_test((): &()) -> Self {
        let ticks = Arc::new(Manual::at(START));
        let folder = tempfile::tempdir().expect("a folder");
        let file = Some(sqlite(folder.path(), &ticks));
        Self { model: Memory::new(Arc::<Manual>::clone(&ticks)), ticks, file, folder, rules: Rules::default() }
    }

    fn apply(mut state: Self, (): &(), op: Op) -> Self {
        if let Op::Pass { seconds } = op {
            state.ticks.pass(Duration::from_secs(seconds));
            if seconds % 7 == 0 {
                // The process dies now and then.
                drop(state.file.take());
                state.file = Some(sqlite(state.folder.path(), &state.ticks));
            }
        }
        let file = state.file.as_ref().expect("it is open");
        block(async {
            let before = see(&state.model).await;
            let op = aimed(op, &before);
            let (said, same) = (ask(&state.model, &op).await, ask(file, &op).await);
            assert_eq!(said, same, "{op:?}");
            let (after, other) = (see(&state.model).await, see(file).await);
            assert_eq!(after, other, "after {op:?}: {said}");
            state.rules.check(&before, &op, &said, &after);
        });
        state
    }
}

prop_state_machine! {
    #![proptest_config(Config { cases: 48, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() })]

    #[test]
    fn fault_29_the_same_requests_make_the_same_store(sequential 1..60 => Both);
}
