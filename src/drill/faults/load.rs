//! A page is asked for often.

use std::time::Duration;

use async_trait::async_trait;
use ira_commands::{Fault, Kind};
use secrecy::SecretString;
use tokio::task::JoinHandle;

use super::Breaks;
use crate::clients::endpoint::Endpoint;
use crate::clients::http;

/// How long one answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// So many are waited for at the same time.
const AT_ONCE: usize = 64;

pub(super) struct Load {
    pub url: String,
    pub most: u64,
    pub rate: u64,
    pub task: Option<JoinHandle<()>>,
}

#[async_trait]
impl Breaks for Load {
    async fn look(&self) -> Result<String, Fault> {
        let endpoint = Endpoint::new(SecretString::from(self.url.as_str()))?;
        let label = endpoint.label();
        let answer = http::client(&endpoint, PATIENCE, 0)?.get(&self.url).send().await;
        let status = answer.map_err(|error| http::cannot(&endpoint, &error))?.status();
        if !status.is_success() {
            return Err(Fault::new(Kind::Denied, format!("{label} answers {status}: only what is well is broken")));
        }
        Ok(format!("{label} is asked at most {} times, {} a second", self.most, self.rate))
    }

    async fn begin(&mut self) -> Result<String, Fault> {
        let endpoint = Endpoint::new(SecretString::from(self.url.as_str()))?;
        let client = http::client(&endpoint, PATIENCE, 0)?;
        let (url, most, rate) = (self.url.clone(), self.most, self.rate.max(1));
        self.task = Some(tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_micros(1_000_000 / rate));
            let mut asked = tokio::task::JoinSet::new();
            for _ in 0..most {
                tick.tick().await;
                while asked.len() >= AT_ONCE {
                    asked.join_next().await;
                }
                asked.spawn(client.get(&url).send());
            }
            while asked.join_next().await.is_some() {}
        }));
        Ok(format!("{} is asked {} times a second", endpoint.label(), self.rate))
    }

    async fn end(&mut self) -> Result<String, Fault> {
        let Some(task) = self.task.take() else { return Ok(String::new()) };
        task.abort();
        Ok("nothing is asked any more".to_owned())
    }
}
