//! Assertions as an identity provider makes them.

use std::{fmt, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{ASSERTION_NS, BEARER_METHOD, PROTOCOL_NS, SIGNATURE_NS, SUCCESS_STATUS};
use crate::sandbox::{
    org::{Org, users::SandboxUser},
    random::{random_bytes, random_text},
    time::format_time,
};

/// Makes assertions about a user, as an identity provider does.
///
/// Each assertion has an id of its own and starts now, by the sandbox's clock. Its signature has the
/// right form and random content; the sandbox does not check it.
///
/// ```
/// use std::time::Duration;
/// use genesys_cloud_auth::sandbox::Sandbox;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let sandbox = Sandbox::builder()
///     .saml_client("https://app.example/saml")
///     .start()
///     .await?;
/// let user = &sandbox.users()[0];
/// let assertions = sandbox.assertions(user).lifetime(Duration::from_secs(60));
/// let posted = assertions.saml_response(); // the field SAMLResponse, in base64
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a method such as `saml_response` makes an assertion"]
pub struct SandboxAssertions {
    org: Arc<Org>,
    email: String,
    lifetime: Duration,
    starts_after: Duration,
    audience: String,
    in_response_to: Option<String>,
}

impl SandboxAssertions {
    pub(in crate::sandbox) fn new(org: Arc<Org>, user: &SandboxUser) -> Self {
        let audience = org.settings.audience.as_deref();
        Self {
            email: user.email.clone(),
            lifetime: Duration::from_secs(300),
            starts_after: Duration::ZERO,
            audience: audience.unwrap_or(DEFAULT_AUDIENCE).to_owned(),
            in_response_to: None,
            org,
        }
    }

    /// Sets the lifetime of the assertions: 5 min by default.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets how long after its creation an assertion becomes valid: at once by default.
    pub fn starts_after(mut self, wait: Duration) -> Self {
        self.starts_after = wait;
        self
    }

    /// Sets the audience: by default that of
    /// [`SandboxBuilder::saml_client`](crate::sandbox::SandboxBuilder::saml_client).
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    /// Sets the id of the request that the assertions respond to: by default there is none.
    pub fn in_response_to(mut self, request_id: impl Into<String>) -> Self {
        self.in_response_to = Some(request_id.into());
        self
    }

    /// Returns a new `Assertion`, as XML.
    #[must_use]
    pub fn assertion(&self) -> String {
        let now = self.org.wall();
        let start = now + self.starts_after;
        let (issued, start, end) = (
            format_time(now),
            format_time(start),
            format_time(start + self.lifetime),
        );
        let (id, in_response_to) = (random_id(), self.in_response_to_attribute());
        let (email, audience) = (escaped(&self.email), escaped(&self.audience));
        format!(
            "<saml:Assertion xmlns:saml=\"{ASSERTION_NS}\" ID=\"{id}\" Version=\"2.0\" \
             IssueInstant=\"{issued}\"><saml:Issuer>{ISSUER}</saml:Issuer>{}<saml:Subject>\
             <saml:NameID Format=\"{EMAIL_FORMAT}\">{email}</saml:NameID>\
             <saml:SubjectConfirmation Method=\"{BEARER_METHOD}\">\
             <saml:SubjectConfirmationData{in_response_to} \
             NotOnOrAfter=\"{end}\" Recipient=\"{audience}\"/></saml:SubjectConfirmation>\
             </saml:Subject><saml:Conditions NotBefore=\"{start}\" NotOnOrAfter=\"{end}\">\
             <saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience>\
             </saml:AudienceRestriction></saml:Conditions>\
             <saml:AuthnStatement AuthnInstant=\"{issued}\"><saml:AuthnContext>\
             <saml:AuthnContextClassRef>{PASSWORD_CLASS}</saml:AuthnContextClassRef>\
             </saml:AuthnContext></saml:AuthnStatement></saml:Assertion>",
            random_signature(&id)
        )
    }

    /// Returns a new `Response` that contains one assertion, as XML.
    #[must_use]
    pub fn response(&self) -> String {
        let (id, now) = (random_id(), format_time(self.org.wall()));
        let in_response_to = self.in_response_to_attribute();
        let audience = escaped(&self.audience);
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<samlp:Response \
             xmlns:samlp=\"{PROTOCOL_NS}\" ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{now}\" \
             Destination=\"{audience}\"{in_response_to}>\
             <saml:Issuer xmlns:saml=\"{ASSERTION_NS}\">{ISSUER}</saml:Issuer>\
             <samlp:Status><samlp:StatusCode Value=\"{SUCCESS_STATUS}\"/></samlp:Status>{}\
             </samlp:Response>\n",
            self.assertion()
        )
    }

    /// Returns a new `Response` in standard base64, as an identity provider posts it in the field
    /// `SAMLResponse`.
    #[must_use]
    pub fn saml_response(&self) -> String {
        STANDARD.encode(self.response())
    }

    fn in_response_to_attribute(&self) -> String {
        self.in_response_to
            .as_ref()
            .map(|id| format!(" InResponseTo=\"{}\"", escaped(id)))
            .unwrap_or_default()
    }
}

impl fmt::Debug for SandboxAssertions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxAssertions")
            .field("email", &self.email)
            .field("lifetime", &self.lifetime)
            .field("starts_after", &self.starts_after)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

fn random_id() -> String {
    // An xs:ID does not start with a digit or a hyphen.
    format!("_{}", random_text::<16>())
}

/// Returns an element with the form of a signature (XML Signature, section 3.1).
fn random_signature(id: &str) -> String {
    let (digest, value) = (random_base64::<32>(), random_base64::<256>());
    format!(
        "<ds:Signature xmlns:ds=\"{SIGNATURE_NS}\"><ds:SignedInfo>\
         <ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>\
         <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/>\
         <ds:Reference URI=\"#{id}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"{SIGNATURE_NS}enveloped-signature\"/>\
         <ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\
         <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>\
         <ds:SignatureValue>{value}</ds:SignatureValue></ds:Signature>"
    )
}

fn random_base64<const BYTES: usize>() -> String {
    STANDARD.encode(random_bytes::<BYTES>())
}

fn escaped(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

const ISSUER: &str = "https://idp.sandbox.example/saml";
const DEFAULT_AUDIENCE: &str = "https://app.sandbox.example/saml";
const EMAIL_FORMAT: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const PASSWORD_CLASS: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
