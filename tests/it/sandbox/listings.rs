//! Listings by page number and by cursor.

use std::collections::HashSet;

use genesys_cloud_auth::sandbox::{Sandbox, SandboxListing};
use serde_json::{Value, json};

use super::{assert_get_fails, get, get_json, start, start_with_token, text, token, with_token};

/// Returns the page at `uri` and those that follow it by their links.
async fn pages_from(sandbox: &Sandbox, uri: &str, token: &str) -> Vec<Value> {
    let mut pages = Vec::new();
    let mut next = Some(uri.to_owned());
    while let Some(uri) = next {
        let page = get_json(sandbox, &uri, token).await;
        next = page["nextUri"].as_str().map(str::to_owned);
        pages.push(page);
    }
    pages
}

fn entities(page: &Value) -> &[Value] {
    page["entities"].as_array().unwrap()
}

#[tokio::test]
async fn users_are_listed_in_pages() {
    let (sandbox, token) = with_token(Sandbox::builder().users(250)).await;
    let mut names = Vec::new();
    let first = format!("{USERS}?pageSize=100&pageNumber=1");
    let pages = pages_from(&sandbox, &first, &token).await;
    for (page, number) in pages.iter().zip(1..) {
        let users = entities(page);
        assert_eq!(users.len(), if number == 3 { 50 } else { 100 });
        names.extend(users.iter().map(|user| user["name"].clone()));
        let uri = |number: u32| json!(format!("{USERS}?pageSize=100&pageNumber={number}"));
        for (field, value) in [
            ("pageSize", json!(100)),
            ("pageNumber", json!(number)),
            ("total", json!(250)),
            ("pageCount", json!(3)),
            ("firstUri", uri(1)),
            ("lastUri", uri(3)),
            ("selfUri", uri(number)),
        ] {
            assert_eq!(page[field], value, "{field} of page {number}");
        }
        let previous = page.get("previousUri").cloned();
        assert_eq!(previous, (number > 1).then(|| uri(number - 1)));
        assert_eq!(page.get("nextUri").is_some(), number < 3);
    }
    let expected: Vec<_> = (1..=250).map(|number| format!("User {number}")).collect();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn page_has_25_users_by_default() {
    let (sandbox, token) = with_token(Sandbox::builder().users(26)).await;
    let page = get_json(&sandbox, USERS, &token).await;
    assert_eq!(entities(&page).len(), 25);
    assert_eq!(page["nextUri"], format!("{USERS}?pageSize=25&pageNumber=2"));
    assert_eq!(page["pageCount"], 2);
    let one = format!("{USERS}?pageSize=1&expand=presence&pageNumber=26");
    let page = get_json(&sandbox, &one, &token).await;
    assert_eq!(page["entities"][0]["name"], "User 26");
    assert!(page.get("nextUri").is_none());
}

#[tokio::test]
async fn every_sandbox_lists_the_same_entities() {
    let mut listings = Vec::new();
    for _ in 0..2 {
        let (sandbox, token) = start_with_token().await;
        for path in [USERS, CREDENTIALS] {
            let page = get_json(&sandbox, path, &token).await;
            let named = |one: &Value| (one["id"].clone(), one["name"].clone());
            listings.push(entities(&page).iter().map(named).collect::<Vec<_>>());
        }
    }
    assert_eq!(listings[..2], listings[2..]);
    let [users, credentials] = [&listings[0], &listings[1]];
    assert_eq!((users.len(), credentials.len()), (3, 3));
    let all = users.iter().chain(credentials);
    let ids: HashSet<_> = all.map(|(id, _)| id).collect();
    assert_eq!(ids.len(), 6);
}

#[tokio::test]
async fn page_after_the_last_is_empty() {
    let (sandbox, token) = with_token(Sandbox::builder().users(30)).await;
    for number in [3, 1_000, i32::MAX] {
        let path = format!("{USERS}?pageNumber={number}&pageSize=100");
        let page = get_json(&sandbox, &path, &token).await;
        assert_eq!(page["entities"], json!([]));
        assert_eq!(page["total"], 30);
        assert_eq!(page["pageNumber"], number);
        assert!(page.get("nextUri").is_none());
        let previous = format!("{USERS}?pageSize=100&pageNumber=1");
        assert_eq!(page["previousUri"], previous);
    }
    let empty = start(Sandbox::builder().users(0)).await;
    let page = get_json(&empty, USERS, &super::token(&empty).await).await;
    assert_eq!(page["total"], 0);
    assert_eq!(page["pageCount"], 0);
    assert_eq!(page["entities"], json!([]));
    assert!(page.get("nextUri").is_none() && page.get("previousUri").is_none());
    assert_eq!(page["lastUri"], page["firstUri"]);
}

#[tokio::test]
async fn invalid_page_parameters_are_errors() {
    let (sandbox, token) = start_with_token().await;
    let (not_a_number, out_of_range) = ("bad.request", "invalid.value");
    for (query, code) in [
        ("pageSize=", not_a_number),
        ("pageSize=ten", not_a_number),
        ("pageSize=1.5", not_a_number),
        ("pageSize=%2010", not_a_number),
        ("pageSize=10%00", not_a_number),
        ("pageSize=%FF", not_a_number),
        ("pageSize=99999999999999999999", not_a_number),
        ("pageSize=0", out_of_range),
        ("pageSize=-1", out_of_range),
        ("pageSize=101", out_of_range),
        ("pageSize=2147483647", out_of_range),
        ("pageNumber=", not_a_number),
        ("pageNumber=one", not_a_number),
        ("pageNumber=2147483648", not_a_number),
        ("pageNumber=99999999999999999999", not_a_number),
        ("pageNumber=0", out_of_range),
        ("pageNumber=-2147483648", out_of_range),
    ] {
        let response = get(&sandbox, &format!("{USERS}?{query}"), &token).await;
        let parameter = query.split('=').next().unwrap();
        let message = response.assert_api_error(400, code);
        assert!(message.starts_with(parameter), "{message}");
    }
    for (size, status) in [("200", 200), ("201", 400), ("0", 400), ("x", 400)] {
        let path = format!("{CREDENTIALS}?pageSize={size}");
        assert_eq!(get(&sandbox, &path, &token).await.status, status, "{size}");
    }
}

#[tokio::test]
async fn credentials_are_listed_by_cursor_in_both_directions() {
    let (sandbox, token) = with_token(Sandbox::builder().integration_credentials(12)).await;
    let pages = pages_from(&sandbox, &format!("{CREDENTIALS}?pageSize=5"), &token).await;
    let names = |page: &Value| -> Vec<String> {
        let names = entities(page).iter().map(|one| text(one, "name"));
        names.map(str::to_owned).collect()
    };
    let all: Vec<_> = pages.iter().flat_map(names).collect();
    let expected = (1..=12).map(|number| format!("Credential {number}"));
    let expected: Vec<_> = expected.collect();
    assert_eq!(pages.len(), 3);
    for page in &pages[..2] {
        assert!(text(page, "nextUri").starts_with(CREDENTIALS), "{page}");
    }
    assert_eq!(all, expected);
    assert!(pages[0].get("previousUri").is_none());
    for index in [2, 1] {
        let page = &pages[index];
        let previous = get_json(&sandbox, text(page, "previousUri"), &token).await;
        assert_eq!(names(&previous), names(&pages[index - 1]));
        let again = get_json(&sandbox, text(page, "selfUri"), &token).await;
        assert_eq!(&again, page);
    }
    let credential = &pages[0]["entities"][0];
    assert_eq!(credential["type"]["name"], "pureCloudOAuthClient");
    assert!(credential.get("credentialFields").is_none());
    // A cursor is opaque, and escaped in a link.
    let next = text(&pages[0], "nextUri");
    assert!(!next.contains("after=5") && next.contains("%2B"), "{next}");
}

#[tokio::test]
async fn empty_listing_has_no_next_page() {
    let sandbox = start(Sandbox::builder().integration_credentials(0)).await;
    let page = get_json(&sandbox, CREDENTIALS, &token(&sandbox).await).await;
    assert_eq!(page["entities"], json!([]));
    assert!(page.get("nextUri").is_none() && page.get("previousUri").is_none());
}

#[tokio::test]
async fn unknown_cursor_is_an_error() {
    let (sandbox, token) = with_token(Sandbox::builder().integration_credentials(50)).await;
    let page = get_json(&sandbox, CREDENTIALS, &token).await;
    let next = text(&page, "nextUri");
    let cursor = next.split(['=', '&']).nth(1).unwrap();
    let cut = &cursor[..cursor.len() - 5];
    for cursor in ["", "5", "-1", "AAAA", "%FF%FE", "cGFnZT4%2BPj85OQ==", cut] {
        for name in ["after", "before"] {
            let path = format!("{CREDENTIALS}?{name}={cursor}");
            assert_get_fails(&sandbox, &path, &token, 400, "invalid.value").await;
        }
    }
    let both = format!("{CREDENTIALS}?after={cursor}&before={cursor}");
    assert_get_fails(&sandbox, &both, &token, 400, "bad.request").await;

    // A cursor after the end of the listing is unknown, too.
    let short = start(Sandbox::builder().integration_credentials(3)).await;
    assert_get_fails(
        &short,
        next,
        &super::token(&short).await,
        400,
        "invalid.value",
    )
    .await;
}

const USERS: &str = "/api/v2/users";
const CREDENTIALS: &str = "/api/v2/integrations/credentials/listing";

#[tokio::test]
async fn filled_listing_has_the_pages_that_are_set() {
    let (sandbox, token) = start_with_token().await;
    let teams = "/api/v2/teams";
    // It is empty at first, and needs a token.
    let empty = get_json(&sandbox, teams, &token).await;
    assert_eq!(empty, json!({ "entities": [], "total": 0 }));
    assert_eq!(get(&sandbox, teams, "wrong").await.status, 401);
    assert_get_fails(&sandbox, "/api/v2/teams/x/y/z", &token, 404, "not.found").await;

    let listing = SandboxListing::new(["a", "b", "c"]).page_size(2);
    sandbox.set_listing("GET /api/v2/teams", listing.clone().empty_page(2));
    let pages = pages_from(&sandbox, teams, &token).await;
    assert!(pages.iter().all(|page| page["total"] == 3));
    let pages: Vec<_> = pages.iter().map(|page| &page["entities"]).collect();
    assert_eq!(pages, [&json!(["a", "b"]), &json!([]), &json!(["c"])]);

    // A filled listing takes precedence over the organisation's own.
    sandbox.set_listing("GET /api/v2/users", listing.without("total").stuck_at(1));
    for number in [1, 2] {
        let uri = |number: u32| format!("{USERS}?pageNumber={number}");
        let page = get_json(&sandbox, &uri(number), &token).await;
        let expected = json!({
            "entities": ["a", "b"], "pageNumber": 1, "pageCount": 2, "nextUri": uri(2),
        });
        assert_eq!(page, expected);
    }
}
