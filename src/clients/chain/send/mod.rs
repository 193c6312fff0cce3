//! Writing to a chain: the key that signs, and the endpoints that are given what it signed.

mod keystore;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ethers_core::types::transaction::eip2718::TypedTransaction;
use ethers_core::types::{Eip1559TransactionRequest, NameOrAddress};
use ethers_core::utils::hex;
use ethers_signers::{LocalWallet, Signer as _};
use futures::future::join_all;
use ira_commands::ports::{ChainWrite, Sent, SignedTx, Signer, TxOrder};
use ira_commands::units::keccak256;
use ira_commands::value::{H160, H256};
use ira_commands::{Fault, Kind};

use super::node::{Node, Standing};
use super::wire::RpcItem;
use super::{Chain, transactions};

pub use keystore::Keystore;

/// The shortest and the longest time between two looks.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(4)];

/// Gives signed transactions to every endpoint of a chain.
pub struct Broadcast {
    chain: Arc<Chain>,
    pause: Duration,
}

impl Broadcast {
    /// Through the endpoints of `chain`, once it has proven which chain it is.
    pub fn new(chain: Arc<Chain>, block_time_seconds: Option<f64>) -> Self {
        let half = Duration::try_from_secs_f64(block_time_seconds.unwrap_or(1.0) / 2.0).unwrap_or(PAUSES[0]);
        Self { chain, pause: half.clamp(PAUSES[0], PAUSES[1]) }
    }
}

#[async_trait]
impl ChainWrite for Broadcast {
    async fn send(&self, transaction: &SignedTx) -> Result<Sent, Fault> {
        let proven = |node: &&Node| node.state().standing != Standing::Unproven;
        let nodes: Vec<&Node> = self.chain.nodes.iter().filter(proven).collect();
        let item = [RpcItem::new("eth_sendRawTransaction", format!("[\"0x{}\"]", hex::encode(&transaction.raw)))];
        let answers = join_all(nodes.iter().map(|node| node.wire.exchange(&item, None))).await;
        let mut refusals = Vec::new();
        let mut lost = None;
        for (node, mut answer) in nodes.into_iter().zip(answers) {
            match answer.pop().unwrap_or_else(|| Err(Fault::new(Kind::Failed, "was not asked"))) {
                Ok(_) => return Ok(Sent::Accepted),
                Err(fault) if has_it(&fault) => return Ok(Sent::Accepted),
                // Its words, and not a broken connection: it has decided.
                Err(fault) if fault.message.starts_with("answers error") || fault.kind == Kind::Reverted => {
                    refusals.push(node.says(fault).one_line());
                }
                Err(fault) => lost = Some(node.says(fault)),
            }
        }
        match lost {
            // One that did not answer may have it.
            Some(fault) => Err(fault),
            None if refusals.is_empty() => Err(Fault::new(Kind::Unreachable, "no endpoint is there to send to")),
            None => Ok(Sent::Refused(refusals.join("; "))),
        }
    }

    async fn pause(&self) {
        tokio::time::sleep(self.pause).await;
    }
}

/// Whether a node says that it has the very transaction already, in its pool or in a block.
fn has_it(fault: &Fault) -> bool {
    let text = fault.message.to_lowercase();
    ["already known", "already imported", "known transaction", "already exists", "already in the"]
        .iter()
        .any(|words| text.contains(words))
}

/// A key, unlocked.
pub struct SigningKey {
    wallet: LocalWallet,
}

impl SigningKey {
    fn new(wallet: LocalWallet) -> Self {
        Self { wallet }
    }
}

#[async_trait]
impl Signer for SigningKey {
    fn address(&self) -> H160 {
        self.wallet.address()
    }

    async fn sign(&self, order: &TxOrder) -> Result<SignedTx, Fault> {
        let request = Eip1559TransactionRequest {
            from: Some(self.wallet.address()),
            to: order.request.to.map(NameOrAddress::Address),
            gas: Some(order.gas),
            value: Some(order.request.value),
            data: Some(transactions::data(&order.request.input)?.into()),
            nonce: Some(order.nonce.into()),
            access_list: ethers_core::types::transaction::eip2930::AccessList::default(),
            max_priority_fee_per_gas: Some(order.max_priority_fee_per_gas),
            max_fee_per_gas: Some(order.max_fee_per_gas),
            chain_id: Some(order.chain_id.into()),
        };
        let transaction = TypedTransaction::Eip1559(request);
        let wallet = self.wallet.clone().with_chain_id(order.chain_id);
        let signature = wallet
            .sign_transaction_sync(&transaction)
            .map_err(|error| Fault::new(Kind::Failed, "the transaction cannot be signed").because(error.to_string()))?;
        let raw = transaction.rlp_signed(&signature).to_vec();
        Ok(SignedTx {
            chain_id: order.chain_id,
            from: self.wallet.address(),
            nonce: order.nonce,
            hash: H256(keccak256(&raw)),
            raw,
        })
    }
}

#[cfg(test)]
mod tests {
    use ethers_core::types::transaction::eip2718::TypedTransaction;
    use ethers_core::utils::rlp::Rlp;
    use ira_commands::ports::{Input, TxRequest};
    use ira_commands::value::U256;

    use super::*;

    #[tokio::test]
    async fn what_is_signed_is_what_was_ordered() {
        let wallet: LocalWallet =
            "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80".parse().expect("a test key");
        let key = SigningKey::new(wallet);
        let to = H160::repeat_byte(7);
        let order = TxOrder {
            chain_id: 31337,
            nonce: 5,
            request: TxRequest { to: Some(to), input: Input::Raw(vec![1, 2]), value: U256::from(9) },
            gas: U256::from(21_000),
            max_fee_per_gas: U256::from(30),
            max_priority_fee_per_gas: U256::from(2),
        };
        let signed = key.sign(&order).await.expect("signed");
        let (read, signature) = TypedTransaction::decode_signed(&Rlp::new(&signed.raw)).expect("it decodes");
        assert_eq!(read.nonce().map(U256::as_u64), Some(5));
        assert_eq!((read.value().copied(), read.chain_id().map(|id| id.as_u64())), (Some(U256::from(9)), Some(31337)));
        assert_eq!(read.data().map(|data| data.to_vec()), Some(vec![1, 2]));
        assert_eq!(signature.recover(read.sighash()).expect("a signer"), key.address());
        assert_eq!(signed.from, key.address());
    }

    #[test]
    fn a_node_that_has_it_already_has_accepted_it() {
        for words in ["answers error -32000: already known", "answers error -32003: transaction already imported"] {
            assert!(has_it(&Fault::new(Kind::Failed, words)), "{words}");
        }
        for words in
            ["nonce too low", "insufficient funds for gas * price + value", "replacement transaction underpriced"]
        {
            assert!(!has_it(&Fault::new(Kind::Failed, words)), "{words}");
        }
    }
}
