//! What is asked for, word by word.

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
fn the_form_is_that_of_genesys_cloud() {
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
fn the_login_page_is_asked_for_what_was_set_and_nothing_else() {
    let url = |code: AuthorizationCode| {
        let url = code.authorize_url(&Region::EuWest1, "http://localhost:1/cb", "st", "ch");
        url.to_string()
    };
    let start = "https://login.mypurecloud.ie/oauth/authorize?response_type=code&client_id=an-id\
        &redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fcb&state=st&code_challenge=ch\
        &code_challenge_method=S256";
    assert_eq!(url(public()), start);
    let all = public()
        .identity_provider("acme", "okta")
        .login_hint("a b\" & calc $(x)")
        .prompt_login()
        .target_org("org-2");
    all.check().unwrap();
    let rest = "&org=acme&provider=okta&prompt=login&login_hint=a+b%22+%26+calc+%24%28x%29\
        &target=org-2";
    assert_eq!(url(all), format!("{start}{rest}"));
}

#[test]
fn nothing_that_was_set_may_be_empty() {
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
fn ids_secrets_and_redirect_uris_are_checked_at_construction() {
    assert!(AuthorizationCode::public("", "http://localhost").is_err());
    assert!(AuthorizationCode::public("a:b", "http://localhost").is_err());
    assert!(AuthorizationCode::public("an-id", "http://app.example").is_err());
    assert!(AuthorizationCode::confidential("an-id", "", "https://app.example").is_err());
}
