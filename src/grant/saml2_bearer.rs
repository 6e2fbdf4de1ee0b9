//! The SAML2 bearer grant: exchanges a SAML assertion for a token (RFC 7522).

use std::fmt;

use secrecy::SecretString;

use super::client_id;
use crate::{
    assertion::{Assertion, Encoding, ParsedAssertion},
    error::Error,
    outside_text::clean,
    secret::ClientSecret,
    token_endpoint::{BasicAuth, ClientAuth, TokenRequest},
};

/// A client that exchanges a user's SAML assertion for that user's token.
///
/// There is no refresh token. Near the end of the token, the source of the assertion is asked for
/// the next one. An assertion is checked before it is sent, so that one that cannot succeed is
/// rejected early; only the server verifies it.
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
/// let grant = Saml2Bearer::new("my-client-id", "my-client-secret", "my-org", assertion)?;
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
    encoding: Encoding,
}

impl Saml2Bearer {
    /// Uses a client with the grant type *SAML2 Bearer*, the short name of the user's organisation,
    /// and the source of assertions.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for an id, a secret or a short
    /// name that is empty, too long or contains a character that is not allowed;
    /// [`ErrorKind::Assertion`](crate::ErrorKind::Assertion) for an assertion, given
    /// as a value, that cannot get a token.
    pub fn new(
        client_id: impl Into<String>,
        secret: impl Into<ClientSecret>,
        org_short_name: impl Into<String>,
        assertion: impl Into<Assertion>,
    ) -> Result<Self, Error> {
        let (client_id, secret) = (self::client_id(&client_id.into())?, secret.into());
        let (org_short_name, assertion) = (org_short_name.into(), assertion.into());
        secret.check()?;
        let org_short_name = checked_org(&org_short_name)?.to_owned();
        if let Some(raw) = assertion.value() {
            ParsedAssertion::parse(raw)?;
        }
        Ok(Self {
            client_id,
            secret,
            org_short_name,
            assertion,
            identity: None,
            encoding: Encoding::default(),
        })
    }

    /// Names the user of the assertions, by a name that the app chooses, such as an account's id or
    /// an e-mail address. A store needs it, so that one user never gets another one's token. Do not
    /// read it from an assertion, since nothing has verified that.
    pub fn identity(mut self, name: impl Into<String>) -> Self {
        self.identity = Some(name.into());
        self
    }

    /// Sends the `Assertion` alone in base64url, as RFC 7522 requires. The default is the whole
    /// document in base64, as in Genesys Cloud's sample. The assertion must then be signed itself: a
    /// provider of one, given as a value, of which only the Response is signed cannot be built.
    pub fn rfc7522(mut self) -> Self {
        self.encoding = Encoding::Rfc7522;
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

    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Returns the user's name, or an error if there is none.
    pub(crate) fn identity_for_store(&self) -> Result<&str, Error> {
        let identity = self.identity.as_deref().unwrap_or_default();
        if identity.is_empty() {
            return Err(Error::configuration(
                "with a store, name the user of the assertions: `Saml2Bearer::identity`; without a \
                 name, one user could get another one's token",
            ));
        }
        Ok(identity)
    }

    /// Checks that an assertion that was given as a value can be sent in its form.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if let Some(raw) = self.assertion.value() {
            ParsedAssertion::parse(raw)?.encode(self.encoding)?;
        }
        Ok(())
    }

    /// The request for a token.
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

/// Leaves out the user's name.
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

/// Returns the short name without what may be around it.
fn checked_org(given: &str) -> Result<&str, Error> {
    let check = || {
        let short_name = clean(given)?;
        if short_name.is_empty() {
            Err("is empty")
        } else if short_name.len() > MAX_SHORT_NAME_BYTES {
            Err("is longer than 255 bytes")
        } else if !short_name.chars().all(is_short_name_character) {
            Err("contains a space or a punctuation mark; pass the short name and not the name")
        } else {
            Ok(short_name)
        }
    };
    check().map_err(|fault| Error::configuration(format!("the organisation's short name {fault}")))
}

fn is_short_name_character(c: char) -> bool {
    c.is_alphanumeric() || "-_.".contains(c)
}

/// RFC 7522 2.1.
const SAML2_BEARER: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";

const MAX_SHORT_NAME_BYTES: usize = 255;
