//! Requests that are not the callback, each with its response.

use super::{
    super::{CODE, MAX_ARRIVED_BYTES, MAX_HEAD_BYTES, PATH, STATE, get},
    Rejection::{self, *},
};

/// A request, its status or `None` for a closed connection, and why it is rejected.
pub(super) struct Bad(
    pub(super) Vec<u8>,
    pub(super) Option<u16>,
    pub(super) Rejection,
);

pub(super) fn bad(host: &str) -> Vec<Bad> {
    [
        other_methods(host),
        other_paths(host),
        other_hosts(host),
        other_queries(host),
        prefetches(host),
        malformed(host),
        too_large(host),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn other_methods(host: &str) -> Vec<Bad> {
    // A response to HEAD has no body.
    let methods = "HEAD POST OPTIONS PUT DELETE CONNECT TRACE PATCH get GETT".split(' ');
    let requests = methods.map(|method| callback_with(host, "GET ", &format!("{method} ")));
    // A browser's preflight into a private network, and what form_post sends.
    let preflight = "Origin: https://evil.example\r\nAccess-Control-Request-Method: GET\r\n\
                     Access-Control-Request-Private-Network: true\r\n";
    let preflight = callback_with(host, "Accept: text/html\r\n", preflight);
    let preflight = preflight.replacen("GET ", "OPTIONS ", 1);
    let form_post = format!(
        "POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 90\r\n\r\n\
         code={CODE}&state={STATE}"
    );
    let requests = requests.chain([preflight, form_post]);
    let bad = requests.map(|request| Bad(request.into(), Some(405), Method));
    bad.collect()
}

fn other_paths(host: &str) -> Vec<Bad> {
    [
        "/favicon.ico",
        "/",
        "",
        "*",
        "/oauth2",
        "/oauth2/callback/",
        "/oauth2/callback/x",
        "/oauth2//callback",
        "//oauth2/callback",
        "//evil.example/oauth2/callback",
        "/./oauth2/callback",
        "/oauth2/./callback",
        "/x/../oauth2/callback",
        "/oauth2/%63allback",
        "/oauth2%2fcallback",
        "/oauth2%2Fcallback",
        "/oauth2/callback%00",
        "/oauth2/callback%3F",
        "/oauth2/callback;x",
        "/oauth2\\callback",
        "/OAuth2/callback",
        "oauth2/callback",
        "https://localhost/oauth2/callback",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain([
        format!("https://{host}{PATH}"),
        format!("http://{host}"),
        format!("http://{host}/x"),
        format!("http://{host}/{PATH}"),
        format!("{host}{PATH}"),
    ])
    .map(|path| {
        let request = callback_with(host, PATH, &path);
        Bad(request.into(), Some(404), Path)
    })
    .collect()
}

fn other_hosts(host: &str) -> Vec<Bad> {
    let line = format!("Host: {host}\r\n");
    let (name, port) = host.rsplit_once(':').unwrap();
    let given = [
        String::new(),
        "Host:\r\n".to_owned(),
        format!("{line}{line}"),
        format!("{line}Host: evil.example\r\n"),
        format!("Host: rebound.evil.example:{port}\r\n"),
        format!("Host: {name}\r\n"),
        format!("Host: 0.0.0.0:{port}\r\n"),
        "Host: localh\u{f6}st\r\n".to_owned(),
    ];
    let rejected = given.map(|given| {
        let request = callback_with(host, &line, &given);
        Bad(request.into(), Some(421), Host)
    });
    let absolute = other_absolute_targets(host, &line);
    rejected.into_iter().chain(absolute).collect()
}

/// In the absolute form the host of the target counts, and there must be one `Host` as well.
fn other_absolute_targets(host: &str, line: &str) -> Vec<Bad> {
    let port = host.rsplit(':').next().unwrap();
    let own = format!("http://{host}");
    [
        ("http://localhost".to_owned(), line),
        (format!("http://rebound.evil.example:{port}"), line),
        (format!("http://user@{host}"), line),
        ("http://".to_owned(), line),
        (own.clone(), ""),
        (own, &format!("{line}{line}")),
    ]
    .map(|(start, given)| {
        let request = callback_with(host, line, given);
        let request = request.replacen(PATH, &format!("{start}{PATH}"), 1);
        Bad(request.into(), Some(421), Host)
    })
    .into()
}

fn other_queries(host: &str) -> Vec<Bad> {
    let state = |query: String| Bad(get(host, &query).into(), Some(400), State);
    let parameters = |query: String| Bad(get(host, &query).into(), Some(400), Parameters);
    let short = STATE.trim_end_matches('I');
    let no_query = callback_with(host, "?", "");
    vec![
        Bad(no_query.into(), Some(404), Path),
        state(String::new()),
        state(format!("code={CODE}")),
        state(format!("code={CODE}&state")),
        state(format!("code={CODE}&state=")),
        state(format!("code={CODE}&state={short}")),
        state(format!("code={CODE}&state={STATE}x")),
        state(format!("code={CODE}&state={}", STATE.to_lowercase())),
        state(format!("code={CODE}&state=an-older-logins-state")),
        state("error=access_denied&state=x".to_owned()),
        state("error=access_denied".to_owned()),
        state(format!("code={CODE}&state={STATE}&state={STATE}")),
        state(format!("code={CODE}&state={STATE}&state=x")),
        state(format!("code={CODE}&state=x&state={STATE}")),
        state(format!("code={CODE}&state={STATE}&%73tate=x")),
        state(format!("code={CODE}&State={STATE}")),
        state(format!("code={CODE};state={STATE}")),
        parameters(format!("state={STATE}")),
        parameters(format!("code&state={STATE}")),
        parameters(format!("code=&state={STATE}")),
        parameters(format!("error=&state={STATE}")),
        parameters(format!("code={CODE}&code={CODE}&state={STATE}")),
        parameters(format!("code={CODE}&c%6fde=x&state={STATE}")),
        parameters(format!("code={CODE}&error=access_denied&state={STATE}")),
        parameters(format!("error=access_denied&error=x&state={STATE}")),
        parameters(format!("access_token=x&token_type=bearer&state={STATE}")),
    ]
}

fn prefetches(host: &str) -> Vec<Bad> {
    [
        "Sec-Purpose: prefetch",
        "Sec-Purpose: prefetch;prerender",
        "sec-purpose: Prefetch;anonymous-client-ip",
        "Purpose: prefetch",
        "X-Purpose: preview",
        "X-Moz: prefetch",
    ]
    .map(|line| {
        let request = callback_with(host, "Accept: text/html", line);
        Bad(request.into(), Some(503), Prefetch)
    })
    .into()
}

fn malformed(host: &str) -> Vec<Bad> {
    let malformed = |bytes: &[u8]| Bad(bytes.to_vec(), Some(400), Malformed);
    let malformed_by = |from: &str, to: &str| malformed(callback_with(host, from, to).as_bytes());
    let incomplete = |text: &str| Bad(text.into(), None, Incomplete);
    vec![
        malformed(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\x04\0\0\0\0\0"),
        malformed(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03and the rest of a ClientHello"),
        malformed(b"SSH-2.0-OpenSSH_9.9\r\n"),
        malformed(b"\0\0\0\0"),
        malformed(b"\xff\xfe\xfd"),
        malformed(b"{\"code\":\"x\"}\r\n\r\n"),
        malformed_by("HTTP/1.1", "HTTP/1.0"),
        malformed_by("HTTP/1.1", "HTTP/2.0"),
        malformed_by(" HTTP/1.1", ""),
        malformed_by("GET ", "GET  "),
        malformed_by("Host:", "Host :"),
        malformed_by("Accept: ", "Acc\0ept: "),
        malformed_by("Accept: text/html", " folded"),
        malformed_by("?", "?\u{e9}&"),
        malformed_by("?", "?\t"),
        malformed_by(" HTTP/1.1", "#code HTTP/1.1"),
        // The browser opened a connection in advance and closed it.
        incomplete(""),
        incomplete("GET /oauth2/cal"),
        incomplete(get(host, "code=x").trim_end()),
    ]
}

fn too_large(host: &str) -> Vec<Bad> {
    let large = |request: String| Bad(request.into(), Some(431), TooLarge);
    let fill = |start: String| start.clone() + &"a".repeat(MAX_HEAD_BYTES - start.len());
    vec![
        large(fill("GET /".to_owned())),
        large(fill(format!("GET {PATH}?state={STATE}&code="))),
        large(cookies(host, MAX_ARRIVED_BYTES)),
        large(callback_with(host, "Accept: ", &"a: b\r\n".repeat(70))),
    ]
}

/// The callback with at least so many bytes of cookies, which do not end with a line.
pub(super) fn cookies(host: &str, length: usize) -> String {
    let cookie = format!("other-program={}; ", "a".repeat(4_000));
    let cookies = cookie.repeat(length / cookie.len() + 1);
    let cookies = format!("x\r\nCookie: {cookies}");
    callback_with(host, "text/html\r\n\r\n", &cookies)
}

/// The callback with one part replaced.
pub(super) fn callback_with(host: &str, from: &str, to: &str) -> String {
    let callback = get(host, &format!("code={CODE}&state={STATE}"));
    assert!(callback.contains(from), "{from}");
    callback.replacen(from, to, 1)
}
