//! An attempt at a transaction as the journal keeps it: every signed form of it, whole.

use serde_json::{Value as Json, json};

use crate::context::Open;
use crate::fault::{Fault, Kind};
use crate::ports::SignedTx;
use crate::units::hex;
use crate::value::{H160, H256};

/// One form of it under its nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) hash: H256,
    /// As it goes over the wire; `None` for one that was not sent by `ira`.
    pub(super) raw: Option<Vec<u8>>,
}

/// Every form that may come into a block under one nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) chain_id: u64,
    pub(super) from: H160,
    pub(super) nonce: u64,
    /// What it does, for a person.
    pub(super) what: String,
    pub(super) forms: Vec<Form>,
}

impl Record {
    pub(super) fn new(signed: &SignedTx, what: &str) -> Self {
        let SignedTx { chain_id, from, nonce, .. } = *signed;
        Self { chain_id, from, nonce, what: what.to_owned(), forms: vec![Form::of(signed)] }
    }

    /// As it is begun.
    pub(super) fn json(&self) -> Json {
        json!({
            "chain_id": self.chain_id,
            "from": hex(self.from.as_bytes()),
            "nonce": self.nonce,
            "what": self.what,
            "forms": self.forms.iter().map(Form::json).collect::<Vec<_>>(),
        })
    }

    /// Reads an attempt back; `None` where it is none at a transaction.
    pub(super) fn of(open: &Open) -> Option<Result<Self, Fault>> {
        let begun = &open.begun;
        begun.get("forms")?;
        let read = || {
            let mut forms: Vec<Form> = begun["forms"].as_array()?.iter().map(Form::read).collect::<Option<_>>()?;
            forms.extend(open.added.iter().map(Form::read).collect::<Option<Vec<_>>>()?);
            Some(Self {
                chain_id: begun["chain_id"].as_u64()?,
                from: begun["from"].as_str()?.parse().ok()?,
                nonce: begun["nonce"].as_u64()?,
                what: begun["what"].as_str()?.to_owned(),
                forms,
            })
        };
        Some(read().ok_or_else(|| {
            Fault::new(Kind::Failed, format!("attempt {} of the journal ({}) cannot be read", open.id, open.key))
                .hint("it was written by another version of ira: settle it with that one")
        }))
    }

    /// The form that is sent again: the latest.
    pub(super) fn latest(&self) -> Option<SignedTx> {
        let form = self.forms.iter().rev().find(|form| form.raw.is_some())?;
        let (hash, raw) = (form.hash, form.raw.clone()?);
        Some(SignedTx { chain_id: self.chain_id, from: self.from, nonce: self.nonce, hash, raw })
    }
}

impl Form {
    pub(super) fn of(signed: &SignedTx) -> Self {
        Self { hash: signed.hash, raw: Some(signed.raw.clone()) }
    }

    pub(super) fn json(&self) -> Json {
        json!({ "hash": hex(self.hash.as_bytes()), "raw": self.raw.as_deref().map(hex) })
    }

    fn read(json: &Json) -> Option<Self> {
        let raw = match json.get("raw")? {
            Json::Null => None,
            raw => Some(bytes(raw.as_str()?)?),
        };
        Some(Self { hash: json.get("hash")?.as_str()?.parse().ok()?, raw })
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?.as_bytes();
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks(2).map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::Effect;

    #[test]
    fn what_is_written_before_a_transaction_is_sent_is_enough_to_send_it_again() {
        let signed = SignedTx {
            chain_id: 31337,
            from: H160::repeat_byte(0xab),
            nonce: 7,
            hash: H256::repeat_byte(1),
            raw: vec![0, 0xff, 2],
        };
        let record = Record::new(&signed, "LINK to a subscription");
        let bumped = Form { hash: H256::repeat_byte(2), raw: Some(vec![9]) };
        let mut open = Open {
            id: 1,
            key: "k".to_owned(),
            effect: Effect::Once,
            at: 0,
            begun: serde_json::from_str(&record.json().to_string()).expect("JSON"),
            added: Vec::new(),
        };
        let back = Record::of(&open).expect("one").expect("whole");
        assert_eq!(back, record);
        assert_eq!(back.latest(), Some(signed));
        open.added.push(bumped.json());
        let back = Record::of(&open).expect("one").expect("whole");
        assert_eq!((back.forms.len(), back.latest().map(|tx| tx.raw)), (2, Some(vec![9])));
        open.begun["from"] = Json::from("0x1");
        assert!(Record::of(&open).expect("one").is_err());
        open.begun = json!({});
        assert!(Record::of(&open).is_none());
    }
}
