//! Undoes what servers and gateways do to a text before they repeat it. Each takes time in proportion to
//! the text.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use percent_encoding::percent_decode_str;

/// Undoes percent-encoding, and `\x41` as well. Makes a JSON escape of `%u0041`.
pub(super) fn percent_decoded(text: &str) -> String {
    let text = text.replace("\\x", "%").replace("%u", "\\u");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

/// Undoes the references of HTML, such as `&amp;` and `&#x41;`.
pub(super) fn without_entities(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut parts = text.split('&');
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let end = part.bytes().take(MAX_ENTITY).position(|byte| byte == b';');
        let reference = end.and_then(|end| Some((part.get(..end)?, part.get(end + 1..)?)));
        let named = reference.and_then(|(name, rest)| Some((character_of(name)?, rest)));
        plain.push(named.map_or('&', |(c, _)| c));
        plain.push_str(named.map_or(part, |(_, rest)| rest));
    }
    plain
}

/// Returns the character that a reference of HTML names.
fn character_of(name: &str) -> Option<char> {
    let code = match name.strip_prefix('#') {
        None => {
            return ENTITIES
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, c)| *c);
        }
        Some(digits) => match digits.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => digits.parse(),
        },
    };
    char::from_u32(code.ok()?)
}

/// Undoes the escapes of JSON, such as `\"` and `\u0041`, and `\u{41}` as well.
pub(super) fn unescaped(text: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut parts = text.split('\\');
    units.extend(parts.next().unwrap_or_default().encode_utf16());
    while let Some(part) = parts.next() {
        let (code, rest) = match code_of(part) {
            Some((code, rest)) => (code, rest),
            // An escaped backslash: what follows is not escaped.
            None if part.is_empty() => ('\\'.into(), parts.next().unwrap_or_default()),
            None => (0, part),
        };
        match u16::try_from(code) {
            Ok(unit) => units.push(unit),
            Err(_) => units.extend(
                char::from_u32(code)
                    .unwrap_or(' ')
                    .to_string()
                    .encode_utf16(),
            ),
        }
        units.extend(rest.encode_utf16());
    }
    String::from_utf16_lossy(&units)
}

/// Returns the code of an escape without its backslash, and the text after it.
fn code_of(escape: &str) -> Option<(u32, &str)> {
    let digits = escape.strip_prefix('u')?;
    let (digits, rest) = match digits.strip_prefix('{') {
        Some(digits) => digits.split_once('}')?,
        None => digits.split_at_checked(4)?,
    };
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}

/// Undoes quoted-printable (RFC 2045 6.7).
pub(super) fn quoted_printable_decoded(text: &str) -> String {
    let joined = text.replace("=\r\n", "").replace("=\n", "");
    let text = joined.replace('=', "%");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

/// Undoes the octal escapes of C, such as `\101`.
pub(super) fn octal_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('\\');
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let escape = part.split_at_checked(3).and_then(|(digits, rest)| {
            let byte = u8::from_str_radix(digits, 8).ok()?;
            Some((byte, rest))
        });
        bytes.push(escape.map_or(b'\\', |(byte, _)| byte));
        bytes.extend_from_slice(escape.map_or(part, |(_, rest)| rest).as_bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Undoes base64 in both alphabets. What precedes it may consist of its letters too, so each word is
/// read from its first four bytes on.
pub(super) fn base64_decoded(text: &str) -> String {
    let mut decoded = Vec::with_capacity(4 * text.len());
    let text = text.replace(['\r', '\n'], "");
    let text = text.replace('-', "+").replace('_', "/");
    let is_other = |c: char| !(c.is_ascii_alphanumeric() || c == '+' || c == '/');
    for word in text.split(is_other) {
        for start in 0..4 {
            let rest = word.get(start..).unwrap_or_default();
            // A single letter at the end stands for no byte.
            let end = rest.len() - usize::from(rest.len() % 4 == 1);
            let bytes = BASE64.decode(rest.get(..end).unwrap_or_default());
            decoded.extend(bytes.unwrap_or_default());
            decoded.push(b' ');
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// A word that was cut may leave bits over.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// The longest reference of HTML that is read, with its end.
const MAX_ENTITY: usize = 12;

const ENTITIES: [(&str, char); 5] = [
    ("amp", '&'),
    ("apos", '\''),
    ("gt", '>'),
    ("lt", '<'),
    ("quot", '"'),
];
