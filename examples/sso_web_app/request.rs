//! The request that begins a login at an identity provider, and the match of a response to it.

use aws_lc_rs::{constant_time::verify_slices_are_equal, error::Unspecified};
use base64::{Engine, engine::general_purpose::STANDARD};
use quick_xml::{
    NsReader,
    escape::escape,
    events::{BytesStart, Event},
    name::{Namespace, ResolveResult},
};
use url::Url;

use super::sessions::random_id;

/// A login that a browser has begun.
pub(crate) struct LoginRequest {
    request_id: String,
    relay_state: String,
    session: String,
}

impl LoginRequest {
    /// Begins a login that replaces this session. A browser without a session has an empty one.
    pub(crate) fn new(session: String) -> Result<Self, Unspecified> {
        Ok(Self {
            session,
            // An XML id cannot begin with a digit.
            request_id: format!("_{}", random_id()?),
            relay_state: random_id()?,
        })
    }

    /// Returns the identity provider's URL with an `AuthnRequest` (SAML bindings, section 3.4).
    /// `issued` is the time as SAML writes it.
    pub(crate) fn redirect_url(&self, idp: &Url, acs: &Url, issued: &str) -> Url {
        let request = format!(
            "<samlp:AuthnRequest xmlns:samlp=\"{PROTOCOL}\" ID=\"{}\" Version=\"2.0\" \
             IssueInstant=\"{issued}\" AssertionConsumerServiceURL=\"{acs}\" \
             ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\">\
             <saml:Issuer xmlns:saml=\"{SAML}\">{acs}</saml:Issuer></samlp:AuthnRequest>",
            self.request_id,
            acs = escape(acs.as_str()),
        );
        let mut url = idp.clone();
        url.query_pairs_mut()
            .append_pair(
                "SAMLRequest",
                &STANDARD.encode(deflate_stored(request.as_bytes())),
            )
            .append_pair("RelayState", &self.relay_state);
        url
    }

    /// The session that this login replaces.
    pub(crate) fn session(&self) -> &str {
        &self.session
    }

    /// Whether a posted response belongs to this request.
    pub(crate) fn matches_response(&self, relay_state: &str, saml_response: &str) -> bool {
        let (ours, theirs) = (self.relay_state.as_bytes(), relay_state.as_bytes());
        verify_slices_are_equal(ours, theirs).is_ok()
            && in_response_to(saml_response).is_some_and(|id| id == self.request_id)
    }
}

/// Returns the id of the request to which an assertion responds, from its subject's confirmation.
/// That is within the signature, which only Genesys Cloud verifies.
fn in_response_to(saml_response: &str) -> Option<String> {
    let base64: String = saml_response.split_ascii_whitespace().collect();
    let xml = String::from_utf8(STANDARD.decode(base64).ok()?).ok()?;
    let mut reader = NsReader::from_str(&xml);
    reader.config_mut().expand_empty_elements = true;
    let (mut path, mut ids) = (Vec::new(), Vec::new());
    loop {
        match reader.read_resolved_event().ok()? {
            (namespace, Event::Start(start)) => {
                path.push(expanded_name(&namespace, &start));
                let path = path.iter();
                let path = path.map(|(uri, name)| (uri.as_str(), name.as_str()));
                if path.eq(CONFIRMATION) {
                    let id = start.try_get_attribute("InResponseTo").ok()?;
                    ids.push(id?.value.into_owned());
                }
            }
            (_, Event::End(_)) => drop(path.pop()),
            (_, Event::DocType(_)) => return None,
            (_, Event::Eof) => break,
            _ => {}
        }
    }
    // Exactly one.
    ids.pop().filter(|_| ids.is_empty())
}

fn expanded_name(namespace: &ResolveResult<'_>, start: &BytesStart<'_>) -> (String, String) {
    let namespace = match namespace {
        ResolveResult::Bound(Namespace(namespace)) => *namespace,
        _ => "",
    };
    (namespace.to_owned(), start.local_name().as_ref().to_owned())
}

/// Deflates without compression (RFC 1951, section 3.2.4), since a request is short.
fn deflate_stored(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    let mut block = vec![1];
    block.extend(length.to_le_bytes());
    block.extend((!length).to_le_bytes());
    block.extend(bytes);
    block
}

const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";

/// The path to the element that names the request.
const CONFIRMATION: [(&str, &str); 5] = [
    (PROTOCOL, "Response"),
    (SAML, "Assertion"),
    (SAML, "Subject"),
    (SAML, "SubjectConfirmation"),
    (SAML, "SubjectConfirmationData"),
];
