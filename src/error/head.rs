//! What an answer tells beside its body.

use std::time::Duration;

/// Whose answer it is, and what its status line and headers tell.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// The request's method and path.
    pub(crate) place: String,
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) correlation_id: Option<String>,
}
