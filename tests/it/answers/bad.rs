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
    vec![
        bad("empty", Reply::json(200, ""), UNEXPECTED, "without a body"),
        bad("HTML in a 200", html(200), UNEXPECTED, "with a web page"),
        bad("HTML in a 502", html(502), UNEXPECTED, "HTTP 502"),
        bad("HTML in a 400", html(400), UNEXPECTED, "HTTP 400"),
        bad("204", Reply::raw(NO_CONTENT, End::Keep), UNEXPECTED, "204"),
        bad(
            "not UTF-8",
            Reply::of(
                200,
                "",
                b"{\"access_token\":\"\xff\xfe\",\"token_type\":\"bearer\"}",
            ),
            UNEXPECTED,
            NOT_JSON,
        ),
        bad(
            "gzip",
            Reply::of(200, "Content-Encoding: gzip\r\n", b"\x1f\x8b\x08"),
            UNEXPECTED,
            "content coding",
        ),
        bad(
            "a good body in a 503",
            Reply::json(503, GOOD),
            UNEXPECTED,
            "HTTP 503",
        ),
        bad(
            "two lengths",
            Reply::raw(
                "HTTP/1.1 200 -\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
                End::Close,
            ),
            "Transport NotHttp",
            "not HTTP",
        ),
        bad(
            "no HTTP",
            Reply::raw("SSH-2.0-OpenSSH_9.6\r\n\r\n", End::Close),
            "Transport NotHttp",
            "not HTTP",
        ),
    ]
}

fn cut_bodies() -> Vec<Bad> {
    let length = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{GOOD}",
        GOOD.len() + 1
    );
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{GOOD}\r\n",
        GOOD.len()
    );
    let head = "HTTP/1.1 200 OK\r\nContent-Le";
    let broken = "Transport Interrupted";
    vec![
        bad(
            "cut in the head",
            Reply::raw(head, End::Close),
            broken,
            "ended before the response",
        ),
        bad(
            "cut before its length",
            Reply::raw(length, End::Close),
            broken,
            "ended before the response",
        ),
        bad(
            "cut before the last chunk",
            Reply::raw(chunked, End::Close),
            broken,
            "ended before the response",
        ),
        bad(
            "nothing",
            Reply::none(End::Close),
            broken,
            "ended before the response",
        ),
    ]
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
    let case =
        |(name, body): (&'static str, &str)| bad(name, Reply::json(200, body), UNEXPECTED, "HTTP");
    undecodable.into_iter().map(case).collect()
}

fn unusable_tokens() -> Vec<Bad> {
    let token = |text: &str| Reply::json(200, &format!(r#"{{"access_token":"{text}"}}"#));
    let of_type = |kind: &str| {
        Reply::json(
            200,
            &format!(r#"{{"access_token":"a","token_type":"{kind}"}}"#),
        )
    };
    let none = "without an access_token";
    vec![
        bad("no token", Reply::json(200, "{}"), UNEXPECTED, none),
        bad(
            "a token of null",
            Reply::json(200, r#"{"access_token":null}"#),
            UNEXPECTED,
            none,
        ),
        bad("an empty token", token(""), UNEXPECTED, "empty"),
        bad("8,193 bytes", token(&"x".repeat(8_193)), UNEXPECTED, "8192"),
        bad("a space", token("a b"), UNEXPECTED, "ASCII"),
        bad("a control character", token("a\\n"), UNEXPECTED, "ASCII"),
        bad("DEL", token("a\x7f"), UNEXPECTED, "ASCII"),
        bad("not ASCII", token("tökén"), UNEXPECTED, "ASCII"),
        bad("mac", of_type("mac"), UNEXPECTED, "token_type"),
        bad("DPoP", of_type("DPoP"), UNEXPECTED, "token_type"),
        bad("an empty type", of_type(""), UNEXPECTED, "token_type"),
    ]
}

const GOOD: &str = r#"{"access_token":"a","token_type":"bearer","expires_in":86399}"#;
const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\r\n";

pub const UNEXPECTED: &str = "UnexpectedResponse";
const NOT_JSON: &str = "cannot be decoded";
