//! A login in two requests of a web application.

use base64::{Engine, engine::general_purpose::STANDARD};
use genesys_cloud_auth::{
    PendingLogin,
    store::{MemoryStore, SealingKey},
};
use secrecy::ExposeSecret;

use super::*;

#[tokio::test]
async fn a_public_client_sends_its_id_in_the_form_and_no_basic() {
    let sandbox = sandbox().await;
    let login = login(&sandbox, WEB);
    let pending = login.begin().unwrap();
    let url = pending.authorize_url().clone();
    let user = &sandbox.users()[0];
    let back = sandbox.log_in(url.as_str(), user).await;
    let tokens = login.finish(pending, &back, "session-1").await.unwrap();
    assert_eq!(user_of(&tokens).await, user.email());

    let requests = token_requests(&sandbox);
    let [request] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert!(!request.headers().contains_key("authorization"));
    let form = request.form();
    let names: Vec<_> = form.iter().map(|(name, _)| &**name).collect();
    let expected = [
        "grant_type",
        "code",
        "code_verifier",
        "redirect_uri",
        "client_id",
    ];
    assert_eq!(names, expected);
    assert_eq!(field(request, "grant_type").unwrap(), "authorization_code");
    assert_eq!(field(request, "client_id").unwrap(), sandbox.client_id());
    assert_eq!(field(request, "redirect_uri").unwrap(), WEB);
    let code = parameter(&Url::parse(&back).unwrap(), "code");
    assert_eq!(field(request, "code"), code);
    assert_eq!(parameter(&url, "code_challenge_method").unwrap(), "S256");
}

#[tokio::test]
async fn a_confidential_client_sends_basic_and_the_verifier() {
    let sandbox = sandbox().await;
    let secret = sandbox.client_secret();
    let app = AuthorizationCode::confidential(sandbox.client_id(), secret.clone(), WEB).unwrap();
    let login = Login::new(sandbox.region(), app).unwrap();
    let pending = login.begin().unwrap();
    let url = pending.authorize_url().clone();
    let back = sandbox.log_in(url.as_str(), &sandbox.users()[0]).await;
    login.finish(pending, &back, "session-1").await.unwrap();

    let request = token_requests(&sandbox).remove(0);
    let pair = format!("{}:{}", sandbox.client_id(), secret.expose_secret());
    let basic = format!("Basic {}", STANDARD.encode(pair));
    assert_eq!(request.headers()["authorization"], *basic);
    assert_eq!(field(&request, "client_id"), None);
    assert_eq!(field(&request, "code_verifier").unwrap().len(), 86);
}

#[tokio::test]
async fn the_login_page_sees_what_was_set() {
    let sandbox = sandbox().await;
    let app = app(&sandbox, WEB)
        .identity_provider("acme", "okta")
        .login_hint("jo@example.com")
        .prompt_login()
        .target_org("org-2");
    let login = Login::new(sandbox.region(), app).unwrap();
    let pending = login.begin().unwrap();
    let user = &sandbox.users()[0];
    sandbox.log_in(pending.authorize_url().as_str(), user).await;
    let requests = sandbox.requests();
    let page = requests
        .iter()
        .find(|request| request.path() == "/oauth/authorize");
    let query = page.unwrap().query().unwrap();
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
        is(
            &Login::new(sandbox.region(), bad).unwrap_err(),
            "Configuration",
        );
    }
}

#[tokio::test]
async fn a_pending_login_goes_through_the_session_of_the_browser_that_asked() {
    let sandbox = sandbox().await;
    let (login, user) = (login(&sandbox, WEB), &sandbox.users()[0]);
    let pending = login.begin().unwrap();
    let back = sandbox.log_in(pending.authorize_url().as_str(), user).await;
    let kept = pending.into_secret().unwrap();

    // Later, in another request.
    let pending = PendingLogin::from_secret(&login, &kept).unwrap();
    let query = Url::parse(&back).unwrap().query().unwrap().to_owned();
    let tokens = login.finish(pending, &query, "session-1").await.unwrap();
    assert_eq!(user_of(&tokens).await, user.email());

    // The copy that is left is worth nothing: its code is spent.
    let pending = PendingLogin::from_secret(&login, &kept).unwrap();
    let error = login
        .finish(pending, &query, "session-2")
        .await
        .unwrap_err();
    is(&error, "InvalidGrant");
    assert!(login.saved("session-2").await.unwrap().is_none());
}

#[tokio::test]
async fn a_pending_login_of_one_region_is_refused_in_another_before_any_request() {
    let (here, there) = (sandbox().await, sandbox().await);
    let key = || SealingKey::from_bytes([7; 32]);
    let at = |sandbox: &Sandbox| {
        let app = AuthorizationCode::public("one-id", WEB).unwrap();
        let builder = Login::builder(sandbox.region(), app);
        builder.store(MemoryStore::new(), key()).build().unwrap()
    };
    let (login_here, login_there) = (at(&here), at(&there));
    let pending = login_here.begin().unwrap();
    let state = parameter(pending.authorize_url(), "state").unwrap();
    let callback = format!("{WEB}?code=a-code&state={state}");
    let error = login_there
        .finish(pending, &callback, "jo")
        .await
        .unwrap_err();
    is(&error, "Callback");
    assert!(error.to_string().contains("another region"), "{error}");

    let kept = login_here.begin().unwrap().into_secret().unwrap();
    let error = PendingLogin::from_secret(&login_there, &kept).unwrap_err();
    is(&error, "Callback");
    assert_eq!((here.requests().len(), there.requests().len()), (0, 0));
}

#[tokio::test]
async fn an_old_or_altered_pending_login_is_refused_before_any_request() {
    let sandbox = sandbox().await;
    let clock = Clock::manual();
    let login = builder(&sandbox, WEB).clock(clock.clone()).build().unwrap();
    let pending = login.begin().unwrap();
    let state = parameter(pending.authorize_url(), "state").unwrap();
    let kept = login.begin().unwrap().into_secret().unwrap();
    let mut altered = kept.expose_secret().to_owned();
    let last = altered.pop().unwrap();
    altered.insert(0, last);
    let error = PendingLogin::from_secret(&login, &altered.into()).unwrap_err();
    is(&error, "Callback");

    clock.advance(Duration::from_secs(660));
    let callback = format!("code=a-code&state={state}");
    let error = login.finish(pending, &callback, "jo").await.unwrap_err();
    is(&error, "Callback");
    assert!(error.to_string().contains("10 minutes"), "{error}");
    let error = PendingLogin::from_secret(&login, &kept).unwrap_err();
    is(&error, "Callback");
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn the_callback_of_one_browser_opened_in_another_sends_nothing() {
    let sandbox = sandbox().await;
    let (login, users) = (login(&sandbox, WEB), sandbox.users());
    let (mallory, victim) = (login.begin().unwrap(), login.begin().unwrap());
    let back = sandbox
        .log_in(mallory.authorize_url().as_str(), &users[0])
        .await;
    let error = login.finish(victim, &back, "victim").await.unwrap_err();
    is(&error, "Callback");
    assert!(!error.is_transient() && !error.needs_login());
    assert_eq!(sandbox.token_requests(), 0);
    assert!(login.saved("victim").await.unwrap().is_none());
    // Denied in the other browser, it is no denial here.
    let victim = login.begin().unwrap();
    let back = sandbox.deny(mallory.authorize_url().as_str()).await;
    is(
        &login.finish(victim, &back, "victim").await.unwrap_err(),
        "Callback",
    );
}

#[tokio::test]
async fn what_the_implicit_grant_answers_is_told_apart() {
    let sandbox = sandbox().await;
    let login = login(&sandbox, WEB);
    for callback in [
        format!("{WEB}#access_token=s3ntinel&token_type=bearer"),
        format!(
            "{}/login/oauth/authorize?response_type=token",
            sandbox.url()
        ),
    ] {
        let pending = login.begin().unwrap();
        let error = login.finish(pending, &callback, "jo").await.unwrap_err();
        is(&error, "ImplicitGrant");
        let text = error.to_string();
        assert!(
            text.contains("May 2026") && text.contains("May 2027"),
            "{text}"
        );
        assert!(
            text.contains("PKCE") && !text.contains("s3ntinel"),
            "{text}"
        );
    }
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn each_refusal_of_the_login_page_says_what_to_do() {
    let sandbox = sandbox().await;
    let login = login(&sandbox, WEB);
    let pending = login.begin().unwrap();
    let back = sandbox.deny(pending.authorize_url().as_str()).await;
    let error = login.finish(pending, &back, "jo").await.unwrap_err();
    let ErrorKind::Login(denied) = error.kind() else {
        panic!("{error:?}")
    };
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
        let pending = login.begin().unwrap();
        let user = &sandbox.users()[0];
        let back = sandbox.log_in(pending.authorize_url().as_str(), user).await;
        let error = login.finish(pending, &back, "jo").await.unwrap_err();
        let ErrorKind::Login(denied) = error.kind() else {
            panic!("{code}: {error:?}")
        };
        let LoginErrorKind::Denied { error: shown, .. } = denied.kind() else {
            panic!("{code}: {error:?}")
        };
        assert_eq!(shown, code);
        assert!(!denied.is_declined(), "{code}");
        assert_eq!(error.is_transient(), transient, "{code}");
    }
    assert_eq!(sandbox.token_requests(), 0);
    assert!(login.saved("jo").await.unwrap().is_none());
}

#[tokio::test]
async fn users_who_log_in_at_once_stay_apart() {
    let sandbox = sandbox().await;
    let login = login(&sandbox, WEB);
    let users = sandbox.users();
    assert_eq!(users.len(), 3);
    let mut tasks = Vec::new();
    for (at, user) in users.iter().cloned().enumerate() {
        let pending = login.begin().unwrap();
        let back = sandbox.log_in(pending.authorize_url().as_str(), &user);
        let login = login.clone();
        tasks.push(tokio::spawn(async move {
            let back = back.await;
            login.finish(pending, &back, &format!("session-{at}")).await
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
    is(&login.saved("").await.unwrap_err(), "Configuration");
}

#[tokio::test]
async fn all_handles_of_a_name_share_one_token() {
    let sandbox = sandbox().await;
    let clock = Clock::manual();
    let login = builder(&sandbox, WEB).clock(clock.clone()).build().unwrap();
    let pending = login.begin().unwrap();
    let back = sandbox
        .log_in(pending.authorize_url().as_str(), &sandbox.users()[0])
        .await;
    let first = login.finish(pending, &back, "jo").await.unwrap();
    let second = login.clone().saved("jo").await.unwrap().unwrap();
    let token = first.token().await.unwrap();
    assert_eq!(
        second.token().await.unwrap().expose_secret(),
        token.expose_secret()
    );
    // What one was told, the other knows: they are one provider.
    second.invalidate(&token);
    let renewed = first.token().await.unwrap();
    assert_ne!(renewed.expose_secret(), token.expose_secret());
    assert_eq!(
        second.token().await.unwrap().expose_secret(),
        renewed.expose_secret()
    );
    assert_eq!(sandbox.token_requests(), 2);
    assert_eq!(sandbox.refresh_requests(), 1);
    assert_eq!(
        field(&token_requests(&sandbox)[1], "client_id").unwrap(),
        sandbox.client_id()
    );

    // The store keeps it where no handle does.
    drop((first, second));
    let again = login.saved("jo").await.unwrap().unwrap();
    assert_eq!(
        again.token().await.unwrap().expose_secret(),
        renewed.expose_secret()
    );
    assert_eq!(sandbox.token_requests(), 2);

    // Logged out, nobody is logged in.
    again.revoke().await.unwrap();
    is(&again.token().await.unwrap_err(), "LoginRequired");
    assert!(again.token().await.unwrap_err().needs_login());
    assert!(login.saved("jo").await.unwrap().is_none());
}

#[tokio::test]
async fn a_login_to_one_organisation_is_none_to_another() {
    let sandbox = sandbox().await;
    let store = MemoryStore::new();
    let to = |org: Option<&str>| {
        let app = app(&sandbox, WEB);
        let app = org.into_iter().fold(app, AuthorizationCode::target_org);
        let builder = Login::builder(sandbox.region(), app);
        builder
            .store(store.clone(), SealingKey::from_bytes([7; 32]))
            .build()
            .unwrap()
    };
    let login = to(Some("org-a"));
    let pending = login.begin().unwrap();
    let back = sandbox
        .log_in(pending.authorize_url().as_str(), &sandbox.users()[0])
        .await;
    login.finish(pending, &back, "jo").await.unwrap();
    assert!(to(Some("org-a")).saved("jo").await.unwrap().is_some());
    assert!(to(Some("org-b")).saved("jo").await.unwrap().is_none());
    assert!(to(None).saved("jo").await.unwrap().is_none());
}

#[tokio::test]
async fn the_logout_page_gets_the_client_and_where_to_go_on() {
    let sandbox = sandbox().await;
    let login = login(&sandbox, WEB);
    let start = format!(
        "{}/login/logout?client_id={}",
        sandbox.url(),
        sandbox.client_id()
    );
    assert_eq!(login.logout_url(None).as_str(), start);
    let url = login.logout_url(Some("https://app.example/bye?a=b&c"));
    let expected = "&redirect_uri=https%3A%2F%2Fapp.example%2Fbye%3Fa%3Db%26c";
    assert_eq!(url.as_str(), format!("{start}{expected}"));
}
