//! Listings over several pages.

mod forms;
mod items;
mod links;
mod signs;

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use genesys_cloud_auth::{
    Error, PlatformClient, Region,
    client::{Pages, RetryPolicy},
};
use serde_json::{Value, json};

use crate::support::{
    TOKEN,
    cloud::quick,
    good_token, kind_of, next_of, provider_of,
    server::{End, Reply, Server},
};

#[tokio::test]
async fn numbered_pages_are_requested_up_to_the_last() {
    let listing = Listing::of([
        numbered(1, 3, &["a", "b"]),
        numbered(2, 3, &[]),
        numbered(3, 3, &["c"]),
    ]);
    let call = listing
        .api
        .get("/api/v2/users?expand=team&pageNumber=1")
        .query(&[("pageSize", "2"), ("q", "x y")])
        .header("Genesys-Test", "yes");
    assert_eq!(all(call.pages()).await.unwrap(), ["a", "b", "c"]);
    assert_eq!(
        listing.targets(),
        [
            "/api/v2/users?expand=team&pageNumber=1&pageSize=2&q=x+y",
            "/api/v2/users?expand=team&pageSize=2&q=x+y&pageNumber=2",
            "/api/v2/users?expand=team&pageSize=2&q=x+y&pageNumber=3",
        ]
    );
    for request in listing.server.requests() {
        assert_eq!(request.header("genesys-test"), Some("yes"));
    }
}

#[tokio::test]
async fn numbered_pages_begin_at_the_callers_page() {
    let listing = Listing::of([numbered(3, 4, &["a"]), numbered(4, 4, &["b"])]);
    let call = listing.api.get("/api/v2/users?pageNumber=3");
    assert_eq!(all(call.pages()).await.unwrap(), ["a", "b"]);
    assert_eq!(listing.targets()[1], "/api/v2/users?pageNumber=4");
}

#[tokio::test]
async fn listing_without_pages_is_one_request() {
    for fields in [
        json!({}),
        json!({ "pageCount": 1 }),
        json!({ "pageCount": 1, "pageNumber": 1, "total": 1 }),
        json!({ "pageCount": 0, "pageNumber": 1 }),
        json!({ "pageCount": null, "pageNumber": null, "nextUri": null, "cursors": null }),
        json!({ "nextUri": "", "after": "", "cursors": { "after": "" } }),
    ] {
        let listing = Listing::of([page(&["a"], &fields)]);
        assert_eq!(listing.all().await.unwrap(), ["a"], "{fields}");
        assert_eq!(listing.targets().len(), 1, "{fields}");
    }
    let listing = Listing::of([Reply::json(200, r#"{"entities":null}"#)]);
    assert!(listing.all().await.unwrap().is_empty());
}

#[tokio::test]
async fn transient_error_lets_the_same_page_be_requested_again() {
    for failure in [
        Reply::json(503, ""),
        Reply::json(429, ""),
        Reply::none(End::Reset),
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", End::Close),
    ] {
        let listing = Listing::of([numbered(1, 2, &["a"]), failure, numbered(2, 2, &["b"])]);
        let call = listing.api.get("/api/v2/users").retry(RetryPolicy::never());
        let mut pages = call.pages::<String>();
        assert_eq!(pages.next().await.unwrap().unwrap(), "a");
        let error = pages.next().await.unwrap().unwrap_err();
        assert!(error.is_transient(), "{error}");
        assert_eq!(pages.next().await.unwrap().unwrap(), "b");
        assert!(pages.next().await.is_none());
        let targets = listing.targets();
        assert_eq!(targets.len(), 3);
        assert_eq!(targets[1], targets[2]);
    }
}

#[tokio::test]
async fn page_is_retried_by_the_retry_policy() {
    let listing = Listing::of([
        numbered(1, 2, &["a"]),
        Reply::json(503, ""),
        numbered(2, 2, &["b"]),
    ]);
    assert_eq!(listing.all().await.unwrap(), ["a", "b"]);
}

#[tokio::test]
async fn lasting_error_ends_the_listing() {
    for failure in [
        Reply::json(404, ""),
        Reply::json(200, "{"),
        Reply::json(200, r#"{"messages":["b"]}"#),
        Reply::json(200, r#"{"entities":[1]}"#),
        Reply::json(200, r#"{"entities":"b"}"#),
        Reply::json(200, ""),
        Reply::of(302, "Location: /elsewhere\r\n", ""),
    ] {
        let listing = Listing::of([numbered(1, 2, &["a"]), failure]);
        ended(&mut listing.users()).await;
        assert_eq!(listing.targets().len(), 2);
    }
    let listing = Listing::start("");
    ended(&mut listing.api.get("/api/../x").pages()).await;
    assert!(listing.targets().is_empty());
}

#[tokio::test]
async fn dropped_next_loses_no_page() {
    let listing = Listing::of([numbered(1, 2, &["a"]), numbered(2, 2, &["b"])]);
    let mut pages = listing.users();
    let mut read = Vec::new();
    while read.len() < 2 {
        // Each future is polled once and dropped.
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(entity) = pin!(pages.next()).poll(&mut context) {
            read.push(entity.unwrap().unwrap());
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(read, ["a", "b"]);
    assert!(pages.next().await.is_none());
    assert_eq!(listing.targets().len(), 2);
}

#[tokio::test]
async fn streamed_body_has_no_pages() {
    let listing = Listing::start("");
    let call = listing.api.post("/api/v2/users");
    let body = super::upload::Chunks::new(["a"]);
    let error = ended(&mut call.body_stream(body).pages()).await;
    assert_eq!(kind_of(&error), "Configuration", "{error}");
    assert!(listing.targets().is_empty());
}

/// An API with one listing.
struct Listing {
    _login: Server,
    server: Server,
    api: PlatformClient,
}

impl Listing {
    /// A listing of these responses.
    fn of<const N: usize>(replies: [Reply; N]) -> Self {
        let listing = Self::start("");
        listing.server.answers(replies);
        listing
    }

    fn start(prefix: &str) -> Self {
        let login = Server::start(good_token(TOKEN));
        let server = Server::start(Reply::json(404, ""));
        let url = format!("{}{prefix}", server.url());
        let region = Region::custom(&login.url(), &url).unwrap();
        let api = PlatformClient::builder(provider_of(region).0.build().unwrap());
        Self {
            api: api.retry(quick()).build(),
            server,
            _login: login,
        }
    }

    fn users(&self) -> Pages<String> {
        self.api.get("/api/v2/users").pages()
    }

    async fn all(&self) -> Result<Vec<String>, Error> {
        all(self.users()).await
    }

    fn targets(&self) -> Vec<String> {
        let requests = self.server.requests();
        requests.into_iter().map(|request| request.target).collect()
    }
}

/// Reads a listing as a stream.
async fn all(mut pages: Pages<String>) -> Result<Vec<String>, Error> {
    let mut read = Vec::new();
    while let Some(entity) = next_of(&mut pages).await {
        read.push(entity?);
    }
    Ok(read)
}

/// Returns the error that ends a listing.
async fn ended(pages: &mut Pages<String>) -> Error {
    let mut error = None;
    for _ in 0..20 {
        error = pages.next().await.expect("an error before the end").err();
        if error.is_some() {
            break;
        }
    }
    let error = error.expect("the listing does not end");
    assert!(!error.is_transient(), "{error}");
    assert!(pages.next().await.is_none(), "{error}");
    error
}

fn numbered(number: u64, count: u64, entities: &[&str]) -> Reply {
    let count = json!({ "pageNumber": number, "pageCount": count, "pageSize": 2, "total": 99 });
    page(entities, &count)
}

fn page(entities: &[&str], fields: &Value) -> Reply {
    let mut body = fields.clone();
    body["entities"] = json!(entities);
    Reply::json(200, &body.to_string())
}
