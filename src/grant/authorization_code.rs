//! The authorization code grant with PKCE, for users (RFC 6749 4.1, RFC 7636).

use std::{fmt, sync::Arc};

use secrecy::SecretString;

use self::redirect_uri::RedirectUri;
use super::client_id;
use crate::{
    error::Error,
    secret::ClientSecret,
    token_endpoint::{BasicAuth, ClientAuth, TokenRequest},
};

pub(crate) mod redirect_uri;

/// An OAuth client that users log in with, and its redirect URI.
///
/// Only a `Login` makes a [`TokenProvider`](crate::TokenProvider) from it, so that a code is always
/// bound to the login that started it.
///
/// In Genesys Cloud the client has the grant type *Code Authorization*, and the redirect URI is one of
/// its authorized redirect URIs (Admin → Integrations → OAuth).
///
/// The redirect URI is sent exactly as given, since Genesys Cloud compares it with the registered ones
/// letter by letter. It is `https`, or `http` on `localhost`, `127.0.0.1` or `[::1]`, and has neither
/// a user nor a fragment. On these hosts a URI without a port matches every port, and the listener
/// chooses one. Custom schemes (`myapp:/callback`) are rejected: Genesys Cloud does not document them,
/// and a program without a web server can use loopback.
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
    /// A client of a program that cannot keep a secret, for example on users' machines.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for an id that is empty, too
    /// long or contains a colon, a space or a control character, and for an invalid redirect URI.
    pub fn public(client_id: impl Into<String>, redirect_uri: &str) -> Result<Self, Error> {
        Self::new(&client_id.into(), None, redirect_uri)
    }

    /// A client of a program that keeps its secret, as a web application does. PKCE protects its
    /// codes as well.
    ///
    /// # Errors
    /// The errors of [`public`](Self::public), and
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for a secret that is empty, too
    /// long or contains control characters.
    pub fn confidential(
        client_id: impl Into<String>,
        secret: impl Into<ClientSecret>,
        redirect_uri: &str,
    ) -> Result<Self, Error> {
        Self::new(&client_id.into(), Some(secret.into()), redirect_uri)
    }

    fn new(
        client_id: &str,
        secret: Option<ClientSecret>,
        redirect_uri: &str,
    ) -> Result<Self, Error> {
        let client_id = self::client_id(client_id)?;
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

    /// Skips the login page and goes to an identity provider of the organisation `org`, such as
    /// `okta`, `adfs`, `salesforce`, `onelogin`, `gsuite` or `ping`. Neither may be empty.
    pub fn identity_provider(
        mut self,
        org: impl Into<String>,
        provider: impl Into<String>,
    ) -> Self {
        Arc::make_mut(&mut self.0).identity_provider = Some((org.into(), provider.into()));
        self
    }

    /// Fills in the login page: an e-mail address, an organisation's name, or both as
    /// `email:orgName`. It may not be empty.
    pub fn login_hint(mut self, hint: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.0).login_hint = Some(hint.into());
        self
    }

    /// Asks for the user's password even if a user is logged in. A stored login is not used then.
    pub fn prompt_login(mut self) -> Self {
        Arc::make_mut(&mut self.0).prompt_login = true;
        self
    }

    /// Logs in to the organisation with this id, which admits users of other organisations. It may not
    /// be empty.
    pub fn target_org(mut self, id: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.0).target_org = Some(id.into());
        self
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.0.client_id
    }

    /// `None` for a public client.
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

    pub(crate) fn hint(&self) -> Option<&str> {
        self.0.login_hint.as_deref()
    }

    /// Checks that no optional setting is empty.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let (org, provider) = self.org_and_provider().unzip();
        let settings = [
            (org, "the organisation of the identity provider is empty"),
            (provider, "the identity provider is empty"),
            (self.hint(), "the login hint is empty"),
            (self.target(), "the id of the organisation is empty"),
        ];
        match settings.iter().find(|(setting, _)| *setting == Some("")) {
            Some((_, what)) => Err(Error::configuration(*what)),
            None => Ok(()),
        }
    }

    /// The request that exchanges a code for tokens (RFC 6749 4.1.3, RFC 7636 4.5). The fields have
    /// the order of Genesys Cloud's SDKs.
    pub(crate) fn exchange(&self, secret: Option<SecretString>, code: &CodeGrant) -> TokenRequest {
        let CodeGrant {
            code,
            verifier,
            redirect_uri,
        } = code;
        let fields = [
            ("grant_type", "authorization_code".into()),
            ("code", code.clone()),
            ("code_verifier", verifier.clone()),
        ];
        let redirect_uri = ("redirect_uri", redirect_uri.as_str().into());
        self.request(secret, fields, [redirect_uri])
    }

    /// The request that exchanges a refresh token for new tokens (RFC 6749 6).
    pub(crate) fn refresh(
        &self,
        secret: Option<SecretString>,
        refresh_token: SecretString,
    ) -> TokenRequest {
        let fields = [
            ("grant_type", "refresh_token".into()),
            ("refresh_token", refresh_token),
        ];
        self.request(secret, fields, [])
    }

    /// A client without a secret is named in the form, between `first` and `last`.
    fn request(
        &self,
        secret: Option<SecretString>,
        first: impl IntoIterator<Item = Field>,
        last: impl IntoIterator<Item = Field>,
    ) -> TokenRequest {
        let client_id = self.0.client_id.clone();
        let (auth, named) = match secret {
            Some(secret) => (ClientAuth::Basic(BasicAuth { client_id, secret }), None),
            None => (ClientAuth::Public, Some(("client_id", client_id.into()))),
        };
        let form = first.into_iter().chain(named).chain(last);
        TokenRequest {
            auth,
            form: form.collect(),
        }
    }
}

type Field = (&'static str, SecretString);

/// What the login page returned for a login, and what proves that it is the same login.
pub(crate) struct CodeGrant {
    pub(crate) code: SecretString,
    pub(crate) verifier: SecretString,
    /// The redirect URI, as the login page received it.
    pub(crate) redirect_uri: String,
}

/// Without organisation, login hint and target.
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
