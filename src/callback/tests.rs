//! Every form of a callback.

use std::{fs, path::Path};

use secrecy::ExposeSecret;

use super::*;
use crate::error::{ErrorKind, LoginErrorKind};

const STATE: &str = "state-of-the-login";
const URL: &str = "http://localhost:5123/cb?code=c%2F1&state=state-of-the-login";

fn code_in(callback: &str) -> Result<String, Error> {
    let redirect_uri = Url::parse("http://localhost/cb").unwrap();
    match parse(callback, &redirect_uri, &STATE.into())? {
        Redirect::Code(code) => Ok(code.expose_secret().to_owned()),
        Redirect::Error(error) => Err(error),
    }
}

fn fault(callback: &str) -> CallbackFault {
    let error = code_in(callback).unwrap_err();
    let ErrorKind::Login(login) = error.kind() else {
        panic!("{callback}: {error:?}")
    };
    let shown = format!("{error} {error:?}");
    assert!(
        !shown.contains("s3ntinel") && !shown.contains(STATE),
        "{shown}"
    );
    login.fault().unwrap()
}

#[test]
fn url_path_or_query_is_accepted() {
    for callback in [
        "http://localhost:5123/cb?code=c%2F1&state=state-of-the-login",
        "https://app.example/cb?state=state-of-the-login&code=c/1",
        "localhost:5123/cb?code=c%2F1&state=state-of-the-login",
        "/cb?code=c%2f1&state=state-of-the-login",
        "?code=c%2F1&state=state-of-the-login",
        "code=c%2F1&state=state-of-the-login",
        " http://localhost/cb?code=c%2F1&state=state-of-the-login\r\n",
        "/cb?code=c%2F1&state=state-of-the-login#_=_",
        "/cb?iss=https%3A%2F%2Flogin&code=c%2F1&state=state-of-the-login&iss=x&session_state",
        "/cb?c%6fde=c%2F1&st%61te=state%2Dof-the-login",
    ] {
        assert_eq!(code_in(callback).unwrap(), "c/1", "{callback}");
    }
}

#[test]
fn lines_of_a_pasted_address_are_joined() {
    let url = URL;
    let wrapped = |between: &str| {
        let lines = url.as_bytes().chunks(17);
        let lines = lines.map(|line| str::from_utf8(line).unwrap());
        lines.collect::<Vec<_>>().join(between)
    };
    for text in [
        wrapped("\n"),
        wrapped("\n    "),
        wrapped("\r\n\t"),
        wrapped("\r"),
        wrapped(" \u{a0}\u{2028}"),
        wrapped("\u{200b}\u{ad}\u{feff}"),
        format!("> {}", wrapped("\n> ")),
        format!("> > {}", wrapped("\n>> ")),
        format!("\u{2502} {} \u{2502}", wrapped(" \u{2502}\n\u{2502} ")),
        format!("| {} |", wrapped(" |\n| ")),
        wrapped("\\\n"),
        wrapped(" \\\r\n    "),
        format!("\u{feff}{url}"),
        format!("\u{2068}{url}\u{2069}"),
        format!("\u{1b}[200~{url}\u{1b}[201~\n"),
        format!("\"{}\"", wrapped("\n ")),
    ] {
        assert_eq!(code_in(&text).unwrap(), "c/1", "{text}");
    }
}

#[test]
fn delimiters_of_a_pasted_address_are_removed() {
    let url = URL;
    for text in [
        format!("<{url}>"),
        format!("<URL:{url}>"),
        format!("< url:{url} >"),
        format!("URL: {url}"),
        format!("\"{url}\""),
        format!("\"{url}"),
        format!("{url}\""),
        format!("'{url}'"),
        format!("`{url}`"),
        format!("```\n{url}\n```"),
        format!("\u{201c}{url}\u{201d}"),
        format!("\u{201e}{url}\u{201c}."),
        format!("\u{2018}{url}\u{2019}"),
        format!("\u{ab}\u{a0}{url}\u{a0}\u{bb}"),
        format!("\u{300c}{url}\u{300d}\u{3002}"),
        format!("({url})"),
        format!("({url})."),
        format!("(<{url}>),"),
        format!("[{url}]"),
        format!("{{{url}}}"),
        format!("**{url}**"),
        format!("[this page]({url})"),
        format!("[{url}]({url})"),
        format!("{url}."),
        format!("{url},"),
        format!("{url};"),
        format!("{url}!?"),
        format!("{url}\u{2026}"),
        format!("$ {url}"),
        format!("\u{2022} {url}"),
        format!("'{url}#_=_'"),
        format!("\u{b4}{url}\u{b4}"),
        format!("__{url}__"),
        format!("~{url}~"),
        format!("- {url}"),
        format!("# {url}"),
        "\"?code=c%2F1&state=state-of-the-login\"".to_owned(),
        "'state=state-of-the-login&code=c%2F1'".to_owned(),
        "(/cb?code=c%2F1&state=state-of-the-login)".to_owned(),
        "[::1]:5123/cb?code=c%2F1&state=state-of-the-login".to_owned(),
        format!("{:1$}", url, 60_000),
    ] {
        assert_eq!(code_in(&text).unwrap(), "c/1", "{text}");
    }
}

#[test]
fn address_is_found_after_a_word_and_in_escapes() {
    let url = URL;
    for text in [
        format!("1. {url}"),
        format!("Location: {url}"),
        format!("Redirect URL: <{url}>."),
        format!("view-source:{url}"),
        format!("curl '{url}'"),
        format!("<a href=\"{url}\">"),
        format!("{{\"url\": \"{url}\"}}"),
        format!("\\\"{url}\\\""),
        format!("&lt;{url}&gt;"),
        url.replace('&', "&amp;"),
        url.replace('&', "&#38;"),
        format!("\"{}\"", url.replace('&', "\\u0026").replace('/', "\\/")),
        url.replace('?', "\\?")
            .replace('&', "\\&")
            .replace('=', "\\="),
    ] {
        assert_eq!(code_in(&text).unwrap(), "c/1", "{text}");
    }
    // The first fault is reported.
    let text = "Location: http://localhost/cb?code=s3ntinel&amp;state=x";
    assert_eq!(fault(text), CallbackFault::Elsewhere);
}

#[test]
fn bytes_of_a_code_are_not_taken_for_delimiters() {
    for code in [
        "c.", "c)", "c'", "(c)", "c*", "c-", "c]", "{c}", "c,", "c!", "`c`", "-_.~!",
    ] {
        for callback in [
            format!("http://localhost/cb?state={STATE}&code={code}"),
            format!("<http://localhost/cb?code={code}&state={STATE}>"),
            format!("state={STATE}&code={code}\n"),
            format!("[a](/cb?code={code}&state={STATE})."),
        ] {
            assert_eq!(code_in(&callback).unwrap(), code, "{callback}");
        }
    }
}

#[test]
fn callback_of_the_maximum_length_is_accepted() {
    let start = format!("code=s3ntinel&state={STATE}&x=");
    let longest = format!("{start}{}", "y".repeat(16 * 1024 - start.len()));
    assert_eq!(code_in(&longest).unwrap(), "s3ntinel");
    assert_eq!(longest.len(), 16 * 1024);
    assert_eq!(fault(&format!("{longest}y")), CallbackFault::TooLong);
}

#[test]
fn malformed_or_misdirected_callbacks_are_rejected() {
    use CallbackFault as Fault;
    let page = "https://login.mypurecloud.ie/oauth/authorize?response_type=code";
    for (callback, expected) in [
        ("", Fault::NoUrl),
        ("s3ntinel", Fault::NoUrl),
        ("?", Fault::NoUrl),
        ("code=s3ntinel state=STATE", Fault::NoState),
        ("/cb?code=s3ntinel\0&state=STATE", Fault::NoUrl),
        (
            "\u{1b}[1m/cb?code=s3ntinel&state=STATE\u{1b}[0m",
            Fault::NoUrl,
        ),
        ("<(\u{201c}\u{201d})>", Fault::NoUrl),
        ("http://[x/cb?code=s3ntinel&state=STATE", Fault::NoUrl),
        ("http://localhost/cb", Fault::NoState),
        ("/cb", Fault::NoState),
        ("/?code=s3ntinel&state=STATE", Fault::Elsewhere),
        ("/cb/?code=s3ntinel&state=STATE", Fault::Elsewhere),
        ("/CB?code=s3ntinel&state=STATE", Fault::Elsewhere),
        ("/c%62?code=s3ntinel&state=STATE", Fault::Elsewhere),
        (
            "//evil.example/x?code=s3ntinel&state=STATE",
            Fault::Elsewhere,
        ),
        (&format!("{page}&state=STATE"), Fault::Elsewhere),
    ] {
        assert_eq!(
            fault(&callback.replace("STATE", STATE)),
            expected,
            "{callback}"
        );
    }
}

#[test]
fn state_is_compared_before_code_and_error() {
    use CallbackFault as Fault;
    for (query, expected) in [
        ("code=s3ntinel", Fault::NoState),
        ("error=access_denied", Fault::NoState),
        ("code=s3ntinel&state=", Fault::State),
        ("code=s3ntinel&state=another", Fault::State),
        ("code=s3ntinel&state=state-of-the-logi", Fault::State),
        ("code=s3ntinel&state=STATE2", Fault::State),
        ("code=s3ntinel&state=state-OF-the-login", Fault::State),
        ("error=access_denied&state=another", Fault::State),
        ("code=a&error=b&code=c&state=another", Fault::State),
        ("code=s3ntinel&state=another&state=STATE", Fault::Doubled),
        ("code=s3ntinel&state=STATE&state=STATE", Fault::Doubled),
        ("code=s3ntinel&code=b&state=STATE", Fault::Doubled),
        ("code=s3ntinel&c%6Fde=b&state=STATE", Fault::Doubled),
        ("error=a&error=b&state=STATE", Fault::Doubled),
        (
            "code=s3ntinel&error=access_denied&state=STATE",
            Fault::CodeAndError,
        ),
        ("state=STATE", Fault::NoCode),
        ("code=&state=STATE", Fault::NoCode),
        ("error=&state=STATE", Fault::NoCode),
    ] {
        let query = query.replace("STATE", STATE);
        for callback in [query.clone(), format!("/cb?{query}")] {
            assert_eq!(fault(&callback), expected, "{callback}");
        }
    }
}

#[test]
fn login_page_error_counts_only_with_the_state() {
    let error = code_in(
        "/cb?error=access_denied&error_description=no%1B%5B2J+to+state-of-the-login&state=state-of-the-login",
    )
    .unwrap_err();
    let ErrorKind::Login(login) = error.kind() else {
        panic!("{error:?}")
    };
    let denied = LoginErrorKind::Denied {
        error: "access_denied".to_owned(),
        description: Some("no\\u{1b}[2J to [redacted]".to_owned()),
    };
    assert_eq!(*login.kind(), denied);
    assert_eq!(
        fault("/cb?error=access_denied&state=x"),
        CallbackFault::State
    );
}

#[test]
fn implicit_grant_is_recognized_and_not_repeated() {
    for callback in [
        "http://localhost/cb#access_token=s3ntinel&expires_in=86400&token_type=bearer",
        "http://localhost/elsewhere#access_token=s3ntinel",
        "#access_token=s3ntinel",
        "access_token=s3ntinel",
        "/cb?access_token=s3ntinel&state=state-of-the-login",
        "https://login.mypurecloud.ie/oauth/authorize?response_type=token&client_id=s3ntinel",
        "https://login.mypurecloud.ie/oauth/authorize?response_type=id_token+token",
    ] {
        let error = code_in(callback).unwrap_err();
        let ErrorKind::Login(login) = error.kind() else {
            panic!("{callback}: {error:?}")
        };
        assert_eq!(*login.kind(), LoginErrorKind::ImplicitGrant, "{callback}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("s3ntinel"), "{shown}");
        for needed in [
            "May 2026",
            "May 2027",
            "Admin → Integrations → OAuth",
            "PKCE",
        ] {
            assert!(shown.contains(needed), "{shown}");
        }
    }
    let code = "/cb?response_type=code&code=c&state=state-of-the-login";
    assert_eq!(code_in(code).unwrap(), "c");
}

#[test]
fn every_file_of_the_fuzz_corpus_parses_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/pasted");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        fuzzing::pasted(&fs::read(entry.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files >= 35, "{files} files");
}
