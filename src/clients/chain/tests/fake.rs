//! A chain of a few contracts that answers JSON-RPC.

use ethers_core::utils::hex;
use ira_commands::ports::{BlockRef, Call, Interface, Read};
use ira_commands::units::keccak256;
use ira_commands::value::{H160, H256, Value};
use serde_json::{Value as Json, json};

use super::super::abi;
use super::super::multicall::{CANONICAL, tests as packed};
use super::server::{Reply, Seen};

/// A contract with a description, decimals, and an answer that it tells no contract.
pub const FEED: H160 = H160([0xfe; 20]);
/// A plain account.
pub const PERSON: H160 = H160([0xee; 20]);

/// The chain as one endpoint sees it.
#[derive(Clone)]
pub struct FakeChain {
    pub chain_id: u64,
    pub head: u64,
    /// Another one makes another fork.
    pub salt: u8,
    pub multicall: bool,
    /// The most calls that one `aggregate3` has gas for.
    pub gas: usize,
    /// The widest range of blocks for logs.
    pub range: u64,
    pub decimals: u8,
    pub logs: Vec<Json>,
}

impl Default for FakeChain {
    fn default() -> Self {
        Self {
            chain_id: 1,
            head: 1_000,
            salt: 0,
            multicall: true,
            gas: usize::MAX,
            range: u64::MAX,
            decimals: 8,
            logs: vec![],
        }
    }
}

impl FakeChain {
    pub fn hash(&self, number: u64) -> H256 {
        H256(keccak256(&[&number.to_be_bytes()[..], &[self.salt]].concat()))
    }

    /// Twelve seconds a block.
    pub fn block(&self, number: u64) -> BlockRef {
        BlockRef { number, hash: self.hash(number), timestamp: 1_700_000_000 + number * 12 }
    }

    /// Answers a request well.
    pub fn reply(&self, seen: &Seen) -> Reply {
        Reply::json(&self.answer(&seen.body))
    }

    /// Answers a batch or a single question.
    pub fn answer(&self, body: &Json) -> Json {
        match body {
            Json::Array(items) => items.iter().map(|item| self.item(item)).collect(),
            item => self.item(item),
        }
    }

    fn item(&self, item: &Json) -> Json {
        let params = &item["params"];
        let outcome = match item["method"].as_str().expect("a method") {
            "eth_chainId" => Ok(json!(format!("{:#x}", self.chain_id))),
            "eth_gasPrice" => Ok(json!("0x3b9aca00")),
            "eth_getBlockByNumber" => Ok(self.json_block(&params[0])),
            "eth_getCode" => Ok(json!(if self.has_code(&params[0]) { "0x6001" } else { "0x" })),
            "eth_getBalance" => Ok(json!("0x64")),
            "eth_getTransactionCount" => Ok(json!(if params[1] == "pending" { "0x9" } else { "0x7" })),
            "eth_getTransactionReceipt" => Ok(json!({"gasUsed": "0x5208", "status": "0x1"})),
            "eth_call" => self.call(&params[0]),
            "eth_getLogs" => self.get_logs(&params[0]),
            other => Err((-32601, format!("no {other}"), None)),
        };
        match outcome {
            Ok(result) => json!({"jsonrpc": "2.0", "id": item["id"], "result": result}),
            Err((code, message, data)) => {
                json!({"jsonrpc": "2.0", "id": item["id"], "error": {"code": code, "message": message, "data": data}})
            }
        }
    }

    fn json_block(&self, tag: &Json) -> Json {
        let number = match tag.as_str() {
            Some("latest") => self.head,
            Some(hex) => u64::from_str_radix(&hex[2..], 16).expect("a number"),
            None => panic!("no tag"),
        };
        if number > self.head {
            return Json::Null;
        }
        let block = self.block(number);
        json!({
            "number": format!("{number:#x}"), "hash": format!("{:#x}", block.hash),
            "timestamp": format!("{:#x}", block.timestamp), "transactions": [],
        })
    }

    fn has_code(&self, address: &Json) -> bool {
        let address: H160 = address.as_str().and_then(|text| text.parse().ok()).expect("an address");
        address == FEED || (address == CANONICAL && self.multicall)
    }

    fn call(&self, call: &Json) -> Result<Json, (i64, String, Option<String>)> {
        let to: H160 = call["to"].as_str().and_then(|text| text.parse().ok()).expect("an address");
        let from: H160 = call["from"].as_str().and_then(|text| text.parse().ok()).expect("an address");
        let data = hex::decode(&call["data"].as_str().expect("data")[2..]).expect("hex");
        if to == CANONICAL && self.multicall {
            assert_eq!(from, CANONICAL, "the caller is the origin");
            let calls = packed::calls(&data);
            if calls.len() > self.gas {
                return Err((-32000, "out of gas".to_owned(), None));
            }
            let results: Vec<(bool, Vec<u8>)> = calls
                .iter()
                .map(|(to, data)| match self.contract(*to, data, from) {
                    Ok(data) => (true, data),
                    Err(data) => (false, data),
                })
                .collect();
            return Ok(json!(format!("0x{}", hex::encode(packed::answer(&results)))));
        }
        match self.contract(to, &data, from) {
            Ok(data) => Ok(json!(format!("0x{}", hex::encode(data)))),
            Err(data) => Err((3, "execution reverted".to_owned(), Some(format!("0x{}", hex::encode(data))))),
        }
    }

    /// What a contract answers or reverts with.
    fn contract(&self, to: H160, data: &[u8], from: H160) -> Result<Vec<u8>, Vec<u8>> {
        let is = |function: &'static str| data == encoded(Interface::Proxy, function);
        let word = |n: u64| H256::from_low_u64_be(n).as_bytes().to_vec();
        if to == CANONICAL {
            return Ok(word(100));
        }
        if to != FEED {
            return Ok(vec![]);
        }
        if is("decimals") {
            Ok(word(u64::from(self.decimals)))
        } else if is("latestAnswer") {
            if from == CANONICAL { Err(error("No access")) } else { Ok(word(341_277)) }
        } else if is("latestRound") {
            Err(error("Never"))
        } else {
            Err(vec![])
        }
    }

    fn get_logs(&self, filter: &Json) -> Result<Json, (i64, String, Option<String>)> {
        let number =
            |name: &str| u64::from_str_radix(&filter[name].as_str().expect("a number")[2..], 16).expect("a number");
        let (from, to) = (number("fromBlock"), number("toBlock"));
        if to - from + 1 > self.range {
            return Err((-32005, "query exceeds the block range that is allowed".to_owned(), None));
        }
        let within = |log: &&Json| {
            let block =
                u64::from_str_radix(&log["blockNumber"].as_str().expect("a number")[2..], 16).expect("a number");
            (from..=to).contains(&block)
        };
        Ok(self.logs.iter().filter(within).cloned().collect())
    }
}

fn encoded(interface: Interface, function: &'static str) -> Vec<u8> {
    abi::encode(&Call { interface, function, args: vec![] }).expect("known").1
}

fn error(reason: &str) -> Vec<u8> {
    let mut data = vec![0x08, 0xc3, 0x79, 0xa0];
    data.extend(ethers_core::abi::encode(&[ethers_core::abi::Token::String(reason.to_owned())]));
    data
}

/// A read of the proxy's interface.
pub fn read(to: H160, function: &'static str) -> Read {
    Read::Call { to, call: Call { interface: Interface::Proxy, function, args: vec![] } }
}

/// An answer-updated log in a block.
pub fn log(block: u64, index: u64, answer: u64, removed: bool) -> Json {
    let topic0 = abi::topic0(Interface::Ocr2, "AnswerUpdated").expect("known");
    let word = |n: u64| format!("{:#x}", H256::from_low_u64_be(n));
    json!({
        "address": format!("{FEED:#x}"), "topics": [format!("{topic0:#x}"), word(answer), word(block)],
        "data": word(5), "blockNumber": format!("{block:#x}"), "transactionHash": word(block * 10 + index),
        "logIndex": format!("{index:#x}"), "removed": removed,
    })
}

/// The answer in it.
pub fn answer(fields: &[Value]) -> String {
    fields[0].int().expect("an answer").to_string()
}
