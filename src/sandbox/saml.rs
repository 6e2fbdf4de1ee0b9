//! The SAML 2.0 bearer grant: who an assertion says it is about, and whether it counts.
//!
//! RFC 7522 section 3 says what is to be checked. Genesys Cloud's own words are not known, nor which
//! of the checks it makes.

use std::time::SystemTime;

use axum::response::{IntoResponse, Response};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::HeaderValue;

use super::{Asserted, Element, Form, Issued, OAuthRefusal, Org, Proof, time};

/// The answer's word that nobody has looked at the signature.
pub(super) fn unverified(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    response
        .headers_mut()
        .insert(SIGNATURE, HeaderValue::from_static("not checked"));
    response
}

/// The token of the user whom the form's assertion names.
pub(super) fn issue_for_assertion(
    org: &Org,
    form: &Form,
    proof: Proof,
) -> Result<Issued, OAuthRefusal> {
    let org_name = form.required("orgName")?;
    let assertion = form.required("assertion")?;
    if org_name != org.settings.org_short_name {
        let words = "orgName is not that of the client's organisation";
        return Err(OAuthRefusal::new("invalid_request", words));
    }
    let asserted = document(assertion)
        .ok_or("the assertion is not XML in base64")
        .and_then(|document| asserted(org, &document))
        .map_err(invalid_grant)?;
    org.issue_for_assertion(asserted, proof)
        .ok_or_else(|| invalid_grant("the assertion was used before"))
}

fn invalid_grant(words: &'static str) -> OAuthRefusal {
    OAuthRefusal::new("invalid_grant", words)
}

/// The standard base64 of what an identity provider posts, or the base64url of one assertion (RFC
/// 7522 section 2.1).
fn document(assertion: &str) -> Option<Element> {
    let parsed = |bytes| Element::parse(&String::from_utf8(bytes).ok()?);
    if let Ok(bytes) = STANDARD.decode(assertion) {
        return parsed(bytes);
    }
    parsed(URL_SAFE_NO_PAD.decode(assertion).ok()?).filter(|root| root.is(SAML, "Assertion"))
}

fn asserted(org: &Org, document: &Element) -> Result<Asserted, &'static str> {
    let assertion = assertion(document)?;
    let signed = [document, assertion]
        .into_iter()
        .any(|element| element.one(XMLDSIG, "Signature").is_some());
    if !signed {
        return Err("the assertion is not signed");
    }
    let conditions = assertion.one(SAML, "Conditions");
    let conditions = conditions.ok_or("the assertion has no conditions")?;
    let (email, confirmation) = confirmed_subject(assertion)?;
    check_times(org.wall(), &[Some(conditions), confirmation])?;
    check_audience(org, conditions)?;
    let user = org.users.iter().position(|user| user.email == email);
    let issuer = assertion
        .one(SAML, "Issuer")
        .map(|issuer| issuer.text.trim());
    let id = assertion.attribute("ID");
    Ok(Asserted {
        user: user.ok_or("the assertion's subject is no user of the organisation")?,
        name: issuer
            .zip(id)
            .filter(|(issuer, id)| !issuer.is_empty() && !id.is_empty())
            .map(|(issuer, id)| (issuer.to_owned(), id.to_owned()))
            .ok_or("the assertion has no issuer or no id")?,
    })
}

fn assertion(document: &Element) -> Result<&Element, &'static str> {
    if document.is(SAML, "Assertion") {
        return Ok(document);
    }
    if !document.is(PROTOCOL, "Response") {
        return Err("the document is no assertion and no response");
    }
    let status = document
        .one(PROTOCOL, "Status")
        .and_then(|status| status.one(PROTOCOL, "StatusCode")?.attribute("Value"));
    if status != Some(SUCCESS) {
        return Err("the response is not one of success");
    }
    document
        .one(SAML, "Assertion")
        .ok_or("the response does not hold one assertion in clear")
}

/// SAML 2.0 core, section 2.5.1: each audience restriction has to name the client's audience.
fn check_audience(org: &Org, conditions: &Element) -> Result<(), &'static str> {
    let Some(audience) = &org.settings.audience else {
        return Ok(());
    };
    let restrictions = conditions.all(SAML, "AudienceRestriction");
    let is_met = |restriction: &&Element| {
        let audiences = restriction.all(SAML, "Audience");
        audiences.iter().any(|one| one.text.trim() == audience)
    };
    if restrictions.is_empty() || !restrictions.iter().all(is_met) {
        return Err("the assertion is for another audience");
    }
    Ok(())
}

/// The subject, for whom the bearer of the assertion may speak, and within which limits.
fn confirmed_subject(assertion: &Element) -> Result<(&str, Option<&Element>), &'static str> {
    let subject = assertion.one(SAML, "Subject");
    let name = subject.and_then(|subject| subject.one(SAML, "NameID"));
    let (subject, name) = subject.zip(name).ok_or("the assertion names no subject")?;
    let confirmation = subject
        .all(SAML, "SubjectConfirmation")
        .into_iter()
        .find(|one| one.attribute("Method") == Some(BEARER))
        .ok_or("the assertion is not for its bearer")?;
    let limits = confirmation.one(SAML, "SubjectConfirmationData");
    Ok((name.text.trim(), limits))
}

/// By the sandbox's clock, to the moment; one of them has to say when it ends.
fn check_times(now: SystemTime, limits: &[Option<&Element>]) -> Result<(), &'static str> {
    let times = |name| {
        let dates = limits
            .iter()
            .flatten()
            .filter_map(|one| one.attribute(name));
        let times = dates.map(time).collect::<Option<Vec<_>>>();
        times.ok_or("the assertion has a bad date")
    };
    if times("NotBefore")?.iter().any(|begins| now < *begins) {
        return Err("the assertion is not valid yet");
    }
    let ends = times("NotOnOrAfter")?;
    let end = ends.iter().min().ok_or("the assertion has no end")?;
    if *end <= now {
        return Err("the assertion is out of date");
    }
    Ok(())
}

pub(super) const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub(super) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub(super) const XMLDSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(super) const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
pub(super) const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

const SIGNATURE: &str = "sandbox-signature";
