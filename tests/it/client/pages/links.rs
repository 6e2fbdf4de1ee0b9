//! Links and cursors that lead to the next page.

use serde_json::json;

use super::{Listing, all, ended, numbered, page};
use crate::support::{
    assert_contains, kind_of,
    server::{Reply, Server},
};

#[tokio::test]
async fn links_and_cursors_are_followed() {
    for prefix in ["", "/gateway"] {
        let listing = Listing::start(prefix);
        let whole = format!("{}{prefix}/api/v2/users?cursor=2", listing.server.url());
        let cursors = json!({ "cursors": { "after": "two", "before": "one" } });
        listing.server.answers([
            linked("a", "/api/v2/users?cursor=1%3D&x=y"),
            linked("b", &whole),
            page(&["c"], &json!({ "after": "o/n e=" })),
            page(&["d"], &cursors),
            page(&["e"], &json!({ "cursors": {} })),
        ]);
        let call = listing.api.get("/api/v2/users?after=zero");
        assert_eq!(all(call.pages()).await.unwrap(), ["a", "b", "c", "d", "e"]);
        let expected = [
            "/api/v2/users?after=zero",
            "/api/v2/users?cursor=1%3D&x=y",
            "/api/v2/users?cursor=2",
            "/api/v2/users?cursor=2&after=o%2Fn+e%3D",
            "/api/v2/users?cursor=2&after=two",
        ];
        let expected = expected.map(|path| format!("{prefix}{path}"));
        assert_eq!(listing.targets(), expected);
    }
}

#[tokio::test]
async fn page_with_an_invalid_link_is_returned_before_the_error() {
    let listing = Listing::start("");
    let endless = format!("/api/v2/%{}", "25".repeat(100_000));
    for link in ["//elsewhere.example/x", &endless] {
        let answer = page(&["a", "b"], &json!({ "nextUri": link }));
        listing.server.answers([answer]);
        let mut pages = listing.users();
        for entity in ["a", "b"] {
            assert_eq!(pages.next().await.unwrap().unwrap(), entity);
        }
        let error = pages.next().await.unwrap().unwrap_err();
        assert_eq!(kind_of(&error), "UnexpectedResponse");
        assert!(pages.next().await.is_none());
    }
}

#[tokio::test]
async fn page_count_of_zero_does_not_hide_a_link() {
    let listing = Listing::start("");
    let link = json!({ "pageNumber": 1, "pageCount": 0, "nextUri": "/api/v2/users?after=x" });
    listing
        .server
        .answers([page(&["a"], &link), page(&["b"], &json!({}))]);
    assert_eq!(all(listing.users()).await.unwrap(), ["a", "b"]);
}

#[tokio::test]
async fn link_that_leaves_the_api_ends_the_listing() {
    let elsewhere = Server::start(page(&["stolen"], &json!({})));
    let (other, port) = (elsewhere.url(), elsewhere.address().port());
    let address = elsewhere.address();
    for prefix in ["", "/gateway"] {
        let listing = Listing::start(prefix);
        let own = listing.server.url();
        for link in [
            format!("{other}/api/v2/users"),
            format!("{other}{prefix}/api/v2/users"),
            own.replace("http:", "https:") + prefix + "/api/v2/users",
            format!("//{address}/api/v2/users"),
            format!("/\\{address}/api/v2/users"),
            format!("\\\\{address}/x"),
            format!("/\t/{address}/x"),
            format!("@{address}/x"),
            format!("{own}@{address}/x"),
            format!("{own}.evil.example/x"),
            format!("{own}{prefix}@{address}/x"),
            format!("http://127.0.0.1:{port}/x"),
            format!("http://localhost:{port}/x"),
            format!("{own}{prefix}/../x"),
            format!("{own}{prefix}/%2e%2e/x"),
            "/api/v2/../../x".to_owned(),
            "/api/v2/%2e%2e/%2E%2E/x".to_owned(),
            "/api/v2/users#x".to_owned(),
            "api/v2/users".to_owned(),
            "?pageNumber=2".to_owned(),
            "javascript:1".to_owned(),
        ] {
            let before = listing.targets().len();
            listing.server.answers([linked("a", &link)]);
            let error = ended(&mut listing.users()).await;
            assert_eq!(kind_of(&error), "UnexpectedResponse", "{link:?}: {error}");
            assert_contains(&error, "away from the Platform API");
            assert!(!error.to_string().contains(&address.to_string()), "{error}");
            assert_eq!(listing.targets().len(), before + 1, "{link:?}");
        }
    }
    assert_eq!(elsewhere.connections(), 0);

    // Behind a gateway, a URL with the host alone is not under the API.
    let listing = Listing::start("/gateway");
    let link = format!("{}/api/v2/users", listing.server.url());
    let empty = page(&[], &json!({ "nextUri": link }));
    listing.server.answers([empty]);
    let error = ended(&mut listing.users()).await;
    assert_eq!(kind_of(&error), "UnexpectedResponse", "{error}");
}

#[tokio::test]
async fn listing_that_leads_back_ends() {
    let itself = [linked("a", "/api/v2/users")];
    let circle = ["1", "2", "1"].map(|query| linked("a", &format!("/api/v2/users?{query}")));
    let cursor = [page(&["a"], &json!({ "after": "same" }))];
    let first_again = [numbered(1, 3, &["a"])];
    let another = [numbered(1, 9, &["a"]), numbered(7, 9, &["a"])];
    let second = page(&["a"], &json!({ "pageCount": 3 }));
    let no_number = [numbered(1, 3, &["a"]), second];
    for (replies, calls) in [
        (itself.to_vec(), 1),
        (circle.to_vec(), 3),
        (cursor.to_vec(), 2),
        (first_again.to_vec(), 2),
        (another.to_vec(), 2),
        (no_number.to_vec(), 2),
    ] {
        let listing = Listing::start("");
        listing.server.answers_all(replies);
        let error = ended(&mut listing.users()).await;
        assert_eq!(kind_of(&error), "UnexpectedResponse", "{error}");
        assert_contains(&error, "next page cannot be requested");
        assert_eq!(listing.targets().len(), calls, "{error}");
    }
}

/// A page with a link to the next one.
fn linked(entity: &str, next: &str) -> Reply {
    page(&[entity], &json!({ "nextUri": next }))
}
