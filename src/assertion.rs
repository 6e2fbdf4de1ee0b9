//! Where a SAML assertion comes from, each time one is needed, and a look at it before it is sent.

mod content;
mod document;
mod encode;
mod given;
mod namespaces;
mod scan;
mod tag;
mod time;

use std::{fmt, future::Future};

use secrecy::SecretString;

pub(crate) use document::{Looked, read};
pub(crate) use encode::Form;
pub(crate) use given::Given;

use content::{Content, Found};
use given::BYTE_ORDER_MARK;
use namespaces::{Namespace, Namespaces};
use scan::scan_xml;
use tag::{Tag, is_character, is_name};
use time::date_time;

use crate::{async_source::AsyncSource, error::Error};

/// A SAML 2.0 assertion, or whom to ask for a fresh one each time a token is needed.
///
/// It may be given as XML (an `Assertion`, or the whole `Response` of the identity provider), or
/// as base64 of either alphabet, with or without padding and line breaks: so the value of
/// `SAMLResponse` that an identity provider posts is given as it is. XML that is not in a `String`
/// comes as bytes.
///
/// An assertion is good once, and for minutes. A closure is asked again when the token nears its
/// end; a value is good for one token.
///
/// ```
/// use genesys_cloud_auth::Assertion;
///
/// # async fn ask_the_identity_provider() -> Result<String, std::io::Error> { Ok(String::new()) }
/// let posted = Assertion::from("PHNhbWxwOlJlc3BvbnNlIC4uLg==");
/// let asked = Assertion::from_fn(|| async { Ok(ask_the_identity_provider().await?.into()) });
/// ```
///
/// It is looked at before it is sent, so that one that cannot be accepted is told early and
/// clearly: at most 512 KiB of XML in UTF-8, with no document type, that hold one assertion, signed
/// and not encrypted. Nothing that is read there is believed: it decides whether to send, and the
/// signature is for the server to check.
///
/// Source: SAML Core 2.0; RFC 7522.
#[derive(Clone)]
pub struct Assertion(Source);

#[derive(Clone)]
enum Source {
    Value(Given),
    Fn(AsyncSource<Assertion>),
}

impl Assertion {
    /// Asks a closure, whose answer may have any form that an assertion is given in. An error, a
    /// panic, or an answer that takes longer than 10 seconds counts as a transient failure.
    pub fn from_fn<F, Fut>(source: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Self, Box<dyn std::error::Error + Send + Sync>>>
            + Send
            + 'static,
    {
        Self(Source::Fn(AsyncSource::new(source)))
    }

    /// What is known already.
    pub(crate) fn value(&self) -> Option<&Given> {
        match &self.0 {
            Source::Value(given) => Some(given),
            Source::Fn(_) => None,
        }
    }

    /// Asks for the assertion. May block, hang or panic, as its source does.
    pub(crate) async fn ask(self) -> Result<Given, Error> {
        let mut source = self.0;
        loop {
            source = match source {
                Source::Value(given) => return Ok(given),
                Source::Fn(closure) => {
                    closure
                        .get()
                        .await
                        .map_err(|error| {
                            Error::credential_source(
                                "the source of the SAML assertion failed",
                                Some(error),
                            )
                        })?
                        .0
                }
            }
        }
    }
}

impl From<SecretString> for Assertion {
    fn from(assertion: SecretString) -> Self {
        Self(Source::Value(assertion.into()))
    }
}

impl From<String> for Assertion {
    fn from(assertion: String) -> Self {
        Self(Source::Value(assertion.into_bytes().into()))
    }
}

impl From<&str> for Assertion {
    fn from(assertion: &str) -> Self {
        Self(Source::Value(assertion.into()))
    }
}

impl From<Vec<u8>> for Assertion {
    fn from(assertion: Vec<u8>) -> Self {
        Self(Source::Value(assertion.into()))
    }
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::Value(_) => "Assertion([redacted])",
            Source::Fn(_) => "Assertion(from a closure)",
        })
    }
}

#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;
