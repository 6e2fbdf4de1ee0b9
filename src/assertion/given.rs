//! The forms that people hold an assertion in.

use std::sync::Arc;

use base64::{
    Engine,
    alphabet::{Alphabet, STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::error::AssertionFault;

/// An assertion as it was given, in whichever form.
#[derive(Clone)]
pub(crate) struct Given(Option<Arc<Zeroizing<Vec<u8>>>>);

impl Given {
    /// The XML in it, byte by byte as its maker wrote it.
    pub(super) fn xml(&self) -> Result<Arc<Zeroizing<Vec<u8>>>, AssertionFault> {
        let given = self.0.as_ref().ok_or(AssertionFault::TooLong)?;
        let xml = if is_xml(given)? {
            Arc::clone(given)
        } else {
            Arc::new(decoded(given)?)
        };
        if xml.len() > MOST_BYTES {
            return Err(AssertionFault::TooLong);
        }
        Ok(xml)
    }
}

impl From<Vec<u8>> for Given {
    fn from(given: Vec<u8>) -> Self {
        // Too long, it is wiped here.
        let given = Zeroizing::new(given);
        Self((given.len() <= MOST_GIVEN).then(|| Arc::new(given)))
    }
}

impl From<&str> for Given {
    fn from(given: &str) -> Self {
        let fits = given.len() <= MOST_GIVEN;
        Self(fits.then(|| Arc::new(Zeroizing::new(given.as_bytes().to_vec()))))
    }
}

impl From<SecretString> for Given {
    fn from(given: SecretString) -> Self {
        given.expose_secret().into()
    }
}

/// Whether it is XML and not the base64 of it.
fn is_xml(given: &[u8]) -> Result<bool, AssertionFault> {
    if [&b"\xff\xfe"[..], b"\xfe\xff", b"<\0", b"\0<"]
        .iter()
        .any(|utf_16| given.starts_with(utf_16))
    {
        return Err(AssertionFault::Encoding);
    }
    let text = given
        .strip_prefix(BYTE_ORDER_MARK)
        .unwrap_or(given)
        .trim_ascii_start();
    let first = text.first().ok_or(AssertionFault::Empty)?;
    Ok(*first == b'<')
}

fn decoded(given: &[u8]) -> Result<Zeroizing<Vec<u8>>, AssertionFault> {
    let text = given
        .strip_prefix(BYTE_ORDER_MARK)
        .unwrap_or(given)
        .trim_ascii();
    let has = |bytes: &[u8]| text.iter().any(|byte| bytes.contains(byte));
    if has(b"%&") || text.starts_with(b"SAMLResponse=") {
        return Err(AssertionFault::PercentEncoded);
    }
    if has(b" \t") {
        return Err(AssertionFault::Spaces);
    }
    let engine = match (has(b"+/"), has(b"-_")) {
        (true, true) => return Err(AssertionFault::TwoAlphabets),
        (_, false) => engine(&STANDARD),
        (_, true) => engine(&URL_SAFE),
    };
    let mut line = Zeroizing::new(Vec::with_capacity(text.len()));
    line.extend(text.iter().filter(|byte| !b"\r\n".contains(byte)));
    if line.len().div_ceil(4) * 3 > MOST_BYTES + 2 {
        return Err(AssertionFault::TooLong);
    }
    let mut xml = Zeroizing::new(Vec::with_capacity(line.len().div_ceil(4) * 3));
    engine
        .decode_vec(line.as_slice(), &mut xml)
        .map_err(|_| AssertionFault::Base64)?;
    match is_xml(&xml) {
        Ok(true) => Ok(xml),
        Ok(false) | Err(AssertionFault::Empty) => Err(AssertionFault::NoXml),
        Err(fault) => Err(fault),
    }
}

fn engine(alphabet: &Alphabet) -> GeneralPurpose {
    let padding = DecodePaddingMode::Indifferent;
    GeneralPurpose::new(
        alphabet,
        GeneralPurposeConfig::new().with_decode_padding_mode(padding),
    )
}

pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Of XML.
const MOST_BYTES: usize = 512 * 1024;

/// Enough for the base64 of the longest XML, in short lines.
const MOST_GIVEN: usize = 1024 * 1024;
