//! How many calls OAuth clients have made.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, Serialize};

use super::{OAuthClients, checks::invalid};
use crate::{
    admin::{
        fields::{OtherFields, null_as_default},
        open_enum::{normalized, open_enum},
        poll::Poll,
    },
    client::Request,
    error::{Error, ResponseProblem},
    rfc3339::{date_time, format_date_time},
};

impl OAuthClients {
    /// Returns the calls of one OAuth client: sends the query and asks for its results until they are
    /// complete.
    ///
    /// Needs the permission `oauth:client:view` or `usage:client:view`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch); a query that failed; and
    /// [`Timeout`](crate::ErrorKind::Timeout) where the results are not complete after the
    /// [wait](Self::wait), 2 minutes by default.
    pub async fn usage(&self, client_id: &str, query: &UsageQuery) -> Result<Usage, Error> {
        let request = self.client(client_id, http::Method::POST);
        let request = request.segment("usage").segment("query").json(query);
        self.results_of_client(client_id, request).await
    }

    /// Returns the calls of one OAuth client in the last days.
    ///
    /// Needs the permission `oauth:client:view` or `usage:client:view`.
    ///
    /// # Errors
    /// Those of [`usage`](Self::usage).
    pub async fn usage_summary(&self, client_id: &str, days: u32) -> Result<Usage, Error> {
        let request = self.client(client_id, http::Method::GET);
        let request = request.segment("usage").segment("summary");
        self.results_of_client(client_id, request.query(&[("days", days)]))
            .await
    }

    /// Returns the calls of all OAuth clients of the organisation. A query without a
    /// [grouping](UsageQuery::group_by) is grouped by client. A client without calls has no row.
    ///
    /// Needs the permission `oauth:client:view` or `usage:organization:view`.
    ///
    /// # Errors
    /// Those of [`usage`](Self::usage).
    pub async fn organization_usage(&self, query: &UsageQuery) -> Result<Usage, Error> {
        let mut query = query.clone();
        if query.group_by.is_empty() {
            query.group_by.push(UsageDimension::OAuthClient);
        }
        let request = self.api.post(ORGANIZATION_QUERY).json(&query);
        let results = |execution: &str| {
            let request = self.api.get(ORGANIZATION_QUERY);
            request.segment(execution).segment("results")
        };
        self.results(request, results).await
    }

    async fn results_of_client(&self, id: &str, start: Request) -> Result<Usage, Error> {
        let results = |execution: &str| {
            let request = self.client(id, http::Method::GET).segment("usage");
            request
                .segment("query")
                .segment("results")
                .segment(execution)
        };
        self.results(start, results).await
    }

    /// Starts a query and asks for its results. Starting it twice does no harm.
    async fn results(
        &self,
        start: Request,
        results: impl Fn(&str) -> Request,
    ) -> Result<Usage, Error> {
        let execution: Execution = start.repeatable().fetch().await?;
        let mut poll = Poll::new(&self.api, self.wait.unwrap_or(DEFAULT_WAIT));
        loop {
            let request = results(&execution.execution_id);
            let (body, response) = request.fetch_with_response::<QueryResult>().await?;
            match normalized(&body.query_status).as_str() {
                "COMPLETE" => return Ok(body.usage),
                "FAILED" => return Err(response.unexpected(ResponseProblem::FailedQuery)),
                // A state of tomorrow may still become one of these.
                _ => {}
            }
            if !poll.wait().await {
                return Err(Error::wait_ended(
                    "the results of the usage query were not complete in time; allow more time with \
                     `wait`, or choose a shorter interval"
                        .to_owned(),
                ));
            }
        }
    }
}

/// A question for the calls of OAuth clients in an interval.
///
/// ```
/// use genesys_cloud_auth::admin::{UsageDimension, UsageGranularity, UsageQuery};
/// use std::time::{Duration, SystemTime};
///
/// # fn example() -> Result<(), genesys_cloud_auth::Error> {
/// let now = SystemTime::now();
/// let query = UsageQuery::between(now - Duration::from_secs(7 * 86_400), now)?
///     .granularity(UsageGranularity::Day)
///     .group_by(UsageDimension::TemplateUri)
///     .group_by(UsageDimension::HttpMethod);
/// # Ok(())
/// # }
/// # example().unwrap();
/// ```
///
/// Source: Genesys Cloud Platform API, the schemas `ApiUsageClientQuery` and
/// `ApiUsageOrganizationQuery`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageQuery {
    interval: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    granularity: Option<UsageGranularity>,
    metrics: [&'static str; 6],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    group_by: Vec<UsageDimension>,
}

impl UsageQuery {
    /// A query for all calls from `start` to `end`.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) unless `start` is before `end`.
    pub fn between(start: SystemTime, end: SystemTime) -> Result<Self, Error> {
        if start >= end {
            return invalid("the interval of the usage query does not start before it ends");
        }
        Ok(Self {
            interval: format!("{}/{}", format_date_time(start), format_date_time(end)),
            granularity: None,
            metrics: METRICS,
            group_by: Vec::new(),
        })
    }

    /// Sets the period that each row covers.
    #[must_use]
    pub fn granularity(mut self, granularity: UsageGranularity) -> Self {
        self.granularity = Some(granularity);
        self
    }

    /// Returns a row of its own for each value of the dimension. Can be called several times.
    #[must_use]
    pub fn group_by(mut self, dimension: UsageDimension) -> Self {
        self.group_by.push(dimension);
        self
    }
}

open_enum! {
    /// The period that a row of [`Usage`] covers.
    UsageGranularity {
        /// A day.
        Day = "Day",
        /// A week.
        Week = "Week",
        /// A month.
        Month = "Month",
    }
}

open_enum! {
    /// By what the rows of [`Usage`] differ.
    UsageDimension {
        /// The OAuth client.
        OAuthClient = "OAuthClientId",
        /// The organisation.
        Organization = "OrganizationId",
        /// The user.
        User = "UserId",
        /// The path of the call, with names in the place of ids.
        TemplateUri = "TemplateUri",
        /// The method of the call.
        HttpMethod = "HttpMethod",
    }
}

/// The calls of OAuth clients.
///
/// Source: Genesys Cloud Platform API, the schema `ApiUsageQueryResult`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Usage {
    /// One row for each period and group. A group without calls has none.
    pub rows: Vec<UsageRow>,
    /// Whether Genesys Cloud has more rows, which cannot be requested. Choose a shorter interval or
    /// fewer dimensions then.
    pub has_more: bool,
}

/// The calls of a group in a period. A dimension that was not asked for is `None`.
///
/// Source: Genesys Cloud Platform API, the schema `ApiUsageRow`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct UsageRow {
    /// The id of the OAuth client.
    #[serde(deserialize_with = "empty_as_none")]
    pub client_id: Option<String>,
    /// The name of the OAuth client.
    #[serde(deserialize_with = "empty_as_none")]
    pub client_name: Option<String>,
    /// The id of the organisation.
    #[serde(deserialize_with = "empty_as_none")]
    pub organization_id: Option<String>,
    /// The id of the user.
    #[serde(deserialize_with = "empty_as_none")]
    pub user_id: Option<String>,
    /// The path of the calls, with names in the place of ids.
    #[serde(deserialize_with = "empty_as_none")]
    pub template_uri: Option<String>,
    /// The method of the calls.
    #[serde(deserialize_with = "empty_as_none")]
    pub http_method: Option<String>,
    /// The calls that succeeded.
    #[serde(deserialize_with = "null_as_default")]
    pub status200: u64,
    /// The calls that were redirected.
    #[serde(deserialize_with = "null_as_default")]
    pub status300: u64,
    /// The calls that failed because of the request.
    #[serde(deserialize_with = "null_as_default")]
    pub status400: u64,
    /// The calls that failed because of the server.
    #[serde(deserialize_with = "null_as_default")]
    pub status500: u64,
    /// The calls over a rate limit.
    #[serde(deserialize_with = "null_as_default")]
    pub status429: u64,
    /// All calls.
    #[serde(deserialize_with = "null_as_default")]
    pub requests: u64,
    /// When the period starts.
    #[serde(deserialize_with = "date_time")]
    pub date: Option<SystemTime>,
    /// The fields that this crate does not know.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// The schema `UsageExecutionResult`. Its link is not followed: the id is enough.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Execution {
    execution_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueryResult {
    #[serde(default, deserialize_with = "null_as_default")]
    query_status: String,
    #[serde(flatten)]
    usage: Usage,
}

impl<'de> Deserialize<'de> for Usage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Body {
            #[serde(default, deserialize_with = "null_as_default")]
            results: Vec<UsageRow>,
            #[serde(default, deserialize_with = "null_as_default")]
            cursors: Cursors,
        }
        #[derive(Default, Deserialize)]
        struct Cursors {
            after: Option<String>,
        }
        let body = Body::deserialize(deserializer)?;
        Ok(Self {
            rows: body.results,
            has_more: body.cursors.after.is_some_and(|after| !after.is_empty()),
        })
    }
}

fn empty_as_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()))
}

const METRICS: [&str; 6] = [
    "Status200",
    "Status300",
    "Status400",
    "Status500",
    "Status429",
    "Requests",
];
const ORGANIZATION_QUERY: &str = "/api/v2/usage/query";
const DEFAULT_WAIT: Duration = Duration::from_secs(120);
