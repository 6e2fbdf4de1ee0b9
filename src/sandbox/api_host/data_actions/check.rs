//! Checks data actions before they are saved and published.

use serde_json::{Map, Value, json};

use crate::sandbox::{http::error_response::ApiErrorResponse, org::integrations::ActionVersion};

pub(super) fn parse_new(body: &Map<String, Value>) -> Result<ActionVersion, ApiErrorResponse> {
    let text = |field: &str| body.get(field).and_then(Value::as_str).unwrap_or_default();
    let part = |field: &str| body.get(field).cloned().unwrap_or_else(|| json!({}));
    let new = ActionVersion {
        name: text("name").to_owned(),
        category: text("category").to_owned(),
        config: part("config"),
        contract: part("contract"),
        secure: body
            .get("secure")
            .and_then(Value::as_bool)
            .unwrap_or_default(),
        version: 1,
    };
    check(&new)?;
    Ok(new)
}

/// Checks what a draft must have, too.
pub(super) fn check(version: &ActionVersion) -> Result<(), ApiErrorResponse> {
    let invalid = |field: &str| {
        let message = "A field of the data action is missing or not valid.";
        ApiErrorResponse::bad_request(message).detail("invalid.value", field)
    };
    if version.name.is_empty() || version.name.chars().count() > 256 {
        return Err(invalid("name"));
    }
    if version.category.is_empty() {
        return Err(invalid("category"));
    }
    let timeout = &version.config["timeoutSeconds"];
    if !timeout.is_null() && !timeout.as_u64().is_some_and(|one| (1..=60).contains(&one)) {
        return Err(invalid("config.timeoutSeconds"));
    }
    Ok(())
}

pub(super) fn check_publishable(version: &ActionVersion) -> Result<(), ApiErrorResponse> {
    match missing_fields(version).next() {
        None => Ok(()),
        Some(field) => {
            let message = "A field that a published action needs is missing.";
            Err(ApiErrorResponse::bad_request(message).detail("invalid.value", field))
        }
    }
}

pub(super) fn missing_fields(
    version: &ActionVersion,
) -> impl Iterator<Item = &'static str> + use<> {
    let (config, contract) = (&version.config, &version.contract);
    let fields = [
        (
            "config.request.requestUrlTemplate",
            &config["request"]["requestUrlTemplate"],
        ),
        (
            "config.request.requestType",
            &config["request"]["requestType"],
        ),
        (
            "contract.input.inputSchema",
            &contract["input"]["inputSchema"],
        ),
        (
            "contract.output.successSchema",
            &contract["output"]["successSchema"],
        ),
    ];
    let missing = fields.map(|(name, value)| (name, value.is_null() || value == ""));
    missing
        .into_iter()
        .filter_map(|(name, missing)| missing.then_some(name))
}
