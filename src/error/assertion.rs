//! What keeps a SAML assertion from being sent.

use std::fmt;

use super::words;

/// What was given as a SAML assertion cannot be exchanged for a token. Nothing was sent.
///
/// Nothing of the assertion is shown, but the status codes of a response that failed.
#[derive(Debug)]
pub struct InvalidAssertion(AssertionFault);

#[derive(Debug)]
pub(crate) enum AssertionFault {
    Form(FormFault),
    Xml(XmlFault),
    NoSaml,
    Failed(String),
    Encrypted,
    Wrapped,
    Several,
    NoAssertion,
    Unsigned,
    Time,
    SignedOutside,
    InheritsXml,
}

/// What keeps it from being read.
#[derive(Debug)]
pub(crate) enum FormFault {
    Empty,
    TooLong,
    PercentEncoded,
    Spaces,
    TwoAlphabets,
    Base64,
    NoXml,
}

/// What no XML may have, or none of an assertion.
#[derive(Debug)]
pub(crate) enum XmlFault {
    Encoding,
    Malformed,
    DocumentType,
    TooDeep,
    TooWide,
}

impl AssertionFault {
    /// A response's status codes, the outer one first.
    pub(crate) fn failed(codes: &[String]) -> Self {
        Self::Failed(words(&codes.join(", "), &[]))
    }

    fn text(&self) -> &'static str {
        match self {
            Self::Form(fault) => fault.text(),
            Self::Xml(fault) => fault.text(),
            Self::NoSaml => {
                "its outermost element is neither a Response nor an Assertion of SAML 2.0; give \
                 what the identity provider posts as SAMLResponse, without an envelope"
            }
            Self::Failed(_) => "an administrator of the identity provider can tell why",
            Self::Encrypted => {
                "the assertion is encrypted, and only its recipient could look into it; switch \
                 the encryption of assertions off for this application at the identity provider"
            }
            Self::Wrapped => {
                "there is an assertion in another place than right in the Response, as in \
                 signature wrapping; see who made it"
            }
            Self::Several => {
                "there is more than one assertion in it; have the identity provider send one"
            }
            Self::NoAssertion => {
                "there is no assertion in the Response; see what the identity provider sends to \
                 this application"
            }
            Self::Unsigned => {
                "neither the assertion nor its Response is signed; switch signing on for this \
                 application at the identity provider"
            }
            Self::Time => {
                "a time in it is none of SAML, such as 2026-01-31T12:00:00Z; have the identity \
                 provider write it so"
            }
            Self::SignedOutside => {
                "only the Response is signed, and the assertion alone would be unsigned; send the \
                 whole Response, or have the identity provider sign the assertion"
            }
            Self::InheritsXml => {
                "the assertion inherits xml: attributes from its Response, and cut out its \
                 signature might not hold; send the whole Response"
            }
        }
    }
}

impl FormFault {
    fn text(&self) -> &'static str {
        match self {
            Self::Empty => "there is nothing in it; see what the source of the assertion gives",
            Self::TooLong => {
                "its XML is longer than 512 KiB; have the identity provider put less into it"
            }
            Self::PercentEncoded => {
                "it is percent-encoded or still in a form's body; decode the form first, and give \
                 the value of SAMLResponse alone"
            }
            Self::Spaces => {
                "there is a space in its base64, as where a form was decoded twice and a + lost; \
                 give the value of SAMLResponse as it is after the form was decoded once"
            }
            Self::TwoAlphabets => {
                "it mixes the alphabets of base64 (+ and /) and of base64url (- and _); give it as \
                 the identity provider wrote it"
            }
            Self::Base64 => {
                "it is neither XML nor base64 of either alphabet; see what the source of the \
                 assertion gives"
            }
            Self::NoXml => {
                "its base64 holds no XML; give the value of SAMLResponse of the HTTP-POST binding, \
                 which is not compressed, encoded once"
            }
        }
    }
}

impl XmlFault {
    fn text(&self) -> &'static str {
        match self {
            Self::Encoding => {
                "its XML is not in UTF-8; have the identity provider write UTF-8, for another \
                 encoding would break the signature"
            }
            Self::Malformed => {
                "its XML is not well-formed; give it whole and as the identity provider wrote it"
            }
            Self::DocumentType => {
                "its XML has a document type or entities of its own, which no assertion may have; \
                 see who made it"
            }
            Self::TooDeep => "its elements are nested more than 64 deep; see who made it",
            Self::TooWide => {
                "an element has more than 64 attributes or 64 namespaces, or is in more than 256 \
                 of them; see who made it"
            }
        }
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

impl fmt::Display for InvalidAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this SAML assertion is not sent: ")?;
        if let AssertionFault::Failed(codes) = &self.0 {
            write!(
                f,
                "the identity provider answered with the status {codes}; "
            )?;
        }
        f.write_str(self.0.text())
    }
}
