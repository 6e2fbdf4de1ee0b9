//! Listings, page by page.

use std::{
    collections::HashSet,
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use futures_core::Stream;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use url::Url;

use super::{request::Request, response::Response, target::Target};
use crate::error::{Error, ResponseProblem};

impl Request {
    /// Returns the `entities` of a listing one by one, and sends a request for each page.
    ///
    /// Each page is one call with the request's own headers, timeout and retry policy. The first
    /// page is requested as the request stands, so its query sets where to begin and how long a
    /// page is:
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
    #[must_use = "nothing is sent before `next`"]
    pub fn pages<T: DeserializeOwned + 'static>(self) -> Pages<T> {
        let first = Position {
            target: self.target().clone(),
            number: None,
        };
        Pages {
            request: self,
            state: State::Due(first),
            entities: Vec::new().into_iter(),
            seen: HashSet::new(),
        }
    }
}

/// The entities of all pages of a listing, read with [`next`](Self::next) or as a [`Stream`]; made
/// by [`Request::pages`].
///
/// Both of Genesys Cloud's forms are followed: `pageNumber` with `pageCount`, and a cursor (`nextUri`
/// or `after`). A listing with neither has one page. The listing ends with an
/// [`UnexpectedResponse`](crate::ErrorKind::UnexpectedResponse) where a link leads away from the
/// Platform API, a page has been read before, or a page is not the requested one.
pub struct Pages<T> {
    request: Request,
    state: State<T>,
    entities: vec::IntoIter<T>,
    /// The URLs of the pages that have been read.
    seen: HashSet<Url>,
}

impl<T: DeserializeOwned + 'static> Pages<T> {
    /// Returns the next entity, or `None` at the end. Dropping the future loses nothing.
    ///
    /// # Errors
    /// Those of [`Request::fetch`]; also a page that does not say clearly which page is next. After
    /// a [transient](Error::is_transient) error the next call requests the same page again; any
    /// other error ends the listing.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    fn start_call(&self, position: Position) -> Result<PageCall<T>, Error> {
        let url = position.target.url(self.request.api_url())?;
        let request = self.request.with_target(position.target.clone());
        Ok(PageCall {
            position,
            url,
            result: Box::pin(request.fetch_with_response()),
        })
    }

    /// Accepts a page, or an error in its place, and sets the state that follows.
    fn finish_call(
        &mut self,
        position: Position,
        url: Url,
        result: Result<(PageBody<T>, Response), Error>,
    ) -> Result<(), Error> {
        let (page, response) = match result {
            Ok(result) => result,
            Err(error) => {
                if error.is_transient() {
                    self.state = State::Due(position);
                }
                return Err(error);
            }
        };
        if position.number.is_some() && position.number != page.page_number {
            return Err(
                response.unexpected(ResponseProblem::Paging("it is not the requested page"))
            );
        }
        self.seen.insert(url);
        // The page's own entities are valid even where the next page cannot be found.
        self.state = match self.state_after(&page, &position.target) {
            Ok(next) => next,
            Err(why) => State::Failed(response.unexpected(ResponseProblem::Paging(why))),
        };
        self.entities = page.entities.into_iter();
        Ok(())
    }

    fn state_after(&self, page: &PageBody<T>, target: &Target) -> Result<State<T>, &'static str> {
        let api = self.request.api_url();
        let Some(next) = page.next(target, api)? else {
            return Ok(State::Ended);
        };
        let url = next.target.url(api).map_err(|_| LEADS_ELSEWHERE)?;
        if self.seen.contains(&url) {
            return Err("it leads back to a page that has been read");
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
            if let Some(entity) = pages.entities.next() {
                return Poll::Ready(Some(Ok(entity)));
            }
            // An error ends the listing, unless another state is set below.
            let result = match std::mem::replace(&mut pages.state, State::Ended) {
                State::Ended => return Poll::Ready(None),
                State::Failed(error) => Err(error),
                State::Due(position) => pages
                    .start_call(position)
                    .map(|call| pages.state = State::Called(call)),
                State::Called(mut call) => match call.result.as_mut().poll(context) {
                    Poll::Ready(result) => pages.finish_call(call.position, call.url, result),
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

/// Entities are never pinned.
impl<T> Unpin for Pages<T> {}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

enum State<T> {
    /// The next page is requested when an entity of it is needed.
    Due(Position),
    Called(PageCall<T>),
    /// The next page cannot be found.
    Failed(Error),
    Ended,
}

/// Where a page is, and its number where the pages are numbered.
struct Position {
    target: Target,
    number: Option<u64>,
}

/// A page that has been requested. `Pages` owns the call, so that the caller may stop waiting.
struct PageCall<T> {
    position: Position,
    url: Url,
    result: PageFuture<T>,
}

type PageFuture<T> = Pin<Box<dyn Future<Output = Result<(PageBody<T>, Response), Error>> + Send>>;

/// The body of a page.
///
/// Source: Genesys Cloud Developer Center, "Pagination".
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: DeserializeOwned")]
struct PageBody<T> {
    #[serde(deserialize_with = "null_as_default")]
    entities: Vec<T>,
    page_number: Option<u64>,
    page_count: Option<u64>,
    next_uri: Option<String>,
    after: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    cursors: Cursors,
}

#[derive(Default, Deserialize)]
struct Cursors {
    after: Option<String>,
}

impl<T> PageBody<T> {
    /// Returns the position of the page after this one, which was at `target`.
    fn next(&self, target: &Target, api: &Url) -> Result<Option<Position>, &'static str> {
        // A count of 0 on a page that exists has no meaning.
        let count = self.page_count.filter(|&count| count > 0);
        if let (Some(number), Some(count)) = (self.page_number, count) {
            let next = number.checked_add(1).filter(|_| number < count);
            return Ok(next.map(|number| Position {
                target: target.with_query_value("pageNumber", &number.to_string()),
                number: Some(number),
            }));
        }
        let target = if let Some(link) = non_empty(self.next_uri.as_ref()) {
            Some(Target::from_link(link, api).ok_or(LEADS_ELSEWHERE)?)
        } else {
            non_empty(self.cursors.after.as_ref())
                .or(non_empty(self.after.as_ref()))
                .map(|cursor| target.with_query_value("after", cursor))
        };
        Ok(target.map(|target| Position {
            target,
            number: None,
        }))
    }
}

fn non_empty(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

const LEADS_ELSEWHERE: &str = "its link leads away from the Platform API";
