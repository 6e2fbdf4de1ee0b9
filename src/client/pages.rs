//! Listings, page by page.

mod body;
mod fields;
mod next;
mod page_request;
mod paging_fields;
mod position;
mod sign;

use std::{
    collections::HashSet,
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, header::LINK};
use serde::de::DeserializeOwned;

use self::{
    body::PageBody,
    next::{Progress, next_step},
    page_request::PageRequest,
    paging_fields::PagingFields,
    position::{LEADS_ELSEWHERE, PageId, Position, fingerprint},
};
use super::{request::Request, response::Response};
use crate::error::{Error, ResponseProblem};

impl Request {
    /// Returns the items of a listing one by one, and sends a request for each page.
    ///
    /// Each page is one call with the request's own headers, timeout and retry policy. The first
    /// page is requested as the request stands, so its query or its body sets where to begin and how
    /// long a page is:
    ///
    /// ```no_run
    /// # async fn example(api: genesys_cloud_auth::PlatformClient) -> Result<(), genesys_cloud_auth::Error> {
    /// let mut users = api
    ///     .get("/api/v2/users")
    ///     .query(&[("pageSize", 100)])
    ///     .pages::<serde_json::Value>();
    /// while let Some(user) = users.next().await {
    ///     println!("{}", user?["name"]);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The guide [Paging](crate::guide::paging) lists the forms that are followed.
    #[must_use = "nothing is sent before `next`"]
    pub fn pages<T: DeserializeOwned + 'static>(self) -> Pages<T> {
        let requested = PageRequest::new(&self);
        Pages {
            state: State::Due(Position::first(&self)),
            request: self,
            requested,
            items: Vec::new().into_iter(),
            progress: Progress::default(),
            empty_in_a_row: 0,
            last_items: None,
            seen: HashSet::new(),
        }
    }
}

/// The items of all pages of a listing, read with [`next`](Self::next) or as a [`Stream`]; made by
/// [`Request::pages`].
///
/// The forms of Genesys Cloud's listings are followed: a link (`nextUri`), a cursor (`cursor`,
/// `after`, `cursors.after`, `nextPage`), the number of a page (`pageNumber` with `pageCount` or a
/// total) and SCIM's `startIndex`, in the query or in the JSON body of a `POST`. A link takes
/// precedence. Each item is returned once. Where a response says that there is more and does not show
/// how to request it, the listing ends with an
/// [`UnexpectedResponse`](crate::ErrorKind::UnexpectedResponse) that names the field and what to do:
///
/// - [`cursor_parameter`](Self::cursor_parameter) names the parameter of the next page.
/// - [`items`](Self::items) names the field of the items.
/// - [`Request::repeatable`] allows to send a `POST` again that pages by its body.
///
/// The same error ends a listing whose link leads away from the Platform API or back to a page that
/// has been read, whose page is not the requested one, that has 100 pages in a row without an item,
/// or that is exactly as long as requested without a sign of its end.
///
/// [`Stream`]: https://docs.rs/futures-core/latest/futures_core/stream/trait.Stream.html
pub struct Pages<T> {
    request: Request,
    requested: PageRequest,
    state: State,
    items: vec::IntoIter<T>,
    progress: Progress,
    /// The pages in a row without an item.
    empty_in_a_row: u32,
    /// The fingerprint of the last items.
    last_items: Option<u64>,
    seen: HashSet<PageId>,
}

impl<T: DeserializeOwned + 'static> Pages<T> {
    /// Names the parameter that requests the next page, for a listing that does not show it: the
    /// endpoint's parameter for a cursor, such as `cursor`, `after`, `nextPage` or `q64`, or
    /// `pageNumber` or `startIndex`. A link in a response still takes precedence.
    ///
    /// ```no_run
    /// # fn example(api: genesys_cloud_auth::PlatformClient) {
    /// let contacts = api
    ///     .get("/api/v2/externalcontacts/scan/contacts")
    ///     .query(&[("limit", 100)])
    ///     .pages::<serde_json::Value>()
    ///     .cursor_parameter("cursor");
    /// # }
    /// ```
    #[must_use = "nothing is sent before `next`"]
    pub fn cursor_parameter(mut self, name: impl Into<String>) -> Self {
        self.requested.parameter = Some(self.non_empty(name.into()));
        self
    }

    /// Names the field of the response that contains the items, for a listing that has them neither
    /// in `entities` nor in `results`, `Resources`, `conversations` or `userDetails`, or that has two
    /// of these.
    #[must_use = "nothing is sent before `next`"]
    pub fn items(mut self, field: impl Into<String>) -> Self {
        self.requested.items = Some(self.non_empty(field.into()));
        self
    }

    fn non_empty(&mut self, name: String) -> String {
        if name.is_empty() {
            self.request
                .fail("the name of a listing's parameter or field is empty");
        }
        name
    }

    /// Returns the next item, or `None` at the end. Dropping the future loses nothing.
    ///
    /// # Errors
    /// Those of [`Request::fetch`]; also a page that does not say clearly which page is next. After
    /// a [transient](Error::is_transient) error the next call requests the same page again; any
    /// other error ends the listing.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    fn start_call(&self, position: Position) -> Result<PageCall, Error> {
        let id = position.id(&self.requested, self.request.api_url())?;
        let Position { target, body, .. } = &position;
        let request = self.request.with_page(target.clone(), body.clone());
        let result = Box::pin(async {
            let mut response = request.read().await?;
            Ok((response.take_json().await?, response))
        });
        Ok(PageCall {
            position,
            id,
            result,
        })
    }

    /// Accepts a page, or an error in its place, and sets the state that follows.
    fn finish_call(&mut self, call: PageCall, result: PageResult) -> Result<(), Error> {
        let (body, response) = match result {
            Ok(result) => result,
            Err(error) => {
                if error.is_transient() {
                    self.state = State::Due(call.position);
                }
                return Err(error);
            }
        };
        let unexpected = |problem| response.unexpected(problem);
        let named = self.requested.items.as_deref();
        let is_first = self.last_items.is_none();
        let page = PageBody::parse(&body, named, is_first).map_err(unexpected)?;
        let items: Option<u64> = page.text().map(fingerprint);
        let is_same = items.is_some() && items == self.last_items;
        let checked = call.position.check(&page.paging, is_same);
        checked.map_err(|why| unexpected(ResponseProblem::Paging(why.into())))?;
        let decoded: Vec<T> = page.items().map_err(unexpected)?;

        self.last_items = items.or(self.last_items);
        self.seen.insert(call.id);
        self.advance(&page.paging, &call.position, decoded.len());
        // The page's own items are valid even where the next page cannot be found.
        let next = self.state_after(&page.paging, &response, &call.position);
        self.state = next
            .unwrap_or_else(|why| State::Failed(unexpected(ResponseProblem::Paging(why.into()))));
        self.items = decoded.into_iter();
        Ok(())
    }

    /// Counts a page.
    fn advance(&mut self, paging: &PagingFields, position: &Position, items: usize) {
        let before = self.progress;
        let items = u64::try_from(items).unwrap_or(u64::MAX);
        let (mut number, mut start_index) = (position.number, position.start_index);
        if self.seen.len() == 1 {
            let counts_from_one = paging.count.is_some() && self.requested.has_no_cursor();
            number = self.requested.number().or(counts_from_one.then_some(1));
            start_index = self.requested.start_index();
        }
        self.empty_in_a_row = if items == 0 {
            self.empty_in_a_row + 1
        } else {
            0
        };
        self.progress = Progress {
            number: paging.number.or(number),
            start_index,
            items,
            all_items: before.all_items.saturating_add(items),
            had_continuation: before.had_continuation
                || paging.link.is_some()
                || !paging.tokens.is_empty(),
        };
    }

    fn state_after(
        &self,
        paging: &PagingFields,
        response: &Response,
        position: &Position,
    ) -> Result<State, String> {
        let api = self.request.api_url();
        let Some(step) = next_step(paging, &self.requested, &self.progress)? else {
            return if has_next_link(response.headers()) {
                Err("a link in its headers leads to a next page".to_owned())
            } else {
                Ok(State::Ended)
            };
        };
        if self.empty_in_a_row >= MAX_EMPTY_PAGES {
            return Err(format!("{MAX_EMPTY_PAGES} pages in a row had no items"));
        }
        let next = position.after(step, paging, self.progress, &self.requested, api)?;
        let id = next.id(&self.requested, api).map_err(|_| LEADS_ELSEWHERE)?;
        if self.seen.contains(&id) {
            return Err("it leads back to a page that has been read".to_owned());
        }
        Ok(State::Due(next))
    }
}

impl<T: DeserializeOwned + 'static> Stream for Pages<T> {
    type Item = Result<T, Error>;

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<T, Error>>> {
        let pages = self.get_mut();
        loop {
            if let Some(item) = pages.items.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            // An error ends the listing, unless another state is set below.
            let result = match std::mem::replace(&mut pages.state, State::Ended) {
                State::Ended => return Poll::Ready(None),
                State::Failed(error) => Err(error),
                State::Due(position) => pages
                    .start_call(position)
                    .map(|call| pages.state = State::Called(call)),
                State::Called(mut call) => match call.result.as_mut().poll(context) {
                    Poll::Ready(result) => pages.finish_call(call, result),
                    Poll::Pending => {
                        pages.state = State::Called(call);
                        return Poll::Pending;
                    }
                },
            };
            if let Err(error) = result {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }
}

/// Items are never pinned.
impl<T> Unpin for Pages<T> {}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

enum State {
    /// The next page is requested when an item of it is needed.
    Due(Position),
    Called(PageCall),
    /// The next page cannot be found.
    Failed(Error),
    Ended,
}

/// A page that has been requested. `Pages` owns the call, so that the caller may stop waiting.
struct PageCall {
    position: Position,
    id: PageId,
    result: Pin<Box<dyn Future<Output = PageResult> + Send>>,
}

type PageResult = Result<(Bytes, Response), Error>;

/// Whether a `Link` header has the relation `next` (RFC 8288). No form of Genesys Cloud has one.
fn has_next_link(headers: &HeaderMap) -> bool {
    let links = headers.get_all(LINK).iter();
    let mut links = links.filter_map(|link| link.to_str().ok());
    links.any(|link| {
        let link = link.to_ascii_lowercase();
        let mut relations = link.split([';', ',']).filter_map(|part| {
            part.trim()
                .strip_prefix("rel")?
                .trim_start()
                .strip_prefix('=')
        });
        relations.any(|relations| {
            let mut relations = relations.split(['"', ' ', '\t']);
            relations.any(|relation| relation == "next")
        })
    })
}

const MAX_EMPTY_PAGES: u32 = 100;
