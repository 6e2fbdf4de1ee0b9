//! One data action, of an integration that holds a copy of the client's secret.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::{
    ApiRefusal, Needs, OAuthRefusal, Org, Sandbox, SandboxBuilder, Unsealed, json_object, ok,
};

/// A data action, and the integration it belongs to.
///
/// `POST /api/v2/integrations/actions/{id}/execute` answers the JSON object that it is given;
/// `…/test` tells how it came to that. The integration's credential is a copy of the client's id
/// and secret. Where that is not the client's secret any more, the data action fails as Genesys
/// Cloud's do: `INVALID_CREDENTIALS` with `ACTION.AUTHENTICATION`.
impl Sandbox {
    /// The id of the data action.
    #[must_use]
    pub fn data_action_id(&self) -> &str {
        &self.org.data_action_id
    }

    /// Gives the integration's credential the client's secret as it is now, as an administrator
    /// does after a rotation.
    pub fn update_integration_credential(&self) {
        self.org.update_integration_credential();
    }

    /// Gives the integration's credential a wrong secret: the data action fails at once, until
    /// [`update_integration_credential`](Self::update_integration_credential).
    pub fn break_integration_credential(&self) {
        self.org.break_integration_credential();
    }
}

/// How its data action fails.
impl SandboxBuilder {
    /// Whether a data action whose credentials are refused answers 200, with an error body that
    /// says `invalid.credentials`: Genesys Cloud's own description of its API lists that, too. By
    /// default it answers 400.
    pub fn data_action_fails_with_200(mut self, fails: bool) -> Self {
        self.0.data_action_fails_with_200 = fails;
        self
    }
}

pub(super) fn data_action_routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/api/v2/integrations/actions/{id}/execute", post(execute))
        .route("/api/v2/integrations/actions/{id}/test", post(test))
}

async fn execute(
    State(org): State<Arc<Org>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiRefusal> {
    let input = input(&org, &id, &headers, &body)?;
    Ok(if org.integration_credential_works() {
        ok(&input.into())
    } else if org.settings.data_action_fails_with_200 {
        ApiRefusal::new(StatusCode::OK, "invalid.credentials", NOT_VALID).into_response()
    } else {
        refused_credentials()
    })
}

async fn test(
    State(org): State<Arc<Org>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiRefusal> {
    let input = Value::from(input(&org, &id, &headers, &body)?);
    if org.integration_credential_works() {
        return Ok(ok(&json!({
            "operations": [
                { "step": 1, "name": AUTHENTICATE, "success": true },
                { "step": 2, "name": "Execute", "success": true, "result": input },
            ],
            "finalResult": input,
            "success": true,
        })));
    }
    let error = json!({
        "message": NOT_VALID,
        "code": "invalid.credentials",
        "status": 400,
        "details": [{ "errorCode": AUTHENTICATION }],
        "errors": [],
    });
    Ok(ok(&json!({
        "operations": [{ "step": 1, "name": AUTHENTICATE, "success": false, "error": error }],
        "error": error,
        "success": false,
    })))
}

fn input(
    org: &Org,
    id: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Map<String, Value>, ApiRefusal> {
    org.role().permit(EXECUTE)?;
    if id != org.data_action_id {
        return Err(ApiRefusal::not_found());
    }
    json_object(headers, body)
}

/// In the keys of data actions, which are not those of an `ErrorBody`.
fn refused_credentials() -> Response {
    let answer = OAuthRefusal::invalid_client().body();
    let body = json!({
        "errorCode": REFUSED,
        "status": 400,
        "entityName": "sandbox",
        "userMessage": NOT_VALID,
        "userParams": [],
        "details": [{ "errorCode": AUTHENTICATION }],
        "errors": [{
            "errorCode": REFUSED,
            "status": 400,
            "userMessage": format!(
                "Request to backend service failed.  Response from web service: {answer}"
            ),
            "userParams": [],
            "details": [],
            "errors": [],
        }],
    });
    Unsealed::new(StatusCode::BAD_REQUEST, body, "correlationId").into_response()
}

const EXECUTE: Needs = Needs::Any(&["integrations:action:execute", "bridge:actions:execute"]);
const REFUSED: &str = "INVALID_CREDENTIALS";
const AUTHENTICATION: &str = "ACTION.AUTHENTICATION";
const NOT_VALID: &str = "There was an issue validating the credentials.";
const AUTHENTICATE: &str = "Authenticate";
