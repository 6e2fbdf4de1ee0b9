//! A login on this machine, up to the page that the listener shows.

use url::Url;

use super::{
    chromium::{Browser, with_browsers},
    example::{Example, User},
};

/// The example as far as it waits for the browser, with the user that it names.
async fn waiting() -> (Example, User, Url) {
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

/// Looks at the page that the listener shows: a title, a sentence, and nothing of the request.
async fn is_result_page(browser: &Browser, asked: &Url, status: u64, title: &str, name: &str) {
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
    assert!(!source.contains(&value_of(asked, "state").unwrap()));
    assert!(!source.contains("<script"));

    let redirect_uri = value_of(asked, "redirect_uri").unwrap();
    let answers = browser.answers(&redirect_uri).await;
    let [answer] = answers.as_slice() else {
        panic!("{answers:?}")
    };
    assert_eq!(answer.status, status);
    answer.keeps_to_itself();
    browser.stayed_here().await;
}

#[test]
fn a_wrong_password_and_then_the_right_one() {
    with_browsers(async |browsers| {
        let browser = browsers.open().await;
        let (example, user, url) = waiting().await;
        browser.goto(&url).await;
        browser.shows("Log in").await;
        browser.pictures("login-page").await;
        browser.log_in(&user.email, "not the password").await;
        assert_eq!(
            browser.texts("p").await[1],
            "The email address or the password is wrong."
        );
        browser.pictures("login-page-wrong-password").await;
        browser.log_in(&user.email, &user.password).await;
        browser.shows("Allow Sandbox client?").await;
        browser.pictures("consent-page").await;
        browser.click("Allow").await;
        is_result_page(&browser, &url, 200, "You are logged in", "result-success").await;
        let (text, success) = example.end().await;
        assert!(success && text.contains("User 1"), "{text}");
        let code = value_of(&browser.url().await, "code").unwrap();
        assert!(!text.contains(&code));
    });
}

#[test]
fn who_denies_is_told_what_to_do() {
    with_browsers(async |browsers| {
        let browser = browsers.open().await;
        let (example, user, url) = waiting().await;
        browser.goto(&url).await;
        browser.log_in(&user.email, &user.password).await;
        browser.shows("Allow Sandbox client?").await;
        browser.click("Deny").await;
        is_result_page(
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
fn a_login_page_that_fails_has_a_page_of_its_own() {
    with_browsers(async |browsers| {
        let browser = browsers.open().await;
        let (example, _, url) = waiting().await;
        let mut back: Url = value_of(&url, "redirect_uri").unwrap().parse().unwrap();
        let state = value_of(&url, "state").unwrap();
        back.query_pairs_mut()
            .append_pair("error", "server_error")
            .append_pair("state", &state);
        browser.goto(&back).await;
        is_result_page(
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
fn back_and_in_a_second_tab_the_login_goes_on() {
    with_browsers(async |browsers| {
        let browser = browsers.open().await;
        let (example, user, url) = waiting().await;
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
        // The first tab's page is out of date by now; it is told, and goes on.
        browser.go_to_tab(first).await;
        browser.log_in(&user.email, &user.password).await;
        browser.shows("Allow Sandbox client?").await;
        browser.click("Allow").await;
        browser.shows("You are logged in").await;
        let (text, success) = example.end().await;
        assert!(success && text.contains("User 1"), "{text}");
    });
}
