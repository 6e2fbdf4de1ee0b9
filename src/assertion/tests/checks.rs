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
        assert_eq!(fault(given.as_str()), "NoSaml", "{given}");
    }
}

#[test]
fn a_prefix_means_what_it_is_bound_to() {
    let default = standalone()
        .replace("xmlns:saml", "xmlns")
        .replace("saml:", "");
    let other = standalone()
        .replace("saml:", "x:")
        .replace("xmlns:saml", "xmlns:x");
    let numbers = standalone().replace(":assertion\"", ":assertio&#110;\"");
    for given in [default, other, numbers] {
        assert_eq!(fault(given.as_str()), "nothing", "{given}");
    }
    // `saml` is bound to something else, so this is no Assertion.
    let rebound = standalone().replace(ASSERTION, "urn:example:other");
    assert_eq!(fault(rebound.as_str()), "NoSaml");
    let content = assertion().replacen("<saml:Assertion", "<saml:Assertion xmlns:saml='urn:o'", 1);
    assert_eq!(fault(response(&content).as_str()), "NoAssertion");
    // A signature only by its prefix.
    let no_signature = standalone().replace(DSIG, "urn:example:other");
    assert_eq!(fault(no_signature.as_str()), "Unsigned");
    let rebound = standalone().replace("<ds:Signature>", "<ds:Signature xmlns:ds='urn:o'>");
    assert_eq!(fault(rebound.as_str()), "Unsigned");
    // A binding ends with its element.
    let past = format!("<x xmlns:ds='urn:o'/>{SIGNATURE}");
    assert_eq!(
        fault(standalone().replace(SIGNATURE, &past).as_str()),
        "nothing"
    );
}

#[test]
fn an_unsigned_assertion_is_rejected() {
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
fn an_encrypted_assertion_is_rejected_as_encrypted() {
    let encrypted = "<saml:EncryptedAssertion><x/></saml:EncryptedAssertion>";
    let both = format!("{encrypted}{}", assertion());
    for content in [encrypted.to_owned(), both] {
        assert_eq!(fault(response(&content).as_str()), "Encrypted");
    }
    let root = format!("<EncryptedAssertion xmlns=\"{ASSERTION}\"/>");
    assert_eq!(fault(root.as_str()), "Encrypted");
}

#[test]
fn an_assertion_in_another_place_is_rejected() {
    let one = assertion();
    assert_eq!(fault(response("").as_str()), "NoAssertion");
    assert_eq!(fault(response(&format!("{one}{one}")).as_str()), "Several");
    let evil = one.replace("_a1", "_evil");
    let in_signature = evil.replace(
        SIGNATURE,
        &SIGNATURE.replace("</ds:Sig", &format!("<ds:Object>{one}</ds:Object></ds:Sig")),
    );
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
        assert_eq!(fault(response(&content).as_str()), "Wrapped", "{content}");
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
        assert_eq!(
            parse(given.as_str()).info.valid_until(),
            Some(at(NOON + 300))
        );
        fuzzing::assertion(given.as_bytes());
    }
    // Its signature is not that of the assertion around it.
    let unsigned = with_advice(&other).replacen(SIGNATURE, "", 1);
    assert_eq!(fault(unsigned.as_str()), "Unsigned");
    // Elsewhere there is no Advice.
    let elsewhere = format!("<saml:Advice>{other}</saml:Advice>{}", assertion());
    assert_eq!(fault(response(&elsewhere).as_str()), "Wrapped");
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
        ParsedAssertion::parse(&given.into())
            .err()
            .unwrap()
            .to_string()
    };
    let text = error_of(&status(&code("Responder"), &inner));
    assert!(
        text.contains("the status Responder, AuthnFailed; "),
        "{text}"
    );
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
    assert_eq!(fault(inside.as_str()), "nothing");
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
    assert_eq!(
        end(&conditions("NotOnOrAfter='2026-01-31T12:00:01Z'")),
        Some(at(NOON + 1))
    );
    assert_eq!(
        end(&conditions("NotOnOrAfter='2026-01-31T23:00:01Z'")),
        Some(at(NOON + 300))
    );
    let start = |xml: &str| parse(xml).info.valid_from();
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
    for invalid in ["", "soon", "2026-01-31", "2026-01-31T12:05:00<!-- -->Z"] {
        let xml = standalone().replace("2026-01-31T12:05:00Z", invalid);
        let expected = if invalid.contains('<') {
            "Xml(Malformed"
        } else {
            "Time"
        };
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
    assert!(
        matches!(ended.kind(), ErrorKind::TokenExpired(_)),
        "{ended}"
    );
}

/// SAML Core 2.5.1.2.
#[test]
fn an_assertion_that_ends_before_it_begins_is_rejected() {
    for start in [
        "2026-01-31T12:10:00Z",
        "2026-01-31T12:05:00Z",
        "2027-01-01T00:00:00Z",
    ] {
        let xml = assertion().replace("2026-01-31T11:59:00Z", start);
        assert_eq!(fault(response(&xml).as_str()), "NeverValid", "{start}");
    }
}
