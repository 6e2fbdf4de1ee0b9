//! The URL of a call, which is always under the API's own URL.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::{Url, form_urlencoded};

use crate::{
    error::{Error, is_invisible},
    outside_text::name_of,
    region::url_under,
};

/// A path and its query, as the caller gave them.
#[derive(Clone)]
pub(super) struct Target {
    path: String,
    query: Option<String>,
}

impl Target {
    pub(super) fn new(path: &str) -> Self {
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (path, None),
        };
        Self {
            path: path.to_owned(),
            query,
        }
    }

    /// Reads a link of a response: a path, or a whole URL under the API's. The path is checked when
    /// the URL is built.
    pub(super) fn from_link(link: &str, api: &Url) -> Option<Self> {
        let path = if link.starts_with('/') {
            link
        } else {
            link.strip_prefix(api.as_str().trim_end_matches('/'))?
        };
        let mut target = path.starts_with('/').then(|| Self::new(path))?;
        // A filter that the caller has encoded may be repeated as plain text.
        target.query = target.query.map(|query| query.replace(' ', "%20"));
        Some(target)
    }

    /// Returns the target with one value for `name` in its query, in place of those it has.
    pub(super) fn with_query_value(&self, name: &str, value: &str) -> Self {
        let others = self.query.iter().flat_map(|query| query.split('&'));
        let others: Vec<_> = others
            .filter(|pair| form_urlencoded::parse(pair.as_bytes()).all(|(other, _)| other != name))
            .filter(|pair| !pair.is_empty())
            .collect();
        let mut target = Self {
            path: self.path.clone(),
            query: (!others.is_empty()).then(|| others.join("&")),
        };
        let mut pair = form_urlencoded::Serializer::new(String::new());
        target.push_query(&pair.append_pair(name, value).finish());
        target
    }

    /// Returns the pairs of the query, decoded.
    pub(super) fn query_pairs(&self) -> Vec<(String, String)> {
        let query = self.query.as_deref().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect()
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn push_segment(&mut self, segment: &str) {
        if !self.path.ends_with('/') {
            self.path.push('/');
        }
        self.path
            .extend(utf8_percent_encode(segment, NOT_UNRESERVED));
        // Without this, an empty segment would name the collection instead of one of its members.
        if segment.is_empty() {
            self.path.push('/');
        }
    }

    pub(super) fn push_query(&mut self, pairs: &str) {
        if pairs.is_empty() {
            return;
        }
        let query = self.query.get_or_insert_default();
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(pairs);
    }

    /// Builds the URL under `api`. The built URL is checked as well as the text, because URL parsers
    /// correct what they read.
    pub(super) fn url(&self, api: &Url) -> Result<Url, Error> {
        let invalid = |why: &str| Err(Error::invalid_path(why));
        if !self.path.starts_with('/') {
            return invalid("it does not start with a slash, as in /api/v2/users/me");
        }
        let query = self.query.as_deref().unwrap_or_default();
        if self.path.len() + query.len() > MAX_TARGET_BYTES {
            return invalid("it is longer than 16 KiB");
        }
        for text in [&*self.path, query] {
            if is_plain(text) {
                continue;
            }
            if text.contains('#') {
                return invalid("it contains a fragment");
            }
            if let Some(c) = text.chars().find(|&c| is_corrected_by_parsers(c)) {
                return invalid(&format!("it contains {}", name_of(c)));
            }
        }
        let mut url = url_under(api, &self.path);
        url.set_query(self.query.as_deref());
        let prefix = api.path().trim_end_matches('/');
        let Some(path) = url.path().strip_prefix(prefix) else {
            return invalid("it leads to another place than its text says");
        };
        if !is_same_origin(&url, api) || !is_same_path(path, &self.path) {
            return invalid("it leads to another place than its text says, such as `..`");
        }
        if path.split('/').skip(1).any(is_unsafe_segment) {
            let decoded = percent_decode_str(path).decode_utf8_lossy();
            if let Some(c) = decoded.chars().find(|c| *c == '\\' || c.is_control()) {
                return invalid(&format!("a segment contains {}", name_of(c)));
            }
            return invalid(
                "a segment is empty, consists of dots, or is encoded in a way that servers read \
                 differently, such as %u002e",
            );
        }
        Ok(url)
    }
}

fn is_same_origin(url: &Url, api: &Url) -> bool {
    url.scheme() == api.scheme()
        && url.host() == api.host()
        && url.port_or_known_default() == api.port_or_known_default()
}

/// Whether a built path has the given segments, in any encoding.
fn is_same_path(built: &str, given: &str) -> bool {
    let decoded = |path: &str| -> Vec<Vec<u8>> {
        path.split('/')
            .map(|segment| percent_decode_str(segment).collect())
            .collect()
    };
    built == given || decoded(built) == decoded(given)
}

/// Whether a text consists of unreserved characters (RFC 3986 2.3) and of those between segments and
/// pairs. It reads the same to every parser, and decoded.
fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~/&=".contains(&byte))
}

/// Whether URL parsers drop or replace the character.
fn is_corrected_by_parsers(c: char) -> bool {
    c == '\\' || c.is_control() || c.is_whitespace()
}

/// Whether a segment is empty, or may become a dot segment or several segments at a server, however
/// often the server decodes it. More than [`MAX_ENCODINGS`] encodings are unsafe too.
fn is_unsafe_segment(segment: &str) -> bool {
    if is_plain(segment) {
        return segment.is_empty() || is_dots(segment);
    }
    if has_stray_percent(segment) {
        return true;
    }
    let mut text = segment.to_owned();
    for _ in 0..MAX_ENCODINGS {
        if text.is_empty() || text.contains(|c: char| c == '\\' || c.is_control()) {
            return true;
        }
        // `%u002e` is a dot to some servers, and no percent-encoding to others.
        let plain = plain(&text);
        if names_unicode(&text) || plain.is_empty() || plain.split(ENDS_OF_A_NAME).any(is_dots) {
            return true;
        }
        // What is not UTF-8 may be an overlong form of a dot.
        let Ok(decoded) = percent_decode_str(&text).decode_utf8() else {
            return true;
        };
        if decoded == text {
            return false;
        }
        text = decoded.into_owned();
    }
    true
}

/// Whether the text has an escape such as `%u002e`, unlike `5%user`.
fn names_unicode(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.split("%u").skip(1).any(|rest| {
        let digits = rest.as_bytes().first_chunk::<2>();
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Whether a `%` does not begin an encoded byte, so that servers differ in what they read.
fn has_stray_percent(segment: &str) -> bool {
    segment.split('%').skip(1).any(|rest| {
        let digits = rest.as_bytes().first_chunk::<2>();
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Returns the text as a server may read it that leaves out spaces and invisible characters, and
/// takes wide forms for plain ones (Unicode NFKC).
fn plain(text: &str) -> String {
    let visible = text
        .chars()
        .filter(|&c| !c.is_whitespace() && !is_invisible(c));
    let plain = visible.map(|c| match c {
        '\u{2024}'..='\u{2026}' | '\u{3002}' | '\u{fe52}' | '\u{ff0e}' | '\u{ff61}' => '.',
        '\u{2044}' | '\u{2215}' | '\u{ff0f}' | '\u{fe68}' | '\u{ff3c}' => '/',
        '\u{ff1b}' => ';',
        c => c,
    });
    plain.collect()
}

/// Whether a name consists of dots, of which some systems ignore those that are too many.
fn is_dots(name: &str) -> bool {
    // A plus is a space to some servers.
    name.contains('.') && name.bytes().all(|byte| b".+".contains(&byte))
}

/// What ends a name within a segment: `;` starts its parameters, which some servers cut off, and the
/// others are a slash or end the path once they are decoded.
const ENDS_OF_A_NAME: [char; 4] = ['/', ';', '?', '#'];

/// The maximum length of a path and its query. Genesys Cloud's links have some hundred bytes.
const MAX_TARGET_BYTES: usize = 16 * 1024;

/// The maximum number of times a segment may be percent-encoded.
const MAX_ENCODINGS: usize = 8;

/// All but the unreserved characters (RFC 3986 2.3).
const NOT_UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ConfigurationKind, ErrorKind};

    const BASES: [&str; 3] = [
        "https://api.mypurecloud.ie/",
        "https://gateway.example/genesys/api",
        "http://localhost:9000/api/",
    ];

    #[test]
    fn path_stays_under_the_api() {
        for base in BASES {
            let api = Url::parse(base).unwrap();
            for path in [
                "/api/v2/users/me",
                "/api/v2/users?pageSize=1&q=a%20b",
                "/api/v2/users/a%2Fb",
                "/api/v2/a;b=c/x.y/..z/z..",
                "/api/v2/üsers",
                "/api/v2/users?next=https://x/../y",
            ] {
                let url = Target::new(path).url(&api).unwrap();
                let rest = url
                    .as_str()
                    .strip_prefix(base.trim_end_matches('/'))
                    .unwrap();
                assert_eq!(rest, path.replace('ü', "%C3%BC"), "{base} {path}");
            }
        }
    }

    #[test]
    fn path_that_leaves_the_api_is_invalid_in_any_spelling() {
        for path in [
            "",
            "api/v2/users",
            "https://evil.example/",
            "//evil.example/x",
            "/\t/evil.example/x",
            "/\n/evil.example/x",
            "/\r/evil.example/x",
            "/\\evil.example/x",
            "\\\\evil.example/x",
            "/api\\..\\x",
            "@evil.example/",
            ":80/x",
            "/..",
            "/../x",
            "/./x",
            "/api/../../x",
            "/api/%2e%2e/x",
            "/api/%2E%2e/x",
            "/api/.%2e/x",
            "/api/%2e/x",
            "/api/%252e%252e/x",
            "/api/..%2fx",
            "/api/x%2f..%2fy",
            "/api/..%5cx",
            "/api/x%5c..",
            "/api/..;/x",
            "/api/%00",
            "/api/x%0d%0aHost:%20evil",
            "/api//x",
            "/api/x/",
            "/api/x#y",
            "/api/x?y#z",
            "/api/x?a b",
            "/api/x\u{a0}y",
            "/api/x\0",
            "/api/x?a\0",
            "/api/x?a\u{1b}[m",
            "/api/x?a\\b",
            " /api/x",
        ] {
            assert_invalid(path);
        }
    }

    #[test]
    fn segment_that_servers_read_differently_is_invalid() {
        for path in [
            "/api/...",
            "/api/%20/x",
            "/api/..%3bx",
            "/api/..%3fx",
            "/api/.%23",
            "/api/%c0%ae%c0%ae/x",
            "/api/%e0%80%ae/x",
            "/api/x%ff",
            "/api/%u002e%u002e/x",
            "/api/x%U002F",
            "/api/x%25u002f",
            "/api/%2e%2e%20/x",
            "/api/.%20./x",
            "/api/%20%2e/x",
            "/api/..%c2%a0/x",
            "/api/.%e2%80%8b./x",
            "/api/%ef%bc%8e%ef%bc%8e/x",
            "/api/\u{ff0e}\u{ff0e}/x",
            "/api/\u{2025}/x",
            "/api/..\u{ff0f}x",
            "/api/..%ef%bc%8fx",
            "/api/..+",
            "/api/%2e+%2e",
            "/api/\u{ff61}%2e/x",
            "/api/x%",
            "/api/x%2",
            "/api/x%zz",
            "/api/%%32%65/x",
        ] {
            assert_invalid(path);
        }
    }

    #[test]
    fn character_that_makes_a_path_invalid_is_named() {
        let api = Url::parse("https://api.mypurecloud.ie").unwrap();
        let text = |target: Target| target.url(&api).unwrap_err().to_string();
        for (c, name) in [
            ('\n', "a line break"),
            ('\r', "a line break"),
            ('\t', "a tab"),
            ('\0', "a control character"),
            ('\\', "a backslash"),
        ] {
            let mut target = Target::new("/api/v2/users");
            target.push_segment(&format!("id{c}"));
            let start = "invalid API path: ";
            assert_eq!(text(target), format!("{start}a segment contains {name}"));
            for path in [format!("/api/v2/users/id{c}"), format!("/x?q=id{c}")] {
                let expected = format!("{start}it contains {name}");
                assert_eq!(text(Target::new(&path)), expected);
            }
        }
        assert!(text(Target::new("/x y")).ends_with("it contains a space"));
    }

    fn assert_invalid(path: &str) {
        for base in BASES {
            let api = Url::parse(base).unwrap();
            let error = Target::new(path).url(&api).unwrap_err();
            let ErrorKind::Configuration(invalid) = error.kind() else {
                panic!("{path:?}: {error}")
            };
            assert_eq!(*invalid.kind(), ConfigurationKind::InvalidPath, "{path:?}");
        }
    }

    #[test]
    fn path_too_long_or_encoded_too_often_is_invalid() {
        let api = Url::parse("https://api.mypurecloud.ie").unwrap();
        let url = |path: &str| Target::new(path).url(&api);
        for start in ["/", "/x?"] {
            // The question mark does not count.
            let longest = MAX_TARGET_BYTES - start.replace('?', "").len();
            assert!(url(&format!("{start}{}", "x".repeat(longest))).is_ok());
            assert!(url(&format!("{start}{}", "x".repeat(longest + 1))).is_err());
        }
        assert!(url(&format!("/x%{}41", "25".repeat(3))).is_ok());
        assert!(url(&format!("/x%{}41", "25".repeat(9))).is_err());
    }

    #[test]
    fn segment_stays_one_segment() {
        let api = Url::parse("https://api.mypurecloud.ie").unwrap();
        let url = |id: &str| {
            let mut target = Target::new("/api/v2/users");
            target.push_segment(id);
            target.url(&api)
        };
        for (id, encoded) in [
            ("b6f0c1de-1111", "b6f0c1de-1111"),
            ("a b", "a%20b"),
            ("a/b?c#d", "a%2Fb%3Fc%23d"),
            ("é%", "%C3%A9%25"),
            ("Acme Inc.", "Acme%20Inc."),
            ("100 % of ...it", "100%20%25%20of%20...it"),
            ("a+b@c.example", "a%2Bb%40c.example"),
            ("+", "%2B"),
            ("5%user", "5%25user"),
        ] {
            let url = url(id).unwrap();
            assert_eq!(url.path(), format!("/api/v2/users/{encoded}"));
            assert_eq!((url.query(), url.fragment()), (None, None));
        }
        for id in [
            "", ".", "..", "...", "../x", "..;x", "..?x", ". .", "%2e%2e", "%u002e", "\u{2025}",
            "a\0", "a\nb", "a\\b",
        ] {
            assert!(url(id).is_err(), "{id:?}");
        }
    }

    #[test]
    fn link_is_followed_only_under_the_api() {
        for base in BASES {
            let api = Url::parse(base).unwrap();
            let base = base.trim_end_matches('/');
            let url = |link: &str| Some(Target::from_link(link, &api)?.url(&api));
            for (link, path) in [
                ("/api/v2/x?pageNumber=2", "/api/v2/x?pageNumber=2"),
                ("BASE/api/v2/x", "/api/v2/x"),
                ("BASE/api/v2/x?a=b c&d", "/api/v2/x?a=b%20c&d"),
            ] {
                let url = url(&link.replace("BASE", base)).unwrap().unwrap();
                assert_eq!(url.as_str(), format!("{base}{path}"));
            }
            for link in [
                "",
                "api/v2/x",
                "BASE",
                "BASE.evil.example/api/v2/x",
                "BASE@evil.example/api/v2/x",
                "https://evil.example/api/v2/x",
                "ftp://api.mypurecloud.ie/api/v2/x",
                " BASE/api/v2/x",
            ] {
                assert!(url(&link.replace("BASE", base)).is_none(), "{link}");
            }
            for link in ["//evil.example/x", "BASE//x", "BASE/../x", "/x?a\tb"] {
                let url = url(&link.replace("BASE", base)).unwrap();
                assert!(url.is_err(), "{link}");
            }
        }
    }

    #[test]
    fn origin_is_scheme_host_and_port() {
        let same = |one: &str, other: &str| {
            is_same_origin(&Url::parse(one).unwrap(), &Url::parse(other).unwrap())
        };
        let api = "https://api.example/x";
        assert!(same(api, "https://api.example:443/y?z"));
        for other in [
            "http://api.example:443/x",
            "https://api.example.evil/x",
            "https://api.example:444/x",
        ] {
            assert!(!same(api, other), "{other}");
        }
    }

    #[test]
    fn value_of_the_query_is_replaced() {
        let api = Url::parse("https://api.mypurecloud.ie").unwrap();
        for (path, expected) in [
            ("/x", "cursor=c%262"),
            ("/x?", "cursor=c%262"),
            ("/x?cursor=c1", "cursor=c%262"),
            ("/x?a=1&&b&cursor=c1&%63ursor=c0", "a=1&b&cursor=c%262"),
            ("/x?cursors=c1", "cursors=c1&cursor=c%262"),
        ] {
            let target = Target::new(path).with_query_value("cursor", "c&2");
            let url = target.url(&api).unwrap();
            assert_eq!((url.path(), url.query()), ("/x", Some(expected)), "{path}");
            assert_eq!(target.path(), "/x");
            let last = ("cursor".to_owned(), "c&2".to_owned());
            assert_eq!(target.query_pairs().last(), Some(&last), "{path}");
        }
        assert_eq!(Target::new("/x").query_pairs(), []);
    }

    #[test]
    fn query_pairs_are_appended() {
        let api = Url::parse("https://api.mypurecloud.ie").unwrap();
        let mut target = Target::new("/x?a=1");
        target.push_query("b=2");
        target.push_query("");
        assert_eq!(target.url(&api).unwrap().query(), Some("a=1&b=2"));
    }
}
