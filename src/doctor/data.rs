//! Databases, poolers and caches.

use std::sync::Arc;

use ira_commands::ports::data::{PoolerRead as _, PostgresRead as _, RedisRead as _};
use ira_commands::text::excerpt;
use ira_commands::units::thousands;

use super::{Question, Said};
use crate::clients::postgres::{PgBouncer, Postgres};
use crate::clients::redis::Redis;
use crate::config::Config;

/// Every one of them that is configured.
pub(super) fn questions(config: &Arc<Config>) -> Vec<Question<'_>> {
    let systems = &config.systems;
    let servers = systems.postgres.keys().map(|name| {
        Question::new("postgres", name.as_str(), async move {
            let server = Postgres::new(Arc::clone(config)).server(name).await?;
            let version = excerpt(&server.version, 40);
            let said = format!("version {version}, {} of {} connections", server.connections.len(), server.most);
            // Whoever may not see them may close none of them.
            let hidden = server.connections.iter().filter(|one| one.state.is_empty()).count();
            Ok(match hidden {
                0 => Said::Well(said),
                _ => Said::Untold(format!(
                    "{said}; the state of {hidden} may not be seen (ira act postgres.connections --policy)"
                )),
            })
        })
    });
    let poolers = systems.pgbouncer.keys().map(|name| {
        Question::new("pgbouncer", name.as_str(), async move {
            let pooler = PgBouncer::new(Arc::clone(config)).pooler(name).await?;
            let waiting: u64 = pooler.pools.iter().map(|pool| pool.waiting).sum();
            Ok(Said::Well(format!("{}, {waiting} clients wait", excerpt(&pooler.version, 60))))
        })
    });
    let caches = systems.redis.keys().map(|name| {
        Question::new("redis", name.as_str(), async move {
            let info = Redis::new(Arc::clone(config)).info(name).await?;
            Ok(Said::Well(format!("version {}, {} keys", excerpt(&info.version, 40), thousands(info.keys))))
        })
    });
    servers.chain(poolers).chain(caches).collect()
}
