//! Calls of the API: one event and one span each.

use genesys_cloud_auth::{Error, PlatformClient, client::Request, http::Method};

use super::*;
use crate::support::{
    TOKEN,
    cloud::quick,
    credentials, good_token, region_of,
    server::{End, Reply, Server},
};

const ID: &str = "id-of-somebody";

/// The events of a client. Its provider's events come first.
struct Calls {
    client: PlatformClient,
    events: mpsc::Receiver<Event>,
}

impl Calls {
    fn of(tokens: TokenProviderBuilder) -> Self {
        let (handle, events) = event_channel();
        let tokens = tokens.on_event(handle).build().unwrap();
        let client = PlatformClient::builder(tokens);
        let client = client.retry(quick()).build();
        Self { client, events }
    }

    /// Method, status and attempts of the next call.
    fn next(&self) -> (Method, Option<u16>, u32) {
        loop {
            let event = self.events.recv_timeout(DEADLINE).unwrap();
            let shown = format!("{event:?}");
            assert!(!shown.contains(ID) && !shown.contains("/api/"), "{shown}");
            if let Event::ApiCall {
                method,
                status,
                attempts,
                ..
            } = event
            {
                return (method, status.map(|status| status.as_u16()), attempts);
            }
        }
    }
}

/// Sends a request in one of the ways that there are.
async fn call(request: Request, fetches: bool) -> Result<(), Error> {
    if fetches {
        return request.fetch::<serde_json::Value>().await.map(drop);
    }
    request.send().await.map(drop)
}

#[tokio::test]
async fn each_call_is_one_event_with_its_figures() {
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    let of = |status| Reply::json(status, "{}");
    let good = || good_token(TOKEN);
    let cut = || Reply::none(End::Reset);
    let bad_client = || Reply::json(400, r#"{"error":"invalid_client"}"#);
    for (method, token, api, status, attempts) in [
        (GET, good(), vec![of(200)], Some(200), 1),
        (POST, good(), vec![of(201)], Some(201), 1),
        (GET, good(), vec![of(404)], Some(404), 1),
        (Method::DELETE, good(), vec![of(302)], Some(302), 1),
        (GET, good(), vec![of(401), of(200)], Some(200), 2),
        (GET, good(), vec![of(503), of(503), of(200)], Some(200), 3),
        (GET, good(), vec![of(503)], Some(503), 5),
        (Method::PATCH, good(), vec![of(503)], Some(503), 1),
        (POST, good(), vec![cut()], None, 1),
        (GET, good(), vec![of(503), cut()], None, 5),
        // The status of the token endpoint is not the call's.
        (GET, bad_client(), vec![of(200)], None, 0),
    ] {
        for fetches in [true, false] {
            let (login, host) = (Server::start(token.clone()), Server::start(of(200)));
            login.answers([token.clone(), good_token("another-token")]);
            host.answers_all(api.clone());
            let region = region_of(&login, &host);
            let calls = Calls::of(TokenProvider::builder(region, credentials()));
            let request = calls.client.request(method.clone(), "/api/v2/users");
            let _ = call(request.segment(ID), fetches).await;
            assert_eq!(calls.next(), (method.clone(), status, attempts));
            assert_eq!(host.requests().len(), attempts as usize);
            drop(calls.client);
            assert!(calls.events.recv().is_err(), "there is another event");
        }
    }
}

#[tokio::test]
async fn dropped_call_and_each_page_are_reported() {
    let sandbox = Sandbox::start().await.unwrap();
    let credentials = sandbox.client_credentials();
    let calls = Calls::of(TokenProvider::builder(sandbox.region(), credentials));
    let gate = sandbox.at_api().times(1).gate();
    let request = calls.client.get("/api/v2/users/me");
    let dropped = tokio::spawn(request.send());
    gate.wait_for(1).await;
    dropped.abort();
    assert!(dropped.await.is_err_and(|error| error.is_cancelled()));
    assert_eq!(calls.next(), (Method::GET, None, 1));
    gate.release();

    let mut users = calls.client.get("/api/v2/users").query(&[("pageSize", 1)]);
    users = users.timeout(DEADLINE);
    let mut pages = users.pages::<serde_json::Value>();
    let mut read = 0;
    while let Some(user) = pages.next().await {
        user.unwrap();
        read += 1;
    }
    let pages = sandbox.api_requests() - 1;
    assert!(pages > 1 && read > 0);
    for _ in 0..pages {
        assert_eq!(calls.next(), (Method::GET, Some(200), 1));
    }
}

#[tokio::test]
async fn span_of_a_call_has_its_figures() {
    let capture = Capture::start();
    let watched = watched().await;
    let api = PlatformClient::new(watched.tokens.clone());
    api.get("/api/v2/organizations/me").send().await.unwrap();
    assert!(matches!(watched.next(), Event::Acquired { .. }));
    let Event::ApiCall { took, .. } = watched.next() else {
        panic!("another event")
    };
    let closed = closed_spans_of(&capture, "api_call{");
    let took = format!("took={}", took.as_secs_f64());
    let fields = ["method=GET", "status=200", "attempts=1", &took];
    assert_has(closed.last().unwrap(), &fields);
}
