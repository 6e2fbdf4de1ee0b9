//! What goes out.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::Looked;
use crate::error::{AssertionFault, InvalidAssertion};

/// How an assertion is sent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Form {
    /// The whole document as it was given, in base64: as an identity provider posts it.
    #[default]
    Document,
    /// The assertion alone, in base64url without padding (RFC 7522 2.1).
    Rfc7522,
}

impl Looked {
    /// What goes to the token endpoint. The XML stays as its maker wrote it, so that its signature
    /// holds.
    pub(crate) fn encode(&self, form: Form) -> Result<SecretString, InvalidAssertion> {
        let encoded = match form {
            Form::Document => STANDARD.encode(self.xml.as_slice()),
            Form::Rfc7522 => URL_SAFE_NO_PAD.encode(self.alone()?),
        };
        Ok(encoded.into())
    }

    /// The assertion without its Response. What differs are the namespaces that it was in there,
    /// put into its start tag: so is it canonicalized as before, either way (Canonical XML 1.0;
    /// Exclusive Canonical XML 1.0, which passes over those that are not used).
    pub(super) fn alone(&self) -> Result<Zeroizing<Vec<u8>>, InvalidAssertion> {
        let part = &self.found.assertion;
        if !part.signed {
            return Err(AssertionFault::SignedOutside.into());
        }
        if part.inherits_xml {
            return Err(AssertionFault::InheritsXml.into());
        }
        let bytes = self.assertion();
        let (name, rest) = bytes
            .split_at_checked(part.name_length)
            .unwrap_or((bytes, &[]));
        let mut alone = Zeroizing::new(Vec::with_capacity(bytes.len() + part.inherited.len()));
        for piece in [name, part.inherited.as_bytes(), rest] {
            alone.extend_from_slice(piece);
        }
        Ok(alone)
    }
}
