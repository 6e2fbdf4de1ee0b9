//! Events and spans of a user's login.

use genesys_cloud_auth::{
    AuthorizationCode, Login,
    sandbox::{RefreshTokens, SandboxBuilder},
};

use super::*;
use crate::support::login::log_in;

const URI: &str = "https://app.example/cb";
/// The name that the program gives the login.
const NAME: &str = "session-of-the-tests";

/// A user who has just logged in; the first event is not received yet.
async fn logged_in(sandbox: SandboxBuilder) -> Watched {
    let sandbox = sandbox.code_client([URI]).start().await.unwrap();
    let (sender, events) = mpsc::channel();
    let clock = Clock::manual();
    let app = AuthorizationCode::public(sandbox.client_id(), URI).unwrap();
    let login = Login::builder(sandbox.region(), app)
        .on_event(move |event| drop(sender.send(event.clone())))
        .clock(clock.clone())
        .build()
        .unwrap();
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
    let span = spans.last().unwrap();
    for field in [
        r#"grant_type="authorization_code""#,
        "attempts=1",
        r#"outcome="renewed""#,
        "expires_in=8639",
    ] {
        assert!(span.contains(field), "{field}: {span}");
    }

    sandbox.revoke_access_tokens();
    tokens.token_info().await.unwrap_err();
    events.push(watched.soon().await);
    sandbox.expire_refresh_tokens();
    let error = tokens.token().await.unwrap_err();
    assert!(error.needs_login());
    events.push(watched.soon().await);
    let failed = line(&capture, "token request failed");
    assert!(failed.contains(r#"grant_type="authorization_code""#));

    let names: Vec<_> = events
        .iter()
        .map(|event| format!("{event:?}").split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(
        names,
        ["Acquired", "Renewed", "Invalidated", "RequestFailed"]
    );
    let text = format!("{events:?}{}{}", capture.tracing(), capture.log());
    let user = &sandbox.users()[0];
    for identity in [
        NAME,
        user.name(),
        user.email(),
        user.id(),
        sandbox.client_id(),
    ] {
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
    for field in ["WARN", r#"outcome="login_expiring""#, "expires_in="] {
        assert!(expiring.contains(field), "{field}: {expiring}");
    }
    let spans = closed_spans(&capture);
    let span = spans.last().unwrap();
    let field = r#"attempts=0 outcome="login_expiring""#;
    assert_contains(&span, field);
    assert_eq!(watched.sandbox.token_requests(), 1);
}
