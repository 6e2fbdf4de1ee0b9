//! Runs a data action, step by step.

use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::{Map, Value, json};

use super::{
    failure::{Failure, invalid_schema, not_in_the_sandbox, processing_failure},
    json_path::find,
    send::{
        AUTHENTICATE, ActionRequest, Authorization, EXECUTE, OwnApi, RunnableAction, Steps,
        invalid_credential, send,
    },
    template::{Unsupported, render, to_text},
};
use crate::sandbox::org::Org;

/// Runs an action. Returns the steps, of which the last failed where there is no result.
pub(super) async fn run(
    org: &Org,
    api: &OwnApi,
    action: &RunnableAction,
    input: Map<String, Value>,
) -> (Vec<Value>, Result<Value, Failure>) {
    let mut steps = Steps(Vec::new());
    let result = run_steps(org, api, action, input, &mut steps).await;
    (steps.0, result)
}

async fn run_steps(
    org: &Org,
    api: &OwnApi,
    action: &RunnableAction,
    input: Map<String, Value>,
    steps: &mut Steps,
) -> Result<Value, Failure> {
    if action.is_own {
        steps.start(AUTHENTICATE);
        if !org.integration_credential_is_valid() {
            return Err(invalid_credential(org));
        }
        steps.start(EXECUTE);
        let result = Value::from(input);
        steps.result(&result);
        return Ok(result);
    }
    steps.start("Check the input");
    check_input(&action.version.contract, &input)?;
    if !action.is_active {
        return Err(processing_failure("The integration is not active."));
    }
    if !action.calls_own_organization {
        return Err(not_in_the_sandbox(
            "a web service other than the Platform API",
        ));
    }
    let request = &action.version.config["request"];
    let fill_in = |authorization: &Authorization| fill_in(request, &input, authorization);
    let response = send(org, api, action, fill_in, steps).await?;
    steps.result(&response);
    steps.start("Translate the response");
    let result = translate(&action.version.config["response"], &response)?;
    steps.result(&result);
    Ok(result)
}

fn check_input(contract: &Value, input: &Map<String, Value>) -> Result<(), Failure> {
    let required = contract["input"]["inputSchema"]["required"].as_array();
    let names = required.into_iter().flatten().filter_map(Value::as_str);
    for name in names {
        if input.get(name).is_none_or(Value::is_null) {
            return Err(invalid_schema(name));
        }
    }
    Ok(())
}

fn fill_in(
    request: &Value,
    input: &Map<String, Value>,
    authorization: &Authorization,
) -> Result<ActionRequest, Failure> {
    let scope = scope_of_request(input, authorization);
    let filled = |template: &str| render(template, &scope).map_err(unsupported);
    let text = |field: &str| request[field].as_str().unwrap_or_default();
    let method = text("requestType").to_ascii_uppercase().parse();
    let method: Method = method.map_err(|_| processing_failure("The method is not valid."))?;
    let url = filled(text("requestUrlTemplate"))?;
    if !url.starts_with("/api/v2/") {
        return Err(not_in_the_sandbox(
            "a URL that does not start with /api/v2/",
        ));
    }
    let mut headers = HeaderMap::new();
    for (name, template) in request["headers"].as_object().into_iter().flatten() {
        let value = filled(template.as_str().unwrap_or_default())?;
        let header = HeaderName::try_from(name)
            .ok()
            .zip(HeaderValue::try_from(value).ok());
        let (name, value) = header.ok_or_else(|| processing_failure("A header is not valid."))?;
        headers.insert(name, value);
    }
    if let Ok(bearer) = format!("Bearer {}", authorization.token).parse() {
        headers.entry(AUTHORIZATION).or_insert(bearer);
    }
    let body = if method == Method::GET {
        String::new()
    } else {
        filled(text("requestTemplate"))?
    };
    if !body.is_empty() {
        let json = HeaderValue::from_static("application/json");
        headers.entry(CONTENT_TYPE).or_insert(json);
    }
    Ok(ActionRequest {
        method,
        url,
        headers,
        body,
    })
}

/// Returns what the templates of a request can refer to.
fn scope_of_request(
    input: &Map<String, Value>,
    authorization: &Authorization,
) -> Map<String, Value> {
    let mut input = input.clone();
    let raw = Value::from(input.clone()).to_string();
    input.insert("rawRequest".to_owned(), raw.into());
    let response = json!({ "access_token": authorization.token, "token_type": "bearer" });
    [
        ("input", input.into()),
        ("credentials", json!(authorization.fields)),
        ("authResponse", response),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect()
}

fn translate(config: &Value, response: &Value) -> Result<Value, Failure> {
    let mut scope = Map::new();
    let defaults = &config["translationMapDefaults"];
    let map = config["translationMap"].as_object();
    for (name, path) in map.into_iter().flatten() {
        let path = path.as_str().unwrap_or_default();
        let found = find(path, response).map_err(unsupported)?;
        let text = match found {
            Some(Value::Null) => None,
            Some(value) => Some(value.to_string()),
            None => to_text(&defaults[name]),
        };
        scope.insert(name.clone(), text.map_or(Value::Null, Value::String));
    }
    let raw = response.to_string();
    scope.insert("rawResult".to_owned(), raw.clone().into());
    let template = config["successTemplate"].as_str();
    let template = template.filter(|text| !text.is_empty());
    let result = match template {
        Some(template) => render(template, &scope).map_err(unsupported)?,
        None => raw,
    };
    serde_json::from_str(&result)
        .map_err(|_| processing_failure("The success template does not make JSON."))
}

#[allow(clippy::needless_pass_by_value, reason = "it is for `map_err`")]
fn unsupported(what: Unsupported) -> Failure {
    not_in_the_sandbox(&what.0)
}
