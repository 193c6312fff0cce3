//! Time to look again: once a second, so many seconds.

use std::time::Duration;

use crate::context::Context;
use crate::fault::Fault;

/// So many looks as there is time for.
pub(super) struct Looks<'a> {
    context: &'a Context,
    left: u64,
    /// Answers take time, too.
    until: u64,
}

impl<'a> Looks<'a> {
    pub(super) fn new(context: &'a Context, seconds: u64) -> Self {
        Self { context, left: seconds, until: context.now().saturating_add(seconds) }
    }

    /// Lets a second pass; false when the time is over.
    pub(super) async fn again(&mut self) -> bool {
        if self.is_over() {
            return false;
        }
        self.left -= 1;
        self.context.let_pass(Duration::from_secs(1)).await;
        true
    }

    /// One answer that did not come is no reason to stop looking; the last one is.
    pub(super) fn bears(&self, fault: &Fault) -> bool {
        fault.kind.retryable() && !self.is_over()
    }

    fn is_over(&self) -> bool {
        self.left == 0 || self.context.now() >= self.until
    }
}
