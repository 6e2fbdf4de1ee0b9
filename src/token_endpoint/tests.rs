//! What a server makes of a request's secrets.

use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use super::*;

#[tokio::test]
async fn a_secret_of_the_form_is_in_no_error() {
    let server = MockServer::start().await;
    let endpoint = TokenEndpoint {
        region: Region::custom(&server.uri(), &server.uri(), None).unwrap(),
        connections: Connections::default(),
        app: App::new(None).unwrap(),
        attempt: Duration::from_secs(10),
        clock: Clock::system(),
    };
    for (status, body) in [
        (200, "{}"),
        (302, ""),
        (400, "<html>"),
        (400, r#"{"error":"CODE","error_description":"CODE"}"#),
        (429, r#"{"description":"CODE"}"#),
        (503, "{}"),
    ] {
        server.reset().await;
        let answer = ResponseTemplate::new(status)
            .set_body_string(body.replace("CODE", CODE))
            .insert_header("ININ-Correlation-Id", format!("you sent <{CODE}>"));
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let request = TokenRequest {
            auth: ClientAuth::Basic(BasicAuth {
                client_id: "a-client".to_owned(),
                secret: "a-secret".into(),
            }),
            form: vec![
                ("grant_type", "authorization_code".into()),
                ("code", CODE.into()),
            ],
        };
        let error = endpoint.ask(request).await.unwrap_err();
        assert_eq!(error.correlation_id(), Some("you sent <[redacted]>"));
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(CODE), "{status}: {shown}");
    }
}

const CODE: &str = "code-of-a-login";
