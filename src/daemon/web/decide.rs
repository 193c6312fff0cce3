//! What people decide: each by a form of a page, under the name of who signed in.

use hyper::Response;
use hyper::body::Bytes;
use hyper::header::{HeaderValue, SET_COOKIE};
use ira_commands::{Fault, Kind};

use super::html::elsewhere;
use super::people::{Visitor, is_theirs};
use super::{Request, Web, forms, nowhere};
use crate::config::users::Role;
use crate::store::Guard;
use crate::store::ask::{Decision, Suspend};
use crate::store::model::{AttemptId, RunId};

impl Web {
    /// Does what a form asks for, and shows the page that it was sent from.
    pub(super) async fn post(&self, request: &Request<'_>, visitor: &Visitor) -> Result<Response<Bytes>, Fault> {
        let form = std::str::from_utf8(request.body).map_err(|_| nowhere())?;
        let form = forms::read(form);
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if !self.people.is_sent_here(request.headers) || !is_theirs(visitor, field("csrf")) {
            return Err(denied("This form is not from a page of yours.").hint("read the page again, and try once more"));
        }
        let Some(who) = visitor.name() else { return Err(denied("Sign in first.")) };
        let needs = |role: Role| {
            if visitor.is(role) {
                Ok(())
            } else {
                Err(denied(&format!("{who} may not do this: it takes the role `{}`.", role.word())))
            }
        };
        let store = self.store.as_ref();
        match request.path.split('/').collect::<Vec<_>>()[..] {
            ["", "sign-out"] => {
                let mut there = elsewhere("/sign-in");
                let cookie = HeaderValue::from_str(&self.people.sign_out(request.headers));
                there.headers_mut().insert(SET_COOKIE, cookie.map_err(|_| nowhere())?);
                Ok(there)
            }
            ["", "runs", id, verb @ ("approve" | "deny")] => {
                needs(Role::Approver)?;
                let id = RunId(id.parse().map_err(|_| nowhere())?);
                let found = self.store.run(id).await?.ok_or_else(nowhere)?;
                if found.run.by == who {
                    return Err(denied("You asked for this run: somebody else has to agree."));
                }
                let plan = field("plan");
                let asked = found.approvals.iter().rfind(|one| one.plan_hash == plan && one.decision.is_none());
                let asked = asked.ok_or_else(|| {
                    Fault::new(Kind::Busy, "This plan is not asked about any more.").hint("read the run's page again")
                })?;
                store.decide(asked.id, plan, verb == "approve", who).await??;
                Ok(elsewhere(&format!("/runs/{id}")))
            }
            ["", "runs", id, "cancel"] => {
                needs(Role::Operator)?;
                let id = RunId(id.parse().map_err(|_| nowhere())?);
                store.cancel(id, who).await??;
                Ok(elsewhere(&format!("/runs/{id}")))
            }
            ["", "attempts", id, "decide"] => {
                needs(Role::Approver)?;
                let id = AttemptId(id.parse().map_err(|_| nowhere())?);
                let decision = match field("say") {
                    "it-ran" => Decision::ItRan,
                    "it-did-not" => Decision::ItDidNot,
                    "abort" => Decision::Abort,
                    _ => return Err(nowhere()),
                };
                let step = store.decide_unknown(id, who, decision).await??;
                Ok(elsewhere(&format!("/runs/{}", step.run)))
            }
            ["", "freeze"] => {
                needs(Role::Operator)?;
                let reason = field("reason").trim().to_owned();
                if reason.is_empty() {
                    return Err(Fault::new(Kind::Usage, "Say why everything is to stop."));
                }
                let ask =
                    Suspend { guard: Guard::Freeze, scope: "*".to_owned(), lasts: None, actor: who.to_owned(), reason };
                store.suspend(ask).await?;
                Ok(elsewhere("/runs"))
            }
            ["", "thaw"] => {
                needs(Role::Operator)?;
                store.lift(Guard::Freeze, field("scope"), who).await?;
                Ok(elsewhere("/runs"))
            }
            _ => Err(nowhere()),
        }
    }
}

fn denied(why: &str) -> Fault {
    Fault::new(Kind::Denied, why)
}
