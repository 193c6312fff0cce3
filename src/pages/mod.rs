//! Who is told of a run, and how: from a row of the outbox to the channel that it names. The same by hand and in the
//! daemon.

mod armed;
mod deliver;
mod key;
mod note;
mod overdue;
mod post;
mod run_alert;
mod whom;
mod words;

use std::sync::Arc;

use crate::config::Config;
use crate::config::systems::Channel;
use crate::engine::{Hands, Sender};
use crate::store::Store;

pub use armed::{Armed, armed};
pub use deliver::deliver;
pub use key::{key, of_sender};
pub use overdue::overdue;
pub use post::Posts;
pub use run_alert::{NAME as RUN_ALERT, RunAlert};
pub use whom::{About, page};

/// What empties the outbox, as it is configured.
pub fn sender(config: &Arc<Config>, store: &Arc<dyn Store>, hands: &Arc<dyn Hands>) -> Sender {
    let paging = config.systems.page.as_ref();
    Sender {
        store: Arc::clone(store),
        post: Arc::new(Posts::new(Arc::clone(config), Arc::clone(store), Arc::clone(hands))),
        hands: Arc::clone(hands),
        fallback: paging.and_then(|page| page.fallback).map(|channel| channel.word().to_owned()),
        acknowledged_within: paging.and_then(|page| page.acknowledged_within),
    }
}

/// The channel of this word.
fn channel(word: &str) -> Option<Channel> {
    [Channel::PagerDuty, Channel::Opsgenie, Channel::Slack].into_iter().find(|channel| channel.word() == word)
}
