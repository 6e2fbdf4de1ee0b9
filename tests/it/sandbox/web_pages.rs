//! Web pages that call the sandbox: those of this machine may, others may not.

use genesys_cloud_auth::sandbox::Sandbox;

use super::{
    ORGANIZATION, Response, api_request, own_request, port, send, token_request, with_headers,
};

const PREFLIGHT: &str = "Access-Control-Request-Method: GET\r\n\
    Access-Control-Request-Headers: authorization,content-type,purecloud-sdk\r\n";

const PRIVATE_NETWORK: &str = "Access-Control-Request-Private-Network: true\r\n";

#[tokio::test]
async fn pages_on_loopback_may_call_both_hosts() {
    let sandbox = Sandbox::start().await.unwrap();
    for origin in [
        "http://localhost",
        "http://localhost:8085",
        "https://localhost:8443",
        "http://127.0.0.1:3000",
        "http://127.8.9.1",
        "http://[::1]:3000",
    ] {
        for path in ["/oauth/token", "/login/oauth/token", "/api/v2/users/me"] {
            let response = from_page(&sandbox, "OPTIONS", path, origin, PREFLIGHT).await;
            assert_eq!(response.status, 204, "{origin} {path}");
            assert_eq!(allowed_origin(&response), Some(origin));
            let listed = |header, value: &str| {
                let values = response.header(header).unwrap();
                assert!(values.split(", ").any(|one| one == value), "{value}");
            };
            for header in ["authorization", "content-type", "purecloud-sdk"] {
                listed("access-control-allow-headers", header);
            }
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
                listed("access-control-allow-methods", method);
            }
        }
    }
    assert_eq!((sandbox.token_requests(), sandbox.api_requests()), (0, 0));

    sandbox.at_api().times(1).respond(503);
    let origin = "http://localhost:8085";
    for request in [
        token_request(&sandbox),
        api_request("GET", ORGANIZATION, "fault"),
        api_request("GET", ORGANIZATION, "dead"),
    ] {
        let request = with_headers(&request, &format!("Origin: {origin}\r\n"));
        let response = send(&sandbox, request).await;
        assert_eq!(allowed_origin(&response), Some(origin));
        let exposed = response.header("access-control-expose-headers").unwrap();
        for header in ["ININ-Correlation-Id", "Retry-After"] {
            assert!(exposed.split(", ").any(|one| one == header), "{header}");
        }
    }
    // A program is no page.
    let response = send(&sandbox, token_request(&sandbox)).await;
    assert_eq!((response.status, allowed_origin(&response)), (200, None));
}

#[tokio::test]
async fn foreign_pages_get_nothing_and_leave_nothing() {
    let sandbox = Sandbox::start().await.unwrap();
    let port = port(&sandbox);
    for origin in [
        "https://evil.example",
        &format!("http://evil.example:{port}"),
        "null",
        "",
        "*",
        "http://localhost.evil.example",
        "http://evil.localhost",
        "http://localhost:80@evil.example",
        "http://evil.example#http://localhost",
        "http://localhost/",
        "http://LOCALHOST",
        "http://localhost.",
        "http://localhost:80",
        "http://localhost http://evil.example",
        "http://127.1",
        "http://128.0.0.1",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "http://[::2]",
        "http://[::ffff:127.0.0.1]",
        "localhost",
        "//localhost",
        "file://localhost",
        "ftp://localhost",
        "chrome-extension://localhost",
        "http://login.mypurecloud.ie",
        "https://login.mypurecloud.ie",
        "https://apps.mypurecloud.ie",
    ] {
        for (method, more) in [
            ("GET", ""),
            ("POST", "Content-Type: text/plain\r\n"),
            ("OPTIONS", PREFLIGHT),
            ("OPTIONS", &format!("{PREFLIGHT}{PRIVATE_NETWORK}")),
        ] {
            let response = from_page(&sandbox, method, "/oauth/token", origin, more).await;
            response.assert_api_error(403, "foreign.origin");
            assert_eq!(allowed_origin_of_rejection(&response), None, "{origin}");
        }
    }
    let twice = "Origin: http://localhost\r\nOrigin: http://localhost\r\n";
    let request = own_request(&sandbox, "GET", ORGANIZATION);
    let response = send(&sandbox, with_headers(&request, twice)).await;
    assert_eq!(response.status, 403);
    assert!(sandbox.requests().is_empty());
}

/// Without an `Origin` the browser's other headers tell what the request is for.
#[tokio::test]
async fn foreign_pages_cannot_embed_what_the_sandbox_serves() {
    let sandbox = Sandbox::start().await.unwrap();
    for (site, destination, is_admitted) in [
        ("cross-site", "image", false),
        ("cross-site", "script", false),
        ("cross-site", "iframe", false),
        ("cross-site", "empty", false),
        // A user who follows a link, as in a login, and the sandbox's own pages.
        ("cross-site", "document", true),
        ("same-origin", "document", true),
        ("same-origin", "image", true),
        ("none", "document", true),
    ] {
        let headers = format!("Sec-Fetch-Site: {site}\r\nSec-Fetch-Dest: {destination}\r\n");
        let request = own_request(&sandbox, "GET", "/logout");
        let response = send(&sandbox, with_headers(&request, &headers)).await;
        let expected = if is_admitted { 200 } else { 403 };
        assert_eq!(response.status, expected, "{site} {destination}");
    }
    assert_eq!(sandbox.requests().len(), 4);
}

/// Loopback pages need no permission to call a private network, and no other page gets one.
#[tokio::test]
async fn no_page_is_let_into_a_private_network() {
    let sandbox = Sandbox::start().await.unwrap();
    let origin = "http://localhost";
    let response = from_page(&sandbox, "OPTIONS", ORGANIZATION, origin, PRIVATE_NETWORK).await;
    assert_eq!(response.status, 204);
    let granted = response.header("access-control-allow-private-network");
    assert_eq!(granted, None);
}

#[tokio::test]
async fn own_pages_may_submit_their_forms() {
    let sandbox = Sandbox::start().await.unwrap();
    let own = format!("http://127.0.0.1:{}", port(&sandbox));
    let response = from_page(&sandbox, "POST", "/oauth/authorize", &own, "").await;
    // The client is not one for logins.
    assert_eq!(response.status, 400);
    assert_eq!(sandbox.requests().len(), 1);
}

async fn from_page(
    sandbox: &Sandbox,
    method: &str,
    path: &str,
    origin: &str,
    more: &str,
) -> Response {
    let request = own_request(sandbox, method, path);
    let headers = format!("Origin: {origin}\r\n{more}");
    send(sandbox, with_headers(&request, &headers)).await
}

/// The origin whose page may read the response. Caches must not give it to another.
fn allowed_origin(response: &Response) -> Option<&str> {
    assert_eq!(response.header("vary"), Some("Origin"));
    allowed_origin_of_rejection(response)
}

fn allowed_origin_of_rejection(response: &Response) -> Option<&str> {
    response.header("access-control-allow-origin")
}
