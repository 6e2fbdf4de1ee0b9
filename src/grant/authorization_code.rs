//! The grant of users: a code from the login page, with PKCE (RFC 6749 4.1, RFC 7636).

use std::{fmt, sync::Arc};

use secrecy::SecretString;
use url::Url;

use self::redirect_uri::RedirectUri;
use super::check_client_id;
use crate::{
    error::Error,
    region::{Region, url_under},
    secret::ClientSecret,
    token_endpoint::{BasicAuth, ClientAuth, TokenRequest},
};

pub(crate) mod redirect_uri;

/// An OAuth client that users log in with, and where the login page sends them back to.
///
/// It becomes a [`TokenProvider`](crate::TokenProvider) by a `Login` only: a code and a
/// refresh token are nobody's business but that of whoever began the login.
///
/// In Genesys Cloud the client has the grant type *Code Authorization*, and the redirect URI is one of
/// its authorized ones (Admin → Integrations → OAuth).
///
/// The redirect URI is sent as it is written here, since Genesys Cloud compares it with the
/// registered ones letter by letter. It is `https`, or `http` on `localhost`, `127.0.0.1` or
/// `[::1]`, and holds neither a user nor a fragment. On those a URI without a port stands for any
/// port, which the listener chooses. Schemes of an app's own (`myapp:/callback`) are refused: nothing
/// says that Genesys Cloud takes them, and a program without a web server has loopback.
///
/// Source: RFC 6749 4.1; RFC 7636; RFC 8252 7.3; Genesys Cloud Developer Center, "Authorization".
#[derive(Clone)]
pub struct AuthorizationCode(Arc<Settings>);

#[derive(Clone)]
struct Settings {
    client_id: String,
    secret: Option<ClientSecret>,
    redirect_uri: RedirectUri,
    identity_provider: Option<(String, String)>,
    login_hint: Option<String>,
    prompt_login: bool,
    target_org: Option<String>,
}

impl AuthorizationCode {
    /// A client of a program that can keep no secret, on users' machines for instance.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for an id that is empty, too
    /// long or holds a colon, a space or a control character, and for a redirect URI that may not be
    /// used.
    pub fn public(client_id: impl Into<String>, redirect_uri: &str) -> Result<Self, Error> {
        Self::new(client_id.into(), None, redirect_uri)
    }

    /// A client of a program that keeps its secret, as a web application does. PKCE protects its
    /// codes as well.
    ///
    /// # Errors
    /// As [`public`](Self::public), and for a secret that is empty, too long or holds control
    /// characters.
    pub fn confidential(
        client_id: impl Into<String>,
        secret: impl Into<ClientSecret>,
        redirect_uri: &str,
    ) -> Result<Self, Error> {
        Self::new(client_id.into(), Some(secret.into()), redirect_uri)
    }

    fn new(
        client_id: String,
        secret: Option<ClientSecret>,
        redirect_uri: &str,
    ) -> Result<Self, Error> {
        check_client_id(&client_id)?;
        if let Some(secret) = &secret {
            secret.check()?;
        }
        Ok(Self(Arc::new(Settings {
            client_id,
            secret,
            redirect_uri: RedirectUri::new(redirect_uri)?,
            identity_provider: None,
            login_hint: None,
            prompt_login: false,
            target_org: None,
        })))
    }

    /// Leads past the login page to an identity provider of the organisation `org`, such as `okta`,
    /// `adfs`, `salesforce`, `onelogin`, `gsuite` or `ping`. Neither may be empty.
    pub fn identity_provider(
        mut self,
        org: impl Into<String>,
        provider: impl Into<String>,
    ) -> Self {
        Arc::make_mut(&mut self.0).identity_provider = Some((org.into(), provider.into()));
        self
    }

    /// Fills in the login page: an e-mail address, an organisation's name, or both as
    /// `email:orgName`. May not be empty.
    pub fn login_hint(mut self, hint: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.0).login_hint = Some(hint.into());
        self
    }

    /// Wants the user's password, whoever is logged in already. A stored login is not taken then.
    pub fn prompt_login(mut self) -> Self {
        Arc::make_mut(&mut self.0).prompt_login = true;
        self
    }

    /// Logs in to an organisation, by its id, that lets in users of others. May not be empty.
    pub fn target_org(mut self, id: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.0).target_org = Some(id.into());
        self
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.0.client_id
    }

    /// None of a public client.
    pub(crate) fn secret(&self) -> Option<&ClientSecret> {
        self.0.secret.as_ref()
    }

    pub(crate) fn redirect_uri(&self) -> &RedirectUri {
        &self.0.redirect_uri
    }

    /// The organisation and its identity provider.
    pub(crate) fn org_and_provider(&self) -> Option<(&str, &str)> {
        let (org, provider) = self.0.identity_provider.as_ref()?;
        Some((org, provider))
    }

    pub(crate) fn target(&self) -> Option<&str> {
        self.0.target_org.as_deref()
    }

    pub(crate) fn prompts(&self) -> bool {
        self.0.prompt_login
    }

    /// Whether the optional settings hold anything.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let (org, provider) = self.org_and_provider().unzip();
        let settings = [
            (org, "the organisation of the identity provider is empty"),
            (provider, "the identity provider is empty"),
            (self.0.login_hint.as_deref(), "the login hint is empty"),
            (self.target(), "the id of the organisation is empty"),
        ];
        match settings.iter().find(|(setting, _)| *setting == Some("")) {
            Some((_, what)) => Err(Error::configuration(*what)),
            None => Ok(()),
        }
    }

    /// The page where a user logs in.
    ///
    /// Source: RFC 6749 4.1.1, RFC 7636 4.3; Genesys Cloud Developer Center, "Additional
    /// parameters".
    pub(crate) fn authorize_url(
        &self,
        region: &Region,
        redirect_uri: &str,
        state: &str,
        challenge: &str,
    ) -> Url {
        let mut url = url_under(region.login_url(), "/oauth/authorize");
        let (org, provider) = self.org_and_provider().unzip();
        let optional = [
            ("org", org),
            ("provider", provider),
            ("prompt", self.0.prompt_login.then_some("login")),
            ("login_hint", self.0.login_hint.as_deref()),
            ("target", self.target()),
        ];
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.0.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("state", state)
            .append_pair("code_challenge", challenge)
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(
                optional
                    .iter()
                    .filter_map(|(name, value)| Some((name, (*value)?))),
            );
        url
    }

    /// A code for tokens (RFC 6749 4.1.3, RFC 7636 4.5).
    pub(crate) fn exchange(
        &self,
        secret: Option<SecretString>,
        code: SecretString,
        verifier: SecretString,
        redirect_uri: &str,
    ) -> TokenRequest {
        TokenRequest {
            auth: self.auth(secret),
            form: vec![
                ("grant_type", "authorization_code".into()),
                ("code", code),
                ("code_verifier", verifier),
                ("redirect_uri", redirect_uri.into()),
            ],
        }
    }

    /// A refresh token for new tokens (RFC 6749 6).
    pub(crate) fn refresh(
        &self,
        secret: Option<SecretString>,
        refresh_token: SecretString,
    ) -> TokenRequest {
        TokenRequest {
            auth: self.auth(secret),
            form: vec![
                ("grant_type", "refresh_token".into()),
                ("refresh_token", refresh_token),
            ],
        }
    }

    fn auth(&self, secret: Option<SecretString>) -> ClientAuth {
        let client_id = self.0.client_id.clone();
        match secret {
            Some(secret) => ClientAuth::Basic(BasicAuth { client_id, secret }),
            None => ClientAuth::Public { client_id },
        }
    }
}

/// Without whom it is for.
impl fmt::Debug for AuthorizationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationCode")
            .field("client_id", &self.0.client_id)
            .field("secret", &self.0.secret)
            .field("redirect_uri", &self.0.redirect_uri.as_str())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
