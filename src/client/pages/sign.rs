//! Fields that no known form of Genesys Cloud has, and that speak of more pages nevertheless.
//!
//! A listing must not end where its response says that there is more, in whatever form. So a field
//! counts by the words of its name and the type of its value: `nextPageToken`, `has_more`,
//! `continuationToken`, `isLast`, `totalPages` and the like.

use super::fields::Scalar;

/// What a field says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// There are more pages.
    More,
    /// This is the last page.
    Last,
    /// The whole is complete or not: the listing, or what it is about.
    Complete(bool),
    /// A value leads to the next page.
    Token(String),
    /// The number of pages.
    Count(u64),
    /// The number of items.
    Total(u64),
}

/// Returns what a field says about more pages.
pub(super) fn sign(name: &str, value: &Scalar) -> Option<Sign> {
    let words = words(name);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let has = |known: &[&str]| words.iter().any(|word| known.contains(word));
    let joined = words.concat();
    if has(&["first", "prev", "previous", "self", "before"]) {
        return None;
    }
    if let Scalar::Number(text) = value
        && let Ok(number) = text.parse::<u64>()
    {
        if COUNTS.contains(&joined.as_str()) {
            return Some(Sign::Count(number));
        }
        if TOTALS.contains(&joined.as_str()) {
            return Some(Sign::Total(number));
        }
        if has(&["more", "remaining"]) && is_about_items(&words) {
            return (number > 0).then_some(Sign::More);
        }
    }
    if let Scalar::Bool(flag) = *value {
        let is_next = words.last() == Some(&"next") || joined.ends_with("nextpage");
        let is_cut = has(&["more", "truncated", "incomplete"]) && is_about_items(&words);
        return if is_next || is_cut {
            Some(if flag { Sign::More } else { Sign::Last })
        } else if LAST.contains(&joined.as_str()) {
            Some(if flag { Sign::Last } else { Sign::More })
        } else {
            COMPLETE
                .contains(&joined.as_str())
                .then_some(Sign::Complete(flag))
        };
    }
    let is_next = words.first() == Some(&"next")
        && words.iter().skip(1).all(|word| AFTER_NEXT.contains(word))
        || joined
            .strip_prefix("next")
            .is_some_and(|rest| AFTER_NEXT.contains(&rest));
    let is_token = has(&[
        "bookmark",
        "continuation",
        "cursor",
        "cursors",
        "marker",
        "scroll",
    ]) || has(&["token"])
        && has(&["page", "pagination", "paging", "resume", "scan", "sync"])
        || KEYS.contains(&joined.as_str());
    match value {
        _ if !is_next && !is_token => None,
        Scalar::Text(text) | Scalar::Number(text) => {
            (!text.is_empty()).then(|| Sign::Token(text.clone()))
        }
        Scalar::Other { is_empty } => (!is_empty).then_some(Sign::More),
        Scalar::Null | Scalar::Bool(_) => None,
    }
}

/// Whether all words speak of the items, unlike those of `truncatedDivisions` or `moreInfo`.
fn is_about_items(words: &[&str]) -> bool {
    words.iter().all(|word| ABOUT_ITEMS.contains(word))
}

/// Splits a name such as `nextPageToken`, `next_page_token` or `NextPage` into words.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_upper = true;
    for c in name.chars().take(MAX_NAME) {
        let starts_word = c.is_uppercase() && !was_upper;
        was_upper = c.is_uppercase();
        if starts_word || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

const MAX_NAME: usize = 64;
/// The words that may follow `next`. Others, as in `nextRunDate`, are about something else.
const AFTER_NEXT: [&str; 26] = [
    "after", "batch", "cursor", "from", "href", "id", "index", "item", "items", "key", "link",
    "links", "marker", "number", "offset", "page", "position", "query", "record", "result",
    "results", "set", "start", "token", "uri", "url",
];
const ABOUT_ITEMS: [&str; 26] = [
    "are",
    "available",
    "count",
    "data",
    "elements",
    "entities",
    "exist",
    "exists",
    "has",
    "hits",
    "incomplete",
    "is",
    "items",
    "list",
    "listing",
    "more",
    "page",
    "pages",
    "records",
    "remaining",
    "response",
    "result",
    "results",
    "rows",
    "there",
    "truncated",
];
const COUNTS: [&str; 7] = [
    "lastpage",
    "lastpagenumber",
    "numberofpages",
    "pagecount",
    "pages",
    "pagetotal",
    "totalpages",
];
const TOTALS: [&str; 11] = [
    "total",
    "totalcount",
    "totalelements",
    "totalentities",
    "totalhits",
    "totalitems",
    "totalmatches",
    "totalnumberofentities",
    "totalrecords",
    "totalresults",
    "totalrows",
];
const LAST: [&str; 4] = ["islast", "islastpage", "last", "lastpage"];
const COMPLETE: [&str; 6] = ["complete", "done", "end", "iscomplete", "isdone", "isend"];
const KEYS: [&str; 6] = [
    "exclusivestartkey",
    "lastevaluatedkey",
    "more",
    "pagingstate",
    "resumekey",
    "searchafter",
];
