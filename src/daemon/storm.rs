//! More than one cause could explain: pages become one, and writes wait.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ira_commands::Fault;

use super::books::Book;
use super::decide::One;
use super::{Shared, tell};
use crate::store::ask::{Filter, Mails, Suspend};
use crate::store::{Guard, Mail};

/// How long a storm lasts after it was last seen.
pub(super) const LASTS: Duration = Duration::from_secs(300);
/// What is counted is counted within this.
const WINDOW: Duration = Duration::from_secs(60);

/// So many milliseconds ago.
fn since(age: u64) -> Option<Instant> {
    Instant::now().checked_sub(Duration::from_millis(age))
}

/// What was seen of late.
#[derive(Default)]
pub(super) struct Storm {
    pages: Mutex<VecDeque<(Instant, String)>>,
    runs: Mutex<VecDeque<Instant>>,
}

impl Storm {
    /// With what an earlier daemon did within the time that is counted. What cannot be read counts as nothing.
    pub async fn of(shared: &Shared) -> Self {
        let storm = Self::default();
        let window = u64::try_from(WINDOW.as_millis()).unwrap_or(u64::MAX);
        let store = &shared.store;
        let (Ok(now), Ok(mails), Ok(runs)) =
            (store.now().await, store.mails(Mails::All).await, store.runs(Filter::All).await)
        else {
            return storm;
        };
        let ago = |at: u64| Some(now.saturating_sub(at)).filter(|age| *age < window).and_then(since);
        let mut pages: Vec<_> = mails
            .iter()
            .filter(|mail| mail.mail == Mail::Trigger && mail.key.starts_with("alert:"))
            .filter_map(|mail| Some((ago(mail.created_at)?, mail.dedup_key.clone())))
            .collect();
        pages.sort();
        pages.dedup_by(|later, earlier| later.1 == earlier.1);
        *storm.pages.lock().unwrap_or_else(PoisonError::into_inner) = pages.into();
        let loaded = shared.loaded();
        let writes =
            |name: &str| loaded.books.iter().any(|book| book.playbook.name.text == name && book.playbook.effects.any());
        let of = runs.iter().filter(|run| run.playbook.as_deref().is_some_and(writes));
        let mut begun: Vec<Instant> = of.filter_map(|run| ago(run.admitted_at)).collect();
        begun.sort();
        *storm.runs.lock().unwrap_or_else(PoisonError::into_inner) = begun.into();
        storm
    }

    /// Counts a page; whether it is one too many. One more under a key that was paged is none.
    pub fn pages(&self, most: usize, key: &str) -> bool {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        while pages.front().is_some_and(|(at, _)| at.elapsed() > WINDOW) {
            pages.pop_front();
        }
        if pages.iter().any(|(_, known)| known == key) {
            return false;
        }
        if pages.len() >= most {
            return true;
        }
        pages.push_back((Instant::now(), key.to_owned()));
        false
    }

    /// Counts a run that writes; whether it is one too many. The first of these begins a storm, and tells somebody.
    pub async fn runs(&self, one: &One, book: &Book) -> Result<bool, Fault> {
        let config = &one.loaded.config;
        {
            let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
            while runs.front().is_some_and(|at| at.elapsed() > WINDOW) {
                runs.pop_front();
            }
            if runs.len() < config.daemon.runs {
                runs.push_back(Instant::now());
                return Ok(false);
            }
        }
        let store = &one.shared.store;
        let name = &book.playbook.name.text;
        let reason = format!("more than {} runs a minute would write", config.daemon.runs);
        let suspend = Suspend {
            guard: Guard::Storm,
            scope: "*".to_owned(),
            lasts: Some(LASTS),
            actor: "ira".to_owned(),
            reason: reason.clone(),
        };
        store.suspend(suspend).await?;
        let at = store.now().await? / u64::try_from(LASTS.as_millis()).unwrap_or(u64::MAX);
        let why = format!("{reason} ({name} among them): nothing more is begun for {} s", LASTS.as_secs());
        store.tell(tell::own(config, &one.shared.cluster, "storm", at, &why)).await?;
        one.shared.mail.notify_one();
        Ok(true)
    }
}
