//! Who looks: users by their tokens, sessions by a cookie, and whether a request is what it seems.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use ira_commands::units::digits;
use rand::RngCore as _;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::config::users::{Role, UserConfig};

/// How long somebody stays signed in.
const STAYS: Duration = Duration::from_secs(12 * 3_600);
/// More than these are not signed in at once: the oldest goes.
const MOST: usize = 1_000;
const NAME: &str = "ira";
/// What proxies add.
const FORWARDED: [&str; 3] = ["forwarded", "x-forwarded-for", "x-real-ip"];

/// Somebody who signed in.
#[derive(Clone, Debug)]
struct Session {
    name: String,
    csrf: String,
    until: Instant,
}

/// Who asks for a page.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    who: Option<(String, Role, String)>,
    /// There are no users, and this machine asks: it may read.
    here: bool,
    users: bool,
}

impl Visitor {
    /// The user's name.
    pub fn name(&self) -> Option<&str> {
        self.who.as_ref().map(|(name, _, _)| name.as_str())
    }

    /// What they may do.
    pub fn role(&self) -> Option<Role> {
        self.who.as_ref().map(|(_, role, _)| *role)
    }

    /// What their forms carry, so that no other page can send one for them; empty where nobody is signed in.
    pub fn csrf(&self) -> &str {
        self.who.as_ref().map_or("", |(_, _, csrf)| csrf)
    }

    /// Whether there is anybody to sign in as.
    pub fn can_sign_in(&self) -> bool {
        self.users
    }

    /// Whether they may read.
    pub fn may_read(&self) -> bool {
        self.who.is_some() || self.here
    }

    /// Whether they have this role, or one that may do more.
    pub fn is(&self, role: Role) -> bool {
        self.role().is_some_and(|theirs| theirs >= role)
    }
}

/// Users and who is signed in. Sessions are forgotten with the process.
pub struct People {
    known: RwLock<Known>,
    sessions: Mutex<HashMap<String, Session>>,
}

/// What the configuration says.
struct Known {
    users: BTreeMap<String, UserConfig>,
    /// The host of `public_url`, and whether it is asked over TLS.
    public: Option<(String, bool)>,
}

impl Known {
    fn new(users: BTreeMap<String, UserConfig>, public_url: Option<&str>) -> Self {
        let public = public_url.and_then(|url| {
            let (scheme, rest) = url.split_once("://")?;
            let host = rest.split(['/', '?', '#']).next()?;
            Some((host.to_ascii_lowercase(), scheme.eq_ignore_ascii_case("https")))
        });
        Self { users, public }
    }
}

impl People {
    /// These users, seen at `public_url`.
    pub fn new(users: BTreeMap<String, UserConfig>, public_url: Option<&str>) -> Self {
        Self { known: RwLock::new(Known::new(users, public_url)), sessions: Mutex::default() }
    }

    /// These users from now on.
    pub fn admit(&self, users: BTreeMap<String, UserConfig>, public_url: Option<&str>) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known::new(users, public_url);
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who asks. `loopback` where the peer is this machine.
    pub fn visitor(&self, headers: &HeaderMap, loopback: bool) -> Visitor {
        let known = self.known();
        let users = !known.users.is_empty();
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| session.until > Instant::now());
        let session = cookie(headers).and_then(|value| sessions.get(&digest(value)));
        let who = session.and_then(|session| {
            // A user who was taken out of the configuration is signed in no more.
            let role = known.users.get(&session.name)?.role;
            Some((session.name.clone(), role, session.csrf.clone()))
        });
        // Whoever comes through a proxy is not of this machine, though the proxy is.
        let here =
            loopback && !users && known.public.is_none() && !FORWARDED.iter().any(|name| headers.contains_key(*name));
        Visitor { who, here, users }
    }

    /// Whose token a request of a program shows, and what they may do. Every user costs the same, whoever it is.
    pub fn bearer(&self, headers: &HeaderMap) -> Option<(String, Role)> {
        let token = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
        let given = Sha256::digest(token.as_bytes());
        let known = self.known();
        let mut found = None;
        for (name, user) in &known.users {
            if bool::from(user.token.ct_eq(given.as_slice())) {
                found = Some((name.clone(), user.role));
            }
        }
        found
    }

    /// Signs somebody in; gives the cookie. None where name and token do not belong together.
    pub fn sign_in(&self, name: &str, token: &str) -> Option<String> {
        let given = Sha256::digest(token.as_bytes());
        // A name that nobody has costs the same.
        let user = self.known().users.get(name).copied();
        let right = bool::from(user.map_or([0; 32], |user| user.token).ct_eq(given.as_slice()));
        if !right || user.is_none() {
            return None;
        }
        let (value, csrf) = (random(), random());
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= MOST
            && let Some(oldest) = sessions.iter().min_by_key(|(_, one)| one.until).map(|(key, _)| key.clone())
        {
            sessions.remove(&oldest);
        }
        let session = Session { name: name.to_owned(), csrf, until: Instant::now() + STAYS };
        sessions.insert(digest(&value), session);
        Some(self.cookie(&value, STAYS))
    }

    /// Signs somebody out; gives the cookie that takes the place of theirs.
    pub fn sign_out(&self, headers: &HeaderMap) -> String {
        if let Some(value) = cookie(headers) {
            self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest(value));
        }
        self.cookie("", Duration::ZERO)
    }

    fn cookie(&self, value: &str, lasts: Duration) -> String {
        let secure = if self.known().public.as_ref().is_some_and(|(_, tls)| *tls) { "; Secure" } else { "" };
        format!("{NAME}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{secure}", lasts.as_secs())
    }

    /// Whether the host that is asked for is one of ours: a foreign name that was made to lead here is not.
    pub fn is_ours(&self, headers: &HeaderMap) -> bool {
        let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
        let host = host.to_ascii_lowercase();
        if self.known().public.as_ref().is_some_and(|(public, _)| *public == host) {
            return true;
        }
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        name == "localhost" || name.parse::<std::net::IpAddr>().is_ok()
    }

    /// Whether a form was sent from one of our own pages.
    pub fn is_sent_here(&self, headers: &HeaderMap) -> bool {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let site = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
        let origin = match text(ORIGIN.as_str()) {
            None => true,
            Some(origin) => {
                let from = origin.split_once("://").map_or("", |(_, host)| host);
                text(HOST.as_str()).is_some_and(|host| host.eq_ignore_ascii_case(from))
                    || self.known().public.as_ref().is_some_and(|(public, _)| public.eq_ignore_ascii_case(from))
            }
        };
        site && origin
    }
}

/// Whether a form carries what the visitor's own pages carry.
pub fn is_theirs(visitor: &Visitor, csrf: &str) -> bool {
    !visitor.csrf().is_empty() && bool::from(visitor.csrf().as_bytes().ct_eq(csrf.as_bytes()))
}

/// The sessions are known by the hash of the cookie's value: finding one tells nothing by the time that it takes.
fn digest(value: &str) -> String {
    digits(&Sha256::digest(value.as_bytes()))
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
    all.filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == NAME).map(|(_, value)| value)
}

fn random() -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    digits(&bytes)
}
