//! The request that begins a login at an identity provider, and whether an answer is to it.

use std::error::Error;

use aws_lc_rs::{constant_time::verify_slices_are_equal, rand};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use quick_xml::{
    NsReader,
    escape::escape,
    events::{BytesStart, Event},
    name::{Namespace, ResolveResult},
};
use url::Url;

/// A login that a browser has begun, for the session of that browser.
pub(crate) struct Begun {
    request_id: String,
    relay_state: String,
    session: String,
}

impl Begun {
    /// In place of this session of the browser's, where it has one.
    pub(crate) fn new(session: String) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            session,
            // An XML id does not begin with a digit.
            request_id: format!("_{}", random()?),
            relay_state: random()?,
        })
    }

    /// Where the browser goes: the identity provider, with an `AuthnRequest` (SAML bindings, section
    /// 3.4). `issued` is the time as SAML writes it.
    pub(crate) fn url(&self, idp: &Url, acs: &Url, issued: &str) -> Url {
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
                &STANDARD.encode(deflated(request.as_bytes())),
            )
            .append_pair("RelayState", &self.relay_state);
        url
    }

    /// The session that ends with this login.
    pub(crate) fn session(&self) -> &str {
        &self.session
    }

    /// Whether what was posted answers this very request.
    pub(crate) fn is_answered_by(&self, relay_state: &str, saml_response: &str) -> bool {
        let (ours, theirs) = (self.relay_state.as_bytes(), relay_state.as_bytes());
        verify_slices_are_equal(ours, theirs).is_ok()
            && in_response_to(saml_response).is_some_and(|id| id == self.request_id)
    }
}

/// The id of the request to which an assertion is the answer, by its subject's confirmation: that is
/// within the signature, which only Genesys Cloud checks.
fn in_response_to(saml_response: &str) -> Option<String> {
    let base64: String = saml_response.split_ascii_whitespace().collect();
    let xml = String::from_utf8(STANDARD.decode(base64).ok()?).ok()?;
    let mut reader = NsReader::from_str(&xml);
    reader.config_mut().expand_empty_elements = true;
    let (mut path, mut answered) = (Vec::new(), Vec::new());
    loop {
        match reader.read_resolved_event().ok()? {
            (namespace, Event::Start(start)) => {
                path.push(name(&namespace, &start));
                let path = path.iter().map(|(of, name)| (of.as_str(), name.as_str()));
                if path.eq(CONFIRMATION) {
                    let id = start.try_get_attribute("InResponseTo").ok()?;
                    answered.push(id?.value.into_owned());
                }
            }
            (_, Event::End(_)) => drop(path.pop()),
            (_, Event::DocType(_)) => return None,
            (_, Event::Eof) => break,
            _ => {}
        }
    }
    // One, and not another beside it.
    answered.pop().filter(|_| answered.is_empty())
}

fn name(namespace: &ResolveResult<'_>, start: &BytesStart<'_>) -> (String, String) {
    let namespace = match namespace {
        ResolveResult::Bound(Namespace(namespace)) => *namespace,
        _ => "",
    };
    (namespace.to_owned(), start.local_name().as_ref().to_owned())
}

/// Without compression (RFC 1951, section 3.2.4): a request is short.
fn deflated(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    let mut block = vec![1];
    block.extend(length.to_le_bytes());
    block.extend((!length).to_le_bytes());
    block.extend(bytes);
    block
}

/// A text that nobody guesses.
pub(crate) fn random() -> Result<String, Box<dyn Error>> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| "the machine gives no random bytes")?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";

/// Where a `Response` says what it answers, within the assertion.
const CONFIRMATION: [(&str, &str); 5] = [
    (PROTOCOL, "Response"),
    (SAML, "Assertion"),
    (SAML, "Subject"),
    (SAML, "SubjectConfirmation"),
    (SAML, "SubjectConfirmationData"),
];
