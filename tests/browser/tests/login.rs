//! Logins on this machine, up to the page that the listener shows.

use url::Url;

use super::{
    chromium::{Browser, with_browsers},
    example::{Example, User},
};

/// Starts the example; returns it with its user and the login page.
async fn start() -> (Example, User, Url) {
    let mut example = Example::start("login", &["--open-browser"]);
    let email = example.words_with("email address").await.remove(2);
    let password = example.words_with("password").await.remove(1);
    let url = example.words_with("/oauth/authorize?").await.remove(0);
    (example, User { email, password }, url.parse().unwrap())
}

fn value_of(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    let (_, value) = pairs.find(|(given, _)| given == name)?;
    Some(value.into_owned())
}

/// Asserts that the listener shows a title and a sentence, and nothing from the request.
async fn assert_result_page(
    browser: &Browser,
    login_page: &Url,
    status: u64,
    title: &str,
    name: &str,
) {
    browser.shows(title).await;
    browser.pictures(name).await;
    assert_eq!(browser.title().await, title);
    assert_eq!(browser.texts("h1").await, [title]);
    let sentences = browser.texts("p").await;
    assert_eq!(sentences.len(), 1);
    assert_eq!(sentences[0].matches('.').count(), 1);

    let shown = browser.url().await;
    let source = browser.source().await;
    for secret in ["state", "code"].map(|name| value_of(&shown, name)) {
        assert!(secret.is_none_or(|secret| !source.contains(&secret)));
    }
    assert!(!source.contains(&value_of(login_page, "state").unwrap()));
    assert!(!source.contains("<script"));

    let redirect_uri = value_of(login_page, "redirect_uri").unwrap();
    let responses = browser.responses(&redirect_uri).await;
    let [response] = responses.as_slice() else {
        panic!("{responses:?}")
    };
    assert_eq!(response.status, status);
    response.assert_security_headers();
    browser.assert_requests_stayed_local().await;
}

#[test]
fn user_logs_in_after_a_wrong_password() {
    with_browsers(async |browsers| {
        let browser = browsers.open().await;
        let (example, user, url) = start().await;
        browser.goto(&url).await;
        browser.shows("Log in").await;
        browser.pictures("login-page").await;
        browser.log_in(&user.email, "not the password").await;
        // The page before has the same heading.
        let wrong = "The email address or the password is wrong.";
        browser.shows_element("p", wrong).await;
        assert_eq!(browser.texts("p").await[1], wrong);
        browser.pictures("login-page-wrong-password").await;
        browser.log_in(&user.email, &user.password).await;
        browser.shows("Allow Sandbox client?").await;
        browser.pictures("consent-page").await;
        browser.click("Allow").await;
        assert_result_page(&browser, &url, 200, "You are logged in", "result-success").await;
        let (text, success) = example.end().await;
        assert!(success && text.contains("User 1"), "{text}");
        let code = value_of(&browser.url().await, "code").unwrap();
        assert!(!text.contains(&code));
    });
}

#[test]
fn denial_shows_its_page() {
    with_browsers(async |browsers| {
        let browser = browsers.open().await;
        let (example, user, url) = start().await;
        browser.goto(&url).await;
        browser.log_in(&user.email, &user.password).await;
        browser.shows("Allow Sandbox client?").await;
        browser.click("Deny").await;
        assert_result_page(
            &browser,
            &url,
            403,
            "Access was not granted",
            "result-denied",
        )
        .await;
        let (text, success) = example.end().await;
        assert!(!success && text.contains("access_denied"), "{text}");
    });
}

#[test]
fn failed_login_shows_its_page() {
    with_browsers(async |browsers| {
        let browser = browsers.open().await;
        let (example, _, url) = start().await;
        let mut callback: Url = value_of(&url, "redirect_uri").unwrap().parse().unwrap();
        let state = value_of(&url, "state").unwrap();
        callback
            .query_pairs_mut()
            .append_pair("error", "server_error")
            .append_pair("state", &state);
        browser.goto(&callback).await;
        assert_result_page(
            &browser,
            &url,
            500,
            "The login did not succeed",
            "result-failed",
        )
        .await;
        let (text, success) = example.end().await;
        assert!(!success && text.contains("server_error"), "{text}");
    });
}

#[test]
fn login_goes_on_after_back_and_in_a_second_tab() {
    with_browsers(async |browsers| {
        let browser = browsers.open().await;
        let (example, user, url) = start().await;
        browser.goto(&url).await;
        browser.shows("Log in").await;
        let first = browser.new_tab().await;
        browser.goto(&url).await;
        browser.log_in(&user.email, &user.password).await;
        browser.shows("Allow Sandbox client?").await;
        browser.click("Log in as another user").await;
        browser.shows("Log in").await;
        browser.back().await;
        browser.shows("Allow Sandbox client?").await;
        // The first tab's page is out of date; the login page reports that and continues.
        browser.go_to_tab(first).await;
        browser.log_in(&user.email, &user.password).await;
        browser.shows("Allow Sandbox client?").await;
        browser.click("Allow").await;
        browser.shows("You are logged in").await;
        let (text, success) = example.end().await;
        assert!(success && text.contains("User 1"), "{text}");
    });
}
