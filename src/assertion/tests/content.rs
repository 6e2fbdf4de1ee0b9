//! What is well-formed and not to be sent.

use super::*;

#[test]
fn what_is_no_saml_2_is_refused() {
    let soap = "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'>()</s:Envelope>";
    let saml_1 = "<saml:Assertion xmlns:saml='urn:oasis:names:tc:SAML:1.0:assertion'/>";
    for given in [
        "<Response/>".to_owned(),
        "<html></html>".into(),
        soap.into(),
        saml_1.into(),
        soap.replace("()", &alone()),
        alone().replace("SAML:2.0:assertion", "SAML:2.0:protocol"),
        response(&assertion()).replace("samlp:Response", "samlp:LogoutResponse"),
    ] {
        assert_eq!(fault(given.as_str()), "NoSaml", "{given}");
    }
}

#[test]
fn a_prefix_means_what_it_is_bound_to() {
    let default = alone().replace("xmlns:saml", "xmlns").replace("saml:", "");
    let other = alone()
        .replace("saml:", "x:")
        .replace("xmlns:saml", "xmlns:x");
    let numbers = alone().replace(":assertion\"", ":assertio&#110;\"");
    for given in [default, other, numbers] {
        assert_eq!(fault(given.as_str()), "nothing", "{given}");
    }
    // `saml` is bound to something else, so this is no Assertion.
    let rebound = alone().replace(ASSERTION, "urn:example:other");
    assert_eq!(fault(rebound.as_str()), "NoSaml");
    let content = assertion().replacen("<saml:Assertion", "<saml:Assertion xmlns:saml='urn:o'", 1);
    assert_eq!(fault(response(&content).as_str()), "NoAssertion");
    // A signature in name only.
    let no_signature = alone().replace(DSIG, "urn:example:other");
    assert_eq!(fault(no_signature.as_str()), "Unsigned");
    let rebound = alone().replace("<ds:Signature>", "<ds:Signature xmlns:ds='urn:o'>");
    assert_eq!(fault(rebound.as_str()), "Unsigned");
    // What was bound within an element is not bound behind it.
    let past = format!("<x xmlns:ds='urn:o'/>{SIGNATURE}");
    assert_eq!(fault(alone().replace(SIGNATURE, &past).as_str()), "nothing");
}

#[test]
fn an_unsigned_assertion_is_refused() {
    let unsigned = assertion().replace(SIGNATURE, "");
    let elsewhere = unsigned.replace("<saml:Subject>", &format!("<saml:Subject>{SIGNATURE}"));
    let commented = assertion().replace(SIGNATURE, &format!("<!--{SIGNATURE}-->"));
    let text = assertion().replace(SIGNATURE, &format!("<![CDATA[{SIGNATURE}]]>"));
    for content in [unsigned.clone(), elsewhere, commented, text] {
        assert_eq!(fault(response(&content).as_str()), "Unsigned", "{content}");
    }
    let signed = format!("{SIGNATURE}{unsigned}");
    assert_eq!(fault(response(&signed).as_str()), "nothing");
}

#[test]
fn an_encrypted_assertion_is_told_apart() {
    let encrypted = "<saml:EncryptedAssertion><x/></saml:EncryptedAssertion>";
    let both = format!("{encrypted}{}", assertion());
    for content in [encrypted.to_owned(), both] {
        assert_eq!(fault(response(&content).as_str()), "Encrypted");
    }
    let root = format!("<EncryptedAssertion xmlns=\"{ASSERTION}\"/>");
    assert_eq!(fault(root.as_str()), "Encrypted");
}

#[test]
fn one_assertion_in_its_own_place_is_read_and_nothing_else() {
    let one = assertion();
    assert_eq!(fault(response("").as_str()), "NoAssertion");
    assert_eq!(fault(response(&format!("{one}{one}")).as_str()), "Several");
    let evil = one.replace("_a1", "_evil");
    let in_signature = evil.replace(
        SIGNATURE,
        &SIGNATURE.replace("</ds:Sig", &format!("<ds:Object>{one}</ds:Object></ds:Sig")),
    );
    let advice = one.replace(
        "<saml:Subject>",
        &format!("<saml:Advice>{evil}</saml:Advice><saml:Subject>"),
    );
    let extensions = format!("<samlp:Extensions>{one}</samlp:Extensions>");
    let nested = response(&one).replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", "");
    for content in [
        in_signature,
        advice,
        extensions.clone(),
        format!("{extensions}{evil}"),
        format!("<x>{one}</x>"),
        one.replace("jo@example.com", &evil),
        nested,
    ] {
        assert_eq!(fault(response(&content).as_str()), "Wrapped", "{content}");
    }
}

#[test]
fn a_response_that_failed_is_told_by_its_codes() {
    let status = |value: &str, inner: &str| {
        let code = format!("<samlp:StatusCode Value=\"{value}\">{inner}</samlp:StatusCode>");
        response(&assertion()).replace(&format!("<samlp:StatusCode Value=\"{SUCCESS}\"/>"), &code)
    };
    let code = |name: &str| format!("urn:oasis:names:tc:SAML:2.0:status:{name}");
    let inner = format!("<samlp:StatusCode Value=\"{}\"/>", code("AuthnFailed"));
    let told = |given: &str| read(&given.into()).err().unwrap().to_string();
    let text = told(&status(&code("Responder"), &inner));
    assert!(
        text.contains("the status Responder, AuthnFailed; "),
        "{text}"
    );
    let text = told(&status("a\u{202e}b&#10;c", ""));
    assert!(text.contains("the status a\\u{202e}b\\u{a}c; "), "{text}");
    let text = told(&status(&"é".repeat(5_000), &inner.repeat(50)));
    assert!(text.chars().count() < 700, "{text}");
    // One that nobody calls a success is none.
    for given in [
        response(&assertion()).replace("samlp:Status", "samlp:X"),
        status("", ""),
        response(&assertion()).replace("StatusCode Value", "StatusCode value"),
    ] {
        assert!(fault(given.as_str()).starts_with("Failed"), "{given}");
    }
    let twice = |first: &str| {
        let more = format!("<samlp:Status><samlp:StatusCode Value=\"{first}\"/></samlp:Status>");
        response(&format!("{more}{}", assertion()))
    };
    assert!(fault(twice(&code("Requester")).as_str()).starts_with("Failed"));
    let inside = status(SUCCESS, &inner);
    assert_eq!(fault(inside.as_str()), "nothing");
}

#[test]
fn the_narrowest_times_count_and_of_confirmations_the_latest() {
    let end = |xml: &str| looked(xml).found.ends();
    let xml = alone();
    assert_eq!(end(&xml), Some(at(NOON + 300)));
    let confirmation = |data: &str| {
        format!("<saml:SubjectConfirmation>{data}</saml:SubjectConfirmation></saml:Subject>")
    };
    let more = |data: &str| xml.replace("</saml:Subject>", &confirmation(data));
    let data =
        |time: &str| format!("<saml:SubjectConfirmationData NotOnOrAfter='2026-01-31T{time}Z'/>");
    assert_eq!(end(&more(&data("12:07:00"))), Some(at(NOON + 420)));
    assert_eq!(end(&more(&data("12:01:00"))), Some(at(NOON + 300)));
    assert_eq!(end(&more(&data("13:00:00"))), Some(at(NOON + 600)));
    assert_eq!(end(&more("")), Some(at(NOON + 600)));
    let conditions = |attributes: &str| {
        xml.replace(
            "</saml:Assertion>",
            &format!("<saml:Conditions {attributes}/></saml:Assertion>"),
        )
    };
    assert_eq!(
        end(&conditions("NotOnOrAfter='2026-01-31T12:00:01Z'")),
        Some(at(NOON + 1))
    );
    assert_eq!(
        end(&conditions("NotOnOrAfter='2026-01-31T23:00:01Z'")),
        Some(at(NOON + 300))
    );
    let start = |xml: &str| looked(xml).found.starts();
    assert_eq!(
        start(&conditions("NotBefore='2026-01-31T12:00:01Z'")),
        Some(at(NOON + 1))
    );
    assert_eq!(
        start(&conditions("NotBefore='2026-01-30T12:00:01Z'")),
        Some(at(NOON - 60))
    );
    let none = xml
        .replace(" NotOnOrAfter=", " x=")
        .replace(" NotBefore=", " y=");
    assert_eq!((start(&none), end(&none)), (None, None));
    assert!(looked(none.as_str()).stale(at(0)).is_none());
}

#[test]
fn a_time_is_an_attribute_of_its_own_element_and_no_text() {
    let end = |xml: &str| looked(xml).found.ends();
    // By number it is the same time.
    let numbers = alone().replace("12:05:00Z", "12&#58;05:00&#x5A;");
    assert_eq!(end(&numbers), Some(at(NOON + 300)));
    let early = "NotOnOrAfter=\"2020-01-01T00:00:00Z\"";
    for more in [
        format!("<!-- <saml:Conditions {early}/> -->"),
        format!("<![CDATA[<saml:Conditions {early}/>]]>"),
        format!("<?saml:Conditions {early}?>").replace("saml:C", "C"),
        format!("<x><saml:Conditions {early}/></x>"),
        format!("<Conditions {early}/>"),
        format!("<ds:Conditions {early}/>"),
        format!("<saml:SubjectConfirmationData {early}/>"),
        format!("<saml:AuthnStatement Session{early}/>"),
        format!("<saml:Conditions saml:{early}/>"),
    ] {
        let xml = alone().replace("</saml:Assertion>", &format!("{more}</saml:Assertion>"));
        assert_eq!(end(&xml), Some(at(NOON + 300)), "{more}");
    }
    for bad in ["", "soon", "2026-01-31", "2026-01-31T12:05:00<!-- -->Z"] {
        let xml = alone().replace("2026-01-31T12:05:00Z", bad);
        let wrong = if bad.contains('<') {
            "Xml(Malformed"
        } else {
            "Time"
        };
        assert_eq!(fault(xml.as_str()), wrong, "{bad}");
    }
}
