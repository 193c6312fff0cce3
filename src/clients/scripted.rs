//! A small HTTP server that answers as it is told, well or badly.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What a request was; its body is null where it had none.
#[derive(Clone)]
pub struct Seen {
    pub head: String,
    pub body: Json,
}

impl Seen {
    /// `GET /v2/jobs?size=100`.
    pub fn line(&self) -> &str {
        self.head.lines().next().and_then(|line| line.rsplit_once(' ')).map_or("", |(line, _)| line)
    }

    /// How many questions it held.
    pub fn count(&self) -> usize {
        self.body.as_array().map_or(1, Vec::len)
    }
}

/// What is answered.
pub struct Reply {
    pub status: u16,
    pub headers: String,
    pub body: Vec<u8>,
    pub delay: Duration,
    /// Close the connection after so many bytes of the body.
    pub cut: Option<usize>,
}

impl Reply {
    pub fn status(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: String::new(), body: body.into(), delay: Duration::ZERO, cut: None }
    }

    pub fn json(body: &Json) -> Self {
        Self::status(200, body.to_string())
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers = format!("{}{name}: {value}\r\n", self.headers);
        self
    }

    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// A server on this machine, for as long as the test runs.
pub struct Server {
    pub port: u16,
    pub seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    pub fn requests(&self) -> usize {
        self.seen.lock().expect("no panic").len()
    }
}

/// Starts one. The handler is given how many requests came before.
pub async fn serve(handler: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (handler, log) = (Arc::new(handler), seen.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, handler.clone(), log.clone()));
        }
    });
    Server { port, seen }
}

async fn converse(
    mut stream: TcpStream,
    handler: Arc<impl Fn(usize, &Seen) -> Reply + Send + Sync>,
    log: Arc<Mutex<Vec<Seen>>>,
) {
    let mut buffer = Vec::new();
    while let Some(request) = request(&mut stream, &mut buffer).await {
        let before = {
            let mut log = log.lock().expect("no panic");
            log.push(request.clone());
            log.len() - 1
        };
        let reply = handler(before, &request);
        tokio::time::sleep(reply.delay).await;
        let length = reply.body.len();
        let head = format!("HTTP/1.1 {} x\r\ncontent-length: {length}\r\n{}\r\n", reply.status, reply.headers);
        let body = &reply.body[..reply.cut.unwrap_or(length)];
        if stream.write_all(head.as_bytes()).await.is_err() || stream.write_all(body).await.is_err() {
            return;
        }
        if reply.cut.is_some() {
            return;
        }
    }
}

async fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Seen> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let length =
                head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            let whole = end + 4 + length.unwrap_or(0);
            if buffer.len() >= whole {
                let body = match &buffer[end + 4..whole] {
                    [] => Json::Null,
                    body => serde_json::from_slice(body).expect("we send JSON"),
                };
                buffer.drain(..whole);
                return Some(Seen { head, body });
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}
