//! An identity provider for the sandbox, where each visitor may log in as any user.

use std::{collections::HashMap, fmt::Write, io, sync::Arc};

use axum::{
    Router,
    extract::{RawQuery, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use genesys_cloud_auth::sandbox::Sandbox;
use quick_xml::escape::escape;
use tokio::net::TcpListener;
use url::{Url, form_urlencoded};

/// Serves logins at `/sso`, and has browsers post the responses to `acs`.
pub(crate) async fn serve(
    listener: TcpListener,
    sandbox: Arc<Sandbox>,
    acs: Url,
) -> io::Result<()> {
    let routes = Router::new().route("/sso", get(show_users));
    axum::serve(listener, routes.with_state((sandbox, acs))).await
}

/// Shows a button for each user, which posts a response about that user.
async fn show_users(
    State((sandbox, acs)): State<(Arc<Sandbox>, Url)>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let query: HashMap<_, _> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let request = query.get("SAMLRequest").and_then(|text| request_id(text));
    let (Some(request), Some(relay_state)) = (request, query.get("RelayState")) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut page =
        "<!doctype html><title>Identity provider</title><h1>Who are you?</h1>".to_owned();
    for user in sandbox.users() {
        let assertions = sandbox.assertions(&user).in_response_to(&request);
        let _ = write!(
            page,
            "<form method=\"post\" action=\"{}\"><input type=\"hidden\" name=\"SAMLResponse\" \
             value=\"{}\"><input type=\"hidden\" name=\"RelayState\" value=\"{}\">\
             <button>{}</button></form>",
            escape(acs.as_str()),
            assertions.saml_response(),
            escape(relay_state),
            escape(user.name())
        );
    }
    Html(page).into_response()
}

/// Reads the id of a request that is not compressed, as those of this application are.
fn request_id(saml_request: &str) -> Option<String> {
    let deflated = STANDARD.decode(saml_request).ok()?;
    let xml = str::from_utf8(deflated.get(5..)?).ok()?;
    let (_, id) = xml.split_once(" ID=\"")?;
    Some(id.split_once('"')?.0.to_owned())
}
