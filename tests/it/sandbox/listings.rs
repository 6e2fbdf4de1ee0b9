//! Listings by page number and by cursor.

use std::collections::HashSet;

use genesys_cloud_auth::sandbox::Sandbox;
use serde_json::{Value, json};

use super::{get, token};

#[tokio::test]
async fn users_come_in_pages() {
    let sandbox = Sandbox::builder().users(250).start().await.unwrap();
    let token = token(&sandbox).await;
    let mut names = Vec::new();
    let mut next = Some(format!("{USERS}?pageSize=100&pageNumber=1"));
    let mut number = 0;
    while let Some(uri) = next {
        let page = get(&sandbox, &uri, &token).await.json();
        number += 1;
        let users = page["entities"].as_array().unwrap();
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
        next = page["nextUri"].as_str().map(str::to_owned);
    }
    let expected: Vec<_> = (1..=250).map(|number| format!("User {number}")).collect();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_page_has_25_users_unless_told_otherwise() {
    let sandbox = Sandbox::builder().users(26).start().await.unwrap();
    let token = token(&sandbox).await;
    let page = get(&sandbox, USERS, &token).await.json();
    assert_eq!(page["entities"].as_array().unwrap().len(), 25);
    assert_eq!(page["nextUri"], format!("{USERS}?pageSize=25&pageNumber=2"));
    assert_eq!(page["pageCount"], 2);
    let one = format!("{USERS}?pageSize=1&expand=presence&pageNumber=26");
    let page = get(&sandbox, &one, &token).await.json();
    assert_eq!(page["entities"][0]["name"], "User 26");
    assert!(page.get("nextUri").is_none());
}

#[tokio::test]
async fn every_sandbox_lists_the_same() {
    let mut listings = Vec::new();
    for _ in 0..2 {
        let sandbox = Sandbox::start().await.unwrap();
        let token = token(&sandbox).await;
        for path in [USERS, CREDENTIALS] {
            let page = get(&sandbox, path, &token).await.json();
            let entities = page["entities"].as_array().unwrap();
            let named = |one: &Value| (one["id"].clone(), one["name"].clone());
            listings.push(entities.iter().map(named).collect::<Vec<_>>());
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
async fn beyond_the_last_page_there_is_nobody() {
    let sandbox = Sandbox::builder().users(30).start().await.unwrap();
    let token = token(&sandbox).await;
    for number in [3, 1_000, i32::MAX] {
        let path = format!("{USERS}?pageNumber={number}&pageSize=100");
        let page = get(&sandbox, &path, &token).await.json();
        assert_eq!(page["entities"], json!([]));
        assert_eq!(
            (&page["total"], &page["pageNumber"]),
            (&json!(30), &json!(number))
        );
        assert!(page.get("nextUri").is_none());
        assert_eq!(
            page["previousUri"],
            format!("{USERS}?pageSize=100&pageNumber=1")
        );
    }
    let nobody = Sandbox::builder().users(0).start().await.unwrap();
    let page = get(&nobody, USERS, &super::token(&nobody).await)
        .await
        .json();
    assert_eq!((&page["total"], &page["pageCount"]), (&json!(0), &json!(0)));
    assert_eq!(page["entities"], json!([]));
    assert!(page.get("nextUri").is_none() && page.get("previousUri").is_none());
    assert_eq!(page["lastUri"], page["firstUri"]);
}

#[tokio::test]
async fn what_is_no_page_is_refused() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
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
        let answer = get(&sandbox, &format!("{USERS}?{query}"), &token).await;
        assert_eq!(answer.status, 400, "{query}");
        let parameter = query.split('=').next().unwrap();
        let message = answer.refusal(400, code);
        assert!(message.starts_with(parameter), "{message}");
    }
    for (size, status) in [("200", 200), ("201", 400), ("0", 400), ("x", 400)] {
        let path = format!("{CREDENTIALS}?pageSize={size}");
        assert_eq!(get(&sandbox, &path, &token).await.status, status, "{size}");
    }
}

#[tokio::test]
async fn credentials_come_by_cursor_there_and_back() {
    let sandbox = Sandbox::builder()
        .integration_credentials(12)
        .start()
        .await
        .unwrap();
    let token = token(&sandbox).await;
    let first = format!("{CREDENTIALS}?pageSize=5");
    let mut pages = Vec::new();
    let mut next = Some(first);
    while let Some(uri) = next {
        assert!(uri.starts_with(CREDENTIALS), "{uri}");
        let page = get(&sandbox, &uri, &token).await.json();
        next = page["nextUri"].as_str().map(str::to_owned);
        pages.push(page);
    }
    let names = |page: &Value| -> Vec<String> {
        let entities = page["entities"].as_array().unwrap();
        let name = |one: &Value| one["name"].as_str().unwrap().to_owned();
        entities.iter().map(name).collect()
    };
    let all: Vec<_> = pages.iter().flat_map(names).collect();
    let expected: Vec<_> = (1..=12)
        .map(|number| format!("Credential {number}"))
        .collect();
    assert_eq!((pages.len(), &all), (3, &expected));
    assert!(pages[0].get("previousUri").is_none());
    for place in [2, 1] {
        let previous = pages[place]["previousUri"].as_str().unwrap();
        let page = get(&sandbox, previous, &token).await.json();
        assert_eq!(names(&page), names(&pages[place - 1]));
        let own = pages[place]["selfUri"].as_str().unwrap();
        let again = get(&sandbox, own, &token).await.json();
        assert_eq!(again, pages[place]);
    }
    let credential = &pages[0]["entities"][0];
    assert_eq!(credential["type"]["name"], "pureCloudOAuthClient");
    assert!(credential.get("credentialFields").is_none());
    // No number of a page can be read off, and a link escapes what it must.
    let next = pages[0]["nextUri"].as_str().unwrap();
    assert!(!next.contains("after=5") && next.contains("%3D"), "{next}");
}

#[tokio::test]
async fn a_listing_of_none_has_no_next() {
    let sandbox = Sandbox::builder()
        .integration_credentials(0)
        .start()
        .await
        .unwrap();
    let page = get(&sandbox, CREDENTIALS, &token(&sandbox).await)
        .await
        .json();
    assert_eq!(page["entities"], json!([]));
    assert!(page.get("nextUri").is_none() && page.get("previousUri").is_none());
}

#[tokio::test]
async fn a_cursor_that_was_never_handed_out_is_refused() {
    let sandbox = Sandbox::builder()
        .integration_credentials(50)
        .start()
        .await
        .unwrap();
    let token = token(&sandbox).await;
    let page = get(&sandbox, CREDENTIALS, &token).await.json();
    let next = page["nextUri"].as_str().unwrap().to_owned();
    let cursor = next.split(['=', '&']).nth(1).unwrap();
    let cut = &cursor[..cursor.len() - 5];
    for cursor in ["", "5", "-1", "AAAA", "%FF%FE", "Y3JlZGVudGlhbHM+OTk=", cut] {
        for name in ["after", "before"] {
            let path = format!("{CREDENTIALS}?{name}={cursor}");
            let answer = get(&sandbox, &path, &token).await;
            assert_eq!(answer.status, 400, "{name}={cursor}");
            answer.refusal(400, "invalid.value");
        }
    }
    let both = format!("{CREDENTIALS}?after={cursor}&before={cursor}");
    get(&sandbox, &both, &token)
        .await
        .refusal(400, "bad.request");

    // A cursor is of a listing, not of its length.
    let short = Sandbox::builder()
        .integration_credentials(3)
        .start()
        .await
        .unwrap();
    let answer = get(&short, &next, &super::token(&short).await).await;
    answer.refusal(400, "invalid.value");
}

const USERS: &str = "/api/v2/users";
const CREDENTIALS: &str = "/api/v2/integrations/credentials/listing";
