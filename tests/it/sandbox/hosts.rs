//! Two hosts at one address, HTTP itself, and web pages.

use genesys_cloud_auth::sandbox::{RecordedRequest, Sandbox, SandboxHost};
use tokio::io::AsyncWriteExt as _;

use super::{ORGANIZATION, Wire, ask, call, token, token_request, token_request_with};

#[tokio::test]
async fn the_host_header_names_the_host_where_it_can() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
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
        // The header goes first.
        ("api.mypurecloud.ie", &prefixed, 404),
        ("login.mypurecloud.ie", ORGANIZATION, 404),
        // Neither host.
        ("127.0.0.1", ORGANIZATION, 404),
        ("127.0.0.1", "/apiv2/users/me", 404),
        ("127.0.0.1", "/", 404),
    ] {
        let answer = ask(&sandbox, request(host, path)).await;
        assert_eq!(answer.status, status, "{host} {path}");
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
    assert_eq!(ask(&sandbox, region_mode).await.status, 200);
}

#[tokio::test]
async fn a_connection_is_kept_and_may_be_filled_ahead() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
    let mut wire = Wire::connect(&sandbox).await;
    for _ in 0..3 {
        wire.send(token_request(&sandbox)).await;
        assert_eq!(wire.answer().await.status, 200);
    }
    let pipelined = [
        call("GET", ORGANIZATION, &token),
        call("GET", "/api/v2/nothing", &token),
        token_request(&sandbox),
        call("DELETE", "/api/v2/tokens/me", &token),
        call("GET", ORGANIZATION, &token).replace("Host: x", "Host: x\r\nConnection: close"),
    ];
    wire.send(pipelined.concat()).await;
    for status in [200, 404, 200, 200, 401] {
        assert_eq!(wire.answer().await.status, status);
    }
    assert!(wire.is_at_end().await);
    assert_eq!((sandbox.token_requests(), sandbox.api_requests()), (5, 4));
}

#[tokio::test]
async fn what_is_not_http_ends_its_connection_only() {
    let sandbox = Sandbox::start().await.unwrap();
    for bytes in [
        "\u{16}\u{3}\u{1}\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/1.1\r\nA b\r\n\r\n",
    ] {
        let mut wire = Wire::connect(&sandbox).await;
        wire.send(bytes).await;
        if let Some(answer) = wire.answer_or_end(true).await {
            assert_eq!(answer.status, 400, "{bytes}");
        }
        assert!(wire.is_at_end().await);
    }
    assert!(sandbox.requests().is_empty());
    token(&sandbox).await;
}

#[tokio::test]
async fn a_body_has_a_largest_size() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
    let post = |length: usize| {
        let call = call("POST", ORGANIZATION, &token);
        let head = format!("Content-Length: {length}\r\n\r\n");
        [call.trim_end(), "\r\n", &head, &"x".repeat(length)].concat()
    };
    let answer = ask(&sandbox, post(512_000)).await;
    answer.refusal(405, "method.not.allowed");
    let answer = ask(&sandbox, post(512_001)).await;
    let message = answer.refusal(413, "request.entity.too.large");
    assert!(message.ends_with("Maximum bytes: 512000"), "{message}");
    assert_eq!(sandbox.requests().last().unwrap().body().len(), 512_000);

    let form = token_request_with("", &"x".repeat(2_000_000));
    assert_eq!(ask(&sandbox, form).await.status, 413);

    // One without end is cut off.
    let mut wire = Wire::connect(&sandbox).await;
    let head = format!("POST /api{ORGANIZATION} HTTP/1.1\r\nHost: x\r\n");
    wire.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n"))
        .await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let mut chunks = 0;
    while wire.stream.write_all(chunk.as_bytes()).await.is_ok() {
        chunks += 1;
        assert!(chunks < 1000, "64 MB were taken");
    }
}

#[tokio::test]
async fn web_pages_may_ask_both_hosts() {
    let sandbox = Sandbox::start().await.unwrap();
    let page = "Host: x\r\nOrigin: https://app.example\r\n";
    for path in ["/login/oauth/token", "/api/api/v2/users/me"] {
        let preflight = format!(
            "OPTIONS {path} HTTP/1.1\r\n{page}Access-Control-Request-Method: GET\r\n\
             Access-Control-Request-Headers: authorization,content-type,purecloud-sdk\r\n\r\n"
        );
        let answer = ask(&sandbox, preflight).await;
        assert_eq!(answer.status, 204, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        let allowed = answer.header("access-control-allow-headers").unwrap();
        for header in ["authorization", "content-type", "purecloud-sdk"] {
            assert!(allowed.split(", ").any(|one| one == header), "{header}");
        }
        let methods = answer.header("access-control-allow-methods").unwrap();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            assert!(methods.split(", ").any(|one| one == method), "{method}");
        }
    }
    assert_eq!((sandbox.token_requests(), sandbox.api_requests()), (0, 0));

    sandbox.at_api().times(1).respond(503);
    for request in [
        token_request(&sandbox),
        call("GET", ORGANIZATION, "fault"),
        call("GET", ORGANIZATION, "dead"),
    ] {
        let answer = ask(&sandbox, request.replace("Host: x\r\n", page)).await;
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        let exposed = answer.header("access-control-expose-headers").unwrap();
        for header in ["ININ-Correlation-Id", "Retry-After"] {
            assert!(exposed.split(", ").any(|one| one == header), "{header}");
        }
    }
}
