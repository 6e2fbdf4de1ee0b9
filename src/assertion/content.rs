//! What is in a document, as far as it decides whether it is sent.
//!
//! Source: SAML Core 2.0, sections 2, 3 and 5.

use std::{ops::Range, time::SystemTime};

use super::{Namespace, Tag};
use crate::{error::AssertionFault, rfc3339::parse_date_time};

/// One assertion, and what is said of its time.
#[derive(Default)]
pub(super) struct Found {
    pub(super) assertion: Part,
    not_before: Option<SystemTime>,
    not_on_or_after: Option<SystemTime>,
    /// The end of each confirmation of the subject. One of them is enough.
    confirmations: Vec<Option<SystemTime>>,
}

/// Where the assertion is.
#[derive(Default)]
pub(super) struct Part {
    pub(super) range: Range<usize>,
    /// From its start to the end of its name.
    pub(super) name_length: usize,
    /// The declarations of namespaces around it, as they are written in a tag.
    pub(super) inherited: String,
    pub(super) inherits_xml: bool,
    /// Whether it is signed itself, and not in its Response alone.
    pub(super) signed: bool,
}

impl Found {
    /// When the assertion begins to be valid.
    pub(super) fn starts(&self) -> Option<SystemTime> {
        self.not_before
    }

    /// When it certainly is no longer valid.
    pub(super) fn ends(&self) -> Option<SystemTime> {
        let confirmed = self
            .confirmations
            .iter()
            .copied()
            .collect::<Option<Vec<_>>>();
        let confirmed = confirmed.and_then(|ends| ends.into_iter().max());
        self.not_on_or_after.into_iter().chain(confirmed).min()
    }
}

/// What was read so far.
#[derive(Default)]
pub(super) struct Content {
    open: Vec<Element>,
    response: Option<Response>,
    assertions: usize,
    encrypted: bool,
    wrapped: bool,
    found: Found,
}

/// The elements that count here, where they belong.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Element {
    Response,
    Status,
    StatusCode,
    Assertion,
    Conditions,
    Subject,
    SubjectConfirmation,
    SubjectConfirmationData,
    Signature,
    Other,
}

/// What the assertion stands in.
#[derive(Default)]
struct Response {
    /// The declarations of namespaces: names, and values as they are written.
    declared: Vec<(String, String)>,
    xml_attributes: Vec<String>,
    signed: bool,
    succeeded: bool,
    failed: Vec<String>,
}

impl Content {
    pub(super) fn open(&mut self, tag: &Tag<'_>, at: usize) -> Result<(), AssertionFault> {
        let element = self.element(tag)?;
        match element {
            Element::Response => self.response = Some(Response::read(tag)),
            Element::Assertion => self.assertion(tag, at),
            Element::Signature => self.signature(),
            Element::StatusCode => self.status(tag.attribute("Value").unwrap_or_default()),
            Element::Conditions => self.conditions(tag)?,
            Element::SubjectConfirmation => self.found.confirmations.push(None),
            Element::SubjectConfirmationData => {
                let end = time_of(tag, "NotOnOrAfter")?;
                if let Some(last) = self.found.confirmations.last_mut() {
                    *last = end;
                }
            }
            Element::Status | Element::Subject | Element::Other => {}
        }
        self.open.push(element);
        Ok(())
    }

    pub(super) fn close(&mut self, end: usize) {
        let range = &mut self.found.assertion.range;
        if self.open.pop() == Some(Element::Assertion) && range.end == 0 {
            range.end = end;
        }
    }

    /// What follows, the gravest first.
    pub(super) fn judge(self) -> Result<Found, AssertionFault> {
        if let Some(response) = &self.response
            && !(response.succeeded && response.failed.is_empty())
        {
            return Err(AssertionFault::failed(&response.failed));
        }
        let response_signed = self.response.is_some_and(|response| response.signed);
        if self.encrypted {
            return Err(AssertionFault::Encrypted);
        }
        if self.wrapped {
            return Err(AssertionFault::Wrapped);
        }
        match self.assertions {
            0 => Err(AssertionFault::NoAssertion),
            1 if self.found.assertion.signed || response_signed => Ok(self.found),
            1 => Err(AssertionFault::Unsigned),
            _ => Err(AssertionFault::Several),
        }
    }

    /// What an element is where it stands.
    fn element(&mut self, tag: &Tag<'_>) -> Result<Element, AssertionFault> {
        use Element as E;
        use Namespace as N;
        Ok(match (self.open.last(), tag.namespace, tag.local) {
            (None, N::Protocol, "Response") => E::Response,
            (None | Some(E::Response), N::Assertion, "Assertion") => E::Assertion,
            (_, N::Assertion, "Assertion") => {
                self.wrapped = true;
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
            (Some(E::Assertion), N::Assertion, "Conditions") => E::Conditions,
            (Some(E::Assertion), N::Assertion, "Subject") => E::Subject,
            (Some(E::Subject), N::Assertion, "SubjectConfirmation") => E::SubjectConfirmation,
            (Some(E::SubjectConfirmation), N::Assertion, "SubjectConfirmationData") => {
                E::SubjectConfirmationData
            }
            _ => E::Other,
        })
    }

    fn assertion(&mut self, tag: &Tag<'_>, at: usize) {
        self.assertions += 1;
        if self.assertions > 1 {
            return;
        }
        let part = &mut self.found.assertion;
        part.range.start = at;
        part.name_length = "<".len() + tag.name.len();
        let Some(response) = &self.response else {
            return;
        };
        let around = response.declared.iter();
        let inherited = around.filter(|(name, _)| !tag.declared.contains_key(name.as_str()));
        part.inherited = inherited
            .map(|(name, value)| declaration(name, value))
            .collect();
        let mut around = response.xml_attributes.iter();
        part.inherits_xml = around.any(|name| !tag.xml.contains(&name.as_str()));
    }

    fn signature(&mut self) {
        match (self.open.last(), &mut self.response) {
            (Some(Element::Response), Some(response)) => response.signed = true,
            _ => self.found.assertion.signed = true,
        }
    }

    fn status(&mut self, code: &str) {
        let outer = self.open.last() == Some(&Element::Status);
        let Some(response) = &mut self.response else {
            return;
        };
        if outer && code == SUCCESS {
            response.succeeded = true;
        } else if (outer || !response.failed.is_empty()) && response.failed.len() < MOST_CODES {
            let short = code.strip_prefix(STATUS).unwrap_or(code);
            response.failed.push(short.to_owned());
        }
    }

    fn conditions(&mut self, tag: &Tag<'_>) -> Result<(), AssertionFault> {
        let start = time_of(tag, "NotBefore")?;
        let end = time_of(tag, "NotOnOrAfter")?;
        let found = &mut self.found;
        found.not_before = found.not_before.into_iter().chain(start).max();
        found.not_on_or_after = found.not_on_or_after.into_iter().chain(end).min();
        Ok(())
    }
}

impl Response {
    fn read(tag: &Tag<'_>) -> Self {
        let declared = tag.declared.iter();
        let owned = |(name, value): (&&str, &&str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            declared: declared.map(owned).collect(),
            xml_attributes: tag.xml.iter().map(|&name| name.to_owned()).collect(),
            ..Self::default()
        }
    }
}

/// As it stands in a tag.
fn declaration(name: &str, value: &str) -> String {
    // It was written with one of them, and does not hold that one.
    let quote = if value.contains('"') { '\'' } else { '"' };
    format!(" {name}={quote}{value}{quote}")
}

fn time_of(tag: &Tag<'_>, name: &str) -> Result<Option<SystemTime>, AssertionFault> {
    let read = |text| parse_date_time(text).ok_or(AssertionFault::Time);
    tag.attribute(name).map(read).transpose()
}

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";

/// How many status codes are shown.
const MOST_CODES: usize = 4;
