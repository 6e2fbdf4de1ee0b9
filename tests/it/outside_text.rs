//! Text that comes from outside: byte order marks, and values with something around them.

use std::fs;

use genesys_cloud_auth::{
    Assertion, AuthorizationCode, ClientCredentials, ClientSecret, Error, FixedToken, Grant, Login,
    NewToken, Region, Saml2Bearer, TokenProvider,
    store::{MemoryStore, SealingKey},
};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::support::{
    CLIENT_ID, SECRET, TOKEN, assert_contains,
    cloud::Cloud,
    credentials, good_token, kind_of, provider_at, region_of,
    server::{Reply, Server},
};

const MARK: &str = "\u{feff}";

fn marked(status: u16, body: &str) -> Reply {
    Reply::json(status, &format!("{MARK}{body}"))
}

#[tokio::test]
async fn mark_before_json_of_the_token_endpoint_is_skipped() {
    let token = format!("{{\"access_token\":\"{TOKEN}\"}}");
    let server = Server::start(marked(200, &token));
    let (tokens, _) = provider_at(&server);
    assert_eq!(tokens.token().await.unwrap().expose_secret(), TOKEN);

    let server = Server::start(marked(400, "{\"error\":\"invalid_client\"}"));
    let (tokens, _) = provider_at(&server);
    let error = tokens.token().await.unwrap_err();
    assert_eq!(kind_of(&error), "InvalidClient", "{error}");

    let gateway = "{\"message\":\"closed at night\",\"contextId\":\"c-2\"}";
    for status in [404, 429] {
        let server = Server::start(marked(status, gateway));
        let (tokens, _) = provider_at(&server);
        let error = tokens.token().await.unwrap_err();
        assert!(error.to_string().contains("closed at night"), "{error}");
        assert_eq!(error.correlation_id(), Some("c-2"), "{error}");
    }
}

#[tokio::test]
async fn mark_before_a_body_of_the_api_is_skipped() {
    let cloud = Cloud::start();
    let entity = json!({"name": "Ana"});
    let get = || cloud.client.get("/api/v2/users");
    let answer = |reply| cloud.api.answers([reply]);

    answer(marked(200, &entity.to_string()));
    assert_eq!(get().fetch::<Value>().await.unwrap(), entity);
    answer(marked(200, &entity.to_string()));
    let response = get().send().await.unwrap();
    assert_eq!(response.json::<Value>().await.unwrap(), entity);
    answer(marked(200, ""));
    get().fetch::<()>().await.unwrap();
    answer(marked(200, "a text"));
    let response = get().send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "a text");
    // Bytes are returned as they are.
    answer(marked(200, "a text"));
    let response = get().send().await.unwrap();
    assert_eq!(response.bytes().await.unwrap(), format!("{MARK}a text"));

    let page = json!({"entities": [entity], "pageNumber": 1, "pageCount": 2});
    let last = json!({"entities": [entity], "pageNumber": 2, "pageCount": 2});
    let pages = [
        marked(200, &page.to_string()),
        marked(200, &last.to_string()),
    ];
    cloud.api.answers(pages);
    let mut users = get().pages::<Value>();
    for _ in 0..2 {
        assert_eq!(users.next().await.unwrap().unwrap(), entity);
    }
    assert!(users.next().await.is_none());

    answer(marked(
        404,
        "{\"code\":\"not.found\",\"contextId\":\"c-1\"}",
    ));
    let error = get().send().await.unwrap_err();
    assert!(error.to_string().contains("not.found"), "{error}");
    assert_eq!(error.correlation_id(), Some("c-1"));
}

#[tokio::test]
async fn mark_before_what_the_api_says_of_a_token_is_skipped() {
    let server = Server::start(good_token(TOKEN));
    let (tokens, _) = provider_at(&server);
    tokens.token().await.unwrap();
    server.answers([marked(200, "{\"organization\":{\"name\":\"Org\"}}")]);
    let info = tokens.token_info().await.unwrap();
    assert_eq!(info.organization.unwrap().name.as_deref(), Some("Org"));
}

/// Windows PowerShell 5 writes the mark and CRLF with `-Encoding utf8`, and UTF-16 with `>`.
#[tokio::test]
async fn secret_file_of_powershell_works_or_names_its_encoding() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let server = Server::start(good_token(TOKEN));
    let tokens = || {
        let credentials = ClientCredentials::new(CLIENT_ID, ClientSecret::from_file(&path));
        TokenProvider::new(region_of(&server, &server), credentials.unwrap()).unwrap()
    };
    fs::write(&path, format!("{MARK}{SECRET}\r\n")).unwrap();
    tokens().token().await.unwrap();
    let plain = TokenProvider::new(region_of(&server, &server), credentials()).unwrap();
    plain.token().await.unwrap();
    let sent = server.requests();
    let authorization = |number: usize| {
        let headers = &sent[number].headers;
        headers
            .iter()
            .find(|(name, _)| name == "authorization")
            .unwrap()
    };
    assert_eq!(authorization(0), authorization(1));

    let text = format!("{MARK}{SECRET}\r\n");
    let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (content, cause) in [
        (utf_16, "is UTF-16"),
        (format!("\"{SECRET}\"\n").into(), "quotation mark"),
        (format!("CLIENT_SECRET={SECRET}\n").into(), "whole line"),
        (format!("{SECRET}\n\n").into(), "more than one line break"),
        (format!("{SECRET} \n").into(), "a space"),
    ] {
        fs::write(&path, content).unwrap();
        let error = tokens().token().await.unwrap_err();
        assert_eq!(kind_of(&error), "CredentialSource");
        let text = error.to_string();
        let file = path.to_str().unwrap();
        assert!(text.contains(cause) && text.contains(file), "{text}");
        assert!(!text.contains(SECRET), "{text}");
    }
    assert_eq!(server.requests().len(), 2);
}

type Parse<'a> = &'a dyn Fn(&str) -> Result<(), Error>;

/// One rule, whatever the value is and wherever it comes from.
#[tokio::test]
async fn value_is_cleaned_or_an_error_names_the_cause() {
    let id = |id: &str| ClientCredentials::new(id, SECRET).map(drop);
    let secret = |secret: &str| ClientCredentials::new(CLIENT_ID, secret).map(drop);
    let token = |token: &str| FixedToken::new(token).map(drop);
    let region = |text: &str| text.parse::<Region>().map(drop).map_err(Error::from);
    let public = |id: &str| AuthorizationCode::public(id, "http://localhost").map(drop);
    let parsers: [(&str, Parse<'_>, &str); 5] = [
        ("id", &id, "the client id"),
        ("public id", &public, "the client id"),
        ("secret", &secret, "the client secret"),
        ("token", &token, "the access token"),
        ("region", &region, "the region"),
    ];
    for (name, parse, what) in parsers {
        for around in ["*", "*\n", "*\r\n", "\u{feff}*\r\n"] {
            parse(&around.replace('*', "euw1")).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        for (around, cause) in [
            ("\"*\"", "quotation mark"),
            ("“*”", "quotation mark"),
            ("'*'\n", "quotation mark"),
            ("Bearer *", "`Bearer `"),
            ("SOME_NAME=*", "whole line"),
            ("export X=*", "whole line"),
            ("*\n*", "a line break"),
            ("*\u{200b}", "invisible"),
            ("${*}", "placeholder"),
        ] {
            let error = parse(&around.replace('*', "euw1")).unwrap_err();
            let text = error.to_string();
            assert!(
                text.starts_with(what) && text.contains(cause),
                "{name} {around:?}: {text}"
            );
        }
    }
}

#[tokio::test]
async fn token_of_a_closure_is_cleaned_or_an_error() {
    let tokens = |secret: &'static str| {
        let grant = Grant::from_fn("broker", move || async move {
            let secret = secret.into();
            Ok(NewToken {
                secret,
                expires_in: None,
            })
        });
        TokenProvider::new(Region::EuWest1, grant).unwrap()
    };
    let token = tokens("\u{feff}a-token\n").token().await.unwrap();
    assert_eq!(token.expose_secret(), "a-token");
    for (secret, cause) in [
        ("Bearer a-token", "`Bearer `"),
        ("bearer a-token", "`Bearer `"),
        ("two words", "other than visible ASCII"),
    ] {
        let error = tokens(secret).token().await.unwrap_err();
        assert_eq!(kind_of(&error), "CredentialSource");
        assert_contains(&error, "`broker`");
        assert_contains(&error, cause);
        assert!(!format!("{error:?}").contains(secret), "{error:?}");
    }
}

/// `T` of the closure is known, so that one that only fails needs no annotation.
#[tokio::test]
async fn closure_that_only_fails_needs_no_annotation() {
    let server = Server::start(good_token(TOKEN));
    let secret = ClientSecret::from_fn(|| async { Err("sealed vault".into()) });
    let credentials = ClientCredentials::new(CLIENT_ID, secret).unwrap();
    let assertion = Assertion::from_fn(|| async { Err("sealed vault".into()) });
    let saml = Saml2Bearer::new(CLIENT_ID, SECRET, "my-org", assertion).unwrap();
    let grant = Grant::from_fn("broker", || async { Err("sealed vault".into()) });
    let region = || region_of(&server, &server);
    for tokens in [
        TokenProvider::new(region(), credentials),
        TokenProvider::new(region(), saml),
        TokenProvider::new(region(), grant),
    ] {
        let error = tokens.unwrap().token().await.unwrap_err();
        assert_eq!(kind_of(&error), "CredentialSource");
        let text = error.to_string();
        assert!(text.contains("closure asks): sealed vault"), "{text}");
    }
    let secret = ClientSecret::from_fn(|| async { Ok(SecretString::from(SECRET)) });
    let credentials = ClientCredentials::new(CLIENT_ID, secret).unwrap();
    let tokens = TokenProvider::new(region(), credentials).unwrap();
    tokens.token().await.unwrap();
}

#[test]
fn login_with_a_key_of_zeros_cannot_be_built() {
    let login = |key| {
        let app = AuthorizationCode::public(CLIENT_ID, "http://localhost").unwrap();
        Login::builder(Region::EuWest1, app)
            .store(MemoryStore::new(), key)
            .build()
    };
    let error = login(SealingKey::from_bytes([0; 32])).unwrap_err();
    assert_eq!(kind_of(&error), "Configuration");
    assert!(error.to_string().contains("32 zeros"), "{error}");
    login(SealingKey::from_bytes([1; 32])).unwrap();
}
