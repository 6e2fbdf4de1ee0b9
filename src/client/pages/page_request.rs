//! What the caller's request says about paging.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::value::{RawValue, to_raw_value};

use crate::client::request::Request;

/// The caller's request and settings, as far as they decide how a page is requested.
pub(super) struct PageRequest {
    query: Vec<(String, String)>,
    /// The body, where it is a JSON object.
    body: Option<JsonObject>,
    may_repeat: bool,
    /// The parameter that the caller has named.
    pub(super) parameter: Option<String>,
    /// The field of the items that the caller has named.
    pub(super) items: Option<String>,
}

type JsonObject = BTreeMap<String, Box<RawValue>>;

/// Where a parameter of the endpoint belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Query,
    Body,
    /// The object `paging` of the body.
    Paging,
}

impl PageRequest {
    pub(super) fn new(request: &Request) -> Self {
        Self {
            query: request.target().query_pairs(),
            body: request
                .body_bytes()
                .and_then(|body| serde_json::from_slice(body).ok()),
            may_repeat: request.may_repeat(),
            parameter: None,
            items: None,
        }
    }

    /// Whether the query or the body has the parameter.
    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// Returns the number of the requested page, where the request has one.
    pub(super) fn number(&self) -> Option<u64> {
        let name = self.number_parameter();
        let number = self.value(name).and_then(|value| value.parse().ok());
        // The endpoint counts its pages if the caller says so.
        number.or_else(|| (self.parameter.as_deref() == Some(name)).then_some(1))
    }

    /// Returns the name of the parameter for the number of a page.
    pub(super) fn number_parameter(&self) -> &str {
        match self.parameter.as_deref() {
            Some(name @ ("page" | PAGE_NUMBER)) => name,
            _ => PAGE_NUMBER,
        }
    }

    /// Returns the parameter that the caller has named for a cursor.
    pub(super) fn cursor_parameter(&self) -> Option<&str> {
        let name = self.parameter.as_deref()?;
        (name != self.number_parameter() && name != START_INDEX).then_some(name)
    }

    /// Returns the requested index of the first item.
    pub(super) fn start_index(&self) -> Option<u64> {
        let index = self.value(START_INDEX).and_then(|value| value.parse().ok());
        index.or_else(|| (self.parameter.as_deref() == Some(START_INDEX)).then_some(1))
    }

    /// Returns the requested length of a page.
    pub(super) fn size(&self) -> Option<u64> {
        SIZES.iter().find_map(|name| self.value(name)?.parse().ok())
    }

    /// Whether the request is for the first page, unless it has the number of another one.
    pub(super) fn has_no_cursor(&self) -> bool {
        let named = self.cursor_parameter().is_some_and(|name| self.has(name));
        !named && !CURSORS.iter().any(|name| self.has(name))
    }

    /// Returns how many items precede the requested page.
    pub(super) fn items_before(&self) -> Option<u64> {
        match self.number().unwrap_or(1) {
            _ if !self.has_no_cursor() => None,
            0 | 1 => Some(0),
            number => (number - 1).checked_mul(self.size()?),
        }
    }

    pub(super) fn has_json_body(&self) -> bool {
        self.body.is_some()
    }

    /// Returns the place of a parameter, as far as the request shows it.
    pub(super) fn shown_place(&self, name: &str) -> Option<Place> {
        let body = self.body.as_ref()?;
        if name == PAGE_NUMBER && self.paging().is_some() {
            return Some(Place::Paging);
        }
        let in_query = |name: &str| self.query.iter().any(|(known, _)| known == name);
        let place = |names: &[&str]| {
            if names.iter().any(|name| body.contains_key(*name)) {
                Some(Place::Body)
            } else {
                let in_query = names.iter().any(|name| in_query(name));
                in_query.then_some(Place::Query)
            }
        };
        place(&[name]).or_else(|| place(&SIZES))
    }

    /// Returns the place of a parameter. Endpoints with a body have most of theirs there.
    pub(super) fn place(&self, name: &str) -> Place {
        self.shown_place(name).unwrap_or(if self.has_json_body() {
            Place::Body
        } else {
            Place::Query
        })
    }

    /// Returns the caller's body with one value for `name`, a number if the value is one that the
    /// endpoint counts with.
    pub(super) fn body_with(&self, place: Place, name: &str, value: &str) -> Result<Bytes, String> {
        if !self.may_repeat {
            return Err(format!(
                "its next page is requested by `{name}` in the body; declare with `repeatable()` \
                 that the call may be sent again"
            ));
        }
        let counts = [PAGE_NUMBER, START_INDEX, "page"].contains(&name);
        let json = match value.parse::<u64>() {
            Ok(number) if counts => to_raw_value(&number),
            _ => to_raw_value(value),
        };
        let json = json.map_err(|_| UNREADABLE)?;
        let mut body = self.body.clone().unwrap_or_default();
        if place == Place::Paging {
            let mut paging = self.paging().unwrap_or_default();
            paging.insert(name.to_owned(), json);
            let paging = to_raw_value(&paging).map_err(|_| UNREADABLE)?;
            body.insert(PAGING.to_owned(), paging);
        } else {
            body.insert(name.to_owned(), json);
        }
        let body = serde_json::to_vec(&body).map_err(|_| UNREADABLE)?;
        Ok(body.into())
    }

    /// Returns the caller's body as [`body_with`](Self::body_with) would write it.
    pub(super) fn body_as_sent_again(&self) -> Option<Bytes> {
        serde_json::to_vec(self.body.as_ref()?)
            .ok()
            .map(Bytes::from)
    }

    fn paging(&self) -> Option<JsonObject> {
        serde_json::from_str(self.body.as_ref()?.get(PAGING)?.get()).ok()
    }

    /// Returns a value of the query, of the body or of its `paging`.
    fn value(&self, name: &str) -> Option<String> {
        let text = |object: &JsonObject| {
            let json = object.get(name)?.get();
            let is_plain = !json.starts_with(['{', '[', 'n']);
            is_plain.then(|| serde_json::from_str(json).unwrap_or_else(|_| json.to_owned()))
        };
        let pair = self.query.iter().find(|(known, _)| known == name);
        pair.map(|(_, value)| value.clone())
            .or_else(|| text(self.body.as_ref()?))
            .or_else(|| text(&self.paging()?))
    }
}

impl Place {
    pub(super) fn is_in_body(self) -> bool {
        self != Self::Query
    }
}

pub(super) const PAGE_NUMBER: &str = "pageNumber";
pub(super) const START_INDEX: &str = "startIndex";
pub(super) const PAGING: &str = "paging";
const UNREADABLE: &str = "its body cannot be written again";
/// The parameters for the length of a page.
const SIZES: [&str; 5] = ["pageSize", "limit", "maxResults", "count", "size"];
/// The parameters that lead into the middle of a listing.
const CURSORS: [&str; 5] = ["after", "before", "cursor", "nextPage", "q64"];
