//! What a test puts into a listing of the API host.

use std::collections::HashMap;

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;

/// The items of a listing, and how its pages look; set with
/// [`Sandbox::set_listing`](crate::sandbox::Sandbox::set_listing).
///
/// ```
/// use genesys_cloud_auth::sandbox::{Sandbox, SandboxListing};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let sandbox = Sandbox::start().await?;
/// let teams = ["Support", "Sales", "Service"];
/// sandbox.set_listing("GET /api/v2/teams", SandboxListing::new(teams).page_size(2).empty_page(2));
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SandboxListing {
    items: Vec<Value>,
    page_size: usize,
    empty_pages: Vec<usize>,
    missing: Vec<String>,
    last_page: Option<usize>,
}

impl SandboxListing {
    /// A listing of these items.
    ///
    /// # Panics
    ///
    /// If an item cannot be serialised as JSON.
    pub fn new<T: Serialize>(items: impl IntoIterator<Item = T>) -> Self {
        let json = |item| serde_json::to_value(item).expect("an item that is JSON");
        Self {
            items: items.into_iter().map(json).collect(),
            page_size: 25,
            empty_pages: Vec::new(),
            missing: Vec::new(),
            last_page: None,
        }
    }

    /// Sets the length of a page where a request sets none: 25 by default.
    #[must_use]
    pub fn page_size(mut self, items: usize) -> Self {
        self.page_size = items.max(1);
        self
    }

    /// Inserts an empty page with this number, counted from 1. One after the last page makes the
    /// last page empty. Listings of one page and those by
    /// `startIndex` have no empty pages.
    #[must_use]
    pub fn empty_page(mut self, number: usize) -> Self {
        self.empty_pages.push(number);
        self
    }

    /// Leaves a field out of the responses, such as `pageCount`.
    #[must_use]
    pub fn without(mut self, field: impl Into<String>) -> Self {
        self.missing.push(field.into());
        self
    }

    /// Sends the page with this number, counted from 1, for each later page too, and says each time
    /// that there is more: a cursor that repeats.
    #[must_use]
    pub fn stuck_at(mut self, number: usize) -> Self {
        self.last_page = Some(number.max(1));
        self
    }

    pub(crate) fn items(&self) -> &[Value] {
        &self.items
    }

    pub(crate) fn is_missing(&self, field: &str) -> bool {
        self.missing.iter().any(|missing| missing == field)
    }

    pub(crate) fn size(&self) -> usize {
        self.page_size
    }

    /// Returns the pages of this length.
    pub(crate) fn pages(&self, size: usize) -> Vec<&[Value]> {
        let mut pages: Vec<_> = self.items.chunks(size.max(1)).collect();
        let mut empty = self.empty_pages.clone();
        empty.sort_unstable();
        for number in empty {
            pages.insert(number.saturating_sub(1).min(pages.len()), &[]);
        }
        if pages.is_empty() {
            pages.push(&[]);
        }
        pages
    }

    /// Returns the index of the page that is sent for another, and whether it says that there is
    /// more.
    pub(crate) fn sent_for(&self, index: usize, pages: usize) -> (usize, bool) {
        match self.last_page {
            Some(number) if index + 1 >= number => (number - 1, true),
            _ => (index, index + 1 < pages),
        }
    }
}

/// The listings that a test has filled, by endpoint.
#[derive(Default)]
pub(crate) struct Listings(Mutex<HashMap<&'static str, SandboxListing>>);

impl Listings {
    pub(crate) fn set(&self, endpoint: &'static str, listing: SandboxListing) {
        self.0.lock().insert(endpoint, listing);
    }

    pub(crate) fn get(&self, endpoint: &str) -> Option<SandboxListing> {
        self.0.lock().get(endpoint).cloned()
    }
}
