//! The browsers that have the login host's pages open, and who is logged in to it there.

use std::collections::{HashMap, VecDeque};

use http::{HeaderMap, header};
use parking_lot::Mutex;

use super::random_text;

/// By what their cookie says.
#[derive(Default)]
pub(super) struct Browsers {
    open: Mutex<HashMap<String, Browser>>,
    /// Errors with which the next browsers are sent back.
    refusals: Mutex<VecDeque<String>>,
}

#[derive(Clone)]
pub(super) struct Browser {
    /// What forms of this browser's own pages bring back.
    pub(super) form_key: String,
    /// Who is logged in.
    pub(super) user: Option<usize>,
    /// The email address of a login that was refused, until a page has told it.
    refused: Option<String>,
}

impl Browsers {
    pub(super) fn get(&self, id: &str) -> Option<Browser> {
        self.open.lock().get(id).cloned()
    }

    /// A browser that was not here before; what its cookie is to say.
    pub(super) fn open(&self) -> (String, Browser) {
        let browser = Browser {
            form_key: random_text::<32>(),
            user: None,
            refused: None,
        };
        (self.insert(browser.clone()), browser)
    }

    /// Logs a user in. What the cookie is to say changes; pages that are open in other tabs stay
    /// good.
    pub(super) fn log_in(&self, id: &str, user: usize) -> Option<String> {
        let mut browser = self.open.lock().remove(id)?;
        browser.user = Some(user);
        Some(self.insert(browser))
    }

    pub(super) fn refuse(&self, id: &str, email: &str) {
        if let Some(browser) = self.open.lock().get_mut(id) {
            browser.refused = Some(email.to_owned());
        }
    }

    /// The email address of a login that was refused, once.
    pub(super) fn take_refused(&self, id: &str) -> Option<String> {
        self.open.lock().get_mut(id)?.refused.take()
    }

    pub(super) fn close(&self, id: &str) {
        self.open.lock().remove(id);
    }

    pub(super) fn refuse_next(&self, error: String) {
        self.refusals.lock().push_back(error);
    }

    pub(super) fn next_refusal(&self) -> Option<String> {
        self.refusals.lock().pop_front()
    }

    fn insert(&self, browser: Browser) -> String {
        let id = random_text::<32>();
        self.open.lock().insert(id.clone(), browser);
        id
    }
}

/// The value of this cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    cookies
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find_map(|(given, value)| (given == name).then_some(value))
}
