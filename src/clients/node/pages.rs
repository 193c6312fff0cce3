//! Answers in JSON:API, page by page.

use ira_commands::{Fault, Kind};
use reqwest::{Method, StatusCode};
use serde_json::Value as Json;

use super::session::{Auth, Session};

/// How many items are asked for at once.
const SIZE: usize = 100;
/// The most pages of one question.
const MOST_PAGES: usize = 10;

/// The items of a list, and whether it was read to its end or as far as was wanted.
pub(super) struct Listed {
    pub items: Vec<Json>,
    pub complete: bool,
}

impl Session {
    /// The JSON that `path` answers.
    pub async fn json(&self, path: &str, auth: Auth, takes: impl Fn(StatusCode) -> bool) -> Result<Json, Fault> {
        self.page(path, &[], auth, takes).await
    }

    async fn page(
        &self,
        path: &str,
        query: &[(&str, String)],
        auth: Auth,
        takes: impl Fn(StatusCode) -> bool,
    ) -> Result<Json, Fault> {
        let answer = self.ask(Method::GET, path, query, auth, takes).await?;
        serde_json::from_slice(&answer.body).map_err(|error| {
            let page = answer.body.trim_ascii_start().starts_with(b"<");
            let what =
                if page { "answers with a web page".to_owned() } else { format!("answers with no JSON: {error}") };
            let fault = Fault::new(Kind::BadAnswer, format!("{what} ({path}, HTTP {})", answer.status.as_u16()));
            self.said(fault).hint("is `url` the base of a Chainlink node's API, and does this build have that path?")
        })
    }

    /// The items of a list, newest first where the node sorts so, until one is `enough`.
    pub async fn list(&self, path: &str, enough: impl Fn(&Json) -> bool) -> Result<Listed, Fault> {
        let mut items = Vec::new();
        for page in 1..=MOST_PAGES {
            let query = [("size", SIZE.to_string()), ("page", page.to_string())];
            let mut answer = self.page(path, &query, Auth::User, |_| false).await?;
            let more = answer.pointer("/links/next").is_some_and(|next| !next.is_null());
            let mut found = match answer.get_mut("data").map(Json::take) {
                Some(Json::Array(found)) => found,
                Some(Json::Null) => Vec::new(),
                _ => {
                    let fault = Fault::new(Kind::BadAnswer, format!("answers {path} without a list of `data`"));
                    return Err(self.said(fault));
                }
            };
            let last = found.is_empty() || !more;
            let reached = found.iter().any(&enough);
            items.append(&mut found);
            if last || reached {
                return Ok(Listed { items, complete: true });
            }
        }
        Ok(Listed { items, complete: false })
    }

    /// The same under the path of an older build, where the node does not know the newer one.
    pub async fn list_either(&self, new: &str, old: &str) -> Result<Listed, Fault> {
        match self.list(new, |_| false).await {
            Err(fault) if fault.kind == Kind::Missing => self.list(old, |_| false).await.map_err(|_| fault),
            answer => answer,
        }
    }
}
