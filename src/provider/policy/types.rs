//! What the policy receives, returns and remembers.

use std::time::Duration;

use crate::{
    clock::Moment,
    error::Error,
    token::{AccessToken, Fingerprint},
};

/// The facts about a token that the policy needs.
pub(crate) trait Token: Clone {
    fn fingerprint(&self) -> Fingerprint;
    /// The moment at which its request was sent.
    fn requested(&self) -> Moment;
    fn end(&self) -> Moment;
}

impl Token for AccessToken {
    fn fingerprint(&self) -> Fingerprint {
        self.fingerprint()
    }

    fn requested(&self) -> Moment {
        self.requested()
    }

    fn end(&self) -> Moment {
        self.end()
    }
}

/// Whether there are credentials for another token, and whether they can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CredentialSource {
    /// There are none: the token cannot be renewed.
    None,
    Static,
    /// The source may return other credentials the next time.
    Dynamic,
}

/// What a caller receives.
#[derive(Clone, Debug)]
pub(crate) enum Decision<T = AccessToken> {
    Serve(T),
    /// The caller waits for the running refresh, at most until then, and asks again.
    Wait {
        until: Moment,
    },
    /// In a pause, the error's `retry_after()` is the rest of the pause.
    Fail(Error),
}

/// One refresh. The policy keeps a copy of it while the refresh runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) generation: u64,
    /// Whether the refresh only asks the credential source, unless the credentials have changed.
    pub(crate) probe: bool,
    /// The moment from which the refresh counts as lost, unless another step begins before.
    pub(super) lost_at: Moment,
}

/// How a refresh ended.
#[derive(Clone, Debug)]
pub(crate) enum RefreshResult<T = AccessToken> {
    Token(T),
    Failed(Error),
    /// The token endpoint did not accept the credentials, and the source has no others.
    InvalidCredentials(Error),
    /// A probe found the same credentials.
    Unchanged,
    /// The refresh was dropped before its end.
    Lost,
}

/// What the waiters of a refresh receive.
#[derive(Clone, Debug)]
pub(crate) enum WaiterResult<T = AccessToken> {
    Token(T),
    /// The error's `retry_after()` is the rest of the pause.
    Failed(Error),
    AskAgain,
}

/// The invalidation of the current token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Invalidation {
    /// The time since the token's request.
    pub(crate) age: Duration,
    /// The pause, if the API rejects one new token after another.
    pub(crate) pause: Option<Duration>,
}

/// The current token.
#[derive(Clone, Debug)]
pub(super) struct CachedToken<T> {
    pub(super) token: T,
    pub(super) renew_at: Moment,
}

/// The time after a failure in which no refresh starts, except probes.
#[derive(Clone, Debug)]
pub(super) struct Pause {
    pub(super) until: Moment,
    pub(super) cause: Error,
    /// Whether the cause are invalid credentials, so that others end the pause.
    pub(super) invalid_credentials: bool,
}

impl Pause {
    /// The cause, with the rest of the pause.
    pub(super) fn error(&self, now: Moment) -> Error {
        self.cause.in_pause(self.until - now)
    }
}

/// The last four rejected tokens. Each is remembered until its end.
#[derive(Clone, Debug, Default)]
pub(super) struct RejectedTokens(pub(super) [Option<(Fingerprint, Moment)>; 4]);

impl RejectedTokens {
    pub(super) fn remember(&mut self, token: &impl Token) {
        self.0.rotate_right(1);
        if let Some(oldest) = self.0.first_mut() {
            *oldest = Some((token.fingerprint(), token.end()));
        }
    }

    pub(super) fn contains(&self, token: Fingerprint, now: Moment) -> bool {
        let mut rejected = self.0.iter().flatten();
        rejected.any(|(rejected, end)| *rejected == token && now < *end)
    }
}
