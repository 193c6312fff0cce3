//! Pages from templates. Whatever comes from outside is escaped where it is put in; nothing is marked as safe but what a
//! template of this folder made.

use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION, REFERRER_POLICY};
use hyper::header::{X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use hyper::{Response, StatusCode};
use ira_commands::{Fault, Kind};
use minijinja::{Environment, UndefinedBehavior, Value};
use serde_json::{Value as Json, json};

use super::people::Visitor;

/// Everything that a page may load is this server's; it may not be framed, and its forms go nowhere else.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const STYLE: &str = include_str!("html/style.css");
const LIVE: &str = include_str!("html/live.js");

const TEMPLATES: &[(&str, &str)] = &[
    ("page.html", include_str!("html/page.html")),
    ("runs.html", include_str!("html/runs.html")),
    ("run.html", include_str!("html/run.html")),
    ("playbooks.html", include_str!("html/playbooks.html")),
    ("sign-in.html", include_str!("html/sign-in.html")),
    ("said.html", include_str!("html/said.html")),
];

/// The templates.
pub struct Pages(Environment<'static>);

/// What a page is beside its matter.
#[derive(Default)]
pub struct Frame {
    /// What stands in the title.
    pub title: String,
    /// The run that it follows while it is open.
    pub follows: Option<u64>,
}

impl Pages {
    /// The templates that ship; a fault where one of them cannot be read.
    pub fn new() -> Result<Self, Fault> {
        let mut all = Environment::new();
        all.set_undefined_behavior(UndefinedBehavior::Strict);
        for (name, text) in TEMPLATES {
            all.add_template(name, text).map_err(|error| broken(&error))?;
        }
        Ok(Self(all))
    }

    /// The matter of a page, without what stands around it.
    pub fn part(&self, name: &str, matter: &Json) -> Result<String, Fault> {
        let made = self.0.get_template(name).and_then(|template| template.render(minijinja::value::Serde(matter)));
        made.map_err(|error| broken(&error))
    }

    /// A whole page.
    pub fn page(&self, name: &str, frame: &Frame, matter: &Json, visitor: &Visitor) -> Result<String, Fault> {
        let body = Value::from_safe_string(self.part(name, matter)?);
        let live = frame.follows.map(|run| format!("/runs/{run}/live"));
        let part = frame.follows.map(|run| format!("/runs/{run}/part"));
        let around = minijinja::context! {
            title => frame.title.clone(),
            body => body,
            live => live,
            part => part,
            user => visitor.name(),
            role => visitor.role().map(crate::config::users::Role::word),
            csrf => visitor.csrf(),
            can_sign_in => visitor.can_sign_in(),
        };
        let made = self.0.get_template("page.html").and_then(|template| template.render(around));
        made.map_err(|error| broken(&error))
    }
}

fn broken(error: &minijinja::Error) -> Fault {
    Fault::new(Kind::Failed, "a page could not be made").because(format!("{error:#}"))
}

/// A page.
pub fn page(status: StatusCode, text: String) -> Response<Bytes> {
    answer(status, "text/html; charset=utf-8", text.into())
}

/// What pages load: the style and the script.
pub fn asset(path: &str) -> Option<Response<Bytes>> {
    match path {
        "/style.css" => Some(answer(StatusCode::OK, "text/css; charset=utf-8", Bytes::from_static(STYLE.as_bytes()))),
        "/live.js" => {
            Some(answer(StatusCode::OK, "text/javascript; charset=utf-8", Bytes::from_static(LIVE.as_bytes())))
        }
        _ => None,
    }
}

/// Another page is to be read.
pub fn elsewhere(path: &str) -> Response<Bytes> {
    let mut answer = answer(StatusCode::SEE_OTHER, "text/plain", Bytes::new());
    let path = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/runs"));
    answer.headers_mut().insert(LOCATION, path);
    answer
}

/// An answer that may not be kept, framed, or taken for something else.
pub fn answer(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Bytes> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// What is said where there is nothing else to show.
pub fn said(headline: &str, hint: &str, back: &str) -> Json {
    json!({ "headline": headline, "hint": hint, "back": back })
}
