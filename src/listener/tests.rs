//! The listener over real sockets.

mod bad;
mod bounds;
mod corpus;
mod waiting;

use std::{
    net::SocketAddr,
    process,
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use secrecy::ExposeSecret;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};

use super::*;

#[tokio::test]
async fn the_right_request_ends_the_wait_and_gets_its_page() {
    for host in [LoopbackHost::Localhost, LoopbackHost::V4, LoopbackHost::V6] {
        for answer in ["code=abc", "error=access_denied&error_description=No"] {
            let listener = Listener::bind(host, &[0]).unwrap();
            let name = format!("{}:{}", host.as_str(), listener.port());
            for address in listener.addresses() {
                let query = format!("{answer}&iss=https%3A%2F%2Flogin&state={STATE}");
                let request = get(&name, &query);
                let browser = spawn_send(address, request);
                let callback = wait(&listener).await.unwrap();
                assert_eq!(callback.query.expose_secret(), query);
                callback.respond.success().await;
                let shown = browser.await.unwrap();
                assert!(shown.starts_with("HTTP/1.1 200 OK\r\n"), "{shown}");
            }
        }
    }
}

#[tokio::test]
async fn each_ending_has_its_page_and_a_dropped_one_has_failed() {
    for (ending, status) in [("denied", "403"), ("failed", "500"), ("dropped", "500")] {
        let (listener, address) = listener();
        let browser = spawn_send(address, right(address));
        let respond = wait(&listener).await.unwrap().respond;
        // The page needs the listener no more.
        drop(listener);
        match ending {
            "denied" => respond.denied().await,
            "failed" => respond.failed().await,
            _ => drop(respond),
        }
        let shown = browser.await.unwrap();
        assert!(shown.starts_with(&format!("HTTP/1.1 {status} ")), "{shown}");
        assert!(shown.ends_with("</html>\n"), "{shown}");
    }
}

/// A listener for `localhost`, and one of its addresses.
fn listener() -> (Listener, SocketAddr) {
    let listener = Listener::bind(LoopbackHost::Localhost, &[0]).unwrap();
    let address = listener.addresses()[0];
    (listener, address)
}

async fn wait(listener: &Listener) -> Result<Callback, TurnedAway> {
    let clock = Clock::system();
    let deadline = clock.now() + PATIENCE;
    listener.wait(&expected(), deadline, &clock).await
}

/// Sends the right request and shows that it ends the wait, now as ever.
async fn succeed(listener: &Listener) -> TurnedAway {
    let address = listener.addresses()[0];
    let browser = spawn_send(address, right(address));
    let callback = wait(listener).await.unwrap();
    callback.respond.success().await;
    let shown = browser.await.unwrap();
    assert!(shown.starts_with("HTTP/1.1 200 OK\r\n"), "{shown}");
    listener.serving.turned_away()
}

/// Waits until so many requests were turned away for this reason.
async fn turned_away(listener: &Listener, reason: Reason, count: u32) {
    let counted = async {
        while listener.serving.turned_away().of(reason) < count {
            tokio::task::yield_now().await;
        }
    };
    let counted = timeout(PATIENCE, counted).await;
    counted.unwrap_or_else(|_| panic!("{reason:?}: {}", listener.serving.turned_away()));
}

fn total(counts: &TurnedAway) -> u32 {
    Reason::ALL.iter().map(|&reason| counts.of(reason)).sum()
}

fn expected() -> Expected {
    Expected {
        path: PATH.to_owned(),
        state: STATE.to_owned().into(),
    }
}

/// What a browser sends that follows the redirect to `localhost`.
fn right(address: SocketAddr) -> String {
    let host = format!("localhost:{}", address.port());
    get(&host, &format!("code={CODE}&state={STATE}"))
}

fn get(host: &str, query: &str) -> String {
    format!("GET {PATH}?{query} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\n\r\n")
}

fn spawn_send(address: SocketAddr, request: String) -> JoinHandle<String> {
    tokio::spawn(async move { send(address, request.as_bytes()).await })
}

/// Sends it and reads to the end of the answer, which may be cut short by a reset.
async fn send(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(bytes).await;
    rest(&mut stream).await
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let _ = timeout(PATIENCE, read).await.expect("an answer or an end");
    String::from_utf8(answer).unwrap()
}

/// A port that is free on every loopback address, outside the range that the system chooses from:
/// no other test gets it by chance.
pub(super) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(process::id() % 10_000).unwrap();
    loop {
        let port = 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        if Listener::bind(LoopbackHost::Localhost, &[port]).is_ok() {
            return port;
        }
    }
}

const PATH: &str = "/oauth2/callback";
const STATE: &str = "4d6Zc0ZCq1y0bT2rWm8r7vDq5o3xJk9sLh1nPfUgEaI";
const CODE: &str = "kPq0d3X-planted-code";
/// A test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);
