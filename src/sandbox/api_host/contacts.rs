//! External contacts, which data actions look up.

use std::sync::Arc;

use axum::{Router, routing::get};
use serde_json::{Value, json};

use super::{
    call::{ApiCall, ApiResult, permitted},
    listings::numbered_page,
};
use crate::sandbox::org::{Org, users::fixed_id};

pub(super) fn contact_routes() -> Router<Arc<Org>> {
    Router::new().route(CONTACTS, get(permitted(VIEW, list)))
}

/// Lists the contacts whose name or email address contains `q`.
fn list(call: &ApiCall) -> ApiResult {
    let wanted = call.query("q").unwrap_or_default().to_lowercase();
    let contacts: Vec<Value> = PEOPLE
        .iter()
        .enumerate()
        .filter(|(_, (first, last))| {
            let text = format!("{first} {last} {}", email(first)).to_lowercase();
            text.contains(&wanted)
        })
        .map(|(index, (first, last))| {
            let id = fixed_id(CONTACT_IDS, index);
            json!({
                "id": id,
                "firstName": first,
                "lastName": last,
                "workEmail": email(first),
                "selfUri": format!("{CONTACTS}/{id}"),
            })
        })
        .collect();
    numbered_page(call, CONTACTS, &contacts)
}

fn email(first_name: &str) -> String {
    format!("{}@customer.example", first_name.to_lowercase())
}

const CONTACTS: &str = "/api/v2/externalcontacts/contacts";
const PEOPLE: [(&str, &str); 3] = [("Ada", "Marsh"), ("Ben", "Okoro"), ("Cleo", "Lindt")];
const CONTACT_IDS: u32 = 0x5e1f_0004;
const VIEW: &[&str] = &["externalContacts:contact:view"];
