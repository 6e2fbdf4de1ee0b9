//! The two forms of Genesys Cloud's listings: by page number, and by cursor.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, RawQuery, State},
    response::Response,
    routing::{delete, get},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{ApiRefusal, Needs, Org, SandboxBuilder, fixed_id, number, ok, parameter, timestamp};

/// How long its listings are.
impl SandboxBuilder {
    /// How many credentials `GET /api/v2/integrations/credentials/listing` lists, by cursor: 3 by
    /// default. Names and ids are the same in every sandbox.
    pub fn integration_credentials(mut self, credentials: usize) -> Self {
        self.0.credentials = credentials;
        self
    }
}

pub(super) fn listing_routes() -> Router<Arc<Org>> {
    Router::new()
        .route(USERS, get(users))
        .route("/api/v2/tokens/{user_id}", delete(revoke_tokens_of_user))
        .route(CREDENTIALS, get(credentials))
}

async fn users(
    State(org): State<Arc<Org>>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiRefusal> {
    let size = number(query.as_deref(), "pageSize", 25, 1..=100)?;
    let page = number(query.as_deref(), "pageNumber", 1, 1..=i32::MAX)?;
    let total = org.users.len();
    let pages = total.div_ceil(size);
    let start = (page - 1).saturating_mul(size).min(total);
    let end = start.saturating_add(size).min(total);
    let entities: Vec<_> = org.users[start..end]
        .iter()
        .map(|user| user.body(&org.division_id))
        .collect();
    let uri = |page: usize| Value::from(format!("{USERS}?pageSize={size}&pageNumber={page}"));
    let mut body = json!({
        "entities": entities,
        "pageSize": size,
        "pageNumber": page,
        "total": total,
        "pageCount": pages,
        "firstUri": uri(1),
        "lastUri": uri(pages.max(1)),
        "selfUri": uri(page),
    });
    if page > 1 {
        body["previousUri"] = uri((page - 1).min(pages.max(1)));
    }
    if page < pages {
        body["nextUri"] = uri(page + 1);
    }
    Ok(ok(&body))
}

async fn revoke_tokens_of_user(
    State(org): State<Arc<Org>>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiRefusal> {
    let role = org.role();
    role.permit(DELETE_TOKENS)?;
    let user = org.users.iter().position(|user| user.id == id);
    let user = user.ok_or_else(ApiRefusal::not_found)?;
    role.permit_in(&org.division_id, DELETE_TOKENS)?;
    org.with_tokens(|tokens, _| tokens.revoke_user(user, &org.settings));
    Ok(StatusCode::OK)
}

async fn credentials(
    State(org): State<Arc<Org>>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiRefusal> {
    org.role().permit(VIEW_INTEGRATIONS)?;
    let query = query.as_deref();
    let size = number(query, "pageSize", 25, 1..=200)?;
    let total = org.settings.credentials;
    let (start, end) = match (
        cursor(query, "before", total)?,
        cursor(query, "after", total)?,
    ) {
        (Some(_), Some(_)) => {
            return Err(ApiRefusal::bad_request(
                "before and after exclude each other.",
            ));
        }
        (Some(end), None) => (end.saturating_sub(size), end),
        (None, start) => {
            let start = start.unwrap_or(0);
            (start, start.saturating_add(size).min(total))
        }
    };
    let entities: Vec<_> = (start..end).map(|place| credential(&org, place)).collect();
    let uri = |name: &str, place: usize| {
        let cursor = cursor_at(place);
        let cursor: String = form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
        Value::from(format!("{CREDENTIALS}?{name}={cursor}&pageSize={size}"))
    };
    let mut body = json!({ "entities": entities, "selfUri": uri("after", start) });
    if end < total {
        body["nextUri"] = uri("after", end);
    }
    if start > 0 {
        body["previousUri"] = uri("before", start);
    }
    Ok(ok(&body))
}

fn credential(org: &Org, place: usize) -> Value {
    let id = fixed_id(CREDENTIAL_IDS, place);
    json!({
        "id": id,
        "name": format!("Credential {}", place + 1),
        "createdDate": timestamp(org.created),
        "modifiedDate": timestamp(org.created),
        "type": { "name": "pureCloudOAuthClient" },
        "selfUri": format!("/api/v2/integrations/credentials/{id}"),
    })
}

/// The place that a cursor in the query stands for.
fn cursor(query: Option<&str>, name: &str, total: usize) -> Result<Option<usize>, ApiRefusal> {
    let Some(cursor) = parameter(query, name) else {
        return Ok(None);
    };
    let place = || {
        let place = String::from_utf8(STANDARD.decode(&cursor).ok()?).ok()?;
        let place = place.strip_prefix(CURSOR)?.parse().ok()?;
        (place <= total).then_some(place)
    };
    match place() {
        Some(place) => Ok(Some(place)),
        None => Err(ApiRefusal::invalid_value(format!(
            "{name} is not a cursor."
        ))),
    }
}

/// Opaque, and with characters that a link must escape.
fn cursor_at(place: usize) -> String {
    STANDARD.encode(format!("{CURSOR}{place}"))
}

const USERS: &str = "/api/v2/users";
const CREDENTIALS: &str = "/api/v2/integrations/credentials/listing";
const DELETE_TOKENS: Needs = Needs::All(&["oauth:token:delete"]);
const VIEW_INTEGRATIONS: Needs = Needs::All(&["integrations:integration:view"]);
const CREDENTIAL_IDS: u32 = 0x5e1f_0002;
const CURSOR: &str = "credentials>";
