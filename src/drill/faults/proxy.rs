//! A proxy of the drill's own: what goes through it waits, or goes nowhere. It is there as long as the drill, and without
//! its fault once that is taken back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ira_commands::{Fault, Kind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::Breaks;

pub(super) struct Proxy {
    listen: String,
    to: String,
    /// How long each part waits; none where nothing goes through.
    millis: Option<u64>,
    breaks: Arc<AtomicBool>,
    task: Option<JoinHandle<()>>,
}

impl Proxy {
    pub(super) fn new(listen: String, to: String, millis: Option<u64>) -> Self {
        Self { listen, to, millis, breaks: Arc::default(), task: None }
    }

    fn what(&self) -> String {
        match self.millis {
            Some(millis) => format!("what goes through {} to {} waits {millis} ms", self.listen, self.to),
            None => format!("nothing goes through {} to {}", self.listen, self.to),
        }
    }
}

#[async_trait]
impl Breaks for Proxy {
    async fn look(&self) -> Result<String, Fault> {
        let unreachable =
            |why: String| Fault::new(Kind::Unreachable, format!("{} cannot be reached", self.to)).because(why);
        let reached = tokio::time::timeout(Duration::from_secs(5), TcpStream::connect(&self.to)).await;
        reached.map_err(|_| unreachable("no answer".to_owned()))?.map_err(|error| unreachable(error.to_string()))?;
        Ok(format!("{}; the proxy ends with the drill", self.what()))
    }

    async fn begin(&mut self) -> Result<String, Fault> {
        let listener = TcpListener::bind(&self.listen).await.map_err(|error| {
            Fault::new(Kind::Failed, format!("{} cannot be listened on", self.listen)).because(error.to_string())
        })?;
        self.breaks.store(true, Ordering::SeqCst);
        let (to, millis, breaks) = (self.to.clone(), self.millis, Arc::clone(&self.breaks));
        self.task = Some(tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (to, breaks) = (to.clone(), Arc::clone(&breaks));
                tokio::spawn(async move { between(client, &to, millis, breaks).await });
            }
        }));
        Ok(self.what())
    }

    async fn end(&mut self) -> Result<String, Fault> {
        self.breaks.store(false, Ordering::SeqCst);
        Ok(if self.task.is_some() { format!("{} is as it was", self.listen) } else { String::new() })
    }
}

async fn between(client: TcpStream, to: &str, millis: Option<u64>, breaks: Arc<AtomicBool>) {
    if millis.is_none() && breaks.load(Ordering::SeqCst) {
        return;
    }
    let Ok(server) = TcpStream::connect(to).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        () = passed(from_client, to_server, millis, &breaks) => {}
        () = passed(from_server, to_client, None, &breaks) => {}
        () = cut(millis, &breaks) => {}
    }
}

/// Ends when nothing may go through any more.
async fn cut(millis: Option<u64>, breaks: &AtomicBool) {
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if millis.is_none() && breaks.load(Ordering::SeqCst) {
            return;
        }
    }
}

async fn passed(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, millis: Option<u64>, breaks: &AtomicBool) {
    let mut buffer = vec![0; 16_384];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if let Some(millis) = millis.filter(|_| breaks.load(Ordering::SeqCst)) {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
