//! The listener over real sockets.

use std::{net::SocketAddr, time::Duration};

use secrecy::ExposeSecret;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};

use super::*;

#[tokio::test]
async fn the_right_request_ends_the_wait_and_gets_its_page() {
    for (answer, status) in [
        ("code=abc", "200 OK"),
        ("error=access_denied", "403 Forbidden"),
    ] {
        let listener = Listener::bind(LoopbackHost::Localhost, &[0]).unwrap();
        for address in listener.addresses() {
            let query = format!("{answer}&iss=https%3A%2F%2Flogin&state={STATE}");
            let browser = spawn_get(address, &query);
            let callback = wait(&listener).await.unwrap();
            assert_eq!(callback.query.expose_secret(), query);
            match status {
                "200 OK" => callback.respond.success().await,
                _ => callback.respond.denied().await,
            }
            let shown = browser.await.unwrap();
            assert!(
                shown.starts_with(&format!("HTTP/1.1 {status}\r\n")),
                "{shown}"
            );
        }
    }
}

async fn wait(listener: &Listener) -> Result<Callback, TurnedAway> {
    let clock = Clock::system();
    let deadline = clock.now() + PATIENCE;
    listener.wait(&expected(), deadline, &clock).await
}

fn expected() -> Expected {
    Expected {
        path: PATH.to_owned(),
        state: STATE.to_owned().into(),
    }
}

/// What a browser sends that follows the redirect.
fn get(port: u16, query: &str) -> String {
    format!("GET {PATH}?{query} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: text/html\r\n\r\n")
}

fn spawn_get(address: SocketAddr, query: &str) -> JoinHandle<String> {
    let request = get(address.port(), query);
    tokio::spawn(async move { send(address, request.as_bytes()).await })
}

/// Sends it and reads to the end of the answer, which may be cut short by a reset.
async fn send(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

const PATH: &str = "/oauth2/callback";
const STATE: &str = "4d6Zc0ZCq1y0bT2rWm8r7vDq5o3xJk9sLh1nPfUgEaI";
const PATIENCE: Duration = Duration::from_secs(60);
