//! Makes the errors of this side and of requests without a response.

use std::{borrow::Cow, sync::Arc, time::Duration};

use url::Url;

use super::{
    ConfigurationKind, CredentialSourceError, Error, ErrorKind, Inner, InvalidConfiguration, Peer,
    TimedOut, TransportError, TransportKind, local::Seconds,
};

impl Error {
    pub(crate) fn configuration(text: impl Into<Cow<'static, str>>) -> Self {
        InvalidConfiguration::new(ConfigurationKind::Other, text).into()
    }

    /// Puts a setting's name, such as a variable's, before the text of a configuration error. Other
    /// errors stay as they are.
    pub(crate) fn in_setting(self, name: &str) -> Self {
        match self.kind() {
            ErrorKind::Configuration(error) => {
                let text = format!("{name}: {error}");
                InvalidConfiguration::new(error.kind().clone(), text).into()
            }
            _ => self,
        }
    }

    /// A client id without its secret, which is row 5 of the table.
    pub(crate) fn secret_missing(text: impl Into<Cow<'static, str>>) -> Self {
        InvalidConfiguration::new(ConfigurationKind::MissingSecret, text).into()
    }

    pub(crate) fn invalid_path(why: &str) -> Self {
        let text = format!("invalid API path: {why}");
        InvalidConfiguration::new(ConfigurationKind::InvalidPath, text).into()
    }

    pub(crate) fn credential_source(
        text: impl Into<Cow<'static, str>>,
        cause: Option<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let text = text.into();
        ErrorKind::CredentialSource(CredentialSourceError { text, cause }).into()
    }

    /// What was to be done within `limit`, such as a call or a token request.
    pub(crate) fn timeout(what: &str, limit: Duration) -> Self {
        let limit = Seconds(limit);
        let text = format!(
            "{what} did not end within the allowed {limit} s; allow more time, or see the events and \
             logs for what takes so long"
        );
        Self(Arc::new(Inner::Named(ErrorKind::Timeout, text)))
    }

    /// Roles of an OAuth client whose grant has none, which is row 4 of the table.
    pub(crate) fn roles_without_client_credentials(text: impl Into<Cow<'static, str>>) -> Self {
        InvalidConfiguration::new(ConfigurationKind::RolesWithoutClientCredentials, text).into()
    }

    /// A response that did not arrive within an attempt's time.
    pub(crate) fn response_timeout(url: &Url, limit: Duration) -> Self {
        let endpoint = format!("POST {}", url.path());
        Self::no_response(
            url,
            TransportKind::Timeout,
            Some(TimedOut { endpoint, limit }),
        )
    }

    /// A request whose task panicked.
    pub(crate) fn request_failed(url: &Url) -> Self {
        Self::no_response(url, TransportKind::Other, None)
    }

    fn no_response(url: &Url, kind: TransportKind, timed_out: Option<TimedOut>) -> Self {
        ErrorKind::Transport(TransportError {
            kind,
            peer: Peer::of(url),
            nothing_sent: false,
            cause: None,
            correlation_id: None,
            timed_out,
            source: None,
        })
        .into()
    }
}
