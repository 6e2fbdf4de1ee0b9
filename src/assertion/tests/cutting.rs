//! An assertion without its Response.

use super::*;

fn cut(xml: &str) -> Result<String, String> {
    let alone = looked(xml).alone();
    let text = |alone: zeroize::Zeroizing<Vec<u8>>| String::from_utf8(alone.to_vec()).unwrap();
    alone.map(text).map_err(|error| format!("{error:?}"))
}

#[test]
fn nothing_but_namespaces_is_put_into_the_start_tag() {
    let content = assertion().replacen(
        "<saml:Assertion ID=\"_a1\"",
        "<saml:Assertion\n  xmlns:ds='http://www.w3.org/2000/09/xmldsig#'\tID='_a1'  xmlns=\"urn:d\"",
        1,
    );
    let content = content.replace(
        "jo@example.com",
        "<![CDATA[é]]>&#xe9;<!-- c --><?p i?>\r\n<x  /> ",
    );
    let xml = response(&content).replace(
        " ID=\"_r1\"",
        " xmlns='urn:r' xmlns:q='a\"b&amp;c' xmlns:xs=\"it's\" ID=\"_r1\" x=\"y\"",
    );
    let inherited = format!(
        "<saml:Assertion xmlns:q='a\"b&amp;c' xmlns:saml=\"{ASSERTION}\" xmlns:samlp=\"{PROTOCOL}\" \
         xmlns:xs=\"it's\""
    );
    let expected = content.replacen("<saml:Assertion", &inherited, 1);
    assert_eq!(cut(&xml).unwrap(), expected);
    // Cut once more it stays.
    assert_eq!(cut(&expected).unwrap(), expected);
}

#[test]
fn an_assertion_that_stands_alone_stays_as_it_is() {
    let around = format!("<?xml version=\"1.0\"?>\n<!-- a -->{}<!-- b -->\n", alone());
    assert_eq!(cut(&around).unwrap(), alone());
}

#[test]
fn an_empty_default_namespace_is_inherited_too() {
    let xml = response(&assertion()).replace(" ID=\"_r1\"", " xmlns=\"\" ID=\"_r1\"");
    assert!(
        cut(&xml)
            .unwrap()
            .starts_with("<saml:Assertion xmlns=\"\" ")
    );
}

#[test]
fn what_would_lose_its_signature_is_not_cut() {
    let unsigned = assertion().replace(SIGNATURE, "");
    let outside = response(&format!("{SIGNATURE}{unsigned}"));
    assert_eq!(
        cut(&outside).unwrap_err(),
        "InvalidAssertion(SignedOutside)"
    );
    let with_xml = response(&assertion()).replace(" ID=\"_r1\"", " xml:lang='de' ID=\"_r1\"");
    assert_eq!(cut(&with_xml).unwrap_err(), "InvalidAssertion(InheritsXml)");
    // Whole it goes out all the same.
    for xml in [&outside, &with_xml] {
        assert!(looked(xml.as_str()).encode(Form::Document).is_ok());
    }
    let redeclared = with_xml.replace("<saml:Assertion ", "<saml:Assertion xml:lang='en' ");
    assert!(cut(&redeclared).is_ok());
}

#[test]
fn a_fingerprint_is_the_assertions_whatever_is_around_it() {
    let one = looked(response(&assertion()).as_str()).fingerprint();
    let same = response(&assertion()).replace("_r1", "_r2");
    assert_eq!(looked(same.as_str()).fingerprint(), one);
    let other = response(&assertion()).replace("_a1", "_a2");
    assert_ne!(looked(other.as_str()).fingerprint(), one);
}
