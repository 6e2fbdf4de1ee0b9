//! The faults, and the requests that they are for.

use std::{io::Read as _, time::Duration};

use genesys_cloud_auth::sandbox::{FaultResponse, Sandbox};

use super::{
    DEADLINE, ORGANIZATION, TOKENS_ME, USERS_ME, Wire, api_request, assert_get_fails, get, send,
    start_with_token, token, token_request,
};

#[tokio::test]
async fn response_is_sent_the_set_number_of_times() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.at_token_endpoint().times(2).respond(503);
    sandbox.at_token_endpoint().times(1).respond(500);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(send(&sandbox, token_request(&sandbox)).await.status);
    }
    assert_eq!(statuses, [503, 503, 500, 200]);
    let recorded = sandbox.requests();
    let recorded: Vec<_> = recorded.iter().map(|one| one.status().unwrap()).collect();
    assert_eq!(recorded, statuses);
    assert_eq!(sandbox.token_requests(), 4);
}

#[tokio::test]
async fn fault_stays_until_it_is_removed() {
    let (sandbox, token) = start_with_token().await;
    let first = sandbox.at_api().path(USERS_ME).respond(500);
    sandbox.at_api().path(ORGANIZATION).respond(504);
    for _ in 0..3 {
        assert_eq!(get(&sandbox, USERS_ME, &token).await.status, 500);
        assert_eq!(get(&sandbox, ORGANIZATION, &token).await.status, 504);
        assert_eq!(get(&sandbox, TOKENS_ME, &token).await.status, 200);
    }
    first.remove();
    assert_eq!(get(&sandbox, USERS_ME, &token).await.status, 400);
    assert_eq!(get(&sandbox, ORGANIZATION, &token).await.status, 504);
    sandbox.clear_faults();
    assert_eq!(get(&sandbox, ORGANIZATION, &token).await.status, 200);
}

#[tokio::test]
async fn fault_is_for_its_endpoint_only() {
    let sandbox = Sandbox::start().await.unwrap();
    let token_fault = sandbox.at_token_endpoint().respond(503);
    assert_get_fails(&sandbox, ORGANIZATION, "none", 401, "bad.credentials").await;
    let on_get = "GET /oauth/token HTTP/1.1\r\nHost: login.mypurecloud.ie\r\n\r\n";
    assert_eq!(send(&sandbox, on_get).await.status, 405);
    token_fault.remove();
    sandbox.at_api().respond(503);
    assert_eq!(send(&sandbox, token_request(&sandbox)).await.status, 200);
    assert_eq!(get(&sandbox, "/api/v2/any", "none").await.status, 503);
    assert_eq!(get(&sandbox, "/api/v2/any?q=1", "none").await.status, 503);
}

#[tokio::test]
async fn bare_status_gets_the_usual_body() {
    let (sandbox, token) = start_with_token().await;
    for (status, code) in [
        (400, "bad.request"),
        (401, "bad.credentials"),
        (403, "not.authorized"),
        (404, "not.found"),
        (429, "too.many.requests"),
        (500, "internal.server.error"),
        (503, "service.unavailable"),
        (504, "request.timeout"),
    ] {
        sandbox.at_api().times(1).respond(status);
        assert_get_fails(&sandbox, ORGANIZATION, &token, status, code).await;
    }
    sandbox.at_api().times(1).respond(502);
    let response = get(&sandbox, ORGANIZATION, &token).await;
    assert_eq!(response.status, 502);
    assert!(response.body.is_empty());
    assert!(response.header("inin-correlation-id").is_some());

    for status in [400, 401] {
        sandbox.at_token_endpoint().times(1).respond(status);
        let response = send(&sandbox, token_request(&sandbox)).await;
        assert_eq!(response.status, status);
        assert_eq!(response.json()["error"], "invalid_client");
    }
}

#[tokio::test]
async fn response_may_have_its_own_headers_and_body() {
    let sandbox = Sandbox::start().await.unwrap();
    let wait = FaultResponse::new(429).header("Retry-After", "42");
    sandbox.at_api().times(1).respond(wait);
    let response = get(&sandbox, ORGANIZATION, "any").await;
    assert_eq!(response.header("retry-after"), Some("42"));
    let message = response.assert_api_error(429, "too.many.requests.retry.after");
    let expected = "Rate limit exceeded the maximum. Retry the request in [42] seconds";
    assert_eq!(message, expected);

    let html = FaultResponse::new(200).header("Content-Type", "text/html");
    let html = html.body("<html>");
    sandbox.at_token_endpoint().times(1).respond(html);
    let response = send(&sandbox, token_request(&sandbox)).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.body, b"<html>");
    assert_eq!(response.header("content-type"), Some("text/html"));

    let cut_json = FaultResponse::new(200).body("{\"access_token\":\"");
    sandbox.at_token_endpoint().times(1).respond(cut_json);
    let response = send(&sandbox, token_request(&sandbox)).await;
    assert_eq!(response.body, b"{\"access_token\":\"");
    assert_eq!(response.header("content-type"), Some("application/json"));
    let hidden = FaultResponse::new(200).body("hidden");
    assert!(!format!("{hidden:?}").contains("hidden"));
}

#[tokio::test]
async fn gate_holds_requests_before_they_are_handled() {
    let sandbox = Sandbox::start().await.unwrap();
    let gate = sandbox.at_token_endpoint().gate();
    let mut wires = Vec::new();
    for _ in 0..5 {
        wires.push(Wire::with_request(&sandbox, token_request(&sandbox)).await);
    }
    gate.wait_for(5).await;
    sandbox.wait_for_token_requests(5).await;
    assert_eq!(gate.held(), 5);
    assert!(sandbox.requests().iter().all(|one| one.status().is_none()));
    // Other requests are handled, and the held ones only after the gate.
    assert_eq!(get(&sandbox, ORGANIZATION, "any").await.status, 401);
    sandbox.rotate_secret();
    gate.release();
    for wire in &mut wires {
        assert_eq!(wire.response().await.status, 400);
    }
    assert_eq!(send(&sandbox, token_request(&sandbox)).await.status, 200);
}

#[tokio::test]
async fn dropped_gate_releases_its_requests() {
    let sandbox = Sandbox::start().await.unwrap();
    let gate = sandbox.at_token_endpoint().times(1).gate();
    let mut held = Wire::with_request(&sandbox, token_request(&sandbox)).await;
    gate.wait_for(1).await;
    // It holds only one.
    assert_eq!(send(&sandbox, token_request(&sandbox)).await.status, 200);
    drop(gate);
    assert_eq!(held.response().await.status, 200);
}

#[tokio::test]
async fn request_of_a_disconnected_client_is_not_held() {
    let sandbox = Sandbox::start().await.unwrap();
    let gate = sandbox.at_api().gate();
    let wire = Wire::with_request(&sandbox, api_request("GET", ORGANIZATION, "any")).await;
    gate.wait_for(1).await;
    drop(wire);
    // The server notices the end of the connection later.
    let released = async {
        while gate.held() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, released).await.unwrap();
    assert_eq!(sandbox.requests()[0].status(), None);
}

#[tokio::test]
async fn faults_apply_in_the_order_they_were_set() {
    let sandbox = Sandbox::start().await.unwrap();
    let gate = sandbox.at_token_endpoint().gate();
    sandbox.at_token_endpoint().times(1).respond(503);
    let mut wire = Wire::with_request(&sandbox, token_request(&sandbox)).await;
    gate.wait_for(1).await;
    // A fault that is set while the request is held applies, too, after the earlier one.
    sandbox.at_token_endpoint().times(1).respond(500);
    gate.release();
    assert_eq!(wire.response().await.status, 503);
    assert_eq!(send(&sandbox, token_request(&sandbox)).await.status, 500);
    assert_eq!(send(&sandbox, token_request(&sandbox)).await.status, 200);

    let late = sandbox.at_token_endpoint().gate();
    wire.send(token_request(&sandbox)).await;
    late.wait_for(1).await;
    sandbox.at_token_endpoint().times(1).respond(502);
    late.release();
    assert_eq!(wire.response().await.status, 502);
}

#[tokio::test]
async fn delayed_request_delays_no_other() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.at_api().path(ORGANIZATION).times(1).delay(HOUR);
    sandbox.at_token_endpoint().delay(Duration::from_millis(1));
    let _delayed = Wire::with_request(&sandbox, api_request("GET", ORGANIZATION, "any")).await;
    sandbox.wait_for_api_requests(1).await;
    assert_eq!(get(&sandbox, ORGANIZATION, "any").await.status, 401);
    // After a short delay the request is handled.
    assert_eq!(send(&sandbox, token_request(&sandbox)).await.status, 200);
    assert_eq!(sandbox.requests()[0].status(), None);
}

#[tokio::test]
async fn stalled_request_gets_nothing_and_stalls_no_other() {
    let sandbox = Sandbox::start().await.unwrap();
    let stall = sandbox.at_token_endpoint().stall();
    let stalled = Wire::with_request(&sandbox, token_request(&sandbox)).await;
    sandbox.wait_for_token_requests(1).await;
    stall.remove();
    assert_eq!(send(&sandbox, token_request(&sandbox)).await.status, 200);
    // Its connection stays open until the sandbox is dropped.
    let mut stalled = stalled.stream.into_std().unwrap();
    let nothing = stalled.read(&mut [0]).unwrap_err();
    assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
    drop(sandbox);
    assert!(matches!(stalled.read(&mut [0]), Ok(0)));
}

#[tokio::test]
async fn cut_body_ends_in_the_middle() {
    let sandbox = Sandbox::start().await.unwrap();
    let whole = send(&sandbox, token_request(&sandbox)).await;
    sandbox.at_token_endpoint().times(1).cut_body();
    let mut wire = Wire::with_request(&sandbox, token_request(&sandbox)).await;
    let response = wire.response().await;
    assert_eq!(response.status, 200);
    let length = whole.body.len();
    let content_length = response.header("content-length").unwrap();
    assert_eq!(content_length.parse::<usize>().unwrap(), length);
    assert_eq!(response.body.len(), length / 2);
    assert_eq!(response.body[..17], whole.body[..17]);
    assert!(wire.is_at_end().await);

    // So do the body of an error and an empty one.
    sandbox.at_api().cut_body();
    for (method, path, status) in [("GET", USERS_ME, 401), ("DELETE", TOKENS_ME, 200)] {
        let token = token(&sandbox).await;
        let token = if status == 200 { &token } else { "dead" };
        let mut wire = Wire::with_request(&sandbox, api_request(method, path, token)).await;
        let response = wire.response().await;
        let content_length = response.header("content-length").unwrap();
        assert!(content_length.parse::<usize>().unwrap() > response.body.len());
        assert_eq!(response.status, status);
        assert!(wire.is_at_end().await);
    }
}

#[tokio::test]
async fn dropped_response_follows_the_handled_request() {
    let (sandbox, token) = start_with_token().await;
    sandbox.at_api().path(TOKENS_ME).drop_response();
    let mut wire = Wire::with_request(&sandbox, api_request("DELETE", TOKENS_ME, &token)).await;
    assert!(wire.response_or_end(true).await.is_none());
    assert_get_fails(&sandbox, ORGANIZATION, &token, 401, "bad.credentials").await;
    assert_eq!(sandbox.requests()[1].status(), None);
}

const HOUR: Duration = Duration::from_secs(3600);
