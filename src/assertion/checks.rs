//! What a document says, as far as that decides whether the document is sent.
//!
//! Source: SAML Core 2.0, sections 2, 3 and 5.

use std::{
    ops::Range,
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_lc_rs::digest;
use zeroize::Zeroizing;

use super::{
    encoding::RawAssertion,
    xml::{Document, Namespace, Node, StartTag},
};
use crate::{
    error::{AssertionFault, Error, InvalidAssertion, StaleAssertion, TokenExpired, XmlFault},
    outside_text::without_byte_order_mark,
    rfc3339::parse_date_time,
};

/// One signed assertion, alone or in its Response, as the identity provider wrote it. Only the
/// server can check whether it is true.
#[derive(Clone)]
pub(crate) struct ParsedAssertion {
    pub(super) xml: Arc<Zeroizing<Vec<u8>>>,
    pub(super) info: Arc<AssertionInfo>,
    fingerprint: [u8; digest::SHA256_OUTPUT_LEN],
}

/// Where the assertion is, and when it is valid.
#[derive(Default)]
pub(super) struct AssertionInfo {
    pub(super) span: AssertionSpan,
    not_before: Option<SystemTime>,
    not_on_or_after: Option<SystemTime>,
    /// The end of each confirmation of the subject. One valid confirmation is enough.
    confirmations: Vec<Option<SystemTime>>,
}

/// The assertion's place in its document.
#[derive(Default)]
pub(super) struct AssertionSpan {
    /// Counted without a byte order mark.
    pub(super) range: Range<usize>,
    /// The length from `<` to the end of the name.
    pub(super) name_length: usize,
    /// The namespaces that the assertion inherits, as a start tag declares them.
    pub(super) inherited: String,
    pub(super) inherits_xml: bool,
    /// Whether the assertion itself is signed, and not only its Response.
    pub(super) signed: bool,
}

impl ParsedAssertion {
    /// Parses an assertion, or returns why it cannot get a token.
    pub(crate) fn parse(raw: &RawAssertion) -> Result<Self, InvalidAssertion> {
        let xml = raw.xml()?;
        let text = without_byte_order_mark(&xml);
        let text = str::from_utf8(text).map_err(|_| XmlFault::Encoding)?;
        let info = check_document(text)?;
        let mut parsed = Self {
            xml,
            info: Arc::new(info),
            fingerprint: [0; digest::SHA256_OUTPUT_LEN],
        };
        let hash = digest::digest(&digest::SHA256, parsed.assertion());
        parsed.fingerprint.copy_from_slice(hash.as_ref());
        Ok(parsed)
    }

    /// Returns the fingerprint of the assertion alone, so that its Response does not matter.
    pub(crate) fn fingerprint(&self) -> [u8; digest::SHA256_OUTPUT_LEN] {
        self.fingerprint
    }

    /// Checks whether the assertion is valid now. The clock may be wrong by a minute either way.
    pub(crate) fn check_times(&self, now: SystemTime) -> Result<(), Error> {
        let (start, end) = (self.info.valid_from(), self.info.valid_until());
        if let Some(end) = end.filter(|end| with_tolerance(*end) <= now) {
            let ended = StaleAssertion::Ended(end);
            return Err(TokenExpired::of_assertion(ended).into());
        }
        if let Some(start) = start.filter(|start| with_tolerance(now) < *start) {
            let early = AssertionFault::TooEarly { start, now };
            return Err(InvalidAssertion::from(early).into());
        }
        Ok(())
    }

    /// Returns the bytes of the assertion alone.
    pub(super) fn assertion(&self) -> &[u8] {
        let text = without_byte_order_mark(&self.xml);
        text.get(self.info.span.range.clone()).unwrap_or_default()
    }
}

impl AssertionInfo {
    pub(super) fn valid_from(&self) -> Option<SystemTime> {
        self.not_before
    }

    /// Returns the time from which the assertion is certainly not valid.
    pub(super) fn valid_until(&self) -> Option<SystemTime> {
        let ends: Option<Vec<_>> = self.confirmations.iter().copied().collect();
        let confirmed = ends.and_then(|ends| ends.into_iter().max());
        self.not_on_or_after.into_iter().chain(confirmed).min()
    }

    /// Whether it ends before it begins (2.5.1.2).
    fn is_never_valid(&self) -> bool {
        let times = self.valid_from().zip(self.valid_until());
        times.is_some_and(|(start, end)| end <= start)
    }
}

fn with_tolerance(time: SystemTime) -> SystemTime {
    time.checked_add(CLOCK_TOLERANCE).unwrap_or(time)
}

fn check_document(xml: &str) -> Result<AssertionInfo, AssertionFault> {
    let mut document = Document::new(xml)?;
    let mut checks = Checks::default();
    while let Some(node) = document.next_node()? {
        match node {
            Node::Start(tag) => checks.start(&tag, &document)?,
            Node::End(position) => checks.end(position),
        }
    }
    checks.finish()
}

/// What was read so far.
#[derive(Default)]
struct Checks {
    open: Vec<Element>,
    response: Option<Response>,
    assertions: usize,
    encrypted: bool,
    misplaced: bool,
    info: AssertionInfo,
}

/// The elements that matter, each where it belongs.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Element {
    Response,
    Status,
    StatusCode,
    Assertion,
    Advice,
    Conditions,
    Subject,
    SubjectConfirmation,
    SubjectConfirmationData,
    Signature,
    Other,
}

/// The Response around the assertion.
#[derive(Default)]
struct Response {
    xml_attributes: Vec<String>,
    signed: bool,
    succeeded: bool,
    failures: Vec<String>,
}

impl Checks {
    fn start(&mut self, tag: &StartTag<'_>, document: &Document<'_>) -> Result<(), AssertionFault> {
        let element = self.classify(tag)?;
        match element {
            Element::Response => {
                self.response = Some(Response {
                    xml_attributes: tag.xml_attributes().map(str::to_owned).collect(),
                    ..Response::default()
                });
            }
            Element::Assertion => self.read_assertion(tag, document),
            Element::Signature => self.read_signature(),
            Element::StatusCode => self.read_status(&tag.attribute("Value").unwrap_or_default()),
            Element::Conditions => self.read_conditions(tag)?,
            Element::SubjectConfirmation => self.info.confirmations.push(None),
            Element::SubjectConfirmationData => {
                let end = time_attribute(tag, "NotOnOrAfter")?;
                if let Some(last) = self.info.confirmations.last_mut() {
                    *last = end;
                }
            }
            Element::Status | Element::Subject | Element::Advice | Element::Other => {}
        }
        self.open.push(element);
        Ok(())
    }

    fn end(&mut self, position: usize) {
        let range = &mut self.info.span.range;
        if self.open.pop() == Some(Element::Assertion) && range.end == 0 {
            range.end = position;
        }
    }

    /// Returns the assertion, or the most serious fault.
    fn finish(self) -> Result<AssertionInfo, AssertionFault> {
        let response = self.response.as_ref();
        if let Some(response) = response
            && !(response.succeeded && response.failures.is_empty())
        {
            return Err(AssertionFault::failed(&response.failures));
        }
        let response_signed = response.is_some_and(|response| response.signed);
        if self.encrypted {
            return Err(AssertionFault::Encrypted);
        }
        if self.misplaced {
            return Err(AssertionFault::Wrapped);
        }
        match self.assertions {
            0 => Err(AssertionFault::NoAssertion),
            1 if !(self.info.span.signed || response_signed) => Err(AssertionFault::Unsigned),
            1 if self.info.is_never_valid() => Err(AssertionFault::NeverValid),
            1 => Ok(self.info),
            _ => Err(AssertionFault::Several),
        }
    }

    fn classify(&mut self, tag: &StartTag<'_>) -> Result<Element, AssertionFault> {
        use Element as E;
        use Namespace as N;
        // Assertions in there only support the one around them, and may be ignored (2.6.1).
        if self.open.contains(&E::Advice) {
            return Ok(E::Other);
        }
        Ok(match (self.open.last(), tag.namespace, tag.local_name()) {
            (None, N::Protocol, "Response") => E::Response,
            (None | Some(E::Response), N::Assertion, "Assertion") => E::Assertion,
            (_, N::Assertion, "Assertion") => {
                self.misplaced = true;
                E::Other
            }
            (_, N::Assertion, "EncryptedAssertion") => {
                self.encrypted = true;
                E::Other
            }
            (None, _, _) => return Err(AssertionFault::NoSaml),
            (Some(E::Response), N::Protocol, "Status") => E::Status,
            (Some(E::Status | E::StatusCode), N::Protocol, "StatusCode") => E::StatusCode,
            (Some(E::Response | E::Assertion), N::Signature, "Signature") => E::Signature,
            (Some(E::Assertion), N::Assertion, "Advice") => E::Advice,
            (Some(E::Assertion), N::Assertion, "Conditions") => E::Conditions,
            (Some(E::Assertion), N::Assertion, "Subject") => E::Subject,
            (Some(E::Subject), N::Assertion, "SubjectConfirmation") => E::SubjectConfirmation,
            (Some(E::SubjectConfirmation), N::Assertion, "SubjectConfirmationData") => {
                E::SubjectConfirmationData
            }
            _ => E::Other,
        })
    }

    fn read_assertion(&mut self, tag: &StartTag<'_>, document: &Document<'_>) {
        self.assertions += 1;
        if self.assertions > 1 {
            return;
        }
        let span = &mut self.info.span;
        span.range.start = tag.position;
        span.name_length = tag.name_length();
        if let Some(response) = &self.response {
            span.inherited = document.inherited_declarations(tag);
            let inherited = &response.xml_attributes;
            span.inherits_xml = inherited.iter().any(|name| !tag.has_attribute(name));
        }
    }

    fn read_signature(&mut self) {
        match (self.open.last(), &mut self.response) {
            (Some(Element::Response), Some(response)) => response.signed = true,
            _ => self.info.span.signed = true,
        }
    }

    fn read_status(&mut self, code: &str) {
        let is_outer = self.open.last() == Some(&Element::Status);
        let Some(response) = &mut self.response else {
            return;
        };
        let failures = &mut response.failures;
        if is_outer && code == SUCCESS {
            response.succeeded = true;
        } else if (is_outer || !failures.is_empty()) && failures.len() < MAX_STATUS_CODES {
            let short = code.strip_prefix(STATUS_PREFIX).unwrap_or(code);
            failures.push(short.to_owned());
        }
    }

    fn read_conditions(&mut self, tag: &StartTag<'_>) -> Result<(), AssertionFault> {
        let start = time_attribute(tag, "NotBefore")?;
        let end = time_attribute(tag, "NotOnOrAfter")?;
        let info = &mut self.info;
        info.not_before = info.not_before.into_iter().chain(start).max();
        info.not_on_or_after = info.not_on_or_after.into_iter().chain(end).min();
        Ok(())
    }
}

fn time_attribute(tag: &StartTag<'_>, name: &str) -> Result<Option<SystemTime>, AssertionFault> {
    let parse = |text: &str| parse_date_time(text).ok_or(AssertionFault::Time);
    tag.attribute(name).map(|text| parse(&text)).transpose()
}

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const STATUS_PREFIX: &str = "urn:oasis:names:tc:SAML:2.0:status:";

/// How many status codes an error shows.
const MAX_STATUS_CODES: usize = 4;

/// How far this machine's clock and the server's may be apart.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);
