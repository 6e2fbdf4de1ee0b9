//! Where a SAML assertion comes from each time one is needed, and its checks before it is sent.

mod checks;
mod encoding;
mod outgoing;
mod xml;

use std::{fmt, future::Future};

use secrecy::SecretString;

pub(crate) use checks::ParsedAssertion;
pub(crate) use encoding::RawAssertion;
pub(crate) use outgoing::Encoding;

use crate::{async_source::AsyncSource, error::Error};

/// A SAML 2.0 assertion, or a closure that returns a fresh one each time a token is needed.
///
/// An assertion can be given as XML (an `Assertion`, or the identity provider's whole `Response`),
/// or as base64 or base64url of it, with or without padding and line breaks. So the value of
/// `SAMLResponse` that an identity provider posts can be passed as it is. XML in another type than
/// a string is passed as bytes.
///
/// An assertion can be used once, and only for minutes. A closure is called again when the token
/// nears its end; a value gets one token.
///
/// ```
/// use genesys_cloud_auth::Assertion;
///
/// # async fn ask_identity_provider() -> Result<String, std::io::Error> { Ok(String::new()) }
/// let posted = Assertion::from("PHNhbWxwOlJlc3BvbnNlIC4uLg==");
/// let requested = Assertion::from_fn(|| async { Ok(ask_identity_provider().await?.into()) });
/// ```
///
/// An assertion is checked before it is sent, so that an error names what is wrong with one that
/// cannot be accepted: it must be at most 512 KiB of XML in UTF-8, without a document type, and
/// contain one assertion that is signed and not encrypted. The checks decide only whether the
/// assertion is sent. They do not verify the signature; the server does.
///
/// Source: SAML Core 2.0; RFC 7522.
#[derive(Clone)]
pub struct Assertion(AssertionSource);

#[derive(Clone)]
enum AssertionSource {
    Value(RawAssertion),
    Fn(AsyncSource<Assertion>),
}

impl Assertion {
    /// Calls a closure, which may return an assertion in any form. An error, a panic, or a future
    /// that takes longer than 10 seconds counts as a transient failure.
    pub fn from_fn<F, Fut>(source: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Self, Box<dyn std::error::Error + Send + Sync>>>
            + Send
            + 'static,
    {
        Self(AssertionSource::Fn(AsyncSource::new(source)))
    }

    /// Returns an assertion that was given as a value.
    pub(crate) fn value(&self) -> Option<&RawAssertion> {
        match &self.0 {
            AssertionSource::Value(raw) => Some(raw),
            AssertionSource::Fn(_) => None,
        }
    }

    /// Reads the assertion. May block, hang or panic where its source does.
    pub(crate) async fn read(self) -> Result<RawAssertion, Error> {
        let mut source = self.0;
        loop {
            source = match source {
                AssertionSource::Value(raw) => return Ok(raw),
                AssertionSource::Fn(closure) => {
                    let assertion = closure.get().await.map_err(|error| {
                        Error::credential_source(
                            "the source of the SAML assertion failed (check what its closure asks)",
                            Some(error),
                        )
                    })?;
                    assertion.0
                }
            }
        }
    }
}

impl From<SecretString> for Assertion {
    fn from(assertion: SecretString) -> Self {
        Self(AssertionSource::Value(assertion.into()))
    }
}

impl From<String> for Assertion {
    fn from(assertion: String) -> Self {
        assertion.into_bytes().into()
    }
}

impl From<&str> for Assertion {
    fn from(assertion: &str) -> Self {
        Self(AssertionSource::Value(assertion.into()))
    }
}

impl From<Vec<u8>> for Assertion {
    fn from(assertion: Vec<u8>) -> Self {
        Self(AssertionSource::Value(assertion.into()))
    }
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            AssertionSource::Value(_) => "Assertion([redacted])",
            AssertionSource::Fn(_) => "Assertion(from a closure)",
        })
    }
}

#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;
