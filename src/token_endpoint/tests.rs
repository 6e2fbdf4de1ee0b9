//! What errors show of a token request, and which refresh tokens are accepted.

use serde_json::json;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use super::*;
use crate::error::ErrorKind;

#[tokio::test]
async fn secrets_of_the_form_are_in_no_error() {
    let server = MockServer::start().await;
    let endpoint = endpoint(&server);
    for (status, body) in [
        (200, "{}"),
        (302, ""),
        (400, "<html>"),
        (400, r#"{"error":"CODE","error_description":"CODE"}"#),
        (429, r#"{"description":"CODE"}"#),
        (503, "{}"),
    ] {
        server.reset().await;
        let response = ResponseTemplate::new(status)
            .set_body_string(body.replace("CODE", CODE))
            .insert_header("ININ-Correlation-Id", format!("you sent <{CODE}>"));
        Mock::given(any())
            .respond_with(response)
            .mount(&server)
            .await;
        let error = endpoint.ask(request()).await.unwrap_err();
        assert_eq!(error.correlation_id(), Some("you sent <[redacted]>"));
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(CODE), "{status}: {shown}");
    }
}

#[tokio::test]
async fn refresh_token_is_visible_ascii_or_absent() {
    let server = MockServer::start().await;
    let endpoint = endpoint(&server);
    let long = "x".repeat(8_192);
    for (given, expected) in [
        (json!("r/+~"), Ok(Some("r/+~"))),
        (json!(long), Ok(Some(&*long))),
        (json!(""), Ok(None)),
        (json!(null), Ok(None)),
        (json!(format!("{long}x")), Err(())),
        (json!("a b"), Err(())),
        (json!("a\n"), Err(())),
        (json!("é"), Err(())),
        (json!(7), Err(())),
    ] {
        server.reset().await;
        let body = json!({"access_token": "t", "expires_in": 60, "refresh_token": given});
        let response = ResponseTemplate::new(200).set_body_json(body);
        Mock::given(any())
            .respond_with(response)
            .mount(&server)
            .await;
        let issued = endpoint.ask(request()).await.map_err(drop);
        let refresh_token = issued.map(|issued| issued.refresh_token);
        let refresh_token = refresh_token.as_ref().map(Option::as_ref);
        let refresh_token = refresh_token.map(|token| token.map(ExposeSecret::expose_secret));
        assert_eq!(
            refresh_token,
            expected.as_ref().map(|token| *token),
            "{given}"
        );
    }
}

fn endpoint(server: &MockServer) -> TokenEndpoint {
    TokenEndpoint {
        region: Region::custom(&server.uri(), &server.uri()).unwrap(),
        http_client: HttpClient::default(),
        app: App::new(None).unwrap(),
        attempt: Duration::from_secs(10),
        clock: Clock::system(),
    }
}

fn request() -> TokenRequest {
    TokenRequest {
        auth: ClientAuth::Basic(BasicAuth {
            client_id: "a-client".to_owned(),
            secret: "a-secret".into(),
        }),
        form: vec![
            ("grant_type", "authorization_code".into()),
            ("code", CODE.into()),
        ],
    }
}

#[tokio::test]
async fn public_values_of_the_form_stay_in_the_servers_words() {
    let server = MockServer::start().await;
    let body = r#"{"error":"invalid_client","error_description":"no organization acme-invalid"}"#;
    let response = ResponseTemplate::new(400).set_body_string(body);
    Mock::given(any())
        .respond_with(response)
        .mount(&server)
        .await;
    for org in ["acme-invalid", "invalid", "client"] {
        let request = TokenRequest {
            auth: ClientAuth::Basic(BasicAuth {
                client_id: "a-client".to_owned(),
                secret: "a-secret".into(),
            }),
            form: vec![("orgName", org.into()), ("assertion", CODE.into())],
        };
        let error = endpoint(&server).ask(request).await.unwrap_err();
        let ErrorKind::OAuth(oauth) = error.kind() else {
            panic!("{error:?}")
        };
        assert_eq!(oauth.error, "invalid_client", "{org}");
        assert_eq!(
            oauth.description.as_deref(),
            Some("no organization acme-invalid")
        );
    }
}

const CODE: &str = "code-of-a-login";
