//! Assertions that attackers wrote, and mistakes of applications with valid ones.

use genesys_cloud_auth::{Assertion, Saml2Bearer};

use super::*;

#[tokio::test]
async fn an_invalid_assertion_is_a_typed_error_and_is_not_sent() {
    let server = Server::start(good_token(TOKEN));
    let invalid = [malformed(), document_types(), no_assertions()].concat();
    for (given, expected) in invalid {
        let begins = String::from_utf8_lossy(&given[..given.len().min(60)]).into_owned();
        let source = given.clone();
        let source = Assertion::from_fn(move || {
            let given = source.clone();
            async move { Ok(given.into()) }
        });
        let from_value = grant(given).unwrap_err();
        let tokens = provider(&server, grant(source).unwrap());
        for error in [from_value, tokens.token().await.unwrap_err()] {
            assert_eq!(kind_of(&error), "Assertion", "{begins}");
            let text = error.to_string();
            assert!(text.contains(expected), "{begins}: {text}");
        }
    }
    // Not sent either: well-formed ones that are not valid now, or would lose their signature.
    let old = in_assertion(&format!(
        "{SIGNATURE}{}",
        conditions("NotOnOrAfter", "2020")
    ));
    let early = in_assertion(&format!("{SIGNATURE}{}", conditions("NotBefore", "2120")));
    for (given, kind) in [(old, "TokenExpired"), (early, "Assertion")] {
        let tokens = provider(&server, grant(given).unwrap());
        let error = tokens.token().await.unwrap_err();
        assert_eq!(kind_of(&error), kind);
        assert_eq!(error.troubleshooting().is_some(), kind == "TokenExpired");
        let names_clock = error.to_string().contains("this machine's clock shows");
        assert_eq!(names_clock, kind == "Assertion", "{error}");
    }
    let signed_outside = response(SUCCESS, &format!("{SIGNATURE}{}", in_assertion("")));
    let inherits = signed_outside
        .replace(SIGNATURE, "")
        .replace("></Assertion>", &format!(">{SIGNATURE}</Assertion>"))
        .replace("ID=\"_r1\"", "ID=\"_r1\" xml:lang=\"en\"");
    for given in [signed_outside, inherits] {
        let grant = grant(given.as_str()).unwrap();
        let region = || region_of(&server, &server);
        assert!(TokenProvider::new(region(), grant.clone()).is_ok());
        let error = TokenProvider::new(region(), grant.rfc7522()).unwrap_err();
        assert_eq!(kind_of(&error), "Assertion", "{given}");
        assert_contains(&error, "send the whole");
    }
    for org in ["", "my org", "my&org", "my-org&assertion=x"] {
        let error = Saml2Bearer::new(CLIENT_ID, SECRET, org, valid()).unwrap_err();
        assert_eq!(kind_of(&error), "Configuration", "{org:?}");
    }
    assert_eq!((server.connections(), server.requests().len()), (0, 0));

    let tokens = provider(&server, grant(valid()).unwrap());
    assert_eq!(tokens.token().await.unwrap().expose_secret(), TOKEN);
    assert_eq!(server.requests().len(), 1);
}

/// Inputs that cannot be read, and a part of the error text for each.
fn malformed() -> Vec<(Vec<u8>, &'static str)> {
    let base64 = STANDARD.encode(in_assertion(&format!("{SIGNATURE}???>>>")));
    assert!(base64.contains('+') && base64.contains('/'));
    let units = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let text = format!("\u{feff}{}", valid());
        text.encode_utf16().flat_map(order).collect()
    };
    let latin_1 = valid().replace("???", "\u{e9}");
    let latin_1 = latin_1.chars().map(|c| u8::try_from(c).unwrap()).collect();
    let case = |given: &str, words| (given.as_bytes().to_vec(), words);
    vec![
        case("", "it is empty"),
        case(" \r\n", "it is empty"),
        case(&in_assertion("&x;"), "not well-formed"),
        case(&valid()[..100], "not well-formed"),
        case(&format!("{}{}", valid(), valid()), "not well-formed"),
        case(&"<x>".repeat(100_000), "neither a Response"),
        case(&in_assertion(&"<x>".repeat(100_000)), "64 levels deep"),
        case(&"<x>".repeat(17_000_000), "longer than 512 KiB"),
        case(&"A".repeat(50_000_000), "longer than 512 KiB"),
        case(
            &STANDARD.encode(in_assertion(&" ".repeat(600_000))),
            "longer than 512 KiB",
        ),
        (units(u16::to_le_bytes), "not UTF-8"),
        (units(u16::to_be_bytes), "not UTF-8"),
        (latin_1, "not UTF-8"),
        case(&format!("{}!", &base64[..40]), "neither XML nor base64"),
        case(
            &base64.replacen("PEFz", "PE\u{0}Fz", 1),
            "neither XML nor base64",
        ),
        case(&base64.replace('/', "_"), "mixes the alphabets"),
        case(&base64.replace('+', " "), "decoded twice"),
        case(&base64.replace('+', "%2B"), "percent-encoded"),
        case(&format!("SAMLResponse={base64}"), "percent-encoded"),
        case(&STANDARD.encode("no XML"), "does not contain XML"),
    ]
}

/// Documents with a document type: entities that expand, or that are read from elsewhere.
fn document_types() -> Vec<(Vec<u8>, &'static str)> {
    let laugh = |n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10));
    let laughs = (1..10).map(laugh).collect::<String>();
    let external = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>";
    [
        "<!DOCTYPE a>".to_owned(),
        format!("<!DOCTYPE a>{}", valid()),
        format!(
            "<!DOCTYPE a [<!ENTITY l0 \"ha\">{laughs}]>{}",
            in_assertion("&l9;")
        ),
        format!("{external}{}", in_assertion("&x;")),
        STANDARD.encode(format!("{external}{}", valid())),
    ]
    .map(|given| (given.into_bytes(), "document type"))
    .into()
}

/// XML that is not one signed and unencrypted assertion of a successful login.
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
    .flat_map(|(xml, expected)| {
        let encoded = STANDARD.encode(&xml).into_bytes();
        [(xml.into_bytes(), expected), (encoded, expected)]
    })
    .collect()
}

fn valid() -> String {
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
