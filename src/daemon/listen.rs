//! The listener: bounded in connections and in time, whatever is sent to it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use ira_commands::{Fault, Kind};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use super::tls::{self, Peer, Unmet};

/// How long the head of a request may take, and how long a connection may say nothing.
const HEAD: Duration = Duration::from_secs(15);
/// The longest head, bytes.
const LONGEST_HEAD: usize = 32 << 10;
/// After `accept` failed, as where no file may be opened any more.
const PAUSE: Duration = Duration::from_millis(100);
/// What is said where there is no room for another connection.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 10\r\nconnection: close\r\n\r\ntry again\n";

/// What an answer's body is: all of it, or what comes while it is read.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A body that is there already.
pub(super) fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).boxed_unsync()
}

/// Who answers.
pub(super) trait Answer: Send + Sync + 'static {
    /// Answers a request of `peer`.
    fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = Response<Body>> + Send;

    /// What connections are met with from now on; none where they are plain. A request that came over TLS has a [`Peer`]
    /// among its extensions.
    fn tls(&self) -> Option<Arc<ServerConfig>> {
        None
    }

    /// A handshake came to nothing.
    fn unmet(&self, _how: &'static str) {}
}

/// An answer of a line of text.
pub(super) fn said(status: u16, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(whole(text.into()));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    if status == 503 {
        response.headers_mut().insert(hyper::header::RETRY_AFTER, hyper::header::HeaderValue::from_static("5"));
    }
    response
}

/// Takes the address.
pub(super) async fn bind(address: SocketAddr) -> Result<TcpListener, Fault> {
    TcpListener::bind(address).await.map_err(|error| {
        Fault::new(Kind::Failed, format!("{address} cannot be listened on"))
            .because(error.to_string())
            .hint("another process may have it; --listen names another one")
    })
}

/// Where it listens.
pub(super) fn address(listener: &TcpListener) -> Result<SocketAddr, Fault> {
    listener.local_addr().map_err(|error| Fault::new(Kind::Failed, error.to_string()))
}

/// Serves until `stop`; then what is under way is answered, and no connection is left open.
pub(super) async fn serve<A: Answer>(
    listener: TcpListener,
    answer: Arc<A>,
    connections: usize,
    mut stop: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(connections));
    loop {
        let accepted = tokio::select! {
            biased;
            () = raised(&mut stop) => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!("a connection could not be taken: {error}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
            refuse(stream);
            continue;
        };
        let (answer, stop) = (Arc::clone(&answer), stop.clone());
        tokio::spawn(async move {
            one(stream, peer, answer, stop).await;
            drop(permit);
        });
    }
    drop(listener);
    let all = u32::try_from(connections).unwrap_or(u32::MAX);
    let _all = room.acquire_many(all).await;
}

async fn raised(stop: &mut watch::Receiver<bool>) {
    // Where nobody can raise it any more, the daemon is gone.
    let _gone = stop.wait_for(|stop| *stop).await.is_err();
}

/// There is no room: said without reading anything, if it can be said at once.
fn refuse(mut stream: TcpStream) {
    tokio::spawn(async move {
        let _said = tokio::time::timeout(PAUSE, stream.write_all(FULL)).await;
    });
}

async fn one<A: Answer>(stream: TcpStream, peer: SocketAddr, answer: Arc<A>, stop: watch::Receiver<bool>) {
    // Small answers are not held back.
    let _sooner = stream.set_nodelay(true);
    let Some(config) = answer.tls() else { return spoken(stream, peer, None, answer, stop).await };
    let (how, why) = match tls::meet(config, stream).await {
        Ok((stream, shown)) => return spoken(stream, peer, Some(shown), answer, stop).await,
        Err(Unmet::Plain) => ("plain", "it speaks plain HTTP to a port that speaks TLS".to_owned()),
        Err(Unmet::Slow) => ("slow", "it did not end the handshake in time".to_owned()),
        Err(Unmet::Failed(why)) => ("failed", why),
    };
    answer.unmet(how);
    tracing::warn!("{peer}: no connection: {why}");
}

/// Answers what is asked over a connection.
async fn spoken<A: Answer>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    shown: Option<Peer>,
    answer: Arc<A>,
    mut stop: watch::Receiver<bool>,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        let answer = Arc::clone(&answer);
        if let Some(shown) = &shown {
            request.extensions_mut().insert(shown.clone());
        }
        async move { Ok::<_, Infallible>(answer.answer(request, peer).await) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(LONGEST_HEAD).half_close(false);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = raised(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("{peer}: {error}");
    }
}
