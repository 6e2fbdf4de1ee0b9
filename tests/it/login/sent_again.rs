//! A code is sent again where the token endpoint cannot have used it, and never otherwise.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::UNIX_EPOCH,
};

use genesys_cloud_auth::{
    ClientSecret,
    sandbox::{Fault, FaultResponse, FaultScope},
};
use tokio::time::timeout;

use super::*;
use crate::support::advance_until_done;

/// How a callback comes back.
#[derive(Clone, Copy, Debug)]
enum Way {
    Redirected,
    Pasted,
    Finish,
}

/// Makes the token endpoint fail.
type SetFault = dyn Fn(FaultScope) -> Fault;

const WAYS: [Way; 3] = [Way::Redirected, Way::Pasted, Way::Finish];

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// So long that only `Retry-After` can end it.
const LONG: Duration = Duration::from_secs(3_600);

/// Logs a user in. Returns the status of the page if a browser was sent back.
async fn log_in_by(
    way: Way,
    sandbox: &Sandbox,
    login: &Login,
) -> (Result<TokenProvider, Error>, Option<u16>) {
    if let Way::Finish = way {
        let pending = login.begin().unwrap();
        let callback = callback_of(sandbox, pending.authorize_url()).await;
        return (login.finish(pending, &callback, "default").await, None);
    }
    let local = login.listen("default").unwrap();
    let callback = callback_of(sandbox, local.authorize_url()).await;
    if let Way::Pasted = way {
        let result = local.pasted(&callback).await;
        // The outcome is kept.
        let again = local.pasted(&callback).await;
        assert_eq!(again.is_ok(), result.is_ok(), "{again:?}");
        return (result, None);
    }
    let (result, (status, _)) = come_back(&local, &callback).await;
    (result, Some(status))
}

fn with_clock(sandbox: &Sandbox) -> (LoginBuilder, Clock) {
    let clock = Clock::manual();
    let builder = builder(sandbox, LOCAL).clock(clock.clone());
    (builder, clock)
}

#[tokio::test]
async fn busy_token_endpoint_gets_the_code_again() {
    let sandbox = sandbox().await;
    let busy = r#"{"error":"temporarily_unavailable"}"#;
    let limited = r#"{"error":"invalid_request","error_description":"rate limit exceeded"}"#;
    for (status, retry_after, body, pause) in [
        (429, None, None, 0.4),
        (503, None, None, 0.4),
        (503, None, Some(busy), 0.4),
        (503, None, Some("<html>maintenance</html>"), 0.4),
        (400, None, Some(limited), 0.4),
        (429, Some("7"), None, 7.0),
        (503, Some("0"), None, 0.5),
        (429, Some("soon"), None, 0.4),
        (503, Some(DATE), None, 20.0),
    ] {
        for way in WAYS {
            let (builder, clock) = with_clock(&sandbox);
            // 40 s before the date.
            clock.set_wall(UNIX_EPOCH + Duration::from_secs(784_111_737));
            let builder = builder.timeout(LONG).login_timeout(LONG);
            let login = builder.build().unwrap();
            let mut response = FaultResponse::new(status);
            if let Some(text) = body {
                response = response.body(text);
            }
            if let Some(value) = retry_after {
                response = response.header("retry-after", value);
            }
            // The response comes twice.
            let before = sandbox.token_requests();
            sandbox.at_token_endpoint().times(2).respond(response);
            let call = log_in_by(way, &sandbox, &login);
            let ((result, page), moved) = advance_until_done(&clock, call).await;
            let tokens = result.unwrap_or_else(|error| panic!("{way:?} {status}: {error}"));
            assert_first_user(&sandbox, &tokens).await;
            assert_eq!(sandbox.token_requests() - before, 3, "{way:?} {status}");
            assert!(moved.as_secs_f64() >= pause, "{way:?} {status} {moved:?}");
            assert!(page.is_none_or(|page| page == 200));
        }
    }
}

#[tokio::test]
async fn code_with_a_lost_response_is_sent_once() {
    let sandbox = sandbox().await;
    let lost: [(&str, &SetFault); 9] = [
        ("500", &|at| at.respond(500)),
        ("502", &|at| at.respond(502)),
        ("504", &|at| at.respond(504)),
        ("408", &|at| at.respond(408)),
        ("empty", &|at| at.respond(ok(""))),
        ("html", &|at| at.respond(ok("<html>"))),
        ("cut", &|at| at.cut_body()),
        ("dropped", &|at| at.drop_response()),
        ("stalled", &|at| at.stall()),
    ];
    for (what, fault) in lost {
        for way in WAYS {
            let builder = builder(&sandbox, LOCAL).attempt_timeout(Duration::from_millis(300));
            let login = builder.build().unwrap();
            let before = sandbox.token_requests();
            fault(sandbox.at_token_endpoint().times(1));
            let call = log_in_by(way, &sandbox, &login);
            let (result, page) = timeout(TEST_TIMEOUT, call).await.unwrap();
            let error = result.unwrap_err();
            assert_kind(&error, "LoginRequired");
            let has_ended = error.needs_login() && !error.is_transient();
            assert!(has_ended, "{what}: {error}");
            assert_eq!(error.retry_after(), None);
            let text = error.to_string();
            assert!(text.contains("log in again"), "{what}: {text}");
            assert!(text.contains("never sent twice"), "{what}: {text}");
            assert_eq!(sandbox.token_requests() - before, 1, "{way:?} {what}");
            assert!(page.is_none_or(|page| page == 500));
            assert!(login.saved("default").await.unwrap().is_none());
        }
    }
}

#[tokio::test]
async fn busy_token_endpoint_ends_the_login_in_time() {
    let sandbox = sandbox().await;
    for way in WAYS {
        // A `Retry-After` that is too long ends it at once.
        for (retry_after, requests) in [("2000", 1), ("86400", 1), ("20", 2)] {
            let (builder, clock) = with_clock(&sandbox);
            let minute = Duration::from_secs(30);
            let builder = builder.timeout(minute).login_timeout(minute);
            let login = builder.build().unwrap();
            let response = FaultResponse::new(429).header("retry-after", retry_after);
            let fault = sandbox.at_token_endpoint().respond(response);
            let before = sandbox.token_requests();
            let call = log_in_by(way, &sandbox, &login);
            let ((result, _), _) = advance_until_done(&clock, call).await;
            let error = result.unwrap_err();
            assert_kind(&error, "LoginRequired");
            assert!(error.needs_login() && !error.is_transient(), "{error}");
            assert_eq!(error.status().unwrap(), 429);
            assert_eq!(error.retry_after(), None);
            assert_contains(&error, "the time for this login is over");
            if let Way::Pasted = way {
                // A paste is accepted for ten minutes.
                assert!(sandbox.token_requests() > before);
            } else {
                assert_eq!(sandbox.token_requests() - before, requests, "{way:?}");
            }
            fault.remove();
        }
    }
}

#[tokio::test]
async fn unreachable_login_host_ends_the_login_in_time() {
    // Nothing listens there.
    let refused = format!("http://127.0.0.1:{}", free_port());
    for host in [&*refused, "https://login.invalid"] {
        let region = Region::custom(host, host).unwrap();
        let clock = Clock::manual();
        let app = AuthorizationCode::public("an-id", LOCAL).unwrap();
        let login = Login::builder(region, app).clock(clock.clone());
        let login = login.build().unwrap();
        let pending = login.begin().unwrap();
        let state = state_of(pending.authorize_url());
        let callback = format!("code=a-code&state={state}");
        let call = login.finish(pending, &callback, "default");
        let (result, moved) = advance_until_done(&clock, call).await;
        let error = result.unwrap_err();
        assert_kind(&error, "LoginRequired");
        assert!(error.needs_login() && !error.is_transient(), "{error}");
        assert!(moved >= Duration::from_secs(25), "{moved:?}");
    }
}

#[tokio::test]
async fn login_continues_after_a_failure_that_used_no_code() {
    let sandbox = sandbox().await;
    let fails = Arc::new(AtomicBool::new(true));
    let secret = ClientSecret::from_fn({
        let (fails, secret) = (fails.clone(), sandbox.client_secret());
        move || {
            let result = if fails.swap(false, Ordering::SeqCst) {
                Err("no secret today".into())
            } else {
                Ok(secret.clone())
            };
            async move { result }
        }
    });
    let app = AuthorizationCode::confidential(sandbox.client_id(), secret, LOCAL).unwrap();
    let login = Login::new(sandbox.region(), app).unwrap();
    for again in [Way::Redirected, Way::Pasted] {
        for first in [Way::Redirected, Way::Pasted] {
            fails.store(true, Ordering::SeqCst);
            let before = sandbox.token_requests();
            let (local, callback) = listen(&sandbox, &login).await;
            let by = async |way| match way {
                Way::Redirected => come_back(&local, &callback).await.0,
                _ => local.pasted(&callback).await,
            };
            let error = by(first).await.unwrap_err();
            assert_kind(&error, "CredentialSource");
            assert!(error.is_transient());
            assert_eq!(sandbox.token_requests(), before);
            timeout(TEST_TIMEOUT, by(again)).await.unwrap().unwrap();
            assert_eq!(sandbox.token_requests() - before, 1, "{first:?} {again:?}");
            // This outcome is kept, and the port is free.
            by(Way::Pasted).await.unwrap();
            assert!(is_free(redirect_uri(&local).port().unwrap()));
        }
    }
}

#[tokio::test]
async fn temporary_error_of_the_login_page_does_not_end_the_login() {
    let sandbox = sandbox().await;
    let local = login(&sandbox, LOCAL).listen("default").unwrap();
    sandbox.fail_next_authorization("temporarily_unavailable");
    let callback = callback_of(&sandbox, local.authorize_url()).await;
    let (result, _) = come_back(&local, &callback).await;
    assert!(result.unwrap_err().is_transient());
    let callback = callback_of(&sandbox, local.authorize_url()).await;
    let (result, (status, _)) = come_back(&local, &callback).await;
    assert_first_user(&sandbox, &result.unwrap()).await;
    assert_eq!((status, sandbox.token_requests()), (200, 1));
}

#[tokio::test]
async fn paste_in_a_pause_shares_the_exchange() {
    let sandbox = sandbox().await;
    let (builder, clock) = with_clock(&sandbox);
    let login = builder.login_timeout(LONG).build().unwrap();
    let (local, callback) = listen(&sandbox, &login).await;
    sandbox.at_token_endpoint().times(2).respond(503);
    let twice = async {
        let second = async {
            until_first_request(&sandbox).await;
            local.pasted(&callback).await
        };
        tokio::join!(local.pasted(&callback), second, local.redirected())
    };
    let ((first, second, third), _) = advance_until_done(&clock, twice).await;
    for result in [first, second, third] {
        assert_first_user(&sandbox, &result.unwrap()).await;
    }
    assert_eq!(sandbox.token_requests(), 3);
}

fn ok(body: &str) -> FaultResponse {
    FaultResponse::new(200).body(body)
}

async fn until_first_request(sandbox: &Sandbox) {
    while sandbox.token_requests() < 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn dropped_finish_still_sends_the_code_again() {
    let sandbox = sandbox().await;
    let (builder, clock) = with_clock(&sandbox);
    let login = builder.timeout(LONG).build().unwrap();
    let (pending, callback) = begin(&sandbox, &login).await;
    sandbox.at_token_endpoint().times(1).respond(429);
    let first_request = until_first_request(&sandbox);
    tokio::select! {
        _ = login.finish(pending, &callback, "jo") => panic!("the clock stands still"),
        () = first_request => {}
    }
    let saved = until_saved(&login, "jo");
    let (tokens, _) = advance_until_done(&clock, saved).await;
    assert_first_user(&sandbox, &tokens).await;
    assert_eq!(sandbox.token_requests(), 2);
}
