//! A wait begins, is left, begins again, and ends.

use std::{
    io::{self, Read, Write},
    net,
    task::Context,
    task::Waker,
};

use super::*;

#[tokio::test]
async fn who_leaves_a_wait_loses_nothing() {
    let (listener, address) = listener();
    let right = right(address);
    // Cut after each part of the request, with nobody waiting in between.
    for cut in [0, 1, 40, right.len() - 1, right.len()] {
        let (first, second) = right.split_at(cut);
        let mut browser = TcpStream::connect(address).await.unwrap();
        start(&listener).await;
        browser.write_all(first.as_bytes()).await.unwrap();
        start(&listener).await;
        browser.write_all(second.as_bytes()).await.unwrap();
        let arrived = async {
            while listener.serving.is_wanted() {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, arrived).await.unwrap();

        let callback = wait(&listener).await.unwrap();
        // Another is wanted no more than where it was waited for all the time.
        let second = send(address, right.as_bytes()).await;
        assert!(second.starts_with("HTTP/1.1 409 Conflict\r\n"), "{second}");
        callback.respond.success().await;
        let shown = rest(&mut browser).await;
        assert!(
            shown.starts_with("HTTP/1.1 200 OK\r\n"),
            "cut at {cut}: {shown}"
        );
    }
    let counts = listener.serving.turned_away();
    assert_eq!((counts.of(Reason::Again), total(&counts)), (5, 5));
}

/// Begins a wait and leaves it at once.
async fn start(listener: &Listener) {
    {
        let mut waiting = pin!(wait(listener));
        let polled = waiting
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
    }
    tokio::task::yield_now().await;
}

#[tokio::test]
async fn a_browser_that_is_back_before_the_wait_begins_is_served() {
    let (listener, address) = listener();
    let mut browser = TcpStream::connect(address).await.unwrap();
    browser.write_all(right(address).as_bytes()).await.unwrap();
    wait(&listener).await.unwrap().respond.success().await;
    assert!(rest(&mut browser).await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn a_browser_whose_answer_nobody_took_is_told_so() {
    let (listener, address) = listener();
    // It blocks this thread, so the listener's task does nothing more.
    let mut browser = net::TcpStream::connect(address).unwrap();
    browser.set_read_timeout(Some(PATIENCE)).unwrap();
    browser.write_all(right(address).as_bytes()).unwrap();
    start(&listener).await;
    while listener.serving.is_wanted() {
        tokio::task::yield_now().await;
    }
    drop(listener);
    let mut shown = String::new();
    browser.read_to_string(&mut shown).unwrap();
    assert!(shown.starts_with("HTTP/1.1 500 "), "{shown}");
}

#[tokio::test]
async fn a_second_right_request_is_answered_and_changes_nothing() {
    let (listener, address) = listener();
    let first = spawn_send(address, right(address));
    let callback = wait(&listener).await.unwrap();
    // While the first is exchanged for a token …
    let second = send(address, right(address).as_bytes()).await;
    assert!(second.starts_with("HTTP/1.1 409 Conflict\r\n"), "{second}");
    // … whatever it says.
    let host = format!("localhost:{}", address.port());
    let denial = get(&host, &format!("error=access_denied&state={STATE}"));
    let third = send(address, denial.as_bytes()).await;
    assert!(third.starts_with("HTTP/1.1 409 Conflict\r\n"), "{third}");
    // Others are judged as ever.
    let icon = send(
        address,
        right(address).replace(PATH, "/favicon.ico").as_bytes(),
    )
    .await;
    assert!(icon.starts_with("HTTP/1.1 404 Not Found\r\n"), "{icon}");

    assert!(callback.query.expose_secret().contains(CODE));
    callback.respond.success().await;
    assert!(first.await.unwrap().starts_with("HTTP/1.1 200 OK\r\n"));
    // Where the login goes on all the same, it may wait for another.
    assert_eq!(succeed(&listener).await.of(Reason::Again), 2);
}

#[tokio::test]
async fn the_ports_are_free_once_the_listener_is_dropped() {
    let port = free_port();
    let mut pages = Vec::new();
    for _ in 0..3 {
        // The connections of the round before are still there.
        let listener = Listener::bind(LoopbackHost::Localhost, &[port]).unwrap();
        let addresses = listener.addresses();
        let mut idle = TcpStream::connect(addresses[0]).await.unwrap();
        let browser = spawn_send(addresses[1], right(addresses[1]));
        let callback = wait(&listener).await.unwrap();
        drop(listener);
        for address in addresses {
            let refused = net::TcpStream::connect(address).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        }
        assert_eq!(rest(&mut idle).await, "");
        pages.push((browser, callback));
    }
    for (browser, callback) in pages {
        callback.respond.success().await;
        assert!(browser.await.unwrap().starts_with("HTTP/1.1 200 OK\r\n"));
    }
}

#[tokio::test]
async fn the_deadline_tells_what_came_instead() {
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
        send(
            address,
            right(address).replace(PATH, "/favicon.ico").as_bytes(),
        )
        .await;
        clock.advance(Duration::from_secs(300));
    };
    let expected = expected();
    let wait = timeout(PATIENCE, listener.wait(&expected, deadline, &clock));
    let (ended, ()) = tokio::join!(wait, browser);
    assert_eq!(
        ended.unwrap().unwrap_err().to_string(),
        "5 requests had another state: an older login's tab may still be open; \
         1 request asked for another path than the redirect URI's"
    );
    // A new deadline is a new wait.
    succeed(&listener).await;
}

#[tokio::test]
async fn a_deadline_with_no_request_says_so() {
    let (listener, _) = listener();
    let clock = Clock::manual();
    let expected = expected();
    let ended = listener.wait(&expected, clock.now(), &clock).await;
    assert_eq!(ended.unwrap_err().to_string(), "no request came");
}

#[test]
fn another_runtime_serves_on() {
    let listener = Listener::bind(LoopbackHost::Localhost, &[0]).unwrap();
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
    };
    for _ in 0..3 {
        runtime().unwrap().block_on(async {
            let _idle = TcpStream::connect(listener.addresses()[0]).await.unwrap();
            // What ended with its runtime is not counted.
            assert_eq!(total(&succeed(&listener).await), 0);
        });
    }
}
