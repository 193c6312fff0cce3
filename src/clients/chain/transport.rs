//! JSON-RPC over HTTP: batches cut to what the endpoint takes, matched by id, retried where that may help.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, StreamExt as _};
use ira_commands::ports::BlockRef;
use ira_commands::{Fault, Kind};
use rand::Rng as _;
use reqwest::header::CONTENT_TYPE;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use super::answer::{Refusal, sort_out};
use super::wire::{LACKS, Meter, Raw, RpcItem, Wire, block, block_by_number};
use crate::clients::endpoint::Endpoint;
use crate::clients::http;

/// Questions in one request.
const MOST_ITEMS: usize = 1000;
/// Bytes of one request.
const MOST_BYTES: usize = 1_000_000;
/// Bytes of one answer, as unpacked.
const MOST_ANSWER: usize = 32 << 20;
/// Requests to one endpoint at a time.
const IN_FLIGHT: usize = 8;
/// Times that one request is sent.
const ATTEMPTS: u32 = 3;
/// The longest wait that an endpoint may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// One endpoint over HTTP.
pub(super) struct HttpWire {
    endpoint: Endpoint,
    client: reqwest::Client,
    timeout: Duration,
    /// Least time between two requests, and when the next may go.
    pace: Option<(Duration, Mutex<Instant>)>,
    in_flight: Semaphore,
    /// How many questions at once it has been seen to take; learnt for the rest of the run.
    most: AtomicUsize,
    next_id: AtomicU64,
    meter: Arc<Meter>,
}

/// The answers of one request.
type Answers = Vec<Result<Raw, Fault>>;

impl HttpWire {
    pub(super) fn new(
        endpoint: Endpoint,
        timeout: Duration,
        per_second: Option<f64>,
        meter: Arc<Meter>,
    ) -> Result<Self, Fault> {
        let pace = per_second
            .filter(|rate| rate.is_finite() && *rate > 0.0)
            .map(|rate| (Duration::from_secs_f64((1.0 / rate).min(60.0)), Mutex::new(Instant::now())));
        Ok(Self {
            client: http::client(&endpoint, timeout, 0)?,
            endpoint,
            timeout,
            pace,
            in_flight: Semaphore::new(IN_FLIGHT),
            most: AtomicUsize::new(MOST_ITEMS),
            next_id: AtomicU64::new(1),
            meter,
        })
    }

    /// Cuts `ranges` to what one request may hold, with room for the check of the pin.
    fn cut(&self, items: &[RpcItem], ranges: &[Range<usize>], pinned: bool) -> Vec<Range<usize>> {
        let most = self.most.load(Ordering::Relaxed);
        let most = if pinned { most.saturating_sub(1) } else { most }.max(1);
        let mut chunks = Vec::new();
        for range in ranges {
            let (mut start, mut size) = (range.start, 0);
            for at in range.clone() {
                let own = items[at].params.len() + items[at].method.len() + 60;
                if at > start && (size + own > MOST_BYTES || at - start >= most) {
                    chunks.push(start..at);
                    (start, size) = (at, 0);
                }
                size += own;
            }
            chunks.push(start..range.end);
        }
        chunks
    }

    /// One request, with those of its questions again that were put off. A fault is that of the request as a whole.
    async fn send(&self, items: &[RpcItem], pin: Option<&BlockRef>) -> Result<Answers, Refusal> {
        let deadline = Instant::now() + self.timeout * 2;
        let mut answers = self.send_retrying(&items.iter().collect::<Vec<_>>(), pin, deadline).await?;
        for attempt in 1..ATTEMPTS {
            let put_off = |answer: &Result<Raw, Fault>| answer.as_ref().is_err_and(|f| f.kind == Kind::RateLimited);
            let again: Vec<usize> = (0..items.len()).filter(|at| put_off(&answers[*at])).collect();
            let wait = backoff(attempt) * 2;
            if again.is_empty() || Instant::now() + wait >= deadline {
                break;
            }
            sleep(wait).await;
            let asked: Vec<&RpcItem> = again.iter().map(|at| &items[*at]).collect();
            let Ok(more) = self.send_retrying(&asked, pin, deadline).await else { break };
            for (at, answer) in again.into_iter().zip(more) {
                answers[at] = answer;
            }
        }
        Ok(answers)
    }

    /// One request, sent again after a broken connection, a timeout, a 429 or a 5xx, and after nothing else.
    async fn send_retrying(
        &self,
        items: &[&RpcItem],
        pin: Option<&BlockRef>,
        deadline: Instant,
    ) -> Result<Answers, Refusal> {
        let mut attempt = 1;
        loop {
            let (refusal, told) = match self.send_once(items, pin, deadline).await {
                Ok(answers) => return Ok(answers),
                Err(failed) => failed,
            };
            let wait = told.unwrap_or_else(|| backoff(attempt));
            let fault = &refusal.fault;
            let again = fault.kind.retryable() && fault.kind != Kind::Reorged && attempt < ATTEMPTS;
            if !again || wait > LONGEST_WAIT || Instant::now() + wait >= deadline {
                let waiting = told.map(|wait| format!("it asks to wait {} s", wait.as_secs()));
                let fault = match waiting {
                    Some(why) => refusal.fault.because(why),
                    None => refusal.fault,
                };
                return Err(Refusal { fault, less_may_do: refusal.less_may_do });
            }
            tracing::debug!(endpoint = self.endpoint.label(), %fault, attempt, "asking again");
            sleep(wait).await;
            attempt += 1;
        }
    }

    /// One request. With a fault comes how long the endpoint asks to wait, where it does.
    async fn send_once(
        &self,
        items: &[&RpcItem],
        pin: Option<&BlockRef>,
        deadline: Instant,
    ) -> Result<Answers, (Refusal, Option<Duration>)> {
        let check = pin.map(|pin| block_by_number(pin.number));
        let count = items.len() + usize::from(check.is_some());
        let first = self.next_id.fetch_add(count as u64, Ordering::Relaxed);
        let body = written(items.iter().copied().chain(&check), first, count);
        let (status_fault, said, told) = self.post(body, deadline).await.map_err(|fault| (fault.into(), None))?;
        // Some servers put their JSON-RPC errors under a 4xx or 5xx; what they say in it is worth more than the status.
        let answers = match (status_fault, sort_out(&self.endpoint, &said, first, count)) {
            (None, sorted) => sorted.map_err(|refusal| (refusal, None))?,
            (Some(fault), sorted) => {
                let settled = matches!(fault.kind, Kind::Denied | Kind::RateLimited | Kind::TooLarge);
                match sorted {
                    Ok(answers) if !settled && answers.iter().any(Result::is_ok) => answers,
                    Err(refusal) if !settled && refusal.fault.kind != Kind::BadAnswer => return Err((refusal, told)),
                    _ => return Err((fault.into(), told)),
                }
            }
        };
        Ok(match pin {
            Some(pin) => checked(answers, pin),
            None => answers,
        })
    }

    /// Sends a body and reads the answer; with it the fault that its status is, and a wait it asks for.
    async fn post(&self, body: String, deadline: Instant) -> Result<(Option<Fault>, Vec<u8>, Option<Duration>), Fault> {
        let _permit = self.in_flight.acquire().await.map_err(|_| Fault::new(Kind::Failed, "is closed"))?;
        self.keep_pace().await;
        // Waiting for its turn is not the endpoint's fault.
        let left = match self.pace {
            Some(_) => self.timeout,
            None => deadline.saturating_duration_since(Instant::now()).min(self.timeout),
        };
        let place = self.meter.start();
        let answered = async {
            let request = self.client.post(self.endpoint.url()).header(CONTENT_TYPE, "application/json");
            let sent = request.timeout(left).body(body).send().await;
            let mut response = sent.map_err(|error| http::cannot(&self.endpoint, &error))?;
            let body = http::body(&self.endpoint, &mut response, MOST_ANSWER).await;
            if response.status().is_success() {
                return Ok((None, body?, None));
            }
            let body = body.unwrap_or_default();
            Ok((Some(http::refusal(&self.endpoint, &response, &body)), body, http::retry_after(&response)))
        };
        let answered = answered.await.map_err(|fault: Fault| match fault.kind {
            Kind::Timeout => {
                Fault::new(Kind::Timeout, format!("does not answer within {} s", self.timeout.as_secs_f32()))
            }
            _ => fault,
        });
        self.meter.end(place);
        answered
    }

    /// Waits for this request's turn, where the rate is limited.
    async fn keep_pace(&self) {
        let Some((gap, next)) = &self.pace else { return };
        let turn = {
            // A second's worth may go at once: a report is a few requests in a burst, and then none.
            let burst = Duration::from_secs(1).saturating_sub(*gap);
            let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
            let due = (*next).max(Instant::now());
            *next = due + *gap;
            due.checked_sub(burst).unwrap_or(due)
        };
        tokio::time::sleep_until(turn).await;
    }

    /// Finds by halving how much the endpoint takes, with the first of what it refused. Gives what was settled by it.
    async fn probe(&self, items: &[RpcItem], refused: Range<usize>) -> (Range<usize>, Answers, Hope) {
        let before = self.most.load(Ordering::Relaxed);
        let mut size = refused.len();
        loop {
            size = (size / 2).max(1);
            self.most.fetch_min(size, Ordering::Relaxed);
            let part = refused.start..refused.start + size;
            // Without the pin, which would count as a question: `exchange` checks it apart.
            match self.send(&items[part.clone()], None).await {
                Ok(answers) => return (part, answers, Hope::Some),
                Err(refusal) if refusal.less_may_do && size > 1 => {}
                Err(Refusal { fault, .. }) => {
                    // One question alone is too large: that says nothing about the others. Anything else does.
                    let own = size == 1 && fault.kind == Kind::TooLarge;
                    if own {
                        self.most.store(before, Ordering::Relaxed);
                    }
                    return (part, vec![Err(fault); size], if own { Hope::Some } else { Hope::None });
                }
            }
        }
    }
}

/// Whether there is any for the questions that are still open.
#[derive(PartialEq)]
enum Hope {
    Some,
    None,
}

#[async_trait]
impl Wire for HttpWire {
    async fn exchange(&self, items: &[RpcItem], pin: Option<&BlockRef>) -> Answers {
        let mut out: Vec<Option<Result<Raw, Fault>>> = (0..items.len()).map(|_| None).collect();
        let mut fill = |range: Range<usize>, answers: Answers| {
            for (at, answer) in range.zip(answers) {
                out[at] = Some(answer);
            }
        };
        // A whole range at once, cut before each sending to what was learnt by then.
        let mut open: Vec<Range<usize>> = Some(0..items.len()).filter(|range| !range.is_empty()).into_iter().collect();
        let mut unpinned = false;
        while !open.is_empty() {
            let chunks = self.cut(items, &open, pin.is_some());
            let alone = self.most.load(Ordering::Relaxed) == 1;
            let carried = if alone { None } else { pin };
            unpinned |= alone && pin.is_some();
            let sent = chunks.into_iter().map(|range| async {
                let answers = self.send(&items[range.clone()], carried).await;
                (range, answers)
            });
            let sent: Vec<_> = stream::iter(sent).buffer_unordered(IN_FLIGHT).collect().await;
            let mut refused = Vec::new();
            for (range, answers) in sent {
                let with_pin = range.len() + usize::from(carried.is_some());
                match answers {
                    Ok(answers) => fill(range, answers),
                    Err(refusal) if refusal.less_may_do && with_pin > 1 => refused.push(range),

                    Err(Refusal { fault, .. }) => {
                        let same = vec![Err(fault); range.len()];
                        fill(range, same);
                    }
                }
            }
            refused.sort_by_key(|range| range.start);
            open = refused;
            if let Some(range) = open.first().cloned() {
                unpinned |= pin.is_some();
                let (settled, answers, hope) = self.probe(items, range).await;
                let lost = answers.last().and_then(|answer| answer.clone().err());
                open[0].start = settled.end;
                fill(settled, answers);
                if let (Hope::None, Some(fault)) = (hope, lost) {
                    for range in std::mem::take(&mut open) {
                        let same = vec![Err(fault.clone()); range.len()];
                        fill(range, same);
                    }
                }
                open.retain(|range| !range.is_empty());
            }
        }
        let mut answers: Answers = out.into_iter().map(|answer| answer.unwrap_or_else(unanswered)).collect();
        if let (true, Some(pin)) = (unpinned, pin) {
            let check = self.send(&[block_by_number(pin.number)], None).await.unwrap_or_else(|r| vec![Err(r.fault)]);
            answers.extend(check);
            answers = checked(answers, pin);
        }
        answers
    }
}

/// Cannot happen: every question is in some chunk.
fn unanswered() -> Result<Raw, Fault> {
    Err(Fault::new(Kind::Failed, "was not asked"))
}

/// The answers without the last one, which is the pinned height as the endpoint has it: when that is another block, or
/// none, no answer is one.
fn checked(mut answers: Answers, pin: &BlockRef) -> Answers {
    let found = answers.pop().unwrap_or_else(unanswered);
    let height = pin.number;
    let fault = match found.and_then(|raw| block(&raw)) {
        Ok(Some(found)) if found.hash == pin.hash => return answers,
        Ok(Some(found)) => {
            let (has, pinned) = (short(found.hash.as_bytes()), short(pin.hash.as_bytes()));
            Fault::new(Kind::Reorged, format!("has block {height} as {has}, not as {pinned}"))
        }
        Ok(None) => Fault::new(Kind::Missing, format!("{LACKS} block {height}")),
        Err(fault) => fault,
    };
    answers.into_iter().map(|_| Err(fault.clone())).collect()
}

fn short(hash: &[u8]) -> String {
    ira_commands::units::short_hex(hash)
}

/// The request's text: an array, or a single object where there is one question only.
fn written<'a>(items: impl Iterator<Item = &'a RpcItem> + Clone, first: u64, count: usize) -> String {
    use std::fmt::Write as _;
    let size: usize = items.clone().map(|item| item.params.len() + item.method.len() + 60).sum();
    let mut text = String::with_capacity(size + 2);
    for (id, item) in (first..).zip(items) {
        text.push(if text.is_empty() { '[' } else { ',' });
        let (method, params) = (item.method, &item.params);
        let _infallible = write!(text, r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
    }
    // Endpoints that know no batches take this.
    if count == 1 {
        text.remove(0);
        return text;
    }
    text.push(']');
    text
}

/// 100 ms, doubling, give or take half of it: so that many clients do not come back in step.
fn backoff(attempt: u32) -> Duration {
    let base = 100.0 * 2_f64.powi(i32::try_from(attempt.min(8)).unwrap_or(8) - 1);
    Duration::from_secs_f64(base * rand::rng().random_range(0.5..1.5) / 1000.0)
}
