//! The sandbox, driven by raw bytes: what it answers is compared with Genesys Cloud's own words,
//! not with what this crate's client makes of them.

mod api;
mod authorize;
mod browser;
mod clients;
mod codes;
mod data_action;
mod endings;
mod faults;
mod hosts;
mod life;
mod limits;
mod listings;
mod login;
mod pages;
mod permissions;
mod refresh;
mod saml;
mod sdks;
mod sessions;
mod users;
mod visits;

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use genesys_cloud_auth::sandbox::Sandbox;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// One connection to the sandbox.
struct Wire {
    stream: TcpStream,
    received: Vec<u8>,
}

/// One answer on it.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Wire {
    async fn connect(sandbox: &Sandbox) -> Self {
        let url = sandbox.url();
        let address = url.strip_prefix("http://").unwrap();
        Self {
            stream: TcpStream::connect(address).await.unwrap(),
            received: Vec::new(),
        }
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// The next answer; panics where the connection ends first.
    async fn answer(&mut self) -> Answer {
        self.answer_or_end(true).await.expect("an answer")
    }

    async fn answer_to_head(&mut self) -> Answer {
        self.answer_or_end(false).await.expect("an answer")
    }

    /// The next answer, with what there is of its body; `None` where the connection ends before
    /// the answer begins.
    async fn answer_or_end(&mut self, with_body: bool) -> Option<Answer> {
        let head_end = loop {
            if let Some(at) = find(&self.received, b"\r\n\r\n") {
                break at + 4;
            }
            if !self.receive().await {
                assert!(self.received.is_empty(), "half an answer's head");
                return None;
            }
        };
        let head = String::from_utf8(self.received.drain(..head_end).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Answer {
            status: status.parse().unwrap(),
            headers,
            body: Vec::new(),
        };
        if with_body {
            let length = answer.header("content-length").unwrap_or("0");
            let length = length.parse::<usize>().unwrap();
            while self.received.len() < length && self.receive().await {}
            answer.body = self
                .received
                .drain(..length.min(self.received.len()))
                .collect();
        }
        Some(answer)
    }

    /// Whether the connection ends without another byte.
    async fn is_at_end(&mut self) -> bool {
        self.received.is_empty() && !self.receive().await
    }

    async fn receive(&mut self) -> bool {
        let reading = self.stream.read_buf(&mut self.received);
        match timeout(DEADLINE, reading)
            .await
            .expect("neither bytes nor an end")
        {
            Ok(length) => length > 0,
            // A reset is an end, too.
            Err(_) => false,
        }
    }
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(given, _)| given == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} is there twice");
        value
    }

    #[track_caller]
    fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Checks that this is an `ErrorBody` that says `code`, and returns its message.
    #[track_caller]
    fn refusal(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{self:?}");
        let body = self.json();
        assert_eq!(body["status"], status);
        assert_eq!(body["code"], code);
        assert_eq!(
            body["contextId"].as_str().unwrap(),
            self.header("inin-correlation-id").unwrap()
        );
        assert_eq!(body["details"], Value::Array(Vec::new()));
        assert_eq!(body["errors"], Value::Array(Vec::new()));
        body["message"].as_str().unwrap().to_owned()
    }
}

/// Sends one request on a connection of its own.
async fn ask(sandbox: &Sandbox, request: impl AsRef<[u8]>) -> Answer {
    let mut wire = Wire::connect(sandbox).await;
    wire.send(request).await;
    wire.answer().await
}

/// An API request by path, with a token.
async fn get(sandbox: &Sandbox, path: &str, token: &str) -> Answer {
    ask(sandbox, call("GET", path, token)).await
}

fn call(method: &str, path: &str, token: &str) -> String {
    format!("{method} /api{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n")
}

/// A POST of JSON by path, with a token.
async fn post(sandbox: &Sandbox, path: &str, token: &str, body: &str) -> Answer {
    let headers = format!(
        "Content-Type: application/json\r\nContent-Length: {}",
        body.len()
    );
    let call = call("POST", path, token);
    ask(
        sandbox,
        format!("{}\r\n{headers}\r\n\r\n{body}", call.trim_end()),
    )
    .await
}

/// A token request as every client sends it.
fn token_request(sandbox: &Sandbox) -> String {
    let basic = basic(sandbox.client_id(), sandbox.client_secret().expose_secret());
    token_request_with(&format!("Authorization: {basic}\r\n{FORM}"), GRANT)
}

fn token_request_with(headers: &str, body: &str) -> String {
    format!(
        "POST /login/oauth/token HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

async fn token(sandbox: &Sandbox) -> String {
    let answer = ask(sandbox, token_request(sandbox)).await;
    assert_eq!(answer.status, 200);
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

const GRANT: &str = "grant_type=client_credentials";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const ORGANIZATION: &str = "/api/v2/organizations/me";
const USER: &str = "/api/v2/users/me";
const TOKEN: &str = "/api/v2/tokens/me";
const DEADLINE: Duration = Duration::from_secs(10);
