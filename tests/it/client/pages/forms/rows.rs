//! A row for each form of a listing.

use serde_json::{Value, json};

use End::{Complete, EmptyPage, Whole};

/// How a form is called, and what its caller gets.
pub struct Row {
    pub endpoint: &'static str,
    pub query: &'static str,
    pub body: Option<Value>,
    pub named: Option<&'static str>,
    /// The fields that say that there is more, each of which may be missing.
    pub tells: &'static [&'static str],
    pub end: End,
}

#[derive(Clone, Copy, PartialEq)]
pub enum End {
    /// All items.
    Complete,
    /// All items up to an empty page, since nothing tells the end.
    EmptyPage,
    /// All items, in one page.
    Whole,
    /// An error with this text where there is a second page.
    Error(&'static str),
}

const LINKED: &[&str] = &["nextUri", "pageCount", "pageNumber", "total"];
const COUNTED: &[&str] = &["pageCount", "pageNumber", "total"];
const TOKEN: &[&str] = &["nextPage", "pageCount", "pageNumber", "total"];
const SIZE: &str = "pageSize=2";
const NUMBER: &str = "pageSize=2&pageNumber=1";
/// The token of the first page.
const Q64: &str = "pageSize=2&q64=cGFnZT4%2BPj8w";
pub const CUT: End = End::Error("as long as was asked for");
const NAME_IT: End = End::Error("name it with `Pages::cursor_parameter`");
const NOT_REQUESTED: End = End::Error("not the requested page");

fn get(path: &'static str, query: &'static str, tells: &'static [&'static str], end: End) -> Row {
    Row {
        endpoint: path,
        query,
        body: None,
        named: None,
        tells,
        end,
    }
}

pub fn post(path: &'static str, body: Value, tells: &'static [&'static str], end: End) -> Row {
    Row {
        body: Some(body),
        ..get(path, "", tells, end)
    }
}

fn named(row: Row, name: &'static str) -> Row {
    Row {
        named: Some(name),
        ..row
    }
}

#[rustfmt::skip]
pub fn rows() -> Vec<Row> {
    let sized = || json!({ "query": [], "pageSize": 2 });
    let numbered = || json!({ "pageNumber": 1, "pageSize": 2, "sortOrder": "ASC" });
    let with_query = |row: Row, query| Row { query, ..row };
    vec![
        // The number of the page in the query.
        get("GET /api/v2/users", SIZE, LINKED, Complete),
        get("GET /api/v2/integrations", SIZE, LINKED, Complete),
        get("GET /api/v2/recording/jobs", NUMBER, LINKED, Complete),
        get("GET /api/v2/languageunderstanding/domains/{domainId}/feedback", SIZE, LINKED, Complete),
        get("GET /api/v2/license/users", SIZE, COUNTED, Complete),
        get("GET /api/v2/integrations/actions/categories", NUMBER, COUNTED, Complete),
        get("GET /api/v2/contentmanagement/query", SIZE, COUNTED, Complete),
        get("GET /api/v2/routing/queues/{queueId}/members", SIZE, &["nextUri", "pageNumber"], Complete),
        get("GET /api/v2/gamification/insights/managers", NUMBER, &[], EmptyPage),
        get("GET /api/v2/gamification/insights/managers", SIZE, &[], CUT),
        named(get("GET /api/v2/gamification/insights/managers", SIZE, &[], EmptyPage), "pageNumber"),
        get("GET /api/v2/organizations/limits/namespaces", NUMBER, &[], EmptyPage),
        with_query(post("POST /api/v2/learning/rules/query", json!({}), LINKED, Complete), SIZE),
        with_query(post("POST /api/v2/users/rules/query", json!({}), &["nextUri", "pageNumber"], Complete), SIZE),
        with_query(post("POST /api/v2/analytics/teams/activity/query", json!({}), &[], EmptyPage), NUMBER),
        // The number of the page in the body.
        post("POST /api/v2/users/search", sized(), TOKEN, Complete),
        post("POST /api/v2/audits/query/realtime", numbered(), LINKED, Complete),
        post("POST /api/v2/speechandtextanalytics/transcripts/search", sized(), COUNTED, Complete),
        post("POST /api/v2/quality/evaluations/search", sized(), &["pageNumber"], EmptyPage),
        post("POST /api/v2/contentmanagement/query", numbered(), COUNTED, Complete),
        post("POST /api/v2/analytics/users/details/query", json!({ "paging": { "pageSize": 2, "pageNumber": 1 } }), &["totalHits"], Complete),
        post("POST /api/v2/analytics/conversations/details/query", json!({ "paging": { "pageSize": 2 } }), &["totalHits"], Complete),
        // A link.
        get("GET /api/v2/teams", SIZE, &["nextUri", "total"], Complete),
        get("GET /api/v2/businessrules/schemas", SIZE, &["nextUri"], Complete),
        get("GET /api/v2/recordings/retention/query", SIZE, &["nextUri"], Complete),
        get("GET /api/v2/knowledge/guest/sessions/{sessionId}/documents", SIZE, &["nextUri"], Complete),
        get("GET /api/v2/conversations", SIZE, LINKED, Complete),
        get("GET /api/v2/casemanagement/cases/query/jobs/{jobId}/results", SIZE, LINKED, Complete),
        get("GET /api/v2/speechandtextanalytics/topics", SIZE, &["nextUri", "pageCount", "total"], Complete),
        with_query(post("POST /api/v2/usage/events/query", json!({}), &["nextUri"], Complete), SIZE),
        with_query(post("POST /api/v2/flows/instances/query", json!({}), LINKED, Complete), SIZE),
        // A cursor.
        get("GET /api/v2/analytics/users/details/jobs/{jobId}/results", SIZE, &["cursor"], Complete),
        get("GET /api/v2/analytics/bots/aggregates/jobs/{jobId}/results", SIZE, &["cursor"], Complete),
        get("GET /api/v2/audits/query/{transactionId}/results", SIZE, &["cursor"], Complete),
        get("GET /api/v2/users/query", SIZE, &["cursor", "nextUri"], Complete),
        get("GET /api/v2/taskmanagement/workbins/{workbinId}/history", SIZE, &["after", "nextUri"], Complete),
        get("GET /api/v2/externalcontacts/scan/contacts", "limit=2", &["cursors", "nextUri"], Complete),
        get("GET /api/v2/externalcontacts/import/jobs", SIZE, &["cursors", "nextUri"], Complete),
        get("GET /api/v2/usage/query/{executionId}/results", SIZE, &["cursors"], NAME_IT),
        named(get("GET /api/v2/usage/query/{executionId}/results", SIZE, &["cursors"], Complete), "after"),
        named(get("GET /api/v2/externalcontacts/scan/contacts", "limit=2", &["cursors", "nextUri"], Complete), "cursor"),
        get("GET /api/v2/users/search", Q64, TOKEN, Complete),
        post("POST /api/v2/taskmanagement/workitems/query", sized(), &["after", "nextUri"], Complete),
        post("POST /api/v2/conversations/participants/attributes/search", sized(), &["cursor"], Complete),
        with_query(post("POST /api/v2/search/suggest", json!({}), TOKEN, NOT_REQUESTED), SIZE),
        // The index of the first item.
        get("GET /api/v2/scim/v2/users", "count=2", &["totalResults", "startIndex"], Complete),
        // One page.
        get("GET /api/v2/ipranges", "", &[], Whole),
        post("POST /api/v2/flows/instances/jobs", json!({}), &[], Whole),
        get("GET /api/v2/oauth/scopes", "", &["total"], Whole),
        get("GET /api/v2/scim/v2/schemas", "", &["totalResults"], Whole),
        // A part, and nothing that leads to the rest.
        get("GET /api/v2/textbots/bots/search", "maxResults=2", &[], CUT),
        get("GET /api/v2/infrastructureascode/jobs", SIZE, &[], CUT),
        get("GET /api/v2/chats/users/{userId}/messages", "limit=2", &[], CUT),
    ]
}
