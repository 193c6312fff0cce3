//! The least that an action has to be allowed where it acts: to be read, and given to whoever grants it.

use std::borrow::Cow;

use super::{Action, aws, k8s};

const CONNECTIONS: &str = "\
-- PostgreSQL, as a superuser, in the database that `url` names. The role, once:
--   CREATE ROLE ira LOGIN;  \\password ira
-- to see who is connected and in which state:
GRANT pg_read_all_stats TO ira;
";

const TERMINATE: &str = "\
-- PostgreSQL, as a superuser, in the database that `url` names. The role, once:
--   CREATE ROLE ira LOGIN;  \\password ira
-- to see who is connected and in which state:
GRANT pg_read_all_stats TO ira;
-- to close connections; those of superusers it does not reach:
GRANT pg_signal_backend TO ira;
";

const SET: &str = "\
-- PostgreSQL 15 or later, as a superuser, in the database that `url` names. The role, once:
--   CREATE ROLE ira LOGIN;  \\password ira
-- to see what was written before:
GRANT SELECT ON pg_file_settings TO ira;
GRANT EXECUTE ON FUNCTION pg_show_all_file_settings() TO ira;
-- to have it read:
GRANT EXECUTE ON FUNCTION pg_reload_conf() TO ira;
-- to write it; such a line for each setting that may be set, and for no other:
GRANT ALTER SYSTEM ON PARAMETER max_connections TO ira;
";

const PGBOUNCER: &str = "\
; pgbouncer.ini; SET is for administrators alone
admin_users = ira
";

const REDIS_INFO: &str = "\
# Redis 7 or later
ACL SETUSER ira on >PASSWORD resetkeys resetchannels -@all +info +dbsize +select
";

const REDIS_HOT: &str = "\
# Redis 7 or later; a narrower pattern than * in place of it where --pattern is narrower
ACL SETUSER ira on >PASSWORD resetkeys resetchannels -@all +info +dbsize +select +scan +ttl +object|idletime +object|freq +memory|usage %R~*
";

const REDIS_DELETE: &str = "\
# Redis 7 or later; the pattern is that of --pattern
ACL SETUSER ira on >PASSWORD resetkeys resetchannels -@all +info +dbsize +select +scan +ttl +object|idletime +memory|usage +client|list +client|setname +eval +unlink ~session:*
";

const SYSTEMD: &str = "\
// /etc/polkit-1/rules.d/50-ira.rules; such a pair for each unit and verb, and for no other.
// `ira daemon --unit` prints it for the playbooks that are loaded.
polkit.addRule(function(action, subject) {
    var may = { \"restart web.service\": true };
    if (action.id == \"org.freedesktop.systemd1.manage-units\" && subject.user == \"ira\" &&
        may[action.lookup(\"verb\") + \" \" + action.lookup(\"unit\")]) {
        return polkit.Result.YES;
    }
});
";

const NODE_RUN: &str = "A user of the Chainlink node with the role `run`.\n";
const NODE_ADMIN: &str = "A user of the Chainlink node with the role `admin`.\n";
const NONE: &str = "None is needed but what its own arguments and credentials give.\n";

impl Action {
    /// The least privilege that an action of this name needs, as its system takes it.
    pub fn policy(name: &str) -> Cow<'static, str> {
        if let Some(role) = k8s::role([name]) {
            return role.into();
        }
        if let Some(policy) = aws::policy([name]) {
            return policy.into();
        }
        let text = match name {
            "postgres.connections" => CONNECTIONS,
            "postgres.terminate_idle" => TERMINATE,
            "postgres.set" => SET,
            "pgbouncer.set_pool" => PGBOUNCER,
            "redis.info" | "redis.hit_ratio" => REDIS_INFO,
            "redis.hot_keys" => REDIS_HOT,
            "redis.delete_stale" => REDIS_DELETE,
            "systemd.restart" | "systemd.start" | "systemd.stop" => SYSTEMD,
            "node.replay" => NODE_RUN,
            "node.enable_key" => NODE_ADMIN,
            _ => NONE,
        };
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_says_what_it_needs() {
        for name in Action::NAMES {
            let policy = Action::policy(name);
            assert!(policy.ends_with('\n') && !policy.contains("\n\n"), "{name}");
        }
        assert!(!Action::policy("postgres.connections").contains("pg_signal_backend"), "no more than it needs");
    }
}
