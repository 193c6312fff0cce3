//! The examples that every `--help` and manual page opens with. A test parses each of them.

/// One command line, and what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    /// The command it is an example of, from `ira` on.
    pub of: &'static str,
    /// The line as it is typed.
    pub line: &'static str,
    /// What it is for.
    pub what: &'static str,
}

/// Every example.
pub const EXAMPLES: &[Example] = &[
    of_command("ira", "ira demo", "see an alert answered, and one that needs a person, without any set-up"),
    of_command("ira", "ira feed-report eth-usd --rpc-url env:RPC", "is this feed healthy, if not why, who must act"),
    of_command(
        "ira",
        "ira vrf-runbook --alert alert.json",
        "why a randomness request is not fulfilled, who can mend it",
    ),
    of_command("ira", "ira help exit-codes", "what a script can branch on"),
    of_command("ira feed-report", "ira feed-report eth-usd", "a feed by its name in the directory"),
    of_command(
        "ira feed-report",
        "ira feed-report 0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419 --rpc-url env:RPC",
        "by address; the endpoint's URL, with its key, is in the variable RPC",
    ),
    of_command(
        "ira feed-report",
        "ira feed-report --alert alert.json",
        "what an alert is about; `-` reads it from stdin",
    ),
    of_command("ira feed-report", "ira feed-report --all --network ethereum-mainnet", "every feed, worst first"),
    of_command("ira feed-report", "ira feed-report eth-usd --format markdown", "for the incident note"),
    of_command(
        "ira feed-report",
        "ira feed-report eth-usd --record case.json",
        "keep the evidence; --replay shows it again",
    ),
    of_command(
        "ira vrf-runbook",
        "ira vrf-runbook --tx 0x5d1e8f0c3b7a9264e1f0a8b7c6d5e4f392817263544536271809f0e1d2c3b4a5 --rpc-url env:RPC",
        "why a request is not fulfilled, by the transaction that made it",
    ),
    of_command(
        "ira vrf-runbook",
        "ira vrf-runbook --coordinator 0xD7f86b4b8Cae7D942340FF628F82735b7a20893a --subscription 8831",
        "every pending request of a subscription, oldest first",
    ),
    of_command(
        "ira vrf-runbook",
        "ira vrf-runbook --coordinator 0xD7f86b4b8Cae7D942340FF628F82735b7a20893a --node vrf-1",
        "what its Chainlink node knows of it, too; without --node every node of the network is asked",
    ),
    of_command(
        "ira vrf-runbook",
        "ira vrf-runbook --coordinator 0xD7f86b4b8Cae7D942340FF628F82735b7a20893a --subscription 8831 --apply --dry-run",
        "what would be done about it, and what that costs",
    ),
    of_command(
        "ira vrf-runbook",
        "ira vrf-runbook --alert alert.json",
        "what an alert is about; `-` reads it from stdin",
    ),
    of_command(
        "ira act",
        "ira act chain.fund_key --key 0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419 --amount 0.5ETH --dry-run",
        "what it would do; without --dry-run it asks, and does it",
    ),
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
    of_command(
        "ira pd-annotate",
        "ira pd-annotate Q1ABC -",
        "note what stdin says: ira feed-report eth-usd --format markdown | ira pd-annotate Q1ABC -",
    ),
    of_command(
        "ira pd-annotate",
        "ira pd-annotate Q1ABC --from feed-report eth-usd",
        "note what this command reports; again, and the same note is updated",
    ),
    of_command("ira pd-annotate", "ira pd-annotate --alert alert.json --file found.md", "the incident of this alert"),
    of_command("ira pd-annotate", "ira pd-annotate Q1ABC --status acknowledged --priority P1", "without a note"),
    of_command("ira war-room", "ira war-room --alert alert.json", "post the message, and note it on the incident"),
    of_command(
        "ira war-room",
        "ira war-room - --pd-url https://acme.pagerduty.com/incidents/Q1ABC --service vrf",
        "paste the incident's details; the links come along",
    ),
    of_command("ira war-room", "ira war-room --alert alert.json --dry-run", "print the message, for any chat"),
    of_command("ira demo", "ira demo", "a service is killed, and mended; another one is not, and somebody is paged"),
    of_command("ira demo", "ira demo feed", "a report on a recorded chain with three real faults in it"),
    of_command("ira demo", "ira demo feed --json", "the same for a program"),
    of_command("ira config", "ira config show", "every effective value, and where it comes from"),
    of_command("ira config show", "ira config show", "every effective value, and where it comes from"),
    of_command("ira config show", "ira config show --json", "the same for a program"),
    of_command("ira config check", "ira config check", "every mistake in every file, with its line"),
    of_command("ira config check", "ira config check --config ira.toml", "one file, in CI"),
    of_command("ira config token", "ira config token mila --role approver", "a token for Mila, who answers plans"),
    of_command(
        "ira remediate",
        "ira remediate --alert alert.json --dry-run",
        "which playbook answers it, and its plan",
    ),
    of_command("ira daemon", "ira daemon --check", "is everything there, before it is started"),
    of_command("ira daemon", "ira daemon --listen 0.0.0.0:9097 --admin 127.0.0.1:9098", "take alerts in"),
    of_command("ira daemon", "ira daemon --alertmanager-routes", "the routes that page where ira does not mend it"),
    of_command("ira daemon", "ira daemon --unit --config /etc/ira/config.toml", "the systemd units"),
    of_command("ira remediate", "ira remediate --alert alert.json", "show the plan, ask, do it, verify"),
    of_command("ira remediate", "ira remediate redis-evictions --alert - --yes", "this playbook, without asking"),
    of_command("ira run", "ira run list", "what ran, and what waits for somebody"),
    of_command("ira run list", "ira run list --orphans", "what nothing moves by itself (exit 4 where there is any)"),
    of_command("ira run show", "ira run show 17 --events", "where it stands, every attempt, every event"),
    of_command("ira run tail", "ira run tail 17", "what happens, while it happens"),
    of_command("ira run export-test", "ira run export-test 17", "as a test, for the end of the playbook's file"),
    of_command("ira run resume", "ira run resume 17", "go on where it broke off; what was begun is looked at first"),
    of_command("ira run undo", "ira run undo 17", "take back what it did, newest first"),
    of_command("ira run cancel", "ira run cancel 17", "stop it; what was done is taken back"),
    of_command("ira run decide", "ira run decide 42 --say it-ran", "what became of an attempt that nobody knows of"),
    of_command("ira run close", "ira run close 17 --as failed --reason done-by-hand", "end it, and release its locks"),
    of_command("ira run approve", "ira run approve 17 --plan 3f9ac1d2", "say yes to the plan that was shown"),
    of_command("ira run deny", "ira run deny 17", "say no to it"),
    of_command("ira daemon", "ira daemon --print kubernetes", "a file that ships; --unit prints systemd's"),
    of_command("ira doctor", "ira doctor", "what can be reached from here, and what cannot"),
    of_command("ira doctor", "ira doctor --timeout 30 --json", "for a script, and with patience"),
    of_command("ira freeze", "ira freeze --reason db-move --for 2h", "no writes for two hours"),
    of_command("ira thaw", "ira thaw", "go on"),
    of_command("ira playbook", "ira playbook list", "what is loaded, and from where"),
    of_command("ira playbook", "ira playbook explain alert.json", "what would be done about an alert, and why"),
    of_command("ira playbook list", "ira playbook list", "what is loaded, and from where"),
    of_command("ira playbook check", "ira playbook check", "every playbook that would be loaded"),
    of_command("ira playbook check", "ira playbook check redis.yaml", "one file, in CI or while it is written"),
    of_command("ira playbook test", "ira playbook test redis.yaml", "run the tests at its end"),
    of_command("ira playbook explain", "ira playbook explain alert.json", "what would be done about an alert, and why"),
    of_command("ira playbook explain", "ira playbook explain - --source pagerduty", "the same, from stdin"),
    of_command(
        "ira playbook plan",
        "ira playbook plan redis-evictions --alert alert.json",
        "what it would do, by what is read now",
    ),
    of_command(
        "ira playbook plan",
        "ira playbook plan redis.yaml --alert alert.json --offline --value q.up=3",
        "the same without asking anything",
    ),
    of_command(
        "ira playbook backtest",
        "ira playbook backtest redis-evictions --since 30d",
        "over the alerts that came in",
    ),
    of_command("ira playbook backtest", "ira playbook backtest redis.yaml --from alerts", "over the files of a folder"),
    of_command("ira playbook promote", "ira playbook promote redis-evictions", "its rung and its record"),
    of_command(
        "ira playbook promote",
        "ira playbook promote redis-evictions --to auto",
        "what it lacks to go on by itself",
    ),
    of_command("ira playbook schema", "ira playbook schema", "for an editor that knows JSON Schema"),
    of_command("ira playbook new", "ira playbook new redis-evictions", "a file to start from, each part explained"),
    of_command("ira help", "ira help feeds", "a topic"),
    of_command("ira help", "ira help feed-report", "a command"),
    of_command("ira completions", "ira completions bash", "print the lines, and where they go"),
    of_command("ira completions", "ira completions zsh", "the same for zsh"),
];

const fn of_command(of: &'static str, line: &'static str, what: &'static str) -> Example {
    Example { of, line, what }
}

/// The examples of the command `path` (`ira config show`).
pub fn of(path: &str) -> impl Iterator<Item = &'static Example> {
    EXAMPLES.iter().filter(move |example| example.of == path)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::cli;

    #[test]
    fn every_example_parses_and_is_of_its_command() {
        for example in EXAMPLES {
            let args: Vec<OsString> = example.line.split(' ').map(OsString::from).collect();
            assert!(cli::parse(&args, None).is_ok(), "{}", example.line);
            assert!(example.line.starts_with(example.of), "{}", example.line);
        }
    }

    #[test]
    fn every_command_has_examples() {
        fn walk(command: &clap::Command, path: &str) {
            assert!(of(path).next().is_some(), "{path} has none");
            for sub in command.get_subcommands() {
                walk(sub, &format!("{path} {}", sub.get_name()));
            }
        }
        walk(&cli::command(), "ira");
    }
}
