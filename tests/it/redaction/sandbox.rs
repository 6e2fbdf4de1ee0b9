//! The sandbox: its `Debug` output, responses and panics.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use genesys_cloud_auth::{
    TokenProvider,
    sandbox::{FaultResponse, RefreshTokens, Sandbox, SandboxHost, SandboxListing},
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

use super::{
    Run,
    replies::{BODY, COOKIE, OWN_TOKEN, QUERY, SECRET, SHORT},
};
use crate::support::{CLIENT_ID, cloud::client_of};

pub async fn all(run: &mut Run) {
    let builder = Sandbox::builder().client(CLIENT_ID, SECRET);
    run.debug(&builder);
    let sandbox = builder.start().await.unwrap();
    run.debug(&sandbox);

    serves(run, &sandbox).await;
    for host in [SandboxHost::Login, SandboxHost::Api] {
        run.debug(&host);
    }
    rejects(run, &sandbox).await;
    logs_in(run).await;
    sends_assertions(run).await;
    faults(run, &sandbox).await;
    run.requests(&sandbox);
    panics(run).await;
}

/// Token requests and calls that succeed and that fail.
async fn serves(run: &mut Run, sandbox: &Sandbox) {
    let tokens = TokenProvider::new(sandbox.region(), sandbox.client_credentials()).unwrap();
    let api = run.client_of(tokens);
    let token = api.tokens().token().await.unwrap();
    run.add_secret("the sandbox's token", token.expose_secret());
    run.debug(&api.tokens().token_info().await.unwrap());
    let call = || {
        let call = api.post("/api/v2/oauth/clients").query(&[("q", QUERY)]);
        call.header("Cookie", COOKIE).json(&json!({"body": BODY}))
    };
    let own = call().header("Authorization", format!("Bearer {OWN_TOKEN}"));
    for call in [call(), own] {
        run.result(call.send().await);
    }
    let renewed = sandbox.rotate_secret();
    run.add_secret("the sandbox's new secret", renewed.expose_secret());
    run.debug(sandbox);
    run.debug(&sandbox.client_secret());
    sandbox.revoke_access_tokens();
    let error = api.get("/api/v2/organizations/me").send().await;
    run.error(&error.unwrap_err());
}

/// Error responses on the wire.
async fn rejects(run: &mut Run, sandbox: &Sandbox) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = |grant: &str| {
        let form = format!("grant_type={grant}&code={OWN_TOKEN}&assertion={BODY}");
        token_request(sandbox, form)
    };
    let call = |path: &str| {
        let call = http.post(format!("{}/api/v2/{path}?q={QUERY}", sandbox.url()));
        call.bearer_auth(OWN_TOKEN).header("Cookie", COOKIE)
    };
    for request in [
        ask("client_credentials"),
        ask("authorization_code"),
        ask(SECRET),
        call("oauth/clients").body(BODY),
        call("users").body(BODY),
        call("nowhere").body(BODY),
    ] {
        let reply = request.send().await.unwrap();
        assert!(reply.status().is_client_error(), "{reply:?}");
        run.debug(&(reply.status(), reply.headers().clone()));
        run.debug(&reply.text().await.unwrap());
    }
}

/// Users, their logins, and the requests that are recorded.
async fn logs_in(run: &mut Run) {
    let builder = Sandbox::builder()
        .client(CLIENT_ID, SECRET)
        .code_client(["http://localhost"])
        .password("passw0rd-of-all-users")
        .refresh_tokens(RefreshTokens::Reusable);
    run.add_secret("the users' password", "passw0rd-of-all-users");
    run.debug(&builder);
    run.debug(&RefreshTokens::Reusable);
    let sandbox = builder.start().await.unwrap();
    let user = sandbox.users().remove(0);
    run.debug(&user);
    run.debug(&user.password());
    run.debug(&SandboxListing::new(["item"]));
    let url = format!(
        "{}/oauth/authorize?response_type=code&client_id={CLIENT_ID}\
         &redirect_uri=http://localhost&state={QUERY}",
        sandbox.url()
    );
    let callback = sandbox.log_in(&url, &user).await;
    let code = callback.split(['=', '&']).nth(1).unwrap();
    run.add_secret("a code", code);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let form = format!("grant_type=authorization_code&code={code}&redirect_uri=http://localhost");
    let response = token_request(&sandbox, form).send().await.unwrap();
    let tokens = response.text().await.unwrap();
    let tokens: Value = serde_json::from_str(&tokens).unwrap();
    for name in ["access_token", "refresh_token"] {
        run.add_secret("a user's token", tokens[name].as_str().unwrap());
    }
    // Logins of unknown users or at other addresses panic.
    let foreign = Sandbox::start().await.unwrap().users().remove(0);
    let elsewhere = format!("http://x/?code={code}");
    for (url, user) in [(&url, &foreign), (&elsewhere, &user)] {
        assert!(tokio::spawn(sandbox.log_in(url, user)).await.is_err());
    }
    let from = http.get(format!("{}/logout", sandbox.url()));
    from.header("Referer", &callback).send().await.unwrap();
    run.debug(&sandbox);
    for request in sandbox.requests() {
        for cookie in request.headers().get_all("Cookie") {
            let (_, id) = cookie.to_str().unwrap().split_once('=').unwrap();
            run.add_secret("a browser's cookie", id);
        }
        run.debug(&request);
    }
}

/// An assertion that is accepted and then rejected.
async fn sends_assertions(run: &mut Run) {
    let builder = Sandbox::builder().client(CLIENT_ID, SECRET);
    let builder = builder.saml_client("https://app.example/saml");
    let sandbox = builder.start().await.unwrap();
    let assertions = sandbox.assertions(&sandbox.users()[0]);
    run.debug(&assertions);
    let assertion = assertions.saml_response();
    let xml = String::from_utf8(STANDARD.decode(&assertion).unwrap()).unwrap();
    let signature = xml.split("<ds:SignatureValue>").nth(1).unwrap();
    run.add_secret("an assertion's signature", &signature[..60]);
    let assertion: String = byte_serialize(assertion.as_bytes()).collect();
    for status in [200, 400] {
        let grant = "urn:ietf:params:oauth:grant-type:saml2-bearer";
        let form = format!("grant_type={grant}&orgName=sandbox&assertion={assertion}");
        let response = token_request(&sandbox, form).send().await.unwrap();
        assert_eq!(response.status(), status);
        run.debug(&response.headers().clone());
        let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        match body["access_token"].as_str() {
            Some(token) => run.add_secret("an asserted user's token", token),
            None => run.debug(&body),
        }
    }
    run.requests(&sandbox);
}

/// A request of the sandbox's client with this form.
fn token_request(sandbox: &Sandbox, form: String) -> reqwest::RequestBuilder {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.post(format!("{}/oauth/token", sandbox.url()));
    let request = request.header("Content-Type", "application/x-www-form-urlencoded");
    request.basic_auth(CLIENT_ID, Some(SECRET)).body(form)
}

/// Each fault, with secrets in its response.
async fn faults(run: &mut Run, sandbox: &Sandbox) {
    let response = FaultResponse::new(418).header("Set-Cookie", COOKIE);
    let response = response.body(OWN_TOKEN);
    run.debug(&response);
    let scope = sandbox.at_api().path("/api/v2/users/me").times(1);
    run.debug(&scope);
    run.debug(&scope.respond(response));
    sandbox.at_api().times(1).cut_body();
    sandbox.at_api().times(1).drop_response();
    sandbox.at_api().times(1).delay(Duration::from_millis(1));
    let own = client_of(sandbox);
    for _ in 0..4 {
        run.result(own.get("/api/v2/users/me").send().await);
    }
    let gate = sandbox.at_api().gate();
    let held = own.get("/api/v2/users/me").timeout(SHORT);
    run.error(&held.send().await.unwrap_err());
    run.debug(&gate);
    gate.release();
}

/// Mistakes of a test.
async fn panics(run: &mut Run) {
    run.panic(|| FaultResponse::new(9_999));
    run.panic(|| FaultResponse::new(200).header(SECRET, SECRET));
    run.panic(|| FaultResponse::new(200).header("X-Test", &format!("{SECRET}\n")));
    let bad = Sandbox::builder().client(CLIENT_ID, format!("{SECRET}\n\n"));
    let bad = bad.start().await.unwrap();
    run.panic(|| bad.client_credentials());
}
