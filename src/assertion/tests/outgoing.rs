//! What is sent: the document, or the assertion alone.

use super::*;

fn standalone_of(xml: &str) -> Result<String, String> {
    let standalone = parse(xml).standalone();
    let standalone = standalone.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
    standalone.map_err(|error| format!("{error:?}"))
}

#[test]
fn the_document_is_sent_byte_for_byte() {
    for xml in [
        response(&assertion()),
        standalone(),
        format!("\u{feff}{}", response(&assertion())),
        format!("\n<!-- é -->{}\r\n", standalone()),
    ] {
        let sent = parse(xml.as_str()).encode(Encoding::Document).unwrap();
        assert_eq!(decode(&sent, &STANDARD), xml.as_bytes());
    }
}

#[test]
fn rfc_7522_sends_the_assertion_with_inherited_namespaces() {
    let inherited = format!(
        "<saml:Assertion xmlns:ds=\"{DSIG}\" xmlns:saml=\"{ASSERTION}\" xmlns:samlp=\"{PROTOCOL}\""
    );
    let expected = assertion().replacen("<saml:Assertion", &inherited, 1);
    for before in ["", "\u{feff}"] {
        let parsed = parse(format!("{before}{}", response(&assertion())).as_str());
        let sent = parsed.encode(Encoding::Rfc7522).unwrap();
        let sent = decode(&sent, &URL_SAFE_NO_PAD);
        assert_eq!(String::from_utf8(sent).unwrap(), expected);
    }
}

#[test]
fn only_namespaces_are_added_to_the_start_tag() {
    let content = assertion().replacen(
        "<saml:Assertion ID=\"_a1\"",
        "<saml:Assertion\n  xmlns:ds='http://www.w3.org/2000/09/xmldsig#'\tID='_a1'  xmlns=\"urn:d\"",
        1,
    );
    let mixed = "<![CDATA[é]]>&#xe9;<!-- c --><?p i?>\r\n<x  /> ";
    let content = content.replace("jo@example.com", mixed);
    let xml = response(&content).replace(
        " ID=\"_r1\"",
        " xmlns='urn:r' xmlns:q='a\"b&amp;c' xmlns:xs=\"it's\" ID=\"_r1\" x=\"y\"",
    );
    let inherited = format!(
        "<saml:Assertion xmlns:q='a\"b&amp;c' xmlns:saml=\"{ASSERTION}\" xmlns:samlp=\"{PROTOCOL}\" \
         xmlns:xs=\"it's\""
    );
    let expected = content.replacen("<saml:Assertion", &inherited, 1);
    assert_eq!(standalone_of(&xml).unwrap(), expected);
    // A second time, nothing is added.
    assert_eq!(standalone_of(&expected).unwrap(), expected);
}

#[test]
fn an_assertion_without_a_response_is_unchanged() {
    let xml = standalone();
    let around = format!("<?xml version=\"1.0\"?>\n<!-- a -->{xml}<!-- b -->\n");
    assert_eq!(standalone_of(&around).unwrap(), xml);
}

#[test]
fn an_empty_default_namespace_is_not_inherited() {
    // Outside of it there is no default namespace anyway.
    let xml = response(&assertion()).replace(" ID=\"_r1\"", " xmlns=\"\" ID=\"_r1\"");
    let without = standalone_of(&response(&assertion()));
    assert_eq!(standalone_of(&xml), without);
}

#[test]
fn an_assertions_own_empty_default_namespace_holds() {
    let content = assertion().replacen(" ID=", " xmlns=\"\" ID=", 1);
    let xml = response(&content).replace(" ID=\"_r1\"", " xmlns=\"urn:r\" ID=\"_r1\"");
    assert!(!standalone_of(&xml).unwrap().contains("urn:r"));
    fuzzing::assertion(xml.as_bytes());
}

#[test]
fn an_assertion_that_would_lose_its_signature_is_not_cut() {
    let unsigned = assertion().replace(SIGNATURE, "");
    let outside = response(&format!("{SIGNATURE}{unsigned}"));
    let error = standalone_of(&outside).unwrap_err();
    assert_eq!(error, "InvalidAssertion(SignedOutside)");
    let with_xml = response(&assertion()).replace(" ID=\"_r1\"", " xml:lang='de' ID=\"_r1\"");
    let error = standalone_of(&with_xml).unwrap_err();
    assert_eq!(error, "InvalidAssertion(InheritsXml)");
    // The whole document can be sent.
    for xml in [&outside, &with_xml] {
        assert!(parse(xml.as_str()).encode(Encoding::Document).is_ok());
    }
    let redeclared = with_xml.replace("<saml:Assertion ", "<saml:Assertion xml:lang='en' ");
    assert!(standalone_of(&redeclared).is_ok());
}

#[test]
fn the_fingerprint_is_of_the_assertion_alone() {
    let one = parse(response(&assertion()).as_str()).fingerprint();
    let same = response(&assertion()).replace("_r1", "_r2");
    assert_eq!(parse(same.as_str()).fingerprint(), one);
    let other = response(&assertion()).replace("_a1", "_a2");
    assert_ne!(parse(other.as_str()).fingerprint(), one);
}
