//! The coordinators' own errors, by the four bytes that a revert carries.

use crate::units::{hex, keccak256};

/// The errors that a request can meet, by signature: what each means, and what mends it.
const REQUEST_ERRORS: [(&str, &str); 8] = [
    ("InvalidConsumer(uint256,address)", "the consumer is not on the subscription: its owner calls addConsumer"),
    ("InvalidConsumer(uint64,address)", "the consumer is not on the subscription: its owner calls addConsumer"),
    ("InvalidSubscription()", "there is no such subscription at this coordinator: correct its id in the consumer"),
    (
        "InvalidRequestConfirmations(uint16,uint16,uint16)",
        "the confirmations asked for are out of range: correct them in the consumer",
    ),
    ("GasLimitTooBig(uint32,uint32)", "the callback gas limit is too high: lower it in the consumer"),
    ("NumWordsTooBig(uint32,uint32)", "too many words at once: ask for fewer"),
    (
        "InvalidExtraArgsTag()",
        "the extra arguments are not encoded as this coordinator wants them: correct the consumer",
    ),
    ("Reentrant()", "requested from within a fulfilment: the consumer must request in a transaction of its own"),
];

/// The name of the error whose selector stands in a revert's text, and what it means.
pub fn named(text: &str) -> Option<(&'static str, &'static str)> {
    REQUEST_ERRORS.iter().find_map(|(signature, meaning)| {
        let selector = hex(&keccak256(signature.as_bytes())[..4]);
        let name = signature.split('(').next().unwrap_or(signature);
        text.contains(&selector).then_some((name, *meaning))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_in_a_revert_has_its_name() {
        assert_eq!(named("reverted: custom error 0x79bfd401").map(|(name, _)| name), Some("InvalidConsumer"));
        assert_eq!(named("reverted: No access"), None);
    }
}
