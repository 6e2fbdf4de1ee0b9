//! Two hosts at one address, HTTP connections, and CORS.

use genesys_cloud_auth::sandbox::{RecordedRequest, Sandbox, SandboxHost};
use tokio::io::AsyncWriteExt as _;

use super::{
    ORGANIZATION, Wire, api_request, send, start_with_token, token, token_request,
    token_request_with,
};

#[tokio::test]
async fn host_header_selects_the_host_before_the_path() {
    let (sandbox, token) = start_with_token().await;
    let request = |host: &str, path: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n")
    };
    let prefixed = format!("/api{ORGANIZATION}");
    for (host, path, status) in [
        ("api.mypurecloud.ie", ORGANIZATION, 200),
        ("API.mypurecloud.ie:443", ORGANIZATION, 200),
        ("127.0.0.1", &prefixed, 200),
        ("localhost:9000", &prefixed, 200),
        ("apifoo.example", &prefixed, 200),
        ("login.example", "/oauth/token", 405),
        // The header takes precedence.
        ("api.mypurecloud.ie", &prefixed, 404),
        ("login.mypurecloud.ie", ORGANIZATION, 404),
        // These name neither host.
        ("127.0.0.1", ORGANIZATION, 404),
        ("127.0.0.1", "/apiv2/users/me", 404),
        ("127.0.0.1", "/", 404),
    ] {
        let response = send(&sandbox, request(host, path)).await;
        assert_eq!(response.status, status, "{host} {path}");
    }
    let hosts: Vec<_> = sandbox
        .requests()
        .iter()
        .map(RecordedRequest::host)
        .collect();
    let (login, api) = (Some(SandboxHost::Login), Some(SandboxHost::Api));
    let expected = [
        login, api, api, api, api, api, login, api, login, api, None, None,
    ];
    // `/api/v2/…` without a prefix of its own is the API host's `/v2/…`.
    assert_eq!(hosts, expected);

    let region_mode = token_request(&sandbox)
        .replace("/login/oauth", "/oauth")
        .replace("Host: x", "Host: login.mypurecloud.ie");
    assert_eq!(send(&sandbox, region_mode).await.status, 200);
}

#[tokio::test]
async fn connection_is_kept_alive_and_pipelined() {
    let (sandbox, token) = start_with_token().await;
    let mut wire = Wire::connect(&sandbox).await;
    for _ in 0..3 {
        wire.send(token_request(&sandbox)).await;
        assert_eq!(wire.response().await.status, 200);
    }
    let pipelined = [
        api_request("GET", ORGANIZATION, &token),
        api_request("GET", "/api/v2/nothing", &token),
        token_request(&sandbox),
        api_request("DELETE", "/api/v2/tokens/me", &token),
        api_request("GET", ORGANIZATION, &token).replace("Host: x", "Host: x\r\nConnection: close"),
    ];
    wire.send(pipelined.concat()).await;
    for status in [200, 404, 200, 200, 401] {
        assert_eq!(wire.response().await.status, status);
    }
    assert!(wire.is_at_end().await);
    assert_eq!((sandbox.token_requests(), sandbox.api_requests()), (5, 4));
}

#[tokio::test]
async fn malformed_http_ends_only_its_connection() {
    let sandbox = Sandbox::start().await.unwrap();
    for bytes in [
        "\u{16}\u{3}\u{1}\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/1.1\r\nA b\r\n\r\n",
    ] {
        let mut wire = Wire::connect(&sandbox).await;
        wire.send(bytes).await;
        if let Some(response) = wire.response_or_end(true).await {
            assert_eq!(response.status, 400, "{bytes}");
        }
        assert!(wire.is_at_end().await);
    }
    assert!(sandbox.requests().is_empty());
    token(&sandbox).await;
}

#[tokio::test]
async fn body_above_the_limit_is_an_error() {
    let (sandbox, token) = start_with_token().await;
    let post = |length: usize| {
        let call = api_request("POST", ORGANIZATION, &token);
        let head = format!("Content-Length: {length}\r\n\r\n");
        [call.trim_end(), "\r\n", &head, &"x".repeat(length)].concat()
    };
    let response = send(&sandbox, post(512_000)).await;
    response.assert_api_error(405, "method.not.allowed");
    let response = send(&sandbox, post(512_001)).await;
    let message = response.assert_api_error(413, "request.entity.too.large");
    assert!(message.ends_with("Maximum bytes: 512000"), "{message}");
    assert_eq!(sandbox.requests().last().unwrap().body().len(), 512_000);

    let form = token_request_with("", &"x".repeat(2_000_000));
    assert_eq!(send(&sandbox, form).await.status, 413);

    // A body without an end is cut off.
    let mut wire = Wire::connect(&sandbox).await;
    let head = format!("POST /api{ORGANIZATION} HTTP/1.1\r\nHost: x\r\n");
    wire.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n"))
        .await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let mut chunks = 0;
    while wire.stream.write_all(chunk.as_bytes()).await.is_ok() {
        chunks += 1;
        assert!(chunks < 1000, "64 MB were accepted");
    }
}

#[tokio::test]
async fn web_pages_may_call_both_hosts() {
    let sandbox = Sandbox::start().await.unwrap();
    let page = "Host: x\r\nOrigin: https://app.example\r\n";
    for path in ["/login/oauth/token", "/api/api/v2/users/me"] {
        let preflight = format!(
            "OPTIONS {path} HTTP/1.1\r\n{page}Access-Control-Request-Method: GET\r\n\
             Access-Control-Request-Headers: authorization,content-type,purecloud-sdk\r\n\r\n"
        );
        let response = send(&sandbox, preflight).await;
        assert_eq!(response.status, 204, "{path}");
        assert_eq!(response.header("access-control-allow-origin"), Some("*"));
        let allowed = response.header("access-control-allow-headers").unwrap();
        for header in ["authorization", "content-type", "purecloud-sdk"] {
            assert!(allowed.split(", ").any(|one| one == header), "{header}");
        }
        let methods = response.header("access-control-allow-methods").unwrap();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            assert!(methods.split(", ").any(|one| one == method), "{method}");
        }
    }
    assert_eq!((sandbox.token_requests(), sandbox.api_requests()), (0, 0));

    sandbox.at_api().times(1).respond(503);
    for request in [
        token_request(&sandbox),
        api_request("GET", ORGANIZATION, "fault"),
        api_request("GET", ORGANIZATION, "dead"),
    ] {
        let response = send(&sandbox, request.replace("Host: x\r\n", page)).await;
        assert_eq!(response.header("access-control-allow-origin"), Some("*"));
        let exposed = response.header("access-control-expose-headers").unwrap();
        for header in ["ININ-Correlation-Id", "Retry-After"] {
            assert!(exposed.split(", ").any(|one| one == header), "{header}");
        }
    }
}
