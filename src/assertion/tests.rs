mod bounds;
mod checks;
mod corpus;
mod encoding;
mod outgoing;
mod source;
mod xml;

use std::time::{Duration, SystemTime};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD},
};
use secrecy::ExposeSecret;

use super::*;

/// A signed assertion, as it stands in a Response.
fn assertion() -> String {
    format!(
        "<saml:Assertion ID=\"_a1\" Version=\"2.0\"><saml:Issuer>https://idp.test</saml:Issuer>\
         {SIGNATURE}<saml:Subject><saml:NameID>jo@example.com</saml:NameID>\
         <saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">\
         <saml:SubjectConfirmationData NotOnOrAfter=\"2026-01-31T12:05:00Z\"/>\
         </saml:SubjectConfirmation></saml:Subject>\
         <saml:Conditions NotBefore=\"2026-01-31T11:59:00Z\" NotOnOrAfter=\"2026-01-31T12:10:00Z\"/>\
         </saml:Assertion>"
    )
}

/// A Response with the status Success and this content.
fn response(content: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <samlp:Response xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" xmlns:ds=\"{DSIG}\" \
         ID=\"_r1\"><samlp:Status><samlp:StatusCode Value=\"{SUCCESS}\"/></samlp:Status>{content}\
         </samlp:Response>"
    )
}

/// An assertion without a Response.
fn standalone() -> String {
    let declared = format!("<saml:Assertion xmlns:saml=\"{ASSERTION}\" xmlns:ds=\"{DSIG}\"");
    assertion().replacen("<saml:Assertion", &declared, 1)
}

fn parse(given: impl Into<RawAssertion>) -> ParsedAssertion {
    ParsedAssertion::parse(&given.into()).unwrap()
}

/// The fault of an assertion, or `nothing`.
fn fault(given: impl Into<RawAssertion>) -> String {
    let error = ParsedAssertion::parse(&given.into()).err();
    let error = error.map_or_else(|| "nothing".into(), |error| format!("{error:?}"));
    error
        .trim_start_matches("InvalidAssertion(")
        .trim_end_matches(')')
        .to_owned()
}

#[track_caller]
fn assert_fault(given: &str, expected: &str) {
    assert_eq!(fault(given), expected, "{given}");
}

fn decode(sent: &SecretString, engine: &impl Engine) -> Vec<u8> {
    engine.decode(sent.expose_secret()).unwrap()
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const SIGNATURE: &str = "<ds:Signature><ds:SignedInfo/></ds:Signature>";
/// 2026-01-31T12:00:00Z.
const NOON: u64 = 1_769_860_800;
