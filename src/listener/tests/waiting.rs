//! Waits that start, are dropped, start again, and end.

use std::{
    io::{self, Read, Write},
    net,
    task::Context,
    task::Waker,
};

use super::*;

#[tokio::test]
async fn dropped_wait_loses_no_request() {
    let (listener, address) = listener();
    let request = callback_to(address);
    // The request comes in two parts, and no wait is polled in between.
    for cut in [0, 1, 40, request.len() - 1, request.len()] {
        let (first, second) = request.split_at(cut);
        let mut browser = TcpStream::connect(address).await.unwrap();
        start(&listener).await;
        browser.write_all(first.as_bytes()).await.unwrap();
        start(&listener).await;
        browser.write_all(second.as_bytes()).await.unwrap();
        let arrived = async {
            while listener.server.is_awaited() {
                tokio::task::yield_now().await;
            }
        };
        timeout(TEST_TIMEOUT, arrived).await.unwrap();

        let callback = wait(&listener).await.unwrap();
        // A second callback is rejected, as in a wait that was never dropped.
        let second = send(address, request.as_bytes()).await;
        assert!(second.starts_with("HTTP/1.1 409 Conflict\r\n"), "{second}");
        callback.respond.show_success().await;
        let shown = read_all(&mut browser).await;
        assert!(shown.starts_with("HTTP/1.1 200 OK\r\n"), "{cut}: {shown}");
    }
    let counts = listener.server.rejections();
    let repeated = counts.count_of(Rejection::Repeated);
    assert_eq!((repeated, total(&counts)), (5, 5));
}

/// Polls a wait once and drops it.
async fn start(listener: &Listener) {
    let polled = pin!(wait(listener)).poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    tokio::task::yield_now().await;
}

#[tokio::test]
async fn callback_before_the_wait_is_served() {
    let (listener, address) = listener();
    let mut browser = TcpStream::connect(address).await.unwrap();
    let request = callback_to(address);
    browser.write_all(request.as_bytes()).await.unwrap();
    wait(&listener).await.unwrap().respond.show_success().await;
    assert_success(&read_all(&mut browser).await);
}

#[tokio::test]
async fn callback_that_no_wait_received_shows_failure() {
    let (listener, address) = listener();
    // It blocks this thread, so that the listener's task does not run.
    let mut browser = net::TcpStream::connect(address).unwrap();
    browser.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    browser.write_all(callback_to(address).as_bytes()).unwrap();
    start(&listener).await;
    while listener.server.is_awaited() {
        tokio::task::yield_now().await;
    }
    drop(listener);
    let mut shown = String::new();
    browser.read_to_string(&mut shown).unwrap();
    assert!(shown.starts_with("HTTP/1.1 500 "), "{shown}");
}

#[tokio::test]
async fn second_callback_is_rejected_and_changes_nothing() {
    let (listener, address) = listener();
    let first = spawn_send(address, callback_to(address));
    let callback = wait(&listener).await.unwrap();
    // The first waits for its page meanwhile.
    let second = send(address, callback_to(address).as_bytes()).await;
    assert!(second.starts_with("HTTP/1.1 409 Conflict\r\n"), "{second}");
    // An error is rejected, too.
    let host = format!("localhost:{}", address.port());
    let denial = get(&host, &format!("error=access_denied&state={STATE}"));
    let third = send(address, denial.as_bytes()).await;
    assert!(third.starts_with("HTTP/1.1 409 Conflict\r\n"), "{third}");
    // Other requests are rejected for their own reason.
    let icon = ask_for_icon(address).await;
    assert!(icon.starts_with("HTTP/1.1 404 Not Found\r\n"), "{icon}");

    assert_eq!(text_of(&callback.redirect), format!("code={CODE}"));
    show_success(callback, first).await;
    // A new wait accepts another callback.
    assert_eq!(succeed(&listener).await.count_of(Rejection::Repeated), 2);
}

#[tokio::test]
async fn ports_are_free_after_the_listener_is_dropped() {
    let port = free_port();
    let mut pages = Vec::new();
    for _ in 0..3 {
        // Connections of the previous round are still open.
        let listener = Listener::bind(LoopbackHost::Localhost, &[port]).unwrap();
        let addresses = listener.addresses();
        let mut idle = TcpStream::connect(addresses[0]).await.unwrap();
        let browser = spawn_send(addresses[1], callback_to(addresses[1]));
        let callback = wait(&listener).await.unwrap();
        drop(listener);
        for address in addresses {
            let refused = net::TcpStream::connect(address).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        }
        assert_eq!(read_all(&mut idle).await, "");
        pages.push((browser, callback));
    }
    for (browser, callback) in pages {
        show_success(callback, browser).await;
    }
}

#[tokio::test]
async fn deadline_reports_the_rejected_requests() {
    let (listener, address) = listener();
    let clock = Clock::manual();
    let deadline = clock.now() + Duration::from_secs(300);
    let browser = async {
        for (query, times) in [("code=x&state=old", 3), ("", 2)] {
            for _ in 0..times {
                let host = format!("localhost:{}", address.port());
                send(address, get(&host, query).replace("?x", "").as_bytes()).await;
            }
        }
        ask_for_icon(address).await;
        clock.advance(Duration::from_secs(300));
    };
    let expected = expected();
    let wait = timeout(TEST_TIMEOUT, listener.wait(&expected, deadline, &clock));
    let (ended, ()) = tokio::join!(wait, browser);
    assert_eq!(
        ended.unwrap().unwrap_err().to_string(),
        "5 requests had another state: an older login's tab may still be open; \
         1 request had another path than the redirect URI"
    );
    // A wait with a new deadline succeeds.
    succeed(&listener).await;
}

#[tokio::test]
async fn deadline_without_requests_says_so() {
    let (listener, _) = listener();
    let clock = Clock::manual();
    let expected = expected();
    let ended = listener.wait(&expected, clock.now(), &clock).await;
    assert_eq!(ended.unwrap_err().to_string(), "no request came");
}

#[test]
fn listener_goes_on_in_another_runtime() {
    let listener = Listener::bind(LoopbackHost::Localhost, &[0]).unwrap();
    for _ in 0..3 {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap().block_on(async {
            let _idle = TcpStream::connect(listener.addresses()[0]).await.unwrap();
            // A connection that ended with its runtime is not counted.
            assert_eq!(total(&succeed(&listener).await), 0);
        });
    }
}
