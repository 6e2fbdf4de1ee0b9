//! Sends the pages of the listings in the table of forms.

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::forms::{By, Form, find_form};
use crate::sandbox::{
    api_host::cursor::{cursor_at, parse_cursor},
    http::{
        error_response::{ApiErrorResponse, ok_response},
        params::query_parameter,
    },
    org::{Org, listings::SandboxListing},
};

/// A request to a listing.
pub(in crate::sandbox::api_host) struct ListingRequest {
    form: &'static Form,
    listing: SandboxListing,
}

impl ListingRequest {
    /// Returns the listing that a request is for. `is_filled` selects those that a test has filled.
    pub(in crate::sandbox::api_host) fn find(
        org: &Org,
        request: &Request<Body>,
        is_filled: bool,
    ) -> Option<Self> {
        let (form, endpoint) = find_form(request.method().as_str(), request.uri().path())?;
        let filled = org.listings.get(endpoint);
        let listing = match filled {
            None if is_filled => return None,
            None => SandboxListing::new::<Value>([]),
            Some(listing) => listing,
        };
        Some(Self { form, listing })
    }

    pub(in crate::sandbox::api_host) async fn respond(self, request: Request<Body>) -> Response {
        let (parts, body) = request.into_parts();
        // The dispatcher has limited the body.
        let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let parameters = Parameters {
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            body: serde_json::from_slice(&body).unwrap_or_default(),
        };
        match self.page(&parameters) {
            Ok(body) => ok_response(&body),
            Err(error) => error.into_response(),
        }
    }

    fn page(&self, parameters: &Parameters) -> Result<Value, ApiErrorResponse> {
        let Self { form, listing } = self;
        let size = parameters.size().unwrap_or(listing.size());
        if let By::Query(START_INDEX) = form.by {
            return self.page_from_index(parameters, size);
        }
        let pages = listing.pages(size);
        let asked = parameters.page_index(form.by)?;
        let (index, has_more) = listing.sent_for(asked, pages.len());
        let (index, has_more) = match form.by {
            By::Whole | By::Cut => (0, false),
            _ => (index, has_more),
        };
        let mut fields = Map::new();
        let items = match form.by {
            By::Whole => listing.items(),
            _ => pages.get(index).copied().unwrap_or_default(),
        };
        fields.insert(form.items.to_owned(), items.into());
        for name in &form.tells {
            let value = match *name {
                "pageNumber" => Some(json!(index + 1)),
                "pageCount" => Some(json!(pages.len())),
                "total" | "totalHits" | "totalResults" => Some(json!(listing.items().len())),
                "cursors" if has_more => Some(json!({ "after": cursor_at(index + 1) })),
                "cursors" => Some(json!({})),
                "nextUri" => has_more.then(|| parameters.link(form.by, index + 1).into()),
                _ => has_more.then(|| cursor_at(index + 1).into()),
            };
            fields.extend(value.map(|value| ((*name).to_owned(), value)));
        }
        Ok(self.finish(fields))
    }

    /// SCIM: RFC 7644 section 3.4.2.4.
    fn page_from_index(
        &self,
        parameters: &Parameters,
        size: usize,
    ) -> Result<Value, ApiErrorResponse> {
        let items = self.listing.items();
        let start = parameters.number(By::Query(START_INDEX), START_INDEX)?;
        let (start, _) = self.listing.sent_for(start - 1, items.len());
        let end = start.saturating_add(size).min(items.len());
        let page = items.get(start..end).unwrap_or_default();
        let mut fields = Map::new();
        fields.insert(self.form.items.to_owned(), page.into());
        fields.insert("totalResults".to_owned(), items.len().into());
        fields.insert(START_INDEX.to_owned(), (start + 1).into());
        fields.insert("itemsPerPage".to_owned(), page.len().into());
        Ok(self.finish(fields))
    }

    fn finish(&self, mut fields: Map<String, Value>) -> Value {
        fields.retain(|name, _| !self.listing.is_missing(name));
        if self.form.is_nested {
            json!({ "results": fields })
        } else {
            fields.into()
        }
    }
}

struct Parameters {
    path: String,
    query: Option<String>,
    body: Value,
}

impl Parameters {
    /// Returns the requested length of a page.
    fn size(&self) -> Option<usize> {
        let bodies = [&self.body, &self.body["paging"]];
        SIZES.iter().find_map(|name| {
            let query = self.query(name).and_then(|text| text.parse().ok());
            let mut sizes = bodies.iter().filter_map(|body| body[*name].as_u64());
            query.or_else(|| usize::try_from(sizes.next()?).ok())
        })
    }

    /// Returns the index of the requested page.
    fn page_index(&self, by: By) -> Result<usize, ApiErrorResponse> {
        let name = by.parameter();
        if name == NUMBER {
            return Ok(self.number(by, name)? - 1);
        }
        match self.text(by, name) {
            None => Ok(0),
            Some(text) => parse_cursor(&text)
                .ok_or_else(|| ApiErrorResponse::invalid_value(format!("{name} is not a cursor."))),
        }
    }

    /// Returns a number from 1 on.
    fn number(&self, by: By, name: &str) -> Result<usize, ApiErrorResponse> {
        let text = self.text(by, name);
        let number = text.map_or(Ok(1), |text| text.parse::<usize>());
        number.ok().filter(|number| *number > 0).ok_or_else(|| {
            ApiErrorResponse::invalid_value(format!("{name} is not a number from 1 on."))
        })
    }

    /// Returns the parameter from where the form has it.
    fn text(&self, by: By, name: &str) -> Option<String> {
        let value = match by {
            By::Whole | By::Cut => return None,
            By::Link | By::Query(_) => return self.query(name),
            By::Body(_) => &self.body[name],
            By::Paging => &self.body["paging"][name],
        };
        match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    fn query(&self, name: &str) -> Option<String> {
        query_parameter(self.query.as_deref(), name)
    }

    /// Returns the link to a page: this request with another parameter.
    fn link(&self, by: By, index: usize) -> String {
        let name = by.parameter();
        let value = if name == NUMBER {
            (index + 1).to_string()
        } else {
            cursor_at(index)
        };
        let query = self.query.as_deref().unwrap_or_default().as_bytes();
        let others = form_urlencoded::parse(query).filter(|(other, _)| other != name);
        let mut link = form_urlencoded::Serializer::new(String::new());
        link.extend_pairs(others).append_pair(name, &value);
        format!("{}?{}", self.path, link.finish())
    }
}

impl By {
    fn parameter(self) -> &'static str {
        match self {
            Self::Query(name) | Self::Body(name) => name,
            Self::Paging => NUMBER,
            Self::Link | Self::Whole | Self::Cut => "page",
        }
    }
}

const START_INDEX: &str = "startIndex";
const NUMBER: &str = "pageNumber";
const SIZES: [&str; 4] = ["pageSize", "limit", "maxResults", "count"];
