//! The body of a page: its items, and what it says about the next page.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{
    fields::{Fields, is_empty},
    paging_fields::PagingFields,
};
use crate::error::ResponseProblem;

/// A page whose items have not been decoded yet.
pub(super) struct PageBody<'a> {
    body: &'a [u8],
    items: Option<&'a RawValue>,
    pub(super) paging: PagingFields,
}

impl<'a> PageBody<'a> {
    /// Reads a body. The items are in the field that the caller has `named`, or in one that Genesys
    /// Cloud uses. `is_first` is false where an earlier page had items.
    pub(super) fn parse(
        body: &'a [u8],
        named: Option<&str>,
        is_first: bool,
    ) -> Result<Self, ResponseProblem> {
        let not_json = |error| ResponseProblem::not_json(&error);
        let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
        if first == Some(&b'[') && named.is_none() {
            return Ok(Self {
                body,
                items: Some(serde_json::from_slice(body).map_err(not_json)?),
                paging: PagingFields::default(),
            });
        }
        let mut fields: Fields = serde_json::from_slice(body).map_err(not_json)?;
        let no_items = |why: String| ResponseProblem::Items(why.into());
        let mut field = single_list(&fields, named).map_err(no_items)?;
        if let Some(name) = field.filter(|name| fields.is(name, '{')) {
            // The listing itself is in this field.
            let nested = fields.0.remove(name).unwrap_or(RawValue::NULL);
            let nested: Fields = serde_json::from_str(nested.get()).map_err(not_json)?;
            fields.0.extend(nested.0);
            field = single_list(&fields, None).map_err(no_items)?;
        }
        let items = field.and_then(|name| fields.0.remove(name));
        if let (Some(name), Some(items)) = (field, items)
            && !items.get().starts_with('[')
        {
            return Err(no_items(format!("its `{name}` is not a list")));
        }
        let paging = PagingFields::new(&fields);
        let has_null = ITEMS
            .into_iter()
            .chain(named)
            .any(|name| fields.0.contains_key(name));
        let is_empty_listing = paging.total == Some(0) || paging.count == Some(0);
        let may_be_elsewhere = is_first && !is_empty_listing && fields.has_another_list();
        if items.is_none() && (may_be_elsewhere || !(has_null || paging.has_any)) {
            return Err(no_items(missing_items(named)));
        }
        Ok(Self {
            body,
            items,
            paging,
        })
    }

    /// Decodes the items.
    pub(super) fn items<T: DeserializeOwned>(&self) -> Result<Vec<T>, ResponseProblem> {
        let Some(items) = self.items else {
            return Ok(Vec::new());
        };
        serde_json::from_str(items.get()).map_err(|error| self.problem_in(items, &error))
    }

    /// Returns the items as they were sent, where there are any.
    pub(super) fn text(&self) -> Option<&'a str> {
        self.items.map(RawValue::get).filter(|text| !is_empty(text))
    }

    /// Returns a problem with its place in the whole body.
    fn problem_in(&self, part: &RawValue, error: &serde_json::Error) -> ResponseProblem {
        let mut problem = ResponseProblem::not_json(error);
        let start = part.get().as_ptr().addr() - self.body.as_ptr().addr();
        let before = self.body.get(..start).unwrap_or_default();
        let lines = before.split(|byte| *byte == b'\n');
        if let ResponseProblem::NotJson { line, column, .. } = &mut problem {
            if *line == 1 {
                *column += lines.clone().next_back().map_or(0, <[u8]>::len);
            }
            *line += lines.count() - 1;
        }
        problem
    }
}

/// Returns the field of the items, or `None` if there is none or it is `null`.
fn single_list<'n>(fields: &Fields<'_>, named: Option<&'n str>) -> Result<Option<&'n str>, String> {
    let is_there = |name: &&str| fields.0.contains_key(*name) && !fields.is(name, 'n');
    if named.is_some() {
        return Ok(named.filter(is_there));
    }
    // Beside a list, another value is no list of items: `GET /api/v2/users/query` has the number of
    // its items in `results`.
    let is_list = |name: &&str| fields.is(name, '[') || fields.is(name, '{');
    let has_list = ITEMS.iter().any(is_list);
    let mut found = ITEMS
        .into_iter()
        .filter(|name| is_there(name) && (is_list(name) || !has_list));
    match (found.next(), found.next()) {
        (Some(one), Some(other)) => Err(format!(
            "its items could be in `{one}` or in `{other}`; name the field with `Pages::items`"
        )),
        (one, _) => Ok(one),
    }
}

fn missing_items(named: Option<&str>) -> String {
    match named {
        Some(name) => format!("it has no field `{name}`, which `Pages::items` names"),
        None => "no field of it is known to contain the items; name the field with `Pages::items`"
            .to_owned(),
    }
}

/// The fields in which Genesys Cloud sends the items of a listing.
const ITEMS: [&str; 5] = [
    "entities",
    "results",
    "Resources",
    "conversations",
    "userDetails",
];
