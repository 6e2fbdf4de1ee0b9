//! The browsers that have opened the login pages, and the users logged in there.

use std::collections::VecDeque;

use http::{HeaderMap, header};
use parking_lot::Mutex;

use crate::sandbox::{bounded_map::BoundedMap, random::random_text};

#[derive(Default)]
pub(crate) struct BrowserSessions {
    /// By the value of the cookie.
    sessions: Mutex<BoundedMap<String, BrowserSession>>,
    /// The errors that the next authorization requests get.
    next_errors: Mutex<VecDeque<String>>,
}

#[derive(Clone)]
pub(crate) struct BrowserSession {
    /// The value that the forms of this browser's pages must contain.
    pub(crate) form_key: String,
    /// The index of the user who is logged in.
    pub(crate) user: Option<usize>,
    /// The email address of a failed login, until a page has reported it.
    failed_email: Option<String>,
}

impl BrowserSessions {
    pub(crate) fn get(&self, id: &str) -> Option<BrowserSession> {
        self.sessions.lock().get(id).cloned()
    }

    /// Starts a session and returns the value of its cookie with it.
    pub(crate) fn start(&self) -> (String, BrowserSession) {
        let session = BrowserSession {
            form_key: random_text::<32>(),
            user: None,
            failed_email: None,
        };
        (self.insert(session.clone()), session)
    }

    /// Logs a user in and returns the new value of the cookie. Pages that are open in other tabs
    /// stay valid.
    pub(crate) fn log_in(&self, id: &str, user: usize) -> Option<String> {
        let mut session = self.sessions.lock().remove(id)?;
        session.user = Some(user);
        Some(self.insert(session))
    }

    pub(crate) fn set_failed_email(&self, id: &str, email: &str) {
        if let Some(session) = self.sessions.lock().get_mut(id) {
            let email = email.chars().take(MAX_EMAIL_CHARS).collect();
            session.failed_email = Some(email);
        }
    }

    pub(crate) fn take_failed_email(&self, id: &str) -> Option<String> {
        self.sessions.lock().get_mut(id)?.failed_email.take()
    }

    pub(crate) fn end(&self, id: &str) {
        self.sessions.lock().remove(id);
    }

    pub(crate) fn fail_next(&self, error: String) {
        self.next_errors.lock().push_back(error);
    }

    pub(crate) fn take_next_error(&self) -> Option<String> {
        self.next_errors.lock().pop_front()
    }

    fn insert(&self, session: BrowserSession) -> String {
        let id = random_text::<32>();
        self.sessions.lock().insert(id.clone(), session);
        id
    }
}

/// The longest address that RFC 5321 section 4.5.3.1 allows.
const MAX_EMAIL_CHARS: usize = 64 + 1 + 255;

/// Returns the value of the cookie with this name.
pub(crate) fn find_cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    cookies
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find_map(|(known, value)| (known == name).then_some(value))
}
