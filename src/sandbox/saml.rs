//! SAML: the assertions of an identity provider, and the grant that exchanges them.

pub(super) mod bearer_grant;
pub(super) mod identity_provider;
mod xml;

const ASSERTION_NS: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const PROTOCOL_NS: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const SIGNATURE_NS: &str = "http://www.w3.org/2000/09/xmldsig#";
const SUCCESS_STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const BEARER_METHOD: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
