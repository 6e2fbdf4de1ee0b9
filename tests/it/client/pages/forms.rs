//! Every form of the Platform API's listings, as the sandbox has them.

mod rows;

use genesys_cloud_auth::{
    Error, PlatformClient,
    client::Pages,
    sandbox::{Sandbox, SandboxListing},
};
use http::Method;
use serde_json::json;

use rows::{
    CUT,
    End::{self, Complete, EmptyPage, Whole},
    Row, post, rows,
};

use crate::support::{
    assert_contains,
    cloud::{client_of, sandbox_and_client},
    kind_of,
};

#[tokio::test]
async fn every_form_is_read_whole_or_ends_in_an_error() {
    let test = Test::start().await;
    for row in rows() {
        for (items, listing) in [
            (0, listing(0)),
            (1, listing(1)),
            (7, listing(7)),
            (8, listing(8)),
            (7, listing(7).empty_page(1)),
            (7, listing(7).empty_page(2).empty_page(3)),
            (8, listing(8).empty_page(5)),
        ] {
            let case = format!("{} {} {listing:?}", row.endpoint, row.query);
            let (read, error) = test.read(&row, listing, true).await;
            let all: Vec<_> = (0..items).collect();
            match (row.end, error) {
                (Complete | Whole, None) => assert_eq!(read, all, "{case}"),
                (EmptyPage | CUT, None) if items < 2 => assert_eq!(read, all, "{case}"),
                (EmptyPage, None) => assert!(all.starts_with(&read), "{case}"),
                (End::Error(_), None) => {
                    assert!(all.starts_with(&read) && read.len() < 2, "{case}");
                }
                (End::Error(text), Some(error)) => {
                    assert!(error.to_string().contains(text), "{case}: {error}");
                    assert!(items > 1 && all.starts_with(&read), "{case}");
                }
                (_, Some(error)) => panic!("{case}: {error}"),
            }
        }
    }
}

#[tokio::test]
async fn missing_field_never_hides_that_there_is_more() {
    let test = Test::start().await;
    for row in rows() {
        // Nothing tells the end, or only the cursor that the caller has named.
        let is_unbounded = row.end == EmptyPage || row.named.is_some();
        for missing in row.tells {
            for others in [&[][..], row.tells] {
                let mut sent = listing(7).without(*missing);
                // Without the first field alone, and without each field but one.
                if !others.is_empty() {
                    let others = others.iter().filter(|other| *other != missing);
                    sent = others.fold(listing(7), |sent, other| sent.without(*other));
                }
                let case = format!("{} {} {sent:?}", row.endpoint, row.query);
                let (read, error) = test.read(&row, sent, true).await;
                let all: Vec<_> = (0..7).collect();
                assert!(all.starts_with(&read), "{case}: {read:?}");
                if let Some(error) = error {
                    assert_eq!(kind_of(&error), "UnexpectedResponse", "{case}: {error}");
                } else {
                    assert!(read == all || is_unbounded, "{case}: {read:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn page_that_is_sent_again_is_returned_once() {
    let test = Test::start().await;
    for row in rows().into_iter().filter(|row| row.end != Whole) {
        for last in [1, 2] {
            let (read, error) = test.read(&row, listing(7).stuck_at(last), true).await;
            let case = format!("{} {} {last}: {read:?}", row.endpoint, row.query);
            let error = error.unwrap_or_else(|| panic!("{case}: no error"));
            assert_eq!(kind_of(&error), "UnexpectedResponse", "{case}: {error}");
            let all: Vec<_> = (0..2 * u64::try_from(last).unwrap()).collect();
            assert!(all.starts_with(&read), "{case}");
        }
    }
}

#[tokio::test]
async fn page_in_a_body_needs_a_call_that_may_be_repeated() {
    let test = Test::start().await;
    for row in rows() {
        let in_body = row.body.is_some() && row.query.is_empty();
        if !in_body || row.end == Whole {
            continue;
        }
        let (read, error) = test.read(&row, listing(7), false).await;
        let error = error.unwrap_or_else(|| panic!("{}: no error", row.endpoint));
        assert_contains(&error, "`repeatable()`");
        assert_eq!(read, [0, 1], "{}", row.endpoint);
        assert_eq!(kind_of(&error), "UnexpectedResponse", "{error}");
    }
}

#[tokio::test]
async fn rest_of_the_callers_body_is_sent_with_each_page() {
    let sandbox = Sandbox::start().await.unwrap();
    let endpoint = "POST /api/v2/analytics/conversations/details/query";
    sandbox.set_listing(endpoint, listing(3));
    let body = r#"{"interval":"a/b","n":12345678901234567890123,"paging":{"pageSize":2,"x":1.50}}"#;
    let path = endpoint.strip_prefix("POST ").unwrap();
    let call = client_of(&sandbox).post(path).body(body).repeatable();
    let (read, error) = read(call.pages()).await;
    assert!(read == [0, 1, 2] && error.is_none(), "{read:?} {error:?}");
    let requests = sandbox.requests();
    let last = String::from_utf8(requests.last().unwrap().body().to_vec()).unwrap();
    let expected = body.replace("\"pageSize\"", "\"pageNumber\":2,\"pageSize\"");
    assert_eq!(last, expected);
}

#[tokio::test]
async fn body_without_a_hint_gets_the_number_or_an_error() {
    let test = Test::start().await;
    let same = End::Error("put the length of a page into the body");
    for (end, endpoint) in [
        (Complete, "users/search"),
        (Complete, "analytics/conversations/details/query"),
        (Complete, "conversations/participants/attributes/search"),
        (same, "alerting/rules/query"),
        (same, "taskmanagement/workitems/query"),
        (Complete, "usage/events/query"),
    ] {
        let endpoint: &str = format!("POST /api/v2/{endpoint}").leak();
        let row = post(endpoint, json!({ "query": [] }), &[], end);
        let (read, error) = test.read(&row, listing(5).page_size(2), true).await;
        match (end, error) {
            (End::Error(text), Some(error)) => {
                assert!(error.to_string().contains(text), "{endpoint}: {error}");
                assert_eq!(read, [0, 1], "{endpoint}");
            }
            (_, error) => {
                assert!(error.is_none(), "{endpoint}: {error:?}");
                assert_eq!(read, [0, 1, 2, 3, 4], "{endpoint}");
            }
        }
    }
}

#[test]
fn rows_have_endpoints_of_every_form() {
    let known = Sandbox::listing_endpoints();
    assert!(known.len() > 100, "{}", known.len());
    for row in rows() {
        assert!(known.contains(&row.endpoint), "{}", row.endpoint);
    }
}

/// A listing of numbers.
fn listing(items: u64) -> SandboxListing {
    SandboxListing::new(0..items)
}

struct Test {
    sandbox: Sandbox,
    api: PlatformClient,
}

impl Test {
    async fn start() -> Self {
        let (sandbox, api) = sandbox_and_client().await;
        Self { sandbox, api }
    }

    /// Reads a listing. Returns its items, and the error that ended it.
    async fn read(
        &self,
        row: &Row,
        listing: SandboxListing,
        may_repeat: bool,
    ) -> (Vec<u64>, Option<Error>) {
        self.sandbox.set_listing(row.endpoint, listing);
        let (method, path) = row.endpoint.split_once(' ').unwrap();
        let path = format!("{path}?{}", row.query).replace(['{', '}'], "");
        let path = path.strip_suffix('?').unwrap_or(&path);
        let mut call = self.api.request(Method::try_from(method).unwrap(), path);
        if let Some(body) = &row.body {
            call = call.json(body);
        }
        if may_repeat && row.query.is_empty() {
            call = call.repeatable();
        }
        let pages = call.pages::<u64>();
        read(match row.named {
            Some(name) => pages.cursor_parameter(name),
            None => pages,
        })
        .await
    }
}

async fn read(mut pages: Pages<u64>) -> (Vec<u64>, Option<Error>) {
    let mut read = Vec::new();
    while let Some(item) = pages.next().await {
        match item {
            Ok(item) => read.push(item),
            Err(error) => {
                assert!(!error.is_transient(), "{error}");
                assert!(pages.next().await.is_none(), "{error}");
                return (read, Some(error));
            }
        }
    }
    (read, None)
}
