//! The forms of the Platform API's listings, with endpoints of each.

use std::sync::LazyLock;

/// A form of listings.
pub(super) struct Form {
    /// The field of the items.
    pub(super) items: &'static str,
    /// Whether the whole listing is an object in the field `results`.
    pub(super) is_nested: bool,
    pub(super) by: By,
    /// The fields of the response.
    pub(super) tells: Vec<&'static str>,
    /// Methods and paths, such as `GET /api/v2/users`.
    pub(super) endpoints: Vec<String>,
}

/// How a page is requested.
#[derive(Clone, Copy)]
pub(super) enum By {
    /// There is one page.
    Whole,
    /// The first page has a length, and no other can be requested.
    Cut,
    /// Only by the link of the page before.
    Link,
    /// By a parameter of the query.
    Query(&'static str),
    /// By a field of the body.
    Body(&'static str),
    /// By `paging.pageNumber` in the body.
    Paging,
}

/// Returns the form and the endpoint of a request.
pub(super) fn find_form(method: &str, path: &str) -> Option<(&'static Form, &'static str)> {
    let fits = |endpoint: &str| {
        let Some((known, template)) = endpoint.split_once(' ') else {
            return false;
        };
        let (template, path) = (template.split('/'), path.split('/'));
        known == method
            && template.clone().count() == path.clone().count()
            && template
                .zip(path)
                .all(|(known, segment)| known == segment || known.starts_with('{'))
    };
    // A path without parameters takes precedence.
    let exact = all().find(|(_, endpoint)| endpoint.split_once(' ') == Some((method, path)));
    exact.or_else(|| all().find(|(_, endpoint)| fits(endpoint)))
}

/// Returns all endpoints with their forms.
pub(super) fn all() -> impl Iterator<Item = (&'static Form, &'static str)> {
    FORMS.iter().flat_map(|form| {
        let endpoints = form.endpoints.iter();
        endpoints.map(move |endpoint| (form, endpoint.as_str()))
    })
}

static FORMS: LazyLock<Vec<Form>> =
    LazyLock::new(|| TABLE.trim().lines().map(Form::parse).collect());

impl Form {
    fn parse(row: &'static str) -> Self {
        let mut cells = row.split('|').map(str::trim);
        let mut cell = || cells.next().expect("a row has four cells");
        let items = cell();
        let by = match cell().split_once(' ') {
            Some(("query", name)) => By::Query(name),
            Some(("body", "paging")) => By::Paging,
            Some(("body", name)) => By::Body(name),
            Some(("the", "link")) => By::Link,
            Some(("no", "parameter")) => By::Cut,
            _ => By::Whole,
        };
        let tells = cell().split_whitespace().collect();
        let endpoint = |text: &str| text.replacen('/', "/api/v2/", 1);
        Self {
            items: items.rsplit('.').next().unwrap_or(items),
            is_nested: items.contains('.'),
            by,
            tells,
            endpoints: cell().split(", ").map(endpoint).collect(),
        }
    }
}

/// Each row: the field of the items, how a page is requested, what a response says, and endpoints.
const TABLE: &str = r"
entities | query pageNumber | nextUri pageCount pageNumber total | GET /users, GET /flows, GET /guides
entities | whole |  | GET /ipranges, GET /knowledge/sources, POST /flows/instances/jobs
entities | query after | nextUri total | GET /teams, GET /assistants, GET /users/chats/me
entities | whole | total | GET /oauth/scopes, GET /presence/sources, GET /users/me/verifiers
entities | the link | nextUri pageCount pageNumber total | GET /conversations, GET /oauth/clients, GET /gdpr/subjects
userDetails | query cursor | cursor | GET /analytics/users/details/jobs/{jobId}/results
results | query cursor | cursor | GET /analytics/bots/aggregates/jobs/{jobId}/results, GET /analytics/flows/aggregates/jobs/{jobId}/results
entities | query pageNumber | nextUri pageCount pageNumber total | GET /integrations, GET /quality/forms, GET /orphanrecordings
results | body pageNumber | nextPage pageCount pageNumber total | POST /search, POST /teams/search, POST /users/search
entities | query pageNumber | pageCount pageNumber total | GET /license/users, GET /agentic/virtualagents, GET /webmessaging/messages
entities | query cursor | cursors nextUri | GET /externalcontacts/scan/notes, GET /externalcontacts/scan/contacts, GET /externalcontacts/externalsources
entities | query after | after nextUri | GET /taskmanagement/workbins/{workbinId}/history, GET /taskmanagement/workitems/bulk/jobs/users/me, GET /taskmanagement/workbins/{workbinId}/versions
results | query q64 | nextPage pageCount pageNumber total | GET /search, GET /users/search, GET /groups/search
entities | the link | nextUri | GET /businessrules/schemas, GET /languageunderstanding/miners, GET /assistants/{assistantId}/variations
entities | body pageNumber | nextUri pageCount pageNumber total | POST /alerting/rules/query, POST /audits/query/realtime, POST /alerting/alerts/query
results | body pageNumber | pageCount pageNumber total | POST /conversations/customattributes/search, POST /responsemanagement/responseassets/search, POST /speechandtextanalytics/transcripts/search
entities | no parameter |  | GET /textbots/bots/search, GET /infrastructureascode/jobs, GET /externalcontacts/contacts/{contactId}/journey/segments
results | query pageNumber |  | POST /analytics/teams/activity/query, POST /analytics/flows/activity/query, POST /analytics/users/activity/query
entities | query after | nextUri | POST /usage/events/query, POST /diagnostics/logcapture/browser/entries/query, POST /workforcemanagement/adherence/adjustments/query
entities | body after | after nextUri | POST /taskmanagement/workbins/query, POST /taskmanagement/workitems/query, POST /taskmanagement/worktypes/query
entities | query nextPage | nextUri pageCount total | GET /speechandtextanalytics/topics, GET /speechandtextanalytics/programs, GET /speechandtextanalytics/programs/mappings
Resources | query startIndex | totalResults | GET /scim/users, GET /scim/groups, GET /scim/v2/users
Resources | whole | totalResults | GET /scim/schemas, GET /scim/v2/schemas, GET /scim/resourcetypes
results | query after | cursors | GET /usage/query/{executionId}/results, GET /usage/simplesearch/{executionId}/results, GET /oauth/clients/{clientId}/usage/query/results/{executionId}
entities | no parameter |  | GET /chats/users/{userId}/messages, GET /chats/rooms/{roomJid}/messages, GET /chats/threads/{threadId}/messages
results.entities | body pageNumber | pageCount pageNumber total | POST /contentmanagement/query, POST /responsemanagement/responses/query, POST /responsemanagement/responses/divisionviews/query
entities | query pageNumber | nextUri pageCount pageNumber total | POST /learning/rules/query, POST /responsemanagement/libraries/query, POST /businessrules/decisiontables/{tableId}/versions/{tableVersion}/rows/search
entities | the link | nextUri pageCount pageNumber total | GET /casemanagement/cases/query/jobs/{jobId}/results, GET /taskmanagement/workitems/query/jobs/{jobId}/results, GET /integrations/speech/nuance/{nuanceIntegrationId}/bots/jobs/{jobId}/results
entities | query pageNumber |  | GET /organizations/limits/namespaces, POST /orgauthorization/trustor/audits, POST /orgauthorization/trustees/audits
entities | query after | cursors nextUri | GET /externalcontacts/import/jobs, GET /externalcontacts/import/settings
userDetails | body paging | totalHits | POST /analytics/users/details/query
conversations | body paging | totalHits | POST /analytics/conversations/details/query
entities | query pageNumber | nextUri pageNumber | POST /users/rules/query, GET /routing/queues/{queueId}/members
entities | query cursor | cursor | GET /audits/query/{transactionId}/results, GET /quality/conversations/audits/query/{transactionId}/results
entities | query pageNumber | nextUri pageCount pageNumber total | GET /recording/jobs, GET /recording/jobs/{jobId}/failedrecordings
results | body cursor | cursor | POST /conversations/participants/attributes/search
entities | query cursor | cursor nextUri | GET /users/query
results | body pageNumber | pageNumber | POST /quality/evaluations/search
results.entities | query pageNumber | pageCount pageNumber total | GET /contentmanagement/query
entities | query cursor | nextUri | GET /recordings/retention/query
entities | query pageNumber | pageCount pageNumber total | GET /integrations/actions/categories
results | the link | nextPage pageCount pageNumber total | POST /search/suggest
entities | the link | nextUri | GET /knowledge/guest/sessions/{sessionId}/documents
entities | the link | nextUri pageCount pageNumber total | POST /flows/instances/query
entities | query pageNumber |  | GET /gamification/insights/managers
entities | query pageNumber | nextUri pageCount pageNumber total | GET /languageunderstanding/domains/{domainId}/feedback
";
