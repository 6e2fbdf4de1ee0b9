//! Assertions brought to `POST /oauth/token`.

use std::time::Duration;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use genesys_cloud_auth::sandbox::{Sandbox, SandboxAssertions};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::{Answer, FORM, GRANT, ORGANIZATION, Wire, ask, basic, get, token_request_with};

async fn start() -> Sandbox {
    Sandbox::builder()
        .saml_client(AUDIENCE)
        .start()
        .await
        .unwrap()
}

/// Assertions about the second user.
fn assertions(sandbox: &Sandbox) -> SandboxAssertions {
    sandbox.assertions(&sandbox.users()[1])
}

fn request(sandbox: &Sandbox, fields: &[(&str, &str)]) -> String {
    let basic = basic(sandbox.client_id(), sandbox.client_secret().expose_secret());
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", SAML2_BEARER);
    form.extend_pairs(fields);
    token_request_with(&format!("Authorization: {basic}\r\n{FORM}"), &form.finish())
}

async fn bring(sandbox: &Sandbox, assertion: &str) -> Answer {
    let org = sandbox.org_short_name();
    let fields = [("orgName", org), ("assertion", assertion)];
    ask(sandbox, request(sandbox, &fields)).await
}

async fn is_taken(sandbox: &Sandbox, assertion: &str) {
    let answer = bring(sandbox, assertion).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
}

async fn is_refused(sandbox: &Sandbox, assertion: &str, words: &str) {
    let answer = bring(sandbox, assertion).await;
    assert_eq!(answer.status, 400, "{words}");
    assert_eq!(answer.json(), refusal("invalid_grant", words));
    assert_eq!(answer.header("sandbox-signature"), Some("not checked"));
}

fn refusal(error: &str, words: &str) -> Value {
    json!({ "error": error, "description": words, "error_description": words })
}

#[tokio::test]
async fn the_token_is_that_of_the_user_whom_the_assertion_names() {
    let sandbox = start().await;
    for user in sandbox.users() {
        let assertions = sandbox.assertions(&user);
        for assertion in [
            assertions.saml_response(),
            STANDARD.encode(assertions.assertion()),
            URL_SAFE_NO_PAD.encode(assertions.assertion()),
        ] {
            let answer = bring(&sandbox, &assertion).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(answer.header("sandbox-signature"), Some("not checked"));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            let body = answer.json();
            let token = body["access_token"].as_str().unwrap();
            assert_eq!(
                body,
                json!({ "access_token": token, "token_type": "bearer", "expires_in": 86_399 })
            );
            let me = get(&sandbox, "/api/v2/users/me", token).await.json();
            assert_eq!(me["email"], user.email());
            assert_eq!(get(&sandbox, ORGANIZATION, token).await.status, 200);
        }
    }
}

#[tokio::test]
async fn an_assertion_gives_one_token() {
    let sandbox = start().await;
    let assertion = assertions(&sandbox).assertion();
    is_taken(&sandbox, &STANDARD.encode(&assertion)).await;
    let again = "the assertion was used before";
    is_refused(&sandbox, &STANDARD.encode(&assertion), again).await;
    is_refused(&sandbox, &URL_SAFE_NO_PAD.encode(&assertion), again).await;
    sandbox.revoke_access_tokens();
    is_refused(&sandbox, &STANDARD.encode(&assertion), again).await;
    is_taken(&sandbox, &assertions(&sandbox).saml_response()).await;
    // It is known by its issuer and its id together.
    let other = assertion.replace("https://idp.", "https://other.");
    is_taken(&sandbox, &STANDARD.encode(other)).await;
}

#[tokio::test]
async fn an_assertion_that_is_refused_is_not_used_up() {
    let sandbox = start().await;
    let wait = Duration::from_secs(60);
    let early = assertions(&sandbox).starts_after(wait).saml_response();
    is_refused(&sandbox, &early, "the assertion is not valid yet").await;
    sandbox.advance(wait);
    is_taken(&sandbox, &early).await;
}

#[tokio::test]
async fn a_reply_that_is_dropped_has_used_the_assertion_up() {
    let sandbox = start().await;
    let assertion = assertions(&sandbox).saml_response();
    sandbox.at_token_endpoint().times(1).respond(503);
    assert_eq!(bring(&sandbox, &assertion).await.status, 503);
    sandbox.at_token_endpoint().times(1).drop_response();
    let mut wire = Wire::connect(&sandbox).await;
    let fields = [("orgName", "sandbox"), ("assertion", assertion.as_str())];
    wire.send(request(&sandbox, &fields)).await;
    assert!(wire.is_at_end().await);
    is_refused(&sandbox, &assertion, "the assertion was used before").await;

    let requests = sandbox.requests();
    assert_eq!((requests.len(), sandbox.token_requests()), (3, 3));
    for request in requests {
        assert_eq!(
            request.form()[2],
            ("assertion".into(), (&*assertion).into())
        );
        assert!(!format!("{request:?}").contains(&assertion[..20]));
    }
}

#[tokio::test]
async fn times_are_those_of_the_sandboxs_clock() {
    let sandbox = start().await;
    let day = Duration::from_secs(86_400);
    let old = assertions(&sandbox).saml_response();
    sandbox.advance(day);
    is_refused(&sandbox, &old, "the assertion is out of date").await;
    let (first, second) = (
        assertions(&sandbox).saml_response(),
        assertions(&sandbox).saml_response(),
    );
    sandbox.advance(Duration::from_secs(240));
    is_taken(&sandbox, &first).await;
    sandbox.advance(Duration::from_secs(60));
    is_refused(&sandbox, &second, "the assertion is out of date").await;
    let long = assertions(&sandbox).lifetime(2 * day).saml_response();
    sandbox.advance(day);
    is_taken(&sandbox, &long).await;

    // The limits of the subject's confirmation count as well.
    let xml = assertions(&sandbox).lifetime(day).assertion();
    let end = xml.split("NotOnOrAfter=\"").nth(1).unwrap();
    let end = end.split('"').next().unwrap();
    let past = xml.replacen(end, "2020-01-01T00:00:00Z", 1);
    let past = STANDARD.encode(past);
    is_refused(&sandbox, &past, "the assertion is out of date").await;
    let bad = STANDARD.encode(xml.replacen(end, "tomorrow", 1));
    is_refused(&sandbox, &bad, "the assertion has a bad date").await;
    let limit = format!(" NotOnOrAfter=\"{end}\"");
    let endless = STANDARD.encode(xml.replace(&limit, ""));
    is_refused(&sandbox, &endless, "the assertion has no end").await;
    is_taken(&sandbox, &STANDARD.encode(xml.replacen(&limit, "", 1))).await;
}

#[tokio::test]
async fn an_assertion_for_another_audience_is_refused_where_the_client_has_one() {
    let sandbox = start().await;
    let other = assertions(&sandbox).audience("https://other.example/saml");
    let words = "the assertion is for another audience";
    is_refused(&sandbox, &other.saml_response(), words).await;
    let right = assertions(&sandbox).assertion();
    let restriction = "<saml:AudienceRestriction>";
    let two = right.replace(
        restriction,
        &format!("{restriction}<saml:Audience>https://first.example</saml:Audience>"),
    );
    is_taken(&sandbox, &STANDARD.encode(two)).await;
    let at = right.find(restriction).unwrap();
    let end = right.find("</saml:Conditions>").unwrap();
    let none = format!("{}{}", &right[..at], &right[end..]);
    is_refused(&sandbox, &STANDARD.encode(none), words).await;
    let both = right.replace(
        restriction,
        "<saml:AudienceRestriction><saml:Audience>https://other.example</saml:Audience>\
         </saml:AudienceRestriction><saml:AudienceRestriction>",
    );
    is_refused(&sandbox, &STANDARD.encode(both), words).await;

    let builder = Sandbox::builder().authorized_grant_type("SAML2-BEARER");
    let sandbox = builder.start().await.unwrap();
    let other = assertions(&sandbox).audience("https://other.example/saml");
    is_taken(&sandbox, &other.saml_response()).await;
}

#[tokio::test]
async fn the_organisation_must_be_the_clients() {
    let builder = Sandbox::builder().saml_client(AUDIENCE);
    let sandbox = builder.org_short_name("my org & co").start().await.unwrap();
    let assertion = assertions(&sandbox).saml_response();
    let missing = |name: &str| format!("{name} is missing");
    let other = "orgName is not that of the client's organisation".to_owned();
    for (fields, words) in [
        (vec![("assertion", &*assertion)], missing("orgName")),
        (
            vec![("orgName", ""), ("assertion", &assertion)],
            missing("orgName"),
        ),
        (vec![("orgName", "my org & co")], missing("assertion")),
        (
            vec![("orgName", "my org"), ("assertion", &assertion)],
            other,
        ),
    ] {
        let answer = ask(&sandbox, request(&sandbox, &fields)).await;
        assert_eq!(answer.status, 400, "{fields:?}");
        assert_eq!(answer.json(), refusal("invalid_request", &words));
    }
    is_taken(&sandbox, &assertion).await;
}

#[tokio::test]
async fn a_document_without_one_assertion_is_refused() {
    let sandbox = start().await;
    let response = assertions(&sandbox).response();
    let start = response.find("<saml:Assertion").unwrap();
    let end = response.find("</samlp:Response>").unwrap();
    let assertion = &response[start..end];
    let around = |inner: &str| format!("{}{inner}</samlp:Response>", &response[..start]);
    for document in [
        "no XML",
        "<saml:Assertion/>",
        &format!("<!DOCTYPE a>{assertion}"),
    ] {
        is_refused(&sandbox, &STANDARD.encode(document), NO_XML).await;
    }
    for inner in [
        "",
        &assertion.replace("saml:Assertion", "saml:EncryptedAssertion"),
        &format!("{assertion}{assertion}"),
        &format!("<samlp:Extensions>{assertion}</samlp:Extensions>"),
    ] {
        let words = "the response does not hold one assertion in clear";
        is_refused(&sandbox, &STANDARD.encode(around(inner)), words).await;
    }
    let words = "the document is no assertion and no response";
    is_refused(&sandbox, &STANDARD.encode("<Assertion/>"), words).await;
    let failed = response.replace("status:Success", "status:Requester");
    let words = "the response is not one of success";
    is_refused(&sandbox, &STANDARD.encode(failed), words).await;
    is_taken(&sandbox, &STANDARD.encode(around(assertion))).await;
}

#[tokio::test]
async fn an_encoding_of_another_kind_is_refused() {
    let sandbox = start().await;
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
        is_refused(&sandbox, text, NO_XML).await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_assertion_is_told() {
    let sandbox = start().await;
    let assertion = assertions(&sandbox).assertion();
    let signature = assertion.find("<ds:Signature").unwrap();
    let subject = assertion.find("<saml:Subject>").unwrap();
    let unsigned = format!("{}{}", &assertion[..signature], &assertion[subject..]);
    is_refused(
        &sandbox,
        &STANDARD.encode(unsigned),
        "the assertion is not signed",
    )
    .await;
    let stranger = Sandbox::builder().users(4).start().await.unwrap();
    let stranger = sandbox.assertions(&stranger.users()[3]).saml_response();
    is_refused(&sandbox, &stranger, NO_USER).await;
    for (from, to, words) in [
        (
            "saml:Conditions",
            "saml:Other",
            "the assertion has no conditions",
        ),
        (
            "saml:NameID",
            "saml:Other",
            "the assertion names no subject",
        ),
        (
            "cm:bearer",
            "cm:holder-of-key",
            "the assertion is not for its bearer",
        ),
        (
            "saml:Issuer",
            "saml:Other",
            "the assertion has no issuer or no id",
        ),
        (" ID=", " Id=", "the assertion has no issuer or no id"),
    ] {
        let changed = assertion.replace(from, to);
        is_refused(&sandbox, &STANDARD.encode(changed), words).await;
    }
    is_taken(&sandbox, &STANDARD.encode(assertion)).await;
}

#[tokio::test]
async fn the_subject_is_read_whole() {
    let sandbox = start().await;
    let xml = assertions(&sandbox).assertion();
    let email = sandbox.users()[1].email().to_owned();
    let subject = |text: &str| STANDARD.encode(xml.replace(&email, text));
    // Over a comment, as whoever signed it has read it (canonical XML leaves comments out).
    for longer in [
        "user2@sandbox.example<!-- -->.evil.example",
        "user2@sandbox.example&#46;com",
    ] {
        is_refused(&sandbox, &subject(longer), NO_USER).await;
    }
    is_taken(
        &sandbox,
        &subject("\n user2<!-- -->&#64;<![CDATA[sandbox]]>.example "),
    )
    .await;
}

#[tokio::test]
async fn assertions_differ_and_say_what_they_are_told_to() {
    let sandbox = start().await;
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
async fn a_client_that_brings_assertions_gets_nothing_without_one() {
    let sandbox = start().await;
    let basic = basic(sandbox.client_id(), sandbox.client_secret().expose_secret());
    let headers = format!("Authorization: {basic}\r\n{FORM}");
    let answer = ask(&sandbox, token_request_with(&headers, GRANT)).await;
    assert_eq!(answer.json()["error"], "unauthorized_client");
    let wrong = headers.replace(&basic, &super::basic(sandbox.client_id(), "wrong"));
    let assertion = assertions(&sandbox).saml_response();
    let body = format!("grant_type={SAML2_BEARER}&orgName=sandbox&assertion={assertion}");
    let answer = ask(&sandbox, token_request_with(&wrong, &body)).await;
    assert_eq!(answer.json()["error"], "invalid_client");
    assert_eq!(answer.header("sandbox-signature"), None);
}

const NO_XML: &str = "the assertion is not XML in base64";
const NO_USER: &str = "the assertion's subject is no user of the organisation";
const AUDIENCE: &str = "https://app.example/saml";
const SAML2_BEARER: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";
