//! Making sense of what came back: answers to their questions by id, errors to kinds.

use ira_commands::{Fault, Kind};
use serde::Deserialize as _;
use serde_json::value::RawValue;

use super::wire::{LACKS, Raw};
use crate::clients::endpoint::Endpoint;

/// The reply to one question, borrowed from the body.
#[derive(serde::Deserialize)]
struct Reply<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "even_null")]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<RpcError>,
}

/// A JSON-RPC error, as servers of any manners write it.
#[derive(serde::Deserialize)]
struct RpcError {
    #[serde(default)]
    code: serde_json::Value,
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: serde_json::Value,
}

/// `"result": null` is an answer; a missing `result` is none.
fn even_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Why a request as a whole came to nothing.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) fault: Fault,
    /// Whether less at once may be served.
    pub(super) less_may_do: bool,
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self { less_may_do: fault.kind == Kind::TooLarge, fault }
    }
}

/// Matches a body to the questions with ids `first..first + count`. Order does not matter; what is missing, doubled or
/// of another id is a fault of that item alone.
pub(super) fn sort_out(
    endpoint: &Endpoint,
    body: &[u8],
    first: u64,
    count: usize,
) -> Result<Vec<Result<Raw, Fault>>, Refusal> {
    let opening = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let replies: Vec<Reply<'_>> = match opening {
        Some(b'[') => serde_json::from_slice(body).map_err(|error| no_json(endpoint, body, &error))?,
        Some(b'{') => vec![serde_json::from_slice(body).map_err(|error| no_json(endpoint, body, &error))?],
        Some(_) => return Err(no_answer(endpoint, body).into()),
        None => return Err(Fault::new(Kind::BadAnswer, "answers nothing").into()),
    };
    let alone = opening == Some(&b'{');
    let mut out: Vec<Option<Result<Raw, Fault>>> = (0..count).map(|_| None).collect();
    for reply in replies {
        let place = reply.id.and_then(id).and_then(|id| usize::try_from(id.checked_sub(first)?).ok());
        let slot = place.and_then(|at| out.get_mut(at));
        // One object to a batch, or an error to nobody: it is about the request as a whole.
        if (alone && count > 1) || (slot.is_none() && reply.error.is_some()) {
            return Err(match reply.error {
                Some(error) => {
                    let fault = error.fault(endpoint);
                    let less_may_do = !matches!(fault.kind, Kind::Denied | Kind::RateLimited);
                    Refusal { fault, less_may_do }
                }
                None => Refusal {
                    fault: Fault::new(Kind::BadAnswer, "answers one thing to many questions"),
                    less_may_do: true,
                },
            });
        }
        let Some(slot) = slot else { continue };
        *slot = Some(if slot.is_some() {
            Err(Fault::new(Kind::BadAnswer, "answers one question twice"))
        } else {
            match (reply.result, reply.error) {
                (_, Some(error)) => Err(error.fault(endpoint)),
                (Some(result), None) => Ok(result.to_owned()),
                (None, None) => Err(Fault::new(Kind::BadAnswer, "answers neither a result nor an error")),
            }
        });
    }
    // Some servers refuse a batch item by item.
    let by_item = |slot: &Option<Result<Raw, Fault>>| match slot {
        Some(Err(fault)) if fault.kind == Kind::TooLarge && fault.message.to_lowercase().contains("batch") => {
            Some(fault.clone())
        }
        _ => None,
    };
    if count > 1
        && let Some(refused) = out.iter().map(by_item).collect::<Option<Vec<Fault>>>()
        && let Some(fault) = refused.into_iter().next()
    {
        return Err(fault.into());
    }
    let missing = || Err(Fault::new(Kind::BadAnswer, "leaves the question out of its answer"));
    Ok(out.into_iter().map(|slot| slot.unwrap_or_else(missing)).collect())
}

fn id(raw: &RawValue) -> Option<u64> {
    // Some servers give the number back as a string.
    raw.get().trim_matches('"').parse().ok()
}

fn no_json(endpoint: &Endpoint, body: &[u8], error: &serde_json::Error) -> Fault {
    if error.is_eof() {
        return Fault::new(Kind::BadAnswer, "answers half a JSON text");
    }
    no_answer(endpoint, body)
}

fn no_answer(endpoint: &Endpoint, body: &[u8]) -> Fault {
    let text = String::from_utf8_lossy(body);
    let html = text.trim_start().starts_with('<');
    let what = if html { "answers HTML instead of JSON-RPC" } else { "answers something that is not JSON-RPC" };
    Fault::new(Kind::BadAnswer, what)
        .because(format!("it says: {}", endpoint.quote(&text)))
        .hint("check that the URL is an RPC endpoint, path included")
}

impl RpcError {
    fn fault(&self, endpoint: &Endpoint) -> Fault {
        let code = self.code.as_i64().or_else(|| self.code.as_str()?.parse().ok()).unwrap_or(0);
        let kind = classify(code, &self.message);
        let said = endpoint.quote(&self.message);
        match kind {
            Kind::Reverted => {
                let data = self.data.as_str().or_else(|| self.data.get("data")?.as_str()).unwrap_or_default();
                let start = data.find("0x").map_or(data, |at| &data[at + 2..]);
                let reason = ethers_core::utils::hex::decode(start).ok().and_then(|data| reason(&data));
                let reason = reason.map(|reason| endpoint.quote(&reason));
                let told = said.strip_prefix("execution reverted").unwrap_or(&said).trim_start_matches([':', ' ']);
                match reason {
                    Some(reason) => reverted(&reason),
                    None => reverted(told),
                }
            }
            Kind::RateLimited => Fault::new(kind, format!("asks to slow down: {said}")),
            Kind::TooLarge => Fault::new(kind, format!("will not serve so much at once: {said}")),
            Kind::Denied => Fault::new(kind, format!("refuses the credential: {said}"))
                .hint("check the key in the endpoint's URL, and what it may do"),
            Kind::Missing => Fault::new(kind, format!("{LACKS} that block: {said}")),
            _ => Fault::new(kind, format!("answers error {code}: {said}")),
        }
    }
}

/// A call that the contract refused, with its reason where it gave one.
pub(super) fn reverted(reason: &str) -> Fault {
    if reason.is_empty() {
        Fault::new(Kind::Reverted, "reverted without a reason")
    } else {
        Fault::new(Kind::Reverted, format!("reverted: {reason}"))
    }
}

/// The words in revert data, whole as they are; `None` where there is no data.
pub(super) fn reason(data: &[u8]) -> Option<String> {
    const ERROR: [u8; 4] = [0x08, 0xc3, 0x79, 0xa0];
    const PANIC: [u8; 4] = [0x4e, 0x48, 0x7b, 0x71];
    let selector: [u8; 4] = data.get(..4)?.try_into().ok()?;
    let length = || {
        let word = data.get(36..68)?;
        word[..28].iter().all(|byte| *byte == 0).then(|| u32::from_be_bytes([word[28], word[29], word[30], word[31]]))
    };
    let text = || data.get(68..68 + usize::try_from(length()?).ok()?);
    Some(match selector {
        ERROR => match text() {
            Some(text) => String::from_utf8_lossy(text).into_owned(),
            None => "a reason that cannot be read".to_owned(),
        },
        PANIC if data.len() >= 36 => format!("panic {:#04x}", data[35]),
        _ => format!("custom error {}", ira_commands::units::hex(&selector)),
    })
}

/// What an error is, by its code and its words. No two providers agree on either; a revert is looked for first, as its
/// reason is a stranger's text.
fn classify(code: i64, message: &str) -> Kind {
    let text = message.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let starved =
        has(&["out of gas", "outofgas", "memoryoog", "gas required exceeds", "gas limit", "execution timeout"])
            || has(&["execution aborted"]);
    if code == 3 || has(&["revert", "invalid opcode", "invalid jump", "vm execution error", "stack underflow"]) {
        return Kind::Reverted;
    }
    if code == 429
        || has(&["rate limit", "rate-limit", "too many requests", "requests per", "request count", "compute units"])
        || has(&["throughput", "slow down", "request limit", "quota"])
    {
        return Kind::RateLimited;
    }
    let much = ["large", "limit", "exceed", "too many", "too wide", "maximum", "more than", "up to", "max "];
    let over = ["less than", "greater than", "too big", "at most", "ranges over", "query timeout", "request timed out"];
    let of = ["batch", "block range", "range", "result", "response", "logs", "size", "request", "query", "blocks"];
    if starved || code == -32005 || ((has(&much) || has(&over)) && has(&of)) {
        return Kind::TooLarge;
    }
    if has(&["header not found", "unknown block", "block not found", "missing trie node", "block is out of range"])
        || has(&["blockoutofrange", "block number out of range", "historical state", "state is not available"])
        || has(&["pruned", "pruning", "no state available", "could not find block"])
    {
        return Kind::Missing;
    }
    if has(&[
        "unauthorized",
        "forbidden",
        "api key",
        "apikey",
        "access denied",
        "authenticat",
        "project id",
        "credential",
    ]) {
        return Kind::Denied;
    }
    Kind::Failed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint::new("http://rpc.example/segmentsegment1".to_owned().into()).expect("a URL")
    }

    fn sorted(body: &str, count: usize) -> Result<Vec<Result<String, Fault>>, Refusal> {
        let items = sort_out(&endpoint(), body.as_bytes(), 10, count)?;
        Ok(items.into_iter().map(|item| item.map(|raw| raw.get().to_owned())).collect())
    }

    #[test]
    fn answers_find_their_questions_in_any_order() {
        let body = r#" [{"id":12,"result":"c"},{"id":10,"result":null},{"id":"11","result":"b"}]"#;
        let items = sorted(body, 3).expect("a batch");
        assert_eq!(items, [Ok("null".to_owned()), Ok("\"b\"".to_owned()), Ok("\"c\"".to_owned())]);
    }

    #[test]
    fn missing_doubled_and_foreign_ids_harm_only_their_item() {
        let body = r#"[{"id":10,"result":1},{"id":10,"result":2},{"id":99,"result":3},{"id":12,"result":4},{"id":13}]"#;
        let items = sorted(body, 4).expect("a batch");
        assert!(items[0].as_ref().expect_err("twice").message.contains("twice"));
        assert!(items[1].as_ref().expect_err("missing").message.contains("leaves"));
        assert_eq!(items[2], Ok("4".to_owned()));
        assert!(items[3].as_ref().expect_err("neither").message.contains("neither"));
    }

    #[test]
    fn an_object_to_a_batch_is_about_the_whole() {
        let refusal =
            sorted(r#"{"id":null,"error":{"code":-32600,"message":"batch too large"}}"#, 3).expect_err("refused");
        assert!(refusal.less_may_do && refusal.fault.kind == Kind::TooLarge);
        let refusal = sorted(r#"{"error":{"code":-32000,"message":"invalid api key"}}"#, 3).expect_err("refused");
        assert!(!refusal.less_may_do && refusal.fault.kind == Kind::Denied);
        assert!(sorted(r#"{"id":10,"result":1}"#, 3).expect_err("one for many").less_may_do);
    }

    #[test]
    fn a_batch_refused_item_by_item_is_refused_as_a_whole() {
        let item = |id: u64| format!(r#"{{"id":{id},"error":{{"code":-32600,"message":"Batch size is too large"}}}}"#);
        let refusal = sorted(&format!("[{},{}]", item(10), item(11)), 2).expect_err("refused");
        assert!(refusal.less_may_do && refusal.fault.kind == Kind::TooLarge);
        let mixed = format!(r#"[{},{{"id":11,"result":1}}]"#, item(10));
        assert!(sorted(&mixed, 2).expect("one is answered")[1].is_ok());
    }

    #[test]
    fn what_is_no_json_is_said_and_cut() {
        for (body, what) in [
            ("<!DOCTYPE html><h1>segmentsegment1</h1>", "HTML"),
            ("[{\"id\":10,\"resu", "half"),
            ("upstream error", "not JSON-RPC"),
            ("", "nothing"),
        ] {
            let fault = sorted(body, 1).expect_err("no answer").fault;
            assert!(fault.kind == Kind::BadAnswer && fault.message.contains(what), "{fault:?}");
            assert!(!format!("{fault:?}").contains("segmentsegment1"));
        }
    }

    #[test]
    fn providers_words_become_kinds() {
        for (code, message, kind) in [
            (3, "execution reverted: No access", Kind::Reverted),
            (-32000, "execution reverted: rate limit exceeded", Kind::Reverted),
            (-32015, "VM execution error.", Kind::Reverted),
            (-32005, "daily request count exceeded, request rate limited", Kind::RateLimited),
            (429, "Your app has exceeded its compute units per second capacity.", Kind::RateLimited),
            (-32005, "query returned more than 10000 results", Kind::TooLarge),
            (
                -32602,
                "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range",
                Kind::TooLarge,
            ),
            (-32600, "eth_getLogs is limited to a 10,000 range", Kind::TooLarge),
            (-32000, "exceed maximum block range: 50000", Kind::TooLarge),
            (-32600, "Batch size too large", Kind::TooLarge),
            (-32602, "Invalid params: block range must be less than 800", Kind::TooLarge),
            (-32000, "response size should not greater than 10000000 bytes", Kind::TooLarge),
            (35, "ranges over 10000 blocks are not supported on freetier", Kind::TooLarge),
            (-32000, "Query timeout exceeded. Consider reducing your block range.", Kind::TooLarge),
            (-32000, "requested too many blocks from 1 to 9000, maximum is set to 2048", Kind::TooLarge),
            (-32000, "Block range is too wide (maximum 1024)", Kind::TooLarge),
            (31, "Batch of more than 3 requests are not allowed on free tier", Kind::TooLarge),
            (-32000, "state at block #5 is pruned", Kind::Missing),
            (-32000, "out of gas", Kind::TooLarge),
            (-32603, "EVM error MemoryOOG", Kind::TooLarge),
            (-32000, "header not found", Kind::Missing),
            (-32000, "missing trie node 0x12 (path )", Kind::Missing),
            (-32001, "Unauthorized", Kind::Denied),
            (-32603, "Internal error", Kind::Failed),
            (-32601, "the method eth_gasPrice does not exist/is not available", Kind::Failed),
        ] {
            assert_eq!(classify(code, message), kind, "{message}");
        }
    }

    #[test]
    fn a_revert_tells_its_reason_cleaned() {
        let data = "0x08c379a0\
            0000000000000000000000000000000000000000000000000000000000000020\
            000000000000000000000000000000000000000000000000000000000000000a\
            4e6f201b616363657373000000000000000000000000000000000000000000";
        let body = format!(r#"{{"id":10,"error":{{"code":3,"message":"execution reverted","data":"{data}"}}}}"#);
        let fault = sorted(&body, 1).expect("one").remove(0).expect_err("reverted");
        assert_eq!((fault.kind, fault.message.as_str()), (Kind::Reverted, "reverted: No access"));
        let body = r#"{"id":10,"error":{"code":-32000,"message":"execution reverted: Only callable by EOA"}}"#;
        let fault = sorted(body, 1).expect("one").remove(0).expect_err("reverted");
        assert_eq!(fault.message, "reverted: Only callable by EOA");
        assert_eq!(reason(&[1, 2, 3, 4]).as_deref(), Some("custom error 0x01020304"));
        assert_eq!(reason(&[]), None);
        assert_eq!(reason(&[0x08, 0xc3, 0x79, 0xa0, 9]).as_deref(), Some("a reason that cannot be read"));
    }
}
