//! The exchange of SAML assertions.

use std::time::Duration;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use genesys_cloud_auth::sandbox::{Sandbox, SandboxAssertions};
use serde_json::json;
use url::form_urlencoded::Serializer;

use super::{
    ORGANIZATION, Response, Wire, client_headers, form_headers, get, get_json, send, start, text,
    token_request, token_request_with,
};

async fn start_saml() -> Sandbox {
    start(Sandbox::builder().saml_client(AUDIENCE)).await
}

/// Makes assertions about the second user.
fn assertions(sandbox: &Sandbox) -> SandboxAssertions {
    sandbox.assertions(&sandbox.users()[1])
}

fn assertion_request(sandbox: &Sandbox, fields: &[(&str, &str)]) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", SAML2_BEARER);
    form.extend_pairs(fields);
    token_request_with(&client_headers(sandbox), &form.finish())
}

async fn exchange(sandbox: &Sandbox, assertion: &str) -> Response {
    let org = sandbox.org_short_name();
    let fields = [("orgName", org), ("assertion", assertion)];
    send(sandbox, assertion_request(sandbox, &fields)).await
}

async fn assert_accepted(sandbox: &Sandbox, assertion: &str) {
    let response = exchange(sandbox, assertion).await;
    assert_eq!(response.status, 200, "{:?}", response.json());
}

async fn assert_accepted_xml(sandbox: &Sandbox, assertion: impl AsRef<[u8]>) {
    assert_accepted(sandbox, &STANDARD.encode(assertion)).await;
}

async fn assert_invalid_xml(sandbox: &Sandbox, assertion: impl AsRef<[u8]>, description: &str) {
    assert_invalid_grant(sandbox, &STANDARD.encode(assertion), description).await;
}

async fn assert_invalid_grant(sandbox: &Sandbox, assertion: &str, description: &str) {
    let response = exchange(sandbox, assertion).await;
    response.assert_oauth_error("invalid_grant", description);
    assert_eq!(response.header("sandbox-signature"), Some("not checked"));
}

#[tokio::test]
async fn token_is_that_of_the_asserted_user() {
    let sandbox = start_saml().await;
    for user in sandbox.users() {
        let assertions = sandbox.assertions(&user);
        for assertion in [
            assertions.saml_response(),
            STANDARD.encode(assertions.assertion()),
            URL_SAFE_NO_PAD.encode(assertions.assertion()),
        ] {
            let response = exchange(&sandbox, &assertion).await;
            assert_eq!(response.status, 200, "{response:?}");
            assert_eq!(response.header("sandbox-signature"), Some("not checked"));
            assert_eq!(response.header("cache-control"), Some("no-store"));
            let body = response.json();
            let token = text(&body, "access_token");
            let expected =
                json!({ "access_token": token, "token_type": "bearer", "expires_in": 86_399 });
            assert_eq!(body, expected);
            let me = get_json(&sandbox, "/api/v2/users/me", token).await;
            assert_eq!(me["email"], user.email());
            assert_eq!(get(&sandbox, ORGANIZATION, token).await.status, 200);
        }
    }
}

#[tokio::test]
async fn assertion_gives_one_token() {
    let sandbox = start_saml().await;
    let assertion = assertions(&sandbox).assertion();
    assert_accepted_xml(&sandbox, &assertion).await;
    let again = "the assertion was used before";
    assert_invalid_xml(&sandbox, &assertion, again).await;
    assert_invalid_grant(&sandbox, &URL_SAFE_NO_PAD.encode(&assertion), again).await;
    sandbox.revoke_access_tokens();
    assert_invalid_xml(&sandbox, &assertion, again).await;
    assert_accepted(&sandbox, &assertions(&sandbox).saml_response()).await;
    // Assertions are distinguished by issuer and id together.
    let other = assertion.replace("https://idp.", "https://other.");
    assert_accepted_xml(&sandbox, other).await;
}

#[tokio::test]
async fn failed_exchange_does_not_use_up_the_assertion() {
    let sandbox = start_saml().await;
    let wait = Duration::from_secs(60);
    let early = assertions(&sandbox).starts_after(wait).saml_response();
    assert_invalid_grant(&sandbox, &early, "the assertion is not valid yet").await;
    sandbox.advance(wait);
    assert_accepted(&sandbox, &early).await;
}

#[tokio::test]
async fn dropped_response_has_used_up_the_assertion() {
    let sandbox = start_saml().await;
    let assertion = assertions(&sandbox).saml_response();
    sandbox.at_token_endpoint().times(1).respond(503);
    assert_eq!(exchange(&sandbox, &assertion).await.status, 503);
    sandbox.at_token_endpoint().times(1).drop_response();
    let mut wire = Wire::connect(&sandbox).await;
    let fields = [("orgName", "sandbox"), ("assertion", assertion.as_str())];
    wire.send(assertion_request(&sandbox, &fields)).await;
    assert!(wire.is_at_end().await);
    assert_invalid_grant(&sandbox, &assertion, "the assertion was used before").await;

    let requests = sandbox.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(sandbox.token_requests(), 3);
    for request in requests {
        let field = ("assertion".into(), (&*assertion).into());
        assert_eq!(request.form()[2], field);
        assert!(!format!("{request:?}").contains(&assertion[..20]));
    }
}

#[tokio::test]
async fn times_are_checked_by_the_sandboxs_clock() {
    let sandbox = start_saml().await;
    let day = Duration::from_secs(86_400);
    let old = assertions(&sandbox).saml_response();
    sandbox.advance(day);
    assert_invalid_grant(&sandbox, &old, "the assertion has expired").await;
    let [first, second] = [(); 2].map(|()| assertions(&sandbox).saml_response());
    sandbox.advance(Duration::from_secs(240));
    assert_accepted(&sandbox, &first).await;
    sandbox.advance(Duration::from_secs(60));
    assert_invalid_grant(&sandbox, &second, "the assertion has expired").await;
    let long = assertions(&sandbox).lifetime(2 * day).saml_response();
    sandbox.advance(day);
    assert_accepted(&sandbox, &long).await;

    // The limits of the subject's confirmation count, too.
    let xml = assertions(&sandbox).lifetime(day).assertion();
    let end = xml.split("NotOnOrAfter=\"").nth(1).unwrap();
    let end = end.split('"').next().unwrap();
    let past = xml.replacen(end, "2020-01-01T00:00:00Z", 1);
    assert_invalid_xml(&sandbox, past, "the assertion has expired").await;
    let bad = xml.replacen(end, "tomorrow", 1);
    assert_invalid_xml(&sandbox, bad, "the assertion has an invalid date").await;
    let limit = format!(" NotOnOrAfter=\"{end}\"");
    let without_end = xml.replace(&limit, "");
    assert_invalid_xml(&sandbox, without_end, "the assertion has no end").await;
    assert_accepted_xml(&sandbox, xml.replacen(&limit, "", 1)).await;
}

#[tokio::test]
async fn audience_must_be_the_clients_if_it_has_one() {
    let sandbox = start_saml().await;
    let other = assertions(&sandbox).audience("https://other.example/saml");
    let description = "the assertion is for another audience";
    assert_invalid_grant(&sandbox, &other.saml_response(), description).await;
    let right = assertions(&sandbox).assertion();
    let restriction = "<saml:AudienceRestriction>";
    let first = format!("{restriction}<saml:Audience>https://first.example</saml:Audience>");
    let two = right.replace(restriction, &first);
    assert_accepted_xml(&sandbox, two).await;
    let at = right.find(restriction).unwrap();
    let end = right.find("</saml:Conditions>").unwrap();
    let none = format!("{}{}", &right[..at], &right[end..]);
    assert_invalid_xml(&sandbox, none, description).await;
    let both = right.replace(
        restriction,
        "<saml:AudienceRestriction><saml:Audience>https://other.example</saml:Audience>\
         </saml:AudienceRestriction><saml:AudienceRestriction>",
    );
    assert_invalid_xml(&sandbox, both, description).await;

    let builder = Sandbox::builder().authorized_grant_type("SAML2-BEARER");
    let sandbox = builder.start().await.unwrap();
    let other = assertions(&sandbox).audience("https://other.example/saml");
    assert_accepted(&sandbox, &other.saml_response()).await;
}

#[tokio::test]
async fn org_name_must_be_the_clients() {
    let builder = Sandbox::builder().saml_client(AUDIENCE);
    let sandbox = builder.org_short_name("my org & co").start().await.unwrap();
    let assertion = assertions(&sandbox).saml_response();
    let missing = |name: &str| format!("{name} is missing");
    let other = "orgName is not that of the client's organisation".to_owned();
    let with_assertion = |org| vec![("orgName", org), ("assertion", &*assertion)];
    for (fields, description) in [
        (vec![("assertion", &*assertion)], missing("orgName")),
        (with_assertion(""), missing("orgName")),
        (vec![("orgName", "my org & co")], missing("assertion")),
        (with_assertion("my org"), other),
    ] {
        let response = send(&sandbox, assertion_request(&sandbox, &fields)).await;
        response.assert_oauth_error("invalid_request", &description);
    }
    assert_accepted(&sandbox, &assertion).await;
}

#[tokio::test]
async fn document_must_contain_exactly_one_assertion() {
    let sandbox = start_saml().await;
    let response = assertions(&sandbox).response();
    let start = response.find("<saml:Assertion").unwrap();
    let end = response.find("</samlp:Response>").unwrap();
    let assertion = &response[start..end];
    let response_with = |inner: &str| format!("{}{inner}</samlp:Response>", &response[..start]);
    let with_doctype = format!("<!DOCTYPE a>{assertion}");
    for document in ["not XML", "<saml:Assertion/>", &with_doctype] {
        assert_invalid_xml(&sandbox, document, NOT_XML).await;
    }
    for inner in [
        "",
        &assertion.replace("saml:Assertion", "saml:EncryptedAssertion"),
        &format!("{assertion}{assertion}"),
        &format!("<samlp:Extensions>{assertion}</samlp:Extensions>"),
    ] {
        let description = "the response does not contain exactly one unencrypted assertion";
        assert_invalid_xml(&sandbox, response_with(inner), description).await;
    }
    let description = "the document is neither an assertion nor a response";
    assert_invalid_xml(&sandbox, "<Assertion/>", description).await;
    let failed = response.replace("status:Success", "status:Requester");
    let description = "the response does not report success";
    assert_invalid_xml(&sandbox, failed, description).await;
    assert_accepted_xml(&sandbox, response_with(assertion)).await;
}

#[tokio::test]
async fn other_encodings_are_errors() {
    let sandbox = start_saml().await;
    let assertions = assertions(&sandbox);
    let response = format!("{}<!-- ?>?> -->", assertions.response());
    let in_base64url = URL_SAFE_NO_PAD.encode(response);
    assert!(in_base64url.contains(['-', '_']));
    for text in [
        "!!!",
        &in_base64url,
        &format!("{}\n", assertions.saml_response()),
        &STANDARD.encode(b"<a>\xff</a>"),
    ] {
        assert_invalid_grant(&sandbox, text, NOT_XML).await;
    }
}

#[tokio::test]
async fn invalid_assertion_gets_a_description() {
    let sandbox = start_saml().await;
    let assertion = assertions(&sandbox).assertion();
    let signature = assertion.find("<ds:Signature").unwrap();
    let subject = assertion.find("<saml:Subject>").unwrap();
    let unsigned = format!("{}{}", &assertion[..signature], &assertion[subject..]);
    assert_invalid_xml(&sandbox, unsigned, "the assertion is not signed").await;
    let stranger = start(Sandbox::builder().users(4)).await;
    let stranger = sandbox.assertions(&stranger.users()[3]).saml_response();
    assert_invalid_grant(&sandbox, &stranger, UNKNOWN_USER).await;
    let no_issuer_or_id = "has no issuer or no id";
    for (from, to, description) in [
        ("saml:Conditions", "saml:Other", "has no conditions"),
        ("saml:NameID", "saml:Other", "names no subject"),
        ("cm:bearer", "cm:holder-of-key", "is not for its bearer"),
        ("saml:Issuer", "saml:Other", no_issuer_or_id),
        (" ID=", " Id=", no_issuer_or_id),
    ] {
        let description = format!("the assertion {description}");
        let changed = assertion.replace(from, to);
        assert_invalid_xml(&sandbox, changed, &description).await;
    }
    assert_accepted_xml(&sandbox, assertion).await;
}

#[tokio::test]
async fn subject_is_read_across_comments_and_references() {
    let sandbox = start_saml().await;
    let xml = assertions(&sandbox).assertion();
    let email = sandbox.users()[1].email().to_owned();
    let subject = |text: &str| STANDARD.encode(xml.replace(&email, text));
    // Canonical XML leaves comments out, so the signer has read the text without them.
    for rest in ["<!-- -->.evil.example", "&#46;com"] {
        let longer = &format!("user2@sandbox.example{rest}");
        assert_invalid_grant(&sandbox, &subject(longer), UNKNOWN_USER).await;
    }
    let same = subject("\n user2<!-- -->&#64;<![CDATA[sandbox]]>.example ");
    assert_accepted(&sandbox, &same).await;
}

#[tokio::test]
async fn assertions_are_unique_and_contain_the_settings() {
    let sandbox = start_saml().await;
    let assertions = assertions(&sandbox).in_response_to("_a&b");
    assert_ne!(assertions.assertion(), assertions.assertion());
    let response = assertions.response();
    assert_eq!(response.matches(" InResponseTo=\"_a&amp;b\"").count(), 2);
    assert_eq!(response.matches(AUDIENCE).count(), 3);
    let plain = sandbox.assertions(&sandbox.users()[0]).response();
    assert!(!plain.contains("InResponseTo"));
    let decoded = STANDARD.decode(assertions.saml_response()).unwrap();
    assert!(decoded.starts_with(b"<?xml "));
}

#[tokio::test]
async fn saml_client_gets_no_token_without_an_assertion() {
    let sandbox = start_saml().await;
    let response = send(&sandbox, token_request(&sandbox)).await;
    assert_eq!(response.json()["error"], "unauthorized_client");
    let wrong = form_headers(sandbox.client_id(), "wrong");
    let assertion = assertions(&sandbox).saml_response();
    let body = format!("grant_type={SAML2_BEARER}&orgName=sandbox&assertion={assertion}");
    let response = send(&sandbox, token_request_with(&wrong, &body)).await;
    assert_eq!(response.json()["error"], "invalid_client");
    assert_eq!(response.header("sandbox-signature"), None);
}

const NOT_XML: &str = "the assertion is not XML in base64";
const UNKNOWN_USER: &str = "the assertion's subject is not a user of the organisation";
const AUDIENCE: &str = "https://app.example/saml";
const SAML2_BEARER: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";
