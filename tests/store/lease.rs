//! A model of lease and fence, looked through whole: two workers, crashes, leases that run out under a worker that does
//! not notice. Either of the fence and the record of what is begun is not enough.

use stateright::{Checker as _, Model, Property};

/// Which of the two is there.
#[derive(Clone, Copy)]
struct Store {
    fence: bool,
    record: bool,
}

/// Where a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    Idle,
    /// It has the run, and has looked: nothing was begun.
    Claimed,
    /// What it begins is written down, where that is done.
    Begun,
    /// It is done, and not reported yet.
    Acted,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    workers: [(At, u8); 2],
    fence: u8,
    leased: Option<usize>,
    /// The attempt that is written down, and under which fence.
    started: Option<u8>,
    effects: u8,
    results: u8,
    crashes: u8,
    expiries: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    Claim(usize),
    Begin(usize),
    Act(usize),
    Report(usize),
    Crash(usize),
    Expire,
}

impl Model for Store {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            workers: [(At::Idle, 0); 2],
            fence: 0,
            leased: None,
            started: None,
            effects: 0,
            results: 0,
            crashes: 0,
            expiries: 0,
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        for worker in 0..2 {
            steps.extend([Step::Claim, Step::Begin, Step::Act, Step::Report, Step::Crash].map(|step| step(worker)));
        }
        if world.expiries < 3 {
            steps.push(Step::Expire);
        }
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut next = world.clone();
        match step {
            Step::Claim(worker) => {
                // A run with a result is over; one that was begun is `unknown`: nobody begins it again.
                let free = world.leased.is_none() && world.results == 0 && world.started.is_none();
                if world.workers[worker].0 != At::Idle || !free {
                    return None;
                }
                next.fence += 1;
                next.leased = Some(worker);
                next.workers[worker] = (At::Claimed, next.fence);
            }
            Step::Begin(worker) => {
                let (at, fence) = world.workers[worker];
                if at != At::Claimed {
                    return None;
                }
                // One transaction: the fence is looked at and the attempt written.
                if self.record && ((self.fence && fence != world.fence) || world.started.is_some()) {
                    next.workers[worker].0 = At::Idle;
                    return Some(next);
                }
                if self.record {
                    next.started = Some(fence);
                }
                next.workers[worker].0 = At::Begun;
            }
            Step::Act(worker) => {
                if world.workers[worker].0 != At::Begun {
                    return None;
                }
                next.effects += 1;
                next.workers[worker].0 = At::Acted;
            }
            Step::Report(worker) => {
                let (at, fence) = world.workers[worker];
                if at != At::Acted {
                    return None;
                }
                next.workers[worker].0 = At::Idle;
                // By fence; or late, as evidence of its own attempt.
                if !self.fence || fence == world.fence || (self.record && world.started == Some(fence)) {
                    next.results += 1;
                }
                if next.leased == Some(worker) {
                    next.leased = None;
                }
            }
            Step::Crash(worker) => {
                if world.workers[worker].0 == At::Idle || world.crashes == 2 {
                    return None;
                }
                next.crashes += 1;
                next.workers[worker] = (At::Idle, 0);
            }
            Step::Expire => {
                world.leased?;
                next.expiries += 1;
                next.leased = None;
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("one result", |_, world: &World| world.results <= 1),
            Property::always("one effect", |_, world: &World| world.effects <= 1),
            Property::sometimes("it is done", |_, world: &World| world.results == 1),
        ]
    }
}

#[test]
fn with_fence_and_record_nothing_happens_twice() {
    let checked = Store { fence: true, record: true }.checker().spawn_bfs().join();
    checked.assert_properties();
    assert!(checked.unique_state_count() > 100, "{}", checked.unique_state_count());
}

#[test]
fn without_a_fence_two_results_are_accepted() {
    let checked = Store { fence: false, record: false }.checker().spawn_bfs().join();
    assert!(checked.discovery("one result").is_some());
}

#[test]
fn without_a_record_it_happens_twice_whatever_the_fence() {
    let checked = Store { fence: true, record: false }.checker().spawn_bfs().join();
    assert!(checked.discovery("one effect").is_some());
    assert!(checked.discovery("one result").is_none(), "the fence keeps the second result out");
}

#[test]
fn with_a_record_and_without_a_fence_the_late_worker_is_stopped_only_where_something_was_begun() {
    // The record alone looks like enough for one attempt; a fence is what tells whose it is.
    let checked = Store { fence: false, record: true }.checker().spawn_bfs().join();
    assert!(checked.discovery("one effect").is_none());
}
