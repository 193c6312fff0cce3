//! The API that `daemon.url` speaks: for people who ask by hand, each under their own name. It takes the name of a loaded
//! playbook with parameters and alerts, decisions on runs, freezes, and permits for what is written by hand; no command.

mod permit;
mod remedy;
mod runs;

pub(super) use remedy::Ends;

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response};
use ira_commands::{Fault, Kind, Report};
use serde_json::Value as Json;

use super::Shared;
use super::listen::{Body, said};
use crate::config::Format;
use crate::config::users::Role;
use crate::playbooks;
use crate::remote::wire::{self, Answer, Ask, Shown};
use crate::render;
use crate::runs::{RunVerb, freeze, thaw};

/// Where it is.
pub(super) const PATH: &str = "/api/v1";
/// How long a request may take to come.
const BODY: Duration = Duration::from_secs(10);

/// Answers a request; `private` where nobody on the way can have read its token.
pub(super) async fn answer(shared: &Arc<Shared>, request: Request<Incoming>, private: bool) -> Response<Body> {
    if request.method() != Method::POST {
        return said(405, "POST only\n");
    }
    if !private {
        return said(403, "a token is taken over TLS, or on this machine\n");
    }
    let Some((who, role)) = shared.web.bearer(request.headers()) else { return said(401, "not authorized\n") };
    let read = tokio::time::timeout(BODY, Limited::new(request.into_body(), wire::MOST).collect()).await;
    let Ok(Ok(body)) = read else { return said(413, "this request is too long, or does not come\n") };
    let request: wire::Request = match serde_json::from_slice(&body.to_bytes()) {
        Ok(request) => request,
        Err(error) => {
            return said(
                400,
                format!("this cannot be asked: {}\n", ira_commands::text::excerpt(&error.to_string(), 300)),
            );
        }
    };
    let wire::Request { ask, shown } = request;
    let needed = needed(&ask);
    let heard = if role >= needed {
        heard(shared, &who, ask, &shown).await
    } else {
        let why = format!("{who} may not do this: it takes the role `{}`", needed.word());
        Err(Fault::new(Kind::Denied, why).hint("[users.NAME] of the daemon's configuration gives it"))
    };
    let answer = heard.unwrap_or_else(|fault| failed(&fault, &shown));
    // What was said may have made a run due, and somebody to be told.
    shared.runs.notify_one();
    shared.mail.notify_one();
    let mut response = said(200, serde_json::to_vec(&answer).unwrap_or_default());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The role that it takes.
fn needed(ask: &Ask) -> Role {
    match ask {
        Ask::Follow(_) => Role::Viewer,
        Ask::Run(verb) => match verb {
            RunVerb::List { .. } | RunVerb::Show { .. } | RunVerb::Tail { .. } | RunVerb::ExportTest { .. } => {
                Role::Viewer
            }
            RunVerb::Approve(_) | RunVerb::Deny(_) | RunVerb::Decide { .. } => Role::Approver,
            RunVerb::Resume { .. } | RunVerb::Undo { .. } | RunVerb::Cancel { .. } | RunVerb::Close { .. } => {
                Role::Operator
            }
        },
        // Planning reads, with what the daemon may read.
        Ask::Remediate(_) | Ask::Freeze(_) | Ask::Thaw(_) | Ask::Permit(_) | Ask::Permitted(_) => Role::Operator,
        Ask::Promote(args) if args.to.is_none() => Role::Viewer,
        Ask::Promote(_) => Role::Admin,
    }
}

async fn heard(shared: &Arc<Shared>, who: &str, ask: Ask, shown: &Shown) -> Result<Answer, Fault> {
    let store = shared.store.as_ref();
    match ask {
        Ask::Run(verb) => runs::verb(shared, who, &verb, shown).await,
        Ask::Follow(asked) => runs::follow(shared, asked, shown).await,
        Ask::Freeze(args) => Ok(report(&freeze(&args, store, who).await?, shown)),
        Ask::Thaw(args) => Ok(report(&thaw(&args, store, who).await?, shown)),
        Ask::Promote(args) => {
            let parts = shared.parts();
            Ok(report(&playbooks::promoted(&args, &parts.output, store, who).await?, shown))
        }
        Ask::Remediate(remedy) => Box::pin(remedy::remediate(shared, who, &remedy, shown)).await,
        Ask::Permit(ask) => permit::give(shared, who, &ask).await,
        Ask::Permitted(end) => permit::end(shared, who, &end).await,
    }
}

/// A report, as an answer.
fn report(report: &Report, shown: &Shown) -> Answer {
    let code = report.errors.first().map_or(report.outcome.exit_code(), |fault| fault.kind.exit_code());
    coded(report, code, shown)
}

/// The same with this exit code.
fn coded(report: &Report, code: u8, shown: &Shown) -> Answer {
    let aside = if shown.format == Format::Json { String::new() } else { render::aside(report, shown.colour_aside) };
    Answer { code, out: render::report(report, code, &shown.style()), aside, ..Answer::default() }
}

/// What went wrong, as an answer.
fn failed(fault: &Fault, shown: &Shown) -> Answer {
    let code = fault.kind.exit_code();
    let out = if shown.format == Format::Json {
        render::envelope(&Json::Null, std::slice::from_ref(fault), &[], code, shown.pretty)
    } else {
        String::new()
    };
    Answer { code, out, aside: render::error(fault, shown.colour_aside), ..Answer::default() }
}
