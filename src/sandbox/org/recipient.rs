//! The client that a token is issued to.

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
