//! The same of a user's login.

use genesys_cloud_auth::{
    AuthorizationCode, Login,
    sandbox::{RefreshTokens, SandboxBuilder},
};

use super::*;

const URI: &str = "https://app.example/cb";
/// What the program calls the user.
const NAME: &str = "session-of-the-tests";

/// Somebody who has just logged in; the first event is not taken yet.
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
    let pending = login.begin().unwrap();
    let url = pending.authorize_url().clone();
    let back = sandbox.log_in(url.as_str(), &sandbox.users()[0]).await;
    let tokens = login.finish(pending, &back, NAME).await.unwrap();
    Watched {
        sandbox,
        tokens,
        clock,
        events,
    }
}

impl Watched {
    /// The next event, while what brings it about goes on.
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

    /// Moves the clock to where a token of a day is renewed, and begins that.
    fn begin_renewal(&self) {
        self.clock.advance(Duration::from_secs(86_398 - 300));
        assert!(self.tokens.cached_token().is_some());
    }
}

#[tokio::test]
async fn a_login_is_told_from_its_first_token_to_its_end_and_never_whose_it_is() {
    let capture = Capture::start();
    let watched = logged_in(Sandbox::builder()).await;
    let (sandbox, tokens) = (&watched.sandbox, &watched.tokens);
    let mut told = vec![watched.soon().await];
    line(&capture, "token acquired");

    watched.begin_renewal();
    told.push(watched.soon().await);
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
    told.push(watched.soon().await);
    sandbox.expire_refresh_tokens();
    let error = tokens.token().await.unwrap_err();
    assert!(error.needs_login());
    told.push(watched.soon().await);
    let failed = line(&capture, "token request failed");
    assert!(failed.contains(r#"grant_type="authorization_code""#));

    let names: Vec<_> = told
        .iter()
        .map(|event| format!("{event:?}").split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(
        names,
        ["Acquired", "Renewed", "Invalidated", "RequestFailed"]
    );
    let text = format!("{told:?}{}{}", capture.tracing(), capture.log());
    let user = &sandbox.users()[0];
    for whose in [
        NAME,
        user.name(),
        user.email(),
        user.id(),
        sandbox.client_id(),
    ] {
        assert!(!text.contains(whose), "{whose}: {text}");
    }
}

#[tokio::test]
async fn the_end_of_a_login_without_a_refresh_token_is_told_ahead_of_time() {
    let capture = Capture::start();
    let builder = Sandbox::builder().refresh_tokens(RefreshTokens::None);
    let watched = logged_in(builder).await;
    watched.soon().await;
    watched.begin_renewal();
    let Event::LoginExpiring { expires_in, .. } = watched.soon().await else {
        panic!("not told")
    };
    assert!(expires_in > Duration::from_secs(290) && expires_in < Duration::from_secs(302));
    let told = line(&capture, "login ends soon, and nothing can renew it");
    for field in ["WARN", r#"outcome="login_expiring""#, "expires_in="] {
        assert!(told.contains(field), "{field}: {told}");
    }
    let spans = closed_spans(&capture);
    let span = spans.last().unwrap();
    let field = r#"attempts=0 outcome="login_expiring""#;
    assert!(span.contains(field), "{span}");
    assert_eq!(watched.sandbox.token_requests(), 1);
}
