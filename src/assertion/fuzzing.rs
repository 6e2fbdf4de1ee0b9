//! What must hold for whatever is given, for the fuzzer and for its corpus.

use std::time::{Duration, SystemTime};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use quick_xml::{NsReader, escape::unescape, events::Event, name::ResolveResult};
use secrecy::ExposeSecret;

use super::{BYTE_ORDER_MARK, Form, Given, Looked, read};

/// Looks at what was given as the grant does, and checks what is said of it.
///
/// # Panics
///
/// Where that is wrong: it is what the fuzzer looks for.
pub(crate) fn assertion(given: &[u8]) {
    let looked = match read(&given.to_vec().into()) {
        Ok(looked) => looked,
        Err(error) => return assert!(error.to_string().chars().count() < 1_000, "{error}"),
    };
    let xml = looked.xml.as_slice();
    assert!(xml.len() <= 512 * 1024, "{} bytes", xml.len());
    if given.trim_ascii_start().starts_with(b"<") {
        assert_eq!(xml, given);
    }
    for seconds in [0, 1_769_860_800, 1 << 40] {
        let text = looked.stale(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert!(text.is_none_or(|why| why.to_string().len() < 1_000));
    }
    whole(&looked);
    alone(&looked);
}

/// The document goes out as it is, and comes back the same in every form.
fn whole(looked: &Looked) {
    let sent = looked
        .encode(Form::Document)
        .map(|sent| sent.expose_secret().to_owned());
    let sent = sent.unwrap_or_default();
    assert_eq!(
        STANDARD.decode(&sent).unwrap_or_default(),
        looked.xml.as_slice()
    );
    let lines: Vec<_> = sent.as_bytes().chunks(76).collect();
    let url_safe = URL_SAFE_NO_PAD.encode(looked.xml.as_slice());
    for form in [
        sent.as_bytes(),
        &lines.join(&b"\r\n"[..]),
        url_safe.as_bytes(),
    ] {
        same(looked, &form.to_vec().into());
    }
}

/// The assertion is where another reader finds it; cut out, it means the same.
fn alone(looked: &Looked) {
    let elements = elements(&looked.xml);
    let numbered = elements.iter().enumerate();
    let assertions = numbered.filter(|(_, element)| element.name == ASSERTION);
    let assertions: Vec<_> = assertions.collect();
    assert_eq!(assertions.len(), 1, "not one assertion");
    let [(at, assertion)] = assertions[..] else {
        return;
    };
    assert!(assertion.depth <= 1, "{assertion:?}");
    let bytes = looked.assertion();
    assert!(bytes.starts_with(b"<") && bytes.ends_with(b">"));
    let within = elements
        .iter()
        .skip(at + 1)
        .take_while(|element| element.depth > assertion.depth);
    let signed = within
        .clone()
        .any(|element| element.depth == assertion.depth + 1 && element.name == SIGNATURE);
    let Ok(cut) = looked.alone() else {
        return assert!(!signed || looked.found.assertion.inherits_xml);
    };
    assert!(signed, "the signature was lost");
    let (head, tail) = bytes.split_at(looked.found.assertion.name_length);
    assert!(tail.starts_with(b">") || tail.starts_with(b"/") || tail.trim_ascii_start() != tail);
    assert!(cut.starts_with(head) && cut.ends_with(tail), "other bytes");
    let cut_elements = self::elements(&cut);
    let unmoved = |element: &Element| Element {
        depth: element.depth - assertion.depth,
        ..element.clone()
    };
    let within: Vec<_> = within.map(unmoved).collect();
    assert_eq!(cut_elements.first(), Some(&unmoved(assertion)));
    assert_eq!(cut_elements.get(1..), Some(&within[..]));
    let again = match read(&cut.to_vec().into()) {
        Ok(again) => again,
        // With all that it inherits it may be more than is read.
        Err(error) => {
            let fault = format!("{error:?}");
            let is_more = fault.contains("TooLong") || fault.contains("TooWide");
            return assert!(is_more && cut.len() > bytes.len(), "{fault}");
        }
    };
    assert_eq!(again.assertion(), cut.as_slice());
    assert_eq!(again.alone().ok(), Some(cut));
    times(looked, &again);
}

fn same(looked: &Looked, given: &Given) {
    let again = read(given).ok();
    let xml = again.as_ref().map(|again| &again.xml);
    assert_eq!(xml, Some(&looked.xml));
    if let Some(again) = again {
        assert_eq!(again.fingerprint(), looked.fingerprint());
        times(looked, &again);
    }
}

fn times(one: &Looked, other: &Looked) {
    assert_eq!(one.found.starts(), other.found.starts());
    assert_eq!(one.found.ends(), other.found.ends());
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Element {
    depth: usize,
    /// The namespace in braces, and the local name.
    name: String,
    attributes: Vec<(String, String)>,
}

/// All elements of a document, as another reader of names sees them.
fn elements(xml: &[u8]) -> Vec<Element> {
    let xml = xml.strip_prefix(BYTE_ORDER_MARK).unwrap_or(xml);
    let mut reader = NsReader::from_str(str::from_utf8(xml).unwrap_or_default());
    reader.config_mut().expand_empty_elements = true;
    // How many there may be is not this reader's to say.
    reader.resolver_mut().set_max_namespace_bindings(usize::MAX);
    let (mut elements, mut depth) = (Vec::new(), 0);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                let (namespace, local) = reader.resolver().resolve_element(start.name());
                let name = expanded(&namespace, local.into_inner());
                let attributes = start.attributes().flatten();
                let attributes = attributes
                    .filter(|attribute| attribute.key.as_namespace_binding().is_none())
                    .map(|attribute| {
                        let (namespace, local) = reader.resolver().resolve_attribute(attribute.key);
                        (
                            expanded(&namespace, local.into_inner()),
                            attribute.value.into_owned(),
                        )
                    });
                let attributes = attributes.collect();
                elements.push(Element {
                    depth,
                    name,
                    attributes,
                });
                depth += 1;
            }
            Ok(Event::End(_)) => depth -= 1,
            Ok(Event::Eof) => return elements,
            Ok(_) => {}
            Err(error) => {
                assert!(elements.is_empty(), "{error}");
                return elements;
            }
        }
    }
}

fn expanded(namespace: &ResolveResult<'_>, local: &str) -> String {
    match namespace {
        ResolveResult::Bound(namespace) => {
            let namespace = unescape(namespace.0).unwrap_or_default();
            format!("{{{namespace}}}{local}")
        }
        ResolveResult::Unbound => local.to_owned(),
        ResolveResult::Unknown(prefix) => format!("?{prefix:?}:{local}"),
    }
}

const ASSERTION: &str = "{urn:oasis:names:tc:SAML:2.0:assertion}Assertion";
const SIGNATURE: &str = "{http://www.w3.org/2000/09/xmldsig#}Signature";
