//! Contract interfaces: names to selectors and topics, and the commands' plain values to and from ABI words.

use std::collections::HashMap;
use std::sync::OnceLock;

use ethers_core::abi::{self, Abi, Event, ParamType, RawLog, Token};
use ira_commands::ports::{Call, Interface};
use ira_commands::value::{H256, I256, U256, Value};
use ira_commands::{Fault, Kind};

/// Each in a module of its own: the structs that `abigen!` makes of an ABI shadow names of the standard library.
mod bindings {
    pub mod proxy {
        ethers_contract::abigen!(Proxy, "src/clients/chain/abi/proxy.json");
    }
    pub mod ocr1 {
        ethers_contract::abigen!(Ocr1, "src/clients/chain/abi/ocr1.json");
    }
    pub mod ocr2 {
        ethers_contract::abigen!(Ocr2, "src/clients/chain/abi/ocr2.json");
    }
    pub mod flux {
        ethers_contract::abigen!(Flux, "src/clients/chain/abi/flux.json");
    }
    pub mod link {
        ethers_contract::abigen!(Link, "src/clients/chain/abi/link.json");
    }
    pub mod vrf_v2 {
        ethers_contract::abigen!(VrfV2, "src/clients/chain/abi/vrf_v2.json");
    }
    pub mod vrf_v2_5 {
        ethers_contract::abigen!(VrfV25, "src/clients/chain/abi/vrf_v2_5.json");
    }
    pub mod blockhash_store {
        ethers_contract::abigen!(BlockhashStore, "src/clients/chain/abi/blockhash_store.json");
    }
    pub mod batch_blockhash_store {
        ethers_contract::abigen!(BatchBlockhashStore, "src/clients/chain/abi/batch_blockhash_store.json");
    }
    pub mod multicall3 {
        ethers_contract::abigen!(Multicall3, "src/clients/chain/abi/multicall3.json");
    }
}

/// A function, with what each call of it would compute anew.
pub(super) struct Function {
    selector: [u8; 4],
    inputs: Vec<ParamType>,
    outputs: Vec<ParamType>,
}

/// An event and its topic.
struct Emitted {
    topic0: H256,
    event: &'static Event,
}

/// The functions and events of one interface, by name.
pub(super) struct Table {
    functions: HashMap<&'static str, Function>,
    events: HashMap<&'static str, Emitted>,
}

impl Table {
    fn of(abi: &'static Abi) -> Self {
        let functions = abi.functions().map(|function| {
            let inputs = function.inputs.iter().map(|p| p.kind.clone()).collect();
            let outputs = function.outputs.iter().map(|p| p.kind.clone()).collect();
            (function.name.as_str(), Function { selector: function.short_signature(), inputs, outputs })
        });
        let events = abi.events().map(|event| (event.name.as_str(), Emitted { topic0: event.signature(), event }));
        Self { functions: functions.collect(), events: events.collect() }
    }

    /// The function of this name; a name that is not in the ABI is an error of the program, said and not panicked.
    pub(super) fn function(&self, name: &str) -> Result<&Function, Fault> {
        self.functions
            .get(name)
            .ok_or_else(|| Fault::new(Kind::Failed, format!("no function `{}` is known for this contract", clip(name))))
    }
}

fn clip(name: &str) -> &str {
    name.get(..60).unwrap_or(name)
}

/// What is known of `interface`.
pub(super) fn table(interface: Interface) -> &'static Table {
    static PROXY: OnceLock<Table> = OnceLock::new();
    static OCR1: OnceLock<Table> = OnceLock::new();
    static OCR2: OnceLock<Table> = OnceLock::new();
    static FLUX: OnceLock<Table> = OnceLock::new();
    static VRF_V2: OnceLock<Table> = OnceLock::new();
    static VRF_V2_5: OnceLock<Table> = OnceLock::new();
    static BLOCKHASH_STORE: OnceLock<Table> = OnceLock::new();
    static LINK: OnceLock<Table> = OnceLock::new();
    static BATCH_BLOCKHASH_STORE: OnceLock<Table> = OnceLock::new();
    match interface {
        Interface::Proxy => PROXY.get_or_init(|| Table::of(&bindings::proxy::PROXY_ABI)),
        Interface::Ocr1 => OCR1.get_or_init(|| Table::of(&bindings::ocr1::OCR1_ABI)),
        Interface::Ocr2 => OCR2.get_or_init(|| Table::of(&bindings::ocr2::OCR2_ABI)),
        Interface::Flux => FLUX.get_or_init(|| Table::of(&bindings::flux::FLUX_ABI)),
        Interface::Link => LINK.get_or_init(|| Table::of(&bindings::link::LINK_ABI)),
        Interface::VrfV2 => VRF_V2.get_or_init(|| Table::of(&bindings::vrf_v2::VRFV2_ABI)),
        Interface::VrfV25 => VRF_V2_5.get_or_init(|| Table::of(&bindings::vrf_v2_5::VRFV25_ABI)),
        Interface::BlockhashStore => {
            BLOCKHASH_STORE.get_or_init(|| Table::of(&bindings::blockhash_store::BLOCKHASHSTORE_ABI))
        }
        Interface::BatchBlockhashStore => {
            BATCH_BLOCKHASH_STORE.get_or_init(|| Table::of(&bindings::batch_blockhash_store::BATCHBLOCKHASHSTORE_ABI))
        }
    }
}

/// Multicall3's own functions.
pub(super) fn multicall3() -> &'static Table {
    static MULTICALL3: OnceLock<Table> = OnceLock::new();
    MULTICALL3.get_or_init(|| Table::of(&bindings::multicall3::MULTICALL3_ABI))
}

/// The function that `call` names, and its calldata.
pub(super) fn encode(call: &Call) -> Result<(&'static Function, Vec<u8>), Fault> {
    let function = table(call.interface).function(call.function)?;
    let data = function
        .encode(&call.args)
        .ok_or_else(|| Fault::new(Kind::Failed, format!("`{}` does not take these arguments", call.function)))?;
    Ok((function, data))
}

impl Function {
    /// Calldata; `None` when the arguments do not fit the function.
    pub(super) fn encode(&self, args: &[Value]) -> Option<Vec<u8>> {
        if args.len() != self.inputs.len() {
            return None;
        }
        let mut data = self.selector.to_vec();
        if !args.is_empty() {
            let tokens: Option<Vec<Token>> = args.iter().zip(&self.inputs).map(|(v, kind)| token(v, kind)).collect();
            data.extend(abi::encode(&tokens?));
        }
        Some(data)
    }

    /// Calldata of tokens that are built to fit.
    pub(super) fn encode_tokens(&self, tokens: &[Token]) -> Vec<u8> {
        let mut data = self.selector.to_vec();
        data.extend(abi::encode(tokens));
        data
    }

    /// Whether an empty answer cannot be an answer of it.
    pub(super) fn answers_something(&self) -> bool {
        !self.outputs.is_empty()
    }

    /// What a contract answered; `None` when that does not fit the function strictly, word by word.
    pub(super) fn decode(&self, data: &[u8]) -> Option<Value> {
        let mut values = decode_strictly(&self.outputs, data)?;
        if values.len() == 1 { values.pop() } else { Some(Value::List(values)) }
    }
}

/// The topic0 of an event.
pub(super) fn topic0(interface: Interface, event: &str) -> Result<H256, Fault> {
    let emitted = table(interface).events.get(event);
    emitted
        .map(|emitted| emitted.topic0)
        .ok_or_else(|| Fault::new(Kind::Failed, format!("no event `{}` is known for this contract", clip(event))))
}

/// The fields of a log in the order of declaration; `None` when it is not this event.
pub(super) fn decode_log(interface: Interface, event: &str, topics: Vec<H256>, data: Vec<u8>) -> Option<Vec<Value>> {
    let emitted = table(interface).events.get(event)?;
    let log = emitted.event.parse_log(RawLog { topics, data }).ok()?;
    let kinds = emitted.event.inputs.iter().map(|input| &input.kind);
    log.params.into_iter().zip(kinds).map(|(param, kind)| value(param.value, kind)).collect()
}

/// Decodes `kinds`, and refuses what `ethabi` lets pass: dirt in the padding of an address, a `bytesN` or a number too
/// wide for its type. That is what tells a `bytes16` from a `bytes32` under one selector.
fn decode_strictly(kinds: &[ParamType], data: &[u8]) -> Option<Vec<Value>> {
    for (at, kind) in kinds.iter().enumerate() {
        let word = data.get(at * 32..at * 32 + 32)?;
        let padding = match kind {
            ParamType::Address => &word[..12],
            ParamType::FixedBytes(size) => &word[(*size).min(32)..],
            ParamType::Bool => &word[..31],
            _ => &[],
        };
        if padding.iter().any(|byte| *byte != 0) || (*kind == ParamType::Bool && word[31] > 1) {
            return None;
        }
    }
    let tokens = abi::decode(kinds, data).ok()?;
    tokens.into_iter().zip(kinds).map(|(token, kind)| value(token, kind)).collect()
}

/// A token as the commands know it; `None` for a number that its type cannot hold.
fn value(token: Token, kind: &ParamType) -> Option<Value> {
    Some(match (token, kind) {
        (Token::Uint(n), ParamType::Uint(bits)) => (n.bits() <= *bits).then_some(Value::Uint(n))?,
        (Token::Int(n), ParamType::Int(bits)) => fits(n, *bits).then(|| Value::Int(I256::from_twos_complement(n)))?,
        (Token::Bool(is), _) => Value::Bool(is),
        (Token::Address(address), _) => Value::Address(address),
        (Token::Bytes(bytes) | Token::FixedBytes(bytes), _) => Value::Bytes(bytes),
        (Token::String(text), _) => Value::Text(text),
        (Token::Array(tokens), ParamType::Array(kind)) => {
            Value::List(tokens.into_iter().map(|token| value(token, kind)).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// Whether a two's complement word is a number of `bits` bits, sign included.
fn fits(word: U256, bits: usize) -> bool {
    let shifted = word >> bits.clamp(1, 256).saturating_sub(1);
    let ones = U256::MAX >> bits.clamp(1, 256).saturating_sub(1);
    shifted.is_zero() || shifted == ones
}

/// A commands' value as an argument of type `kind`.
fn token(value: &Value, kind: &ParamType) -> Option<Token> {
    Some(match (value, kind) {
        (Value::Uint(n), ParamType::Uint(bits)) => (n.bits() <= *bits).then_some(Token::Uint(*n))?,
        (Value::Int(n), ParamType::Int(bits)) => {
            let word = if n.negative { (!n.magnitude).overflowing_add(U256::one()).0 } else { n.magnitude };
            let same = I256::from_twos_complement(word) == *n;
            (same && fits(word, *bits)).then_some(Token::Int(word))?
        }
        (Value::Bool(is), ParamType::Bool) => Token::Bool(*is),
        (Value::Address(address), ParamType::Address) => Token::Address(*address),
        (Value::Bytes(bytes), ParamType::Bytes) => Token::Bytes(bytes.clone()),
        (Value::Bytes(bytes), ParamType::FixedBytes(size)) if bytes.len() == *size => Token::FixedBytes(bytes.clone()),
        (Value::Text(text), ParamType::String) => Token::String(text.clone()),
        (Value::List(values), ParamType::Array(kind)) => {
            Token::Array(values.iter().map(|value| token(value, kind)).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ira_commands::units::hex;
    use ira_commands::value::H160;

    const ALL: [Interface; 9] = [
        Interface::Proxy,
        Interface::Ocr1,
        Interface::Ocr2,
        Interface::Flux,
        Interface::VrfV2,
        Interface::VrfV25,
        Interface::BlockhashStore,
        Interface::Link,
        Interface::BatchBlockhashStore,
    ];

    fn sample(kind: &ParamType) -> Value {
        match kind {
            ParamType::Uint(_) => Value::Uint(U256::from(7)),
            ParamType::Address => Value::Address(H160::repeat_byte(7)),
            ParamType::Bytes => Value::Bytes(vec![7]),
            ParamType::FixedBytes(size) => Value::Bytes(vec![7; *size]),
            ParamType::Array(inner) => Value::List(vec![sample(inner)]),
            other => panic!("no sample of {other:?}"),
        }
    }

    #[test]
    fn every_function_of_every_abi_encodes_and_refuses_other_arguments() {
        let mut seen = 0;
        for interface in ALL {
            for (name, function) in &table(interface).functions {
                let args: Vec<Value> = function.inputs.iter().map(sample).collect();
                let (_, data) = encode(&Call { interface, function: name, args: args.clone() }).expect("encodes");
                assert_eq!(data[..4], function.selector, "{name}");
                let more = [args, vec![Value::Bool(true)]].concat();
                let fault = encode(&Call { interface, function: name, args: more }).err().expect("too many");
                assert_eq!(fault.kind, Kind::Failed);
                seen += 1;
            }
        }
        assert!(seen > 100, "{seen}");
    }

    #[test]
    fn an_unknown_name_is_a_fault_that_names_it() {
        let fault =
            encode(&Call { interface: Interface::Ocr2, function: "nope", args: vec![] }).err().expect("unknown");
        assert!(fault.kind == Kind::Failed && fault.message.contains("`nope`"));
        assert!(topic0(Interface::Flux, "Nope").expect_err("unknown").message.contains("`Nope`"));
    }

    #[test]
    fn topics_are_those_of_the_deployed_contracts() {
        for (interface, event, starts, ends) in [
            (Interface::Ocr2, "NewTransmission", "0xc797025f", "016a"),
            (Interface::Ocr1, "NewTransmission", "0xf6a97944", "d451"),
            (Interface::Ocr2, "ConfigSet", "0x1591690b", "4e05"),
            (Interface::Ocr1, "ConfigSet", "0x25d719d8", "8fb9"),
            (Interface::Ocr1, "AnswerUpdated", "0x0559884f", "fc5f"),
            (Interface::Flux, "NewRound", "0x0109fc6f", "0271"),
            (Interface::Ocr2, "OraclePaid", "0xd0b1dac9", "712c"),
            (Interface::Ocr1, "BillingSet", "0xd0d9486a", "69b6"),
            (Interface::Ocr2, "BillingSet", "0x0bf184bf", "713f"),
            (Interface::Ocr2, "Transmitted", "0xb04e63db", "1a62"),
            (Interface::Flux, "SubmissionReceived", "0x92e98423", "c68c"),
            (Interface::VrfV25, "RandomWordsRequested", "0xeb0e3652", "3a4e"),
            (Interface::VrfV25, "RandomWordsFulfilled", "0xaeb4b478", "47b7"),
            (Interface::VrfV2, "RandomWordsRequested", "0x63373d1c", "9772"),
            (Interface::VrfV2, "RandomWordsFulfilled", "0x7dffc5ae", "56e4"),
        ] {
            let topic = hex(topic0(interface, event).expect("known").as_bytes());
            assert!(topic.starts_with(starts) && topic.ends_with(ends), "{interface:?} {event} {topic}");
        }
    }

    #[test]
    fn selectors_are_those_that_explorers_show() {
        let selector = |interface, name: &str| hex(&table(interface).functions[name].selector);
        assert_eq!(selector(Interface::Proxy, "latestRoundData"), "0xfeaf968c");
        assert_eq!(selector(Interface::Proxy, "decimals"), "0x313ce567");
        assert_eq!(selector(Interface::Ocr2, "latestConfigDetails"), "0x81ff7048");
        assert_eq!(selector(Interface::Ocr1, "latestConfigDetails"), "0x81ff7048");
        assert_eq!(hex(&multicall3().functions["aggregate3"].selector), "0x82ad56cb");
        assert_eq!(hex(&multicall3().functions["getEthBalance"].selector), "0x4d2301cc");
    }

    #[test]
    fn a_digest_of_32_bytes_is_no_digest_of_16() {
        let decode = |interface, data: &[u8]| table(interface).functions["latestConfigDetails"].decode(data);
        let mut data = vec![0; 96];
        (data[31], data[63], data[64]) = (3, 9, 1);
        let short = decode(Interface::Ocr1, &data).expect("16 bytes").at(2).expect("digest").clone();
        assert_eq!(short.bytes().expect("bytes").len(), 16);
        data[95] = 0xff;
        assert!(decode(Interface::Ocr1, &data).is_none());
        let long = decode(Interface::Ocr2, &data).expect("32 bytes").at(2).expect("digest").clone();
        assert_eq!(long.bytes().expect("bytes").len(), 32);
        assert!(decode(Interface::Ocr2, &data[..95]).is_none(), "half a word");
    }

    #[test]
    fn numbers_too_wide_for_their_type_are_refused() {
        let answer = |word: [u8; 32]| table(Interface::Ocr2).functions["minAnswer"].decode(&word);
        let minus_one = answer([0xff; 32]).expect("int192");
        assert_eq!(minus_one.int().expect("signed").to_string(), "-1");
        let mut wide = [0; 32];
        wide[0] = 1;
        assert!(answer(wide).is_none());
        assert!(table(Interface::Proxy).functions["decimals"].decode(&wide).is_none());
        assert!(table(Interface::Proxy).functions["aggregator"].decode(&wide).is_none());
        assert!(table(Interface::Ocr1).functions["checkEnabled"].decode(&wide).is_none());
    }

    #[test]
    fn signed_arguments_survive_the_way_there_and_back() {
        for (text, bits) in [("-1", 192), ("5", 8), ("-128", 8), ("127", 8)] {
            let magnitude = U256::from_dec_str(text.trim_start_matches('-')).expect("decimal");
            let value_in = Value::Int(I256 { negative: text.starts_with('-'), magnitude });
            let kind = ParamType::Int(bits);
            assert_eq!(value(token(&value_in, &kind).expect("fits"), &kind), Some(value_in));
        }
        assert!(token(&Value::Int(I256::positive(U256::from(128))), &ParamType::Int(8)).is_none());
        assert!(token(&Value::Int(I256 { negative: true, magnitude: U256::MAX }), &ParamType::Int(256)).is_none());
    }

    #[test]
    fn an_event_decodes_with_its_indexed_fields_in_place() {
        let topics = vec![
            topic0(Interface::Ocr1, "AnswerUpdated").expect("known"),
            H256::repeat_byte(0xff),
            H256::from_low_u64_be(12),
        ];
        let data = H256::from_low_u64_be(99).as_bytes().to_vec();
        let fields =
            decode_log(Interface::Ocr1, "AnswerUpdated", topics.clone(), data.clone()).expect("it is that event");
        assert_eq!(fields[0].int().expect("current").to_string(), "-1");
        assert_eq!((fields[1].u64(), fields[2].u64()), (Ok(12), Ok(99)));
        assert!(decode_log(Interface::Ocr1, "AnswerUpdated", topics[..2].to_vec(), data).is_none());
    }
}
