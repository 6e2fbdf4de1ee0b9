//! The forms in which an assertion can be given: XML, or base64 of XML.

use std::sync::Arc;

use base64::{
    Engine,
    alphabet::{Alphabet, STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::{
    error::{AssertionFault, FormFault, XmlFault},
    outside_text::{is_utf_16, without_byte_order_mark},
};

/// An assertion as it was given. One that is too long is not kept.
#[derive(Clone)]
pub(crate) struct RawAssertion(Option<Arc<Zeroizing<Vec<u8>>>>);

impl RawAssertion {
    /// Returns the XML, byte for byte as the identity provider wrote it.
    pub(super) fn xml(&self) -> Result<Arc<Zeroizing<Vec<u8>>>, AssertionFault> {
        let given = self.0.as_ref().ok_or(FormFault::TooLong)?;
        let xml = match is_xml(given)? {
            Some(true) => Arc::clone(given),
            Some(false) => Arc::new(decode_base64(given)?),
            None => return Err(FormFault::Empty.into()),
        };
        if xml.len() > MAX_XML_BYTES {
            return Err(FormFault::TooLong.into());
        }
        Ok(xml)
    }
}

impl From<Vec<u8>> for RawAssertion {
    fn from(given: Vec<u8>) -> Self {
        // This wipes it too where it is too long.
        let given = Zeroizing::new(given);
        Self((given.len() <= MAX_GIVEN_BYTES).then(|| Arc::new(given)))
    }
}

impl From<&str> for RawAssertion {
    fn from(given: &str) -> Self {
        let fits = given.len() <= MAX_GIVEN_BYTES;
        Self(fits.then(|| Arc::new(Zeroizing::new(given.as_bytes().to_vec()))))
    }
}

impl From<SecretString> for RawAssertion {
    fn from(given: SecretString) -> Self {
        given.expose_secret().into()
    }
}

/// Whether this is XML and not base64 of it; `None` where it is empty.
fn is_xml(given: &[u8]) -> Result<Option<bool>, AssertionFault> {
    let after_mark = if is_utf_16(given) {
        given.get(2..).unwrap_or_default()
    } else {
        given
    };
    if after_mark.starts_with(b"<\0") || after_mark.starts_with(b"\0<") {
        return Err(XmlFault::Encoding.into());
    }
    if is_utf_16(given) {
        return Err(FormFault::Utf16.into());
    }
    let text = without_byte_order_mark(given).trim_ascii_start();
    Ok(text.first().map(|&first| first == b'<'))
}

fn decode_base64(given: &[u8]) -> Result<Zeroizing<Vec<u8>>, AssertionFault> {
    let text = without_byte_order_mark(given).trim_ascii();
    let contains = |bytes: &[u8]| text.iter().any(|byte| bytes.contains(byte));
    if contains(b"%&") || text.starts_with(b"SAMLResponse=") {
        return Err(FormFault::PercentEncoded.into());
    }
    let is_foreign = |byte: &u8| !(byte.is_ascii_alphanumeric() || b"+/-_= \t\r\n".contains(byte));
    if text.iter().any(is_foreign) {
        return Err(FormFault::Base64.into());
    }
    if contains(b" \t") {
        return Err(FormFault::Spaces.into());
    }
    let alphabet = match (contains(b"+/"), contains(b"-_")) {
        (true, true) => return Err(FormFault::TwoAlphabets.into()),
        (_, false) => &STANDARD,
        (_, true) => &URL_SAFE,
    };
    let mut line = Zeroizing::new(Vec::with_capacity(text.len()));
    line.extend(text.iter().filter(|byte| !b"\r\n".contains(byte)));
    let decoded_length = line.len().div_ceil(4) * 3;
    // The last group may decode to two bytes less.
    if decoded_length > MAX_XML_BYTES + 2 {
        return Err(FormFault::TooLong.into());
    }
    let mut xml = Zeroizing::new(Vec::with_capacity(decoded_length));
    base64_engine(alphabet)
        .decode_vec(line.as_slice(), &mut xml)
        .map_err(|_| FormFault::Base64)?;
    if is_xml(&xml)? != Some(true) {
        return Err(FormFault::NoXml.into());
    }
    Ok(xml)
}

/// Accepts padding and needs none.
fn base64_engine(alphabet: &Alphabet) -> GeneralPurpose {
    let padding = DecodePaddingMode::Indifferent;
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(padding);
    GeneralPurpose::new(alphabet, config)
}

const MAX_XML_BYTES: usize = 512 * 1024;

/// Enough for the base64 of the longest XML, in short lines.
const MAX_GIVEN_BYTES: usize = 1024 * 1024;
