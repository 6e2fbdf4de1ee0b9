//! What ends a login, or keeps it from being one.
#![cfg_attr(
    not(feature = "login"),
    allow(dead_code, reason = "nobody logs in without the feature")
)]

use std::{fmt, time::Duration};

use super::{Head, InvalidGrant, OAuthError, words};

/// Nobody is logged in, or no longer.
#[derive(Debug)]
pub struct LoginRequired(Why);

#[derive(Debug)]
enum Why {
    Nobody,
    LoggedOut,
    Refused(InvalidGrant),
}

impl LoginRequired {
    /// Nothing is stored, or nothing that opens.
    pub(crate) fn nobody() -> Self {
        Self(Why::Nobody)
    }

    pub(crate) fn logged_out() -> Self {
        Self(Why::LoggedOut)
    }

    /// The refresh token is worth nothing any more.
    pub(super) fn refused(answer: InvalidGrant) -> Self {
        Self(Why::Refused(answer))
    }

    /// The token endpoint's answer, where it refused the stored login.
    #[must_use]
    pub fn answer(&self) -> Option<&OAuthError> {
        match &self.0 {
            Why::Refused(refused) => Some(refused.answer()),
            Why::Nobody | Why::LoggedOut => None,
        }
    }

    pub(super) fn head(&self) -> Option<&Head> {
        Some(&self.answer()?.head)
    }
}

impl fmt::Display for LoginRequired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Why::Nobody => f.write_str("nobody is logged in; log in first"),
            Why::LoggedOut => f.write_str("the user logged out; log in anew"),
            Why::Refused(refused) => {
                let answer = refused.answer();
                write!(
                    f,
                    "{answer}; the stored login is over, since its refresh token is unknown, \
                     expired, revoked or used already: log in anew"
                )
            }
        }
    }
}

/// The login page sent the browser back with an error (RFC 6749 4.1.2.1).
#[derive(Debug)]
pub struct LoginRefused {
    error: String,
    description: Option<String>,
}

impl LoginRefused {
    /// With the page's words, in which none of `secrets` is shown.
    pub(crate) fn new(error: &str, description: Option<&str>, secrets: &[&str]) -> Self {
        Self {
            error: words(error, secrets),
            description: description.map(|text| words(text, secrets)),
        }
    }

    /// The code, such as `access_denied` or `invalid_scope`.
    #[must_use]
    pub fn error(&self) -> &str {
        &self.error
    }

    /// The login page's own words.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Whether somebody said no: the user, or the organisation.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.error == "access_denied"
    }

    pub(super) fn is_transient(&self) -> bool {
        matches!(
            self.error.as_str(),
            "server_error" | "temporarily_unavailable"
        )
    }

    fn cure(&self) -> &'static str {
        match self.error.as_str() {
            "access_denied" => {
                "the user refused, or may not use this OAuth client; log in anew and agree, or have \
                 an administrator authorize the client"
            }
            "unauthorized_client" | "unsupported_response_type" => {
                "the OAuth client has another grant type and needs Code Authorization for a login \
                 (Admin → Integrations → OAuth)"
            }
            "invalid_request" => {
                "the login page did not understand the request; check the client id, the redirect \
                 URI and the organisation with its identity provider (Admin → Integrations → OAuth)"
            }
            "invalid_scope" => {
                "the OAuth client's scopes do not allow it; set them at the client (Admin → \
                 Integrations → OAuth → the client → Scope)"
            }
            "invalid_pkce_package" => {
                "the code challenge was not accepted; begin a new login, and open its URL as it is"
            }
            "server_error" | "temporarily_unavailable" => {
                "the login host has trouble of its own; log in again later"
            }
            _ => "see its own words, and the OAuth client (Admin → Integrations → OAuth)",
        }
    }
}

impl fmt::Display for LoginRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the login page answered {}", self.error)?;
        if let Some(description) = &self.description {
            write!(f, ": {description}")?;
        }
        write!(f, "; {}", self.cure())
    }
}

/// What was called back, or pasted, does not end this login. No code was sent.
#[derive(Debug)]
pub struct InvalidCallback(CallbackFault);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallbackFault {
    TooLong,
    NoUrl,
    Elsewhere,
    NoState,
    State,
    Doubled,
    CodeAndError,
    NoCode,
    Ended,
    Altered,
    OtherLogin,
    Lost,
}

impl InvalidCallback {
    #[cfg(test)]
    pub(crate) fn fault(&self) -> CallbackFault {
        self.0
    }
}

impl From<CallbackFault> for InvalidCallback {
    fn from(fault: CallbackFault) -> Self {
        Self(fault)
    }
}

impl fmt::Display for InvalidCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            CallbackFault::TooLong => {
                "this is no callback of a login: it has more than 16 KiB; paste the address that \
                 the browser shows after the login, and nothing else"
            }
            CallbackFault::NoUrl => {
                "this is no callback of a login: it is neither a URL nor the query of one; paste \
                 the whole address that the browser shows after the login"
            }
            CallbackFault::Elsewhere => {
                "this callback is not at the redirect URI of this login; paste the address that the \
                 browser shows after the login, and see that the OAuth client has this redirect URI"
            }
            CallbackFault::NoState => {
                "this is no callback of a login: it has no state; paste the whole address that the \
                 browser shows after the login"
            }
            CallbackFault::State => {
                "this callback belongs to another login: its state differs; finish each login in \
                 the browser that began it, or log in anew"
            }
            CallbackFault::Doubled => {
                "this is no callback of a login: it holds state, code or error more than once; log \
                 in anew"
            }
            CallbackFault::CodeAndError => {
                "this is no callback of a login: it holds both a code and an error; log in anew"
            }
            CallbackFault::NoCode => {
                "this callback holds neither a code nor an error; paste the whole address that the \
                 browser shows after the login, or log in anew"
            }
            CallbackFault::Ended => {
                "this login was begun more than 10 minutes ago, or by a clock that is wrong; log in \
                 anew"
            }
            CallbackFault::Altered => {
                "this is no pending login, or it was altered, or sealed with another key; log in \
                 anew, and keep what `PendingLogin::into_secret` gives as it is"
            }
            CallbackFault::OtherLogin => {
                "this pending login was begun for another region, client, redirect URI, organisation or \
                 identity provider; finish it where it was begun"
            }
            CallbackFault::Lost => {
                "the runtime ended while this login's code was exchanged, and each code is handed in \
                 once: log in anew"
            }
        })
    }
}

/// No browser was opened here.
#[derive(Debug)]
pub struct NoBrowser {
    reason: &'static str,
    source: Option<std::io::Error>,
}

impl NoBrowser {
    /// Where none can be, or none that reaches this machine.
    pub(crate) fn here(reason: &'static str) -> Self {
        let source = None;
        Self { reason, source }
    }

    /// The one that should have opened did not.
    pub(crate) fn failed(source: std::io::Error) -> Self {
        Self {
            reason: "the browser could not be opened",
            source: Some(source),
        }
    }

    pub(super) fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.source.as_ref()?)
    }

    /// Why none was opened, for the user.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        self.reason
    }
}

impl fmt::Display for NoBrowser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, .. } = self;
        write!(
            f,
            "{reason}; use `Login::listen`, open its `authorize_url` in a browser of another \
             machine, and paste the address that it shows after the login"
        )
    }
}

/// The listener for the login's callback found no port, or waited in vain.
#[derive(Debug)]
pub struct ListenerError(Listening);

#[derive(Debug)]
enum Listening {
    NoPort { tried: String },
    Deadline { limit: Duration, came: String },
}

impl ListenerError {
    /// None of the ports can be listened at: which were `tried`, and why not.
    pub(crate) fn no_port(tried: &impl fmt::Display) -> Self {
        let tried = tried.to_string();
        Self(Listening::NoPort { tried })
    }

    /// The right callback did not come within `limit`; what `came` instead, and how often.
    pub(crate) fn deadline(limit: Duration, came: &impl fmt::Display) -> Self {
        let came = came.to_string();
        Self(Listening::Deadline { limit, came })
    }

    /// Whether the time for the login is over; else no port was free.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.0, Listening::Deadline { .. })
    }
}

impl fmt::Display for ListenerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Listening::NoPort { tried } => write!(
                f,
                "{tried}; end the program that holds it, or give other ports whose redirect URIs \
                 the OAuth client has (Admin → Integrations → OAuth)"
            ),
            Listening::Deadline { limit, came } => write!(
                f,
                "nobody logged in within {} s ({came}); log in anew, and where the login page says \
                 that the client id or the redirect URI is invalid, correct them (Admin → \
                 Integrations → OAuth)",
                limit.as_secs()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_of_the_login_page_says_who_must_act() {
        for (error, cure, transient) in [
            ("access_denied", "administrator authorize", false),
            ("unauthorized_client", "Code Authorization", false),
            ("unsupported_response_type", "Code Authorization", false),
            ("invalid_request", "redirect URI", false),
            ("invalid_scope", "Scope", false),
            ("invalid_pkce_package", "new login", false),
            ("server_error", "later", true),
            ("temporarily_unavailable", "later", true),
            ("a_code_of_tomorrow", "own words", false),
        ] {
            let refused = LoginRefused::new(error, Some("no\u{1b}[2J"), &[]);
            assert_eq!(refused.is_denied(), error == "access_denied");
            assert_eq!(refused.is_transient(), transient, "{error}");
            let text = refused.to_string();
            let start = format!("the login page answered {error}: no\\u{{1b}}[2J; ");
            assert!(text.starts_with(&start) && text.contains(cure), "{text}");
        }
    }

    #[test]
    fn the_words_of_a_login_page_are_short_and_hold_no_secret() {
        let long = "x".repeat(2_000);
        let refused = LoginRefused::new(&long, Some("you sent the-state"), &["the-state"]);
        assert_eq!(refused.error().len(), 512);
        assert_eq!(refused.description(), Some("you sent [redacted]"));
    }

    #[test]
    fn a_deadline_tells_what_was_turned_away() {
        let error = ListenerError::deadline(Duration::from_secs(300), &"2 requests took too long");
        assert!(error.is_timeout());
        let text = error.to_string();
        let start = "nobody logged in within 300 s (2 requests took too long); ";
        assert!(text.starts_with(start), "{text}");
        assert!(!ListenerError::no_port(&"port 1 is taken").is_timeout());
    }
}
