//! The example `web_app`, from its start page to the logout.

use thirtyfour::Cookie;
use url::Url;

use super::{
    chromium::{Browser, with_browsers},
    example::{Example, User},
    site::other_site,
};

/// Starts the example; returns it with its users and its address.
async fn start() -> (Example, Vec<User>, Url) {
    let mut example = Example::start("web_app", &[]);
    let mut users = Vec::new();
    for _ in 0..3 {
        let mut words = example.words_with("@").await;
        users.push(User {
            password: words.remove(1),
            email: words.remove(0),
        });
    }
    let url = example.words_with("Open ").await.remove(1);
    (example, users, url.parse().unwrap())
}

async fn log_in(browser: &Browser, base: &Url, user: &User) {
    browser.goto(base).await;
    browser.shows("Welcome").await;
    browser.click("Log in").await;
    browser.log_in(&user.email, &user.password).await;
    browser.shows("Allow Sandbox client?").await;
    browser.click("Allow").await;
}

async fn session(browser: &Browser) -> Cookie {
    browser.cookie("session").await.expect("a session")
}

#[test]
fn user_logs_in_and_out() {
    with_browsers(async |browsers| {
        let browser = browsers.open().await;
        let (_example, users, base) = start().await;
        browser.goto(&base).await;
        browser.shows("Welcome").await;
        browser.pictures("web-app-logged-out").await;
        assert!(browser.cookie("session").await.is_none());
        browser.click("Log in").await;
        browser.log_in(&users[0].email, "not the password").await;
        browser.log_in(&users[0].email, &users[0].password).await;
        browser.shows("Allow Sandbox client?").await;
        browser.click("Allow").await;
        browser.shows("Hello, User 1").await;
        browser.pictures("web-app-logged-in").await;
        assert_eq!(browser.url().await, base);
        let source = browser.source().await;
        assert!(source.contains("Sandbox") && source.contains(&users[0].email));
        let responses = browser.responses(base.as_str()).await;
        assert!(!responses.is_empty());
        for response in responses {
            response.assert_security_headers();
        }
        browser.assert_requests_stayed_local().await;

        browser.click("Log out").await;
        browser.shows("Welcome").await;
        assert_eq!(browser.url().await, base);
        assert!(browser.cookie("session").await.is_none());
        // The user is also logged out at the login page.
        browser.click("Log in").await;
        browser.shows("Log in").await;
    });
}

#[test]
fn session_id_changes_at_login() {
    with_browsers(async |browsers| {
        let (browser, other) = (browsers.open().await, browsers.open().await);
        let (_example, users, base) = start().await;
        browser.goto(&base).await;
        browser.click("Log in").await;
        browser.shows("Log in").await;
        // The login page is at 127.0.0.1, the application at localhost.
        let tab = browser.new_tab().await;
        browser.goto(&base).await;
        let before = session(&browser).await;
        browser.go_to_tab(tab).await;
        browser.log_in(&users[0].email, &users[0].password).await;
        browser.shows("Allow Sandbox client?").await;
        browser.click("Allow").await;
        browser.shows("Hello, User 1").await;
        let after = session(&browser).await;
        assert_ne!(before.value, after.value);
        let value = serde_json::to_value(&after).unwrap();
        assert_eq!(value["httpOnly"], true, "{value}");
        assert_eq!(value["sameSite"], "Lax", "{value}");

        other.goto(&base).await;
        for (value, heading) in [(before.value, "Welcome"), (after.value, "Hello, User 1")] {
            other.set_cookie(Cookie::new("session", value)).await;
            other.goto(&base).await;
            other.shows(heading).await;
        }
    });
}

#[test]
fn callback_in_another_browser_changes_nothing() {
    with_browsers(async |browsers| {
        let (one, two) = (browsers.open().await, browsers.open().await);
        let (_example, users, base) = start().await;
        log_in(&one, &base, &users[0]).await;
        log_in(&two, &base, &users[1]).await;
        one.shows("Hello, User 1").await;
        two.shows("Hello, User 2").await;
        let callback = one.responses(base.join("callback").unwrap().as_str()).await;
        two.goto(&callback[0].url).await;
        two.shows("This login cannot be finished here").await;
        two.pictures("web-app-other-browser").await;
        two.click("Back to the start").await;
        two.shows("Hello, User 2").await;
        one.goto(&base).await;
        one.shows("Hello, User 1").await;
    });
}

#[test]
fn login_works_after_denial_back_and_in_two_tabs() {
    with_browsers(async |browsers| {
        let browser = browsers.open().await;
        let (_example, users, base) = start().await;
        browser.goto(&base).await;
        browser.click("Log in").await;
        browser.log_in(&users[2].email, &users[2].password).await;
        browser.shows("Allow Sandbox client?").await;
        browser.click("Deny").await;
        browser.shows("Access was not granted").await;
        browser.pictures("web-app-denied").await;
        // That login has ended, and a new one can start.
        browser.back().await;
        browser.shows("Allow Sandbox client?").await;
        browser.click("Allow").await;
        browser.shows("This login cannot be finished here").await;
        browser.click("Back to the start").await;
        browser.click("Log in").await;
        browser.shows("Allow Sandbox client?").await;

        let first = browser.new_tab().await;
        browser.goto(&base).await;
        browser.click("Log in").await;
        browser.shows("Allow Sandbox client?").await;
        browser.click("Allow").await;
        browser.shows("Hello, User 3").await;
        browser.go_to_tab(first).await;
        browser.click("Allow").await;
        browser.shows("This login cannot be finished here").await;
        browser.click("Back to the start").await;
        browser.shows("Hello, User 3").await;
        browser.back().await;
        browser.goto(&base).await;
        browser.shows("Hello, User 3").await;
    });
}

#[test]
fn other_sites_cannot_log_a_user_out() {
    with_browsers(async |browsers| {
        let browser = browsers.open().await;
        let (_example, users, base) = start().await;
        log_in(&browser, &base, &users[0]).await;
        browser.shows("Hello, User 1").await;
        let logout = base.join("logout").unwrap();
        let port = other_site(&logout).await;
        // The first is another site, the second another origin of the same site.
        for host in ["127.0.0.1", "localhost"] {
            browser.goto(format!("http://{host}:{port}/")).await;
            browser.click("Form").await;
            browser.shows("Not logged out").await;
            browser.goto(format!("http://{host}:{port}/")).await;
            browser.click("Link").await;
            browser.goto(&base).await;
            browser.shows("Hello, User 1").await;
        }
        let responses = browser.responses(logout.as_str()).await;
        let statuses: Vec<_> = responses.iter().map(|response| response.status).collect();
        assert_eq!(statuses, [403, 405, 403, 405]);
        browser.click("Log out").await;
        browser.shows("Welcome").await;
    });
}
