//! The forms that people hold an assertion in.

use std::sync::Arc;

use base64::{
    Engine,
    alphabet::{Alphabet, STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::error::{AssertionFault, FormFault, XmlFault};

/// An assertion as it was given, in whichever form.
#[derive(Clone)]
pub(crate) struct Given(Option<Arc<Zeroizing<Vec<u8>>>>);

impl Given {
    /// The XML in it, byte by byte as its maker wrote it.
    pub(super) fn xml(&self) -> Result<Arc<Zeroizing<Vec<u8>>>, AssertionFault> {
        let given = self.0.as_ref().ok_or(FormFault::TooLong)?;
        let xml = match is_xml(given)? {
            Some(true) => Arc::clone(given),
            Some(false) => Arc::new(decoded(given)?),
            None => return Err(FormFault::Empty.into()),
        };
        if xml.len() > MOST_BYTES {
            return Err(FormFault::TooLong.into());
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

/// Whether it is XML and not the base64 of it; `None` where there is nothing.
fn is_xml(given: &[u8]) -> Result<Option<bool>, XmlFault> {
    let utf_16 = [&b"\xff\xfe"[..], b"\xfe\xff", b"<\0", b"\0<"];
    if utf_16.iter().any(|start| given.starts_with(start)) {
        return Err(XmlFault::Encoding);
    }
    let given = given.strip_prefix(BYTE_ORDER_MARK).unwrap_or(given);
    let first = given.trim_ascii_start().first();
    Ok(first.map(|&first| first == b'<'))
}

fn decoded(given: &[u8]) -> Result<Zeroizing<Vec<u8>>, AssertionFault> {
    let text = given
        .strip_prefix(BYTE_ORDER_MARK)
        .unwrap_or(given)
        .trim_ascii();
    let has = |bytes: &[u8]| text.iter().any(|byte| bytes.contains(byte));
    if has(b"%&") || text.starts_with(b"SAMLResponse=") {
        return Err(FormFault::PercentEncoded.into());
    }
    let foreign = |byte: &u8| !(byte.is_ascii_alphanumeric() || b"+/-_= \t\r\n".contains(byte));
    if text.iter().any(foreign) {
        return Err(FormFault::Base64.into());
    }
    if has(b" \t") {
        return Err(FormFault::Spaces.into());
    }
    let engine = match (has(b"+/"), has(b"-_")) {
        (true, true) => return Err(FormFault::TwoAlphabets.into()),
        (_, false) => engine(&STANDARD),
        (_, true) => engine(&URL_SAFE),
    };
    let mut line = Zeroizing::new(Vec::with_capacity(text.len()));
    line.extend(text.iter().filter(|byte| !b"\r\n".contains(byte)));
    if line.len().div_ceil(4) * 3 > MOST_BYTES + 2 {
        return Err(FormFault::TooLong.into());
    }
    let mut xml = Zeroizing::new(Vec::with_capacity(line.len().div_ceil(4) * 3));
    engine
        .decode_vec(line.as_slice(), &mut xml)
        .map_err(|_| FormFault::Base64)?;
    if is_xml(&xml)? != Some(true) {
        return Err(FormFault::NoXml.into());
    }
    Ok(xml)
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
