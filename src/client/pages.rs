//! Listings, page after page.

use std::{
    collections::HashSet,
    fmt,
    future::{Future, poll_fn},
    hash::BuildHasher,
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use futures_core::Stream;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use url::Url;

use super::{Request, Response, Target};
use crate::error::{Error, ResponseProblem};

impl Request {
    /// Asks for a listing page by page and gives its `entities` one by one.
    ///
    /// Each page is one call with the request's own headers, timeout and retry policy. The first is
    /// the request as it stands, so that it says where to begin and how long a page is:
    ///
    /// ```no_run
    /// # async fn example(api: genesys_cloud_auth::PlatformClient) -> Result<(), genesys_cloud_auth::Error> {
    /// let mut users = api
    ///     .get("/api/v2/users")
    ///     .query(&[("pageSize", "100")])
    ///     .pages::<serde_json::Value>();
    /// while let Some(user) = users.next().await {
    ///     println!("{}", user?["name"]);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "nothing is sent before `next`"]
    pub fn pages<T: DeserializeOwned + 'static>(self) -> Pages<T> {
        Pages {
            state: State::Due(self.target().clone(), None),
            request: self,
            entities: Vec::new().into_iter(),
            seen: HashSet::new(),
        }
    }
}

/// The entities of a listing, over all its pages, by [`next`](Self::next) or as a [`Stream`]; made by
/// [`Request::pages`].
///
/// Both of Genesys Cloud's forms are followed: `pageNumber` and `pageCount`, and a cursor (`nextUri`,
/// or `after`). A link that leads to another place than the Platform API, a page that was there
/// before, and a page other than the one asked for end the listing with an
/// [`UnexpectedResponse`](crate::ErrorKind::UnexpectedResponse). A listing that tells neither a page's
/// number nor a cursor has one page.
pub struct Pages<T> {
    request: Request,
    state: State<T>,
    entities: vec::IntoIter<T>,
    /// Hashes of the pages so far.
    seen: HashSet<u64>,
}

impl<T: DeserializeOwned + 'static> Pages<T> {
    /// The next entity; none at the end. Dropping the future loses nothing.
    ///
    /// # Errors
    /// As [`Request::fetch`], and where the next page cannot be told. After a
    /// [transient](Error::is_transient) error the next call asks for the same page again; any other
    /// ends the listing.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Starts the call for a page.
    fn begin(&mut self, target: Target, number: Option<u64>) -> Result<Call<T>, Error> {
        let url = target.url(self.request.api_url())?;
        let page = self.seen.hasher().hash_one(&url);
        let call = self.request.to(target.clone()).decoded();
        Ok(Call {
            target,
            number,
            page,
            answer: Box::pin(call),
        })
    }

    /// What follows the page that was just read.
    fn after(&mut self, call: &Call<T>, listing: &Listing<T>) -> Result<State<T>, &'static str> {
        self.seen.insert(call.page);
        let Some((target, number)) = listing.next(&call.target, self.request.api_url())? else {
            return Ok(State::Ended);
        };
        let url = target
            .url(self.request.api_url())
            .map_err(|_| "its link leads to another place than the Platform API")?;
        if self.seen.contains(&self.seen.hasher().hash_one(&url)) {
            return Err("it leads back to a page that was there before");
        }
        Ok(State::Due(target, number))
    }

    fn take(
        &mut self,
        call: Call<T>,
        answer: Result<(Listing<T>, Response), Error>,
    ) -> Result<(), Error> {
        let (listing, response) = match answer {
            Ok(answer) => answer,
            Err(error) => {
                if error.is_transient() {
                    self.state = State::Due(call.target, call.number);
                }
                return Err(error);
            }
        };
        if call.number.is_some() && call.number != listing.page_number {
            let why = "it is not the page that was asked for";
            return Err(response.unexpected(ResponseProblem::Paging(why)));
        }
        // What came is good, wherever it leads.
        self.state = match self.after(&call, &listing) {
            Ok(next) => next,
            Err(why) => State::Failed(response.unexpected(ResponseProblem::Paging(why))),
        };
        self.entities = listing.entities.into_iter();
        Ok(())
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
            // Whatever goes wrong from here on ends it, unless a state is set.
            let done = match std::mem::replace(&mut pages.state, State::Ended) {
                State::Ended => return Poll::Ready(None),
                State::Failed(error) => Err(error),
                State::Due(target, number) => pages
                    .begin(target, number)
                    .map(|call| pages.state = State::Called(call)),
                State::Called(mut call) => match call.answer.as_mut().poll(context) {
                    Poll::Ready(answer) => pages.take(call, answer),
                    Poll::Pending => {
                        pages.state = State::Called(call);
                        return Poll::Pending;
                    }
                },
            };
            if let Err(error) = done {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }
}

/// No entity is ever pinned.
impl<T> Unpin for Pages<T> {}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

enum State<T> {
    /// The next page, with its number where it has one.
    Due(Target, Option<u64>),
    Called(Call<T>),
    /// The next page cannot be told.
    Failed(Error),
    Ended,
}

/// A page under way. It belongs to `Pages`, so that who waits for it may leave.
struct Call<T> {
    target: Target,
    number: Option<u64>,
    page: u64,
    answer: Answer<T>,
}

type Answer<T> = Pin<Box<dyn Future<Output = Result<(Listing<T>, Response), Error>> + Send>>;

/// A page.
///
/// Source: Genesys Cloud Developer Center, "Pagination".
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: DeserializeOwned")]
struct Listing<T> {
    #[serde(deserialize_with = "or_default")]
    entities: Vec<T>,
    page_number: Option<u64>,
    page_count: Option<u64>,
    next_uri: Option<String>,
    after: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    cursors: Cursors,
}

#[derive(Default, Deserialize)]
struct Cursors {
    after: Option<String>,
}

impl<T> Listing<T> {
    /// The page after this one, which was found at `target`.
    fn next(
        &self,
        target: &Target,
        api: &Url,
    ) -> Result<Option<(Target, Option<u64>)>, &'static str> {
        // A count of 0 tells nothing of a page that is there.
        let count = self.page_count.filter(|&count| count > 0);
        if let (Some(number), Some(count)) = (self.page_number, count) {
            let next = number.checked_add(1).filter(|_| number < count);
            return Ok(next.map(|number| {
                let target = target.with("pageNumber", &number.to_string());
                (target, Some(number))
            }));
        }
        if let Some(link) = given(self.next_uri.as_ref()) {
            let target = Target::of_link(link, api)
                .ok_or("its link leads to another place than the Platform API")?;
            return Ok(Some((target, None)));
        }
        let cursor = given(self.cursors.after.as_ref()).or(given(self.after.as_ref()));
        Ok(cursor.map(|cursor| (target.with("after", cursor), None)))
    }
}

fn given(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// Takes `null` for nothing.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
