//! What happens to a token, told to the program's handler and to `tracing`.

use std::time::Duration;

use tracing::Span;

use super::{RefreshPolicy, Shared, WaiterResult};
use crate::{
    clock::Moment,
    error::{Error, ErrorKind, TokenExpired},
    token::AccessToken,
};

/// What happened to a provider's token; see [`on_event`](crate::TokenProviderBuilder::on_event).
///
/// No event holds a secret or says whose token it was. A caller that fails in a pause is no event:
/// the failure that began the pause was one.
///
/// ```
/// use genesys_cloud_auth::Event;
///
/// fn report(event: &Event) {
///     match event {
///         Event::RequestFailed { error, pause, token_in_hand, .. } => {
///             eprintln!("no new token ({error}), the next request in {pause:?}");
///             if !token_in_hand {
///                 eprintln!("and there is no valid one");
///             }
///         }
///         Event::Invalidated { age, .. } => eprintln!("the API refused a token {age:?} old"),
///         _ => {}
///     }
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A token came where there was no valid one: the first, or one after that.
    #[non_exhaustive]
    Acquired {
        /// How long its request took, from the question for the credentials to the answer.
        took: Duration,
        /// How long it lives from now on.
        expires_in: Duration,
    },
    /// A token that a store had came; no request was sent for it.
    #[non_exhaustive]
    Loaded {
        /// How long it lives from now on.
        expires_in: Duration,
    },
    /// The store of a service's token failed: each process then asks for its own. Where that of a
    /// user's login fails, [`RequestFailed`](Self::RequestFailed) tells.
    #[non_exhaustive]
    StoreFailed {
        /// What the store said.
        error: Error,
    },
    /// A user's login ends soon, and nothing can renew it: the server gave no refresh token, or the
    /// source of SAML assertions has no other. Told once, while the token is still valid, where it
    /// would otherwise have been renewed.
    #[non_exhaustive]
    LoginExpiring {
        /// How long its token lives from now on.
        expires_in: Duration,
    },
    /// A token came while the one before it was still valid.
    #[non_exhaustive]
    Renewed {
        /// How long its request took, from the question for the credentials to the answer.
        took: Duration,
        /// How long it lives from now on.
        expires_in: Duration,
    },
    /// A token request failed, or the source of its credentials or the store of its login did, or its
    /// token had no life left.
    #[non_exhaustive]
    RequestFailed {
        /// Why, as those who waited for it were told.
        error: Error,
        /// How long it took.
        took: Duration,
        /// No other request starts for so long; only another secret, assertion or login ends the pause
        /// earlier.
        pause: Duration,
        /// Whether a valid token is handed out meanwhile.
        token_in_hand: bool,
    },
    /// The API refused the token, and it is no longer handed out.
    #[non_exhaustive]
    Invalidated {
        /// The time since its request was sent; of one given from outside, since it was given.
        age: Duration,
        /// Where the API refuses one new token after another: for so long none is asked for.
        pause: Option<Duration>,
    },
    /// Earlier events that are lost, because the handler was too slow or no thread could be
    /// started for it.
    #[non_exhaustive]
    Missed {
        /// How many.
        events: u64,
    },
}

impl Event {
    /// What the end of a flight comes to, for those who did not wait for it.
    pub(super) fn of_flight(
        landing: &Landing,
        outcome: &WaiterResult,
        machine: &RefreshPolicy,
    ) -> Option<Self> {
        let &Landing {
            now,
            took,
            token_in_hand,
            ..
        } = landing;
        let failed = |error: Error| Self::RequestFailed {
            pause: error.retry_after().unwrap_or_default(),
            error,
            took,
            token_in_hand,
        };
        let held = machine.valid_token(now).map(AccessToken::fingerprint);
        match outcome {
            WaiterResult::Token(token) if held == Some(token.fingerprint()) => {
                let expires_in = token.end() - now;
                Some(if landing.loaded {
                    Self::Loaded { expires_in }
                } else if token_in_hand {
                    Self::Renewed { took, expires_in }
                } else {
                    Self::Acquired { took, expires_in }
                })
            }
            // It had no life left.
            WaiterResult::Token(_) if !landing.lost => {
                let expired = Error::from(ErrorKind::TokenExpired(TokenExpired::on_arrival()));
                let pause = machine.pause_left(now).unwrap_or_default();
                Some(failed(expired.in_pause(pause)))
            }
            WaiterResult::Failed(error) => Some(failed(error.clone())),
            WaiterResult::Token(_) | WaiterResult::AskAgain => None,
        }
    }

    /// Adds what the span of a flight does not know before its end.
    pub(super) fn record(&self, span: &Span) {
        span.record("outcome", self.outcome());
        match self {
            Self::Acquired { took, expires_in } | Self::Renewed { took, expires_in } => {
                span.record("took", took.as_secs_f64());
                span.record("expires_in", expires_in.as_secs_f64());
            }
            Self::RequestFailed {
                took,
                pause,
                token_in_hand,
                ..
            } => {
                span.record("took", took.as_secs_f64());
                span.record("pause", pause.as_secs_f64());
                span.record("token_in_hand", token_in_hand);
            }
            Self::Loaded { expires_in } | Self::LoginExpiring { expires_in } => {
                span.record("expires_in", expires_in.as_secs_f64());
            }
            Self::StoreFailed { .. } | Self::Invalidated { .. } | Self::Missed { .. } => {}
        }
    }

    fn outcome(&self) -> &'static str {
        match self {
            Self::Acquired { .. } => "acquired",
            Self::Loaded { .. } => "loaded",
            Self::StoreFailed { .. } => "store_failed",
            Self::LoginExpiring { .. } => "login_expiring",
            Self::Renewed { .. } => "renewed",
            Self::RequestFailed { .. } => "failed",
            Self::Invalidated { .. } => "invalidated",
            Self::Missed { .. } => "missed",
        }
    }
}

/// How things stood when a flight came to its end.
pub(super) struct Landing {
    pub(super) now: Moment,
    pub(super) took: Duration,
    /// Nobody waited for it any more.
    pub(super) lost: bool,
    /// The token is a store's.
    pub(super) loaded: bool,
    pub(super) token_in_hand: bool,
}

/// What `tracing` gets of an event; the fields are those of the guide on observability.
impl Shared {
    pub(super) fn trace(&self, event: &Event) {
        let (region, grant_type) = (&self.endpoint.region, self.grant.name());
        let outcome = event.outcome();
        match event {
            Event::Acquired { took, expires_in } | Event::Renewed { took, expires_in } => {
                tracing::debug!(
                    target: TARGET,
                    %region,
                    grant_type,
                    outcome,
                    took = took.as_secs_f64(),
                    expires_in = expires_in.as_secs_f64(),
                    "token {outcome}"
                );
            }
            Event::Loaded { expires_in } => tracing::debug!(
                target: TARGET,
                %region,
                grant_type,
                outcome,
                expires_in = expires_in.as_secs_f64(),
                "token loaded"
            ),
            Event::Invalidated { age, pause: None } => tracing::debug!(
                target: TARGET,
                %region,
                grant_type,
                outcome,
                age = age.as_secs_f64(),
                "token refused by the API"
            ),
            _ => self.warn(event),
        }
    }

    /// Somebody should look after these.
    fn warn(&self, event: &Event) {
        let (region, grant_type) = (&self.endpoint.region, self.grant.name());
        let outcome = event.outcome();
        match event {
            Event::RequestFailed {
                error,
                took,
                pause,
                token_in_hand,
            } => tracing::warn!(
                target: TARGET,
                %region,
                grant_type,
                outcome,
                took = took.as_secs_f64(),
                pause = pause.as_secs_f64(),
                token_in_hand,
                %error,
                "token request failed"
            ),
            Event::Invalidated {
                age,
                pause: Some(pause),
            } => tracing::warn!(
                target: TARGET,
                %region,
                grant_type,
                outcome,
                age = age.as_secs_f64(),
                pause = pause.as_secs_f64(),
                "one new token after another refused by the API"
            ),
            Event::StoreFailed { error } => tracing::warn!(
                target: TARGET,
                %region,
                grant_type,
                outcome,
                %error,
                "the store failed"
            ),
            Event::LoginExpiring { expires_in } => tracing::warn!(
                target: TARGET,
                %region,
                grant_type,
                outcome,
                expires_in = expires_in.as_secs_f64(),
                "login ends soon, and nothing can renew it"
            ),
            // That the handler missed some is told to the handler alone.
            _ => {}
        }
    }
}

/// What filters find spans and events by, wherever the code that writes them stands.
pub(crate) const TARGET: &str = "genesys_cloud_auth";
