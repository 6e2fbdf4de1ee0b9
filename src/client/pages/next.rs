//! Decides which page is next.

use super::{
    page_request::{PAGE_NUMBER, PageRequest, START_INDEX},
    paging_fields::{PagingFields, Token, TotalOf},
};

/// How far a listing has been read, its current page included.
#[derive(Clone, Copy, Default)]
pub(super) struct Progress {
    /// The number of the current page, where it is known.
    pub(super) number: Option<u64>,
    /// The index of its first item, where it was requested by one.
    pub(super) start_index: Option<u64>,
    /// Its items.
    pub(super) items: u64,
    /// The items of all pages so far.
    pub(super) all_items: u64,
    /// A page had a link or a cursor, so that the last one is known by having none.
    pub(super) had_continuation: bool,
}

/// How the next page is requested.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// By a link, and by a parameter where the body has it.
    Link(String, Option<(String, String)>),
    /// By a parameter whose value is a cursor.
    Cursor(String, String),
    /// By the number of the page.
    Number(u64),
    /// By the number of the page in `paging`, which the body may not have yet.
    PagingNumber(u64),
    /// By the index of the first item.
    StartIndex(u64),
}

/// Returns how the next page is requested, or `None` after the last one. The error says what is not
/// known and what the caller can do.
pub(super) fn next_step(
    paging: &PagingFields,
    requested: &PageRequest,
    at: &Progress,
) -> Result<Option<Step>, String> {
    if let Some(problem) = &paging.problem {
        return Err(problem.clone());
    }
    if let Some(link) = &paging.link {
        let also = body_parameter(paging, requested, at);
        return Ok(Some(Step::Link(link.clone(), also)));
    }
    if let Some(step) = by_token(paging, requested, at)? {
        return Ok(Some(step));
    }
    if let Some(count) = paging.count {
        let is_unknown = at.number.is_none() && count > 1 && !at.had_continuation;
        if is_unknown || at.number.is_some_and(|number| number < count) {
            return by_number(at, "pageCount").map(Some);
        }
    }
    if let Some(field) = &paging.more {
        return by_number(at, field).map(Some);
    }
    if paging.is_last || paging.count.is_some() || at.had_continuation {
        return Ok(None);
    }
    if counts_items(paging, requested) {
        return by_start_index(paging, requested, at);
    }
    match (paging.total, requested.items_before()) {
        (Some(total), Some(before)) if before.saturating_add(at.all_items) >= total => Ok(None),
        (Some(_), Some(_)) => by_total(paging, requested, at).map(Some),
        _ => by_length(paging, requested, at),
    }
}

/// Returns the parameter of a body that must change too when a link is followed.
fn body_parameter(
    paging: &PagingFields,
    requested: &PageRequest,
    at: &Progress,
) -> Option<(String, String)> {
    let cursors = paging.tokens.iter();
    let mut cursors = cursors.filter_map(|token| {
        let name = parameter_of(token, requested)?;
        Some((name.to_owned(), token.value.clone()))
    });
    let number = || {
        let number = at.number.filter(|_| paging.number.is_some())?;
        let next = number.checked_add(1)?;
        Some((requested.number_parameter().to_owned(), next.to_string()))
    };
    let (name, value) = cursors.next().or_else(number)?;
    let place = requested.shown_place(&name)?;
    place.is_in_body().then_some((name, value))
}

fn by_token(
    paging: &PagingFields,
    requested: &PageRequest,
    at: &Progress,
) -> Result<Option<Step>, String> {
    let is_ignored = |token: &&Token| paging.is_last && token.is_unknown();
    let tokens = || paging.tokens.iter().filter(|token| !is_ignored(token));
    if let Some(link) = tokens().find(|token| token.is_link()) {
        return Ok(Some(Step::Link(link.value.clone(), None)));
    }
    let named = tokens().find(|token| requested.cursor_parameter() == Some(&token.field));
    let mut known = named.into_iter().chain(tokens()).filter_map(|token| {
        let name = parameter_of(token, requested)?;
        Some(Step::Cursor(name.to_owned(), token.value.clone()))
    });
    if let Some(step) = known.next() {
        return Ok(Some(step));
    }
    let Some(token) = tokens().next() else {
        return Ok(None);
    };
    // Pages with a number can be requested by it.
    let has_number = paging.number.is_some() && token.field != "cursors.after";
    let has_more = paging.count.is_some_and(|count| at.number < Some(count));
    if has_more || has_number {
        return by_number(at, &token.field).map(Some);
    }
    Err(format!(
        "its {} does not show which parameter requests the next page; name it with \
         `Pages::cursor_parameter`",
        shown(&token.field),
    ))
}

/// Returns the parameter that is sent with the value of a token.
fn parameter_of<'a>(token: &Token, requested: &'a PageRequest) -> Option<&'a str> {
    if let Some(name) = requested.cursor_parameter() {
        return Some(name);
    }
    let only = |one: &'static str, other: &str| {
        (requested.has(one) && !requested.has(other)).then_some(one)
    };
    match token.field.as_str() {
        "cursor" => Some("cursor"),
        "after" => Some("after"),
        "cursors.after" => only("after", "cursor").or_else(|| only("cursor", "after")),
        "nextPage" => only("q64", "nextPage").or_else(|| only("nextPage", "q64")),
        _ => None,
    }
}

fn by_number(at: &Progress, field: &str) -> Result<Step, String> {
    let next = at.number.and_then(|number| number.checked_add(1));
    let number = next.ok_or_else(|| {
        format!(
            "its {} says that there is more, and nothing shows how the next page is requested; \
             name the parameter with `Pages::cursor_parameter`, or request the first page by its \
             number",
            shown(field)
        )
    })?;
    Ok(Step::Number(number))
}

/// The total says that there is more, and nothing else does.
fn by_total(paging: &PagingFields, requested: &PageRequest, at: &Progress) -> Result<Step, String> {
    if paging.total_of == TotalOf::Hits && paging.number.is_none() && requested.has_json_body() {
        let number = at.number.unwrap_or(1).checked_add(1);
        return number
            .map(Step::PagingNumber)
            .ok_or_else(|| NO_NUMBER.to_owned());
    }
    by_number(at, "total")
}

/// Nothing shows the end: a page that is shorter than requested is the last one.
fn by_length(
    paging: &PagingFields,
    requested: &PageRequest,
    at: &Progress,
) -> Result<Option<Step>, String> {
    let size = paging.size.or_else(|| requested.size());
    if at.number.is_some() {
        let is_last = at.items == 0 || size.is_some_and(|size| at.items < size);
        return if is_last {
            Ok(None)
        } else {
            by_number(at, PAGE_NUMBER).map(Some)
        };
    }
    let is_full = at.items > 0 && size == Some(at.items);
    if is_full && !paging.shows_its_end && requested.cursor_parameter().is_none() {
        return Err(CUT.to_owned());
    }
    Ok(None)
}

/// Whether the pages are requested by the index of their first item.
fn counts_items(paging: &PagingFields, requested: &PageRequest) -> bool {
    paging.total_of == TotalOf::Resources
        || paging.start_index.is_some()
        || requested.start_index().is_some()
}

fn by_start_index(
    paging: &PagingFields,
    requested: &PageRequest,
    at: &Progress,
) -> Result<Option<Step>, String> {
    let index = paging.start_index.or(at.start_index).unwrap_or(1).max(1);
    let next = index.checked_add(at.items).ok_or(NO_NUMBER)?;
    let has_more = match paging.total {
        Some(total) => next <= total,
        None => at.items > 0 && requested.size().is_none_or(|size| at.items >= size),
    };
    if !has_more {
        return Ok(None);
    }
    if at.items == 0 {
        return Err(format!(
            "it is empty, and its total says that {START_INDEX} {next} is not"
        ));
    }
    Ok(Some(Step::StartIndex(next)))
}

/// Returns the name of a field, as far as it can be shown.
pub(super) fn shown(field: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || "_-.".contains(*c);
    let name: String = field.chars().filter(is_plain).take(64).collect();
    format!("`{name}`")
}

const NO_NUMBER: &str = "its number is the highest that there is";
const CUT: &str = "it is as long as was asked for, and nothing shows whether there is more; ask for \
    longer pages, or name the parameter of the next page with `Pages::cursor_parameter` if the \
    endpoint has one";
