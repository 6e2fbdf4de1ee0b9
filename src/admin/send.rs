//! Sends what the handles have in common.

use std::collections::HashSet;

use serde::{Deserialize, de::DeserializeOwned};

use super::fields::null_as_default;
use crate::{
    client::Request,
    error::{Error, ResponseProblem},
};

/// Fetches a listing that Genesys Cloud returns whole. It cannot be asked for a second page, so an
/// incomplete one is an error.
pub(super) async fn fetch_whole_listing<T: DeserializeOwned>(
    request: Request,
) -> Result<Vec<T>, Error> {
    let (listing, response) = request.fetch_with_response::<Listing<T>>().await?;
    let received = listing.entities.len();
    let pages = listing.page_count.unwrap_or(1);
    let total = listing.total.unwrap_or(0);
    if pages > 1 || usize::try_from(total).is_ok_and(|total| total > received) {
        return Err(response.unexpected(ResponseProblem::IncompleteListing {
            received,
            total,
            pages,
        }));
    }
    Ok(listing.entities)
}

/// Fetches all pages of a listing. An entity that moves to a later page in the meantime is returned once.
pub(super) async fn fetch_pages<T: DeserializeOwned + 'static>(
    request: Request,
    id: impl Fn(&T) -> &str,
) -> Result<Vec<T>, Error> {
    let mut pages = request.pages();
    let (mut entities, mut ids) = (Vec::new(), HashSet::new());
    while let Some(entity) = pages.next().await {
        let entity = entity?;
        if ids.insert(id(&entity).to_owned()) {
            entities.push(entity);
        }
    }
    Ok(entities)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: DeserializeOwned")]
struct Listing<T> {
    #[serde(deserialize_with = "null_as_default")]
    entities: Vec<T>,
    total: Option<u64>,
    page_count: Option<u64>,
}
