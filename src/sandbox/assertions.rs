//! An identity provider's part: assertions about users.

use std::{fmt, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    BEARER, Org, PROTOCOL, SAML, SAML2_BEARER, SUCCESS, Sandbox, SandboxBuilder, SandboxUser,
    XMLDSIG, random_bytes, random_text, timestamp,
};

/// Where assertions about a user come from, in place of an identity provider.
///
/// Each that it gives is a new one: with an id of its own, and valid from now, by the sandbox's
/// clock. They look as signed as an identity provider's; the signature is made up, and the sandbox
/// does not check it.
#[derive(Clone)]
#[must_use = "it gives assertions"]
pub struct SandboxAssertions {
    org: Arc<Org>,
    email: String,
    lifetime: Duration,
    starts_after: Duration,
    audience: String,
    in_response_to: Option<String>,
}

impl SandboxAssertions {
    /// How long they are valid: 5 min by default.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// How long after they are made they become valid: at once by default.
    pub fn starts_after(mut self, wait: Duration) -> Self {
        self.starts_after = wait;
        self
    }

    /// Whom they are for: by default the audience of [`SandboxBuilder::saml_client`].
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    /// The id of the request that they answer; by default nobody asked for them.
    pub fn in_response_to(mut self, request_id: impl Into<String>) -> Self {
        self.in_response_to = Some(request_id.into());
        self
    }

    /// One `Assertion`, as XML.
    #[must_use]
    pub fn assertion(&self) -> String {
        let now = self.org.wall();
        let begins = now + self.starts_after;
        let (issued, begins, ends) = (
            timestamp(now),
            timestamp(begins),
            timestamp(begins + self.lifetime),
        );
        let (id, asked) = (id(), self.asked());
        let (email, audience) = (escaped(&self.email), escaped(&self.audience));
        format!(
            "<saml:Assertion xmlns:saml=\"{SAML}\" ID=\"{id}\" Version=\"2.0\" \
             IssueInstant=\"{issued}\"><saml:Issuer>{ISSUER}</saml:Issuer>{}<saml:Subject>\
             <saml:NameID Format=\"{EMAIL}\">{email}</saml:NameID>\
             <saml:SubjectConfirmation Method=\"{BEARER}\"><saml:SubjectConfirmationData{asked} \
             NotOnOrAfter=\"{ends}\" Recipient=\"{audience}\"/></saml:SubjectConfirmation>\
             </saml:Subject><saml:Conditions NotBefore=\"{begins}\" NotOnOrAfter=\"{ends}\">\
             <saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience>\
             </saml:AudienceRestriction></saml:Conditions>\
             <saml:AuthnStatement AuthnInstant=\"{issued}\"><saml:AuthnContext>\
             <saml:AuthnContextClassRef>{PASSWORD}</saml:AuthnContextClassRef>\
             </saml:AuthnContext></saml:AuthnStatement></saml:Assertion>",
            signature(&id)
        )
    }

    /// A `Response` with one assertion in it, as XML.
    #[must_use]
    pub fn response(&self) -> String {
        let (id, now) = (id(), timestamp(self.org.wall()));
        let (asked, audience) = (self.asked(), escaped(&self.audience));
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<samlp:Response xmlns:samlp=\"{PROTOCOL}\" \
             ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{now}\" Destination=\"{audience}\"{asked}>\
             <saml:Issuer xmlns:saml=\"{SAML}\">{ISSUER}</saml:Issuer>\
             <samlp:Status><samlp:StatusCode Value=\"{SUCCESS}\"/></samlp:Status>{}\
             </samlp:Response>\n",
            self.assertion()
        )
    }

    /// A `Response` as an identity provider posts it in the field `SAMLResponse`: in standard
    /// base64.
    #[must_use]
    pub fn saml_response(&self) -> String {
        STANDARD.encode(self.response())
    }

    fn asked(&self) -> String {
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

/// Its assertions.
impl Sandbox {
    /// Assertions that `user` has logged in at the identity provider. The sandbox takes those about
    /// its own users.
    pub fn assertions(&self, user: &SandboxUser) -> SandboxAssertions {
        let audience = self.org.settings.audience.as_deref();
        SandboxAssertions {
            org: Arc::clone(&self.org),
            email: user.email().to_owned(),
            lifetime: Duration::from_secs(300),
            starts_after: Duration::ZERO,
            audience: audience.unwrap_or(AUDIENCE).to_owned(),
            in_response_to: None,
        }
    }

    /// The organisation's short name, which goes with an assertion as `orgName`.
    #[must_use]
    pub fn org_short_name(&self) -> &str {
        &self.org.settings.org_short_name
    }
}

/// Its assertions.
impl SandboxBuilder {
    /// A client that brings assertions, which are for this audience; its grant type is
    /// `SAML2-BEARER`. The audience is the application's own address, to which the identity provider
    /// posts. It is not known whether Genesys Cloud looks at it; with
    /// [`authorized_grant_type`](Self::authorized_grant_type) alone, the sandbox does not.
    pub fn saml_client(mut self, audience: impl Into<String>) -> Self {
        self.0.audience = Some(audience.into());
        self.authorized_grant_type(SAML2_BEARER)
    }

    /// The organisation's short name: `sandbox` by default.
    pub fn org_short_name(mut self, name: impl Into<String>) -> Self {
        self.0.org_short_name = name.into();
        self
    }
}

fn id() -> String {
    // An xs:ID does not begin with a digit or a hyphen.
    format!("_{}", random_text::<16>())
}

/// In the place and the form of one (XML Signature, section 3.1).
fn signature(id: &str) -> String {
    let (digest, value) = (random_base64::<32>(), random_base64::<256>());
    format!(
        "<ds:Signature xmlns:ds=\"{XMLDSIG}\"><ds:SignedInfo>\
         <ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>\
         <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/>\
         <ds:Reference URI=\"#{id}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"{XMLDSIG}enveloped-signature\"/>\
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
const AUDIENCE: &str = "https://app.sandbox.example/saml";
const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
