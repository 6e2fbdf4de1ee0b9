//! Each fault, and how they are chosen.

use std::{io::Read as _, time::Duration};

use genesys_cloud_auth::sandbox::{FaultResponse, Sandbox};

use super::{DEADLINE, ORGANIZATION, TOKEN, USER, Wire, ask, call, get, token, token_request};

#[tokio::test]
async fn an_answer_is_given_so_many_times() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.at_token_endpoint().times(2).respond(503);
    sandbox.at_token_endpoint().times(1).respond(500);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(ask(&sandbox, token_request(&sandbox)).await.status);
    }
    assert_eq!(statuses, [503, 503, 500, 200]);
    let recorded = sandbox.requests();
    let recorded: Vec<_> = recorded.iter().map(|one| one.status().unwrap()).collect();
    assert_eq!(recorded, statuses);
    assert_eq!(sandbox.token_requests(), 4);
}

#[tokio::test]
async fn a_fault_stays_until_it_is_removed() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
    let first = sandbox.at_api().path(USER).respond(500);
    sandbox.at_api().path(ORGANIZATION).respond(504);
    for _ in 0..3 {
        assert_eq!(get(&sandbox, USER, &token).await.status, 500);
        assert_eq!(get(&sandbox, ORGANIZATION, &token).await.status, 504);
        assert_eq!(get(&sandbox, TOKEN, &token).await.status, 200);
    }
    first.remove();
    assert_eq!(get(&sandbox, USER, &token).await.status, 400);
    assert_eq!(get(&sandbox, ORGANIZATION, &token).await.status, 504);
    sandbox.clear_faults();
    assert_eq!(get(&sandbox, ORGANIZATION, &token).await.status, 200);
}

#[tokio::test]
async fn an_endpoint_is_met_by_its_own_faults_only() {
    let sandbox = Sandbox::start().await.unwrap();
    let token_fault = sandbox.at_token_endpoint().respond(503);
    get(&sandbox, ORGANIZATION, "none")
        .await
        .refusal(401, "bad.credentials");
    let on_get = "GET /login/oauth/token HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_eq!(ask(&sandbox, on_get).await.status, 405);
    token_fault.remove();
    sandbox.at_api().respond(503);
    assert_eq!(ask(&sandbox, token_request(&sandbox)).await.status, 200);
    assert_eq!(get(&sandbox, "/api/v2/any", "none").await.status, 503);
    assert_eq!(get(&sandbox, "/api/v2/any?q=1", "none").await.status, 503);
}

#[tokio::test]
async fn a_bare_status_comes_with_genesys_own_words() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
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
        get(&sandbox, ORGANIZATION, &token)
            .await
            .refusal(status, code);
    }
    sandbox.at_api().times(1).respond(502);
    let answer = get(&sandbox, ORGANIZATION, &token).await;
    assert_eq!((answer.status, answer.body.len()), (502, 0));
    assert!(answer.header("inin-correlation-id").is_some());

    for status in [400, 401] {
        sandbox.at_token_endpoint().times(1).respond(status);
        let answer = ask(&sandbox, token_request(&sandbox)).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.json()["error"], "invalid_client");
    }
}

#[tokio::test]
async fn an_answer_has_headers_and_a_body_of_its_own() {
    let sandbox = Sandbox::start().await.unwrap();
    let wait = FaultResponse::new(429).header("Retry-After", "42");
    sandbox.at_api().times(1).respond(wait);
    let answer = get(&sandbox, ORGANIZATION, "any").await;
    assert_eq!(answer.header("retry-after"), Some("42"));
    assert_eq!(
        answer.refusal(429, "too.many.requests.retry.after"),
        "Rate limit exceeded the maximum. Retry the request in [42] seconds"
    );

    let html = FaultResponse::new(200)
        .header("Content-Type", "text/html")
        .body("<html>");
    sandbox.at_token_endpoint().times(1).respond(html);
    let answer = ask(&sandbox, token_request(&sandbox)).await;
    assert_eq!((answer.status, &answer.body[..]), (200, &b"<html>"[..]));
    assert_eq!(answer.header("content-type"), Some("text/html"));

    let cut_json = FaultResponse::new(200).body("{\"access_token\":\"");
    sandbox.at_token_endpoint().times(1).respond(cut_json);
    let answer = ask(&sandbox, token_request(&sandbox)).await;
    assert_eq!(answer.body, b"{\"access_token\":\"");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let hidden = FaultResponse::new(200).body("hidden");
    assert!(!format!("{hidden:?}").contains("hidden"));
}

#[tokio::test]
async fn a_refusal_of_every_token_leaves_the_tokens_alive() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
    let refusing = sandbox.at_api().respond(401);
    get(&sandbox, ORGANIZATION, &token)
        .await
        .refusal(401, "bad.credentials");
    refusing.remove();
    assert_eq!(get(&sandbox, ORGANIZATION, &token).await.status, 200);
}

#[tokio::test]
async fn a_gate_holds_requests_before_anything_is_done() {
    let sandbox = Sandbox::start().await.unwrap();
    let gate = sandbox.at_token_endpoint().gate();
    let mut wires = Vec::new();
    for _ in 0..5 {
        let mut wire = Wire::connect(&sandbox).await;
        wire.send(token_request(&sandbox)).await;
        wires.push(wire);
    }
    gate.wait_for(5).await;
    sandbox.wait_for_token_requests(5).await;
    assert_eq!(gate.held(), 5);
    assert!(sandbox.requests().iter().all(|one| one.status().is_none()));
    // Others are served meanwhile, and what is decided is decided after the gate.
    assert_eq!(get(&sandbox, ORGANIZATION, "any").await.status, 401);
    sandbox.rotate_secret();
    gate.release();
    for wire in &mut wires {
        assert_eq!(wire.answer().await.status, 400);
    }
    assert_eq!(ask(&sandbox, token_request(&sandbox)).await.status, 200);
}

#[tokio::test]
async fn a_gate_that_is_dropped_is_open() {
    let sandbox = Sandbox::start().await.unwrap();
    let gate = sandbox.at_token_endpoint().times(1).gate();
    let mut held = Wire::connect(&sandbox).await;
    held.send(token_request(&sandbox)).await;
    gate.wait_for(1).await;
    // It holds one only.
    assert_eq!(ask(&sandbox, token_request(&sandbox)).await.status, 200);
    drop(gate);
    assert_eq!(held.answer().await.status, 200);
}

#[tokio::test]
async fn a_request_whose_client_went_away_is_not_held() {
    let sandbox = Sandbox::start().await.unwrap();
    let gate = sandbox.at_api().gate();
    let mut wire = Wire::connect(&sandbox).await;
    wire.send(call("GET", ORGANIZATION, "any")).await;
    gate.wait_for(1).await;
    drop(wire);
    // The end of that connection is seen at some time; nothing tells when.
    let gone = async {
        while gate.held() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, gone).await.unwrap();
    assert_eq!(sandbox.requests()[0].status(), None);
}

#[tokio::test]
async fn faults_are_met_in_the_order_they_were_set() {
    let sandbox = Sandbox::start().await.unwrap();
    let gate = sandbox.at_token_endpoint().gate();
    sandbox.at_token_endpoint().times(1).respond(503);
    let mut wire = Wire::connect(&sandbox).await;
    wire.send(token_request(&sandbox)).await;
    gate.wait_for(1).await;
    // Set while the request is held, it counts, too; but the first answer was there before.
    sandbox.at_token_endpoint().times(1).respond(500);
    gate.release();
    assert_eq!(wire.answer().await.status, 503);
    assert_eq!(ask(&sandbox, token_request(&sandbox)).await.status, 500);
    assert_eq!(ask(&sandbox, token_request(&sandbox)).await.status, 200);

    let late = sandbox.at_token_endpoint().gate();
    wire.send(token_request(&sandbox)).await;
    late.wait_for(1).await;
    sandbox.at_token_endpoint().times(1).respond(502);
    late.release();
    assert_eq!(wire.answer().await.status, 502);
}

#[tokio::test]
async fn a_delayed_request_delays_no_other() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.at_api().path(ORGANIZATION).times(1).delay(HOUR);
    sandbox.at_token_endpoint().delay(Duration::from_millis(1));
    let mut delayed = Wire::connect(&sandbox).await;
    delayed.send(call("GET", ORGANIZATION, "any")).await;
    sandbox.wait_for_api_requests(1).await;
    assert_eq!(get(&sandbox, ORGANIZATION, "any").await.status, 401);
    // A delay ends, and the truth follows.
    assert_eq!(ask(&sandbox, token_request(&sandbox)).await.status, 200);
    assert_eq!(sandbox.requests()[0].status(), None);
}

#[tokio::test]
async fn a_stalled_request_gets_nothing_and_stalls_no_other() {
    let sandbox = Sandbox::start().await.unwrap();
    let stall = sandbox.at_token_endpoint().stall();
    let mut stalled = Wire::connect(&sandbox).await;
    stalled.send(token_request(&sandbox)).await;
    sandbox.wait_for_token_requests(1).await;
    stall.remove();
    assert_eq!(ask(&sandbox, token_request(&sandbox)).await.status, 200);
    // Its connection is open, and only the end of the sandbox ends it.
    let mut stalled = stalled.stream.into_std().unwrap();
    let nothing = stalled.read(&mut [0]).unwrap_err();
    assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
    drop(sandbox);
    assert!(matches!(stalled.read(&mut [0]), Ok(0)));
}

#[tokio::test]
async fn a_cut_body_ends_in_the_middle() {
    let sandbox = Sandbox::start().await.unwrap();
    let whole = ask(&sandbox, token_request(&sandbox)).await;
    sandbox.at_token_endpoint().times(1).cut_body();
    let mut wire = Wire::connect(&sandbox).await;
    wire.send(token_request(&sandbox)).await;
    let answer = wire.answer().await;
    assert_eq!(answer.status, 200);
    let length = whole.body.len();
    let announced = answer.header("content-length").unwrap();
    assert_eq!(announced.parse::<usize>().unwrap(), length);
    assert_eq!(answer.body.len(), length / 2);
    assert_eq!(answer.body[..17], whole.body[..17]);
    assert!(wire.is_at_end().await);

    // A refusal and an answer without a body are cut, too.
    sandbox.at_api().cut_body();
    for (method, path, status) in [("GET", USER, 401), ("DELETE", TOKEN, 200)] {
        let token = token(&sandbox).await;
        let token = if status == 200 { &token } else { "dead" };
        let mut wire = Wire::connect(&sandbox).await;
        wire.send(call(method, path, token)).await;
        let answer = wire.answer().await;
        let announced = answer.header("content-length").unwrap();
        assert!(announced.parse::<usize>().unwrap() > answer.body.len());
        assert_eq!(answer.status, status);
        assert!(wire.is_at_end().await);
    }
}

#[tokio::test]
async fn a_dropped_reply_is_dropped_after_the_deed() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
    sandbox.at_api().path(TOKEN).drop_response();
    let mut wire = Wire::connect(&sandbox).await;
    wire.send(call("DELETE", TOKEN, &token)).await;
    assert!(wire.answer_or_end(true).await.is_none());
    get(&sandbox, ORGANIZATION, &token)
        .await
        .refusal(401, "bad.credentials");
    assert_eq!(sandbox.requests()[1].status(), None);
}

#[tokio::test]
async fn an_http_client_sees_the_faults_as_what_they_are() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/api{ORGANIZATION}", sandbox.url());
    sandbox.at_api().times(1).cut_body();
    let response = client.get(&url).send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert!(response.bytes().await.is_err());
    sandbox.at_api().times(1).drop_response();
    assert!(client.get(&url).send().await.is_err());
    sandbox.at_api().times(1).respond(204);
    assert_eq!(client.get(&url).send().await.unwrap().status(), 204);
}

const HOUR: Duration = Duration::from_secs(3600);
