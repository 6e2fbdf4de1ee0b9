//! Assertions that strangers wrote, and what an application may have done to them.

use genesys_cloud_auth::{Assertion, Saml2Bearer};

use super::*;

#[tokio::test]
async fn what_is_bad_is_a_typed_error_and_nothing_is_sent() {
    let server = Server::start(good_token(TOKEN));
    let bad = [malformed(), document_types(), no_assertions()].concat();
    for (given, told) in bad {
        let begins = String::from_utf8_lossy(&given[..given.len().min(60)]).into_owned();
        let source = given.clone();
        let source = Assertion::from_fn(move || {
            let given = source.clone();
            async move { Ok(given.into()) }
        });
        let value = grant(given).unwrap_err();
        let asked = provider(&server, grant(source).unwrap());
        for error in [value, asked.token().await.unwrap_err()] {
            assert_eq!(kind_of(&error), "Assertion", "{begins}");
            let text = error.to_string();
            assert!(text.contains(told), "{begins}: {text}");
        }
    }
    // What can be read is not sent either once it is out of date, or where it would lose its
    // signature.
    let old = in_assertion(&format!(
        "{SIGNATURE}{}",
        conditions("NotOnOrAfter", "2020")
    ));
    let early = in_assertion(&format!("{SIGNATURE}{}", conditions("NotBefore", "2120")));
    for given in [old, early] {
        let tokens = provider(&server, grant(given).unwrap());
        assert_eq!(kind_of(&tokens.token().await.unwrap_err()), "TokenExpired");
    }
    let signed_outside = response(SUCCESS, &format!("{SIGNATURE}{}", in_assertion("")));
    let tokens = provider(&server, grant(signed_outside).unwrap().rfc7522());
    let error = tokens.token().await.unwrap_err();
    assert_eq!(kind_of(&error), "Assertion");
    for org in ["", "my org", "my&org", "my-org&assertion=x"] {
        let error = Saml2Bearer::new(CLIENT_ID, SECRET, org, good()).unwrap_err();
        assert_eq!(kind_of(&error), "Configuration", "{org:?}");
    }
    assert_eq!((server.connections(), server.requests().len()), (0, 0));

    let tokens = provider(&server, grant(good()).unwrap());
    assert_eq!(tokens.token().await.unwrap().expose_secret(), TOKEN);
    assert_eq!(server.requests().len(), 1);
}

/// What is no XML that is read, and what is told of it.
fn malformed() -> Vec<(Vec<u8>, &'static str)> {
    let base64 = STANDARD.encode(in_assertion(&format!("{SIGNATURE}???>>>")));
    assert!(base64.contains('+') && base64.contains('/'));
    let units = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let text = format!("\u{feff}{}", good());
        text.encode_utf16().flat_map(order).collect()
    };
    let latin_1 = good().replace("???", "\u{e9}");
    let latin_1 = latin_1.chars().map(|c| u8::try_from(c).unwrap()).collect();
    let told = |given: &str, words| (given.as_bytes().to_vec(), words);
    vec![
        told("", "it is empty"),
        told(" \r\n", "it is empty"),
        told(&in_assertion("&x;"), "not well-formed"),
        told(&good()[..100], "not well-formed"),
        told(&format!("{}{}", good(), good()), "not well-formed"),
        told(&"<x>".repeat(100_000), "neither a Response"),
        told(&in_assertion(&"<x>".repeat(100_000)), "64 levels deep"),
        told(&"<x>".repeat(17_000_000), "longer than 512 KiB"),
        told(&"A".repeat(50_000_000), "longer than 512 KiB"),
        told(
            &STANDARD.encode(in_assertion(&" ".repeat(600_000))),
            "longer than 512 KiB",
        ),
        (units(u16::to_le_bytes), "not UTF-8"),
        (units(u16::to_be_bytes), "not UTF-8"),
        (latin_1, "not UTF-8"),
        told(&format!("{}!", &base64[..40]), "neither XML nor base64"),
        told(
            &base64.replacen("PEFz", "PE\u{0}Fz", 1),
            "neither XML nor base64",
        ),
        told(&base64.replace('/', "_"), "mixes the alphabets"),
        told(&base64.replace('+', " "), "decoded twice"),
        told(&base64.replace('+', "%2B"), "percent-encoded"),
        told(&format!("SAMLResponse={base64}"), "percent-encoded"),
        told(&STANDARD.encode("no XML"), "does not contain XML"),
    ]
}

/// Documents with a type of their own: entities that grow, or that are read from elsewhere.
fn document_types() -> Vec<(Vec<u8>, &'static str)> {
    let laugh = |n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10));
    let laughs = (1..10).map(laugh).collect::<String>();
    let external = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>";
    [
        "<!DOCTYPE a>".to_owned(),
        format!("<!DOCTYPE a>{}", good()),
        format!(
            "<!DOCTYPE a [<!ENTITY l0 \"ha\">{laughs}]>{}",
            in_assertion("&l9;")
        ),
        format!("{external}{}", in_assertion("&x;")),
        STANDARD.encode(format!("{external}{}", good())),
    ]
    .map(|given| (given.into_bytes(), "document type"))
    .into()
}

/// XML that is not one signed assertion, in clear, of a login that succeeded.
fn no_assertions() -> Vec<(Vec<u8>, &'static str)> {
    let (unsigned, signed) = (in_assertion(""), in_assertion(SIGNATURE));
    let encrypted = format!("<EncryptedAssertion xmlns=\"{SAML}\"/>");
    let extensions = format!("<Extensions>{signed}</Extensions>");
    let wrapped = in_assertion(&format!("{SIGNATURE}<Object>{signed}</Object>"));
    let in_success = |content: &str| response(SUCCESS, content);
    [
        ("<x/>".to_owned(), "neither a Response nor an Assertion"),
        (unsigned.clone(), "is signed"),
        (in_success(&unsigned), "is signed"),
        (in_success(""), "contains no assertion"),
        (in_success(&format!("{signed}{signed}")), "more than one"),
        (in_success(&format!("{signed}{unsigned}")), "more than one"),
        (in_success(&extensions), "signature wrapping"),
        (
            in_success(&format!("{extensions}{signed}")),
            "signature wrapping",
        ),
        (in_success(&wrapped), "signature wrapping"),
        (wrapped.clone(), "signature wrapping"),
        (in_success(&encrypted), "encrypted"),
        (in_success(&format!("{signed}{encrypted}")), "encrypted"),
        (response("Requester", &signed), "Requester"),
        (response("Responder", ""), "Responder"),
        (
            in_assertion(&conditions("NotBefore", "soon")),
            "a time that is not written",
        ),
    ]
    .into_iter()
    .flat_map(|(xml, told)| {
        let encoded = STANDARD.encode(&xml).into_bytes();
        [(xml.into_bytes(), told), (encoded, told)]
    })
    .collect()
}

fn good() -> String {
    in_assertion(&format!("{SIGNATURE}???>>>"))
}

fn in_assertion(content: &str) -> String {
    format!("<Assertion xmlns=\"{SAML}\" ID=\"_a1\" Version=\"2.0\">{content}</Assertion>")
}

fn conditions(name: &str, year: &str) -> String {
    format!("<Conditions {name}=\"{year}-01-01T00:00:00Z\"/>")
}

fn response(status: &str, content: &str) -> String {
    format!(
        "<p:Response xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_r1\"><p:Status>\
         <p:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:{status}\"/></p:Status>\
         {content}</p:Response>"
    )
}

fn grant(assertion: impl Into<Assertion>) -> Result<Saml2Bearer, Error> {
    Saml2Bearer::new(CLIENT_ID, SECRET, "my-org", assertion)
}

fn provider(server: &Server, grant: Saml2Bearer) -> TokenProvider {
    TokenProvider::new(region_of(server, server), grant).unwrap()
}

const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const SIGNATURE: &str = "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"/>";
const SUCCESS: &str = "Success";
