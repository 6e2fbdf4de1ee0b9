//! The SAML 2.0 bearer grant: checks an assertion and finds the user whom it names.
//!
//! The checks are those of RFC 7522 section 3. Which of them Genesys Cloud makes is not known, nor
//! its error descriptions.

use std::time::SystemTime;

use axum::response::{IntoResponse, Response};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::HeaderValue;

use super::{ASSERTION_NS, BEARER_METHOD, PROTOCOL_NS, SIGNATURE_NS, SUCCESS_STATUS, xml::Element};
use crate::sandbox::{
    http::{error_response::OAuthErrorResponse, form::Form},
    org::{
        Org,
        recipient::Recipient,
        tokens::{AssertedUser, IssuedTokens},
    },
    time::parse_time,
};

/// Adds the header that says that no signature was checked.
pub(crate) fn with_signature_note(response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    let value = HeaderValue::from_static("not checked");
    response.headers_mut().insert("sandbox-signature", value);
    response
}

/// Exchanges the form's assertion for a token of the user whom it names.
pub(crate) fn issue_for_assertion(
    org: &Org,
    form: &Form,
    recipient: &Recipient,
) -> Result<IssuedTokens, OAuthErrorResponse> {
    let org_name = form.required("orgName")?;
    let assertion = form.required("assertion")?;
    if org_name != org.settings.org_short_name {
        let description = "orgName is not that of the client's organisation";
        return Err(OAuthErrorResponse::invalid_request(description));
    }
    let asserted = parse_document(assertion)
        .ok_or("the assertion is not XML in base64")
        .and_then(|document| check(org, &document))
        .map_err(invalid_grant)?;
    org.with_tokens(|tokens, now| tokens.issue_for_assertion(&asserted, recipient, now))
        .ok_or_else(|| invalid_grant("the assertion was used before"))
}

fn invalid_grant(description: &'static str) -> OAuthErrorResponse {
    OAuthErrorResponse::new("invalid_grant", description)
}

/// Accepts what an identity provider posts, in standard base64, or one assertion in base64url (RFC
/// 7522 section 2.1).
fn parse_document(assertion: &str) -> Option<Element> {
    let parse = |bytes| Element::parse(&String::from_utf8(bytes).ok()?);
    if let Ok(bytes) = STANDARD.decode(assertion) {
        return parse(bytes);
    }
    parse(URL_SAFE_NO_PAD.decode(assertion).ok()?)
        .filter(|root| root.has_name(ASSERTION_NS, "Assertion"))
}

fn check(org: &Org, document: &Element) -> Result<AssertedUser, &'static str> {
    let assertion = find_assertion(document)?;
    let is_signed = [document, assertion]
        .into_iter()
        .any(|element| element.only_child(SIGNATURE_NS, "Signature").is_some());
    if !is_signed {
        return Err("the assertion is not signed");
    }
    let conditions = assertion.only_child(ASSERTION_NS, "Conditions");
    let conditions = conditions.ok_or("the assertion has no conditions")?;
    let (email, confirmation) = find_subject(assertion)?;
    check_times(org.wall(), &[Some(conditions), confirmation])?;
    check_audience(org, conditions)?;
    let user = org.users.iter().position(|user| user.email == email);
    let issuer = assertion
        .only_child(ASSERTION_NS, "Issuer")
        .map(|issuer| issuer.text.trim());
    let id = assertion.attribute("ID");
    Ok(AssertedUser {
        user: user.ok_or("the assertion's subject is not a user of the organisation")?,
        assertion: issuer
            .zip(id)
            .filter(|(issuer, id)| !issuer.is_empty() && !id.is_empty())
            .map(|(issuer, id)| (issuer.to_owned(), id.to_owned()))
            .ok_or("the assertion has no issuer or no id")?,
    })
}

fn find_assertion(document: &Element) -> Result<&Element, &'static str> {
    if document.has_name(ASSERTION_NS, "Assertion") {
        return Ok(document);
    }
    if !document.has_name(PROTOCOL_NS, "Response") {
        return Err("the document is neither an assertion nor a response");
    }
    let status = document
        .only_child(PROTOCOL_NS, "Status")
        .and_then(|status| status.only_child(PROTOCOL_NS, "StatusCode"))
        .and_then(|code| code.attribute("Value"));
    if status != Some(SUCCESS_STATUS) {
        return Err("the response does not report success");
    }
    document
        .only_child(ASSERTION_NS, "Assertion")
        .ok_or("the response does not contain exactly one unencrypted assertion")
}

/// Each audience restriction must name the client's audience (SAML 2.0 core, section 2.5.1).
fn check_audience(org: &Org, conditions: &Element) -> Result<(), &'static str> {
    let Some(audience) = &org.settings.audience else {
        return Ok(());
    };
    let restrictions = conditions.children(ASSERTION_NS, "AudienceRestriction");
    let names_audience = |restriction: &&Element| {
        let audiences = restriction.children(ASSERTION_NS, "Audience");
        audiences.iter().any(|one| one.text.trim() == audience)
    };
    if restrictions.is_empty() || !restrictions.iter().all(names_audience) {
        return Err("the assertion is for another audience");
    }
    Ok(())
}

/// Returns the subject's name, and the limits of its confirmation by bearer.
fn find_subject(assertion: &Element) -> Result<(&str, Option<&Element>), &'static str> {
    let subject = assertion.only_child(ASSERTION_NS, "Subject");
    let name = subject.and_then(|subject| subject.only_child(ASSERTION_NS, "NameID"));
    let (subject, name) = subject.zip(name).ok_or("the assertion names no subject")?;
    let confirmation = subject
        .children(ASSERTION_NS, "SubjectConfirmation")
        .into_iter()
        .find(|one| one.attribute("Method") == Some(BEARER_METHOD))
        .ok_or("the assertion is not for its bearer")?;
    let limits = confirmation.only_child(ASSERTION_NS, "SubjectConfirmationData");
    Ok((name.text.trim(), limits))
}

/// Compares exactly with the sandbox's clock. At least one element must name an end.
fn check_times(now: SystemTime, limits: &[Option<&Element>]) -> Result<(), &'static str> {
    let times = |name| {
        let texts = limits
            .iter()
            .flatten()
            .filter_map(|element| element.attribute(name));
        let times = texts.map(parse_time).collect::<Option<Vec<_>>>();
        times.ok_or("the assertion has an invalid date")
    };
    if times("NotBefore")?.iter().any(|start| now < *start) {
        return Err("the assertion is not valid yet");
    }
    let ends = times("NotOnOrAfter")?;
    let end = ends.iter().min().ok_or("the assertion has no end")?;
    if *end <= now {
        return Err("the assertion has expired");
    }
    Ok(())
}
