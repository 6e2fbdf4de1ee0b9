//! What a program learns about its tokens from its handler and from `tracing`.

mod calls;
mod login;

use std::{
    fmt::Write,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use genesys_cloud_auth::{
    ClientCredentials, ClientSecret, Clock, ErrorKind, Event, TokenProvider, TokenProviderBuilder,
    sandbox::Sandbox,
};
use tracing::Instrument;

use crate::support::{assert_contains, capture::Capture, event_channel, runtime::runtime};

struct Watched {
    sandbox: Sandbox,
    tokens: TokenProvider,
    clock: Clock,
    events: mpsc::Receiver<Event>,
}

async fn watched() -> Watched {
    let sandbox = Sandbox::start().await.unwrap();
    let ((handle, events), clock) = (event_channel(), Clock::manual());
    let builder = TokenProvider::builder(sandbox.region(), sandbox.client_credentials());
    let builder = builder.on_event(handle).clock(clock.clone());
    let tokens = builder.build().unwrap();
    Watched {
        sandbox,
        tokens,
        clock,
        events,
    }
}

impl Watched {
    fn next(&self) -> Event {
        self.events.recv_timeout(DEADLINE).unwrap()
    }
}

#[tokio::test]
async fn handler_receives_what_happens_to_the_token() {
    let watched = watched().await;
    let (sandbox, tokens) = (&watched.sandbox, &watched.tokens);
    let token = tokens.token().await.unwrap();
    let Event::Acquired { expires_in, .. } = watched.next() else {
        panic!("not acquired")
    };
    assert_eq!(expires_in.as_secs(), 86_398);

    watched.clock.advance(Duration::from_secs(86_398 - 300));
    assert!(tokens.cached_token().is_some());
    sandbox.wait_for_token_requests(2).await;
    // Wait until the refresh has ended.
    while tokens.token().await.unwrap().expose_secret() == token.expose_secret() {
        tokio::task::yield_now().await;
    }
    assert!(matches!(watched.next(), Event::Renewed { .. }));

    sandbox.rotate_secret();
    sandbox.revoke_access_tokens();
    tokens.token_info().await.unwrap_err();
    assert!(matches!(watched.next(), Event::Invalidated { .. }));
    tokens.token().await.unwrap_err();
    let Event::RequestFailed {
        error,
        pause,
        has_valid_token,
        ..
    } = watched.next()
    else {
        panic!("not failed")
    };
    assert!(matches!(error.kind(), ErrorKind::InvalidClient(_)));
    assert_eq!(error.retry_after(), Some(pause));
    assert!(!has_valid_token);
}

#[tokio::test]
async fn refresh_is_a_span_with_its_facts() {
    let capture = Capture::start();
    let watched = watched().await;
    let (sandbox, tokens) = (&watched.sandbox, &watched.tokens);
    tokens.token().await.unwrap();
    let closed = closed_spans(&capture);
    let [span] = &closed[..] else {
        panic!("{closed:?}")
    };
    let region = format!("region={} ", sandbox.region());
    let grant_type = r#"grant_type="client_credentials""#;
    let start = ["DEBUG", &region, grant_type, "attempts=1"];
    assert_has(span, &start);
    assert_has(
        span,
        &[r#"outcome="acquired""#, "took=0.", "expires_in=8639"],
    );

    sandbox.revoke_access_tokens();
    tokens.token_info().await.unwrap_err();
    assert_has(
        &line(&capture, "token rejected by the API"),
        &["DEBUG", "age="],
    );

    sandbox.rotate_secret();
    tokens.token().await.unwrap_err();
    let closed = closed_spans(&capture);
    let failure = [r#"outcome="failed""#, "pause=", "has_valid_token=false"];
    assert_has(closed.last().unwrap(), &failure);
    // The event is complete without its span, which a filter may leave out.
    let failed = line(&capture, "token request failed");
    let (level, fields) = failed.split_once("token request failed").unwrap();
    assert_contains(level, "WARN");
    assert_has(fields, &[&region, grant_type, "took=0."]);
    assert_has(fields, &failure);
    let login = sandbox.region().login_url().authority().to_owned();
    assert_contains(
        fields,
        &format!("error=POST {login}/oauth/token returned HTTP 400 invalid_client"),
    );
}

#[tokio::test]
async fn span_counts_requests_and_has_no_parent() {
    let capture = Capture::start();
    let sandbox = Sandbox::start().await.unwrap();
    let secrets = ["the-old-secret".into(), sandbox.client_secret()];
    let reads = AtomicUsize::new(0);
    let secret = ClientSecret::from_fn(move || {
        let secret = secrets[reads.fetch_add(1, Ordering::SeqCst)].clone();
        async move { Ok(secret) }
    });
    let credentials = ClientCredentials::new(sandbox.client_id(), secret).unwrap();
    let tokens = TokenProvider::new(sandbox.region(), credentials).unwrap();
    let caller = tracing::info_span!("caller");
    tokens.token().instrument(caller).await.unwrap();
    let closed = closed_spans(&capture);
    let span = closed.last().unwrap();
    assert_contains(span, "attempts=2");
    assert!(!span.contains("caller"), "{span}");
}

#[tokio::test]
async fn span_without_an_event_has_an_outcome() {
    let capture = Capture::start();
    let sandbox = Sandbox::start().await.unwrap();
    let secret = ClientSecret::from_fn(|| async { Ok("not-the-secret".into()) });
    let credentials = ClientCredentials::new(sandbox.client_id(), secret).unwrap();
    let clock = Clock::manual();
    let builder = TokenProvider::builder(sandbox.region(), credentials);
    let tokens = builder.clock(clock.clone()).build().unwrap();
    tokens.token().await.unwrap_err();
    clock.advance(Duration::from_secs(1));
    tokens.token().await.unwrap_err();
    let closed = closed_spans(&capture);
    let [rejected, probed] = &closed[..] else {
        panic!("{closed:?}")
    };
    assert!(rejected.contains(r#"attempts=1 outcome="failed""#));
    assert!(probed.contains(r#"attempts=0 outcome="unchanged""#));
}

#[test]
fn span_of_a_dropped_runtime_is_lost() {
    let capture = Capture::start();
    let first = runtime();
    let sandbox = runtime().block_on(Sandbox::start()).unwrap();
    let tokens = TokenProvider::new(sandbox.region(), sandbox.client_credentials()).unwrap();
    let gate = sandbox.at_token_endpoint().gate();
    first.block_on(async {
        assert!(tokens.cached_token().is_none());
        gate.wait_for(1).await;
    });
    assert!(closed_spans(&capture).is_empty());
    drop(first);
    assert_contains(&closed_spans(&capture)[0], r#"attempts=1 outcome="lost""#);
}

#[tokio::test]
async fn valid_token_writes_nothing() {
    let capture = Capture::start();
    let watched = watched().await;
    watched.tokens.token().await.unwrap();
    watched.next();
    let before = (capture.tracing(), capture.log());
    for _ in 0..100 {
        watched.tokens.token().await.unwrap();
        watched.tokens.authorization_header().await.unwrap();
        watched.tokens.cached_token().unwrap();
    }
    assert_eq!((capture.tracing(), capture.log()), before);
    assert!(watched.events.try_recv().is_err());
}

#[tokio::test]
async fn events_and_spans_do_not_identify_the_client() {
    let capture = Capture::start();
    let watched = watched().await;
    watched.tokens.token().await.unwrap();
    watched.sandbox.revoke_access_tokens();
    watched.tokens.token_info().await.unwrap_err();
    watched.sandbox.rotate_secret();
    watched.tokens.token().await.unwrap_err();
    let mut text = capture.tracing() + &capture.log();
    for _ in 0..3 {
        writeln!(text, "{:?}", watched.next()).unwrap();
    }
    assert!(!text.contains(watched.sandbox.client_id()), "{text}");
}

/// The last line of each span of a token request.
fn closed_spans(capture: &Capture) -> Vec<String> {
    closed_spans_of(capture, "token_request{")
}

fn closed_spans_of(capture: &Capture, start: &str) -> Vec<String> {
    let text = capture.tracing();
    let closed = text.lines().filter(|line| line.contains(start));
    let closed = closed.filter(|line| line.contains(": close "));
    closed.map(str::to_owned).collect()
}

#[track_caller]
fn assert_has(text: &str, fields: &[&str]) {
    for field in fields {
        assert_contains(text, field);
    }
}

fn line(capture: &Capture, message: &str) -> String {
    let text = capture.tracing();
    let line = text.lines().find(|line| line.contains(message));
    line.unwrap_or_else(|| panic!("no {message}: {text}"))
        .to_owned()
}

const DEADLINE: Duration = Duration::from_secs(30);
