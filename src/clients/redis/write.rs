//! Removing keys.

use async_trait::async_trait;
use ira_commands::actions::{Broken, Left};
use ira_commands::ports::data::{KeyFilter, RedisWrite};
use redis::cmd;

use super::{Redis, is_refused};

/// Looks at each key once more and removes it, in one step of the server: whoever uses it again by then keeps it.
const UNLINK: &str = "local n = 0
for _, key in ipairs(KEYS) do
  local stale = true
  if ARGV[1] ~= '' then
    local idle = redis.call('OBJECT', 'IDLETIME', key)
    stale = idle and idle > tonumber(ARGV[1])
  end
  if stale and ARGV[2] ~= '' then
    local lives = redis.call('TTL', key)
    stale = lives == -1 or lives > tonumber(ARGV[2])
  end
  if stale then n = n + redis.call('UNLINK', key) end
end
return n";

#[async_trait]
impl RedisWrite for Redis {
    async fn unlink(&self, server: &str, attempt: &str, keys: &[Vec<u8>], filter: &KeyFilter) -> Result<u64, Broken> {
        let mut session = self.session(server).await.map_err(Broken::before)?;
        let named: Result<(), _> = cmd("CLIENT").arg("SETNAME").arg(attempt).query_async(&mut session.connection).await;
        named.map_err(|error| Broken::before(session.fault(&error)))?;
        let bound = |seconds: Option<u64>| seconds.map(|seconds| seconds.to_string()).unwrap_or_default();
        let mut script = cmd("EVAL");
        script.arg(UNLINK).arg(keys.len()).arg(keys).arg(bound(filter.idle)).arg(bound(filter.lives));
        script.query_async(&mut session.connection).await.map_err(|error| Broken {
            left: if is_refused(&error) { Left::Nothing } else { Left::Unknown },
            fault: session.fault(&error),
        })
    }
}
