//! Reads XML once, from its start to its end, and keeps what decides whether it is sent.
//!
//! Source: SAML Core 2.0, sections 2 and 3; Extensible Markup Language 1.0.

use std::{ops::Range, time::SystemTime};

use quick_xml::{
    Reader,
    events::{BytesDecl, BytesRef, BytesStart, Event},
};

use super::{
    namespaces::{Namespace, Namespaces},
    tag::{Tag, is_character, is_name},
    time::time,
};
use crate::error::AssertionFault;

/// One assertion, and what is said of its time.
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

/// Reads a document, and gives the assertion in it.
pub(super) fn scan(xml: &str) -> Result<Found, AssertionFault> {
    if !xml.chars().all(is_character) {
        return Err(AssertionFault::Malformed);
    }
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_comments = true;
    let mut scan = Scan::default();
    loop {
        let event = reader.read_event().map_err(|_| AssertionFault::Malformed)?;
        let end = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        match event {
            Event::Start(tag) => scan.open(&tag, end.saturating_sub(tag.len() + "<>".len()))?,
            Event::Empty(tag) => {
                scan.open(&tag, end.saturating_sub(tag.len() + "</>".len()))?;
                scan.close(end);
            }
            Event::End(_) => scan.close(end),
            Event::Text(text) => scan.text(&text)?,
            Event::CData(_) if scan.open.is_empty() => return Err(AssertionFault::Malformed),
            Event::GeneralRef(reference) => scan.reference(&reference)?,
            Event::Decl(declaration) => {
                if end != declaration.len() + "<??>".len() {
                    return Err(AssertionFault::Malformed);
                }
                declared(&declaration)?;
            }
            Event::PI(instruction) => {
                let target = instruction.target();
                if !is_name(target) || target.eq_ignore_ascii_case("xml") {
                    return Err(AssertionFault::Malformed);
                }
            }
            Event::DocType(_) => return Err(AssertionFault::DocumentType),
            Event::CData(_) | Event::Comment(_) => {}
            Event::Eof => return scan.end(),
        }
    }
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

/// What was read so far.
#[derive(Default)]
struct Scan {
    open: Vec<Element>,
    namespaces: Namespaces,
    rooted: bool,
    /// Of the Response, where it may be inherited: names and values as they are written.
    around: Vec<(String, String)>,
    around_xml: Vec<String>,
    response_signed: bool,
    is_response: bool,
    succeeded: bool,
    failed: Vec<String>,
    encrypted: bool,
    wrapped: bool,
    assertions: usize,
    part: Part,
    not_before: Option<SystemTime>,
    not_on_or_after: Option<SystemTime>,
    confirmations: Vec<Option<SystemTime>>,
}

impl Scan {
    fn open(&mut self, start: &BytesStart<'_>, at: usize) -> Result<(), AssertionFault> {
        let depth = self.open.len();
        if depth >= MOST_DEEP {
            return Err(AssertionFault::TooDeep);
        }
        let tag = Tag::read(start, depth, &mut self.namespaces)?;
        let element = self.element(&tag)?;
        match element {
            Element::Response => self.response(&tag),
            Element::Assertion => self.assertion(&tag, at, start.name().0.len()),
            Element::Signature if depth == 1 && self.is_response => self.response_signed = true,
            Element::Signature => self.part.signed = true,
            Element::StatusCode => self.status(tag.attribute("Value").unwrap_or_default()),
            Element::Conditions => self.conditions(&tag)?,
            Element::SubjectConfirmation => self.confirmations.push(None),
            Element::SubjectConfirmationData => {
                let end = time_of(&tag, "NotOnOrAfter")?;
                if let Some(last) = self.confirmations.last_mut() {
                    *last = end;
                }
            }
            Element::Status | Element::Subject | Element::Other => {}
        }
        self.open.push(element);
        Ok(())
    }

    /// What an element is where it stands.
    fn element(&mut self, tag: &Tag<'_>) -> Result<Element, AssertionFault> {
        use Element as E;
        use Namespace as N;
        let parent = self.open.last().copied();
        if parent.is_none() && std::mem::replace(&mut self.rooted, true) {
            return Err(AssertionFault::Malformed);
        }
        Ok(match (parent, tag.namespace, tag.local) {
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

    fn response(&mut self, tag: &Tag<'_>) {
        self.is_response = true;
        let declared = tag.declared.iter();
        self.around = declared
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        self.around_xml = tag.xml.iter().map(ToString::to_string).collect();
    }

    fn assertion(&mut self, tag: &Tag<'_>, at: usize, name: usize) {
        self.assertions += 1;
        if self.assertions > 1 {
            return;
        }
        self.part.range.start = at;
        self.part.name_length = "<".len() + name;
        for (name, value) in &self.around {
            if !tag.declared.contains_key(name.as_str()) {
                // It was written with one of them, and does not hold that one.
                let quote = if value.contains('"') { '\'' } else { '"' };
                let declaration = [" ", name, "="].concat();
                self.part.inherited.push_str(&declaration);
                self.part.inherited.push(quote);
                self.part.inherited.push_str(value);
                self.part.inherited.push(quote);
            }
        }
        let mut around = self.around_xml.iter();
        self.part.inherits_xml = around.any(|name| !tag.xml.contains(&name.as_str()));
    }

    fn status(&mut self, code: &str) {
        let outer = self.open.last() == Some(&Element::Status);
        if outer && code == SUCCESS {
            self.succeeded = true;
        } else if (outer || !self.failed.is_empty()) && self.failed.len() < MOST_CODES {
            let short = code.strip_prefix(STATUS).unwrap_or(code);
            self.failed.push(short.to_owned());
        }
    }

    fn conditions(&mut self, tag: &Tag<'_>) -> Result<(), AssertionFault> {
        let start = time_of(tag, "NotBefore")?;
        let end = time_of(tag, "NotOnOrAfter")?;
        self.not_before = self.not_before.into_iter().chain(start).max();
        self.not_on_or_after = self.not_on_or_after.into_iter().chain(end).min();
        Ok(())
    }

    fn close(&mut self, end: usize) {
        if self.open.pop() == Some(Element::Assertion) && self.part.range.end == 0 {
            self.part.range.end = end;
        }
        self.namespaces.leave(self.open.len());
    }

    fn text(&self, text: &str) -> Result<(), AssertionFault> {
        let is_space = |c| matches!(c, ' ' | '\t' | '\r' | '\n');
        let outside = self.open.is_empty() && !text.chars().all(is_space);
        if outside || text.contains("]]>") {
            return Err(AssertionFault::Malformed);
        }
        Ok(())
    }

    /// A reference in a text, which may be a character's or one of the five that XML has of itself.
    fn reference(&self, reference: &BytesRef<'_>) -> Result<(), AssertionFault> {
        if self.open.is_empty() {
            return Err(AssertionFault::Malformed);
        }
        match reference.resolve_char_ref() {
            Ok(Some(c)) if is_character(c) => Ok(()),
            Ok(None) if ["amp", "lt", "gt", "quot", "apos"].contains(&&**reference) => Ok(()),
            Ok(None) => Err(AssertionFault::DocumentType),
            Ok(Some(_)) | Err(_) => Err(AssertionFault::Malformed),
        }
    }

    /// What follows, the gravest first.
    fn end(self) -> Result<Found, AssertionFault> {
        let fault = if !self.open.is_empty() || !self.rooted {
            AssertionFault::Malformed
        } else if self.is_response && (!self.failed.is_empty() || !self.succeeded) {
            AssertionFault::failed(&self.failed)
        } else if self.encrypted {
            AssertionFault::Encrypted
        } else if self.wrapped {
            AssertionFault::Wrapped
        } else if self.assertions > 1 {
            AssertionFault::Several
        } else if self.assertions == 0 {
            AssertionFault::NoAssertion
        } else if !self.part.signed && !self.response_signed {
            AssertionFault::Unsigned
        } else {
            return Ok(Found {
                assertion: self.part,
                not_before: self.not_before,
                not_on_or_after: self.not_on_or_after,
                confirmations: self.confirmations,
            });
        };
        Err(fault)
    }
}

fn declared(declaration: &BytesDecl<'_>) -> Result<(), AssertionFault> {
    if !declaration.version().is_ok_and(|version| version == "1.0") {
        return Err(AssertionFault::Malformed);
    }
    match declaration.encoding() {
        Some(Ok(encoding)) if !encoding.eq_ignore_ascii_case("UTF-8") => {
            Err(AssertionFault::Encoding)
        }
        Some(Err(_)) => Err(AssertionFault::Malformed),
        Some(Ok(_)) | None => Ok(()),
    }
}

fn time_of(tag: &Tag<'_>, name: &str) -> Result<Option<SystemTime>, AssertionFault> {
    let read = |text| time(text).ok_or(AssertionFault::Time);
    tag.attribute(name).map(read).transpose()
}

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";

/// How many status codes are shown.
const MOST_CODES: usize = 4;

const MOST_DEEP: usize = 64;
