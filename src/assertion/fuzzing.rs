//! What must hold for every input, checked by the fuzzer and for its corpus.

use std::time::{Duration, SystemTime};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use quick_xml::{Reader, escape::unescape, events::Event};
use secrecy::ExposeSecret;

use super::{Encoding, ParsedAssertion, RawAssertion};
use crate::outside_text::without_byte_order_mark;

/// Parses the input as the grant does, and checks the result.
///
/// # Panics
///
/// Where the result is wrong.
pub(crate) fn assertion(given: &[u8]) {
    let parsed = match ParsedAssertion::parse(&given.to_vec().into()) {
        Ok(parsed) => parsed,
        Err(error) => return assert!(error.to_string().chars().count() < 1_000, "{error}"),
    };
    let xml = parsed.xml.as_slice();
    assert!(xml.len() <= 512 * 1024, "{} bytes", xml.len());
    if given.trim_ascii_start().starts_with(b"<") {
        assert_eq!(xml, given);
    }
    for seconds in [0, 1_769_860_800, 1 << 40] {
        let times = parsed.check_times(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert!(times.map_or_else(|why| why.to_string().len() < 1_000, |()| true));
    }
    check_document(&parsed);
    check_standalone(&parsed);
}

/// The document is sent unchanged, and each of its forms is parsed to the same.
fn check_document(parsed: &ParsedAssertion) {
    let sent = parsed.encode(Encoding::Document);
    let sent = sent.map_or_else(|_| String::new(), |sent| sent.expose_secret().to_owned());
    let xml = parsed.xml.as_slice();
    assert_eq!(STANDARD.decode(&sent).unwrap_or_default(), xml);
    let lines: Vec<_> = sent.as_bytes().chunks(76).collect();
    let url_safe = URL_SAFE_NO_PAD.encode(xml);
    for form in [
        sent.as_bytes(),
        &lines.join(&b"\r\n"[..]),
        url_safe.as_bytes(),
    ] {
        check_same(parsed, &form.to_vec().into());
    }
}

/// The assertion is where another reader finds it. Without its document it means the same.
fn check_standalone(parsed: &ParsedAssertion) {
    let elements = read_elements(&parsed.xml);
    let numbered = elements.iter().enumerate();
    let assertions = numbered.filter(|(_, element)| element.name == ASSERTION);
    let assertions: Vec<_> = assertions
        .filter(|(_, element)| !element.in_advice)
        .collect();
    let [(index, assertion)] = assertions[..] else {
        return assert_eq!(assertions.len(), 1, "not one assertion");
    };
    assert!(assertion.depth <= 1, "{assertion:?}");
    let bytes = parsed.assertion();
    assert!(bytes.starts_with(b"<") && bytes.ends_with(b">"));
    let within = elements.iter().skip(index + 1);
    let within = within.take_while(|element| element.depth > assertion.depth);
    let is_signature =
        |element: &Element| element.depth == assertion.depth + 1 && element.name == SIGNATURE;
    let signed = within.clone().any(is_signature);
    let span = &parsed.info.span;
    let Ok(standalone) = parsed.standalone() else {
        return assert!(!signed || span.inherits_xml);
    };
    assert!(signed, "the signature was lost");
    let (name, rest) = bytes.split_at(span.name_length);
    assert!(rest.starts_with(b">") || rest.starts_with(b"/") || rest.trim_ascii_start() != rest);
    assert!(
        standalone.starts_with(name) && standalone.ends_with(rest),
        "other bytes"
    );
    let moved = |element: &Element| Element {
        depth: element.depth - assertion.depth,
        ..element.clone()
    };
    let expected: Vec<_> = [assertion].into_iter().chain(within).map(moved).collect();
    assert_eq!(read_elements(&standalone), expected);
    match ParsedAssertion::parse(&standalone.to_vec().into()) {
        Ok(again) => {
            assert_eq!(again.assertion(), standalone.as_slice());
            assert_eq!(again.standalone().ok(), Some(standalone));
            check_times(parsed, &again);
        }
        // The declarations that it inherits may exceed a limit.
        Err(error) => {
            let fault = format!("{error:?}");
            let exceeds_limit = fault.contains("TooLong") || fault.contains("TooWide");
            assert!(exceeds_limit && standalone.len() > bytes.len(), "{fault}");
        }
    }
}

fn check_same(parsed: &ParsedAssertion, raw: &RawAssertion) {
    let again = ParsedAssertion::parse(raw).ok();
    let xml = again.as_ref().map(|again| &again.xml);
    assert_eq!(xml, Some(&parsed.xml));
    if let Some(again) = again {
        assert_eq!(again.fingerprint(), parsed.fingerprint());
        check_times(parsed, &again);
    }
}

fn check_times(one: &ParsedAssertion, other: &ParsedAssertion) {
    assert_eq!(one.info.valid_from(), other.info.valid_from());
    assert_eq!(one.info.valid_until(), other.info.valid_until());
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Element {
    depth: usize,
    in_advice: bool,
    /// The namespace in braces, and the local name.
    name: String,
    attributes: Vec<(String, String)>,
}

/// All elements of a document, with their names resolved by this reader's own rules.
fn read_elements(xml: &[u8]) -> Vec<Element> {
    let text = str::from_utf8(without_byte_order_mark(xml)).unwrap_or_default();
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let (mut elements, mut open, mut scopes) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                let attributes = start.attributes().flatten();
                let attributes =
                    attributes.map(|each| (each.key.0.to_owned(), each.value.into_owned()));
                let (declared, attributes): (Vec<_>, Vec<_>) =
                    attributes.partition(|(name, _)| name.split(':').next() == Some("xmlns"));
                scopes.push(declared);
                let name = expand(&scopes, start.name().0, "xmlns");
                let attributes = attributes.into_iter();
                elements.push(Element {
                    depth: open.len(),
                    in_advice: open.windows(2).any(|pair| pair == [ASSERTION, ADVICE]),
                    name: name.clone(),
                    attributes: attributes
                        .map(|(name, value)| (expand(&scopes, &name, ""), value))
                        .collect(),
                });
                open.push(name);
            }
            Ok(Event::End(_)) => {
                open.pop();
                scopes.pop();
            }
            Ok(Event::Eof) => return elements,
            Ok(_) => {}
            Err(error) => {
                assert!(elements.is_empty(), "{error}");
                return elements;
            }
        }
    }
}

/// Resolves a name. One without a prefix is in the namespace that `default` declares.
fn expand(scopes: &[Vec<(String, String)>], name: &str, default: &str) -> String {
    let (declaration, local_name) = match name.rsplit_once(':') {
        Some(("xml", local_name)) => return format!("{{xml}}{local_name}"),
        Some((prefix, local_name)) => (format!("xmlns:{prefix}"), local_name),
        None => (default.to_owned(), name),
    };
    let mut declared = scopes.iter().rev().flatten();
    let uri = declared
        .find(|(name, _)| *name == declaration)
        .map(|(_, uri)| unescape(uri).unwrap_or_default());
    match uri {
        Some(uri) if !uri.is_empty() => format!("{{{uri}}}{local_name}"),
        _ => {
            assert!(!name.contains(':'), "{name} has no namespace");
            local_name.to_owned()
        }
    }
}

const ASSERTION: &str = "{urn:oasis:names:tc:SAML:2.0:assertion}Assertion";
const ADVICE: &str = "{urn:oasis:names:tc:SAML:2.0:assertion}Advice";
const SIGNATURE: &str = "{http://www.w3.org/2000/09/xmldsig#}Signature";
