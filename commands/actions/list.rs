//! The list of actions: the only place that an action is entered in.

use serde_json::Value as Json;

use super::{
    Act, Look, Verb, alert, aws, cache, chain, http, k8s, node, pgbouncer, postgres, prometheus, redis, script,
    systemd, tell, wait,
};
use crate::args;
use crate::fault::Fault;

/// The closed list of actions, in the spelling of a command line, a file and the journal.
macro_rules! actions {
    ($($(#[$doc:meta])* $name:literal $variant:ident($args:path) $kind:ident,)*) => {
        /// One action with its arguments.
        #[derive(Clone, Debug, PartialEq, clap::Subcommand)]
        pub enum Action {
            $($(#[$doc])* #[command(name = $name)] $variant($args),)*
        }

        impl Action {
            /// Every name.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The name as it is typed, and as a `do:` spells it.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            /// Reads `{do: name, with: {…}}`; `None` where there is no such action.
            pub fn from_data(name: &str, with: Json) -> Option<Result<Self, Fault>> {
                match name {
                    $($name => Some(args::from_json(name, with).map(Self::$variant)),)*
                    _ => None,
                }
            }

            /// The shape of an action's arguments; `None` where there is no such action.
            pub fn schema(name: &str) -> Option<schemars::Schema> {
                match name {
                    $($name => Some(schemars::schema_for!($args)),)*
                    _ => None,
                }
            }

            /// The arguments, as a file spells them.
            pub fn with(&self) -> Json {
                match self { $(Self::$variant(args) => serde_json::to_value(args).unwrap_or_default(),)* }
            }

            /// What it can do.
            pub fn verb(&self) -> Verb<&dyn Look, &dyn Act> {
                match self { $(Self::$variant(args) => Verb::$kind(args),)* }
            }

            pub(super) fn verb_mut(&mut self) -> Verb<&mut dyn Look, &mut dyn Act> {
                match self { $(Self::$variant(args) => Verb::$kind(args),)* }
            }
        }
    };
}

actions! {
    /// Fund a VRF subscription, in LINK or (V2.5) in the native coin
    "chain.fund_subscription" FundSubscription(chain::FundSubscription) Act,
    /// Send native coins to an account, such as a node's key
    "chain.fund_key" FundKey(chain::FundKey) Act,
    /// Store the hash of a block in a BlockhashStore, however old the block is
    "chain.store_blockhash" StoreBlockhash(chain::StoreBlockhash) Act,
    /// Outbid a transaction of the configured key that waits to be mined
    "chain.replace_transaction" ReplaceTransaction(chain::ReplaceTransaction) Act,
    /// Use up the nonce that later transactions of the configured key wait for
    "chain.fill_nonce_gap" FillNonceGap(chain::FillNonceGap) Act,
    /// Have a Chainlink node read the chain's logs again from a block on
    "node.replay" NodeReplay(node::Replay) Act,
    /// Let a Chainlink node send from a key again that is disabled on it
    "node.enable_key" NodeEnableKey(node::EnableKey) Act,
    /// Run a script on this host: no shell, a cleared environment, limits, a deadline that ends all its processes
    "script.run" ScriptRun(script::Run) Act,
    /// Run the script that is named for a metric and its namespace: METRIC#NAMESPACE.sh of the configured folder
    "script.by_metric" ScriptByMetric(script::ByMetric) Act,
    /// Say how a systemd unit stands
    "systemd.status" SystemdStatus(systemd::Status) Look,
    /// Restart a systemd unit, and see that it stays up
    "systemd.restart" SystemdRestart(systemd::Restart) Act,
    /// Start a systemd unit, and see that it stays up
    "systemd.start" SystemdStart(systemd::Start) Act,
    /// Stop a systemd unit
    "systemd.stop" SystemdStop(systemd::Stop) Act,
    /// Say how pods stand: state, restarts, why they ended last
    "k8s.pod_status" K8sPodStatus(k8s::PodStatus) Look,
    /// Say how far the rollout of a workload is
    "k8s.rollout_status" K8sRolloutStatus(k8s::RolloutStatus) Look,
    /// List the revisions of a workload, newest first
    "k8s.rollout_history" K8sRolloutHistory(k8s::RolloutHistory) Look,
    /// List what happened to an object, newest first
    "k8s.events" K8sEvents(k8s::Events) Look,
    /// Show the end of a container's log
    "k8s.logs" K8sLogs(k8s::Logs) Look,
    /// Say what pods use of the CPU and memory that they may
    "k8s.top" K8sTop(k8s::Top) Look,
    /// Delete a sick pod, by its uid; its controller makes another
    "k8s.delete_pod" K8sDeletePod(k8s::DeletePod) Act,
    /// Make every pod of a workload anew, one after the other
    "k8s.rollout_restart" K8sRolloutRestart(k8s::RolloutRestart) Act,
    /// Take a workload back to an earlier revision
    "k8s.rollout_undo" K8sRolloutUndo(k8s::RolloutUndo) Act,
    /// Change how many pods a workload has, within bounds
    "k8s.scale" K8sScale(k8s::Scale) Act,
    /// Change between how many pods an autoscaler may choose, within bounds
    "k8s.update_hpa" K8sUpdateHpa(k8s::UpdateHpa) Act,
    /// Change one variable of a container, within bounds
    "k8s.set_env" K8sSetEnv(k8s::SetEnv) Act,
    /// Change the CPU and memory that a container is given, and may use
    "k8s.set_resources" K8sSetResources(k8s::SetResources) Act,
    /// Say how a node is, and whether it takes new pods
    "k8s.node_status" K8sNodeStatus(k8s::NodeStatus) Look,
    /// Let a node take no new pods
    "k8s.cordon" K8sCordon(k8s::Cordon) Act,
    /// Let a node take new pods again
    "k8s.uncordon" K8sUncordon(k8s::Uncordon) Act,
    /// Have a node's pods go, as far as disruption budgets allow, and let it take no new ones
    "k8s.drain" K8sDrain(k8s::Drain) Act,
    /// Run a command in a container, without a shell
    "k8s.pod_exec" K8sPodExec(k8s::PodExec) Act,
    /// Say how an alarm of CloudWatch stands
    "cloudwatch.alarm_state" CloudwatchAlarmState(aws::AlarmState) Look,
    /// Say what a metric of CloudWatch is now
    "cloudwatch.metric" CloudwatchMetric(aws::Metric) Look,
    /// Wait until all tasks of an ECS service run, and no older ones
    "ecs.wait_stable" EcsWaitStable(aws::WaitStable) Look,
    /// Have an ECS service run no tasks
    "ecs.stop_service" EcsStopService(aws::StopService) Act,
    /// Have an ECS service run so many tasks
    "ecs.start_service" EcsStartService(aws::StartService) Act,
    /// Have the tasks of an ECS service made from another revision, an old one or a new one
    "ecs.update_task_definition" EcsUpdateTaskDefinition(aws::UpdateTaskDefinition) Act,
    /// Delete items of one partition of a DynamoDB table, counted and kept in a file first
    "dynamodb.delete_items" DynamodbDeleteItems(aws::DeleteItems) Act,
    /// Put deleted items of a DynamoDB table back from the file they were kept in
    "dynamodb.restore_items" DynamodbRestoreItems(aws::RestoreItems) Act,
    /// Run a Lambda function once
    "lambda.invoke" LambdaInvoke(aws::Invoke) Act,
    /// Say whether a web server answers as it should
    "http.check" HttpCheck(http::Check) Look,
    /// Tell a web server to do something
    "http.request" HttpRequest(http::Request) Act,
    /// Say who is connected to a PostgreSQL server, and how much room there is
    "postgres.connections" PostgresConnections(postgres::Connections) Look,
    /// Close connections of a PostgreSQL server that idle for too long
    "postgres.terminate_idle" PostgresTerminateIdle(postgres::TerminateIdle) Act,
    /// Set a number or a switch of a PostgreSQL server for good, within bounds
    "postgres.set" PostgresSet(postgres::Set) Act,
    /// Set how many connections a PgBouncer opens
    "pgbouncer.set_pool" PgbouncerSetPool(pgbouncer::SetPool) Act,
    /// Say how a Redis stands
    "redis.info" RedisInfo(redis::Info) Look,
    /// Say how many lookups of a Redis find their key now
    "redis.hit_ratio" RedisHitRatio(redis::HitRatio) Look,
    /// Say which keys of a Redis are looked up most
    "redis.hot_keys" RedisHotKeys(redis::HotKeys) Look,
    /// Remove keys of a Redis that nobody looks up: some at a time, and never all
    "redis.delete_stale" RedisDeleteStale(redis::DeleteStale) Act,
    /// Ask a list of URLs, so that what they need is in a cache again
    "cache.warm" CacheWarm(cache::Warm) Act,
    /// Say what a metric is now
    "prometheus.query" PrometheusQuery(prometheus::Query) Look,
    /// Say whether an alert still fires, by the word of its sender
    "alert.still_firing" AlertStillFiring(alert::StillFiring) Look,
    /// Let time pass; as a step of a run, a timer that outlives the process
    "wait" Wait(wait::Args) Look,
    /// Page who is on call, or say that it is over
    "page" Page(tell::PageArgs) Act,
    /// Post a message in the configured channel
    "notify.slack" NotifySlack(tell::SlackArgs) Act,
    /// Make a ticket, unless it is there already
    "ticket.create" TicketCreate(tell::TicketArgs) Act,
}
