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
fn token_requests_have_the_recorded_form() {
    let code = CodeGrant {
        code: "c".into(),
        verifier: "v".into(),
        redirect_uri: "http://localhost:5123/cb".to_owned(),
    };
    let (grant_type, client_id) = ("grant_type", ("client_id", "an-id"));
    let start = [
        (grant_type, "authorization_code"),
        ("code", "c"),
        ("code_verifier", "v"),
    ];
    let end = ("redirect_uri", "http://localhost:5123/cb");
    let refresh = [(grant_type, "refresh_token"), ("refresh_token", "r")];

    let request = public().exchange(None, &code);
    assert_eq!(form(&request), [&start[..], &[client_id, end]].concat());
    assert!(matches!(request.auth, ClientAuth::Public));
    let request = public().refresh(None, "r".into());
    assert_eq!(form(&request), [&refresh[..], &[client_id]].concat());

    let request = public().exchange(Some("s".into()), &code);
    assert_eq!(form(&request), [&start[..], &[end]].concat());
    assert!(matches!(request.auth, ClientAuth::Basic(auth) if auth.secret.expose_secret() == "s"));
    let request = public().refresh(Some("s".into()), "r".into());
    assert_eq!(form(&request), refresh);
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
