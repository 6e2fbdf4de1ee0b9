//! What a token endpoint in memory replies.

use std::time::Duration;

/// The reply to one request.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// A new token with this life in seconds.
    Token(u64),
    /// The same token for every request.
    SameToken(u64),
    Unavailable,
    RateLimited(Duration),
    /// A user's new token with its life in seconds, and a refresh token.
    #[cfg(feature = "login")]
    Login(u64, Option<&'static str>),
    InvalidGrant,
    InvalidClient,
    /// A token for this secret, `invalid_client` for any other.
    InvalidClientUnless(&'static str),
    /// No connection; nothing is sent.
    Unreachable,
    Never,
    /// The reply, after a delay.
    After(Duration, Box<Self>),
}

/// The replies to the requests, by their number.
pub(super) trait Script: Send + Sync + 'static {
    fn reply(&self, request: usize) -> Reply;
}

impl<F: Fn(usize) -> Reply + Send + Sync + 'static> Script for F {
    fn reply(&self, request: usize) -> Reply {
        self(request)
    }
}

/// The replies in their order. The last one is repeated.
impl<const N: usize> Script for [Reply; N] {
    fn reply(&self, request: usize) -> Reply {
        self[request.min(N - 1)].clone()
    }
}

impl Script for Vec<Reply> {
    fn reply(&self, request: usize) -> Reply {
        self[request.min(self.len() - 1)].clone()
    }
}
