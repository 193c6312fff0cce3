//! Databases, poolers and caches: each answers with one that something could be done to.

use async_trait::async_trait;

use super::Tripwire;
use crate::actions::Broken;
use crate::fault::Fault;
use crate::ports::data::{
    Closed, KeyBounds, KeyFilter, KeySeen, KeysSeen, PgConnection, PgServer, PgSetting, Pooler, PoolerRead,
    PoolerWrite, PostgresRead, PostgresWrite, RedisInfo, RedisRead, RedisWrite,
};

#[async_trait]
impl PostgresRead for Tripwire {
    fn place(&self, server: &str) -> Result<String, Fault> {
        Ok(server.to_owned())
    }

    async fn server(&self, _server: &str) -> Result<PgServer, Fault> {
        let idle = PgConnection {
            pid: 7,
            state: "idle".to_owned(),
            seconds: 9_000,
            user: "app".to_owned(),
            ..PgConnection::default()
        };
        Ok(PgServer { most: 10, connections: vec![idle], ..PgServer::default() })
    }

    async fn setting(&self, _server: &str, name: &str) -> Result<PgSetting, Fault> {
        let value = "100".to_owned();
        Ok(PgSetting { name: name.to_owned(), value, kind: "integer".to_owned(), ..PgSetting::default() })
    }

    async fn at_work(&self, _server: &str, _attempt: &str) -> Result<usize, Fault> {
        Ok(0)
    }

    async fn pause(&self) {}
}

#[async_trait]
impl PostgresWrite for Tripwire {
    async fn close(&self, server: &str, _attempt: &str, which: &[PgConnection]) -> Result<Closed, Broken> {
        panic!("connections are closed: {server} {which:?}")
    }

    async fn set(&self, server: &str, _attempt: &str, name: &str, value: Option<&str>) -> Result<(), Broken> {
        panic!("a setting is written: {server} {name} {value:?}")
    }
}

#[async_trait]
impl PoolerRead for Tripwire {
    fn place(&self, pooler: &str) -> Result<String, Fault> {
        Ok(pooler.to_owned())
    }

    async fn pooler(&self, _pooler: &str) -> Result<Pooler, Fault> {
        let settings = [("default_pool_size".to_owned(), "20".to_owned())].into();
        Ok(Pooler { settings, ..Pooler::default() })
    }
}

#[async_trait]
impl PoolerWrite for Tripwire {
    async fn set(&self, pooler: &str, setting: &str, value: u64) -> Result<(), Broken> {
        panic!("a pool is set: {pooler} {setting} {value}")
    }
}

#[async_trait]
impl RedisRead for Tripwire {
    fn place(&self, server: &str) -> Result<String, Fault> {
        Ok(server.to_owned())
    }

    async fn info(&self, _server: &str) -> Result<RedisInfo, Fault> {
        Ok(RedisInfo { keys: 1, ..RedisInfo::default() })
    }

    async fn keys(&self, _server: &str, _filter: &KeyFilter, _bounds: KeyBounds) -> Result<KeysSeen, Fault> {
        let key = KeySeen { name: b"page:1".to_vec(), idle: Some(9_000), ..KeySeen::default() };
        Ok(KeysSeen { looked: 1, all: true, meant: 1, keys: vec![key] })
    }

    async fn hot(&self, server: &str, _pattern: &str, bounds: KeyBounds) -> Result<KeysSeen, Fault> {
        self.keys(server, &KeyFilter::default(), bounds).await
    }

    async fn at_work(&self, _server: &str, _attempt: &str) -> Result<usize, Fault> {
        Ok(0)
    }
}

#[async_trait]
impl RedisWrite for Tripwire {
    async fn unlink(&self, server: &str, _attempt: &str, keys: &[Vec<u8>], _filter: &KeyFilter) -> Result<u64, Broken> {
        panic!("keys are removed: {server} {keys:?}")
    }
}
