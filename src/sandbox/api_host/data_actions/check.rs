//! Checks data actions before they are saved and published.

use serde_json::{Map, Value, json};

use crate::sandbox::{
    api_host::call::ApiResult, http::error_response::ApiErrorResponse,
    org::integrations::ActionVersion,
};

pub(super) fn parse_new(body: &Map<String, Value>) -> ApiResult<ActionVersion> {
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
pub(super) fn check(version: &ActionVersion) -> ApiResult<()> {
    let invalid = |field: &str| {
        let message = "A field of the data action is missing or not valid.";
        ApiErrorResponse::invalid_field(field, message)
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

pub(super) fn check_publishable(version: &ActionVersion) -> ApiResult<()> {
    match missing_fields(version).next() {
        None => Ok(()),
        Some(field) => {
            let message = "A field that a published action needs is missing.";
            Err(ApiErrorResponse::invalid_field(field, message))
        }
    }
}

pub(super) fn missing_fields(
    version: &ActionVersion,
) -> impl Iterator<Item = &'static str> + use<> {
    let (config, contract) = (&version.config, &version.contract);
    let (request, output) = (&config["request"], &contract["output"]);
    let fields = [
        (
            "config.request.requestUrlTemplate",
            &request["requestUrlTemplate"],
        ),
        ("config.request.requestType", &request["requestType"]),
        (
            "contract.input.inputSchema",
            &contract["input"]["inputSchema"],
        ),
        ("contract.output.successSchema", &output["successSchema"]),
    ];
    let missing = fields.map(|(name, value)| (name, value.is_null() || value == ""));
    let missing = missing.into_iter();
    missing.filter_map(|(name, missing)| missing.then_some(name))
}
