//! The forms in which an assertion can be given.

use super::*;

#[test]
fn xml_and_base64_in_every_form_are_accepted() {
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
        let sent = parse(given.as_str()).encode(Encoding::Document).unwrap();
        assert_eq!(sent.expose_secret(), standard, "{given}");
        let bytes = parse(given.clone().into_bytes());
        let secret = parse(SecretString::from(given));
        assert_eq!(bytes.fingerprint(), secret.fingerprint());
    }
}

#[test]
fn invalid_base64_is_rejected_with_its_reason() {
    let standard = STANDARD.encode(response(&assertion()));
    let (head, tail) = standard.split_at(41);
    let percent: String = url::form_urlencoded::byte_serialize(standard.as_bytes()).collect();
    let gzip = STANDARD.encode(b"\x1f\x8b\x08\0\0\0\0\0");
    for (given, expected) in [
        (String::new(), "Form(Empty"),
        (" \r\n\t".into(), "Form(Empty"),
        ("\u{feff}".into(), "Form(Empty"),
        (format!("{head}+-{tail}"), "Form(TwoAlphabets"),
        (format!("{head}_{tail}/"), "Form(TwoAlphabets"),
        (format!("{head}%2B{tail}"), "Form(PercentEncoded"),
        (percent.replace('=', "%3D"), "Form(PercentEncoded"),
        (format!("SAMLResponse={standard}"), "Form(PercentEncoded"),
        (format!("{standard}&RelayState=x"), "Form(PercentEncoded"),
        (format!("{head} {tail}"), "Form(Spaces"),
        (format!("{head}\t{tail}"), "Form(Spaces"),
        (format!("{head}é{tail}"), "Form(Base64"),
        (format!("{head}\0{tail}"), "Form(Base64"),
        (format!("{head}={tail}"), "Form(Base64"),
        (format!("{standard}===="), "Form(Base64"),
        (head.get(..37).unwrap().to_owned(), "Form(Base64"),
        ("PF".into(), "Form(Base64"),
        (format!("\"{standard}\""), "Form(Base64"),
        ("{\"assertion\": \"PHgvPg==\"}".into(), "Form(Base64"),
        (format!("x{}", standalone()), "Form(Base64"),
        (format!("\u{feff}\u{feff}{}", standalone()), "Form(Base64"),
        (STANDARD.encode(&standard), "Form(NoXml"),
        (STANDARD.encode(" "), "Form(NoXml"),
        (gzip, "Form(NoXml"),
    ] {
        assert_fault(&given, expected);
    }
}

#[test]
fn encodings_other_than_utf_8_are_rejected() {
    let xml = standalone();
    let utf_16 = |bytes: fn(u16) -> [u8; 2]| xml.encode_utf16().flat_map(bytes).collect::<Vec<_>>();
    let (little, big) = (utf_16(u16::to_le_bytes), utf_16(u16::to_be_bytes));
    let mut latin = xml.clone().into_bytes();
    latin.push(0xe9);
    let declared = |encoding| format!("<?xml version='1.0' encoding='{encoding}'?>{xml}");
    for given in [
        little.clone(),
        big.clone(),
        [&b"\xff\xfe"[..], &little].concat(),
        [&b"\xfe\xff"[..], &big].concat(),
        STANDARD.encode(&little).into_bytes(),
        latin,
        declared("UTF-16").into_bytes(),
        declared("ISO-8859-1").into_bytes(),
        declared("US-ASCII").into_bytes(),
        declared("").into_bytes(),
    ] {
        assert_eq!(fault(given), "Xml(Encoding");
    }
    assert_eq!(fault(declared("utf-8").into_bytes()), "nothing");
    // The encoding of base64 can be changed without harm to the XML.
    let base64 = format!("\u{feff}{}\r\n", STANDARD.encode(&xml));
    for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        let utf_16: Vec<u8> = base64.encode_utf16().flat_map(bytes).collect();
        assert_eq!(fault(utf_16), "Form(Utf16");
    }
    assert_eq!(fault(base64.into_bytes()), "nothing");
}
