//! XML that is not well-formed, or that two readers may read differently.

use super::*;

#[test]
fn a_document_type_is_rejected() {
    let laughs = "<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">";
    for before in [
        "<!DOCTYPE samlp:Response>".to_owned(),
        format!("<!DOCTYPE x [{laughs}]>"),
        "<!DOCTYPE x SYSTEM \"file:///etc/passwd\">".to_owned(),
        "<!DOCTYPE x [<!ENTITY % e SYSTEM \"http://127.0.0.1:1/\"> %e;]>".to_owned(),
    ] {
        let given = format!("{before}{}", standalone());
        assert_fault(&given, "Xml(DocumentType");
    }
    // Without one, only the five entities of XML itself are known.
    for place in ["jo@example.com", "_a1"] {
        let undeclared = standalone().replace(place, "&nbsp;");
        assert_fault(&undeclared, "Xml(Malformed");
    }
}

#[test]
fn faults_outside_the_root_are_rejected() {
    let xml = standalone();
    for invalid in [
        xml.replace("</saml:Assertion>", ""),
        xml.replace("</saml:Assertion>", "</saml:assertion>"),
        format!("{xml}{xml}"),
        format!("{xml}<x/>"),
        format!("{xml}x"),
        format!("{xml}&#32;"),
        format!("{xml}<![CDATA[ ]]>"),
        format!("{xml}</x>"),
        format!("<{xml}"),
        format!(" <?xml version=\"1.0\"?>{xml}"),
        format!("<?xml version=\"1.1\"?>{xml}"),
        format!("<?xml encoding=\"UTF-8\"?>{xml}"),
        format!("<?xml version=\"1.0\"?><?xml version=\"1.0\"?>{xml}"),
        format!("<!-- a -- b -->{xml}"),
        format!("<!-- a{xml}"),
        "<".into(),
        "<!".into(),
        "<?".into(),
        "<?xml version=\"1.0\"?>".into(),
        "<!-- -->".into(),
    ] {
        assert_fault(&invalid, "Xml(Malformed");
    }
}

#[test]
fn xml_that_is_not_well_formed_is_rejected() {
    let xml = standalone();
    let with = |attribute: &str| xml.replace("ID=\"_a1\"", attribute);
    for invalid in [
        xml.replace("jo@", "jo&"),
        xml.replace("jo@", "jo&;"),
        xml.replace("jo@", "&#0;"),
        xml.replace("jo@", "&#x1f;"),
        xml.replace("jo@", "&#xFFFE;"),
        xml.replace("jo@", "&#xD800;"),
        xml.replace("jo@", "\u{1}"),
        xml.replace("jo@", "\u{ffff}"),
        xml.replace("jo@", "]]>"),
        xml.replace("jo@", "<![CDATA["),
        xml.replace("_a1", "<"),
        xml.replace("_a1", "&"),
        xml.replace("_a1", "&#1;"),
        with("ID=\"_a1\" ID=\"_a2\""),
        with("ID"),
        with("ID=_a1"),
        with("ID='_a1\""),
        with("a:b:c='_a1'"),
        with(":b='_a1'"),
        with("nobody:b='_a1'"),
        with("xmlns:xmlns='urn:x'"),
        with("xmlns:a=''"),
        with("xmlns:xml='urn:x'"),
        with("xmlns:a='http://www.w3.org/XML/1998/namespace'"),
        with("xmlns='http://www.w3.org/2000/xmlns/'"),
        xml.replace("saml:NameID", "nobody:NameID"),
        xml.replace("saml:NameID", "saml:"),
        xml.replace("saml:NameID", ":NameID"),
        xml.replace("saml:NameID", "xmlns:NameID"),
    ] {
        assert_fault(&invalid, "Xml(Malformed");
    }
}

#[test]
fn unusual_well_formed_xml_is_accepted() {
    let xml = standalone();
    let declaration = "<?xml version='1.0' encoding=\"Utf-8\" standalone='yes'?>";
    let content = "<![CDATA[<&]]><?a b?><!-- c -->&amp;&lt;&gt;&quot;&apos;&#65;&#x41;";
    let attributes = "xml:lang='de' xmlns='' xmlns:é='urn:x' é:ñ='\"'";
    let own_prefix = "xmlns:xml='http://www.w3.org/XML/1998/namespace'";
    let name_id = "<saml:NameID>jo@example.com</saml:NameID>";
    let spaces = xml.replace(" ID=\"_a1\"", "\n\tID = '_a1'\r\n");
    for valid in [
        format!("{declaration}\n<?a b?><!--c-->{xml}\n<!--d--><?e?>\n"),
        xml.replace("jo@", content),
        xml.replace("_a1", "&amp;&#x5f;&quot;"),
        xml.replace("ID=\"_a1\"", attributes),
        xml.replace("ID=\"_a1\"", own_prefix),
        xml.replace("saml:NameID", "saml:Næme-I.D"),
        xml.replace(name_id, "<saml:NameID\n/>"),
        spaces.replace("</saml:Assertion>", "</saml:Assertion\n>"),
    ] {
        assert_fault(&valid, "nothing");
        let standalone = parse(valid.as_str()).standalone().unwrap();
        assert!(standalone.starts_with(b"<saml:Assertion"), "{valid}");
        assert!(valid.contains(str::from_utf8(&standalone).unwrap()));
    }
}

#[test]
fn a_doubled_encoding_is_rejected() {
    for encodings in [
        "'UTF-8' encoding='UTF-16'",
        "'UTF-16' encoding='UTF-8'",
        "'UTF-8' encoding='UTF-8'",
    ] {
        let given = format!("<?xml version='1.0' encoding={encodings}?>{}", standalone());
        let fault = fault(given.as_str());
        assert!(fault.starts_with("Xml("), "{encodings}: {fault}");
    }
}

#[test]
fn two_attributes_with_one_expanded_name_are_rejected() {
    let with = |attributes: &str| standalone().replace(" ID=\"_a1\"", attributes);
    let same = " xmlns:a='urn:x' xmlns:b='urn:x' a:id='1' b:id='2'";
    let written_otherwise = same.replace("b='urn:x'", "b='urn:&#120;'");
    for attributes in [same, &written_otherwise] {
        assert_fault(&with(attributes), "Xml(Malformed");
    }
    let others = " xmlns:a='urn:x' xmlns:b='urn:y' a:id='1' b:id='2' id='3'";
    assert_eq!(fault(with(others).as_str()), "nothing");
}

#[test]
fn reserved_namespaces_are_rejected_with_references_too() {
    for declaration in [
        "xmlns:a='http://www.w3.org/XML/1998/namespac&#101;'",
        "xmlns:a='http://www.w3.org/2000/xmlns&#47;'",
        "xmlns='http://www.w3.org/2000/xmlns&#47;'",
    ] {
        let given = standalone().replace("ID=\"_a1\"", declaration);
        assert_eq!(fault(given.as_str()), "Xml(Malformed", "{declaration}");
    }
}
