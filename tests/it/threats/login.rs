//! Which host receives the secrets of a user's login.

use genesys_cloud_auth::{AuthorizationCode, Login, client::RetryPolicy};
use url::form_urlencoded;

use super::*;

const CODE: &str = "code-of-the-tests";
const REFRESH: &str = "refresh-of-the-tests";
const WEB: &str = "https://app.example/cb";

/// A user's token, with the refresh token of the same number.
fn users_token(number: usize) -> Reply {
    let body = format!(
        r#"{{"access_token":"{TOKEN}{number}","token_type":"bearer","expires_in":86399,
            "refresh_token":"{REFRESH}{number}"}}"#
    );
    Reply::json(200, &body)
}

fn app(is_confidential: bool) -> AuthorizationCode {
    if is_confidential {
        AuthorizationCode::confidential(CLIENT_ID, SECRET, WEB).unwrap()
    } else {
        AuthorizationCode::public(CLIENT_ID, WEB).unwrap()
    }
}

async fn log_in(login: &Login) -> Result<TokenProvider, Error> {
    let pending = login.begin().unwrap();
    let mut pairs = pending.authorize_url().query_pairs();
    let (_, state) = pairs.find(|(name, _)| name == "state").unwrap();
    let callback = format!("{WEB}?code={CODE}&state={state}");
    login.finish(pending, &callback, "jo").await
}

fn field(request: &Received, name: &str) -> Option<String> {
    let mut form = form_urlencoded::parse(&request.body);
    let (_, value) = form.find(|(given, _)| given == name)?;
    Some(value.into_owned())
}

/// Logs in, calls the API, renews and logs out, with redirects and errors in between.
async fn live(pair: &Pair, is_confidential: bool) {
    let region = region_of(&pair.login, &pair.api);
    let login = || Login::new(region.clone(), app(is_confidential)).unwrap();
    for status in [302, 307, 400, 401, 500] {
        let redirect = Reply::redirect(status, &pair.api);
        pair.login.answers([redirect, users_token(0)]);
        log_in(&login()).await.unwrap_err();
    }
    pair.login.answers_all((1..9).map(users_token).collect());
    let api = PlatformClient::new(log_in(&login()).await.unwrap());
    let call = || api.post("/api/v2/users/me").retry(RetryPolicy::never());
    for status in [401, 302, 307, 400, 403, 500] {
        // The 401 costs a refresh token.
        let redirect = Reply::redirect(status, &pair.login);
        pair.api.answers([redirect, Reply::json(200, "{}")]);
        drop(call().json(&"x").send().await);
    }
    api.tokens().token_info().await.unwrap();
    api.tokens().revoke().await.unwrap();
}

#[tokio::test]
async fn login_secrets_go_to_the_login_host_only() {
    for is_confidential in [false, true] {
        let pair = Pair::start();
        live(&pair, is_confidential).await;
        let (login, api) = (pair.login.requests(), pair.api.requests());
        assert_eq!((login.len(), api.len()), (7, 9));

        let encoded = STANDARD.encode(format!("{CLIENT_ID}:{SECRET}"));
        let basic = is_confidential.then(|| format!("Basic {encoded}"));
        let mut secrets = vec![SECRET.to_owned(), encoded, CODE.into(), REFRESH.into()];
        for request in &login {
            assert_eq!(request.target, "/oauth/token");
            assert_eq!(request.header("authorization"), basic.as_deref());
            assert!(!contains_any(request, &[TOKEN]));
            secrets.extend(field(request, "code_verifier"));
        }
        // Six exchanges of a code and one refresh.
        assert_eq!(secrets.len(), 4 + 6);
        assert_eq!(field(&login[5], "code").unwrap(), CODE);
        let refresh = format!("{REFRESH}1");
        assert_eq!(field(&login[6], "refresh_token").unwrap(), refresh);

        let secrets: Vec<_> = secrets.iter().map(String::as_str).collect();
        for request in &api {
            assert!(request.target.starts_with("/api/v2/"));
            let bearer = request.header("authorization").unwrap();
            assert!(bearer.starts_with(&format!("Bearer {TOKEN}")));
            assert!(!contains_any(request, &secrets));
            assert!(!contains_any(request, &["Basic", CLIENT_ID, "grant_type"]));
        }
    }
}
