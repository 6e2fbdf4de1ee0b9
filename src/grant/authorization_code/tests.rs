//! The token requests and the settings.

use secrecy::ExposeSecret;

use super::*;

fn public() -> AuthorizationCode {
    AuthorizationCode::public("an-id", "http://localhost/cb").unwrap()
}

fn form(request: &TokenRequest) -> Vec<(&str, &str)> {
    let fields = request.form.iter();
    fields
        .map(|(name, value)| (*name, value.expose_secret()))
        .collect()
}

#[test]
fn token_requests_have_the_documented_form() {
    let exchange =
        |secret| public().exchange(secret, "c".into(), "v".into(), "http://localhost:5123/cb");
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", "c"),
        ("code_verifier", "v"),
        ("redirect_uri", "http://localhost:5123/cb"),
    ];
    let request = exchange(None);
    assert_eq!(form(&request), fields);
    assert!(matches!(request.auth, ClientAuth::Public { client_id } if client_id == "an-id"));
    let request = exchange(Some("s".into()));
    assert_eq!(form(&request), fields);
    assert!(matches!(request.auth, ClientAuth::Basic(auth) if auth.secret.expose_secret() == "s"));

    let request = public().refresh(None, "r".into());
    assert_eq!(
        form(&request),
        [("grant_type", "refresh_token"), ("refresh_token", "r")]
    );
}

#[test]
fn empty_settings_are_rejected() {
    for code in [
        public().identity_provider("", "okta"),
        public().identity_provider("acme", ""),
        public().login_hint(""),
        public().target_org(""),
    ] {
        assert!(code.check().is_err(), "{code:?}");
    }
    public().check().unwrap();
}

#[test]
fn debug_shows_neither_secret_nor_user() {
    let code =
        AuthorizationCode::confidential("an-id", "s3ntinel", "https://app.example/").unwrap();
    let shown = format!("{:?}", code.login_hint("jo-s3ntinel@example.com"));
    assert!(
        !shown.contains("s3ntinel") && shown.contains("an-id"),
        "{shown}"
    );
}

#[test]
fn constructors_check_id_secret_and_redirect_uri() {
    assert!(AuthorizationCode::public("", "http://localhost").is_err());
    assert!(AuthorizationCode::public("a:b", "http://localhost").is_err());
    assert!(AuthorizationCode::public("an-id", "http://app.example").is_err());
    assert!(AuthorizationCode::confidential("an-id", "", "https://app.example").is_err());
}
