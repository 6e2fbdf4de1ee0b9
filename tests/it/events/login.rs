//! Events and spans of a user's login.

use genesys_cloud_auth::{
    AuthorizationCode, Login,
    sandbox::{FaultResponse, RefreshTokens, SandboxBuilder},
};

use super::*;
use crate::support::{
    advance_until_done,
    login::{log_in, parameter},
    variant_of,
};

const URI: &str = "https://app.example/cb";
/// The name that the program gives the login.
const NAME: &str = "session-of-the-tests";

/// A user who has just logged in; the first event is not received yet.
async fn logged_in(sandbox: SandboxBuilder) -> Watched {
    let sandbox = sandbox.code_client([URI]).start().await.unwrap();
    let (login, clock, events) = login_at(&sandbox);
    let tokens = log_in(&sandbox, &login, NAME).await;
    Watched {
        sandbox,
        tokens,
        clock,
        events,
    }
}

fn login_at(sandbox: &Sandbox) -> (Login, Clock, mpsc::Receiver<Event>) {
    let ((handle, events), clock) = (event_channel(), Clock::manual());
    let app = AuthorizationCode::public(sandbox.client_id(), URI).unwrap();
    let builder = Login::builder(sandbox.region(), app).on_event(handle);
    let login = builder.clock(clock.clone()).build().unwrap();
    (login, clock, events)
}

impl Watched {
    /// Returns the next event, while the runtime goes on.
    async fn soon(&self) -> Event {
        let next = async {
            loop {
                match self.events.try_recv() {
                    Ok(event) => return event,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        };
        tokio::time::timeout(DEADLINE, next).await.unwrap()
    }

    /// Moves the clock to the renewal of a token that lives a day, and begins it.
    fn begin_renewal(&self) {
        self.clock.advance(Duration::from_secs(86_398 - 300));
        assert!(self.tokens.cached_token().is_some());
    }
}

#[tokio::test]
async fn login_events_are_complete_and_anonymous() {
    let capture = Capture::start();
    let watched = logged_in(Sandbox::builder()).await;
    let (sandbox, tokens) = (&watched.sandbox, &watched.tokens);
    let mut events = vec![watched.soon().await];
    line(&capture, "token acquired");

    watched.begin_renewal();
    events.push(watched.soon().await);
    let spans = closed_spans(&capture);
    let (grant_type, outcome) = (r#"grant_type="authorization_code""#, r#"outcome="renewed""#);
    let fields = [grant_type, "attempts=1", outcome, "expires_in=8639"];
    assert_has(spans.last().unwrap(), &fields);

    sandbox.revoke_access_tokens();
    tokens.token_info().await.unwrap_err();
    events.push(watched.soon().await);
    sandbox.expire_refresh_tokens();
    let error = tokens.token().await.unwrap_err();
    assert!(error.needs_login());
    events.push(watched.soon().await);
    assert_contains(line(&capture, "token request failed"), grant_type);

    let names: Vec<_> = events.iter().map(variant_of).collect();
    let expected = ["Acquired", "Renewed", "Invalidated", "RequestFailed"];
    assert_eq!(names, expected);
    let text = format!("{events:?}{}{}", capture.tracing(), capture.log());
    let user = &sandbox.users()[0];
    let of_user = [user.name(), user.email(), user.id()];
    for identity in of_user.into_iter().chain([NAME, sandbox.client_id()]) {
        assert!(!text.contains(identity), "{identity}: {text}");
    }
}

#[tokio::test]
async fn login_without_refresh_token_is_reported_as_expiring() {
    let capture = Capture::start();
    let builder = Sandbox::builder().refresh_tokens(RefreshTokens::None);
    let watched = logged_in(builder).await;
    watched.soon().await;
    watched.begin_renewal();
    let Event::LoginExpiring { expires_in, .. } = watched.soon().await else {
        panic!("not expiring")
    };
    assert!(expires_in > Duration::from_secs(290) && expires_in < Duration::from_secs(302));
    let expiring = line(&capture, "login ends soon and cannot be renewed");
    let outcome = r#"outcome="login_expiring""#;
    assert_has(&expiring, &["WARN", outcome, "expires_in="]);
    let spans = closed_spans(&capture);
    assert_contains(spans.last().unwrap(), &format!("attempts=0 {outcome}"));
    assert_eq!(watched.sandbox.token_requests(), 1);
}

#[tokio::test]
async fn code_that_is_sent_again_is_reported_each_time() {
    let capture = Capture::start();
    let sandbox = Sandbox::builder().code_client([URI]);
    let sandbox = sandbox.start().await.unwrap();
    let unavailable = FaultResponse::new(503).header("retry-after", "7");
    for response in [FaultResponse::new(429), unavailable] {
        sandbox.at_token_endpoint().times(1).respond(response);
    }
    let (login, clock, events) = login_at(&sandbox);
    let (tokens, _) = advance_until_done(&clock, log_in(&sandbox, &login, NAME)).await;
    let watched = Watched {
        sandbox,
        tokens,
        clock,
        events,
    };
    let mut paused = Duration::ZERO;
    for (expected, pauses) in [(429, 0.4..=0.6), (503, 7.0..=7.5)] {
        let Event::RequestFailed {
            error,
            took,
            pause,
            has_valid_token,
            ..
        } = watched.soon().await
        else {
            panic!("{expected} is not reported")
        };
        assert_eq!(error.status().map(u16::from), Some(expected));
        assert_eq!(error.retry_after(), Some(pause));
        assert!(pauses.contains(&pause.as_secs_f64()), "{pause:?}");
        assert!(took >= paused && !has_valid_token, "{took:?}");
        paused += pause;
    }
    let Event::Acquired { took, .. } = watched.soon().await else {
        panic!("not acquired")
    };
    assert!(took >= paused, "{took:?}");
    let failed = line(&capture, "token request failed");
    let grant = r#"grant_type="authorization_code""#;
    assert!(failed.contains(grant), "{failed}");
    let spans = closed_spans(&capture);
    let [span] = &spans[..] else {
        panic!("{spans:?}")
    };
    let outcome = r#"outcome="acquired""#;
    assert_has(
        span,
        &[grant, "attempts=3", outcome, "took=", "expires_in="],
    );
}

#[tokio::test]
async fn failed_exchange_is_a_span_and_no_event() {
    let capture = Capture::start();
    let sandbox = Sandbox::builder().code_client([URI]);
    let sandbox = sandbox.start().await.unwrap();
    let (login, _, events) = login_at(&sandbox);
    let pending = login.begin().unwrap();
    let state = parameter(pending.authorize_url(), "state").unwrap();
    let callback = format!("{URI}?code=unknown&state={state}");
    login.finish(pending, &callback, NAME).await.unwrap_err();
    let spans = closed_spans(&capture);
    let [span] = &spans[..] else {
        panic!("{spans:?}")
    };
    assert_has(span, &["attempts=1", r#"outcome="failed""#, "took=0."]);
    assert!(events.try_recv().is_err());
}
