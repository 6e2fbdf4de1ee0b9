//! The grant of services: a client's own id and secret (RFC 6749 4.4).

use secrecy::SecretString;

use super::client_id;
use crate::{
    error::Error,
    secret::ClientSecret,
    token_endpoint::{BasicAuth, ClientAuth, TokenRequest},
};

/// A client id and its secret, for a service that acts as itself.
///
/// Source: RFC 6749 4.4; Genesys Cloud Resource Center, "Create an OAuth client", grant type
/// *Client Credentials*.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    client_id: String,
    secret: ClientSecret,
}

impl ClientCredentials {
    /// Accepts a client id and its secret, or the source of the secret.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): the id or the secret is empty,
    /// too long, or has something around it that does not belong to it, such as quotation marks; or
    /// the id contains a colon or a space. One line break at the end of either is dropped.
    pub fn new(
        client_id: impl Into<String>,
        secret: impl Into<ClientSecret>,
    ) -> Result<Self, Error> {
        let (client_id, secret) = (self::client_id(&client_id.into())?, secret.into());
        secret.check()?;
        Ok(Self { client_id, secret })
    }

    /// Returns the client id.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    pub(crate) fn secret(&self) -> &ClientSecret {
        &self.secret
    }

    /// Makes the token request.
    pub(crate) fn request(&self, secret: SecretString) -> TokenRequest {
        TokenRequest {
            auth: ClientAuth::Basic(BasicAuth {
                client_id: self.client_id.clone(),
                secret,
            }),
            form: vec![("grant_type", "client_credentials".into())],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn malformed_ids_and_secrets_fail_at_construction() {
        let long = "x".repeat(5_000);
        for (id, secret) in [
            ("", "secret"),
            ("a:b", "secret"),
            ("a b", "secret"),
            ("a\nb", "secret"),
            ("\"a\"", "secret"),
            (long.as_str(), "secret"),
            ("id", ""),
            ("id", "secret\n\n"),
            ("id", "'secret'"),
            ("id", "se\0cret"),
            ("id", long.as_str()),
        ] {
            let error = ClientCredentials::new(id, secret).unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::Configuration(_)),
                "{id:?} {secret:?}"
            );
        }
        let credentials = ClientCredentials::new("\u{feff}id\r\n", "any: other sêcret\n");
        assert_eq!(credentials.unwrap().client_id(), "id");
    }
}
