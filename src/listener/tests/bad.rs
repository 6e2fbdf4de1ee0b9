//! Every other request gets a brief response and does not end the wait.

use super::*;

/// A request, its status or `None` for a closed connection, and why it is rejected.
struct Bad(Vec<u8>, Option<u16>, Rejection);

#[tokio::test]
async fn every_other_request_is_rejected_and_the_wait_goes_on() {
    for host in [LoopbackHost::Localhost, LoopbackHost::V6] {
        let name = |port| format!("{}:{port}", host.as_str());
        for at in 0..bad(&name(1)).len() {
            let listener = Listener::bind(host, &[0]).unwrap();
            let name = name(listener.port());
            let Bad(request, status, rejection) = bad(&name).swap_remove(at);
            let shown = String::from_utf8_lossy(&request[..request.len().min(300)]).into_owned();
            let address = listener.addresses()[0];
            let callback = get(&name, &format!("code={CODE}&state={STATE}"));
            let browser = tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.write_all(&request).await.unwrap();
                if status.is_none() {
                    stream.shutdown().await.unwrap();
                }
                let response = read_all(&mut stream).await;
                (response, send(address, callback.as_bytes()).await)
            });
            let callback = wait(&listener).await.unwrap();
            callback.respond.show_success().await;
            let (response, page) = browser.await.unwrap();

            let counts = listener.server.rejections();
            assert_eq!(counts.count_of(rejection), 1, "{shown}: {counts}");
            assert_eq!(total(&counts), 1, "{shown}: {counts}");
            match status {
                Some(status) => check_response(&response, status),
                None => assert!(response.is_empty(), "{shown}: {response}"),
            }
            assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
        }
    }
}

#[tokio::test]
async fn megabyte_of_head_is_not_read() {
    for (start, rejection) in [
        ("GET /", Rejection::LongTarget),
        ("GET / HTTP/1.1\r\nCookie: ", Rejection::TooLarge),
    ] {
        let (listener, address) = listener();
        let request = format!("{start}{}", "a".repeat(1_000_000));
        // A reset may discard the response, since most of the request is never read.
        let flood = tokio::spawn(async move { send(address, request.as_bytes()).await });
        let interrupted = tokio::select! {
            _ = wait(&listener) => false,
            _ = flood => true,
        };
        assert!(interrupted);
        let counts = succeed(&listener).await;
        assert_eq!(counts.count_of(rejection), 1, "{counts}");
    }
}

#[tokio::test]
async fn cookies_of_other_programs_do_not_hide_the_callback() {
    let long = |name: &str, length: usize| format!("{name}: {}\r\n", "a".repeat(length));
    for headers in [
        long("Cookie", 17 * 1024),
        long("Cookie", 100 * 1024),
        long("Cookie", MAX_ARRIVED_BYTES - 1024),
        long("cookie", 9 * 1024).repeat(20),
        long("X-Other", 50 * 1024) + &long("Accept-Language", 20 * 1024),
        long("Cookie", 256) + &long("Cookie", 255) + &long("Cookie", 257),
        long("Cookie", 1_000).repeat(50),
    ] {
        let (listener, address) = listener();
        let request = callback_to(address);
        for request in [
            request.replacen("Accept:", &format!("{headers}Accept:"), 1),
            request.replacen("Host:", &format!("{headers}Host:"), 1),
        ] {
            let browser = spawn_send(address, request);
            let callback = wait(&listener).await.unwrap();
            assert_eq!(text_of(&callback.redirect), format!("code={CODE}"));
            callback.respond.show_success().await;
            let shown = browser.await.unwrap();
            assert!(shown.starts_with("HTTP/1.1 200 OK\r\n"), "{shown}");
        }
        assert_eq!(total(&listener.server.rejections()), 0);
    }
}

#[tokio::test]
async fn long_header_is_not_taken_for_a_shorter_one() {
    let (listener, address) = listener();
    let host = format!("localhost:{}", address.port());
    let request = callback_with(
        &host,
        "\r\nAccept",
        &format!("{}x\r\nAccept", " ".repeat(300)),
    );
    let interrupted = tokio::select! {
        _ = wait(&listener) => false,
        response = send(address, request.as_bytes()) => response.starts_with("HTTP/1.1 421 "),
    };
    assert!(interrupted);
}

#[tokio::test]
async fn page_after_too_many_cookies_names_cause_and_cure() {
    let (listener, address) = listener();
    let host = format!("localhost:{}", address.port());
    for length in [MAX_ARRIVED_BYTES, 12 * 1024 * 1024] {
        let request = cookies(&host, length) + "\r\n\r\n";
        // A browser reads the page after it has sent everything.
        let page = async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            read_all(&mut stream).await
        };
        let page = tokio::select! {
            _ = wait(&listener) => panic!("this is too large"),
            page = page => page,
        };
        check_response(&page, 431);
        assert!(page.contains("Other programs on this machine"), "{page}");
        assert!(page.contains("delete the cookies of localhost"), "{page}");
    }
    // After that the page is reloaded.
    let counts = succeed(&listener).await;
    assert_eq!(counts.count_of(Rejection::TooLarge), 2, "{counts}");
}

#[tokio::test]
async fn target_in_absolute_form_is_accepted() {
    for (uri_host, start, path) in [
        (LoopbackHost::Localhost, "http://localhost:PORT", PATH),
        (LoopbackHost::Localhost, "HTTP://LOCALHOST:PORT", PATH),
        (LoopbackHost::V6, "http://[::1]:PORT", PATH),
        (LoopbackHost::V4, "http://127.0.0.1:PORT", ""),
        (LoopbackHost::V4, "http://127.0.0.1:PORT", "/"),
    ] {
        // The target's host takes precedence.
        for host in ["localhost:PORT", "proxy.example"] {
            let listener = Listener::bind(uri_host, &[0]).unwrap();
            let expected = Expected {
                path: if path.is_empty() { "/" } else { path }.to_owned(),
                ..expected()
            };
            let request = format!(
                "GET {start}{path}?code={CODE}&state={STATE} HTTP/1.1\r\nHost: {host}\r\n\r\n"
            );
            let request = request.replace("PORT", &listener.port().to_string());
            let browser = spawn_send(listener.addresses()[0], request);
            let clock = Clock::system();
            let wait = listener.wait(&expected, clock.now() + TEST_TIMEOUT, &clock);
            let callback = wait.await.unwrap();
            assert_eq!(text_of(&callback.redirect), format!("code={CODE}"));
            callback.respond.show_success().await;
            assert!(browser.await.unwrap().starts_with("HTTP/1.1 200 "));
        }
    }
}

/// Checks what a response must contain and must not contain.
fn check_response(response: &str, status: u16) {
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
    assert_eq!(body.is_empty(), status == 405, "{response}");
    for line in HEADERS {
        assert_eq!(head.lines().filter(|has| *has == line).count(), 1, "{head}");
    }
    let length = format!("Content-Length: {}", body.len());
    assert!(head.lines().any(|line| line == length), "{response}");
    let lower = response.to_ascii_lowercase();
    for word in [
        "access-control",
        "private-network",
        "location:",
        STATE,
        CODE,
    ] {
        assert!(!lower.contains(&word.to_ascii_lowercase()), "{response}");
    }
}

fn bad(host: &str) -> Vec<Bad> {
    let mut all = Vec::new();
    all.extend(other_methods(host));
    all.extend(other_paths(host));
    all.extend(other_hosts(host));
    all.extend(other_queries(host));
    all.extend(prefetches(host));
    all.extend(malformed(host));
    all.extend(too_large(host));
    all
}

fn other_methods(host: &str) -> Vec<Bad> {
    [
        "POST", "OPTIONS", "PUT", "DELETE", "CONNECT", "TRACE", "PATCH", "get", "GETT",
    ]
    .map(|method| {
        let request = callback_with(host, "GET ", &format!("{method} "));
        Bad(request.into(), Some(405), Rejection::Method)
    })
    .into_iter()
    .chain([
        // A response to HEAD has no body.
        Bad(
            callback_with(host, "GET ", "HEAD ").into(),
            Some(405),
            Rejection::Method,
        ),
        // A browser's preflight into a private network, and what form_post sends.
        Bad(
            callback_with(
                host,
                "Accept: text/html\r\n",
                "Origin: https://evil.example\r\nAccess-Control-Request-Method: GET\r\n\
                     Access-Control-Request-Private-Network: true\r\n",
            )
            .replacen("GET ", "OPTIONS ", 1)
            .into(),
            Some(405),
            Rejection::Method,
        ),
        Bad(
            format!(
                "POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 90\r\n\r\n\
                     code={CODE}&state={STATE}"
            )
            .into(),
            Some(405),
            Rejection::Method,
        ),
    ])
    .collect()
}

fn other_paths(host: &str) -> Vec<Bad> {
    [
        "/favicon.ico",
        "/",
        "",
        "*",
        "/oauth2",
        "/oauth2/callback/",
        "/oauth2/callback/x",
        "/oauth2//callback",
        "//oauth2/callback",
        "//evil.example/oauth2/callback",
        "/./oauth2/callback",
        "/oauth2/./callback",
        "/x/../oauth2/callback",
        "/oauth2/%63allback",
        "/oauth2%2fcallback",
        "/oauth2%2Fcallback",
        "/oauth2/callback%00",
        "/oauth2/callback%3F",
        "/oauth2/callback;x",
        "/oauth2\\callback",
        "/OAuth2/callback",
        "oauth2/callback",
        "https://localhost/oauth2/callback",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain([
        format!("https://{host}{PATH}"),
        format!("http://{host}"),
        format!("http://{host}/x"),
        format!("http://{host}/{PATH}"),
        format!("{host}{PATH}"),
    ])
    .map(|path| {
        let request = callback_with(host, PATH, &path);
        Bad(request.into(), Some(404), Rejection::Path)
    })
    .collect()
}

fn other_hosts(host: &str) -> Vec<Bad> {
    let line = format!("Host: {host}\r\n");
    let port = host.rsplit(':').next().unwrap();
    let twice = format!("{line}{line}");
    let other = format!("{line}Host: evil.example\r\n");
    let rebound = format!("Host: rebound.evil.example:{port}\r\n");
    let bare = format!(
        "Host: {}\r\n",
        host.trim_end_matches(port).trim_end_matches(':')
    );
    let address = format!("Host: 0.0.0.0:{port}\r\n");
    let latin = "Host: localh\u{f6}st\r\n".to_owned();
    [
        String::new(),
        "Host:\r\n".to_owned(),
        twice,
        other,
        rebound,
        bare,
        address,
        latin,
    ]
    .map(|given| {
        let request = callback_with(host, &line, &given);
        Bad(request.into(), Some(421), Rejection::Host)
    })
    .into_iter()
    .chain(other_absolute_targets(host, &line))
    .collect()
}

/// In the absolute form the host of the target counts, and there must be one `Host` as well.
fn other_absolute_targets(host: &str, line: &str) -> Vec<Bad> {
    let port = host.rsplit(':').next().unwrap();
    let own = format!("http://{host}");
    [
        ("http://localhost".to_owned(), line),
        (format!("http://rebound.evil.example:{port}"), line),
        (format!("http://user@{host}"), line),
        ("http://".to_owned(), line),
        (own.clone(), ""),
        (own, &format!("{line}{line}")),
    ]
    .map(|(start, given)| {
        let request = callback_with(host, line, given);
        let request = request.replacen(PATH, &format!("{start}{PATH}"), 1);
        Bad(request.into(), Some(421), Rejection::Host)
    })
    .into()
}

fn other_queries(host: &str) -> Vec<Bad> {
    let state = |query: String| Bad(get(host, &query).into(), Some(400), Rejection::State);
    let parameters =
        |query: String| Bad(get(host, &query).into(), Some(400), Rejection::Parameters);
    let short = STATE.trim_end_matches('I');
    vec![
        Bad(
            callback_with(host, "?", "").into(),
            Some(404),
            Rejection::Path,
        ),
        state(String::new()),
        state(format!("code={CODE}")),
        state(format!("code={CODE}&state")),
        state(format!("code={CODE}&state=")),
        state(format!("code={CODE}&state={short}")),
        state(format!("code={CODE}&state={STATE}x")),
        state(format!("code={CODE}&state={}", STATE.to_lowercase())),
        state(format!("code={CODE}&state=an-older-logins-state")),
        state("error=access_denied&state=x".to_owned()),
        state("error=access_denied".to_owned()),
        state(format!("code={CODE}&state={STATE}&state={STATE}")),
        state(format!("code={CODE}&state={STATE}&state=x")),
        state(format!("code={CODE}&state=x&state={STATE}")),
        state(format!("code={CODE}&state={STATE}&%73tate=x")),
        state(format!("code={CODE}&State={STATE}")),
        state(format!("code={CODE};state={STATE}")),
        parameters(format!("state={STATE}")),
        parameters(format!("code&state={STATE}")),
        parameters(format!("code=&state={STATE}")),
        parameters(format!("error=&state={STATE}")),
        parameters(format!("code={CODE}&code={CODE}&state={STATE}")),
        parameters(format!("code={CODE}&c%6fde=x&state={STATE}")),
        parameters(format!("code={CODE}&error=access_denied&state={STATE}")),
        parameters(format!("error=access_denied&error=x&state={STATE}")),
        parameters(format!("access_token=x&token_type=bearer&state={STATE}")),
    ]
}

fn prefetches(host: &str) -> Vec<Bad> {
    [
        "Sec-Purpose: prefetch",
        "Sec-Purpose: prefetch;prerender",
        "sec-purpose: Prefetch;anonymous-client-ip",
        "Purpose: prefetch",
        "X-Purpose: preview",
        "X-Moz: prefetch",
    ]
    .map(|line| {
        let request = callback_with(host, "Accept: text/html", line);
        Bad(request.into(), Some(503), Rejection::Prefetch)
    })
    .into()
}

fn malformed(host: &str) -> Vec<Bad> {
    let malformed = |bytes: &[u8]| Bad(bytes.to_vec(), Some(400), Rejection::Malformed);
    let malformed_by = |from: &str, to: &str| malformed(callback_with(host, from, to).as_bytes());
    vec![
        malformed(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\x04\0\0\0\0\0"),
        malformed(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03and the rest of a ClientHello"),
        malformed(b"SSH-2.0-OpenSSH_9.9\r\n"),
        malformed(b"\0\0\0\0"),
        malformed(b"\xff\xfe\xfd"),
        malformed(b"{\"code\":\"x\"}\r\n\r\n"),
        malformed_by("HTTP/1.1", "HTTP/1.0"),
        malformed_by("HTTP/1.1", "HTTP/2.0"),
        malformed_by(" HTTP/1.1", ""),
        malformed_by("GET ", "GET  "),
        malformed_by("Host:", "Host :"),
        malformed_by("Accept: ", "Acc\0ept: "),
        malformed_by("Accept: text/html", " folded"),
        malformed_by("?", "?\u{e9}&"),
        malformed_by("?", "?\t"),
        malformed_by(" HTTP/1.1", "#code HTTP/1.1"),
        // The browser opened a connection in advance and closed it.
        Bad(Vec::new(), None, Rejection::Incomplete),
        Bad(b"GET /oauth2/cal".to_vec(), None, Rejection::Incomplete),
        Bad(
            get(host, "code=x").trim_end().into(),
            None,
            Rejection::Incomplete,
        ),
    ]
}

fn too_large(host: &str) -> Vec<Bad> {
    let fill = |start: String| start.clone() + &"a".repeat(MAX_HEAD_BYTES - start.len());
    let long = |start: String| Bad(fill(start).into(), Some(414), Rejection::LongTarget);
    let large = |request: String, why| Bad(request.into(), Some(431), why);
    vec![
        long("GET /".to_owned()),
        long(format!("GET {PATH}?state={STATE}&code=")),
        large(cookies(host, MAX_ARRIVED_BYTES), Rejection::TooLarge),
        large(
            callback_with(host, "Accept: ", &"a: b\r\n".repeat(65)),
            Rejection::TooManyHeaders,
        ),
    ]
}

/// The callback with at least so many bytes of cookies, which do not end with a line.
fn cookies(host: &str, length: usize) -> String {
    let cookie = format!("other-program={}; ", "a".repeat(4_000));
    let cookies = cookie.repeat(length / cookie.len() + 1);
    callback_with(
        host,
        "text/html\r\n\r\n",
        &format!("x\r\nCookie: {cookies}"),
    )
}

/// The callback with one part replaced.
fn callback_with(host: &str, from: &str, to: &str) -> String {
    let callback = get(host, &format!("code={CODE}&state={STATE}"));
    assert!(callback.contains(from), "{from}");
    callback.replacen(from, to, 1)
}

const HEADERS: [&str; 5] = [
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options: nosniff",
    "Cache-Control: no-store",
    "Referrer-Policy: no-referrer",
    "Connection: close",
];
