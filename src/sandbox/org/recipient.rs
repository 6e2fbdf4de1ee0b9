//! The client that a token is issued to, and the code that it sends.

use std::{sync::Arc, time::Duration};

/// The client that tokens are issued to, and how it authenticated.
#[derive(Clone)]
pub(crate) struct Recipient {
    pub(crate) client: Arc<str>,
    pub(crate) lifetime: Duration,
    pub(crate) authentication: ClientAuthentication,
}

/// How a client authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientAuthentication {
    Secret,
    /// It sent only its id, as public clients do.
    None,
}

/// A code, and what the client sends with it.
pub(crate) struct CodeExchange<'a> {
    pub(crate) code: &'a str,
    pub(crate) redirect_uri: &'a str,
    pub(crate) verifier: Option<&'a str>,
    pub(crate) recipient: Recipient,
}
