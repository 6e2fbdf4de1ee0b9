//! Logins in two requests of a web application.

use base64::{Engine, engine::general_purpose::STANDARD};
use genesys_cloud_auth::store::{MemoryStore, SealingKey};
use secrecy::ExposeSecret;

use super::*;

#[tokio::test]
async fn public_client_sends_its_id_in_the_form_and_no_basic() {
    let sandbox = sandbox().await;
    let login = login(&sandbox, WEB);
    let pending = login.begin().unwrap();
    let url = pending.authorize_url().clone();
    let callback = callback_of(&sandbox, &url).await;
    let tokens = login.finish(pending, &callback, "session-1").await.unwrap();
    assert_first_user(&sandbox, &tokens).await;

    let requests = token_requests(&sandbox);
    let [request] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert!(!request.headers().contains_key("authorization"));
    let form = request.form();
    let names: Vec<_> = form.iter().map(|(name, _)| &**name).collect();
    let expected = "grant_type code code_verifier client_id redirect_uri";
    assert_eq!(names.join(" "), expected);
    assert_eq!(field(request, "grant_type").unwrap(), "authorization_code");
    assert_eq!(field(request, "client_id").unwrap(), sandbox.client_id());
    assert_eq!(field(request, "redirect_uri").unwrap(), WEB);
    let code = parameter(&Url::parse(&callback).unwrap(), "code");
    assert_eq!(field(request, "code"), code);
    assert_eq!(parameter(&url, "code_challenge_method").unwrap(), "S256");
}

#[tokio::test]
async fn confidential_client_sends_basic_and_the_verifier() {
    let sandbox = sandbox().await;
    let secret = sandbox.client_secret();
    let app = AuthorizationCode::confidential(sandbox.client_id(), secret.clone(), WEB).unwrap();
    let login = Login::new(sandbox.region(), app).unwrap();
    log_in(&sandbox, &login, "session-1").await;

    let request = token_requests(&sandbox).remove(0);
    let pair = format!("{}:{}", sandbox.client_id(), secret.expose_secret());
    let basic = format!("Basic {}", STANDARD.encode(pair));
    assert_eq!(request.headers()["authorization"], *basic);
    assert_eq!(field(&request, "client_id"), None);
    assert_eq!(field(&request, "code_verifier").unwrap().len(), 86);
}

#[tokio::test]
async fn login_page_receives_the_settings() {
    let sandbox = sandbox().await;
    let app = app(&sandbox, WEB)
        .identity_provider("acme", "okta")
        .login_hint("jo@example.com")
        .prompt_login()
        .target_org("org-2");
    let login = Login::new(sandbox.region(), app).unwrap();
    let pending = login.begin().unwrap();
    callback_of(&sandbox, pending.authorize_url()).await;
    let mut requests = sandbox.requests().into_iter();
    let page = requests.find(|request| request.path() == "/oauth/authorize");
    let page = page.unwrap();
    let query = page.query().unwrap();
    let seen = Url::parse(&format!("http://login/?{query}")).unwrap();
    for (name, value) in [
        ("response_type", "code"),
        ("redirect_uri", WEB),
        ("org", "acme"),
        ("provider", "okta"),
        ("login_hint", "jo@example.com"),
        ("prompt", "login"),
        ("target", "org-2"),
    ] {
        assert_eq!(parameter(&seen, name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(parameter(&seen, "scope"), None);

    for bad in [
        super::app(&sandbox, WEB).identity_provider("acme", ""),
        super::app(&sandbox, WEB).login_hint(""),
    ] {
        let error = Login::new(sandbox.region(), bad).unwrap_err();
        assert_kind(&error, "Configuration");
    }
}

#[tokio::test]
async fn callback_of_the_implicit_grant_is_recognized() {
    let sandbox = sandbox().await;
    let login = login(&sandbox, WEB);
    for callback in [
        format!("{WEB}#access_token=s3ntinel&token_type=bearer"),
        format!("{}/oauth/authorize?response_type=token", sandbox.url()),
    ] {
        let pending = login.begin().unwrap();
        let error = login.finish(pending, &callback, "jo").await.unwrap_err();
        assert_kind(&error, "ImplicitGrant");
        for part in ["May 2026", "May 2027", "PKCE"] {
            assert_contains(&error, part);
        }
        assert!(!error.to_string().contains("s3ntinel"), "{error}");
    }
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn each_error_of_the_login_page_is_reported() {
    let sandbox = sandbox().await;
    let login = login(&sandbox, WEB);
    let pending = login.begin().unwrap();
    let callback = sandbox.deny(pending.authorize_url().as_str()).await;
    let error = login.finish(pending, &callback, "jo").await.unwrap_err();
    let denied = payload!(error, Login);
    let LoginErrorKind::Denied { description, .. } = denied.kind() else {
        panic!("{error:?}")
    };
    assert!(denied.is_declined() && description.is_some());

    for (code, transient) in [
        ("unauthorized_client", false),
        ("invalid_request", false),
        ("invalid_scope", false),
        ("unsupported_response_type", false),
        ("server_error", true),
        ("temporarily_unavailable", true),
        ("invalid_pkce_package", false),
        ("of_tomorrow", false),
    ] {
        sandbox.fail_next_authorization(code);
        let (pending, callback) = begin(&sandbox, &login).await;
        let error = login.finish(pending, &callback, "jo").await.unwrap_err();
        let denied = payload!(error, Login);
        let shown = matches!(denied.kind(), LoginErrorKind::Denied { error, .. } if error == code);
        assert!(shown, "{code}: {error:?}");
        assert!(!denied.is_declined(), "{code}");
        assert_eq!(error.is_transient(), transient, "{code}");
    }
    assert_eq!(sandbox.token_requests(), 0);
    assert!(login.saved("jo").await.unwrap().is_none());
}

#[tokio::test]
async fn users_who_log_in_at_once_stay_separate() {
    let sandbox = sandbox().await;
    let login = login(&sandbox, WEB);
    let users = sandbox.users();
    assert_eq!(users.len(), 3);
    let mut tasks = Vec::new();
    for (at, user) in users.iter().cloned().enumerate() {
        let pending = login.begin().unwrap();
        let callback = sandbox.log_in(pending.authorize_url().as_str(), &user);
        let login = login.clone();
        tasks.push(tokio::spawn(async move {
            let name = format!("session-{at}");
            login.finish(pending, &callback.await, &name).await
        }));
    }
    for (user, task) in users.iter().zip(tasks) {
        let tokens = task.await.unwrap().unwrap();
        assert_eq!(user_of(&tokens).await, user.email());
    }
    for (at, user) in users.iter().enumerate() {
        let tokens = login.saved(&format!("session-{at}")).await.unwrap();
        assert_eq!(user_of(&tokens.unwrap()).await, user.email());
    }
    assert_eq!(sandbox.token_requests(), 3);
    assert!(login.saved("session-9").await.unwrap().is_none());
    assert_kind(&login.saved("").await.unwrap_err(), "Configuration");
}

#[tokio::test]
async fn all_handles_of_a_name_share_one_token() {
    let sandbox = sandbox().await;
    let clock = Clock::manual();
    let login = builder(&sandbox, WEB).clock(clock.clone()).build().unwrap();
    let first = log_in(&sandbox, &login, "jo").await;
    let second = login.clone().saved("jo").await.unwrap().unwrap();
    let token = first.token().await.unwrap();
    let same = second.token().await.unwrap();
    assert_eq!(same.expose_secret(), token.expose_secret());
    // Both handles are one provider.
    second.invalidate(&token);
    let renewed = first.token().await.unwrap();
    assert_ne!(renewed.expose_secret(), token.expose_secret());
    let same = second.token().await.unwrap();
    assert_eq!(same.expose_secret(), renewed.expose_secret());
    assert_eq!(sandbox.token_requests(), 2);
    assert_eq!(sandbox.refresh_requests(), 1);
    let id = field(&token_requests(&sandbox)[1], "client_id");
    assert_eq!(id.unwrap(), sandbox.client_id());

    // Without a handle the login is in the store.
    drop((first, second));
    let again = login.saved("jo").await.unwrap().unwrap();
    let stored = again.token().await.unwrap();
    assert_eq!(stored.expose_secret(), renewed.expose_secret());
    assert_eq!(sandbox.token_requests(), 2);

    // After a logout there is no login.
    again.revoke().await.unwrap();
    assert_kind(&again.token().await.unwrap_err(), "LoginRequired");
    assert!(again.token().await.unwrap_err().needs_login());
    assert!(login.saved("jo").await.unwrap().is_none());
}

#[tokio::test]
async fn login_to_one_organization_is_not_used_for_another() {
    let sandbox = sandbox().await;
    let store = MemoryStore::new();
    let to = |org: Option<&str>| {
        let app = app(&sandbox, WEB);
        let app = org.into_iter().fold(app, AuthorizationCode::target_org);
        let key = SealingKey::from_bytes([7; 32]);
        let builder = Login::builder(sandbox.region(), app);
        builder.store(store.clone(), key).build().unwrap()
    };
    let login = to(Some("org-a"));
    log_in(&sandbox, &login, "jo").await;
    assert!(to(Some("org-a")).saved("jo").await.unwrap().is_some());
    assert!(to(Some("org-b")).saved("jo").await.unwrap().is_none());
    assert!(to(None).saved("jo").await.unwrap().is_none());
}

#[tokio::test]
async fn logout_url_contains_client_and_redirect_uri() {
    let sandbox = sandbox().await;
    let login = login(&sandbox, WEB);
    let start = format!("{}/logout?client_id={}", sandbox.url(), sandbox.client_id());
    assert_eq!(login.logout_url(None).as_str(), start);
    let url = login.logout_url(Some("https://app.example/bye?a=b&c"));
    let expected = "&redirect_uri=https%3A%2F%2Fapp.example%2Fbye%3Fa%3Db%26c";
    assert_eq!(url.as_str(), format!("{start}{expected}"));
}
