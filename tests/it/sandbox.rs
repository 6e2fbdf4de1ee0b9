//! The sandbox, tested with raw bytes: its responses are compared with those of Genesys Cloud, without
//! this crate's client.

mod api;
mod authorize;
mod browser;
mod clients;
mod codes;
mod data_action;
mod endings;
mod faults;
mod hosts;
mod lifecycle;
mod listings;
mod pages;
mod permissions;
mod rate_limits;
mod record;
mod refresh;
mod saml;
mod sdks;
mod sessions;
mod test_user;
mod time;
mod tls;
mod token_endpoint;
mod usage;
mod users;
mod web_pages;

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use genesys_cloud_auth::sandbox::{Sandbox, SandboxBuilder};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// A connection to the sandbox.
struct Wire {
    stream: TcpStream,
    received: Vec<u8>,
}

#[derive(Debug)]
struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Wire {
    async fn connect(sandbox: &Sandbox) -> Self {
        let url = sandbox.url();
        let (_, address) = url.split_once("://").unwrap();
        Self {
            stream: TcpStream::connect(address).await.unwrap(),
            received: Vec::new(),
        }
    }

    /// Connects and sends a request.
    async fn with_request(sandbox: &Sandbox, request: impl AsRef<[u8]>) -> Self {
        let mut wire = Self::connect(sandbox).await;
        wire.send(request).await;
        wire
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    async fn response(&mut self) -> Response {
        self.response_or_end(true).await.expect("a response")
    }

    async fn response_to_head(&mut self) -> Response {
        self.response_or_end(false).await.expect("a response")
    }

    /// Returns the next response, with as much of its body as arrives, or `None` if the connection
    /// ends before it.
    async fn response_or_end(&mut self, with_body: bool) -> Option<Response> {
        let head_end = loop {
            if let Some(at) = find(&self.received, b"\r\n\r\n") {
                break at + 4;
            }
            if !self.receive().await {
                assert!(self.received.is_empty(), "an incomplete head");
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
        let mut response = Response {
            status: status.parse().unwrap(),
            headers,
            body: Vec::new(),
        };
        if with_body {
            let length = response.header("content-length").unwrap_or("0");
            let length = length.parse::<usize>().unwrap();
            while self.received.len() < length && self.receive().await {}
            let end = length.min(self.received.len());
            response.body = self.received.drain(..end).collect();
        }
        Some(response)
    }

    /// Whether the connection ends without another byte.
    async fn is_at_end(&mut self) -> bool {
        self.received.is_empty() && !self.receive().await
    }

    /// Returns whether there were more bytes. A reset counts as an end.
    async fn receive(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.received);
        let read = timeout(DEADLINE, read).await;
        matches!(read.expect("bytes or an end"), Ok(1..))
    }
}

impl Response {
    fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} occurs twice");
        value
    }

    #[track_caller]
    fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Asserts that this is an `ErrorBody` with this code, and returns its message.
    #[track_caller]
    fn assert_api_error(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{self:?}");
        let body = self.json();
        assert_eq!(body["status"], status);
        assert_eq!(body["code"], code);
        assert_eq!(
            body["contextId"].as_str(),
            self.header("inin-correlation-id")
        );
        assert_eq!(body["details"], json!([]), "{body}");
        assert_eq!(body["errors"], json!([]));
        body["message"].as_str().unwrap().to_owned()
    }

    /// Asserts that this is the token endpoint's error.
    #[track_caller]
    fn assert_oauth_error(&self, error: &str, description: &str) {
        assert_eq!(self.status, 400, "{self:?}");
        let expected = json!({
            "error": error,
            "description": description,
            "error_description": description,
        });
        assert_eq!(self.json(), expected);
    }

    #[track_caller]
    fn assert_invalid_client(&self) {
        self.assert_oauth_error("invalid_client", "authentication failed");
    }
}

async fn start(builder: SandboxBuilder) -> Sandbox {
    builder.start().await.unwrap()
}

async fn start_with_token() -> (Sandbox, String) {
    with_token(Sandbox::builder()).await
}

/// Starts a sandbox and gets a token of its client.
async fn with_token(builder: SandboxBuilder) -> (Sandbox, String) {
    let sandbox = start(builder).await;
    let token = token(&sandbox).await;
    (sandbox, token)
}

/// Sends a request on a connection of its own.
async fn send(sandbox: &Sandbox, request: impl AsRef<[u8]>) -> Response {
    Wire::with_request(sandbox, request).await.response().await
}

/// Sends a token request with the client's id and secret.
async fn send_form(sandbox: &Sandbox, form: &str) -> Response {
    send(sandbox, token_request_with(&client_headers(sandbox), form)).await
}

async fn get(sandbox: &Sandbox, path: &str, token: &str) -> Response {
    send(sandbox, api_request("GET", path, token)).await
}

async fn get_json(sandbox: &Sandbox, path: &str, token: &str) -> Value {
    get(sandbox, path, token).await.json()
}

async fn assert_get_fails(sandbox: &Sandbox, path: &str, token: &str, status: u16, code: &str) {
    let response = get(sandbox, path, token).await;
    response.assert_api_error(status, code);
}

async fn delete(sandbox: &Sandbox, path: &str, token: &str) -> Response {
    send(sandbox, api_request("DELETE", path, token)).await
}

async fn post_json(sandbox: &Sandbox, path: &str, token: &str, body: &str) -> Response {
    send(sandbox, post_request(path, token, JSON_HEADER, body)).await
}

fn api_request(method: &str, path: &str, token: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: api.mypurecloud.ie\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
}

fn post_request(path: &str, token: &str, headers: &str, body: &str) -> String {
    let head = api_request("POST", path, token);
    let head = head.trim_end();
    let length = body.len();
    format!("{head}\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

/// Inserts header lines before the others.
fn with_headers(request: &str, headers: &str) -> String {
    let (line, rest) = request.split_once("\r\n").unwrap();
    format!("{line}\r\n{headers}{rest}")
}

/// Returns a request to the sandbox's own address.
fn own_request(sandbox: &Sandbox, method: &str, path: &str) -> String {
    let port = port(sandbox);
    format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n")
}

fn port(sandbox: &Sandbox) -> String {
    let url = sandbox.url();
    url.rsplit(':').next().unwrap().to_owned()
}

/// Returns a token request with client credentials.
fn token_request(sandbox: &Sandbox) -> String {
    token_request_with(&client_headers(sandbox), CLIENT_CREDENTIALS)
}

fn token_request_with(headers: &str, body: &str) -> String {
    format!(
        "POST /oauth/token HTTP/1.1\r\nHost: login.mypurecloud.ie\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Returns the headers of a token request with the client's id and secret.
fn client_headers(sandbox: &Sandbox) -> String {
    let secret = sandbox.client_secret();
    form_headers(sandbox.client_id(), secret.expose_secret())
}

fn form_headers(id: &str, secret: &str) -> String {
    format!("Authorization: {}\r\n{FORM_HEADER}", basic_auth(id, secret))
}

fn basic_auth(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

async fn token(sandbox: &Sandbox) -> String {
    let response = send(sandbox, token_request(sandbox)).await;
    assert_eq!(response.status, 200);
    text(&response.json(), "access_token").to_owned()
}

#[track_caller]
fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

const CLIENT_CREDENTIALS: &str = "grant_type=client_credentials";
const FORM_HEADER: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const JSON_HEADER: &str = "Content-Type: application/json\r\n";
const ORGANIZATION: &str = "/api/v2/organizations/me";
const USERS_ME: &str = "/api/v2/users/me";
const TOKENS_ME: &str = "/api/v2/tokens/me";
const DEADLINE: Duration = Duration::from_secs(10);
