//! Who is logged in to the login host, in which browser, and for how long.

use genesys_cloud_auth::sandbox::Sandbox;

use super::{
    Answer, USER,
    authorize::{CALLBACK, REDIRECT, builder, path},
    browser::{Browser, parameter},
    codes::exchanged,
    get,
};

/// Whose token the code in the redirect gives.
async fn user_of(sandbox: &Sandbox, redirect: &Answer) -> String {
    let tokens = exchanged(sandbox, redirect.location()).await;
    let me = get(sandbox, USER, tokens["access_token"].as_str().unwrap()).await;
    me.json()["id"].as_str().unwrap().to_owned()
}

#[track_caller]
pub(super) fn is_consent_page(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status);
    assert!(
        answer.text().contains("value=\"allow\""),
        "{}",
        answer.text()
    );
    assert!(!answer.is_log_in_page());
}

#[tokio::test]
async fn a_login_is_remembered_until_it_is_asked_for_or_ended() {
    let sandbox = builder().start().await.unwrap();
    let user = sandbox.users().remove(0);
    let (path, prompt) = (path(&sandbox, REDIRECT), "prompt=login");
    let mut browser = Browser::default();
    browser.consent_page(&sandbox, &path, &user).await;
    let page = browser.open(&sandbox, &path).await;
    is_consent_page(&page, 200);

    let asking = format!("{path}&{prompt}&state=s");
    let page = browser.open(&sandbox, &asking).await;
    assert!(page.is_log_in_page());
    let other = &sandbox.users()[1];
    let answer = browser.log_in(&sandbox, &asking, &page, other).await;
    // It has been asked for now.
    let next = format!("authorize?{}&state=s", path.split_once('?').unwrap().1);
    assert_eq!(answer.location(), next);
    let page = browser.open(&sandbox, &format!("/oauth/{next}")).await;
    is_consent_page(&page, 200);
    let back = browser.decide(&sandbox, &path, &page, "allow").await;
    assert_eq!(user_of(&sandbox, &back).await, other.id());

    // The page of one user leads to the login of another.
    let page = browser.open(&sandbox, &path).await;
    let (_, link) = page.text().split_once("href=\"?").unwrap();
    let link = link.split('"').next().unwrap().replace("&amp;", "&");
    let page = browser
        .open(&sandbox, &format!("/oauth/authorize?{link}"))
        .await;
    assert!(page.is_log_in_page());

    let page = browser.open(&sandbox, "/logout").await;
    assert_eq!((page.status, browser.session()), (200, None));
    assert!(browser.open(&sandbox, &path).await.is_log_in_page());
    browser.forget();
    assert!(browser.open(&sandbox, &path).await.is_log_in_page());
}

#[tokio::test]
async fn the_end_of_a_browsers_login_is_told_where_that_is_registered() {
    let sandbox = builder().start().await.unwrap();
    let user = sandbox.users().remove(0);
    let (id, path) = (sandbox.client_id(), path(&sandbox, REDIRECT));
    for (query, location) in [
        (
            format!("?client_id={id}&{REDIRECT}"),
            Some("http://localhost:7890"),
        ),
        (
            format!("?client_id={id}&redirect_uri=https://app.example/callback?x=1"),
            Some(CALLBACK),
        ),
        (format!("?client_id={id}"), None),
        (format!("?{REDIRECT}"), None),
        (format!("?client_id=another&{REDIRECT}"), None),
        (
            format!("?client_id={id}&redirect_uri=https://evil.example"),
            None,
        ),
    ] {
        let mut browser = Browser::default();
        let page = browser.consent_page(&sandbox, &path, &user).await;
        let mut stolen = browser.clone();
        let back = browser.decide(&sandbox, &path, &page, "allow").await;
        let answer = browser.open(&sandbox, &format!("/logout{query}")).await;
        assert_eq!(answer.header("location"), location, "{query}");
        assert_eq!(answer.status, if location.is_some() { 302 } else { 200 });
        // It has ended there, too, and not only in the cookie.
        assert!(stolen.open(&sandbox, &path).await.is_log_in_page());
        // Nothing that was issued ends with it.
        exchanged(&sandbox, back.location()).await;
    }
}

#[tokio::test]
async fn a_form_is_taken_from_the_browser_whose_it_is() {
    let sandbox = builder().start().await.unwrap();
    let user = sandbox.users().remove(0);
    let path = path(&sandbox, REDIRECT);
    let mut browser = Browser::default();
    let page = browser.consent_page(&sandbox, &path, &user).await;
    let (key, id) = (page.hidden("form_key"), page.hidden("user"));
    let allow = ("decision", "allow");
    let mut other = Browser::default();
    other.open(&sandbox, &path).await;
    for (browser, form) in [
        (&mut browser.clone(), vec![("user", id), allow]),
        (
            &mut browser.clone(),
            vec![("form_key", ""), ("user", id), allow],
        ),
        (
            &mut browser.clone(),
            vec![("form_key", "wrong"), ("user", id), allow],
        ),
        (
            &mut Browser::default(),
            vec![("form_key", key), ("user", id), allow],
        ),
        (&mut other, vec![("form_key", key), ("user", id), allow]),
    ] {
        let answer = browser.send(&sandbox, &path, &form).await;
        assert_eq!((answer.status, answer.header("location")), (403, None));
        let words = "This page was out of date. Please try again.";
        assert!(answer.text().contains(words), "{}", answer.text());
    }
    // A browser that has not logged in cannot decide either.
    let page = other.open(&sandbox, &path).await;
    let form = [("form_key", page.hidden("form_key")), ("user", id), allow];
    let answer = other.send(&sandbox, &path, &form).await;
    assert!(answer.status == 403 && answer.is_log_in_page());
    // Nor, with its cookie, for a request that wants a new login.
    let asking = format!("{path}&prompt=login");
    let form = [("form_key", key), ("user", id), allow];
    let answer = browser.send(&sandbox, &asking, &form).await;
    assert!(answer.status == 403 && answer.is_log_in_page());
    let form = [("form_key", key), ("user", id), ("decision", "maybe")];
    let answer = browser.send(&sandbox, &path, &form).await;
    assert_eq!(
        parameter(answer.location(), "error").unwrap(),
        "access_denied"
    );
}

#[tokio::test]
async fn the_cookie_is_the_browsers_alone_and_changes_at_login() {
    let sandbox = builder().start().await.unwrap();
    let user = sandbox.users().remove(0);
    let path = path(&sandbox, REDIRECT);
    let mut browser = Browser::default();
    let page = browser.open(&sandbox, &path).await;
    let cookie = page.header("set-cookie").unwrap();
    assert!(
        cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    let mut planted = browser.clone();
    assert_eq!(
        browser.open(&sandbox, &path).await.header("set-cookie"),
        None
    );
    browser.log_in(&sandbox, &path, &page, &user).await;
    assert_ne!(planted.session(), browser.session());
    // Who knew the cookie from before the login is not logged in by it.
    let form = [
        ("form_key", page.hidden("form_key")),
        ("email", user.email()),
    ];
    assert_eq!(planted.send(&sandbox, &path, &form).await.status, 403);
    assert!(planted.open(&sandbox, &path).await.is_log_in_page());
    is_consent_page(&browser.open(&sandbox, &path).await, 200);
    // Cookies know no ports: each sandbox has a name of its own for it.
    let other = builder().start().await.unwrap();
    let mut there = Browser::default();
    let page = there.open(&other, &self::path(&other, REDIRECT)).await;
    let name = |cookie: &str| cookie.split('=').next().unwrap().to_owned();
    assert_ne!(name(page.header("set-cookie").unwrap()), name(cookie));
}

#[tokio::test]
async fn two_tabs_of_a_browser_do_not_disturb_each_other() {
    let sandbox = builder().start().await.unwrap();
    let [user, other, _] = sandbox.users().try_into().unwrap();
    let (first, second) = (
        path(&sandbox, &format!("{REDIRECT}&state=first")),
        path(&sandbox, &format!("{REDIRECT}&state=second")),
    );
    let mut browser = Browser::default();
    let first_page = browser.open(&sandbox, &first).await;
    let second_page = browser.open(&sandbox, &second).await;
    assert_eq!(
        browser
            .log_in(&sandbox, &first, &first_page, &user)
            .await
            .status,
        303
    );
    let consent = browser.open(&sandbox, &first).await;
    // The login page in the second tab is from before.
    assert_eq!(
        browser
            .log_in(&sandbox, &second, &second_page, &other)
            .await
            .status,
        303
    );
    // The first tab asks for a user who is not logged in any more.
    let answer = browser.decide(&sandbox, &first, &consent, "allow").await;
    is_consent_page(&answer, 403);
    assert!(
        answer
            .text()
            .contains("Somebody else has logged in meanwhile.")
    );
    assert!(answer.text().contains(other.email()));
    for (path, state) in [(&first, "first"), (&second, "second")] {
        let page = browser.open(&sandbox, path).await;
        let back = browser.decide(&sandbox, path, &page, "allow").await;
        assert_eq!(parameter(back.location(), "state").unwrap(), state);
        assert_eq!(user_of(&sandbox, &back).await, other.id());
    }
}

#[tokio::test]
async fn back_and_once_more_gives_another_code() {
    let sandbox = builder().start().await.unwrap();
    let user = sandbox.users().remove(0);
    let path = path(&sandbox, REDIRECT);
    let mut browser = Browser::default();
    let log_in = browser.open(&sandbox, &path).await;
    let consent = browser.consent_page(&sandbox, &path, &user).await;
    let denied = browser.decide(&sandbox, &path, &consent, "deny").await;
    assert!(denied.location().contains("error=access_denied"));
    let first = browser.decide(&sandbox, &path, &consent, "allow").await;
    // As far back as the login page.
    assert_eq!(
        browser.log_in(&sandbox, &path, &log_in, &user).await.status,
        303
    );
    let second = browser.decide(&sandbox, &path, &consent, "allow").await;
    assert_ne!(first.location(), second.location());
    for back in [first, second] {
        assert_eq!(back.header("cache-control"), Some("no-store"));
        assert_eq!(user_of(&sandbox, &back).await, user.id());
    }
}

#[tokio::test]
async fn users_log_in_side_by_side() {
    let sandbox = builder().start().await.unwrap();
    let path = path(&sandbox, REDIRECT);
    let mut visits = Vec::new();
    for user in sandbox.users() {
        let mut browser = Browser::default();
        let page = browser.consent_page(&sandbox, &path, &user).await;
        visits.push((browser, page, user));
    }
    for (mut browser, page, user) in visits {
        let back = browser.decide(&sandbox, &path, &page, "allow").await;
        assert_eq!(user_of(&sandbox, &back).await, user.id());
    }
}
