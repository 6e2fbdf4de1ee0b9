//! Credentials of integrations. Their values are written and never shown.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    routing::{get, post},
};
use http::StatusCode;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::types::{ADD, DELETE, EDIT, VIEW, required_fields};
use crate::sandbox::{
    api_host::{
        call::{ApiCall, ApiResult, found, permitted},
        cursor::{cursor_at, parse_cursor},
    },
    http::error_response::{ApiErrorResponse, ok_response},
    org::{
        Org,
        integrations::{Credential, IntegrationTable, check_room},
    },
};

pub(super) fn credential_routes() -> Router<Arc<Org>> {
    Router::new()
        .route(
            "/api/v2/integrations/credentials",
            post(permitted(ADD, create)),
        )
        .route(LISTING, get(permitted(VIEW, list)))
        .route(
            "/api/v2/integrations/credentials/{credentialId}",
            get(permitted(VIEW, get_one))
                .put(permitted(EDIT, replace))
                .delete(permitted(DELETE, delete)),
        )
}

fn list(call: &ApiCall) -> ApiResult {
    let size = call.number("pageSize", 25, 1..=200)?;
    let credentials: Vec<_> = call.org.with_integrations(|table, _| {
        let credentials = table.credentials.iter();
        credentials.map(Credential::body).collect()
    });
    let total = credentials.len();
    let cursors = (
        asked_index(call, "before", total)?,
        asked_index(call, "after", total)?,
    );
    let (start, end) = match cursors {
        (Some(_), Some(_)) => {
            let message = "before and after exclude each other.";
            return Err(ApiErrorResponse::bad_request(message));
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

fn create(call: &ApiCall) -> ApiResult {
    let content = content(&call.object()?)?;
    call.org.with_integrations(|table, now| {
        check_room(table.credentials.len())?;
        let mut new = Credential::new(now);
        new.replace(content, now);
        let response = ok_response(&new.body());
        table.credentials.push(new);
        Ok(response)
    })
}

fn get_one(call: &ApiCall) -> ApiResult {
    found(call.org.with_integrations(|table, _| {
        let mut body = table.credential(&call.id)?.body();
        body["credentialFields"] = Map::new().into();
        Some(body)
    }))
}

fn replace(call: &ApiCall) -> ApiResult {
    let fields = call.object()?;
    call.org.with_integrations(|table, now| {
        let credential = table.credential(&call.id);
        let credential = credential.ok_or_else(ApiErrorResponse::not_found)?;
        credential.replace(content(&fields)?, now);
        let response = ok_response(&credential.body());
        table.tokens.remove(&call.id);
        Ok(response)
    })
}

fn delete(call: &ApiCall) -> ApiResult<StatusCode> {
    let remove = |table: &mut IntegrationTable, _| table.remove_credential(&call.id);
    if call.org.with_integrations(remove) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiErrorResponse::not_found())
    }
}

/// Reads the name, the type and the values of a credential.
fn content(body: &Map<String, Value>) -> ApiResult<(String, String, BTreeMap<String, String>)> {
    let invalid =
        |message: &'static str, field: &str| ApiErrorResponse::invalid_field(field, message);
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
fn asked_index(call: &ApiCall, name: &str, total: usize) -> ApiResult<Option<usize>> {
    let Some(cursor) = call.query(name) else {
        return Ok(None);
    };
    let index = parse_cursor(&cursor).filter(|index| *index <= total);
    let message = format!("{name} is not a cursor.");
    let index = index.ok_or_else(|| ApiErrorResponse::invalid_value(message))?;
    Ok(Some(index))
}

const LISTING: &str = "/api/v2/integrations/credentials/listing";
