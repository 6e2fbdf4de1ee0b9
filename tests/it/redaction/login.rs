//! Logins that succeed and that fail.

use std::time::Duration;

use genesys_cloud_auth::{
    AuthorizationCode, Error, Login, LoginBuilder, PendingLogin, TokenProvider,
    sandbox::Sandbox,
    store::{MemoryStore, SealingKey},
};
use secrecy::ExposeSecret;
use url::Url;

use super::{Run, replies::SECRET};
use crate::{
    login::{field, token_requests},
    support::{CLIENT_ID, login::parameter},
};

const NAME: &str = "SentinelOfTheName6007";
const HINT: &str = "SentinelOfTheHint3141@example.com";
const SENT: &str = "SentinelOfACallback7001";
const LOCAL: &str = "http://localhost/cb";

pub async fn all(run: &mut Run) {
    run.add_secret("the name of a login", NAME);
    run.add_secret("a login hint", HINT);
    run.add_secret("a value in a callback", SENT);
    let builder = Sandbox::builder().client(CLIENT_ID, SECRET);
    let sandbox = builder.code_client([LOCAL]).start().await.unwrap();
    for key in [SealingKey::from_bytes([7; 32]), SealingKey::unsealed()] {
        run.debug(&key);
        let app = AuthorizationCode::confidential(CLIENT_ID, SECRET, LOCAL).unwrap();
        let app = app.login_hint(HINT).target_org(SENT);
        run.debug(&app);
        let builder = builder_of(run, &sandbox, app).store(MemoryStore::new(), key);
        run.debug(&builder);
        let login = builder.build().unwrap();
        run.debug(&login);
        web_login(run, &sandbox, &login).await;
        fails(run, &sandbox, &login).await;
    }
    let app = AuthorizationCode::public(CLIENT_ID, LOCAL).unwrap();
    let login = builder_of(run, &sandbox, app).build().unwrap();
    local_login(run, &sandbox, &login).await;
}

fn builder_of(run: &Run, sandbox: &Sandbox, app: AuthorizationCode) -> LoginBuilder {
    let builder = Login::builder(sandbox.region(), app);
    builder.http_client(run.http_client.clone())
}

/// Logs in, adds the state and the code to the secrets, and returns the callback.
async fn log_in(run: &mut Run, sandbox: &Sandbox, url: &Url) -> String {
    run.add_secret("a state", &parameter(url, "state").unwrap());
    let callback = sandbox.log_in(url.as_str(), &sandbox.users()[0]).await;
    let code = parameter(&Url::parse(&callback).unwrap(), "code").unwrap();
    run.add_secret("a code", &code);
    callback
}

async fn web_login(run: &mut Run, sandbox: &Sandbox, login: &Login) {
    let pending = login.begin().unwrap();
    run.debug(&pending);
    let url = pending.authorize_url().clone();
    let callback = log_in(run, sandbox, &url).await;
    let secret = pending.into_secret().unwrap();
    run.add_secret("a pending login", secret.expose_secret());
    run.debug(&secret);
    let pending = PendingLogin::from_secret(login, &secret).unwrap();
    let tokens = login.finish(pending, &callback, NAME).await.unwrap();
    show_tokens(run, sandbox, &tokens).await;

    // The code was used.
    let pending = PendingLogin::from_secret(login, &secret).unwrap();
    run.error(&login.finish(pending, &callback, NAME).await.unwrap_err());
    run.debug(&login.saved(NAME).await.unwrap());
    tokens.revoke().await.unwrap();
    run.error(&tokens.token().await.unwrap_err());
    run.debug(&login.saved(NAME).await.unwrap());
}

async fn show_tokens(run: &mut Run, sandbox: &Sandbox, tokens: &TokenProvider) {
    let token = tokens.token().await.unwrap();
    run.add_secret("a user's token", token.expose_secret());
    run.debug(tokens);
    let request = token_requests(sandbox).pop().unwrap();
    let verifier = field(&request, "code_verifier").unwrap();
    run.add_secret("a verifier", &verifier);
}

async fn fails(run: &mut Run, sandbox: &Sandbox, login: &Login) {
    for callback in [
        SENT.to_owned(),
        format!("{LOCAL}?code={SENT}&state={SENT}"),
        format!("{LOCAL}?error={SENT}&state={SENT}"),
        format!("{LOCAL}#access_token={SENT}"),
        format!("http://{SENT}/cb?response_type=token"),
    ] {
        let pending = login.begin().unwrap();
        run.error(&login.finish(pending, &callback, NAME).await.unwrap_err());
    }
    let pending = login.begin().unwrap();
    let state = parameter(pending.authorize_url(), "state").unwrap();
    run.add_secret("a state", &state);
    let denied = format!("error=access_denied&error_description=you+sent+{state}&state={state}");
    run.error(&login.finish(pending, &denied, NAME).await.unwrap_err());
    let pending = login.begin().unwrap();
    let state = parameter(pending.authorize_url(), "state").unwrap();
    let made_up = format!("code={SENT}&state={state}");
    run.error(&login.finish(pending, &made_up, NAME).await.unwrap_err());
    run.error(&PendingLogin::from_secret(login, &SENT.into()).unwrap_err());
    let in_browser: Result<_, Error> = login.in_browser(NAME, |_| {}).await;
    run.error(&in_browser.unwrap_err());
    assert!(sandbox.token_requests() > 0);
}

async fn local_login(run: &mut Run, sandbox: &Sandbox, login: &Login) {
    let local = login.listen(NAME).unwrap();
    run.debug(&local);
    let url = local.authorize_url().clone();
    let callback = log_in(run, sandbox, &url).await;
    let uri = parameter(&url, "redirect_uri").unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let browser = async {
        let unrelated = format!("{uri}?code={SENT}&state={SENT}");
        for url in [&unrelated, &callback] {
            http.get(url).send().await.unwrap();
        }
    };
    let (tokens, ()) = tokio::join!(local.redirected(), browser);
    show_tokens(run, sandbox, &tokens.unwrap()).await;
    run.debug(&local);

    let local = login.listen(NAME).unwrap();
    run.error(&local.pasted(SENT).await.unwrap_err());
    let port = Url::parse(&parameter(local.authorize_url(), "redirect_uri").unwrap());
    let port = port.unwrap().port().unwrap();
    let app = AuthorizationCode::public(CLIENT_ID, LOCAL).unwrap();
    let builder = builder_of(run, sandbox, app).ports([port]);
    let builder = builder.login_timeout(Duration::from_millis(1));
    run.error(&builder.build().unwrap().listen(NAME).unwrap_err());
}
