//! What happens to a token and in calls of the API, for the program's handler and for `tracing`.

pub(super) mod dispatcher;

use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};
use tracing::{Span, field::Empty};

use crate::{clock::Moment, error::Error, region::Region, token::AccessToken};

/// What happened to a provider's token, or in a call of the API with it; see
/// [`on_event`](crate::TokenProviderBuilder::on_event).
///
/// No event contains a secret or says whose token it is. A caller that fails in a pause is no event:
/// the failure that began the pause was one.
///
/// ```
/// use genesys_cloud_auth::Event;
///
/// fn report(event: &Event) {
///     match event {
///         Event::RequestFailed { error, has_valid_token, .. } => {
///             eprintln!("no new token: {error:?}"); // names the causes and the pause, too
///             if !has_valid_token {
///                 eprintln!("there is no valid token");
///             }
///         }
///         Event::Invalidated { age, .. } => eprintln!("the API rejected a token {age:?} old"),
///         _ => {}
///     }
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A token was issued, and there was no valid one: the first, or one after an interruption.
    #[non_exhaustive]
    Acquired {
        /// How long the refresh took, from reading the credentials to the response.
        took: Duration,
        /// How long the token lives from now on.
        expires_in: Duration,
        /// When the token expires, by the wall clock at its arrival.
        expires_at: SystemTime,
    },
    /// A token was loaded from the store; no request was sent for it.
    #[non_exhaustive]
    Loaded {
        /// How long the token lives from now on.
        expires_in: Duration,
        /// When the token expires, by the wall clock at its arrival.
        expires_at: SystemTime,
    },
    /// The store of a service's token failed; each process then requests its own token. If the store
    /// of a user's login fails, the event is [`RequestFailed`](Self::RequestFailed).
    #[non_exhaustive]
    StoreFailed {
        /// Why the store failed.
        error: Error,
    },
    /// A user's login ends soon and cannot be renewed: the server sent no refresh token, or the
    /// source of SAML assertions has no new one. Reported once per token, while it is valid, at the
    /// time when it would otherwise have been renewed.
    #[non_exhaustive]
    LoginExpiring {
        /// How long the token lives from now on.
        expires_in: Duration,
        /// When the token expires, by the wall clock at its arrival.
        expires_at: SystemTime,
    },
    /// A token was issued while the one before it was still valid.
    #[non_exhaustive]
    Renewed {
        /// How long the refresh took, from reading the credentials to the response.
        took: Duration,
        /// How long the token lives from now on.
        expires_in: Duration,
        /// When the token expires, by the wall clock at its arrival.
        expires_at: SystemTime,
    },
    /// A refresh failed: its token request, its credential source or the store of its login, or the
    /// token had no life left. Or the exchange of a login's code failed, and the code is sent again
    /// after `pause`.
    #[non_exhaustive]
    RequestFailed {
        /// The error, as the waiting callers received it.
        error: Error,
        /// How long the refresh took, or the exchange until now.
        took: Duration,
        /// How long no other request starts. Only another secret, assertion or login ends the pause
        /// earlier.
        pause: Duration,
        /// Whether there still is a valid token.
        has_valid_token: bool,
    },
    /// The API rejected the token, and it is no longer used.
    #[non_exhaustive]
    Invalidated {
        /// The time since the token was requested or, for a [`FixedToken`](crate::FixedToken), since
        /// the provider was built.
        age: Duration,
        /// How long no token is requested, where the API rejects one new token after another.
        pause: Option<Duration>,
    },
    /// A call of [`PlatformClient`](crate::PlatformClient) has ended, or its caller dropped it. A
    /// listing is one call for each page.
    #[non_exhaustive]
    ApiCall {
        /// The method of the request.
        method: Method,
        /// The status of the last response. `None` where no request was sent, for want of a token, or
        /// no response came to the last one.
        status: Option<StatusCode>,
        /// How long the call took: its wait for a token, its attempts and the pauses between them, to
        /// the head of the response or, where the call decodes it, the end of its body.
        took: Duration,
        /// How many requests were sent: more than one after a rejected token or a transient failure.
        attempts: u32,
    },
    /// Earlier events are lost, because the handler was too slow or no thread could be started for
    /// it.
    #[non_exhaustive]
    Missed {
        /// How many events are lost.
        events: u64,
    },
}

impl Event {
    /// Records what the span of a refresh does not know before its end.
    pub(super) fn record(&self, span: &Span) {
        span.record("outcome", self.outcome());
        match self {
            Self::Acquired {
                took, expires_in, ..
            }
            | Self::Renewed {
                took, expires_in, ..
            } => {
                span.record("took", took.as_secs_f64());
                span.record("expires_in", expires_in.as_secs_f64());
            }
            Self::RequestFailed {
                took,
                pause,
                has_valid_token,
                ..
            } => {
                span.record("took", took.as_secs_f64());
                span.record("pause", pause.as_secs_f64());
                span.record("has_valid_token", has_valid_token);
            }
            Self::Loaded { expires_in, .. } | Self::LoginExpiring { expires_in, .. } => {
                span.record("expires_in", expires_in.as_secs_f64());
            }
            Self::StoreFailed { .. }
            | Self::Invalidated { .. }
            | Self::ApiCall { .. }
            | Self::Missed { .. } => {}
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
            Self::ApiCall { .. } => "api_call",
            Self::Missed { .. } => "missed",
        }
    }
}

/// Returns how long a token lives from `now` on, and when it expires by the wall clock.
pub(super) fn end_of(token: &AccessToken, now: Moment) -> (Duration, SystemTime) {
    let expires_in = token.end() - now;
    // Only a life of more than all years has no such time.
    let expires_at = token.expires_at().unwrap_or(SystemTime::UNIX_EPOCH);
    (expires_in, expires_at)
}

/// Returns the span of a refresh, or of a login's exchange. Its other fields are known at the end.
pub(super) fn request_span(region: &Region, grant_type: &str) -> Span {
    let span = tracing::debug_span!(
        target: TARGET,
        // A refresh serves many callers and may outlive the one that started it.
        parent: None,
        "token_request",
        %region,
        grant_type,
        attempts = Empty,
        outcome = Empty,
        took = Empty,
        expires_in = Empty,
        pause = Empty,
        has_valid_token = Empty,
    );
    span.follows_from(Span::current());
    span
}

/// Writes an event to `tracing`; the guide on observability lists the fields.
pub(super) fn trace(region: &Region, grant_type: &str, event: &Event) {
    let outcome = event.outcome();
    macro_rules! write {
        ($level:ident, $message:literal $(, $time:ident)* $(; $field:ident = $value:expr)*) => {
            tracing::$level!(
                target: TARGET,
                %region,
                grant_type,
                outcome,
                $($time = $time.as_secs_f64(),)*
                $($field = $value,)*
                $message
            )
        };
    }
    match event {
        Event::Acquired {
            took, expires_in, ..
        }
        | Event::Renewed {
            took, expires_in, ..
        } => {
            write!(debug, "token {outcome}", took, expires_in);
        }
        Event::Loaded { expires_in, .. } => write!(debug, "token loaded", expires_in),
        Event::RequestFailed {
            error,
            took,
            pause,
            has_valid_token,
        } => {
            let error = tracing::field::display(error);
            write!(warn, "token request failed", took, pause;
                has_valid_token = has_valid_token; error = error);
        }
        Event::Invalidated { age, pause: None } => write!(debug, "token rejected by the API", age),
        Event::Invalidated {
            age,
            pause: Some(pause),
        } => write!(
            warn,
            "one new token after another rejected by the API",
            age, pause
        ),
        Event::StoreFailed { error } => {
            write!(warn, "the store failed"; error = tracing::field::display(error));
        }
        Event::LoginExpiring { expires_in, .. } => {
            write!(warn, "login ends soon and cannot be renewed", expires_in);
        }
        // A call has a span of its own, and only the handler can miss events.
        Event::ApiCall { .. } | Event::Missed { .. } => {}
    }
}

/// The target of all spans and events, whichever module writes them.
pub(crate) const TARGET: &str = "genesys_cloud_auth";
