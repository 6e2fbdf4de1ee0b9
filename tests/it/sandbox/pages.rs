//! The content of the login pages.

use genesys_cloud_auth::sandbox::SandboxUser;
use secrecy::ExposeSecret as _;

use super::{
    authorize::{REDIRECT, builder, path, start_with_user},
    browser::Browser,
    sessions::assert_consent_page,
    start,
};

#[tokio::test]
async fn pages_load_nothing_and_hide_the_state() {
    let (sandbox, user) = start_with_user().await;
    let path = path(&sandbox, &format!("{REDIRECT}&state=the-state"));
    let mut browser = Browser::default();
    let log_in = browser.open(&sandbox, &path).await;
    let key = ("form_key", log_in.hidden_field("form_key"));
    let form = [key, ("email", "x"), ("password", "y")];
    browser.submit(&sandbox, &path, &form).await;
    let wrong = browser.open(&sandbox, &path).await;
    let out_of_date = Browser::default().submit(&sandbox, &path, &[]).await;
    let consent = browser.consent_page(&sandbox, &path, &user).await;
    let logged_out = browser.open(&sandbox, "/logout").await;
    let not_possible = browser.open(&sandbox, "/oauth/authorize").await;
    for (page, status, title) in [
        (log_in, 200, "Log in"),
        (wrong, 200, "Log in"),
        (out_of_date, 403, "Log in"),
        (consent, 200, "Allow Sandbox client?"),
        (logged_out, 200, "Logged out"),
        (not_possible, 400, "Login not possible"),
    ] {
        assert_eq!(page.status, status, "{title}");
        for (name, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("referrer-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", POLICY),
        ] {
            assert_eq!(page.header(name), Some(value), "{title}");
        }
        let text = page.text();
        let title = format!("<title>{title} · Sandbox</title>");
        assert!(text.contains(&title), "{text}");
        assert!(text.contains("not Genesys Cloud"), "{text}");
        for external in ["<script", "src=", "<link", "url(", "@import", "javascript:"] {
            assert!(!text.contains(external), "{external} in {text}");
        }
        // Only the link to log in as another user contains the state.
        let has_link = text.contains("href=\"?");
        let states = text.matches("the-state").count();
        assert_eq!(states, usize::from(has_link), "{text}");
    }
}

#[tokio::test]
async fn wrong_password_is_reported_once() {
    let sandbox = start(builder()).await;
    let [user, other, _] = sandbox.users().try_into().unwrap();
    let path = path(&sandbox, REDIRECT);
    let mut browser = Browser::default();
    let page = browser.open(&sandbox, &path).await;
    assert!(page.is_log_in_page());
    let key = ("form_key", page.hidden_field("form_key"));
    let password = |user: &SandboxUser| user.password().expose_secret().to_owned();
    for (email, password) in [
        (user.email(), password(&other)),
        (user.email(), String::new()),
        (user.email(), password(&user).to_lowercase() + " "),
        ("", password(&user)),
        ("nobody@sandbox.example", password(&user)),
        ("\"><script>x</script>", password(&user)),
    ] {
        let form = [key, ("email", email), ("password", &*password)];
        let submitted = browser.submit(&sandbox, &path, &form).await;
        assert_eq!(submitted.status, 303, "{email}");
        let next = format!("/oauth/{}", submitted.location());
        assert_eq!(next, path);
        let response = browser.open(&sandbox, &next).await;
        let message = "The email address or the password is wrong.";
        assert!(response.is_log_in_page() && response.text().contains(message));
        assert!(password.is_empty() || !response.text().contains(&password));
        let shown = email.replace('"', "&quot;").replace('<', "&lt;");
        let shown = format!("value=\"{}\"", shown.replace('>', "&gt;"));
        assert!(response.text().contains(&shown), "{}", response.text());
        assert!(!browser.open(&sandbox, &next).await.text().contains(message));
    }
    let email = format!(" {} ", user.email().to_uppercase());
    let form = [key, ("email", &*email), ("password", &*password(&user))];
    assert_eq!(browser.submit(&sandbox, &path, &form).await.status, 303);
    assert_consent_page(&browser.open(&sandbox, &path).await, 200);
}

#[tokio::test]
async fn request_parameters_are_shown_escaped() {
    let sandbox = start(builder()).await;
    let email = |value: &str| format!("type=\"email\" autocomplete=\"username\" value=\"{value}\"");
    let fact = |value: &str| format!("<dd>{value}</dd>");
    let (jo, acme) = ("login_hint=a@b.example", fact("acme"));
    for (more, shown) in [
        ("", vec![email("")]),
        (jo, vec![email("a@b.example")]),
        ("login_hint=acme", vec![email(""), acme.clone()]),
        (
            &format!("{jo}:acme"),
            vec![email("a@b.example"), acme.clone()],
        ),
        ("org=acme&provider=okta", vec![acme, fact("okta")]),
        ("target=the-org", vec![fact("the-org")]),
        (
            "login_hint=%22%3E%3Cscript%3E%27%26%3A%3Ci%3E%E2%80%AE%1B",
            vec![
                email("&quot;&gt;&lt;script&gt;&#39;&amp;"),
                fact("&lt;i&gt;\u{fffd}\u{fffd}"),
            ],
        ),
    ] {
        let path = path(&sandbox, &format!("{REDIRECT}&{more}"));
        let page = Browser::default().open(&sandbox, &path).await;
        assert_eq!(page.status, 200, "{more}");
        for shown in shown {
            assert!(page.text().contains(&shown), "{shown} in {}", page.text());
        }
        assert!(page.text().contains(&fact("http://localhost:7890")));
    }
}

const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
