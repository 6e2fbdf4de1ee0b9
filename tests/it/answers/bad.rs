//! Bad responses of the token endpoint, each with the error that they become.

use super::errors::errors;
use crate::support::server::{End, Reply};

/// A response, and the error that it becomes.
pub struct Bad {
    pub name: &'static str,
    pub reply: Reply,
    /// The error's kind, as `kind_of` returns it.
    pub kind: &'static str,
    /// A part of its text.
    pub says: &'static str,
}

pub const fn bad(name: &'static str, reply: Reply, kind: &'static str, says: &'static str) -> Bad {
    Bad {
        name,
        reply,
        kind,
        says,
    }
}

pub fn unexpected(name: &'static str, reply: Reply, says: &'static str) -> Bad {
    bad(name, reply, UNEXPECTED, says)
}

pub fn bad_responses() -> Vec<Bad> {
    let mut cases = foreign_bodies();
    cases.extend(cut_bodies());
    cases.extend(unexpected_json());
    cases.extend(unusable_tokens());
    cases.extend(errors());
    cases
}

fn foreign_bodies() -> Vec<Bad> {
    let html = |status| Reply::of(status, "Content-Type: text/html\r\n", "<html>Login</html>");
    let not_utf_8 = b"{\"access_token\":\"\xff\xfe\",\"token_type\":\"bearer\"}";
    let gzip = Reply::of(200, "Content-Encoding: gzip\r\n", b"\x1f\x8b\x08");
    let no_content = "HTTP/1.1 204 No Content\r\n\r\n";
    let lengths = "HTTP/1.1 200 -\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}";
    let not_http = |name, bytes: &str| {
        let reply = Reply::raw(bytes, End::Close);
        bad(name, reply, "Transport NotHttp", "not HTTP")
    };
    vec![
        unexpected("empty", Reply::json(200, ""), "without a body"),
        unexpected("HTML in a 200", html(200), "with a web page"),
        unexpected("HTML in a 502", html(502), "HTTP 502"),
        unexpected("HTML in a 400", html(400), "HTTP 400"),
        unexpected("204", Reply::raw(no_content, End::Keep), "204"),
        unexpected("not UTF-8", Reply::of(200, "", not_utf_8), NOT_JSON),
        unexpected("gzip", gzip, "content coding"),
        unexpected("a good 503", Reply::json(503, GOOD), "HTTP 503"),
        not_http("two lengths", lengths),
        not_http("no HTTP", "SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        not_http("TLS", "\u{16}\u{3}\u{1}\0\0\r\n\r\n"),
    ]
}

fn cut_bodies() -> Vec<Bad> {
    let ok = "HTTP/1.1 200 OK\r\n";
    let length = GOOD.len();
    [
        ("cut in the head", format!("{ok}Content-Le")),
        (
            "cut before its length",
            format!("{ok}Content-Length: {}\r\n\r\n{GOOD}", length + 1),
        ),
        (
            "cut before the last chunk",
            format!("{ok}Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{GOOD}\r\n"),
        ),
        ("nothing", String::new()),
    ]
    .map(|(name, bytes)| {
        let (reply, says) = (Reply::raw(bytes, End::Close), "ended before the response");
        bad(name, reply, "Transport Interrupted", says)
    })
    .into()
}

fn unexpected_json() -> Vec<Bad> {
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let deep_field = format!(r#"{{"access_token":"t","other":{deep}}}"#);
    let undecodable = [
        ("null", "null"),
        ("a list", "[]"),
        ("a string", "\"access_token\""),
        ("a number", "1"),
        ("1,000 nested lists", &deep),
        ("1,000 nested lists in an unknown field", &deep_field),
        (
            "access_token twice",
            r#"{"access_token":"a","access_token":"b"}"#,
        ),
        (
            "expires_in twice",
            r#"{"access_token":"a","expires_in":1,"expires_in":2}"#,
        ),
        ("a token that is a number", r#"{"access_token":1}"#),
        ("a token that is a list", r#"{"access_token":["a"]}"#),
        (
            "a token type that is a number",
            r#"{"access_token":"a","token_type":1}"#,
        ),
        (
            "an error that is an object",
            r#"{"access_token":"a","error":{}}"#,
        ),
        ("text after it", r#"{"access_token":"a"} x"#),
    ];
    let case = |(name, body): (_, &str)| unexpected(name, Reply::json(200, body), "HTTP");
    undecodable.into_iter().map(case).collect()
}

fn unusable_tokens() -> Vec<Bad> {
    let token = |text: &str| Reply::json(200, &format!(r#"{{"access_token":"{text}"}}"#));
    let of_type = |kind: &str| {
        let body = format!(r#"{{"access_token":"a","token_type":"{kind}"}}"#);
        Reply::json(200, &body)
    };
    let (none, null) = ("without an access_token", r#"{"access_token":null}"#);
    vec![
        unexpected("no token", Reply::json(200, "{}"), none),
        unexpected("a token of null", Reply::json(200, null), none),
        unexpected("an empty token", token(""), "empty"),
        unexpected("8,193 bytes", token(&"x".repeat(8_193)), "8192"),
        unexpected("a space", token("a b"), "ASCII"),
        unexpected("a control character", token("a\\n"), "ASCII"),
        unexpected("DEL", token("a\x7f"), "ASCII"),
        unexpected("not ASCII", token("tökén"), "ASCII"),
        unexpected("mac", of_type("mac"), "token_type"),
        unexpected("DPoP", of_type("DPoP"), "token_type"),
        unexpected("an empty type", of_type(""), "token_type"),
    ]
}

const GOOD: &str = r#"{"access_token":"a","token_type":"bearer","expires_in":86399}"#;

pub const UNEXPECTED: &str = "UnexpectedResponse";
const NOT_JSON: &str = "cannot be decoded";
