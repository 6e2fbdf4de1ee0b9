//! Users who log in at the sandbox.

use genesys_cloud_auth::{Login, TokenProvider, sandbox::Sandbox};
use url::Url;

/// The callback after the sandbox's first user has logged in at this page.
pub async fn callback_of(sandbox: &Sandbox, authorize_url: &Url) -> String {
    let user = &sandbox.users()[0];
    sandbox.log_in(authorize_url.as_str(), user).await
}

/// Logs the sandbox's first user in, as a web application does, and stores the login as `name`.
pub async fn log_in(sandbox: &Sandbox, login: &Login, name: &str) -> TokenProvider {
    let pending = login.begin().unwrap();
    let callback = callback_of(sandbox, pending.authorize_url()).await;
    login.finish(pending, &callback, name).await.unwrap()
}

/// The value of a URL's parameter.
pub fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(given, _)| given == name);
    found.map(|(_, value)| value.into_owned())
}
