//! The record of requests does not grow without end, nor does what the sandbox issues.

use genesys_cloud_auth::sandbox::{RecordedRequest, Sandbox};

use super::{ORGANIZATION, Wire, api_request, start, token_request, token_request_with};

#[tokio::test]
async fn oldest_requests_leave_a_record_that_is_full() {
    let sandbox = start(Sandbox::builder().request_record(3, usize::MAX)).await;
    let mut wire = Wire::connect(&sandbox).await;
    let refresh = token_request_with("", "grant_type=refresh_token");
    for request in [&token_request(&sandbox), &refresh, &refresh] {
        wire.send(request).await;
        wire.response().await;
    }
    let counts = (sandbox.requests().len(), sandbox.dropped_requests());
    assert_eq!(counts, (3, 0));
    for path in ["/api/v2/a", "/api/v2/b"] {
        wire.send(api_request("GET", path, "dead")).await;
        wire.response().await;
    }
    let requests = sandbox.requests();
    let paths: Vec<_> = requests.iter().map(RecordedRequest::path).collect();
    assert_eq!(paths, ["/oauth/token", "/api/v2/a", "/api/v2/b"]);
    assert_eq!(requests[2].status().unwrap(), 404);
    assert_eq!(sandbox.dropped_requests(), 2);
    // The counters count the dropped ones, too.
    assert_eq!((sandbox.token_requests(), sandbox.api_requests()), (3, 2));
    assert_eq!(sandbox.refresh_requests(), 2);
}

#[tokio::test]
async fn response_to_a_dropped_request_changes_no_other() {
    let sandbox = start(Sandbox::builder().request_record(1, usize::MAX)).await;
    let gate = sandbox.at_api().path("/api/v2/held").gate();
    let mut held = Wire::with_request(&sandbox, api_request("GET", "/api/v2/held", "any")).await;
    gate.wait_for(1).await;
    sandbox.at_api().stall();
    let _stalled = Wire::with_request(&sandbox, api_request("GET", ORGANIZATION, "any")).await;
    sandbox.wait_for_api_requests(2).await;
    sandbox.clear_faults();
    gate.release();
    assert_eq!(held.response().await.status, 404);
    assert_eq!(sandbox.requests()[0].path(), ORGANIZATION);
    assert_eq!(sandbox.requests()[0].status(), None);
}

#[tokio::test]
async fn long_requests_leave_less_room_for_others() {
    let max_bytes = 1_000_000;
    let sandbox = start(Sandbox::builder().request_record(100, max_bytes)).await;
    let mut wire = Wire::connect(&sandbox).await;
    let body = token_request_with("", &"x".repeat(400_000));
    let header = format!("X-Long: {}\r\n", "x".repeat(30_000));
    let headers = super::with_headers(&api_request("GET", ORGANIZATION, "dead"), &header);
    let path = format!("{ORGANIZATION}?{}", "x".repeat(30_000));
    let query = api_request("GET", &path, "dead");
    for (request, kept) in [(body, 2), (headers, 33), (query, 33)] {
        for _ in 0..40 {
            wire.send(&request).await;
            wire.response().await;
        }
        let requests = sandbox.requests();
        let last = requests.last().unwrap();
        let is_alike =
            |one: &&RecordedRequest| (one.method(), one.query()) == (last.method(), last.query());
        let newest = requests.iter().rev().take_while(is_alike).count();
        assert!((kept - 2..=kept).contains(&newest), "{newest} of {kept}");
        let recorded = requests.len() + sandbox.dropped_requests();
        assert_eq!(recorded, sandbox.token_requests() + sandbox.api_requests());
    }
}

/// Without limits of the test's own, requests without credentials cost at most 32 MiB.
#[tokio::test]
async fn record_is_bounded_by_default() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut wire = Wire::connect(&sandbox).await;
    let request = token_request_with("", &"x".repeat(512_000));
    for _ in 0..80 {
        wire.send(&request).await;
        wire.response().await;
    }
    let bytes: usize = sandbox.requests().iter().map(|one| one.body().len()).sum();
    assert!(bytes <= 32 * 1024 * 1024, "{bytes}");
    assert_eq!(sandbox.requests().len() + sandbox.dropped_requests(), 80);
    assert!(sandbox.dropped_requests() >= 14);
}
