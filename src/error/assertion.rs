//! Why a SAML assertion is not sent.

use std::time::SystemTime;

use super::{local::Date, redact::sanitize};

/// The SAML assertion cannot be exchanged for a token. Nothing was sent.
///
/// Nothing of the assertion is shown, except the status codes of a response that reports a failure.
#[derive(Debug, thiserror::Error)]
#[error("this SAML assertion is not sent: {0}")]
pub struct InvalidAssertion(AssertionFault);

#[derive(Debug, thiserror::Error)]
pub(crate) enum AssertionFault {
    #[error("{0}")]
    Form(FormFault),
    #[error("{0}")]
    Xml(XmlFault),
    #[error(
        "its outermost element is neither a Response nor an Assertion of SAML 2.0; pass what the \
         identity provider posts as SAMLResponse, without an envelope"
    )]
    NoSaml,
    /// The status codes of a Response, the outer one first.
    #[error("{}; ask an administrator of the identity provider", status_text(.0))]
    Failed(String),
    #[error(
        "it is encrypted, and only its recipient can check it; turn off the encryption of \
         assertions for this application at the identity provider"
    )]
    Encrypted,
    #[error(
        "it contains an assertion that is not directly in the Response, as in signature wrapping; \
         check where it comes from"
    )]
    Wrapped,
    #[error("it contains more than one assertion; let the identity provider send one")]
    Several,
    #[error(
        "the Response contains no assertion; check what the identity provider sends to this \
         application"
    )]
    NoAssertion,
    #[error(
        "neither the assertion nor its Response is signed; turn on signing for this application at \
         the identity provider"
    )]
    Unsigned,
    #[error(
        "it contains a time that is not written as SAML requires, such as 2026-01-31T12:00:00Z; \
         correct it at the identity provider"
    )]
    Time,
    /// The token has not expired: a clock is wrong.
    #[error(
        "it is not valid before {}, and this machine's clock shows {}; correct this clock, or that of \
         the identity provider, and get a new assertion",
        Date(.start),
        Date(.now)
    )]
    TooEarly { start: SystemTime, now: SystemTime },
    #[error(
        "it ends before it begins (NotBefore, NotOnOrAfter), so that it is never valid; correct the \
         lifetime of assertions at the identity provider"
    )]
    NeverValid,
    #[error(
        "only the Response is signed, so that the assertion alone is unsigned; send the whole \
         Response, or let the identity provider sign the assertion"
    )]
    SignedOutside,
    #[error(
        "the assertion inherits xml: attributes from its Response, so that its signature may not \
         hold without it; send the whole Response"
    )]
    InheritsXml,
}

/// Why an assertion's encoding cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FormFault {
    #[error("it is empty; check the source of the assertion")]
    Empty,
    #[error("its XML is longer than 512 KiB; let the identity provider send fewer attributes")]
    TooLong,
    #[error(
        "it is percent-encoded, or still part of a form's body; decode the form, and pass the value \
         of SAMLResponse alone"
    )]
    PercentEncoded,
    #[error(
        "its base64 contains a space, probably because a form was decoded twice and a + was lost; \
         decode the form once, and pass the value of SAMLResponse"
    )]
    Spaces,
    #[error(
        "it mixes the alphabets of base64 (+ and /) and base64url (- and _); pass it as the identity \
         provider wrote it"
    )]
    TwoAlphabets,
    #[error(
        "it is UTF-16, as > writes it in Windows PowerShell; write its base64 as ASCII or UTF-8"
    )]
    Utf16,
    #[error("it is neither XML nor base64 nor base64url; check the source of the assertion")]
    Base64,
    #[error(
        "its base64 does not contain XML; pass the value of SAMLResponse of the HTTP-POST binding, \
         which is not compressed, encoded once"
    )]
    NoXml,
}

/// Why an assertion's XML cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum XmlFault {
    #[error(
        "its XML is not UTF-8, and converting it would break the signature; let the identity \
         provider write UTF-8"
    )]
    Encoding,
    #[error("its XML is not well-formed; pass it whole and as the identity provider wrote it")]
    Malformed,
    #[error(
        "its XML has a document type or entities of its own, which an assertion must not have; \
         check where it comes from"
    )]
    DocumentType,
    #[error("its elements are nested more than 64 levels deep; check where it comes from")]
    TooDeep,
    #[error(
        "an element has more than 64 attributes or 64 namespaces, or more than 256 namespaces are \
         in scope; check where it comes from"
    )]
    TooWide,
}

impl AssertionFault {
    /// The fault of a Response that reports these status codes, the outer one first.
    pub(crate) fn failed(codes: &[String]) -> Self {
        Self::Failed(sanitize(&codes.join(", "), &[]))
    }
}

fn status_text(codes: &str) -> String {
    if codes.is_empty() {
        "the Response has no status code".to_owned()
    } else {
        format!("the identity provider reports the status {codes}")
    }
}

impl From<FormFault> for AssertionFault {
    fn from(fault: FormFault) -> Self {
        Self::Form(fault)
    }
}

impl From<XmlFault> for AssertionFault {
    fn from(fault: XmlFault) -> Self {
        Self::Xml(fault)
    }
}

impl<F: Into<AssertionFault>> From<F> for InvalidAssertion {
    fn from(fault: F) -> Self {
        Self(fault.into())
    }
}
