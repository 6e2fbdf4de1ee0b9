//! Every other request gets a brief response and does not end the wait.

mod requests;

use super::*;
use requests::{Bad, bad, callback_with, cookies};

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
            assert_success(&page);
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
            show_success(callback, browser).await;
        }
        assert_eq!(total(&listener.server.rejections()), 0);
    }
}

#[tokio::test]
async fn long_header_is_not_taken_for_a_shorter_one() {
    let (listener, address) = listener();
    let host = format!("localhost:{}", address.port());
    let long = format!("{}x\r\nAccept", " ".repeat(300));
    let request = callback_with(&host, "\r\nAccept", &long);
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
            show_success(callback, browser).await;
        }
    }
}

#[tokio::test]
async fn target_in_absolute_form_with_another_path_is_rejected() {
    let listener = Listener::bind(LoopbackHost::V4, &[0]).unwrap();
    let expected = Expected {
        path: "/".to_owned(),
        ..expected()
    };
    let address = listener.addresses()[0];
    let request = format!(
        "GET http://{address}/other?code={CODE}&state={STATE} HTTP/1.1\r\nHost: {address}\r\n\r\n"
    );
    let clock = Clock::system();
    tokio::select! {
        _ = listener.wait(&expected, clock.now() + TEST_TIMEOUT, &clock) => panic!("not the path"),
        page = spawn_send(address, request) => check_response(&page.unwrap(), 404),
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
    let headers = ["access-control", "private-network", "location:"];
    for word in headers.into_iter().chain([STATE, CODE]) {
        assert!(!lower.contains(&word.to_ascii_lowercase()), "{response}");
    }
}

const HEADERS: [&str; 5] = [
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options: nosniff",
    "Cache-Control: no-store",
    "Referrer-Policy: no-referrer",
    "Connection: close",
];
