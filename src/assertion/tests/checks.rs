//! Well-formed XML that is not sent, and the times in an assertion.

use super::*;
use crate::error::ErrorKind;

#[test]
fn documents_other_than_saml_2_are_rejected() {
    let soap = "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'>()</s:Envelope>";
    let saml_1 = "<saml:Assertion xmlns:saml='urn:oasis:names:tc:SAML:1.0:assertion'/>";
    for given in [
        "<Response/>".to_owned(),
        "<html></html>".into(),
        soap.into(),
        saml_1.into(),
        soap.replace("()", &standalone()),
        standalone().replace("SAML:2.0:assertion", "SAML:2.0:protocol"),
        response(&assertion()).replace("samlp:Response", "samlp:LogoutResponse"),
    ] {
        assert_fault(&given, "NoSaml");
    }
}

#[test]
fn a_prefix_means_what_it_is_bound_to() {
    let default = standalone().replace("xmlns:saml", "xmlns");
    let default = default.replace("saml:", "");
    let other = standalone().replace("xmlns:saml", "xmlns:x");
    let other = other.replace("saml:", "x:");
    let numbers = standalone().replace(":assertion\"", ":assertio&#110;\"");
    for given in [default, other, numbers] {
        assert_fault(&given, "nothing");
    }
    // `saml` is bound to something else, so this is no Assertion.
    let rebound = standalone().replace(ASSERTION, "urn:example:other");
    assert_fault(&rebound, "NoSaml");
    let content = assertion().replacen("<saml:Assertion", "<saml:Assertion xmlns:saml='urn:o'", 1);
    assert_fault(&response(&content), "NoAssertion");
    // A signature only by its prefix.
    let no_signature = standalone().replace(DSIG, "urn:example:other");
    assert_fault(&no_signature, "Unsigned");
    let rebound = standalone().replace("<ds:Signature>", "<ds:Signature xmlns:ds='urn:o'>");
    assert_fault(&rebound, "Unsigned");
    // A binding ends with its element.
    let past = format!("<x xmlns:ds='urn:o'/>{SIGNATURE}");
    assert_fault(&standalone().replace(SIGNATURE, &past), "nothing");
}

#[test]
fn an_unsigned_assertion_is_rejected() {
    let unsigned = assertion().replace(SIGNATURE, "");
    let elsewhere = unsigned.replace("<saml:Subject>", &format!("<saml:Subject>{SIGNATURE}"));
    let commented = assertion().replace(SIGNATURE, &format!("<!--{SIGNATURE}-->"));
    let text = assertion().replace(SIGNATURE, &format!("<![CDATA[{SIGNATURE}]]>"));
    for content in [unsigned.clone(), elsewhere, commented, text] {
        assert_fault(&response(&content), "Unsigned");
    }
    let signed = format!("{SIGNATURE}{unsigned}");
    assert_fault(&response(&signed), "nothing");
}

#[test]
fn an_encrypted_assertion_is_rejected_as_encrypted() {
    let encrypted = "<saml:EncryptedAssertion><x/></saml:EncryptedAssertion>";
    let both = format!("{encrypted}{}", assertion());
    for content in [encrypted.to_owned(), both] {
        assert_fault(&response(&content), "Encrypted");
    }
    let root = format!("<EncryptedAssertion xmlns=\"{ASSERTION}\"/>");
    assert_fault(&root, "Encrypted");
}

#[test]
fn an_assertion_in_another_place_is_rejected() {
    let one = assertion();
    assert_fault(&response(""), "NoAssertion");
    assert_fault(&response(&format!("{one}{one}")), "Several");
    let evil = one.replace("_a1", "_evil");
    let object = format!("<ds:Object>{one}</ds:Object></ds:Sig");
    let in_signature = evil.replace(SIGNATURE, &SIGNATURE.replace("</ds:Sig", &object));
    let extensions = format!("<samlp:Extensions>{one}</samlp:Extensions>");
    let nested = response(&one).replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", "");
    for content in [
        in_signature,
        extensions.clone(),
        format!("{extensions}{evil}"),
        format!("<x>{one}</x>"),
        one.replace("jo@example.com", &evil),
        nested,
    ] {
        assert_fault(&response(&content), "Wrapped");
    }
}

#[test]
fn assertions_in_advice_are_ignored() {
    let with_advice = |content: &str| {
        let advice = format!("<saml:Advice><x>{content}</x></saml:Advice><saml:Subject>");
        response(&assertion().replace("<saml:Subject>", &advice))
    };
    let other = assertion()
        .replace("_a1", "_a2")
        .replace("12:05:00", "12:01:00");
    let encrypted = "<saml:EncryptedAssertion/>";
    for content in [other.as_str(), encrypted] {
        let given = with_advice(content);
        let end = parse(given.as_str()).info.valid_until();
        assert_eq!(end, Some(at(NOON + 300)));
        fuzzing::assertion(given.as_bytes());
    }
    // Its signature is not that of the assertion around it.
    let unsigned = with_advice(&other).replacen(SIGNATURE, "", 1);
    assert_fault(&unsigned, "Unsigned");
    // Elsewhere there is no Advice.
    let elsewhere = format!("<saml:Advice>{other}</saml:Advice>{}", assertion());
    assert_fault(&response(&elsewhere), "Wrapped");
}

#[test]
fn a_failed_response_is_rejected_with_its_status_codes() {
    let status = |value: &str, inner: &str| {
        let code = format!("<samlp:StatusCode Value=\"{value}\">{inner}</samlp:StatusCode>");
        response(&assertion()).replace(&format!("<samlp:StatusCode Value=\"{SUCCESS}\"/>"), &code)
    };
    let code = |name: &str| format!("urn:oasis:names:tc:SAML:2.0:status:{name}");
    let inner = format!("<samlp:StatusCode Value=\"{}\"/>", code("AuthnFailed"));
    let error_of = |given: &str| {
        let error = ParsedAssertion::parse(&given.into()).err();
        error.unwrap().to_string()
    };
    let text = error_of(&status(&code("Responder"), &inner));
    let codes = "the status Responder, AuthnFailed; ";
    assert!(text.contains(codes), "{text}");
    let text = error_of(&status("a\u{202e}b&#10;c", ""));
    assert!(text.contains("the status a\\u{202e}b\\u{a}c; "), "{text}");
    let text = error_of(&status(&"é".repeat(5_000), &inner.repeat(50)));
    assert!(text.chars().count() < 700, "{text}");
    // A Response must say that it succeeded.
    for given in [
        response(&assertion()).replace("samlp:Status", "samlp:X"),
        status("", ""),
        response(&assertion()).replace("StatusCode Value", "StatusCode value"),
    ] {
        assert!(fault(given.as_str()).starts_with("Failed"), "{given}");
        let text = error_of(&given);
        assert!(text.contains("the Response has no status code"), "{text}");
    }
    let twice = |first: &str| {
        let more = format!("<samlp:Status><samlp:StatusCode Value=\"{first}\"/></samlp:Status>");
        response(&format!("{more}{}", assertion()))
    };
    assert!(fault(twice(&code("Requester")).as_str()).starts_with("Failed"));
    let inside = status(SUCCESS, &inner);
    assert_fault(&inside, "nothing");
}

#[test]
fn the_narrowest_conditions_and_latest_confirmation_count() {
    let end = |xml: &str| parse(xml).info.valid_until();
    let xml = standalone();
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
    for (time, expected) in [("31T12:00:01Z", NOON + 1), ("31T23:00:01Z", NOON + 300)] {
        let xml = conditions(&format!("NotOnOrAfter='2026-01-{time}'"));
        assert_eq!(end(&xml), Some(at(expected)), "{time}");
    }
    let start = |xml: &str| parse(xml).info.valid_from();
    for (time, expected) in [("31T12:00:01Z", NOON + 1), ("30T12:00:01Z", NOON - 60)] {
        let xml = conditions(&format!("NotBefore='2026-01-{time}'"));
        assert_eq!(start(&xml), Some(at(expected)), "{time}");
    }
    let none = xml
        .replace(" NotOnOrAfter=", " x=")
        .replace(" NotBefore=", " y=");
    assert_eq!((start(&none), end(&none)), (None, None));
    assert!(parse(none.as_str()).check_times(at(0)).is_ok());
}

#[test]
fn times_are_read_only_from_their_own_elements() {
    let end = |xml: &str| parse(xml).info.valid_until();
    // References to characters are resolved.
    let numbers = standalone().replace("12:05:00Z", "12&#58;05:00&#x5A;");
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
        let xml = standalone().replace("</saml:Assertion>", &format!("{more}</saml:Assertion>"));
        assert_eq!(end(&xml), Some(at(NOON + 300)), "{more}");
    }
    for (invalid, expected) in [
        ("", "Time"),
        ("soon", "Time"),
        ("2026-01-31", "Time"),
        ("2026-01-31T12:05:00<!-- -->Z", "Xml(Malformed"),
    ] {
        let xml = standalone().replace("2026-01-31T12:05:00Z", invalid);
        assert_eq!(fault(xml.as_str()), expected, "{invalid}");
    }
}

#[test]
fn an_assertion_is_valid_a_minute_earlier_and_later() {
    let parsed = parse(response(&assertion()).as_str());
    let error_at = |seconds| parsed.check_times(at(seconds)).err();
    assert!(error_at(NOON - 120).is_none());
    let early = error_at(NOON - 121).unwrap();
    assert!(matches!(early.kind(), ErrorKind::Assertion(_)), "{early}");
    assert!(error_at(NOON + 359).is_none());
    let ended = error_at(NOON + 360).unwrap();
    let is_expired = matches!(ended.kind(), ErrorKind::TokenExpired(_));
    assert!(is_expired, "{ended}");
}

/// SAML Core 2.5.1.2.
#[test]
fn an_assertion_that_ends_before_it_begins_is_rejected() {
    for start in ["2026-01-31T12:10", "2026-01-31T12:05", "2027-01-01T00:00"] {
        let xml = assertion().replace("2026-01-31T11:59", start);
        assert_fault(&response(&xml), "NeverValid");
    }
}
