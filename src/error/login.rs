//! Errors of logins. They are compiled without the feature `login`, too.
#![cfg_attr(
    not(feature = "login"),
    allow(dead_code, reason = "there are no logins without the feature")
)]

use std::{borrow::Cow, fmt, io, time::Duration};

use super::{redact::sanitize, response::ResponseHead, token_endpoint::OAuthError};
use crate::platform_limits::{IMPLICIT_GRANT_CLOSED_SINCE, IMPLICIT_GRANT_ENDS};

/// A login is needed, or it failed.
#[derive(Debug)]
pub struct LoginError {
    kind: LoginErrorKind,
    text: Text,
    response: Option<OAuthError>,
    source: Option<io::Error>,
    /// Boxed, since most logins end otherwise.
    exchange: Option<Box<FailedExchange>>,
}

/// Why a code got no token.
#[derive(Debug)]
struct FailedExchange {
    head: Option<ResponseHead>,
    error: Box<dyn std::error::Error + Send + Sync>,
}

#[derive(Debug)]
enum Text {
    Whole(Cow<'static, str>),
    Of(CallbackFault),
}

/// Why a login is needed, or why it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginErrorKind {
    /// There is no login, or it has ended, or its code got no token and cannot be sent again.
    LoginRequired,
    /// The login page sent the browser back with an error (RFC 6749 4.1.2.1).
    Denied {
        /// The code, such as `access_denied` or `invalid_scope`.
        error: String,
        /// The login page's own words.
        description: Option<String>,
    },
    /// The callback, or the address that was pasted, does not belong to this login. No code was
    /// sent.
    Callback,
    /// The callback, or the address that was pasted, is one of the implicit grant, which this crate
    /// does not support.
    ImplicitGrant,
    /// No browser was opened.
    NoBrowser {
        /// Why, as a text for the user.
        reason: &'static str,
    },
    /// The listener for the callback found no free port, or no callback arrived in time.
    Listener {
        /// Whether no callback arrived in time. Otherwise no port was free.
        is_timeout: bool,
    },
}

impl LoginError {
    fn new(kind: LoginErrorKind, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            text: Text::Whole(text.into()),
            response: None,
            source: None,
            exchange: None,
        }
    }

    /// There is no record of a login, or none that opens.
    pub(crate) fn required() -> Self {
        let text = "no user is logged in; log in first";
        Self::new(LoginErrorKind::LoginRequired, text)
    }

    pub(crate) fn logged_out() -> Self {
        let text = "the user logged out; log in again";
        Self::new(LoginErrorKind::LoginRequired, text)
    }

    /// The token endpoint does not accept the refresh token.
    pub(super) fn ended(response: OAuthError) -> Self {
        let text = format!("the stored login has ended: {response}");
        Self {
            response: Some(response),
            ..Self::new(LoginErrorKind::LoginRequired, text)
        }
    }

    /// The code of a login is not sent again after `error`, and `why` not.
    pub(super) fn code_ended(
        error: impl std::error::Error + Send + Sync + 'static,
        head: Option<ResponseHead>,
        why: &'static str,
    ) -> Self {
        let text = format!("{error}; {why}: log in again");
        let head = head.map(|head| ResponseHead {
            // Waiting does not help.
            retry_after: None,
            ..head
        });
        let error = Box::new(error);
        Self {
            exchange: Some(Box::new(FailedExchange { head, error })),
            ..Self::new(LoginErrorKind::LoginRequired, text)
        }
    }

    /// The runtime dropped the exchange of a code.
    pub(crate) fn exchange_dropped() -> Self {
        let text = "the runtime ended while the code of this login was exchanged, and a code is \
            never sent twice: log in again";
        Self::new(LoginErrorKind::LoginRequired, text)
    }

    /// The login page's error, without the `secrets` of the login.
    pub(crate) fn denied(error: &str, description: Option<&str>, secrets: &[&str]) -> Self {
        let error = sanitize(error, secrets);
        let description = description.map(|text| sanitize(text, secrets));
        let words = description.as_deref();
        let words = words.map_or_else(String::new, |words| format!(": {words}"));
        let cure = cure_of_denied(&error);
        let text = format!("the login page returned {error}{words}; {cure}");
        Self::new(LoginErrorKind::Denied { error, description }, text)
    }

    pub(crate) fn implicit_grant() -> Self {
        let text = format!(
            "this is a callback of the implicit grant: no client with it can be created since \
             {IMPLICIT_GRANT_CLOSED_SINCE}, and existing ones get no more tokens from \
             {IMPLICIT_GRANT_ENDS} on; create an OAuth client with the grant type Code \
             Authorization (Admin → Integrations → OAuth) and log in with PKCE, as the guide \"From \
             the implicit grant to PKCE\" shows"
        );
        Self::new(LoginErrorKind::ImplicitGrant, text)
    }

    /// No browser can be opened on this machine, or none that could reach it.
    pub(crate) fn no_browser(reason: &'static str) -> Self {
        let text = format!(
            "no browser was opened: {reason}; use `Login::listen`, open its `authorize_url` in a \
             browser on another machine, and paste the address that the browser shows after the login"
        );
        Self::new(LoginErrorKind::NoBrowser { reason }, text)
    }

    /// The browser of this machine could not be opened.
    pub(crate) fn browser_failed(source: io::Error) -> Self {
        Self {
            source: Some(source),
            ..Self::no_browser("its program could not be started")
        }
    }

    /// The listener could use no port: which were `tried`, and why not.
    pub(crate) fn no_port(tried: &impl fmt::Display) -> Self {
        let text = format!(
            "{tried}; end the program that uses the port, or configure other ports whose redirect \
             URIs the OAuth client has (Admin → Integrations → OAuth)"
        );
        Self::new(LoginErrorKind::Listener { is_timeout: false }, text)
    }

    /// No callback arrived within `limit`; which requests were `rejected` instead, and how many.
    pub(crate) fn deadline(limit: Duration, rejected: &impl fmt::Display) -> Self {
        let text = format!(
            "no user logged in within {} s ({rejected}); log in again, and where the login page \
             says that the client id or the redirect URI is invalid, correct them (Admin → \
             Integrations → OAuth)",
            limit.as_secs()
        );
        Self::new(LoginErrorKind::Listener { is_timeout: true }, text)
    }

    /// Returns why a login is needed, or why it failed.
    #[must_use]
    pub fn kind(&self) -> &LoginErrorKind {
        &self.kind
    }

    /// Returns the response with which the token endpoint ended a stored login.
    #[must_use]
    pub fn response(&self) -> Option<&OAuthError> {
        self.response.as_ref()
    }

    /// Whether the user declined, or the organisation does not allow it.
    #[must_use]
    pub fn is_declined(&self) -> bool {
        matches!(&self.kind, LoginErrorKind::Denied { error, .. } if error == "access_denied")
    }

    /// Returns the head of the response that led to this error.
    pub(super) fn head(&self) -> Option<&ResponseHead> {
        let exchange = self.exchange.as_deref();
        let response = self.response.as_ref();
        response
            .map(|response| &response.head)
            .or_else(|| exchange?.head.as_ref())
    }

    pub(super) fn is_transient(&self) -> bool {
        matches!(&self.kind, LoginErrorKind::Denied { error, .. }
            if error == "server_error" || error == "temporarily_unavailable")
    }

    #[cfg(test)]
    pub(crate) fn fault(&self) -> Option<CallbackFault> {
        match self.text {
            Text::Of(fault) => Some(fault),
            Text::Whole(_) => None,
        }
    }
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Text::Whole(text) => f.write_str(text),
            Text::Of(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for LoginError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.exchange {
            // The text contains the error's own.
            Some(exchange) => exchange.error.source(),
            None => Some(self.source.as_ref()?),
        }
    }
}

impl From<CallbackFault> for LoginError {
    fn from(fault: CallbackFault) -> Self {
        Self {
            text: Text::Of(fault),
            ..Self::new(LoginErrorKind::Callback, "")
        }
    }
}

fn cure_of_denied(error: &str) -> &'static str {
    match error {
        "access_denied" => {
            "the user declined, or may not use this OAuth client; log in again and agree, or ask an \
             administrator to authorize the client"
        }
        "unauthorized_client" | "unsupported_response_type" => {
            "the OAuth client has another grant type; a login needs Code Authorization (Admin → \
             Integrations → OAuth)"
        }
        "invalid_request" => {
            "the login page did not accept the request; check the client id, the redirect URI and \
             the organisation with its identity provider (Admin → Integrations → OAuth)"
        }
        "invalid_scope" => {
            "the OAuth client does not have this scope; add it to the client (Admin → Integrations \
             → OAuth → the client → Scope)"
        }
        "invalid_pkce_package" => {
            "the code challenge was not accepted; start a new login, and open its URL unchanged"
        }
        "server_error" | "temporarily_unavailable" => {
            "the login host is failing; log in again later"
        }
        _ => "check the OAuth client (Admin → Integrations → OAuth)",
    }
}

/// What is wrong with a callback, a pasted address or a pending login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallbackFault {
    #[error(
        "this is not the callback of a login: it is longer than 16 KiB; paste only the address that \
         the browser shows after the login"
    )]
    TooLong,
    #[error(
        "this is not the callback of a login: it is neither a URL nor the query of one; paste the \
         whole address that the browser shows after the login"
    )]
    NoUrl,
    #[error(
        "this callback is not for the redirect URI of this login; paste the address that the \
         browser shows after the login, and check that the OAuth client has this redirect URI"
    )]
    Elsewhere,
    #[error(
        "this is not the callback of a login: it has no state; paste the whole address that the \
         browser shows after the login"
    )]
    NoState,
    #[error(
        "this callback belongs to another login: its state differs; finish each login in the \
         browser that started it, or log in again"
    )]
    State,
    #[error(
        "this is not the callback of a login: it has state, code or error more than once; log in \
         again"
    )]
    Doubled,
    #[error("this is not the callback of a login: it has both a code and an error; log in again")]
    CodeAndError,
    #[error(
        "this callback has neither a code nor an error; paste the whole address that the browser \
         shows after the login, or log in again"
    )]
    NoCode,
    #[error(
        "this login was started more than 10 minutes ago, or by a machine whose clock is wrong; \
         log in again"
    )]
    Ended,
    #[error(
        "this is not a pending login, or it was changed or sealed with another key; log in again, \
         and keep what `PendingLogin::into_secret` returns unchanged"
    )]
    Altered,
    #[error(
        "this pending login was started for another region, client, redirect URI, organisation or \
         identity provider; finish it with the same settings"
    )]
    OtherLogin,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_of_the_login_page_names_its_cure() {
        for (code, cure, transient) in [
            ("access_denied", "administrator to authorize", false),
            ("unauthorized_client", "Code Authorization", false),
            ("unsupported_response_type", "Code Authorization", false),
            ("invalid_request", "redirect URI", false),
            ("invalid_scope", "Scope", false),
            ("invalid_pkce_package", "new login", false),
            ("server_error", "later", true),
            ("temporarily_unavailable", "later", true),
            ("a_code_of_tomorrow", "OAuth client", false),
        ] {
            let denied = LoginError::denied(code, Some("no\u{1b}[2J"), &[]);
            let LoginErrorKind::Denied { error, .. } = denied.kind() else {
                panic!("{denied:?}")
            };
            assert_eq!(error, code);
            assert_eq!(denied.is_declined(), code == "access_denied");
            assert_eq!(denied.is_transient(), transient, "{code}");
            let text = denied.to_string();
            let start = format!("the login page returned {code}: no\\u{{1b}}[2J; ");
            assert!(text.starts_with(&start) && text.contains(cure), "{text}");
        }
    }

    #[test]
    fn words_of_the_login_page_are_short_and_without_secrets() {
        let long = "x".repeat(2_000);
        let denied = LoginError::denied(&long, Some("you sent the-state"), &["the-state"]);
        let LoginErrorKind::Denied { error, description } = denied.kind() else {
            panic!("{denied:?}")
        };
        assert_eq!(error.len(), 512);
        assert_eq!(description.as_deref(), Some("you sent [redacted]"));
    }

    #[test]
    fn deadline_names_the_rejected_requests() {
        let error = LoginError::deadline(Duration::from_secs(300), &"2 requests took too long");
        assert_eq!(*error.kind(), LoginErrorKind::Listener { is_timeout: true });
        let text = error.to_string();
        let start = "no user logged in within 300 s (2 requests took too long); ";
        assert!(text.starts_with(start), "{text}");
        let no_port = LoginError::no_port(&"port 1 is taken");
        let kind = LoginErrorKind::Listener { is_timeout: false };
        assert_eq!(*no_port.kind(), kind);
    }
}
