//! Logins on this machine: the browser comes back to a listener, or a user pastes the callback.

use std::{
    fmt,
    pin::pin,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Poll, Waker},
    thread,
};

use genesys_cloud_auth::ClientSecret;
use tokio::{runtime::Runtime, time::timeout};

use super::*;

#[tokio::test]
async fn browser_comes_back_to_any_port_and_the_login_is_stored() {
    let sandbox = sandbox().await;
    let login = login(&sandbox, LOCAL);
    let local = login.listen("default").unwrap();
    let uri = redirect_uri(&local);
    assert_eq!((uri.host_str(), uri.path()), (Some("localhost"), "/cb"));
    let callback = callback_of(&sandbox, local.authorize_url()).await;
    let (tokens, (status, page)) = come_back(&local, &callback).await;
    assert_first_user(&sandbox, &tokens.unwrap()).await;
    assert_eq!(status, 200);
    let code = parameter(&Url::parse(&callback).unwrap(), "code").unwrap();
    let state = state_of(local.authorize_url());
    assert!(!page.contains(&code) && !page.contains(&state), "{page}");
    let sent = field(&token_requests(&sandbox)[0], "redirect_uri").unwrap();
    assert_eq!(sent, uri.as_str());

    // A second call returns the same result.
    let tokens = local.redirected().await.unwrap();
    assert_first_user(&sandbox, &tokens).await;
    assert_eq!(sandbox.token_requests(), 1);

    // The next login needs no browser.
    let no_browser = |_: &Url| panic!("there is a stored login");
    let tokens = login.in_browser("default", no_browser).await.unwrap();
    assert_first_user(&sandbox, &tokens).await;
    assert_eq!(sandbox.token_requests(), 1);
}

#[tokio::test]
async fn denial_reaches_the_program_and_the_browser() {
    let sandbox = sandbox().await;
    let login = login(&sandbox, LOCAL);
    let local = login.listen("default").unwrap();
    let callback = sandbox.deny(local.authorize_url().as_str()).await;
    let (result, (_, denied)) = come_back(&local, &callback).await;
    assert_kind(&result.unwrap_err(), "Denied");

    let local = login.listen("default").unwrap();
    sandbox.fail_next_authorization("server_error");
    let callback = callback_of(&sandbox, local.authorize_url()).await;
    let (result, (_, failed)) = come_back(&local, &callback).await;
    assert_kind(&result.unwrap_err(), "Denied");
    assert_ne!(denied, failed);
    assert_eq!(sandbox.token_requests(), 0);
}

#[tokio::test]
async fn invalid_code_fails_in_the_browser_too() {
    let sandbox = sandbox().await;
    let local = login(&sandbox, LOCAL).listen("default").unwrap();
    let state = state_of(local.authorize_url());
    let callback = format!("{}?code=made-up&state={state}", redirect_uri(&local));
    let (result, (_, page)) = come_back(&local, &callback).await;
    assert_kind(&result.unwrap_err(), "InvalidGrant");
    assert!(!page.contains("made-up"), "{page}");
}

#[tokio::test]
async fn wrong_paste_is_rejected_and_the_login_goes_on() {
    let sandbox = sandbox().await;
    let login = login(&sandbox, LOCAL);
    let local = login.listen("default").unwrap();
    let uri = redirect_uri(&local);
    let state = state_of(local.authorize_url());
    let denied = format!("{uri}?error=access_denied&state=another");
    let elsewhere = format!("http://localhost/other?code=c&state={state}");
    for (text, kind) in [
        (String::new(), "Callback"),
        (local.authorize_url().to_string(), "Callback"),
        (uri.to_string(), "Callback"),
        (format!("{uri}?code=c&state=another"), "Callback"),
        (denied, "Callback"),
        (elsewhere, "Callback"),
        (format!("{uri}?code=c&code=d&state={state}"), "Callback"),
        (format!("{uri}#access_token=t"), "ImplicitGrant"),
    ] {
        assert_kind(&local.pasted(&text).await.unwrap_err(), kind);
    }
    assert_eq!(sandbox.token_requests(), 0);
    let callback = callback_of(&sandbox, local.authorize_url()).await;
    let tokens = local.pasted(&format!(" {callback}\n")).await.unwrap();
    assert_first_user(&sandbox, &tokens).await;
}

#[tokio::test]
async fn browser_and_paste_at_once_exchange_one_code() {
    let sandbox = sandbox().await;
    let (local, callback) = listen(&sandbox, &login(&sandbox, LOCAL)).await;
    let all = async {
        tokio::join!(
            local.redirected(),
            local.redirected(),
            local.pasted(&callback),
            local.pasted(&callback),
        )
    };
    let (first, second, third, fourth) = timeout(TEST_TIMEOUT, all).await.unwrap();
    for result in [first, second, third, fourth] {
        // A logout takes the turn, so it would wait for another exchange.
        result.unwrap().revoke().await.unwrap();
    }
    assert_eq!(sandbox.token_requests(), 1);
}

#[tokio::test]
async fn dropped_wait_loses_nothing() {
    let sandbox = sandbox().await;
    let local = login(&sandbox, LOCAL).listen("default").unwrap();
    // Before the browser comes back.
    for _ in 0..3 {
        let wait = timeout(Duration::from_millis(1), local.redirected());
        assert!(wait.await.is_err());
    }
    // During the exchange of the code.
    let callback = callback_of(&sandbox, local.authorize_url()).await;
    let gate = sandbox.at_token_endpoint().gate();
    drop_at(&gate, local.pasted(&callback)).await;
    gate.release();
    let result = timeout(TEST_TIMEOUT, local.redirected()).await.unwrap();
    result.unwrap();
    assert_eq!(sandbox.token_requests(), 1);
}

#[tokio::test]
async fn dropped_local_login_is_stored_after_its_exchange() {
    let sandbox = sandbox().await;
    let login = login(&sandbox, LOCAL);
    let (local, callback) = listen(&sandbox, &login).await;
    let gate = sandbox.at_token_endpoint().gate();
    let page = tokio::spawn(async move { browse(&callback).await });
    drop_at(&gate, local.redirected()).await;
    drop(local);
    gate.release();
    // The page is shown after the login is stored.
    let (status, _) = timeout(TEST_TIMEOUT, page).await.unwrap().unwrap();
    assert_eq!(status, 200);
    assert!(login.saved("default").await.unwrap().is_some());
}

#[test]
fn runtime_that_ends_in_an_exchange_ends_only_that_login() {
    let outer = Runtime::new().unwrap();
    let sandbox = outer.block_on(sandbox());
    let login = login(&sandbox, LOCAL);
    let local = login.listen("default").unwrap();
    let callback = outer.block_on(callback_of(&sandbox, local.authorize_url()));
    let gate = sandbox.at_token_endpoint().gate();
    let inner = Runtime::new().unwrap();
    inner.block_on(async {
        drop_at(&gate, local.pasted(&callback)).await;
    });
    drop(inner);
    gate.release();
    outer.block_on(async {
        let result = timeout(TEST_TIMEOUT, local.redirected()).await.unwrap();
        let error = result.unwrap_err();
        assert_kind(&error, "LoginRequired");
        assert!(error.needs_login() && !error.is_transient());
        let (local, callback) = listen(&sandbox, &login).await;
        let pasted = timeout(TEST_TIMEOUT, local.pasted(&callback)).await;
        pasted.unwrap().unwrap();
    });
}

#[test]
fn wait_outside_a_runtime_is_an_error() {
    let login = unknown_client().build().unwrap();
    let local = login.listen("default").unwrap();
    let mut context = Context::from_waker(Waker::noop());
    match Box::pin(local.redirected()).as_mut().poll(&mut context) {
        Poll::Ready(Err(error)) => assert_kind(&error, "NoRuntime"),
        other => panic!("{other:?}"),
    }
}

/// An error of the program's own that uses the login when it is dropped.
#[derive(Debug)]
struct Busy(Arc<OnceLock<Weak<LocalLogin>>>);

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(local) = self.0.get().and_then(Weak::upgrade) {
            let _ = pin!(local.redirected()).poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no secret today")
    }
}

impl std::error::Error for Busy {}

/// Runs in a thread of its own, which a drop under the lock blocks for ever.
#[test]
fn error_that_uses_the_login_is_dropped_without_the_lock() {
    for is_pasted in [true, false] {
        let (ended, end) = mpsc::channel();
        thread::spawn(move || {
            let runtime = Runtime::new().unwrap();
            let result = runtime.block_on(log_in_after_failures(is_pasted));
            ended.send(result.is_ok()).unwrap();
        });
        assert_eq!(end.recv_timeout(TEST_TIMEOUT), Ok(true), "{is_pasted}");
    }
}

/// Logs a user in whose client's secret cannot be read at first, twice by a pasted callback.
async fn log_in_after_failures(is_pasted: bool) -> Result<TokenProvider, Error> {
    let sandbox = sandbox().await;
    let (later, calls) = (Arc::new(OnceLock::new()), AtomicUsize::new(0));
    let secret = ClientSecret::from_fn({
        let (later, secret) = (Arc::clone(&later), sandbox.client_secret());
        move || {
            let fails = calls.fetch_add(1, Ordering::SeqCst) < 2;
            let result = if fails {
                Err(Busy(later.clone()).into())
            } else {
                Ok(secret.clone())
            };
            async move { result }
        }
    });
    let app = AuthorizationCode::confidential(sandbox.client_id(), secret, LOCAL)?;
    let login = Login::new(sandbox.region(), app)?;
    let local = Arc::new(login.listen("default")?);
    later.set(Arc::downgrade(&local)).unwrap();
    let callback = callback_of(&sandbox, local.authorize_url()).await;
    for _ in 0..2 {
        let error = local.pasted(&callback).await.unwrap_err();
        assert_kind(&error, "CredentialSource");
    }
    if is_pasted {
        local.pasted(&callback).await
    } else {
        come_back(&local, &callback).await.0
    }
}
