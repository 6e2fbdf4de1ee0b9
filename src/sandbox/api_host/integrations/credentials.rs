//! Credentials of integrations. Their values are written and never shown.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension, Router,
    extract::{Path, RawQuery, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::types::required_fields;
use crate::sandbox::{
    http::{
        error_response::{ApiErrorResponse, ok_response},
        params::{JsonBody, number_parameter, query_parameter},
    },
    org::{
        Caller, Org,
        integrations::{Credential, check_room},
        permissions::RequiredPermissions,
    },
};

pub(super) fn credential_routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/api/v2/integrations/credentials", post(create))
        .route(LISTING, get(list))
        .route(
            "/api/v2/integrations/credentials/{credentialId}",
            get(get_one).put(replace).delete(delete_one),
        )
}

async fn list(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW)?;
    let query = query.as_deref();
    let size = number_parameter(query, "pageSize", 25, 1..=200)?;
    let credentials: Vec<_> = org.with_integrations(|table, _| {
        let credentials = table.credentials.iter();
        credentials.map(Credential::body).collect()
    });
    let total = credentials.len();
    let (start, end) = match (
        parse_cursor(query, "before", total)?,
        parse_cursor(query, "after", total)?,
    ) {
        (Some(_), Some(_)) => {
            return Err(ApiErrorResponse::bad_request(
                "before and after exclude each other.",
            ));
        }
        (Some(end), None) => (end.saturating_sub(size), end),
        (None, start) => {
            let start = start.unwrap_or(0);
            (start, start.saturating_add(size).min(total))
        }
    };
    let uri = |name: &str, index: usize| {
        let cursor = cursor_at(index);
        let cursor: String = form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
        Value::from(format!("{LISTING}?{name}={cursor}&pageSize={size}"))
    };
    let mut body = json!({ "entities": credentials[start..end], "selfUri": uri("after", start) });
    if end < total {
        body["nextUri"] = uri("after", end);
    }
    if start > 0 {
        body["previousUri"] = uri("before", start);
    }
    Ok(ok_response(&body))
}

async fn create(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    body: JsonBody,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(ADD)?;
    let content = content(&body.object()?)?;
    org.with_integrations(|table, now| {
        check_room(table.credentials.len())?;
        let mut new = Credential::new(now);
        new.replace(content, now);
        let response = ok_response(&new.body());
        table.credentials.push(new);
        Ok(response)
    })
}

async fn get_one(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW)?;
    let body = org.with_integrations(|table, _| table.credential(&id).map(|one| one.body()));
    let mut body = body.ok_or_else(ApiErrorResponse::not_found)?;
    body["credentialFields"] = Map::new().into();
    Ok(ok_response(&body))
}

async fn replace(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(EDIT)?;
    let fields = body.object()?;
    org.with_integrations(|table, now| {
        let credential = table.credential(&id);
        let credential = credential.ok_or_else(ApiErrorResponse::not_found)?;
        credential.replace(content(&fields)?, now);
        let response = ok_response(&credential.body());
        table.tokens.remove(&id);
        Ok(response)
    })
}

async fn delete_one(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(DELETE)?;
    let removed = org.with_integrations(|table, _| table.remove_credential(&id));
    if removed {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(ApiErrorResponse::not_found())
    }
}

/// Reads the name, the type and the values of a credential.
fn content(
    body: &Map<String, Value>,
) -> Result<(String, String, BTreeMap<String, String>), ApiErrorResponse> {
    let invalid = |message: &str, field: &str| {
        ApiErrorResponse::bad_request(message.to_owned()).detail("invalid.value", field)
    };
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() {
        return Err(invalid("The credential has no name.", "name"));
    }
    let kind = body.get("type").and_then(|kind| kind["name"].as_str());
    let kind = kind.unwrap_or_default();
    let required = required_fields(kind)
        .ok_or_else(|| invalid("The type of the credential is not known.", "type"))?;
    let fields = body.get("credentialFields").and_then(Value::as_object);
    let fields: Option<BTreeMap<String, String>> = fields
        .into_iter()
        .flatten()
        .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect();
    let fields = fields
        .ok_or_else(|| invalid("The values of a credential are texts.", "credentialFields"))?;
    for name in required {
        if fields.get(*name).is_none_or(String::is_empty) {
            let field = format!("credentialFields.{name}");
            return Err(invalid("The credential lacks a field of its type.", &field));
        }
    }
    Ok((name.to_owned(), kind.to_owned(), fields))
}

/// Returns the index that a cursor in the query names.
fn parse_cursor(
    query: Option<&str>,
    name: &str,
    total: usize,
) -> Result<Option<usize>, ApiErrorResponse> {
    let Some(cursor) = query_parameter(query, name) else {
        return Ok(None);
    };
    STANDARD
        .decode(&cursor)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.strip_prefix(CURSOR)?.parse().ok())
        .filter(|index| *index <= total)
        .map(Some)
        .ok_or_else(|| ApiErrorResponse::invalid_value(format!("{name} is not a cursor.")))
}

/// Returns a cursor that is opaque and contains characters that a link must escape.
fn cursor_at(index: usize) -> String {
    STANDARD.encode(format!("{CURSOR}{index}"))
}

const LISTING: &str = "/api/v2/integrations/credentials/listing";
const CURSOR: &str = "credentials>";
const VIEW: RequiredPermissions = RequiredPermissions::All(&["integrations:integration:view"]);
const ADD: RequiredPermissions = RequiredPermissions::All(&["integrations:integration:add"]);
const EDIT: RequiredPermissions = RequiredPermissions::All(&["integrations:integration:edit"]);
const DELETE: RequiredPermissions = RequiredPermissions::All(&["integrations:integration:delete"]);
