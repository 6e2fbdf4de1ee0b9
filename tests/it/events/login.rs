//! Events and spans of a user's login.

use genesys_cloud_auth::{
    AuthorizationCode, Login,
    sandbox::{RefreshTokens, SandboxBuilder},
};

use super::*;
use crate::support::{login::log_in, variant_of};

const URI: &str = "https://app.example/cb";
/// The name that the program gives the login.
const NAME: &str = "session-of-the-tests";

/// A user who has just logged in; the first event is not received yet.
async fn logged_in(sandbox: SandboxBuilder) -> Watched {
    let sandbox = sandbox.code_client([URI]).start().await.unwrap();
    let ((handle, events), clock) = (event_channel(), Clock::manual());
    let app = AuthorizationCode::public(sandbox.client_id(), URI).unwrap();
    let builder = Login::builder(sandbox.region(), app).on_event(handle);
    let login = builder.clock(clock.clone()).build().unwrap();
    let tokens = log_in(&sandbox, &login, NAME).await;
    Watched {
        sandbox,
        tokens,
        clock,
        events,
    }
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
