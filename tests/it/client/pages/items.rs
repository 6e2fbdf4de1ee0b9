//! Where the items of a page are.

use serde_json::json;

use super::{Listing, all, ended, page};
use crate::support::{assert_contains, kind_of, server::Reply};

#[tokio::test]
async fn items_are_found_in_the_fields_of_genesys_cloud() {
    for body in [
        json!({ "entities": ["a"] }),
        json!({ "results": ["a"], "entities": null, "aggregations": [1] }),
        json!({ "Resources": ["a"], "schemas": ["urn:x"] }),
        json!({ "conversations": ["a"] }),
        json!({ "userDetails": ["a"] }),
        json!({ "results": { "entities": ["a"], "pageNumber": 1, "pageCount": 1 }, "facets": [1] }),
        json!({ "results": { "results": ["a"] } }),
        json!(["a"]),
    ] {
        let listing = Listing::start("");
        // Also after a byte order mark.
        for mark in ["", "\u{feff}"] {
            let reply = Reply::json(200, &format!("{mark}{body}"));
            listing.server.answers([reply]);
            assert_eq!(listing.all().await.unwrap(), ["a"], "{body}");
        }
    }
}

#[tokio::test]
async fn items_in_another_field_are_named_by_the_caller() {
    for (body, name) in [
        (json!({ "messages": ["a"] }), "messages"),
        (
            json!({ "messages": ["a"], "pageNumber": 1, "pageCount": 1 }),
            "messages",
        ),
        (json!({ "entities": ["a"], "results": ["x"] }), "entities"),
        (
            json!({ "data": { "entities": ["a"] }, "pageCount": 1 }),
            "data",
        ),
    ] {
        let listing = Listing::of([Reply::json(200, &body.to_string())]);
        let error = ended(&mut listing.users()).await;
        let text = error.to_string();
        assert!(text.contains("`Pages::items`"), "{body}: {text}");
        let read = all(listing.users().items(name)).await;
        assert_eq!(read.unwrap(), ["a"], "{body}");
        // A name that is wrong does not make an empty page.
        let error = ended(&mut listing.users().items("other")).await;
        assert!(error.to_string().contains("`other`"), "{body}: {error}");
    }
}

#[tokio::test]
async fn page_without_items_is_empty_if_it_has_paging_fields() {
    for fields in [
        json!({ "pageNumber": 2, "pageCount": 3 }),
        json!({ "entities": null, "pageNumber": 2, "pageCount": 3 }),
        json!({ "pageNumber": 2, "pageCount": 3, "facets": [1] }),
        json!({ "nextUri": "/api/v2/users?after=x" }),
        json!({ "cursor": "c3" }),
        json!({ "after": "c3" }),
    ] {
        let listing = Listing::start("");
        let first = json!({ "pageNumber": 1, "pageCount": 3 });
        let last = json!({ "pageNumber": 3, "pageCount": 3 });
        listing.server.answers([
            page(&["a"], &first),
            Reply::json(200, &fields.to_string()),
            page(&["b"], &last),
        ]);
        assert_eq!(listing.all().await.unwrap(), ["a", "b"], "{fields}");
    }
    // The first page of a search without a hit.
    for body in [
        json!({ "total": 0, "pageCount": 0, "pageNumber": 1, "types": ["users"] }),
        json!({ "totalResults": 0, "startIndex": 1, "schemas": ["urn:x"] }),
        json!({ "totalHits": 0, "facets": [1] }),
        json!({ "cursor": null, "types": ["x"], "aggregations": [1] }),
    ] {
        let listing = Listing::of([Reply::json(200, &body.to_string())]);
        assert!(listing.all().await.unwrap().is_empty(), "{body}");
    }
    let status = json!({ "queryStatus": "Running" });
    for body in [json!({}), status, json!({ "selfUri": "/x" })] {
        let listing = Listing::of([Reply::json(200, &body.to_string())]);
        let error = ended(&mut listing.users()).await;
        assert_eq!(kind_of(&error), "UnexpectedResponse", "{body}: {error}");
    }
}

#[tokio::test]
async fn hundred_empty_pages_in_a_row_end_the_listing() {
    for (empty, is_read) in [(99, true), (100, false)] {
        let listing = Listing::start("");
        let link = |n: usize| json!({ "nextUri": format!("/api/v2/users?after={n}") });
        let mut replies = vec![page(&["a"], &link(0))];
        replies.extend((1..=empty).map(|n| page(&[], &link(n))));
        replies.push(page(&["b"], &json!({})));
        listing.server.answers_all(replies);
        let mut pages = listing.users();
        assert_eq!(pages.next().await.unwrap().unwrap(), "a");
        if is_read {
            assert_eq!(all(pages).await.unwrap(), ["b"]);
        } else {
            let error = ended(&mut pages).await;
            assert_contains(&error, "100 pages in a row");
            assert_eq!(kind_of(&error), "UnexpectedResponse");
            assert_eq!(listing.targets().len(), 101);
        }
    }
}

#[tokio::test]
async fn place_of_a_faulty_item_is_that_in_the_body() {
    let listing = Listing::start("");
    let body = "{\n \"pageCount\": 1,\n  \"entities\": [\"a\",\n 7]}";
    for (body, place) in [
        (body, "line 4, column 2"),
        (r#"{"entities":[7]}"#, "line 1, column 14"),
        (r#"{"entities":["a"],"entities":["b"]}"#, "column"),
    ] {
        listing.server.answers([Reply::json(200, body)]);
        let error = ended(&mut listing.users()).await;
        assert_contains(&error, place);
    }
}
