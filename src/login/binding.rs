//! What a login is bound to, and the URL of its login page. The only file that names `oauth2`.

use oauth2::{AuthUrl, ClientId, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    error::Error,
    grant::AuthorizationCode,
    region::{Region, url_under},
};

/// The region, client, redirect URI, organisation and identity provider of a login. Only a login
/// with the same ones may finish it.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LoginBinding {
    authorize_endpoint: AuthUrl,
    api_url: Url,
    client_id: ClientId,
    redirect_uri: RedirectUrl,
    org: Option<String>,
    identity_provider: Option<String>,
    target_org: Option<String>,
}

impl LoginBinding {
    pub(super) fn new(
        region: &Region,
        app: &AuthorizationCode,
        redirect_uri: &str,
    ) -> Result<Self, Error> {
        let (org, identity_provider) = app.org_and_provider().unzip();
        let redirect_uri = RedirectUrl::new(redirect_uri.to_owned())
            .map_err(|_| Error::configuration("the redirect URI is not a URL"))?;
        Ok(Self {
            authorize_endpoint: AuthUrl::from_url(url_under(
                region.login_url(),
                "/oauth/authorize",
            )),
            api_url: region.api_url().clone(),
            client_id: ClientId::new(app.client_id().to_owned()),
            redirect_uri,
            org: org.map(str::to_owned),
            identity_provider: identity_provider.map(str::to_owned),
            target_org: app.target().map(str::to_owned),
        })
    }

    /// The redirect URI, as the login page received it.
    pub(super) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// The login page's URL. `verifier` must have the length that PKCE allows.
    ///
    /// Source: RFC 6749 4.1.1, RFC 7636 4.3; Genesys Cloud Developer Center, "Additional
    /// parameters".
    pub(super) fn authorize_url(
        &self,
        app: &AuthorizationCode,
        state: &SecretString,
        verifier: &SecretString,
    ) -> Url {
        // This type does not wipe its copy, so it lives no longer than this call.
        let verifier = PkceCodeVerifier::new(verifier.expose_secret().to_owned());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        let optional = [
            ("org", self.org.as_deref()),
            ("provider", self.identity_provider.as_deref()),
            ("prompt", app.prompts().then_some("login")),
            ("login_hint", app.hint()),
            ("target", self.target_org.as_deref()),
        ];
        let mut url = self.authorize_endpoint.url().clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("state", state.expose_secret())
            .append_pair("code_challenge", challenge.as_str())
            .append_pair("code_challenge_method", challenge.method().as_str())
            .extend_pairs(
                optional
                    .iter()
                    .filter_map(|(name, value)| Some((name, (*value)?))),
            );
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const START: &str = "https://login.mypurecloud.ie/oauth/authorize?response_type=code\
        &client_id=an-id&redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fcb&state=st\
        &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

    fn url_of(app: &AuthorizationCode) -> String {
        let binding = LoginBinding::new(&Region::EuWest1, app, "http://localhost:1/cb").unwrap();
        let url = binding.authorize_url(app, &"st".into(), &VERIFIER.into());
        url.to_string()
    }

    #[test]
    fn login_page_receives_the_settings_and_nothing_else() {
        let app = AuthorizationCode::public("an-id", "http://localhost/cb").unwrap();
        assert_eq!(url_of(&app), START);
        let app = app
            .identity_provider("acme", "okta")
            .login_hint("a b\" & calc $(x)")
            .prompt_login()
            .target_org("org-2");
        app.check().unwrap();
        let rest = "&org=acme&provider=okta&prompt=login\
            &login_hint=a+b%22+%26+calc+%24%28x%29&target=org-2";
        assert_eq!(url_of(&app), format!("{START}{rest}"));
    }
}
