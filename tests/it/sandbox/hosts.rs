//! Two hosts at one address, the names that it answers to, and HTTP connections.

use genesys_cloud_auth::{
    Region,
    sandbox::{Sandbox, SandboxHost},
};
use tokio::io::AsyncWriteExt as _;

use super::{
    ORGANIZATION, TOKENS_ME, Wire, api_request, own_request, port, send, start_with_token, token,
    token_request, token_request_with, with_headers,
};

#[tokio::test]
async fn one_origin_serves_both_hosts_with_and_without_prefix() {
    let (sandbox, token) = start_with_token().await;
    let (login, api) = (Some(SandboxHost::Login), Some(SandboxHost::Api));
    let twice = "/api/api/v2/organizations/me";
    for (path, host, recorded, status) in [
        (ORGANIZATION, api, ORGANIZATION, 200),
        ("/api/api/v2/organizations/me", api, ORGANIZATION, 200),
        ("/api/v2", api, "/api/v2", 404),
        ("/oauth/token", login, "/oauth/token", 405),
        ("/login/oauth/token", login, "/oauth/token", 405),
        ("/oauth/authorize", login, "/oauth/authorize", 400),
        ("/login/logout", login, "/logout", 200),
        ("/logout", login, "/logout", 200),
        // A prefix does not lead to the other host.
        ("/login/api/v2/organizations/me", login, ORGANIZATION, 404),
        ("/api/oauth/token", api, "/oauth/token", 404),
        ("/api/api/api/v2/organizations/me", api, twice, 404),
        // These belong to neither.
        ("/api/v2x/users/me", api, "/v2x/users/me", 404),
        ("/apiv2/users/me", None, "/apiv2/users/me", 404),
        ("/oauthx", None, "/oauthx", 404),
        ("/", None, "/", 404),
    ] {
        let request = own_request(&sandbox, "GET", path);
        let request = with_headers(&request, &format!("Authorization: Bearer {token}\r\n"));
        assert_eq!(send(&sandbox, request).await.status, status, "{path}");
        let last = sandbox.requests().pop().unwrap();
        assert_eq!((last.host(), last.path()), (host, recorded));
    }
}

#[tokio::test]
async fn host_of_a_region_answers_only_its_own_paths() {
    let (sandbox, token) = start_with_token().await;
    let mut wire = Wire::connect(&sandbox).await;
    for region in Region::ALL {
        let domain = region.domain().unwrap();
        let [login, api] = ["login", "api"].map(|label| format!("{label}.{domain}"));
        for (host, path, status) in [
            (&api, ORGANIZATION, 200),
            (&format!("{}:443", api.to_uppercase()), ORGANIZATION, 200),
            (&api, "/api/api/v2/organizations/me", 404),
            (&api, "/oauth/token", 404),
            (&login, "/oauth/token", 405),
            (&format!("{login}:443"), "/logout", 200),
            (&login, "/login/logout", 404),
            (&login, ORGANIZATION, 404),
        ] {
            let headers = format!("Host: {host}\r\nAuthorization: Bearer {token}\r\n");
            wire.send(format!("GET {path} HTTP/1.1\r\n{headers}\r\n"))
                .await;
            assert_eq!(wire.response().await.status, status, "{host} {path}");
        }
    }
}

#[tokio::test]
async fn other_hosts_get_nothing_and_leave_nothing() {
    let sandbox = Sandbox::start().await.unwrap();
    for host in [
        "LocalHost:{port}",
        "127.0.0.1:{port}",
        "[::1]:{port}",
        "login.mypurecloud.ie",
        "api.usw2.pure.cloud:443",
    ] {
        let status = get_with(&sandbox, ORGANIZATION, &format!("Host: {host}\r\n")).await;
        assert!(matches!(status, 401 | 404), "{host}: {status}");
    }
    assert_eq!(sandbox.requests().len(), 5);

    let other_port = if port(&sandbox) == "1234" { 1235 } else { 1234 };
    let other_port = format!("localhost:{other_port}");
    for host in OTHER_HOSTS.iter().chain([&&*other_port]) {
        let status = get_with(&sandbox, ORGANIZATION, &format!("Host: {host}\r\n")).await;
        assert_eq!(status, 421, "{host}");
    }
    assert_eq!(sandbox.requests().len(), 5);
}

/// RFC 9112 sections 3.2 and 3.2.2.
#[tokio::test]
async fn request_without_exactly_one_host_is_rejected() {
    let sandbox = Sandbox::start().await.unwrap();
    for headers in [
        "",
        "X-Forwarded-Host: localhost:{port}\r\n",
        "Host: localhost:{port}\r\nHost: localhost:{port}\r\n",
        "Host: localhost:{port}\r\nHost: evil.example\r\n",
        "Host: evil.example\r\nhost: localhost:{port}\r\n",
        "Host: localhost:\u{e9}\r\n",
    ] {
        let status = get_with(&sandbox, ORGANIZATION, headers).await;
        assert_eq!(status, 400, "{headers:?}");
    }
    for (target, status) in [
        ("http://localhost:{port}", 401),
        ("http://LOCALHOST:{port}", 401),
        ("http://127.0.0.1:{port}", 400),
        ("http://evil.example", 400),
        ("http://user@localhost:{port}", 400),
        ("https://localhost:{port}", 400),
        ("ftp://localhost:{port}", 400),
        ("http://localhost", 400),
    ] {
        let target = format!("{target}{ORGANIZATION}");
        let host = "Host: localhost:{port}\r\n";
        assert_eq!(get_with(&sandbox, &target, host).await, status, "{target}");
    }
    let port = port(&sandbox);
    let connect = format!("CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n");
    assert_eq!(send(&sandbox, connect).await.status, 400);
    assert_eq!((sandbox.requests().len(), sandbox.api_requests()), (2, 2));
}

#[tokio::test]
async fn body_for_another_host_is_not_read() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut wire = Wire::connect(&sandbox).await;
    // The response comes although the body does not.
    wire.send("POST /oauth/token HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 9\r\n\r\n")
        .await;
    let response = wire.response().await;
    response.assert_api_error(421, "misdirected.request");
    assert_eq!(response.header("connection"), Some("close"));
    assert!(wire.is_at_end().await);
    assert!(sandbox.requests().is_empty());
}

/// Sends a GET with these headers only. `{port}` is the sandbox's port.
async fn get_with(sandbox: &Sandbox, target: &str, headers: &str) -> u16 {
    let request = format!("GET {target} HTTP/1.1\r\n{headers}\r\n");
    let request = request.replace("{port}", &port(sandbox));
    send(sandbox, request).await.status
}

#[tokio::test]
async fn connection_is_kept_alive_and_pipelined() {
    let (sandbox, token) = start_with_token().await;
    let mut wire = Wire::connect(&sandbox).await;
    for _ in 0..3 {
        wire.send(token_request(&sandbox)).await;
        assert_eq!(wire.response().await.status, 200);
    }
    let call = |method, path| api_request(method, path, &token);
    let pipelined = [
        call("GET", ORGANIZATION),
        call("GET", "/api/v2/nothing"),
        token_request(&sandbox),
        call("DELETE", TOKENS_ME),
        with_headers(&call("GET", ORGANIZATION), "Connection: close\r\n"),
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
    let tls = "\u{16}\u{3}\u{1}\r\n\r\n";
    for bytes in [tls, "GET\r\n\r\n", "GET / HTTP/1.1\r\nA b\r\n\r\n"] {
        let mut wire = Wire::with_request(&sandbox, bytes).await;
        if let Some(response) = wire.response_or_end(true).await {
            assert_eq!(response.status, 400, "{bytes}");
        }
        assert!(wire.is_at_end().await);
    }
    assert!(sandbox.requests().is_empty());
    token(&sandbox).await;
}

#[tokio::test]
async fn head_above_the_limit_is_an_error() {
    let sandbox = Sandbox::start().await.unwrap();
    let long = |length| format!("X-Long: {}\r\n", "x".repeat(length));
    let many = |count| "X-Many: x\r\n".repeat(count);
    for (headers, status) in [
        (long(60_000), 401),
        (long(200_000), 431),
        (many(90), 401),
        (many(110), 431),
    ] {
        let request = with_headers(&api_request("GET", ORGANIZATION, "dead"), &headers);
        let response = send(&sandbox, request).await;
        assert_eq!(response.status, status, "{} bytes", headers.len());
    }
    assert_eq!(sandbox.api_requests(), 2);
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
    let head = own_request(&sandbox, "POST", ORGANIZATION);
    wire.send(with_headers(&head, "Transfer-Encoding: chunked\r\n"))
        .await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let mut chunks = 0;
    while wire.stream.write_all(chunk.as_bytes()).await.is_ok() {
        chunks += 1;
        assert!(chunks < 1000, "64 MB were accepted");
    }
}

/// Names that must not lead to the sandbox, as a page of `evil.example` may try.
const OTHER_HOSTS: &[&str] = &[
    "evil.example",
    "evil.example:{port}",
    "localhost.evil.example:{port}",
    "evil.localhost:{port}",
    "login.localhost:{port}",
    "localhost",
    "localhost:",
    "localhost:80",
    "localhost:443",
    "localhost:0{port}",
    "localhost:+{port}",
    "localhost.:{port}",
    "user@localhost:{port}",
    "127.0.0.1",
    "127.0.0.2:{port}",
    "127.1:{port}",
    "127.0.0.1.:{port}",
    "127.0.0.1.evil.example:{port}",
    "2130706433:{port}",
    "0.0.0.0:{port}",
    "[::1]",
    "[0:0:0:0:0:0:0:1]:{port}",
    "[::ffff:127.0.0.1]:{port}",
    "::1:{port}",
    "login.mypurecloud.ie:{port}",
    "login.mypurecloud.ie:80",
    "login.mypurecloud.ie.",
    "login.mypurecloud.ie.evil.example",
    "login.evil.example",
    "loginxmypurecloud.ie",
    "evil.login.mypurecloud.ie",
    "apps.mypurecloud.ie",
    "mypurecloud.ie",
    "api.usw2.pure.cloud.evil.example",
    "api.pure.cloud",
    "",
];
