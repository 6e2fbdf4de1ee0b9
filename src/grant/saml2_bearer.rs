//! The grant of single sign-on: a SAML assertion for a token (RFC 7522).

use std::fmt;

use secrecy::SecretString;

use super::check_client_id;
use crate::{
    assertion::{Assertion, Form, read},
    error::Error,
    secret::ClientSecret,
    token_endpoint::{BasicAuth, ClientAuth, TokenRequest},
};

/// A client that hands in a SAML assertion of the user it acts for, and gets that user's token.
///
/// No refresh token comes with it: near the token's end the assertion's source is asked again. What
/// an assertion says is the server's to judge, its signature above all; it is read here only to
/// tell what cannot succeed before it is sent.
///
/// ```no_run
/// use genesys_cloud_auth::{Assertion, Region, Saml2Bearer, TokenProvider};
/// # struct Idp;
/// # impl Idp { async fn assertion(&self) -> Result<String, std::io::Error> { Ok(String::new()) } }
///
/// # async fn example(idp: std::sync::Arc<Idp>) -> Result<(), genesys_cloud_auth::Error> {
/// let assertion = Assertion::from_fn(move || {
///     let idp = idp.clone();
///     async move { Ok(idp.assertion().await?.into()) }
/// });
/// let grant = Saml2Bearer::new("the client id", "the client secret", "my-org", assertion)?;
/// let tokens = TokenProvider::new(Region::EuWest1, grant)?;
/// let token = tokens.token().await?;
/// # Ok(())
/// # }
/// ```
///
/// Source: RFC 7522; Genesys Cloud's sample `saml2bearer-oauth-example`.
#[derive(Clone)]
pub struct Saml2Bearer {
    client_id: String,
    secret: ClientSecret,
    org_short_name: String,
    assertion: Assertion,
    identity: Option<String>,
    form: Form,
}

impl Saml2Bearer {
    /// A client with the grant type *SAML2 Bearer*, the short name of the user's organisation, and
    /// where assertions come from.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for an id, a secret or a short
    /// name that is empty, too long or holds what none can;
    /// [`ErrorKind::Assertion`](crate::ErrorKind::Assertion) for an assertion, given
    /// as a value, that can get no token.
    pub fn new(
        client_id: impl Into<String>,
        secret: impl Into<ClientSecret>,
        org_short_name: impl Into<String>,
        assertion: impl Into<Assertion>,
    ) -> Result<Self, Error> {
        let (client_id, secret) = (client_id.into(), secret.into());
        let (org_short_name, assertion) = (org_short_name.into(), assertion.into());
        check_client_id(&client_id)?;
        secret.check()?;
        check_org(&org_short_name)?;
        if let Some(given) = assertion.value() {
            read(given)?;
        }
        Ok(Self {
            client_id,
            secret,
            org_short_name,
            assertion,
            identity: None,
            form: Form::default(),
        })
    }

    /// Whose assertions they are, in the app's own words: an account's id, an e-mail address. With a
    /// store it has to be said, since one user's token must not be found for another. Never take it
    /// out of an assertion: nobody has verified that.
    pub fn identity(mut self, name: impl Into<String>) -> Self {
        self.identity = Some(name.into());
        self
    }

    /// Sends what RFC 7522 asks for, the one `Assertion` in base64url, instead of the whole document
    /// in standard base64, as Genesys Cloud's sample does.
    pub fn rfc7522(mut self) -> Self {
        self.form = Form::Rfc7522;
        self
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    pub(crate) fn secret(&self) -> &ClientSecret {
        &self.secret
    }

    pub(crate) fn org_short_name(&self) -> &str {
        &self.org_short_name
    }

    pub(crate) fn assertion(&self) -> &Assertion {
        &self.assertion
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// Whose it is, for a store.
    ///
    /// # Errors
    /// It was not said.
    pub(crate) fn identity_for_store(&self) -> Result<&str, Error> {
        let identity = self.identity.as_deref().unwrap_or_default();
        if identity.is_empty() {
            return Err(Error::configuration(
                "with a store, say whose assertions these are: `Saml2Bearer::identity`; one user's \
                 token could be found for another otherwise",
            ));
        }
        Ok(identity)
    }

    /// What goes to the token endpoint.
    pub(crate) fn request(&self, secret: SecretString, assertion: SecretString) -> TokenRequest {
        TokenRequest {
            auth: ClientAuth::Basic(BasicAuth {
                client_id: self.client_id.clone(),
                secret,
            }),
            form: vec![
                ("grant_type", SAML2_BEARER.into()),
                ("orgName", self.org_short_name.as_str().into()),
                ("assertion", assertion),
            ],
        }
    }
}

/// Without whom it is for.
impl fmt::Debug for Saml2Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Saml2Bearer")
            .field("client_id", &self.client_id)
            .field("secret", &self.secret)
            .field("org_short_name", &self.org_short_name)
            .field("assertion", &self.assertion)
            .finish_non_exhaustive()
    }
}

fn check_org(short_name: &str) -> Result<(), Error> {
    let what = if short_name.is_empty() {
        "the organisation's short name is empty"
    } else if short_name.len() > MOST_BYTES {
        "the organisation's short name is longer than 255 bytes"
    } else if !short_name.chars().all(may_be_in_short_name) {
        "this is no organisation's short name: it holds a space or a mark"
    } else {
        return Ok(());
    };
    Err(Error::configuration(what))
}

fn may_be_in_short_name(c: char) -> bool {
    c.is_alphanumeric() || "-_.".contains(c)
}

/// RFC 7522 2.1.
const SAML2_BEARER: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";

const MOST_BYTES: usize = 255;
