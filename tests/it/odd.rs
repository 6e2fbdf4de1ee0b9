//! Error answers of the API that no real server should give.

use genesys_cloud_auth::{FixedToken, PlatformClient, Region, RetryPolicy, TokenProvider};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

#[tokio::test]
async fn an_error_of_the_api_is_typed_whatever_its_body() {
    let server = MockServer::start().await;
    let region = Region::custom(&server.uri(), &server.uri(), None).unwrap();
    let tokens = TokenProvider::new(region, FixedToken::new("a-token").unwrap()).unwrap();
    let api = PlatformClient::new(tokens).retry(RetryPolicy::never());
    let many = format!("{{\"message\": \"{}\"}}", "x".repeat(10_000_000));
    for body in [
        "",
        "null",
        "[]",
        "{",
        "<html>Bad Gateway</html>",
        r#"{"code": 1, "message": ["x"], "contextId": {}}"#,
        r#"{"code": null, "message": null, "messageParams": null}"#,
        r#"{"code": "a.code.of.tomorrow", "message": "ok", "new": {"deep": []}}"#,
        many.as_str(),
    ] {
        for status in [400, 403, 404, 409, 418, 429, 500, 502, 599] {
            server.reset().await;
            let answer = ResponseTemplate::new(status).set_body_string(body);
            let once = Mock::given(method("GET")).respond_with(answer).expect(1);
            once.mount(&server).await;
            let error = api.get("/api/v2/users").send().await.unwrap_err();
            assert_eq!(error.status(), Some(status), "{error}");
            assert_eq!(
                error.is_transient(),
                status >= 500 || status == 429,
                "{error}"
            );
            assert!(error.to_string().chars().count() < 1_000, "{error}");
        }
    }
}
