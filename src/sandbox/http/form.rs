//! Forms and their fields.

use http::HeaderMap;
use url::form_urlencoded;

use super::{error_response::OAuthErrorResponse, params::has_media_type};

/// The fields of a form. No two have the same name.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Parses the body of a request with these headers.
    pub(crate) fn from_body(headers: &HeaderMap, body: &[u8]) -> Result<Self, OAuthErrorResponse> {
        if !has_media_type(headers, "application/x-www-form-urlencoded") {
            return Err(OAuthErrorResponse::invalid_request(
                "the body must be a form",
            ));
        }
        Self::parse(body)
    }

    /// Parses a query or a body.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, OAuthErrorResponse> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text) {
            if fields.iter().any(|(known, _)| *known == name) {
                let description = "a field is given more than once";
                return Err(OAuthErrorResponse::invalid_request(description));
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(fields))
    }

    /// Returns the field's value; an empty one counts as missing.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|(known, _)| known == name);
        field
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str, OAuthErrorResponse> {
        self.get(name)
            .ok_or_else(|| OAuthErrorResponse::invalid_request(format!("{name} is missing")))
    }
}
