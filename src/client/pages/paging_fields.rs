//! What a page says about the next one.

use url::form_urlencoded;

use super::{
    fields::{Fields, Scalar},
    page_request::PAGE_NUMBER,
    sign::{Sign, sign},
};

/// The paging fields of a page.
#[derive(Default)]
pub(super) struct PagingFields {
    pub(super) link: Option<String>,
    pub(super) tokens: Vec<Token>,
    pub(super) number: Option<u64>,
    pub(super) count: Option<u64>,
    pub(super) size: Option<u64>,
    pub(super) total: Option<u64>,
    pub(super) total_of: TotalOf,
    pub(super) start_index: Option<u64>,
    /// The number in the link to the last page.
    last_number: Option<u64>,
    /// A total in a field of no known form.
    other_total: Option<u64>,
    /// A field that says whether the whole is complete.
    complete: Option<(String, bool)>,
    /// A field of no known form that says that there are more pages.
    pub(super) more: Option<String>,
    /// A field says that this is the last page.
    pub(super) is_last: bool,
    /// The page has a field for a link or a cursor, perhaps an empty one, or other links, as listings
    /// have that link to a next page unless it is the last.
    pub(super) shows_its_end: bool,
    /// A field that cannot be read.
    pub(super) problem: Option<String>,
    /// The page has any of these fields.
    pub(super) has_any: bool,
}

/// The kind of listing whose total this is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum TotalOf {
    #[default]
    Items,
    /// Of a query that pages by `paging` in its body.
    Hits,
    /// Of a listing of SCIM (RFC 7644 section 3.4.2.4).
    Resources,
}

/// A value that leads to the next page.
pub(super) struct Token {
    pub(super) field: String,
    pub(super) value: String,
}

impl PagingFields {
    pub(super) fn new(fields: &Fields<'_>) -> Self {
        let mut paging = Self::default();
        for (name, value) in &fields.0 {
            let added = paging.add(name, value.get());
            paging.problem = paging.problem.or(added.err());
        }
        paging.count = paging.count.or(paging.last_number);
        paging.total = paging.total.or(paging.other_total);
        paging.add_complete();
        // The most usual forms come first.
        paging.tokens.sort_by_key(|token| {
            let mut known = TOKENS.iter().position(|name| *name == token.field);
            known.get_or_insert(TOKENS.len()).to_owned()
        });
        paging
    }

    fn add(&mut self, name: &str, json: &str) -> Result<(), String> {
        let value = Scalar::new(json);
        let number = || value.number(name);
        let (mut is_known, mut is_continuation) = (true, false);
        match name {
            "pageNumber" => self.number = number()?,
            "pageCount" => self.count = number()?,
            "pageSize" | "itemsPerPage" => self.size = number()?,
            "startIndex" => self.start_index = number()?,
            "total" | "totalHits" | "totalResults" => {
                self.total = self.total.max(number()?);
                self.total_of = match name {
                    "totalHits" => TotalOf::Hits,
                    "totalResults" => TotalOf::Resources,
                    _ => self.total_of,
                };
            }
            "nextUri" => {
                is_continuation = true;
                let link = value.text(name)?;
                let link = link.map(|link| link.trim().to_owned());
                self.link = link.filter(|link| !link.is_empty());
            }
            "lastUri" => {
                self.shows_its_end = true;
                let link = value.text(name).unwrap_or_default();
                self.last_number = link.and_then(|link| number_in(&link));
            }
            "cursor" | "after" | "nextPage" => {
                is_continuation = true;
                let value = value.text(name)?;
                self.tokens
                    .extend(value.map(|value| Token::new(name, value)));
            }
            "firstUri" | "previousUri" | "selfUri" => {
                self.shows_its_end = true;
                is_known = false;
            }
            "previousPage" | "before" => is_known = false,
            _ => {
                is_known = CONTAINERS.contains(&name);
                is_continuation = name == "cursors";
                if is_known && json.starts_with('{') {
                    self.add_container(name, json);
                } else if is_known && json.starts_with('[') {
                    self.add_links(name, json);
                } else if let Some(sign) = sign(name, &value) {
                    self.add_sign(sign, name.to_owned());
                }
            }
        }
        self.shows_its_end |= is_continuation;
        self.has_any |= is_known && !matches!(value, Scalar::Null) || is_continuation;
        Ok(())
    }

    fn add_container(&mut self, container: &str, json: &str) {
        let Ok(fields) = serde_json::from_str::<Fields<'_>>(json) else {
            self.more = Some(container.to_owned());
            return;
        };
        for (name, value) in fields.0 {
            let value = Scalar::new(value.get());
            let is_after = container == "cursors" && name == "after";
            let sign = match value.text(&name) {
                Ok(Some(token)) if is_after => Some(Sign::Token(token)),
                _ => sign(&name, &value),
            };
            if let Some(sign) = sign {
                self.add_sign(sign, format!("{container}.{name}"));
            }
        }
    }

    /// Reads a list of links with relations (RFC 8288).
    fn add_links(&mut self, name: &str, json: &str) {
        let links = serde_json::from_str::<Vec<Fields<'_>>>(json).unwrap_or_default();
        let is_next = |link: &Fields<'_>| {
            let relation = link.0.get("rel").map(|value| Scalar::new(value.get()));
            matches!(relation, Some(Scalar::Text(text)) if text.eq_ignore_ascii_case("next"))
        };
        if links.iter().any(is_next) {
            self.more = Some(name.to_owned());
        }
    }

    fn add_sign(&mut self, sign: Sign, field: String) {
        match sign {
            Sign::More => self.more = Some(field),
            Sign::Last => self.is_last = true,
            Sign::Token(value) => self.tokens.push(Token { field, value }),
            Sign::Count(count) => self.count = self.count.max(Some(count)),
            Sign::Complete(is_complete) => self.complete = Some((field, is_complete)),
            Sign::Total(total) => self.other_total = self.other_total.max(Some(total)),
        }
    }

    /// Takes a field such as `complete` for a sign. Beside a number, it is about something else: an
    /// action whose history is listed may be incomplete on the last page.
    fn add_complete(&mut self) {
        let numbers = [self.number, self.count, self.total];
        let Some((field, is_complete)) = self.complete.take() else {
            return;
        };
        if numbers.iter().all(Option::is_none) {
            let sign = if is_complete { Sign::Last } else { Sign::More };
            self.add_sign(sign, field);
        }
    }
}

impl Token {
    fn new(field: &str, value: String) -> Self {
        let field = field.to_owned();
        Self { field, value }
    }

    /// Whether the field belongs to no known form.
    pub(super) fn is_unknown(&self) -> bool {
        !TOKENS.contains(&self.field.as_str())
    }

    /// Whether the value is a link. Other tokens may start with a slash too.
    pub(super) fn is_link(&self) -> bool {
        let may_be_link = self.is_unknown() || self.field == "nextPage";
        let starts = ["/api/", "https://", "http://"];
        may_be_link && starts.iter().any(|start| self.value.starts_with(start))
    }
}

/// Returns the number of the page that a link leads to.
fn number_in(link: &str) -> Option<u64> {
    let (_, query) = link.split_once('?')?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let (_, number) = pairs.find(|(name, _)| name == PAGE_NUMBER)?;
    number.parse().ok()
}

/// The fields that may contain paging fields.
const CONTAINERS: [&str; 12] = [
    "_links",
    "cursors",
    "link",
    "links",
    "meta",
    "metadata",
    "page",
    "pageInfo",
    "pageable",
    "pagination",
    "paging",
    "responseMetadata",
];
/// The fields of tokens, in the order in which they are used.
const TOKENS: [&str; 4] = ["cursors.after", "cursor", "after", "nextPage"];
