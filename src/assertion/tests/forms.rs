//! What is neither XML nor base64 as identity providers write it.

use super::*;

#[test]
fn what_is_no_base64_says_why() {
    let standard = STANDARD.encode(response(&assertion()));
    let (head, tail) = standard.split_at(41);
    let percent: String = url::form_urlencoded::byte_serialize(standard.as_bytes()).collect();
    let gzip = STANDARD.encode(b"\x1f\x8b\x08\0\0\0\0\0");
    for (given, wrong) in [
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
        (format!("x{}", alone()), "Form(Base64"),
        (format!("\u{feff}\u{feff}{}", alone()), "Form(Base64"),
        (STANDARD.encode(&standard), "Form(NoXml"),
        (STANDARD.encode(" "), "Form(NoXml"),
        (gzip, "Form(NoXml"),
    ] {
        assert_eq!(fault(given.as_str()), wrong, "{given}");
    }
}

#[test]
fn other_encodings_than_utf_8_are_told() {
    let xml = alone();
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
}
