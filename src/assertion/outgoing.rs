//! The form in which an assertion is sent.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::checks::ParsedAssertion;
use crate::error::{AssertionFault, InvalidAssertion};

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Encoding {
    /// The whole document as it was given, in base64, as an identity provider posts it.
    #[default]
    Document,
    /// The assertion alone, in base64url without padding (RFC 7522 2.1).
    Rfc7522,
}

impl ParsedAssertion {
    /// Encodes the assertion for the token endpoint. The signed bytes are not changed.
    pub(crate) fn encode(&self, encoding: Encoding) -> Result<SecretString, InvalidAssertion> {
        let encoded = match encoding {
            Encoding::Document => STANDARD.encode(self.xml.as_slice()),
            Encoding::Rfc7522 => URL_SAFE_NO_PAD.encode(self.standalone()?),
        };
        Ok(encoded.into())
    }

    /// Returns the assertion without its Response. The namespaces that it inherits are copied to its
    /// start tag, so that Canonical XML 1.0 and Exclusive Canonical XML 1.0 both yield the same
    /// bytes as before.
    pub(super) fn standalone(&self) -> Result<Zeroizing<Vec<u8>>, InvalidAssertion> {
        let span = &self.info.span;
        if !span.signed {
            return Err(AssertionFault::SignedOutside.into());
        }
        if span.inherits_xml {
            return Err(AssertionFault::InheritsXml.into());
        }
        let bytes = self.assertion();
        let (name, rest) = bytes
            .split_at_checked(span.name_length)
            .unwrap_or((bytes, &[]));
        let mut standalone = Zeroizing::new(Vec::with_capacity(bytes.len() + span.inherited.len()));
        for part in [name, span.inherited.as_bytes(), rest] {
            standalone.extend_from_slice(part);
        }
        Ok(standalone)
    }
}
