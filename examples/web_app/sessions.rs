//! The sessions of browsers, in memory. The cookie contains a random id.

use std::{collections::HashMap, time::Duration};

use aws_lc_rs::rand;
use axum::http::{HeaderMap, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use secrecy::SecretString;
use tokio::time::Instant;

/// All sessions. The id of a session is also the name of its login.
pub(crate) struct Sessions {
    all: Mutex<HashMap<String, Session>>,
    tls: bool,
}

struct Session {
    logged_in: bool,
    /// The login that this browser has started.
    pending: Option<SecretString>,
    ends: Instant,
}

impl Sessions {
    /// With `tls`, browsers send the cookie over TLS only.
    pub(crate) fn new(tls: bool) -> Self {
        let all = Mutex::default();
        Self { all, tls }
    }

    /// The id in the browser's cookie, if there is such a session.
    pub(crate) fn id(&self, headers: &HeaderMap) -> Option<String> {
        let cookies = headers.get_all(header::COOKIE).iter();
        let mut pairs = cookies
            .filter_map(|cookie| cookie.to_str().ok())
            .flat_map(|cookie| cookie.split("; "))
            .filter_map(|pair| pair.split_once('='));
        let (_, id) = pairs.find(|(name, _)| *name == self.cookie_name())?;
        self.session(id, |_| id.to_owned())
    }

    /// The id of the session if its user is logged in.
    pub(crate) fn logged_in(&self, headers: &HeaderMap) -> Option<String> {
        let id = self.id(headers)?;
        self.session(&id, |session| session.logged_in)?
            .then_some(id)
    }

    /// Stores a login that this browser has started in its session.
    pub(crate) fn begin(&self, id: &str, pending: SecretString) {
        self.open(id, false, Some(pending), TO_LOG_IN);
    }

    /// Takes the login out of the session, so that a callback counts only once.
    pub(crate) fn take_pending(&self, id: &str) -> Option<SecretString> {
        self.session(id, |session| session.pending.take())?
    }

    /// Puts a login back that was not finished, unless another one was started.
    pub(crate) fn put_back(&self, id: &str, pending: SecretString) {
        self.session(id, |session| {
            session.pending.get_or_insert(pending);
        });
    }

    /// Opens a session with a new id for a user who has logged in. Another person may know the former
    /// id.
    pub(crate) fn log_in(&self, before: &str, id: &str) {
        self.end(before);
        self.open(id, true, None, LOGGED_IN);
    }

    pub(crate) fn end(&self, id: &str) {
        self.all.lock().remove(id);
    }

    /// Removes the expired sessions, and returns the ids of those with a login.
    pub(crate) fn take_ended(&self) -> Vec<String> {
        let now = Instant::now();
        let mut all = self.all.lock();
        let ended = all.extract_if(|_, session| session.ends <= now);
        ended
            .filter_map(|(id, session)| session.logged_in.then_some(id))
            .collect()
    }

    /// The cookie with this id. Scripts cannot read it, and of the requests from other sites only
    /// followed links send it.
    pub(crate) fn cookie(&self, id: &str) -> String {
        let secure = if self.tls { "; Secure" } else { "" };
        let name = self.cookie_name();
        format!("{name}={id}; Path=/; HttpOnly; SameSite=Lax{secure}")
    }

    /// Removes the cookie.
    pub(crate) fn no_cookie(&self) -> String {
        format!("{}; Max-Age=0", self.cookie(""))
    }

    /// Because of the prefix, browsers do not let another host set this cookie.
    fn cookie_name(&self) -> &'static str {
        if self.tls {
            "__Host-session"
        } else {
            "session"
        }
    }

    fn open(&self, id: &str, logged_in: bool, pending: Option<SecretString>, life: Duration) {
        let ends = Instant::now() + life;
        let session = Session {
            logged_in,
            pending,
            ends,
        };
        self.all.lock().insert(id.to_owned(), session);
    }

    fn session<T>(&self, id: &str, look: impl FnOnce(&mut Session) -> T) -> Option<T> {
        let mut all = self.all.lock();
        let session = all.get_mut(id)?;
        (Instant::now() < session.ends).then(|| look(session))
    }
}

/// A random id.
pub(crate) fn new_id() -> Result<String, aws_lc_rs::error::Unspecified> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The time in which a pending login can be finished.
const TO_LOG_IN: Duration = Duration::from_secs(600);

/// One working day.
const LOGGED_IN: Duration = Duration::from_secs(8 * 3_600);
