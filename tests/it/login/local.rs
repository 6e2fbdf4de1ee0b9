//! A login on this machine: the browser comes back to a listener, or a user pastes.

use tokio::time::timeout;

use super::*;

#[tokio::test]
async fn the_browser_comes_back_to_any_port_and_the_login_is_kept() {
    let sandbox = sandbox().await;
    let (login, user) = (login(&sandbox, LOCAL), &sandbox.users()[0]);
    let waiting = login.listen("default").unwrap();
    let uri = redirect_uri(&waiting);
    assert_eq!((uri.host_str(), uri.path()), (Some("localhost"), "/cb"));
    let back = sandbox.log_in(waiting.authorize_url().as_str(), user).await;
    let (tokens, (status, page)) = tokio::join!(waiting.redirected(), come_back(&back));
    assert_eq!(user_of(&tokens.unwrap()).await, user.email());
    assert_eq!(status, 200);
    let code = parameter(&Url::parse(&back).unwrap(), "code").unwrap();
    let state = parameter(waiting.authorize_url(), "state").unwrap();
    assert!(!page.contains(&code) && !page.contains(&state), "{page}");
    assert_eq!(
        field(&token_requests(&sandbox)[0], "redirect_uri").unwrap(),
        uri.as_str()
    );

    // Told again to whoever asks again.
    assert_eq!(
        user_of(&waiting.redirected().await.unwrap()).await,
        user.email()
    );
    assert_eq!(sandbox.token_requests(), 1);

    // The next time no browser is needed.
    let no_browser = |_: &str| panic!("the stored login lives");
    let tokens = login.in_browser("default", no_browser).await.unwrap();
    assert_eq!(user_of(&tokens).await, user.email());
    assert_eq!(sandbox.token_requests(), 1);
}

#[tokio::test]
async fn a_denial_reaches_the_program_and_the_browser() {
    let sandbox = sandbox().await;
    let login = login(&sandbox, LOCAL);
    let waiting = login.listen("default").unwrap();
    let back = sandbox.deny(waiting.authorize_url().as_str()).await;
    let (outcome, (_, denied)) = tokio::join!(waiting.redirected(), come_back(&back));
    let error = outcome.unwrap_err();
    is(&error, "Denied");

    let waiting = login.listen("default").unwrap();
    sandbox.fail_next_authorization("server_error");
    let back = sandbox
        .log_in(waiting.authorize_url().as_str(), &sandbox.users()[0])
        .await;
    let (outcome, (_, failed)) = tokio::join!(waiting.redirected(), come_back(&back));
    is(&outcome.unwrap_err(), "Denied");
    assert_ne!(denied, failed);
    assert_eq!(sandbox.token_requests(), 0);
}

#[tokio::test]
async fn a_code_that_is_refused_fails_in_the_browser_too() {
    let sandbox = sandbox().await;
    let waiting = login(&sandbox, LOCAL).listen("default").unwrap();
    let state = parameter(waiting.authorize_url(), "state").unwrap();
    let back = format!("{}?code=made-up&state={state}", redirect_uri(&waiting));
    let (outcome, (_, page)) = tokio::join!(waiting.redirected(), come_back(&back));
    is(&outcome.unwrap_err(), "InvalidGrant");
    assert!(!page.contains("made-up"), "{page}");
}

#[tokio::test]
async fn what_is_pasted_is_looked_at_as_closely_and_the_wait_goes_on() {
    let sandbox = sandbox().await;
    let (login, user) = (login(&sandbox, LOCAL), &sandbox.users()[0]);
    let waiting = login.listen("default").unwrap();
    let uri = redirect_uri(&waiting);
    let state = parameter(waiting.authorize_url(), "state").unwrap();
    for (text, kind) in [
        (String::new(), "Callback"),
        (waiting.authorize_url().to_string(), "Callback"),
        (uri.to_string(), "Callback"),
        (format!("{uri}?code=c&state=another"), "Callback"),
        (
            format!("{uri}?error=access_denied&state=another"),
            "Callback",
        ),
        (
            format!("http://localhost/other?code=c&state={state}"),
            "Callback",
        ),
        (format!("{uri}?code=c&code=d&state={state}"), "Callback"),
        (format!("{uri}#access_token=t"), "ImplicitGrant"),
    ] {
        is(&waiting.pasted(&text).await.unwrap_err(), kind);
    }
    assert_eq!(sandbox.token_requests(), 0);
    let back = sandbox.log_in(waiting.authorize_url().as_str(), user).await;
    let tokens = waiting.pasted(&format!(" {back}\n")).await.unwrap();
    assert_eq!(user_of(&tokens).await, user.email());
}

#[tokio::test]
async fn two_ways_at_once_exchange_one_code() {
    let sandbox = sandbox().await;
    let waiting = login(&sandbox, LOCAL).listen("default").unwrap();
    let back = sandbox
        .log_in(waiting.authorize_url().as_str(), &sandbox.users()[0])
        .await;
    let all = async {
        tokio::join!(
            waiting.redirected(),
            waiting.redirected(),
            waiting.pasted(&back),
            waiting.pasted(&back),
        )
    };
    let (first, second, third, fourth) = timeout(SOON, all).await.unwrap();
    for outcome in [first, second, third, fourth] {
        // It takes the turn at the store, behind another exchange if there were one.
        outcome.unwrap().revoke().await.unwrap();
    }
    assert_eq!(sandbox.token_requests(), 1);
}

#[tokio::test]
async fn a_caller_that_leaves_loses_nothing() {
    let sandbox = sandbox().await;
    let waiting = login(&sandbox, LOCAL).listen("default").unwrap();
    // Before the browser came.
    for _ in 0..3 {
        assert!(
            timeout(Duration::from_millis(1), waiting.redirected())
                .await
                .is_err()
        );
    }
    let back = sandbox
        .log_in(waiting.authorize_url().as_str(), &sandbox.users()[0])
        .await;
    // While the code is exchanged.
    let gate = sandbox.at_token_endpoint().gate();
    tokio::select! {
        _ = waiting.pasted(&back) => panic!("the exchange is held"),
        () = gate.wait_for(1) => {}
    }
    gate.release();
    timeout(SOON, waiting.redirected()).await.unwrap().unwrap();
    assert_eq!(sandbox.token_requests(), 1);
}

#[tokio::test]
async fn a_login_that_nobody_waits_for_is_kept_all_the_same() {
    let sandbox = sandbox().await;
    let login = login(&sandbox, LOCAL);
    let waiting = login.listen("default").unwrap();
    let back = sandbox
        .log_in(waiting.authorize_url().as_str(), &sandbox.users()[0])
        .await;
    let gate = sandbox.at_token_endpoint().gate();
    let page = tokio::spawn(async move { come_back(&back).await });
    tokio::select! {
        _ = waiting.redirected() => panic!("the exchange is held"),
        () = gate.wait_for(1) => {}
    }
    drop(waiting);
    gate.release();
    // The page is shown once the login is kept.
    assert_eq!(timeout(SOON, page).await.unwrap().unwrap().0, 200);
    assert!(login.saved("default").await.unwrap().is_some());
}

#[test]
fn a_runtime_that_ends_in_the_exchange_ends_the_login_and_not_its_next_one() {
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let outer = runtime();
    let sandbox = outer.block_on(sandbox());
    let login = login(&sandbox, LOCAL);
    let waiting = login.listen("default").unwrap();
    let user = &sandbox.users()[0];
    let back = outer.block_on(sandbox.log_in(waiting.authorize_url().as_str(), user));
    let gate = sandbox.at_token_endpoint().gate();
    let inner = runtime();
    inner.block_on(async {
        tokio::select! {
            _ = waiting.pasted(&back) => panic!("the exchange is held"),
            () = gate.wait_for(1) => {}
        }
    });
    drop(inner);
    gate.release();
    outer.block_on(async {
        let outcome = timeout(SOON, waiting.redirected()).await.unwrap();
        is(&outcome.unwrap_err(), "Callback");
        let waiting = login.listen("default").unwrap();
        let back = sandbox.log_in(waiting.authorize_url().as_str(), user).await;
        timeout(SOON, waiting.pasted(&back)).await.unwrap().unwrap();
    });
}

#[test]
fn outside_a_runtime_a_login_cannot_be_waited_for() {
    let app = AuthorizationCode::public("an-id", LOCAL).unwrap();
    let login = Login::new(Region::EuWest1, app).unwrap();
    let waiting = login.listen("default").unwrap();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut redirected = Box::pin(waiting.redirected());
    match redirected.as_mut().poll(&mut context) {
        std::task::Poll::Ready(Err(error)) => is(&error, "NoRuntime"),
        other => panic!("{other:?}"),
    }
}
