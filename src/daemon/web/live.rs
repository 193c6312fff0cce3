//! A run as it changes, for a page that is open: told that there is something new, and asking for it again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, Stream};
use hyper::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::store::Store;
use crate::store::ask::Mails;
use crate::store::model::RunId;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(1);
/// A line that says nothing, so that whoever is between does not hang up.
const QUIET: Duration = Duration::from_secs(15);
/// After this the page connects anew: nothing is held for ever.
const LONGEST: Duration = Duration::from_secs(3_600);

struct Watched {
    store: Arc<dyn Store>,
    run: RunId,
    seen: Option<(u64, usize)>,
    begun: Instant,
    said: Instant,
    over: bool,
    closed: watch::Receiver<bool>,
    _room: OwnedSemaphorePermit,
}

/// What an open page of `run` is told.
pub fn changes(
    store: Arc<dyn Store>,
    run: RunId,
    room: OwnedSemaphorePermit,
    closed: watch::Receiver<bool>,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    let now = Instant::now();
    let watched = Watched { store, run, seen: None, begun: now, said: now, over: false, closed, _room: room };
    stream::unfold(watched, |mut watched| async move {
        if watched.over || watched.begun.elapsed() > LONGEST {
            return None;
        }
        loop {
            // The page that opened this has just been made.
            let pause = tokio::time::timeout(EVERY, watched.closed.wait_for(|closed| *closed));
            if pause.await.is_ok() {
                return None;
            }
            let Ok(Some(found)) = watched.store.run(watched.run).await else { return None };
            let told = watched
                .store
                .mails(Mails::Of(watched.run))
                .await
                .map_or(0, |mails| mails.iter().filter(|mail| mail.accepted_at.is_some()).count());
            let now = (found.run.seq, told);
            let first = watched.seen.is_none();
            if watched.seen.replace(now) != Some(now) {
                watched.said = Instant::now();
                watched.over = found.run.state.terminal() && !first;
                let over = if watched.over { "event: over\ndata: \n\n" } else { "" };
                return Some((Ok(Bytes::from(format!("event: changed\ndata: {}\n\n{over}", now.0))), watched));
            }
            if watched.said.elapsed() >= QUIET {
                watched.said = Instant::now();
                return Some((Ok(Bytes::from_static(b": still here\n\n")), watched));
            }
        }
    })
}
