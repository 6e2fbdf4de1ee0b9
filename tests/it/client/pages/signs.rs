//! Responses in forms of no endpoint that is known, and values of an unexpected kind.

use serde_json::{Value, json};

use super::{Listing, all, ended, page};
use crate::support::{assert_contains, kind_of, server::Reply};

#[tokio::test]
async fn unknown_sign_of_more_is_an_error_that_names_it() {
    for (fields, name) in signs() {
        let listing = Listing::of([page(&["a"], &fields)]);
        let mut pages = listing.users();
        let first = pages.next().await.unwrap();
        assert_eq!(first.unwrap_or_default(), "a", "{fields}");
        let error = ended(&mut pages).await;
        let (kind, text) = (kind_of(&error), error.to_string());
        assert_eq!(kind, "UnexpectedResponse", "{fields}: {error}");
        assert!(text.contains(&format!("`{name}`")), "{fields}: {error}");
        assert_eq!(listing.targets().len(), 1, "{fields}");
    }
}

#[tokio::test]
async fn fields_about_something_else_do_not_count() {
    for fields in [
        json!({ "hasMore": false, "pageSize": 1 }),
        json!({ "last": true, "total": 9 }),
        json!({ "pageInfo": { "hasNextPage": false, "endCursor": "t" } }),
        json!({ "nextRunDate": "2026-01-01", "nextCursor": "", "next": null, "links": [] }),
        json!({ "previousCursor": "t", "prevPageToken": "t", "cursors": { "before": "t" } }),
        json!({ "token": "t", "tokenCount": 9, "count": 9, "remaining": 0, "total": 1 }),
        json!({ "total": 0 }),
        json!({ "total": -1 }),
        json!({ "pageCount": 1, "pageNumber": 1, "total": 900 }),
        json!({ "pageCount": 1, "pageNumber": 1, "truncatedDivisions": true }),
        json!({ "pageCount": 1, "pageNumber": 1, "complete": false, "errorDetails": [7] }),
        json!({ "hasMoreDivisions": true, "moreInfoAvailable": true, "complete": true }),
        json!({ "total": 1, "totalNumberOfEntities": 9, "pageCount": "" }),
        json!({ "results": 7, "conversations": null, "nextUri": " " }),
        json!({ "lastUri": "/api/v2/users?pageNumber=1", "selfUri": "/api/v2/users" }),
    ] {
        let listing = Listing::of([page(&["a"], &fields)]);
        assert_eq!(listing.all().await.unwrap(), ["a"], "{fields}");
        assert_eq!(listing.targets().len(), 1, "{fields}");
    }
}

#[tokio::test]
async fn next_page_is_requested_by_the_endpoints_parameter() {
    for (query, name, fields, expected) in requests() {
        let listing = Listing::of([page(&["a"], &fields), page(&["b"], &json!({}))]);
        let mut pages = listing.api.get(&format!("/api/v2/users{query}")).pages();
        if let Some(name) = name {
            pages = pages.cursor_parameter(name);
        }
        // The second page of a numbered listing may be followed by another.
        for entity in ["a", "b"] {
            let read: String = pages.next().await.unwrap().unwrap();
            assert_eq!(read, entity, "{query} {fields}");
        }
        let second = &listing.targets()[1];
        assert_eq!(*second, format!("/api/v2/users?{expected}"), "{fields}");
    }
}

#[tokio::test]
async fn full_page_that_shows_its_end_is_the_last() {
    for (fields, is_last) in [
        (json!({ "nextUri": null }), true),
        (json!({ "nextUri": "" }), true),
        (json!({ "selfUri": "/api/v2/users?pageSize=1" }), true),
        (json!({ "previousUri": null, "firstUri": "/x" }), true),
        (json!({ "cursor": null }), true),
        (json!({ "cursors": null }), true),
        (json!({ "cursors": {} }), true),
        (json!({ "total": 1 }), true),
        (json!({ "pageCount": 1, "pageNumber": 1, "total": 1 }), true),
        (json!({}), false),
        (json!({ "pageSize": 1 }), false),
    ] {
        let listing = Listing::of([page(&["a"], &fields)]);
        let call = listing.api.get("/api/v2/users?pageSize=1");
        let mut pages = call.pages::<String>();
        assert_eq!(pages.next().await.unwrap().unwrap(), "a", "{fields}");
        if is_last {
            assert!(pages.next().await.is_none(), "{fields}");
        } else {
            let error = ended(&mut pages).await;
            assert_contains(&error, "as long as was asked");
        }
        assert_eq!(listing.targets().len(), 1, "{fields}");
    }
}

#[tokio::test]
async fn next_page_in_a_link_header_is_an_error() {
    let with = |headers: &str| [Reply::of(200, headers, r#"{"entities":["a"]}"#)];
    let headers = "Link: </api/v2/users?x=1>; rel=\"prev\", </x>; rel=\"next\"\r\n";
    let listing = Listing::of(with(headers));
    let error = ended(&mut listing.users()).await;
    assert_contains(&error, "headers");
    let several = headers.replace("\"next\"", "\"last next\"");
    listing.server.answers(with(&several));
    ended(&mut listing.users()).await;
    let headers = headers.replace("\"next\"", "last");
    listing.server.answers(with(&headers));
    assert_eq!(listing.all().await.unwrap(), ["a"]);
}

#[tokio::test]
async fn empty_name_is_a_configuration_error() {
    let listing = Listing::start("");
    let users = || listing.users();
    for mut pages in [users().items(""), users().cursor_parameter("")] {
        let error = ended(&mut pages).await;
        assert_eq!(kind_of(&error), "Configuration", "{error}");
    }
    assert!(listing.targets().is_empty());
}

#[tokio::test]
async fn listing_by_body_begins_at_the_callers_page() {
    let numbered = |number: u64| json!({ "pageNumber": number, "pageCount": 4 });
    for (body, expected) in [
        (
            json!({ "pageNumber": 3, "query": [] }),
            json!({ "pageNumber": 4, "query": [] }),
        ),
        (
            json!({ "paging": { "pageNumber": "3" } }),
            json!({ "paging": { "pageNumber": 4 } }),
        ),
    ] {
        let listing = Listing::start("");
        let replies = [page(&["a"], &numbered(3)), page(&["b"], &numbered(4))];
        listing.server.answers(replies);
        let call = listing.api.post("/api/v2/users/search").json(&body);
        assert_eq!(all(call.repeatable().pages()).await.unwrap(), ["a", "b"]);
        let requests = listing.server.requests();
        let body: Value = serde_json::from_slice(&requests[1].body).unwrap();
        assert_eq!(body, expected);
    }
}

/// A field that says that there is more, and its name in the error.
#[rustfmt::skip]
fn signs() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "nextPageToken": "t" }), "nextPageToken"),
        (json!({ "next_page_token": "t" }), "next_page_token"),
        (json!({ "NextToken": "t" }), "NextToken"),
        (json!({ "nextCursor": "t" }), "nextCursor"),
        (json!({ "next": 17 }), "next"),
        (json!({ "next": { "href": "/api/v2/x" } }), "next"),
        (json!({ "continuationToken": "t" }), "continuationToken"),
        (json!({ "pageToken": "t" }), "pageToken"),
        (json!({ "marker": "t" }), "marker"),
        (json!({ "scrollId": "t" }), "scrollId"),
        (json!({ "lastEvaluatedKey": { "id": 1 } }), "lastEvaluatedKey"),
        (json!({ "cursors": { "next": "t" } }), "cursors.next"),
        (json!({ "paging": { "cursor": "t" } }), "paging.cursor"),
        (json!({ "pageInfo": { "hasNextPage": true } }), "pageInfo.hasNextPage"),
        (json!({ "links": [{ "rel": "next", "href": "/x" }] }), "links"),
        (json!({ "_links": { "next": { "href": "/x" } } }), "_links.next"),
        (json!({ "hasMore": true }), "hasMore"),
        (json!({ "has_next": true }), "has_next"),
        (json!({ "moreResults": true }), "moreResults"),
        (json!({ "isTruncated": true }), "isTruncated"),
        (json!({ "last": false }), "last"),
        (json!({ "complete": false }), "complete"),
        (json!({ "complete": true, "total": 2 }), "total"),
        (json!({ "nexttoken": "t" }), "nexttoken"),
        (json!({ "totalNumberOfEntities": 2 }), "total"),
        (json!({ "remaining": 3 }), "remaining"),
        (json!({ "total": 2 }), "total"),
        (json!({ "totalCount": 2 }), "total"),
        (json!({ "totalHits": 2 }), "total"),
        // A cursor whose parameter has another name.
        (json!({ "cursors": { "after": "t" } }), "cursors.after"),
        (json!({ "nextPage": "t" }), "nextPage"),
        // Values of another kind than the form has.
        (json!({ "cursor": { "id": 1 } }), "cursor"),
        (json!({ "nextUri": ["/x"] }), "nextUri"),
        (json!({ "pageCount": "many" }), "pageCount"),
    ]
}

/// The caller's query, the parameter that it names, the fields of the response, and the query of the
/// next page.
#[rustfmt::skip]
fn requests() -> Vec<(&'static str, Option<&'static str>, Value, &'static str)> {
    let after = || json!({ "cursors": { "after": "c 2" } });
    let next = || json!({ "nextPage": "eyJ=" });
    let token = || json!({ "nextPageToken": "t" });
    vec![
        ("", Some("cursor"), after(), "cursor=c+2"),
        ("", Some("after"), after(), "after=c+2"),
        ("?after=c1", None, after(), "after=c+2"),
        ("?cursor=c1&x=y", None, after(), "x=y&cursor=c+2"),
        ("?q64=eyI", None, next(), "q64=eyJ%3D"),
        ("?nextPage=eyI", None, next(), "nextPage=eyJ%3D"),
        ("", Some("q64"), next(), "q64=eyJ%3D"),
        ("", Some("pageToken"), token(), "pageToken=t"),
        ("", None, json!({ "cursor": 17 }), "cursor=17"),
        ("", None, json!({ "lastUri": "/x?pageNumber=2" }), "pageNumber=2"),
        ("", None, json!({ "pageCount": 2 }), "pageNumber=2"),
        ("", None, json!({ "totalPages": 2 }), "pageNumber=2"),
        ("?pageNumber=1", None, json!({ "hasMore": true }), "pageNumber=2"),
        ("?page=1", Some("page"), json!({ "hasMore": true }), "page=2"),
        ("?pageNumber=1", None, json!({ "total": 2 }), "pageNumber=2"),
        ("", None, json!({ "totalResults": 2 }), "startIndex=2"),
        ("?startIndex=5", None, json!({ "totalResults": 6 }), "startIndex=6"),
        ("", None, json!({ "next": "/api/v2/users?x=1" }), "x=1"),
        ("", None, json!({ "nexturi": "/api/v2/users?x=1" }), "x=1"),
        ("", None, json!({ "nextUri": " /api/v2/users?q=a b&x=1" }), "q=a%20b&x=1"),
        ("", None, json!({ "results": 2, "cursor": "c" }), "cursor=c"),
        ("", None, json!({ "nextPage": "/api/v2/users?x=1" }), "x=1"),
    ]
}
