//! The browsers' logins at the login host.

use genesys_cloud_auth::sandbox::Sandbox;

use super::{
    Response, USERS_ME,
    authorize::{CALLBACK, REDIRECT, builder, path, start_with_user},
    browser::{Browser, parameter},
    codes::exchange_redirect,
    get_json, start, text,
};

/// Exchanges the code in the redirect and returns the id of its user.
async fn user_of_redirect(sandbox: &Sandbox, redirect: &Response) -> String {
    let tokens = exchange_redirect(sandbox, redirect.location()).await;
    let me = get_json(sandbox, USERS_ME, text(&tokens, "access_token")).await;
    text(&me, "id").to_owned()
}

#[track_caller]
pub(super) fn assert_consent_page(response: &Response, status: u16) {
    assert_eq!(response.status, status);
    let text = response.text();
    assert!(text.contains("value=\"allow\""), "{text}");
    assert!(!response.is_log_in_page());
}

#[tokio::test]
async fn login_is_remembered_until_prompt_or_logout() {
    let (sandbox, user) = start_with_user().await;
    let (path, prompt) = (path(&sandbox, REDIRECT), "prompt=login");
    let mut browser = Browser::default();
    browser.consent_page(&sandbox, &path, &user).await;
    let page = browser.open(&sandbox, &path).await;
    assert_consent_page(&page, 200);

    let prompting = format!("{path}&{prompt}&state=s");
    let page = browser.open(&sandbox, &prompting).await;
    assert!(page.is_log_in_page());
    let other = &sandbox.users()[1];
    let response = browser.log_in(&sandbox, &prompting, &page, other).await;
    // The next address has no prompt.
    let next = format!("authorize?{}&state=s", path.split_once('?').unwrap().1);
    assert_eq!(response.location(), next);
    let page = browser.open(&sandbox, &format!("/oauth/{next}")).await;
    assert_consent_page(&page, 200);
    let redirect = browser.decide(&sandbox, &path, &page, "allow").await;
    assert_eq!(user_of_redirect(&sandbox, &redirect).await, other.id());

    // The consent page has a link to log in as another user.
    let page = browser.open(&sandbox, &path).await;
    let (_, link) = page.text().split_once("href=\"?").unwrap();
    let link = link.split('"').next().unwrap().replace("&amp;", "&");
    let page = format!("/oauth/authorize?{link}");
    let page = browser.open(&sandbox, &page).await;
    assert!(page.is_log_in_page());

    let page = browser.open(&sandbox, "/logout").await;
    assert_eq!(page.status, 200);
    assert_eq!(browser.session_id(), None);
    assert!(browser.open(&sandbox, &path).await.is_log_in_page());
    browser.clear_cookies();
    assert!(browser.open(&sandbox, &path).await.is_log_in_page());
}

#[tokio::test]
async fn logout_redirects_to_a_registered_uri_only() {
    let (sandbox, user) = start_with_user().await;
    let (id, path) = (sandbox.client_id(), path(&sandbox, REDIRECT));
    let (own, another) = (format!("?client_id={id}"), "?client_id=another");
    for (query, location) in [
        (format!("{own}&{REDIRECT}"), Some("http://localhost:7890")),
        (format!("{own}&redirect_uri={CALLBACK}"), Some(CALLBACK)),
        (own.clone(), None),
        (format!("?{REDIRECT}"), None),
        (format!("{another}&{REDIRECT}"), None),
        (format!("{own}&redirect_uri=https://evil.example"), None),
    ] {
        let mut browser = Browser::default();
        let page = browser.consent_page(&sandbox, &path, &user).await;
        let mut copied = browser.clone();
        let redirect = browser.decide(&sandbox, &path, &page, "allow").await;
        let response = browser.open(&sandbox, &format!("/logout{query}")).await;
        assert_eq!(response.header("location"), location, "{query}");
        assert_eq!(response.status, if location.is_some() { 302 } else { 200 });
        // The session has ended in the sandbox, too.
        assert!(copied.open(&sandbox, &path).await.is_log_in_page());
        // What was issued stays.
        exchange_redirect(&sandbox, redirect.location()).await;
    }
}

#[tokio::test]
async fn form_is_accepted_from_its_own_browser_only() {
    let (sandbox, user) = start_with_user().await;
    let path = path(&sandbox, REDIRECT);
    let mut browser = Browser::default();
    let page = browser.consent_page(&sandbox, &path, &user).await;
    let key = ("form_key", page.hidden_field("form_key"));
    let (user, allow) = (("user", page.hidden_field("user")), ("decision", "allow"));
    let mut other = Browser::default();
    other.open(&sandbox, &path).await;
    for (browser, form) in [
        (&mut browser.clone(), vec![user, allow]),
        (&mut browser.clone(), vec![("form_key", ""), user, allow]),
        (
            &mut browser.clone(),
            vec![("form_key", "wrong"), user, allow],
        ),
        (&mut Browser::default(), vec![key, user, allow]),
        (&mut other, vec![key, user, allow]),
    ] {
        let response = browser.submit(&sandbox, &path, &form).await;
        assert_eq!(response.status, 403);
        assert_eq!(response.header("location"), None);
        let message = "This page was out of date. Please try again.";
        assert!(response.text().contains(message), "{}", response.text());
    }
    // A browser that has not logged in cannot decide.
    let page = other.open(&sandbox, &path).await;
    let form = [("form_key", page.hidden_field("form_key")), user, allow];
    let response = other.submit(&sandbox, &path, &form).await;
    assert!(response.status == 403 && response.is_log_in_page());
    // Nor can a logged-in one, if the request prompts for a login.
    let prompting = format!("{path}&prompt=login");
    let response = browser
        .submit(&sandbox, &prompting, &[key, user, allow])
        .await;
    assert!(response.status == 403 && response.is_log_in_page());
    let form = [key, user, ("decision", "maybe")];
    let response = browser.submit(&sandbox, &path, &form).await;
    let error = parameter(response.location(), "error").unwrap();
    assert_eq!(error, "access_denied");
}

#[tokio::test]
async fn cookie_changes_at_login_and_is_the_sandboxs_own() {
    let (sandbox, user) = start_with_user().await;
    let path = path(&sandbox, REDIRECT);
    let mut browser = Browser::default();
    let page = browser.open(&sandbox, &path).await;
    let cookie = page.header("set-cookie").unwrap();
    let is_limited = cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax");
    assert!(is_limited, "{cookie}");
    let mut planted = browser.clone();
    let again = browser.open(&sandbox, &path).await;
    assert_eq!(again.header("set-cookie"), None);
    browser.log_in(&sandbox, &path, &page, &user).await;
    assert_ne!(planted.session_id(), browser.session_id());
    // The cookie from before the login is not logged in.
    let key = page.hidden_field("form_key");
    let form = [("form_key", key), ("email", user.email())];
    assert_eq!(planted.submit(&sandbox, &path, &form).await.status, 403);
    assert!(planted.open(&sandbox, &path).await.is_log_in_page());
    assert_consent_page(&browser.open(&sandbox, &path).await, 200);
    // Cookies do not distinguish ports, so each sandbox has its own name.
    let other = start(builder()).await;
    let path = self::path(&other, REDIRECT);
    let page = Browser::default().open(&other, &path).await;
    let name = |cookie: &str| cookie.split('=').next().unwrap().to_owned();
    assert_ne!(name(page.header("set-cookie").unwrap()), name(cookie));
}

#[tokio::test]
async fn two_tabs_do_not_disturb_each_other() {
    let sandbox = start(builder()).await;
    let [user, other, _] = sandbox.users().try_into().unwrap();
    let path = |state| path(&sandbox, &format!("{REDIRECT}&state={state}"));
    let (first, second) = (path("first"), path("second"));
    let mut browser = Browser::default();
    let first_page = browser.open(&sandbox, &first).await;
    let second_page = browser.open(&sandbox, &second).await;
    let response = browser.log_in(&sandbox, &first, &first_page, &user).await;
    assert_eq!(response.status, 303);
    let consent = browser.open(&sandbox, &first).await;
    // The login page in the second tab was opened before.
    let log_in = browser.log_in(&sandbox, &second, &second_page, &other);
    assert_eq!(log_in.await.status, 303);
    // The first tab's user is no longer logged in.
    let response = browser.decide(&sandbox, &first, &consent, "allow").await;
    assert_consent_page(&response, 403);
    for text in ["Another user has logged in meanwhile.", other.email()] {
        assert!(response.text().contains(text));
    }
    for (path, state) in [(&first, "first"), (&second, "second")] {
        let page = browser.open(&sandbox, path).await;
        let redirect = browser.decide(&sandbox, path, &page, "allow").await;
        assert_eq!(parameter(redirect.location(), "state").unwrap(), state);
        assert_eq!(user_of_redirect(&sandbox, &redirect).await, other.id());
    }
}

#[tokio::test]
async fn going_back_gives_another_code() {
    let (sandbox, user) = start_with_user().await;
    let path = path(&sandbox, REDIRECT);
    let mut browser = Browser::default();
    let log_in = browser.open(&sandbox, &path).await;
    let consent = browser.consent_page(&sandbox, &path, &user).await;
    let denied = browser.decide(&sandbox, &path, &consent, "deny").await;
    assert!(denied.location().contains("error=access_denied"));
    let first = browser.decide(&sandbox, &path, &consent, "allow").await;
    // The user goes back to the login page.
    let response = browser.log_in(&sandbox, &path, &log_in, &user).await;
    assert_eq!(response.status, 303);
    let second = browser.decide(&sandbox, &path, &consent, "allow").await;
    assert_ne!(first.location(), second.location());
    for redirect in [first, second] {
        assert_eq!(redirect.header("cache-control"), Some("no-store"));
        assert_eq!(user_of_redirect(&sandbox, &redirect).await, user.id());
    }
}

#[tokio::test]
async fn users_log_in_concurrently() {
    let sandbox = start(builder()).await;
    let path = path(&sandbox, REDIRECT);
    let mut visits = Vec::new();
    for user in sandbox.users() {
        let mut browser = Browser::default();
        let page = browser.consent_page(&sandbox, &path, &user).await;
        visits.push((browser, page, user));
    }
    for (mut browser, page, user) in visits {
        let redirect = browser.decide(&sandbox, &path, &page, "allow").await;
        assert_eq!(user_of_redirect(&sandbox, &redirect).await, user.id());
    }
}
