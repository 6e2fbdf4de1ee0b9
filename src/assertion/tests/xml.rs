//! What is no XML, or more of it than an assertion has.

use super::*;

#[test]
fn no_document_type_is_read() {
    let laughs = "<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">";
    for before in [
        "<!DOCTYPE samlp:Response>".to_owned(),
        format!("<!DOCTYPE x [{laughs}]>"),
        "<!DOCTYPE x SYSTEM \"file:///etc/passwd\">".to_owned(),
        "<!DOCTYPE x [<!ENTITY % e SYSTEM \"http://127.0.0.1:1/\"> %e;]>".to_owned(),
    ] {
        assert_eq!(
            fault(format!("{before}{}", alone()).as_str()),
            "Xml(DocumentType"
        );
    }
    // Without one, there is no entity but the five.
    for place in ["jo@example.com", "_a1"] {
        let undeclared = alone().replace(place, "&nbsp;");
        assert_eq!(fault(undeclared.as_str()), "Xml(Malformed");
    }
}

#[test]
fn what_is_around_the_one_root_is_looked_at_too() {
    let xml = alone();
    for bad in [
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
        format!("<?XML x?>{xml}"),
        format!("<?1 x?>{xml}"),
        format!("<!-- a -- b -->{xml}"),
        format!("<!-- a{xml}"),
        "<".into(),
        "<!".into(),
        "<?".into(),
        "<?xml version=\"1.0\"?>".into(),
        "<!-- -->".into(),
    ] {
        assert_eq!(fault(bad.as_str()), "Xml(Malformed", "{bad}");
    }
}

#[test]
fn what_is_not_well_formed_is_refused() {
    let xml = alone();
    for bad in [
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
        xml.replace("ID=\"_a1\"", "ID=\"_a1\" ID=\"_a2\""),
        xml.replace("ID=\"_a1\" ", "ID=\"_a1\""),
        xml.replace("ID=\"_a1\"", "ID"),
        xml.replace("ID=\"_a1\"", "ID=_a1"),
        xml.replace("ID=\"_a1\"", "ID='_a1\""),
        xml.replace("ID=\"_a1\"", "1D='_a1'"),
        xml.replace("ID=\"_a1\"", "a:b:c='_a1'"),
        xml.replace("ID=\"_a1\"", ":b='_a1'"),
        xml.replace("ID=\"_a1\"", "nobody:b='_a1'"),
        xml.replace("ID=\"_a1\"", "xmlns:xmlns='urn:x'"),
        xml.replace("ID=\"_a1\"", "xmlns:a=''"),
        xml.replace("ID=\"_a1\"", "xmlns:xml='urn:x'"),
        xml.replace(
            "ID=\"_a1\"",
            "xmlns:a='http://www.w3.org/XML/1998/namespace'",
        ),
        xml.replace("ID=\"_a1\"", "xmlns='http://www.w3.org/2000/xmlns/'"),
        xml.replace("saml:NameID", "nobody:NameID"),
        xml.replace("saml:NameID", "saml:1"),
        xml.replace("saml:NameID", "saml:"),
        xml.replace("saml:NameID", ":NameID"),
        xml.replace("saml:NameID", "xmlns:NameID"),
    ] {
        assert_eq!(fault(bad.as_str()), "Xml(Malformed", "{bad}");
    }
}

#[test]
fn what_is_well_formed_is_read_whatever_else_it_has() {
    let xml = alone();
    for good in [
        format!(
            "<?xml version='1.0' encoding=\"Utf-8\" standalone='yes'?>\n<?a b?><!--c-->{xml}\n<!--d--><?e?>\n"
        ),
        xml.replace(
            "jo@",
            "<![CDATA[<&]]><?a b?><!-- c -->&amp;&lt;&gt;&quot;&apos;&#65;&#x41;",
        ),
        xml.replace("_a1", "&amp;&#x5f;&quot;"),
        xml.replace(
            "ID=\"_a1\"",
            "xml:lang='de' xmlns='' xmlns:é='urn:x' é:ñ='\"'",
        ),
        xml.replace(
            "ID=\"_a1\"",
            "xmlns:xml='http://www.w3.org/XML/1998/namespace'",
        ),
        xml.replace("saml:NameID", "saml:Næme-I.D"),
        xml.replace(
            "<saml:NameID>jo@example.com</saml:NameID>",
            "<saml:NameID\n/>",
        ),
        xml.replace(" ID=\"_a1\"", "\n\tID = '_a1'\r\n")
            .replace("</saml:Assertion>", "</saml:Assertion\n>"),
    ] {
        assert_eq!(fault(good.as_str()), "nothing", "{good}");
        let alone = looked(good.as_str()).alone().unwrap();
        assert!(alone.starts_with(b"<saml:Assertion"), "{good}");
        assert!(good.contains(str::from_utf8(&alone).unwrap()));
    }
}
