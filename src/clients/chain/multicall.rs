//! Many calls in one: Multicall3's `aggregate3`, there and back.

use ethers_core::abi::Token;
use ira_commands::value::{H160, U256, Value};
use ira_commands::{Fault, Kind};

use super::abi;

/// Where Multicall3 is on nearly every network.
pub(super) const CANONICAL: H160 = H160([
    0xca, 0x11, 0xbd, 0xe0, 0x59, 0x77, 0xb3, 0x63, 0x11, 0x67, 0x02, 0x88, 0x62, 0xbe, 0x2a, 0x17, 0x39, 0x76, 0xca,
    0x11,
]);

/// Calls in one `eth_call`. Providers cap its gas, many at 50 million and some at a block's; a read costs up to 30,000.
pub(super) const MOST_CALLS: usize = 500;

/// Calldata of `aggregate3`, each call allowed to fail by itself.
pub(super) fn aggregate<'a>(calls: impl Iterator<Item = (H160, &'a [u8])>) -> Result<Vec<u8>, Fault> {
    let tuple = |(to, data): (H160, &[u8])| {
        Token::Tuple(vec![Token::Address(to), Token::Bool(true), Token::Bytes(data.into())])
    };
    Ok(abi::multicall3().function("aggregate3")?.encode_tokens(&[Token::Array(calls.map(tuple).collect())]))
}

/// Calldata that asks Multicall3 for the balance of an account.
pub(super) fn balance_of(account: H160) -> Result<Vec<u8>, Fault> {
    let data = abi::multicall3().function("getEthBalance")?.encode(&[Value::Address(account)]);
    data.ok_or_else(|| Fault::new(Kind::Failed, "`getEthBalance` does not take an address"))
}

/// What `aggregate3` answered to `count` calls: whether each succeeded, and its data. `None` when it is no such answer.
///
/// Read by hand and in place: the offsets come from a stranger, and a decoder that copies could be made to copy the same
/// megabytes a million times. Here all the data together is never longer than the answer.
pub(super) fn results(answer: &[u8], count: usize) -> Option<Vec<(bool, &[u8])>> {
    let array = answer.get(number(answer, 0)?..)?;
    if number(array, 0)? != count {
        return None;
    }
    let heads = array.get(32..)?;
    let mut total = 0;
    let mut out = Vec::with_capacity(count);
    for at in 0..count {
        let tuple = heads.get(number(heads, at * 32)?..)?;
        let success = number(tuple, 0)?;
        let bytes = tuple.get(number(tuple, 32)?..)?;
        let length = number(bytes, 0)?;
        let data = bytes.get(32..length.checked_add(32)?)?;
        total += length;
        if success > 1 || total > answer.len() {
            return None;
        }
        out.push((success == 1, data));
    }
    Some(out)
}

/// The word at `at`, where it is small enough to be a length or an offset.
fn number(data: &[u8], at: usize) -> Option<usize> {
    let word = U256::from_big_endian(data.get(at..at.checked_add(32)?)?);
    (word.bits() <= 32).then(|| word.low_u32() as usize)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use ethers_core::abi::{ParamType, decode, encode};

    /// As the contract would answer.
    pub(in super::super) fn answer(results: &[(bool, Vec<u8>)]) -> Vec<u8> {
        let tuple = |(ok, data): &(bool, Vec<u8>)| Token::Tuple(vec![Token::Bool(*ok), Token::Bytes(data.clone())]);
        encode(&[Token::Array(results.iter().map(tuple).collect())])
    }

    /// The calls in `aggregate3`'s calldata.
    pub(in super::super) fn calls(data: &[u8]) -> Vec<(H160, Vec<u8>)> {
        let tuple = ParamType::Tuple(vec![ParamType::Address, ParamType::Bool, ParamType::Bytes]);
        let mut tokens = decode(&[ParamType::Array(Box::new(tuple))], &data[4..]).expect("calldata");
        let calls = tokens.remove(0).into_array().expect("an array");
        let call = |token: Token| {
            let mut parts = token.into_tuple().expect("a tuple");
            let data = parts.remove(2).into_bytes().expect("bytes");
            (parts.remove(0).into_address().expect("an address"), data)
        };
        calls.into_iter().map(call).collect()
    }

    #[test]
    fn calls_and_results_go_there_and_back() {
        let sent = [(H160::repeat_byte(1), vec![1, 2, 3, 4]), (CANONICAL, balance_of(CANONICAL).expect("encodes"))];
        let data = aggregate(sent.iter().map(|(to, data)| (*to, data.as_slice()))).expect("encodes");
        assert_eq!(calls(&data), sent);
        let back = [(true, vec![7; 40]), (false, vec![]), (true, vec![9; 64])];
        let answered = answer(&back);
        let read: Vec<(bool, Vec<u8>)> =
            results(&answered, 3).expect("fits").into_iter().map(|(ok, data)| (ok, data.to_vec())).collect();
        assert_eq!(read, back);
        assert_eq!(format!("{CANONICAL:#x}"), "0xca11bde05977b3631167028862be2a173976ca11");
    }

    #[test]
    fn what_is_no_such_answer_is_none() {
        let answered = answer(&[(true, vec![7; 40]), (true, vec![7; 40])]);
        assert!(results(&answered, 1).is_none() && results(&answered, 3).is_none());
        for cut in 0..answered.len() - 24 {
            assert!(results(&answered[..cut], 2).is_none(), "{cut}");
        }
        assert!(results(&[0xff; 4096], 2).is_none());
    }

    #[test]
    fn offsets_that_point_to_the_same_bytes_multiply_nothing() {
        let mut answered = answer(&[(true, vec![7; 4000]), (true, vec![8; 32])]);
        assert!(results(&answered, 2).is_some());
        let first: Vec<u8> = answered[64..96].to_vec();
        answered[96..128].copy_from_slice(&first);
        assert!(results(&answered, 2).is_none());
    }
}
