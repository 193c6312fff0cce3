//! The examples that every `--help` and manual page opens with. A test parses each of them.

mod actions;

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

/// Those of everything but `ira act NAME`.
const EXAMPLES: &[Example] = &[
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
    of_command("ira drill", "ira drill list", "what may be broken, and what came of it last"),
    of_command("ira drill", "ira drill pool --dry-run", "what would be broken, and how it is taken back"),
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

fn all() -> impl Iterator<Item = &'static Example> {
    EXAMPLES.iter().chain(actions::EXAMPLES)
}

/// The examples of the command `path` (`ira config show`).
pub fn of(path: &str) -> impl Iterator<Item = &'static Example> {
    all().filter(move |example| example.of == path)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::cli;

    #[test]
    fn every_example_parses_and_is_of_its_command() {
        for example in all() {
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
