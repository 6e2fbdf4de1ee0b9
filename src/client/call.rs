//! Sends one call, and sends it again where that can help.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header::AUTHORIZATION};
use secrecy::SecretString;
use tracing::{Instrument, Span, field::Empty};
use url::Url;

use super::response::Response;
use crate::{
    clock::Moment,
    error::{Error, ErrorKind},
    http_client::{Outcome, Outgoing, OutgoingBody, endpoint_with_host},
    provider::{Event, TARGET, TokenProvider},
    retry::{Failure, Jitter, Repeat, RetryPolicy},
    runtime,
    token::AccessToken,
};

/// A request with all that is needed to send it.
pub(super) struct Call {
    pub(super) tokens: TokenProvider,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    pub(super) deadline: Moment,
    /// The maximum time for which the call still waits for a token.
    pub(super) token_wait: Duration,
    /// The time from the call to its deadline.
    pub(super) timeout: Duration,
    pub(super) retry: RetryPolicy,
    pub(super) repeat: Repeat,
    /// A 404 counts as success after an attempt that may have been processed.
    pub(super) gone_is_done: bool,
    pub(super) body_limit: usize,
    pub(super) read_body: ReadBody,
    /// What a response must not repeat.
    pub(super) body_secrets: Vec<SecretString>,
}

/// When the body of the response is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadBody {
    /// As part of each attempt, so that a response that breaks off is requested again.
    Now,
    /// By the caller.
    Later,
}

pub(super) enum Body {
    None,
    Bytes(Bytes),
    Stream(OutgoingBody),
}

impl Body {
    /// Returns the body for the next attempt. A stream serves one attempt.
    fn next(&mut self) -> Option<OutgoingBody> {
        match self {
            Self::None => None,
            Self::Bytes(bytes) => (!bytes.is_empty()).then(|| bytes.clone().into()),
            Self::Stream(stream) => Some(std::mem::take(stream)),
        }
    }
}

impl Call {
    pub(super) async fn send(self) -> Result<Response, Error> {
        let span = tracing::debug_span!(
            target: TARGET,
            "api_call",
            method = %self.method,
            path = self.url.path(),
            status = Empty,
            attempts = Empty,
            took = Empty,
        );
        let mut sending = Sending {
            own_authorization: self.headers.contains_key(AUTHORIZATION),
            started: self.tokens.clock().now(),
            span: span.clone(),
            call: self,
            token: None,
            attempts: 0,
            status: None,
            response: None,
            failures: 0,
            may_be_done: false,
            last_failure: None,
        };
        let result = sending.with_fresh_token().instrument(span).await;
        result.map_err(|error| match error.kind() {
            // The failure before says more than a bare timeout.
            ErrorKind::Timeout => sending.last_failure.take().unwrap_or(error),
            _ => error,
        })?;
        let response = sending.response.take();
        response.ok_or_else(|| sending.timed_out())
    }
}

/// A call that is being sent. It is reported when it ends, or is dropped.
struct Sending {
    call: Call,
    started: Moment,
    span: Span,
    /// Whether the caller has set `Authorization`, so that no token is needed.
    own_authorization: bool,
    /// The token of the last attempt.
    token: Option<AccessToken>,
    /// Attempts so far.
    attempts: u32,
    /// The status of the last attempt's response.
    status: Option<StatusCode>,
    /// Where the response stays, since it is large and several functions return it.
    response: Option<Response>,
    /// Failed attempts so far. Those whose token was rejected do not count.
    failures: u32,
    /// Whether a failed attempt may have been processed.
    may_be_done: bool,
    last_failure: Option<Error>,
}

impl Sending {
    /// Sends the request, and sends it once more with a new token where the API rejects the first.
    async fn with_fresh_token(&mut self) -> Result<(), Error> {
        let first = match self.with_retries().await {
            Err(error) if self.drop_rejected_token(&error) => error,
            result => return result,
        };
        if self.call.repeat == Repeat::Never {
            return Err(first);
        }
        self.last_failure = Some(first.clone());
        match self.with_retries().await {
            // The token is not the cause, and the first response says why.
            Err(second) if self.drop_rejected_token(&second) => Err(first),
            result => result.map_err(|error| error.with_rejection(&first)),
        }
    }

    /// Sends the request until it succeeds, its token is rejected or the retry policy ends it.
    async fn with_retries(&mut self) -> Result<(), Error> {
        loop {
            self.authorize().await?;
            let error = match self.attempt().await {
                Err(error) if !error.invalidates_token() => error,
                result => return result,
            };
            self.failures += 1;
            self.may_be_done |= error.may_have_effect();
            let pause = self.pause_after(&error);
            let attempt = self.failures;
            let status = error.status().map(|status| status.as_u16());
            tracing::debug!(target: TARGET, attempt, status, ?pause, "the call failed");
            let Some(pause) = pause else {
                return Err(error);
            };
            self.last_failure = Some(error);
            let clock = self.call.tokens.clock();
            clock.sleep_until(clock.now() + pause).await;
        }
    }

    /// Puts a valid token into the headers.
    async fn authorize(&mut self) -> Result<(), Error> {
        if self.own_authorization {
            return Ok(());
        }
        let token = match self.call.tokens.valid_token() {
            Some(token) => token,
            None => self.wait_for_token().await?,
        };
        let headers = &mut self.call.headers;
        headers.insert(AUTHORIZATION, token.header().clone());
        self.token = Some(token);
        Ok(())
    }

    async fn wait_for_token(&mut self) -> Result<AccessToken, Error> {
        let call = &mut self.call;
        let clock = call.tokens.clock();
        let started = clock.now();
        let deadline = call.deadline.min(started + call.token_wait);
        let token = call.tokens.token_by(deadline).await;
        let token = token.map_err(Error::without_token)?;
        call.token_wait = call.token_wait.saturating_sub(clock.now() - started);
        Ok(token)
    }

    fn timed_out(&self) -> Error {
        let what = endpoint_with_host(&self.call.method, &self.call.url);
        Error::timeout(&what, self.call.timeout)
    }

    /// Sends the request once, and keeps the response.
    async fn attempt(&mut self) -> Result<(), Error> {
        let clock = self.call.tokens.clock();
        let timeout = self.call.deadline - clock.now();
        runtime::for_requests().ok_or(ErrorKind::NoRuntime)?;
        if timeout.is_zero() {
            return Err(self.timed_out());
        }
        let call = &mut self.call;
        let outgoing = Outgoing {
            method: call.method.clone(),
            url: call.url.clone(),
            headers: call.headers.clone(),
            body: call.body.next(),
            timeout,
        };
        self.attempts += 1;
        self.status = None;
        let mut incoming = call.tokens.http_client().send(outgoing).await?;
        self.status = Some(incoming.status());
        if !call.body_secrets.is_empty() {
            incoming.set_body_secrets(call.body_secrets.clone());
        }
        let outcome = incoming.outcome();
        let is_gone = incoming.status() == StatusCode::NOT_FOUND;
        let is_done = is_gone && call.gone_is_done && self.may_be_done;
        if outcome == Outcome::Error && !is_done {
            return Err(incoming.api_error(call.tokens.clock()).await);
        }
        let response = self
            .response
            .insert(Response::new(incoming, call.body_limit));
        if call.read_body == ReadBody::Now && outcome == Outcome::Success {
            response.read().await?;
        }
        Ok(())
    }

    /// Invalidates the token of the last attempt if the API has rejected it.
    fn drop_rejected_token(&mut self, error: &Error) -> bool {
        let rejected = self.token.take().filter(|_| error.invalidates_token());
        rejected
            .inspect(|token| self.call.tokens.invalidate(token))
            .is_some()
    }

    fn pause_after(&self, error: &Error) -> Option<Duration> {
        let Call { retry, repeat, .. } = self.call;
        let left = self.call.deadline - self.call.tokens.clock().now();
        retry.pause(repeat, failure(error)?, self.failures, left, Jitter::draw())
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        let tokens = &self.call.tokens;
        let took = tokens.clock().now() - self.started;
        if let Some(status) = self.status {
            self.span.record("status", status.as_u16());
        }
        self.span.record("attempts", self.attempts);
        self.span.record("took", took.as_secs_f64());
        tokens.report(&Event::ApiCall {
            method: self.call.method.clone(),
            status: self.status,
            took,
            attempts: self.attempts,
        });
    }
}

/// Returns what the retry policy needs to know of an error.
fn failure(error: &Error) -> Option<Failure> {
    if !error.is_transient() {
        return None;
    }
    if let ErrorKind::Transport(_) = error.kind() {
        let nothing_sent = error.nothing_sent();
        return Some(Failure::NoResponse { nothing_sent });
    }
    Some(Failure::Response {
        status: error.status()?,
        retry_after: error.retry_after(),
    })
}
