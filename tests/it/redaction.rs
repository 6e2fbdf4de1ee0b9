//! Sentinels for secrets, looked for in everything that anybody can see.

mod replies;

use std::{sync::mpsc, time::Duration};

use genesys_cloud_auth::{
    ClientCredentials, ClientSecret, Clock, Connections, Error, Event, FixedToken, Grant,
    PlatformClient, Region, RetryPolicy, TokenProvider,
};
use serde_json::json;

use crate::support::{
    CLIENT_ID,
    capture::Capture,
    provider_of, region_of,
    sentinels::{Shown, find, forms},
    server::{Closed, End, Reply, Server},
};
use replies::{
    BODY, OWN_TOKEN, QUERY, SECRET, SENTINELS, TOKEN, bad_answers, echoes_of, good, no_answers,
};

#[test]
fn a_planted_secret_is_found_in_every_form_and_channel() {
    for sentinel in SENTINELS {
        for (form, text) in forms(sentinel.1) {
            let capture = Capture::start();
            tracing::trace!(field = %text);
            assert!(find(&capture.tracing(), &[*sentinel]).is_some(), "{form}");
            log::trace!("planted {text}");
            assert!(find(&capture.log(), &[*sentinel]).is_some(), "{form}");

            let mut shown = Shown::default();
            shown.display(&text);
            assert!(find(shown.text(), &[*sentinel]).is_some(), "{form}");
        }
    }
    let capture = Capture::start();
    let span = tracing::trace_span!("planted", secret = SECRET).entered();
    drop(span);
    assert!(find(&capture.tracing(), SENTINELS).is_some());
}

#[tokio::test]
async fn no_secret_is_shown_where_all_goes_well() {
    let mut run = Run::start();
    let (login, api) = (Server::start(good()), Server::start(Reply::json(200, "{}")));
    let region = region_of(&login, &api);
    let (client, clock) = run.client(region);
    let tokens = client.tokens().clone();

    run.shown.debug(&tokens);
    run.shown.debug(&tokens.token().await.unwrap());
    run.shown.debug(&tokens.authorization().await.unwrap());
    run.shown.debug(&tokens.try_token());
    run.shown.debug(&tokens);
    run.shown.debug(&client);
    run.shown.debug(&tokens.token_info().await.unwrap());
    let call = client
        .post("/api/v2/users")
        .query(&[("q", QUERY)])
        .body(&json!({"body": BODY}));
    run.shown.debug(&call);
    run.shown.debug(&call.send().await.unwrap());
    let own = client.get(&format!("/api/v2/users?q={}", "x"));
    let own = own.header("Authorization", format!("Bearer {TOKEN}"));
    run.shown.debug(&own);
    let chunks = own.query(&[("q", QUERY)]).send().await.unwrap().chunks();
    run.shown.debug(&chunks);
    clock.advance(A_DAY);
    tokens.token().await.unwrap();
    tokens.revoke().await.unwrap();
    run.shown.debug(&tokens);

    assert!(login.requests().len() == 2 && api.requests().len() == 4);
    run.ended();
}

#[tokio::test]
async fn no_secret_is_shown_where_the_token_endpoint_misbehaves() {
    let mut run = Run::start();
    let server = Server::start(good());
    for reply in bad_answers() {
        server.answers([reply]);
        let (client, _clock) = run.client(region_of(&server, &server));
        let tokens = client.tokens();
        run.shown.error(&tokens.token().await.unwrap_err());
        // In the pause.
        run.shown.error(&tokens.token().await.unwrap_err());
        run.shown
            .error(&tokens.ready(Duration::from_nanos(1)).await.unwrap_err());
        run.shown.debug(tokens);
    }
    run.ended();
}

#[tokio::test]
async fn no_secret_is_in_an_event() {
    let mut run = Run::start();
    let server = Server::start(good());
    for reply in [good()].into_iter().chain(bad_answers()) {
        server.answers([reply]);
        let (sender, events) = mpsc::channel();
        let credentials = ClientCredentials::new(CLIENT_ID, SECRET).unwrap();
        let tokens = TokenProvider::builder(region_of(&server, &server), credentials)
            .attempt_timeout(SHORT)
            .on_event(move |event| drop(sender.send(event.clone())))
            .build()
            .unwrap();
        match tokens.token().await {
            Ok(token) => tokens.invalidate(&token),
            Err(error) => run.shown.error(&error),
        }
        drop(tokens);
        // The handler goes with the provider, once it was told everything.
        for event in events {
            run.shown.debug(&event);
            if let Event::RequestFailed { error, .. } = &event {
                run.shown.error(error);
            }
        }
    }
    run.ended();
}

#[tokio::test]
async fn no_secret_is_shown_where_the_api_misbehaves() {
    let mut run = Run::start();
    let login = Server::start(good());
    let api = Server::start(Reply::json(200, "{}"));
    for reply in echoes_of(TOKEN).into_iter().chain(no_answers()) {
        api.answers([reply]);
        let (client, _clock) = run.client(region_of(&login, &api));
        let client = client.timeout(SHORT);
        let call = || client.get("/api/v2/users").query(&[("q", QUERY)]);
        if let Err(error) = call().fetch::<Vec<u8>>().await {
            run.shown.error(&error);
        }
        match call().send().await {
            Ok(response) => {
                run.shown.debug(&response);
                if let Err(error) = response.json::<u8>().await {
                    run.shown.error(&error);
                }
            }
            Err(error) => run.shown.error(&error),
        }
        let asked = client.tokens().token_info().await.err();
        let revoked = client.tokens().revoke().await.err();
        for error in asked.iter().chain(&revoked) {
            run.shown.error(error);
        }
    }
    run.ended();
}

#[tokio::test]
async fn a_token_of_the_callers_own_is_not_shown_either() {
    let mut run = Run::start();
    let api = Server::start(Reply::json(200, "{}"));
    let (client, _clock) = run.client(region_of(&api, &api));
    for reply in echoes_of(OWN_TOKEN) {
        api.answers([reply]);
        let call = client.get("/api/v2/users");
        let call = call.header("Authorization", format!("Bearer {OWN_TOKEN}"));
        run.shown.debug(&call);
        if let Err(error) = call.fetch::<Vec<u8>>().await {
            run.shown.error(&error);
        }
    }
    run.ended();
}

#[tokio::test]
async fn no_secret_is_shown_where_nobody_is_there() {
    let mut run = Run::start();
    let closed = Closed::new();
    let url = format!("http://{}", closed.address());
    let (client, clock) = run.client(Region::custom(&url, &url, None).unwrap());
    let tokens = client.tokens();
    run.shown.error(&tokens.token().await.unwrap_err());
    let server = closed.open(Reply::none(End::Hold));
    for reply in no_answers() {
        server.answers([reply]);
        clock.advance(A_DAY);
        run.shown.error(&tokens.token().await.unwrap_err());
    }
    run.ended();
}

#[tokio::test]
async fn no_secret_is_shown_where_it_is_given_in_the_wrong_place_or_form() {
    let mut run = Run::start();
    let line = |text: &str| format!("{text}\n");
    let errors: Vec<Error> = vec![
        ClientCredentials::new(CLIENT_ID, line(SECRET)).unwrap_err(),
        ClientCredentials::new(format!("{CLIENT_ID}:{SECRET}"), SECRET).unwrap_err(),
        FixedToken::new(format!("Bearer {TOKEN}")).unwrap_err(),
        FixedToken::new(line(TOKEN)).unwrap_err(),
        SECRET.parse::<Region>().unwrap_err().into(),
        custom(&format!("https://user:{SECRET}@host.example")),
        custom(&format!("https://host.example/?{SECRET}")),
        custom(SECRET),
    ];
    for error in &errors {
        run.shown.error(error);
    }

    let server = Server::start(good());
    for secret in [
        ClientSecret::from_fn(move || async { Ok(line_of(SECRET).into()) }),
        ClientSecret::from_fn(|| async { panic!("the source is broken") }),
        ClientSecret::from_fn(|| async { Err("the vault is closed".into()) }),
        ClientSecret::from_env("A_VARIABLE_THAT_NOBODY_SET"),
        ClientSecret::from_file("/nowhere/secret"),
    ] {
        run.shown.debug(&secret);
        let credentials = ClientCredentials::new(CLIENT_ID, secret).unwrap();
        run.shown.debug(&credentials);
        let region = region_of(&server, &server);
        let tokens = TokenProvider::new(region, credentials).unwrap();
        run.shown.error(&tokens.token().await.unwrap_err());
    }
    assert!(server.requests().is_empty());

    let (client, _clock) = run.client(region_of(&server, &server));
    let call = client
        .get("/api/v2/users")
        .header("Authorization", line(TOKEN));
    run.shown.error(&call.send().await.unwrap_err());
    let call = client.get(&format!("/api/v2/users?q=a b{QUERY}"));
    run.shown.debug(&call);
    run.shown.error(&call.send().await.unwrap_err());
    client.tokens().token().await.unwrap();
    run.ended();
}

/// A run whose every word is kept.
struct Run {
    capture: Capture,
    shown: Shown,
    connections: Connections,
}

impl Run {
    fn start() -> Self {
        Self {
            capture: Capture::start(),
            shown: Shown::default(),
            connections: Connections::new(|reqwest| reqwest.connection_verbose(true)).unwrap(),
        }
    }

    /// A client with the sentinels for its secrets. Its connections were told to log all they carry.
    fn client(&mut self, region: Region) -> (PlatformClient, Clock) {
        let credentials = ClientCredentials::new(CLIENT_ID, SECRET).unwrap();
        self.shown.debug(&credentials);
        self.shown.debug(&Grant::from(credentials.clone()));
        self.shown.debug(&FixedToken::new(TOKEN).unwrap());
        self.shown.debug(&ClientSecret::from(SECRET));
        self.shown.debug(&self.connections);
        let (_, clock) = provider_of(region.clone());
        let builder = TokenProvider::builder(region, credentials)
            .connections(self.connections.clone())
            .attempt_timeout(SHORT)
            .clock(clock.clone());
        self.shown.debug(&builder);
        let api = PlatformClient::new(builder.build().unwrap());
        (api.retry(RetryPolicy::never()), clock)
    }

    /// Nothing of a secret was shown, and something was.
    fn ended(self) {
        let (tracing, log) = (self.capture.tracing(), self.capture.log());
        for (channel, text) in [
            ("shown", self.shown.text()),
            ("tracing", &tracing),
            ("log", &log),
        ] {
            assert!(!text.is_empty(), "{channel} was not listened to");
            if let Some(found) = find(text, SENTINELS) {
                panic!("in {channel}, {found}");
            }
        }
    }
}

fn custom(url: &str) -> Error {
    Region::custom(url, url, None).unwrap_err().into()
}

fn line_of(text: &str) -> String {
    format!("{text}\n")
}

const SHORT: Duration = Duration::from_millis(300);

const A_DAY: Duration = Duration::from_secs(86_400);
