//! Tests of the listener over real sockets.

mod bad;
mod bounds;
mod corpus;
mod waiting;

use std::{net::SocketAddr, time::Duration};

use secrecy::ExposeSecret;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};

use super::{
    head::{MAX_ARRIVED_BYTES, MAX_HEAD_BYTES},
    rejection::Rejection,
    server::{CONNECTION_TIMEOUT, MAX_CONNECTIONS, MIN_CONNECTION_TIME, READ_BYTES},
    *,
};
use crate::{
    callback::Redirect,
    error::{ErrorKind, LoginErrorKind},
};

#[tokio::test]
async fn callback_ends_the_wait_and_gets_its_page() {
    for host in [LoopbackHost::Localhost, LoopbackHost::V4, LoopbackHost::V6] {
        for redirect in ["code=abc", "error=access_denied&error_description=No"] {
            let listener = Listener::bind(host, &[0]).unwrap();
            let name = format!("{}:{}", host.as_str(), listener.port());
            for address in listener.addresses() {
                let query = format!("{redirect}&iss=https%3A%2F%2Flogin&state={STATE}");
                let request = get(&name, &query);
                let browser = spawn_send(address, request);
                let callback = wait(&listener).await.unwrap();
                assert_eq!(text_of(&callback.redirect), redirect);
                show_success(callback, browser).await;
            }
        }
    }
}

#[tokio::test]
async fn each_outcome_has_its_page_and_dropping_shows_failure() {
    for (outcome, status) in [("denied", "403"), ("failed", "500"), ("dropped", "500")] {
        let (listener, address) = listener();
        let browser = spawn_send(address, callback_to(address));
        let respond = wait(&listener).await.unwrap().respond;
        // The page is shown without the listener.
        drop(listener);
        match outcome {
            "denied" => respond.show_denied().await,
            "failed" => respond.show_failed().await,
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

/// The redirect as it was in the query.
fn text_of(redirect: &Redirect) -> String {
    match redirect {
        Redirect::Code(code) => format!("code={}", code.expose_secret()),
        Redirect::Error(error) => match error.kind() {
            ErrorKind::Login(login) => match login.kind() {
                LoginErrorKind::Denied { error, description } => {
                    let description = description.as_deref().unwrap_or_default();
                    format!("error={error}&error_description={description}")
                }
                kind => panic!("{kind:?}"),
            },
            kind => panic!("{kind:?}"),
        },
    }
}

async fn wait(listener: &Listener) -> Result<Callback, Rejections> {
    let clock = Clock::system();
    let deadline = clock.now() + TEST_TIMEOUT;
    listener.wait(&expected(), deadline, &clock).await
}

/// Sends the callback, checks that it ends the wait, and returns what was rejected before.
async fn succeed(listener: &Listener) -> Rejections {
    let address = listener.addresses()[0];
    let browser = spawn_send(address, callback_to(address));
    show_success(wait(listener).await.unwrap(), browser).await;
    listener.server.rejections()
}

/// Shows the page of a success to the browser that sent the callback.
async fn show_success(callback: Callback, browser: JoinHandle<String>) {
    callback.respond.show_success().await;
    assert_success(&browser.await.unwrap());
}

#[track_caller]
fn assert_success(shown: &str) {
    assert!(shown.starts_with("HTTP/1.1 200 OK\r\n"), "{shown}");
}

/// The callback's request, with another path.
async fn ask_for_icon(address: SocketAddr) -> String {
    let request = callback_to(address).replace(PATH, "/favicon.ico");
    send(address, request.as_bytes()).await
}

/// Waits until `count` requests were rejected for this reason.
async fn wait_for_rejections(listener: &Listener, rejection: Rejection, count: u32) {
    let counted = async {
        while listener.server.rejections().count_of(rejection) < count {
            tokio::task::yield_now().await;
        }
    };
    let counted = timeout(TEST_TIMEOUT, counted).await;
    counted.unwrap_or_else(|_| panic!("{rejection:?}: {}", listener.server.rejections()));
}

fn total(counts: &Rejections) -> u32 {
    let all = Rejection::ALL.iter();
    all.map(|&rejection| counts.count_of(rejection)).sum()
}

fn expected() -> Expected {
    Expected {
        path: PATH.to_owned(),
        state: STATE.to_owned().into(),
    }
}

/// The request of a browser that follows the redirect to `localhost`.
fn callback_to(address: SocketAddr) -> String {
    let host = format!("localhost:{}", address.port());
    get(&host, &format!("code={CODE}&state={STATE}"))
}

fn get(host: &str, query: &str) -> String {
    format!("GET {PATH}?{query} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\n\r\n")
}

fn spawn_send(address: SocketAddr, request: String) -> JoinHandle<String> {
    tokio::spawn(async move { send(address, request.as_bytes()).await })
}

/// Sends the bytes and reads the response, which a reset may cut short.
async fn send(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(bytes).await;
    read_all(&mut stream).await
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut response = Vec::new();
    let read = stream.read_to_end(&mut response);
    let read = timeout(TEST_TIMEOUT, read).await;
    let _ = read.expect("a response or a closed connection");
    String::from_utf8(response).unwrap()
}

/// A port that is free on every loopback address. It lies outside the range from which the system
/// chooses, and is drawn, so that no other test receives it, in whatever process.
pub(super) fn free_port() -> u16 {
    loop {
        let mut bytes = [0; 2];
        aws_lc_rs::rand::fill(&mut bytes).unwrap();
        let port = 20_000 + u16::from_le_bytes(bytes) % 10_000;
        if Listener::bind(LoopbackHost::Localhost, &[port]).is_ok() {
            return port;
        }
    }
}

const PATH: &str = "/oauth2/callback";
const STATE: &str = "4d6Zc0ZCq1y0bT2rWm8r7vDq5o3xJk9sLh1nPfUgEaI";
const CODE: &str = "kPq0d3X-planted-code";
/// The time after which a test has failed.
const TEST_TIMEOUT: Duration = Duration::from_secs(60);
