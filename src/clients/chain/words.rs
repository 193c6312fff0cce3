//! Reads and their answers in a few words, for faults and notices.

use ira_commands::ports::{Input, Read};
use ira_commands::text::clean;
use ira_commands::units::{address, short_address, short_hex};
use ira_commands::value::Value;

/// A read in a few words.
pub(super) fn name(read: &Read) -> String {
    match read {
        Read::Call { to, call } => format!("{} of {}", call.function, short_address(*to)),
        Read::Balance(account) => format!("the balance of {}", short_address(*account)),
        Read::Nonce(account) | Read::PendingNonce(account) => format!("the nonce of {}", short_address(*account)),
        Read::Pooled(account) => format!("the pool of {}", short_address(*account)),
        Read::Code(account) => format!("the code of {}", short_address(*account)),
        Read::BlockTime(number) => format!("the time of block {number}"),
        Read::Trial { to, .. } => format!("a call of {}", short_address(*to)),
        Read::GasUsed(tx) => format!("the gas of transaction {}", short_hex(tx.as_bytes())),
        Read::Fees => "the price of gas".to_owned(),
        Read::Gas(_, request) => match (&request.input, request.to) {
            (Input::Call(call), Some(to)) => {
                format!("{} of {}, tried before it is sent,", call.function, short_address(to))
            }
            (_, Some(to)) => format!("a transaction to {}, tried before it is sent,", short_address(to)),
            (_, None) => "a deployment, tried before it is sent,".to_owned(),
        },
        Read::Receipt(tx) | Read::Transaction(tx) | Read::Mined(tx) => {
            format!("transaction {}", short_hex(tx.as_bytes()))
        }
        Read::Header(number) => format!("the header of block {number}"),
    }
}

/// A value in a few words.
pub(super) fn told(value: &Value) -> String {
    let text = match value {
        Value::Uint(n) => n.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Bool(is) => is.to_string(),
        Value::Address(account) => address(*account),
        Value::Bytes(bytes) => short_hex(bytes),
        Value::Text(text) => format!("“{}”", clean(text)),
        Value::List(values) => format!("({})", values.iter().take(8).map(told).collect::<Vec<_>>().join(", ")),
    };
    let cut: String = text.chars().take(100).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}
