//! The fields of a form.

use http::{HeaderMap, header};
use url::form_urlencoded;

use super::OAuthRefusal;

/// The fields of a form, each at most once.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, OAuthRefusal> {
        let content_type = headers.get(header::CONTENT_TYPE);
        let media_type = content_type
            .and_then(|value| value.to_str().ok()?.split(';').next())
            .unwrap_or_default();
        if !media_type.trim().eq_ignore_ascii_case(FORM) {
            return Err(invalid_request("the body must be a form"));
        }
        Self::parse(body)
    }

    /// The fields of a query or of a body.
    pub(super) fn parse(text: &[u8]) -> Result<Self, OAuthRefusal> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text) {
            if fields.iter().any(|(given, _)| *given == name) {
                return Err(invalid_request("a field is given more than once"));
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(fields))
    }

    /// The field, where it is there and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|(given, _)| given == name);
        field
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, OAuthRefusal> {
        self.get(name)
            .ok_or_else(|| OAuthRefusal::new("invalid_request", format!("{name} is missing")))
    }
}

fn invalid_request(description: &'static str) -> OAuthRefusal {
    OAuthRefusal::new("invalid_request", description)
}

const FORM: &str = "application/x-www-form-urlencoded";
