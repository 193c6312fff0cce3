//! The examples of `ira act NAME`.

use super::{Example, of_command};

/// Each of them.
pub(super) const EXAMPLES: &[Example] = &[
    of_command(
        "ira act node.replay",
        "ira act node.replay --node vrf-1 --block 21904120 --dry-run",
        "what it would do; without --dry-run it asks, and does it",
    ),
    of_command(
        "ira act node.enable_key",
        "ira act node.enable_key --node vrf-1 --address 0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419",
        "show the plan, ask, enable it, read the key back",
    ),
    of_command(
        "ira act chain.fund_subscription",
        "ira act chain.fund_subscription --coordinator 0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419 --subscription 17 --amount 5LINK",
        "show the plan, ask, fund it, read the balance back",
    ),
    of_command(
        "ira act chain.fund_subscription",
        "ira act chain.fund_subscription --coordinator 0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419 --subscription 17 --amount 5LINK --resume",
        "after it broke off: settle what was sent, send nothing new",
    ),
    of_command(
        "ira act chain.fund_key",
        "ira act chain.fund_key --key 0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419 --amount 0.5ETH",
        "for a node's key that runs dry",
    ),
    of_command(
        "ira act chain.store_blockhash",
        "ira act chain.store_blockhash --store 0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419 --block 21904120 --dry-run",
        "what it takes, however old the block is",
    ),
    of_command(
        "ira act chain.replace_transaction",
        "ira act chain.replace_transaction --tx 0x88df016429689c079f3b2f6ad39fa052532c56795b733da78a91ebe6a713944b",
        "the same at a higher price, under the same nonce",
    ),
    of_command(
        "ira act chain.fill_nonce_gap",
        "ira act chain.fill_nonce_gap --nonce 12",
        "what waits behind nonce 12 can then be mined",
    ),
    of_command(
        "ira act script.run",
        "ira act script.run --program restart-web.sh --arg web-01 --timeout 2m",
        "a script of the configured folder, with one argument",
    ),
    of_command(
        "ira act script.run",
        "ira act script.run --program /opt/ops/drain --flag=--force --alert alert.json --dry-run",
        "what would be run; the alert is given to it as data",
    ),
    of_command(
        "ira act script.run",
        "ira act script.run --program restart-web.sh --resume",
        "after it broke off: wait for what still runs, run nothing again",
    ),
    of_command(
        "ira act script.by_metric",
        "ira act script.by_metric --metric CPUUtilization --namespace AWS/EC2",
        "the script CPUUtilization#AWS%2FEC2.sh of the configured folder",
    ),
    of_command("ira act systemd.status", "ira act systemd.status --unit web", "how web.service stands"),
    of_command(
        "ira act systemd.restart",
        "ira act systemd.restart --unit web",
        "show the plan, ask, restart it, see that it stays up",
    ),
    of_command("ira act systemd.start", "ira act systemd.start --unit web", "nothing is done where it is up already"),
    of_command("ira act systemd.stop", "ira act systemd.stop --unit web --dry-run", "what it would do"),
    of_command(
        "ira act postgres.connections",
        "ira act postgres.connections --server shop",
        "who is connected to [postgres.shop]; exit 4 above 90 %",
    ),
    of_command(
        "ira act postgres.terminate_idle",
        "ira act postgres.terminate_idle --server shop --older-than 5m --most 20",
        "show which, ask, close those that idle still",
    ),
    of_command(
        "ira act postgres.terminate_idle",
        "ira act postgres.terminate_idle --policy",
        "the grants that it needs, for psql",
    ),
    of_command(
        "ira act postgres.set",
        "ira act postgres.set --server shop --setting max_connections --times 1.5 --at-most 300 --dry-run",
        "what it would write; it says that a restart is needed",
    ),
    of_command(
        "ira act pgbouncer.set_pool",
        "ira act pgbouncer.set_pool --pooler shop --size 40",
        "default_pool_size, until it is reloaded; the line that takes it back is printed",
    ),
    of_command("ira act redis.info", "ira act redis.info --server sessions", "how [redis.sessions] stands"),
    of_command(
        "ira act redis.hit_ratio",
        "ira act redis.hit_ratio --server sessions --window 30s",
        "how many lookups find their key now",
    ),
    of_command(
        "ira act redis.hot_keys",
        "ira act redis.hot_keys --server sessions --top 5",
        "which keys are looked up most, of 10,000 that are looked at",
    ),
    of_command(
        "ira act redis.delete_stale",
        "ira act redis.delete_stale --server sessions --pattern 'session:*' --idle 1d --most 500 --dry-run",
        "how many there are, and what would be removed",
    ),
    of_command(
        "ira act cache.warm",
        "ira act cache.warm --url https://shop.example/ --url https://shop.example/top",
        "ask these, ten a second at most",
    ),
    of_command("ira act wait", "ira act wait --for 30s", "let time pass: a step of playbooks, kept across a restart"),
    of_command(
        "ira act k8s.pod_status",
        "ira act k8s.pod_status --namespace shop --workload deployment/web",
        "state, restarts, why they ended last; exit 4 where one is not well",
    ),
    of_command(
        "ira act k8s.rollout_status",
        "ira act k8s.rollout_status --namespace shop --workload deployment/web",
        "how many pods are of the newest revision, and available",
    ),
    of_command(
        "ira act k8s.rollout_history",
        "ira act k8s.rollout_history --namespace shop --workload deployment/web",
        "its revisions, newest first",
    ),
    of_command("ira act k8s.events", "ira act k8s.events --namespace shop --of pod/web-1", "what happened to it"),
    of_command(
        "ira act k8s.logs",
        "ira act k8s.logs --namespace shop --pod web-1 --previous",
        "the last lines before its last restart",
    ),
    of_command(
        "ira act k8s.top",
        "ira act k8s.top --namespace shop --workload deployment/web",
        "what its pods use of their limits",
    ),
    of_command(
        "ira act k8s.delete_pod",
        "ira act k8s.delete_pod --namespace shop --pod web-1",
        "only while it is not ready, and comes back by itself",
    ),
    of_command(
        "ira act k8s.rollout_restart",
        "ira act k8s.rollout_restart --namespace shop --workload deployment/web",
        "every pod anew, one after the other",
    ),
    of_command(
        "ira act k8s.rollout_undo",
        "ira act k8s.rollout_undo --namespace shop --workload deployment/web --from 7",
        "to the revision before, if 7 is still the present one",
    ),
    of_command(
        "ira act k8s.scale",
        "ira act k8s.scale --namespace shop --workload deployment/web --by 1 --at-most 6",
        "one pod more, and never more than six",
    ),
    of_command(
        "ira act k8s.update_hpa",
        "ira act k8s.update_hpa --namespace shop --hpa web --max 8 --at-most 10",
        "let the autoscaler choose up to eight",
    ),
    of_command(
        "ira act k8s.set_env",
        "ira act k8s.set_env --namespace shop --workload deployment/web --name DB_TIMEOUT --value 10s --at-most 30",
        "a variable that is there already, within a bound",
    ),
    of_command(
        "ira act k8s.set_resources",
        "ira act k8s.set_resources --namespace shop --workload deployment/web --memory-limit 512Mi",
        "what a container may use at most",
    ),
    of_command("ira act k8s.node_status", "ira act k8s.node_status --node n1", "ready or not, and for new pods or not"),
    of_command("ira act k8s.cordon", "ira act k8s.cordon --node n1", "it takes no new pods"),
    of_command("ira act k8s.uncordon", "ira act k8s.uncordon --node n1", "it takes new pods again"),
    of_command("ira act k8s.drain", "ira act k8s.drain --node n1 --dry-run", "which pods would be evicted"),
    of_command(
        "ira act k8s.pod_exec",
        "ira act k8s.pod_exec --namespace shop --pod web-1 --arg kill --arg -USR1 --arg 1",
        "a program and its arguments; no shell reads them",
    ),
    of_command(
        "ira act cloudwatch.alarm_state",
        "ira act cloudwatch.alarm_state --alarm shop-errors",
        "whether it fires, and since when; too few data are no all-clear",
    ),
    of_command(
        "ira act cloudwatch.metric",
        "ira act cloudwatch.metric --namespace AWS/ECS --metric CPUUtilization --dimension ClusterName=shop --dimension ServiceName=web",
        "the newest value of the last ten minutes",
    ),
    of_command(
        "ira act ecs.wait_stable",
        "ira act ecs.wait_stable --cluster shop --service web --within 120",
        "until all tasks run, or two minutes are over",
    ),
    of_command(
        "ira act ecs.stop_service",
        "ira act ecs.stop_service --cluster shop --service web --dry-run",
        "how many tasks it has, and how to bring them back",
    ),
    of_command(
        "ira act ecs.start_service",
        "ira act ecs.start_service --cluster shop --service web --tasks 2",
        "show the plan, ask, set the number, wait until they run",
    ),
    of_command(
        "ira act ecs.update_task_definition",
        "ira act ecs.update_task_definition --cluster shop --service web --to web:41",
        "back to a revision that is known to work",
    ),
    of_command(
        "ira act ecs.update_task_definition",
        "ira act ecs.update_task_definition --cluster shop --service web --container web --env MODE=safe --memory 1024",
        "a new revision from the present one",
    ),
    of_command(
        "ira act dynamodb.delete_items",
        "ira act dynamodb.delete_items --table locks --partition checkout --dry-run",
        "how many items there are, and where they would be kept",
    ),
    of_command(
        "ira act dynamodb.restore_items",
        "ira act dynamodb.restore_items --kept dynamodb-locks-0011223344556677.json",
        "what was kept goes back where nothing has its key",
    ),
    of_command(
        "ira act lambda.invoke",
        "ira act lambda.invoke --function clear-cache --qualifier live",
        "run it once, with its answer",
    ),
    of_command(
        "ira act http.check",
        "ira act http.check --url https://shop.example/healthz --contains ok",
        "exit 4 where it does not answer as it should",
    ),
    of_command(
        "ira act http.request",
        "ira act http.request --url https://deploy.example/hooks/rollback --body {} --dry-run",
        "what would be sent to whom; without --dry-run it asks, and sends it once",
    ),
    of_command(
        "ira act prometheus.query",
        "ira act prometheus.query --query sum(up)",
        "one number; no data is a failure and never zero",
    ),
    of_command("ira act wait", "ira act wait --for 30s", "lets time pass; a step of a playbook, mostly"),
    of_command(
        "ira act alert.still_firing",
        "ira act alert.still_firing --label alertname=Down --label instance=web-01",
        "yes, no or unknown, by the word of Alertmanager",
    ),
    of_command(
        "ira act page",
        "ira act page --key ira:c1:web-01 --summary Down --source web-01",
        "page who is on call",
    ),
    of_command("ira act page", "ira act page --key ira:c1:web-01 --verb resolve", "say that it is over"),
    of_command(
        "ira act notify.slack",
        "ira act notify.slack --text mended --yes",
        "a message in the configured channel",
    ),
    of_command(
        "ira act ticket.create",
        "ira act ticket.create --desk ops --title Down --text details --dry-run",
        "whether there is one already, and what would be made",
    ),
];
