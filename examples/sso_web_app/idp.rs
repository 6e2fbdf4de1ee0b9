//! An identity provider for the sandbox, where each visitor may log in as any user.

use std::{collections::HashMap, io, sync::Arc};

use axum::{
    Router,
    extract::{RawQuery, State},
    http::StatusCode,
    middleware,
    response::Response,
    routing::get,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use genesys_cloud_auth::sandbox::Sandbox;
use tokio::net::TcpListener;
use url::{Url, form_urlencoded};

use super::page::{Page, with_headers};

/// Serves logins at `/sso`. Browsers post the responses to `acs`.
pub(crate) async fn serve(
    listener: TcpListener,
    sandbox: Arc<Sandbox>,
    acs: Url,
) -> io::Result<()> {
    let routes = Router::new()
        .route("/sso", get(show_users))
        .layer(middleware::map_response(with_headers));
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
        let sentence = "Begin the login in the application.";
        return Page::new("There is no login here", sentence)
            .banner(BANNER)
            .response(StatusCode::BAD_REQUEST);
    };
    let page = Page::new("Who are you?", "Choose the user to log in as.").banner(BANNER);
    let page = sandbox.users().iter().fold(page, |page, user| {
        let assertions = sandbox.assertions(user).in_response_to(&request);
        let fields = [
            ("SAMLResponse", &*assertions.saml_response()),
            ("RelayState", relay_state),
        ];
        page.form(user.name(), acs.as_str(), &fields)
    });
    page.response(StatusCode::OK)
}

/// Reads the id of a request that is not compressed, as those of this application are.
fn request_id(saml_request: &str) -> Option<String> {
    let deflated = STANDARD.decode(saml_request).ok()?;
    let xml = str::from_utf8(deflated.get(5..)?).ok()?;
    let (_, id) = xml.split_once(" ID=\"")?;
    Some(id.split_once('"')?.0.to_owned())
}

const BANNER: &str =
    "This is a test of an identity provider on your machine. It asks for no password.";
