//! Every command, dry; and what only reads or plans, where it could do more.

use super::*;
use crate::fakes::sample;
use crate::{Context, Invocation};

/// Every command as it is asked without more than it needs, and those that act only by a flag with that flag.
fn every() -> Vec<Invocation> {
    let mut all: Vec<Invocation> = Invocation::names().map(|name| sample(name).expect(name)).collect();
    let one = "0x0000000000000000000000000000000000000001";
    let more = [
        ("vrf-runbook", json!({ "apply": true, "coordinator": one })),
        ("pd-annotate", json!({ "incident": "Q1ABC", "content": "seen", "status": "acknowledged" })),
        ("war-room", json!({ "severity": "critical", "alert": { "labels": { "alertname": "Down" } } })),
        ("systemd.stop", json!({ "unit": "web" })),
        ("script.by_metric", json!({ "metric": "CPUUtilization", "namespace": "AWS/EC2" })),
        ("postgres.set", json!({ "server": "shop", "setting": "max_connections", "value": "150" })),
        ("pgbouncer.set_pool", json!({ "pooler": "shop", "size": 40 })),
        ("redis.delete_stale", json!({ "server": "pages", "pattern": "page:*", "idle": "1h" })),
        ("k8s.pod_status", json!({ "workload": "x" })),
        ("k8s.scale", json!({ "workload": "x", "by": 1 })),
        ("k8s.update_hpa", json!({ "hpa": "x", "max": 8 })),
        ("k8s.set_env", json!({ "workload": "x", "name": "x", "value": "1" })),
        ("k8s.set_resources", json!({ "workload": "x", "memory-limit": "1Gi" })),
        ("k8s.rollout_undo", json!({ "workload": "x" })),
        ("ecs.update_task_definition", json!({ "service": "x", "to": "x:1" })),
        ("lambda.invoke", json!({ "function": "x", "payload": { "clear": true } })),
        ("page", json!({ "verb": "resolve", "key": "k", "summary": "over" })),
    ];
    // The samples have every name; of these a shape that a later command line takes otherwise is left out.
    all.extend(more.into_iter().filter_map(|(name, with)| Invocation::from_data(name, with).ok()));
    all
}

#[tokio::test]
async fn promise_3_lesson_40_a_dry_run_of_every_command_touches_nothing() {
    let (mut looked, mut applying) = (0, 0);
    for invocation in every() {
        // What cannot be answered here is a fault, and no write: that would be a panic.
        looked += usize::from(invocation.run(&Context::dry(Tripwire::reads())).await.is_ok());
        applying += usize::from(invocation.effect() != Effect::Read);
    }
    assert!(looked >= 25 && applying >= 25, "{looked} answered, {applying} would act");
}

#[tokio::test]
async fn I7_what_only_reads_or_plans_touches_nothing_even_where_it_could() {
    let acting = || Context::acting(Tripwire::reads(), Tripwire::writes());
    let mut planned = 0;
    for invocation in every() {
        match &invocation {
            Invocation::Act(action) if action.effect() != Effect::Read => {
                planned += usize::from(action.plan(&acting()).await.is_ok());
            }
            other if other.effect() == Effect::Read => drop(other.run(&acting()).await),
            _ => {}
        }
    }
    assert!(planned >= 14, "{planned} were planned");
}

#[tokio::test]
#[should_panic(expected = "a unit is changed")]
async fn the_wire_is_live() {
    let context = Context::acting(
        Tripwire::reads(),
        Writes { journal: Arc::new(crate::fakes::MemoryJournal::default()), ..Tripwire::writes() },
    );
    let restart = Invocation::from_data("systemd.restart", json!({ "unit": "web" })).expect("an action");
    drop(restart.run(&context).await);
}
