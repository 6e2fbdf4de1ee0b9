//! Where a page is, and whether a response is that page.

use std::hash::{DefaultHasher, Hash, Hasher as _};

use bytes::Bytes;
use url::Url;

use super::{
    next::{Progress, Step},
    page_request::{PAGE_NUMBER, PageRequest, Place, START_INDEX},
    paging_fields::PagingFields,
};
use crate::{
    client::{request::Request, target::Target},
    error::Error,
};

/// Where a page is.
pub(super) struct Position {
    pub(super) target: Target,
    /// The body, where it is not the caller's.
    pub(super) body: Option<Bytes>,
    /// The number of the page, where it is known.
    pub(super) number: Option<u64>,
    /// The index of its first item, where it was requested by one.
    pub(super) start_index: Option<u64>,
    requested_by: RequestedBy,
}

enum RequestedBy {
    /// The caller's request.
    Caller,
    /// A link, after the page with this number.
    Link {
        link: String,
        after: Option<u64>,
    },
    Cursor(String),
    Number(u64),
    StartIndex(u64),
}

/// Distinguishes the requests of a listing: the URL and the fingerprint of the body.
pub(super) type PageId = (Url, u64);

impl Position {
    /// The page that the caller requests.
    pub(super) fn first(request: &Request) -> Self {
        Self {
            target: request.target().clone(),
            body: None,
            number: None,
            start_index: None,
            requested_by: RequestedBy::Caller,
        }
    }

    pub(super) fn id(&self, requested: &PageRequest, api: &Url) -> Result<PageId, Error> {
        let body = self.body.clone().or_else(|| requested.body_as_sent_again());
        Ok((self.target.url(api)?, fingerprint(&body)))
    }

    /// Returns the page to which `step` leads from this one.
    pub(super) fn after(
        &self,
        step: Step,
        paging: &PagingFields,
        at: Progress,
        requested: &PageRequest,
        api: &Url,
    ) -> Result<Self, String> {
        let mut next = Self {
            target: self.target.clone(),
            body: self.body.clone(),
            number: at.number.and_then(|number| number.checked_add(1)),
            start_index: None,
            requested_by: RequestedBy::Caller,
        };
        match step {
            Step::Link(link, also) => {
                next.target = Target::from_link(&link, api).ok_or(LEADS_ELSEWHERE)?;
                next.number = next.linked_number().or(next.number);
                if let Some((name, value)) = also {
                    next.set(requested, requested.place(&name), &name, &value)?;
                }
                let after = paging.number;
                next.requested_by = RequestedBy::Link { link, after };
            }
            Step::Cursor(name, value) => {
                next.set(requested, requested.place(&name), &name, &value)?;
                next.requested_by = RequestedBy::Cursor(value);
            }
            Step::Number(number) => {
                let name = requested.number_parameter();
                next.set(requested, requested.place(name), name, &number.to_string())?;
                next.request_number(number);
            }
            Step::PagingNumber(number) => {
                next.set(requested, Place::Paging, PAGE_NUMBER, &number.to_string())?;
                next.request_number(number);
            }
            Step::StartIndex(index) => {
                let place = requested.place(START_INDEX);
                next.set(requested, place, START_INDEX, &index.to_string())?;
                next.start_index = Some(index);
                next.requested_by = RequestedBy::StartIndex(index);
            }
        }
        Ok(next)
    }

    fn request_number(&mut self, number: u64) {
        self.number = Some(number);
        self.requested_by = RequestedBy::Number(number);
    }

    fn set(
        &mut self,
        requested: &PageRequest,
        place: Place,
        name: &str,
        value: &str,
    ) -> Result<(), String> {
        match place {
            Place::Query => self.target = self.target.with_query_value(name, value),
            Place::Body | Place::Paging => {
                self.body = Some(requested.body_with(place, name, value)?);
            }
        }
        Ok(())
    }

    /// Returns the number of the page that a link leads to, where its query has one.
    fn linked_number(&self) -> Option<u64> {
        let pairs = self.target.query_pairs();
        let pair = pairs.iter().find(|(name, _)| name == PAGE_NUMBER);
        pair.and_then(|(_, value)| value.parse().ok())
    }

    /// Checks that a response is the requested page. `is_same` says that it has the items of the page
    /// before, which an endpoint sends again where it does not know the parameter.
    pub(super) fn check(&self, paging: &PagingFields, is_same: bool) -> Result<(), String> {
        let (is_right, is_wrong) = match &self.requested_by {
            RequestedBy::Caller => (true, false),
            RequestedBy::Link { link, after } => {
                let is_behind = paging.number.is_some() && paging.number <= *after;
                (!is_behind && paging.link.as_ref() != Some(link), false)
            }
            RequestedBy::Cursor(cursor) => (
                paging.tokens.iter().all(|token| token.value != *cursor),
                false,
            ),
            RequestedBy::Number(number) => compare(paging.number, *number),
            RequestedBy::StartIndex(index) => compare(paging.start_index, *index),
        };
        if is_wrong {
            return Err("it is not the requested page".to_owned());
        }
        if is_same && !is_right {
            return Err(self.same_items());
        }
        Ok(())
    }

    fn same_items(&self) -> String {
        let cause = match &self.requested_by {
            RequestedBy::Link { .. } => {
                "so the endpoint did not follow its own link; if it pages by \
                the body, put the length of a page into the body"
            }
            RequestedBy::Number(_) | RequestedBy::StartIndex(_) => {
                "so its pages may have no number; \
                name the parameter of the next page with `Pages::cursor_parameter`"
            }
            RequestedBy::Caller | RequestedBy::Cursor(_) => {
                "so the cursor may have another \
                parameter; name it with `Pages::cursor_parameter`"
            }
        };
        format!("it has the same items as the page before, {cause}")
    }
}

/// Returns whether the number in a response is the requested one, and whether it is another one.
fn compare(found: Option<u64>, requested: u64) -> (bool, bool) {
    (
        found == Some(requested),
        found.is_some_and(|found| found != requested),
    )
}

pub(super) fn fingerprint(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

pub(super) const LEADS_ELSEWHERE: &str = "its link leads away from the Platform API";
