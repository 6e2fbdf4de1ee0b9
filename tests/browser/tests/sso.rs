//! The example `sso_web_app`. Its identity provider is another site: the application is at
//! localhost, the identity provider at 127.0.0.1.

use url::Url;

use super::{
    chromium::{Browser, with_browsers},
    example::Example,
};

/// Starts the example; returns it with its address.
async fn start() -> (Example, Url) {
    let mut example = Example::start("sso_web_app", &[]);
    let url = example.words_with("Open ").await.remove(1);
    (example, url.parse().unwrap())
}

/// Goes to the identity provider's page.
async fn start_login(browser: &Browser, base: &Url) -> Url {
    browser.goto(base).await;
    browser.click("Log in").await;
    browser.shows("Who are you?").await;
    let idp = browser.url().await;
    assert_eq!(idp.host_str(), Some("127.0.0.1"));
    idp
}

#[test]
fn response_of_the_identity_provider_finds_its_login() {
    with_browsers(async |browsers| {
        let browser = browsers.open().await;
        let (_example, base) = start().await;
        start_login(&browser, &base).await;
        browser.pictures("sso-web-app-identity-provider").await;
        browser.click("User 2").await;
        browser.shows("Hello, User 2").await;
        browser.pictures("sso-web-app-logged-in").await;
        assert_eq!(browser.url().await, base);
        assert!(browser.cookie("login").await.is_none());
        let session = browser.cookie("session").await.expect("a session");
        let value = serde_json::to_value(&session).unwrap();
        assert_eq!(value["httpOnly"], true, "{value}");
        assert_eq!(value["sameSite"], "Lax", "{value}");

        // The same response is posted again.
        browser.back().await;
        browser.shows("Who are you?").await;
        browser.click("User 2").await;
        browser.shows("This login cannot be finished here").await;
        browser.pictures("sso-web-app-refused").await;
        // The next login has another session and another user.
        browser.click("Log in again").await;
        browser.click("User 3").await;
        browser.shows("Hello, User 3").await;
        let next = browser.cookie("session").await.expect("a session");
        assert_ne!(session.value, next.value);

        browser.click("Log out").await;
        browser.shows("Welcome").await;
        browser.pictures("sso-web-app-logged-out").await;
        assert!(browser.cookie("session").await.is_none());
    });
}

#[test]
fn response_in_another_browser_logs_no_user_in() {
    with_browsers(async |browsers| {
        let (attacker, browser) = (browsers.open().await, browsers.open().await);
        let (_example, base) = start().await;
        let attackers = start_login(&attacker, &base).await;
        for has_started in [false, true] {
            if has_started {
                start_login(&browser, &base).await;
            }
            browser.goto(&attackers).await;
            browser.click("User 1").await;
            browser.shows("This login cannot be finished here").await;
            browser.goto(&base).await;
            browser.shows("Welcome").await;
        }
    });
}
