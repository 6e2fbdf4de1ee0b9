//! Malformed error responses of the API.

use genesys_cloud_auth::{FixedToken, PlatformClient, Region, TokenProvider, client::RetryPolicy};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

use crate::support::kind_of;

#[tokio::test]
async fn api_error_is_typed_whatever_its_body() {
    let server = MockServer::start().await;
    let region = Region::custom(&server.uri(), &server.uri()).unwrap();
    let tokens = TokenProvider::new(region, FixedToken::new("a-token").unwrap()).unwrap();
    let api = PlatformClient::builder(tokens)
        .retry(RetryPolicy::never())
        .build();
    let many = format!("{{\"message\": \"{}\"}}", "x".repeat(10_000_000));
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let deep = format!(r#"{{"code": "x", "message": "y", "details": {deep}}}"#);
    let foreign = [
        "",
        "null",
        "[]",
        "{",
        "<html>Bad Gateway</html>",
        r#"{"code": 1, "message": ["x"], "contextId": {}}"#,
        r#"{"code": null, "message": null, "messageParams": null}"#,
        r#"{"message": "x", "status": 1e400}"#,
        r#"{"message": "x", "code": "\ud800"}"#,
        deep.as_str(),
        many.as_str(),
    ];
    let from_genesys = [
        "\u{feff}{\"message\": \"x\"}",
        r#"{"code": "a.code.of.tomorrow", "message": "ok", "new": {"deep": []}}"#,
        r#"{"message": "x", "code": {}, "details": "x", "nested": 1, "contextId": []}"#,
        r#"{"message": "x", "messageParams": {"permissions": {}, "division": [[]]}}"#,
        r#"{"message": "x", "messageParams": [], "errors": 1, "limit": "x", "status": {}}"#,
        r#"{"message": "x", "limit": {"key": 1}, "details": [1, null, [[]], {"errorCode": 2}]}"#,
    ];
    let bodies = foreign.map(|body| (body, "Api")).into_iter();
    for (body, denied) in bodies.chain(from_genesys.map(|body| (body, "AccessDenied"))) {
        for status in [400, 403, 404, 409, 418, 429, 500, 502, 599] {
            server.reset().await;
            let answer = ResponseTemplate::new(status).set_body_string(body);
            let once = Mock::given(method("GET")).respond_with(answer).expect(1);
            once.mount(&server).await;
            let error = api.get("/api/v2/users").send().await.unwrap_err();
            assert_eq!(error.status().map(u16::from), Some(status), "{error}");
            let kind = match status {
                403 => denied,
                429 => "RateLimited",
                _ => "Api",
            };
            assert_eq!(kind_of(&error), kind, "{body:.80}: {error}");
            assert_eq!(
                error.is_transient(),
                status >= 500 || status == 429,
                "{error}"
            );
            assert!(error.to_string().chars().count() < 1_000, "{error}");
        }
    }
}
