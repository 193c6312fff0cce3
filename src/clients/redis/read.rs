//! Reading a cache.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use ira_commands::ports::data::{KeyBounds, KeyFilter, KeySeen, KeysSeen, RedisInfo, RedisRead};
use ira_commands::{Fault, Kind};
use redis::{Cmd, Pipeline, Value, cmd, pipe};

use super::{Redis, Session};
use crate::clients::postgres::label;

/// How many keys are looked at in one step, at most.
const STEP: u64 = 500;

/// The fields of an INFO.
fn fields(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.trim_end().split_once(':')).collect()
}

/// Turns an answer into a number; none where it is nothing.
fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        _ => None,
    }
}

impl Session {
    pub(super) async fn ask<T: redis::FromRedisValue>(&mut self, command: &Cmd) -> Result<T, Fault> {
        let said = command.query_async(&mut self.connection).await;
        said.map_err(|error| self.fault(&error))
    }

    pub(super) async fn all(&mut self, pipeline: &Pipeline) -> Result<Vec<Value>, Fault> {
        let said = pipeline.query_async(&mut self.connection).await;
        said.map_err(|error| {
            let fault = self.fault(&error);
            if fault.causes.iter().any(|cause| cause.contains("LFU maxmemory policy")) {
                let what = format!("{} counts lookups, and does not keep when they were", self.label);
                return Fault::new(Kind::Failed, what).hint("leave --idle out, and say by --lives what is stale");
            }
            fault
        })
    }

    async fn info(&mut self) -> Result<RedisInfo, Fault> {
        let text: String = self.ask(&cmd("INFO")).await?;
        let keys: u64 = self.ask(&cmd("DBSIZE")).await?;
        let fields = fields(&text);
        let word = |name: &str| fields.get(name).copied().unwrap_or_default().to_owned();
        let count = |name: &str| fields.get(name).and_then(|text| text.parse().ok()).unwrap_or_default();
        if word("run_id").is_empty() || !fields.contains_key("keyspace_hits") {
            return Err(Fault::new(Kind::BadAnswer, format!("{} does not say how it stands", self.label)));
        }
        Ok(RedisInfo {
            version: word("redis_version"),
            run: word("run_id"),
            role: word("role"),
            uptime: count("uptime_in_seconds"),
            hits: count("keyspace_hits"),
            misses: count("keyspace_misses"),
            evicted: count("evicted_keys"),
            expired: count("expired_keys"),
            memory: count("used_memory"),
            memory_most: count("maxmemory"),
            policy: word("maxmemory_policy"),
            clients: count("connected_clients"),
            keys,
        })
    }

    /// The next keys of a walk: where it goes on, and their names. Zero is its end.
    async fn scan(&mut self, cursor: u64, pattern: &str, count: u64) -> Result<(u64, Vec<Vec<u8>>), Fault> {
        self.ask(cmd("SCAN").arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(count)).await
    }

    /// How these keys are now; one that is gone has no place in it.
    async fn seen(&mut self, names: &[Vec<u8>], idle: bool, often: bool) -> Result<Vec<KeySeen>, Fault> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipeline = pipe();
        for name in names {
            pipeline.cmd("TTL").arg(name);
            if idle {
                pipeline.cmd("OBJECT").arg("IDLETIME").arg(name);
            } else if often {
                pipeline.cmd("OBJECT").arg("FREQ").arg(name);
            }
        }
        let answers = self.all(&pipeline).await?;
        let each = if idle || often { 2 } else { 1 };
        let key = |(name, answers): (&Vec<u8>, &[Value])| {
            let lives = answers.first().and_then(number).filter(|lives| *lives != -2)?;
            let more = answers.get(1).map(number);
            // It was there a moment ago, and is not now.
            let more = match more {
                Some(None) => return None,
                Some(Some(more)) => Some(u64::try_from(more).unwrap_or_default()),
                None => None,
            };
            Some(KeySeen {
                name: name.clone(),
                idle: more.filter(|_| idle),
                often: more.filter(|_| often && !idle),
                lives: u64::try_from(lives).ok(),
                bytes: 0,
            })
        };
        Ok(names.iter().zip(answers.chunks(each)).filter_map(key).collect())
    }

    async fn sizes(&mut self, keys: &mut [KeySeen]) -> Result<(), Fault> {
        for some in keys.chunks_mut(200) {
            let mut pipeline = pipe();
            for key in some.iter() {
                pipeline.cmd("MEMORY").arg("USAGE").arg(&key.name);
            }
            let sizes = self.all(&pipeline).await?;
            for (key, size) in some.iter_mut().zip(&sizes) {
                key.bytes = number(size).and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
            }
        }
        Ok(())
    }

    /// Walks over the keys at the rate that is allowed; `take` is given each step's.
    async fn walk(
        &mut self,
        pattern: &str,
        bounds: KeyBounds,
        (idle, often): (bool, bool),
        mut take: impl FnMut(Vec<KeySeen>),
    ) -> Result<(u64, bool), Fault> {
        let there: u64 = self.ask(&cmd("DBSIZE")).await?;
        let step = STEP.min(bounds.per_second).min(bounds.look).max(1);
        let (mut cursor, mut looked, mut known) = (0, 0, HashSet::new());
        loop {
            let (next, mut names) = self.scan(cursor, pattern, step).await?;
            // A walk may meet a key twice.
            names.retain(|name| known.insert(name.clone()));
            take(self.seen(&names, idle, often).await?);
            looked += step;
            cursor = next;
            if cursor == 0 || looked >= bounds.look {
                return Ok((looked.min(there), cursor == 0));
            }
            tokio::time::sleep(Duration::from_millis(step * 1000 / bounds.per_second.max(1))).await;
        }
    }
}

fn is_meant(key: &KeySeen, filter: &KeyFilter) -> bool {
    filter.idle.is_none_or(|least| key.idle.is_some_and(|idle| idle > least))
        && filter.lives.is_none_or(|least| key.lives.is_none_or(|lives| lives > least))
}

#[async_trait]
impl RedisRead for Redis {
    fn place(&self, server: &str) -> Result<String, Fault> {
        label(&self.0, self.named(server)?)
    }

    async fn info(&self, server: &str) -> Result<RedisInfo, Fault> {
        self.session(server).await?.info().await
    }

    async fn keys(&self, server: &str, filter: &KeyFilter, bounds: KeyBounds) -> Result<KeysSeen, Fault> {
        let mut session = self.session(server).await?;
        let (mut meant, mut keys) = (0, Vec::new());
        let take = |seen: Vec<KeySeen>| {
            for key in seen.into_iter().filter(|key| is_meant(key, filter)) {
                meant += 1;
                if keys.len() < bounds.give {
                    keys.push(key);
                }
            }
        };
        let (looked, all) = session.walk(&filter.pattern, bounds, (filter.idle.is_some(), false), take).await?;
        session.sizes(&mut keys).await?;
        Ok(KeysSeen { looked, all, meant, keys })
    }

    async fn hot(&self, server: &str, pattern: &str, bounds: KeyBounds) -> Result<KeysSeen, Fault> {
        let mut session = self.session(server).await?;
        let counts = session.info().await?.policy.contains("lfu");
        let (mut meant, mut keys): (u64, Vec<KeySeen>) = (0, Vec::new());
        let take = |seen: Vec<KeySeen>| {
            meant += seen.len() as u64;
            keys.extend(seen);
            keys.sort_by_key(|key| (std::cmp::Reverse(key.often), key.idle));
            keys.truncate(bounds.give);
        };
        let (looked, all) = session.walk(pattern, bounds, (!counts, counts), take).await?;
        session.sizes(&mut keys).await?;
        Ok(KeysSeen { looked, all, meant, keys })
    }

    async fn at_work(&self, server: &str, attempt: &str) -> Result<usize, Fault> {
        let mut session = self.session(server).await?;
        let clients: String = session.ask(cmd("CLIENT").arg("LIST")).await?;
        let name = format!("name={attempt}");
        Ok(clients.lines().filter(|line| line.split(' ').any(|field| field == name)).count())
    }
}
