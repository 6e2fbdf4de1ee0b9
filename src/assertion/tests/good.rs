//! What can be sent.

use super::*;

#[test]
fn every_form_that_people_hold_is_read() {
    let xml = response(&assertion());
    let standard = STANDARD.encode(&xml);
    let lines = |width: usize, end: &str| {
        let lines = standard.as_bytes().chunks(width);
        let lines: Vec<_> = lines.map(|line| str::from_utf8(line).unwrap()).collect();
        lines.join(end) + end
    };
    for given in [
        xml.clone(),
        standard.clone(),
        standard.trim_end_matches('=').to_owned(),
        lines(76, "\r\n"),
        lines(64, "\n"),
        format!("\u{feff} {standard}\n"),
        URL_SAFE.encode(&xml),
        URL_SAFE_NO_PAD.encode(&xml),
    ] {
        let sent = looked(given.as_str()).encode(Form::Document).unwrap();
        assert_eq!(sent.expose_secret(), standard, "{given}");
        let bytes = looked(given.clone().into_bytes());
        let secret = looked(SecretString::from(given));
        assert_eq!(bytes.fingerprint(), secret.fingerprint());
    }
}

#[test]
fn the_document_goes_out_byte_by_byte() {
    for xml in [
        response(&assertion()),
        alone(),
        format!("\u{feff}{}", response(&assertion())),
        format!("\n<!-- é -->{}\r\n", alone()),
    ] {
        let sent = looked(xml.as_str()).encode(Form::Document).unwrap();
        assert_eq!(decoded(&sent, &STANDARD), xml.as_bytes());
    }
}

#[test]
fn an_assertion_goes_out_alone_with_the_namespaces_it_was_in() {
    let inherited = format!(
        "<saml:Assertion xmlns:ds=\"{DSIG}\" xmlns:saml=\"{ASSERTION}\" xmlns:samlp=\"{PROTOCOL}\""
    );
    let expected = assertion().replacen("<saml:Assertion", &inherited, 1);
    for before in ["", "\u{feff}"] {
        let looked = looked(format!("{before}{}", response(&assertion())).as_str());
        let sent = looked.encode(Form::Rfc7522).unwrap();
        let sent = decoded(&sent, &URL_SAFE_NO_PAD);
        assert_eq!(String::from_utf8(sent).unwrap(), expected);
    }
}

#[test]
fn an_assertion_is_in_date_give_or_take_a_minute() {
    let looked = looked(response(&assertion()).as_str());
    let stale = |seconds| looked.stale(at(seconds)).map(|why| format!("{why:?}"));
    assert_eq!(stale(NOON - 120), None);
    assert!(stale(NOON - 121).unwrap().starts_with("NotBefore"));
    assert_eq!(stale(NOON + 359), None);
    assert!(stale(NOON + 360).unwrap().starts_with("Ended"));
}
