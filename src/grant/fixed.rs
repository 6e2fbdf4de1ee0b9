//! A token that the program already has.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::{clock::Clock, error::Error, outside_text::clean, token::AccessToken};

/// An access token that the program already has, such as the one in `GENESYSCLOUD_ACCESS_TOKEN`. Its
/// life is not known: it is used until the API rejects it, and it cannot be renewed.
///
/// It also is a valid token for a program's own tests, without any request:
///
/// ```
/// use genesys_cloud_auth::{FixedToken, Region, TokenProvider};
///
/// let tokens = TokenProvider::new(Region::EuWest1, FixedToken::new("a-token")?)?;
/// assert_eq!(tokens.cached_token().unwrap().expose_secret(), "a-token");
/// # Ok::<_, genesys_cloud_auth::Error>(())
/// ```
#[derive(Clone)]
pub struct FixedToken(SecretString);

impl FixedToken {
    /// Accepts an access token, without `Bearer` before it. One line break at its end is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): the token is empty, longer than
    /// 8192 bytes, contains other than visible ASCII characters, or has something around it that does
    /// not belong to it, such as quotation marks.
    pub fn new(token: impl Into<SecretString>) -> Result<Self, Error> {
        let token = token.into();
        let text = clean(token.expose_secret())
            .map_err(|fault| Error::configuration(format!("the access token {fault}")))?;
        let fixed = Self(text.into());
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
    fn invalid_token_fails_at_construction() {
        for bad in ["", "Bearer x", "x\n\n", "'x'", "x y", "\u{200b}x"] {
            assert!(FixedToken::new(bad).is_err(), "{bad:?}");
        }
        let token = FixedToken::new("\u{feff}x\r\n").unwrap();
        assert_eq!(token.0.expose_secret(), "x");
        let token = FixedToken::new("sentinel").unwrap();
        assert!(!format!("{token:?}").contains("sentinel"));
    }
}
