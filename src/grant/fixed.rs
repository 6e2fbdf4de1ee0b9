//! A token that somebody else asked for.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::{clock::Clock, error::Error, token::AccessToken};

/// An access token from outside, as `GENESYSCLOUD_ACCESS_TOKEN` holds one. Its life is not known:
/// it is served until the API refuses it, and nothing renews it.
#[derive(Clone)]
pub struct FixedToken(SecretString);

impl FixedToken {
    /// Takes an access token, without `Bearer` before it.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for what cannot be a token: it
    /// is empty, longer than 8192 bytes, or holds other than visible ASCII characters.
    pub fn new(token: impl Into<SecretString>) -> Result<Self, Error> {
        let fixed = Self(token.into());
        fixed.token(&Clock::system())?;
        Ok(fixed)
    }

    pub(crate) fn token(&self, clock: &Clock) -> Result<AccessToken, Error> {
        AccessToken::new(&self.0, clock.now(), None, clock)
            .map_err(|why| Error::configuration(format!("this is no access token: {why}")))
    }
}

impl fmt::Debug for FixedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.0.expose_secret().len();
        write!(f, "FixedToken([redacted, {length} bytes])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_token_fails_at_construction() {
        for bad in ["", "Bearer x", "x\n"] {
            assert!(FixedToken::new(bad).is_err(), "{bad:?}");
        }
        let token = FixedToken::new("sentinel").unwrap();
        assert!(!format!("{token:?}").contains("sentinel"));
    }
}
