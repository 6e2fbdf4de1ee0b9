//! Assertions that are accepted and that are rejected.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use genesys_cloud_auth::{
    Assertion, Clock, Error, Region, Saml2Bearer, TokenProvider, sandbox::Sandbox,
    store::MemoryStore,
};
use url::form_urlencoded;

use super::{
    Run,
    replies::{SECRET, SHORT, TOKEN, echoes_of, good, no_responses},
};
use crate::support::{CLIENT_ID, region_of, server::Server};

const SENT: &str = "SentinelOfTheAssertion2718";
const WHO: &str = "SentinelOfWhoItIs1618";
const ORG: &str = "my-org";

pub async fn all(run: &mut Run) {
    run.add_secret("an assertion", SENT);
    run.add_secret("the identity", WHO);
    on_the_sandbox(run).await;
    cannot_be_sent(run).await;
    is_echoed(run).await;
}

async fn on_the_sandbox(run: &mut Run) {
    let builder = Sandbox::builder().client(CLIENT_ID, SECRET);
    let builder = builder.saml_client("https://app.example/saml");
    let sandbox = builder.org_short_name(ORG).start().await.unwrap();
    let assertions = sandbox.assertions(&sandbox.users()[0]);
    let assertions = assertions.in_response_to(SENT);
    run.debug(&assertions);
    let given = assertions.saml_response();
    for assertion in [given.as_str().into(), source(&given)] {
        let (tokens, _clock) = provider(run, sandbox.region(), assertion).unwrap();
        match tokens.token().await {
            Ok(token) => {
                run.add_secret("an asserted user's token", token.expose_secret());
                tokens.invalidate(&token);
            }
            Err(error) => run.error(&error),
        }
        // The assertion was used.
        run.error(&tokens.token().await.unwrap_err());
        run.debug(&tokens);
    }
    run.requests(&sandbox);
    // With a store, and without the identity that a store needs.
    let again = || grant(assertions.saml_response().into()).unwrap();
    let kept = TokenProvider::builder(sandbox.region(), again().identity(WHO));
    let kept = kept.store(MemoryStore::new());
    run.debug(&kept);
    let kept = kept.build().unwrap();
    run.debug(&kept.token().await.unwrap());
    let nameless = TokenProvider::builder(sandbox.region(), again());
    run.error(&nameless.store(MemoryStore::new()).build().unwrap_err());
}

/// Errors that are reported before anything is sent.
async fn cannot_be_sent(run: &mut Run) {
    let server = Server::start(good());
    let with = |inner: &str| {
        format!("<a:Assertion xmlns:a=\"{SAML}\" ID=\"{SENT}\">{inner}</a:Assertion>")
    };
    let times = |time: &str| with(&format!("{SIGNATURE}<a:Conditions {time}/>"));
    let response = format!(
        "<p:Response xmlns:p=\"{PROTOCOL}\">{}</p:Response>",
        with(SIGNATURE)
    );
    for given in [
        SENT.to_owned(),
        format!("{SENT} "),
        format!("%{SENT}"),
        format!("<{SENT}"),
        format!("<{SENT}/>"),
        format!("<!DOCTYPE {SENT}><{SENT}/>"),
        with(""),
        with(&with(SIGNATURE)),
        with(&format!("<{SENT}:b/>{SIGNATURE}")),
        response,
        times(&format!("NotOnOrAfter=\"{SENT}\"")),
        times("NotOnOrAfter=\"2020-01-01T00:00:00Z\""),
        times("NotBefore=\"2120-01-01T00:00:00Z\""),
    ] {
        for assertion in [given.as_str().into(), source(&given)] {
            match provider(run, region_of(&server, &server), assertion) {
                Ok((tokens, _clock)) => {
                    run.error(&tokens.token().await.unwrap_err());
                    run.debug(&tokens);
                }
                Err(error) => run.error(&error),
            }
        }
    }
    assert!(server.requests().is_empty());
    for org in ["", SENT_ORG] {
        let grant = Saml2Bearer::new(CLIENT_ID, SECRET, org, with(SIGNATURE));
        run.error(&grant.unwrap_err());
    }
}

/// Responses that echo either form of the assertion.
async fn is_echoed(run: &mut Run) {
    let server = Server::start(good());
    // Base64url differs from base64 here.
    let xml = format!("<Assertion xmlns=\"{SAML}\" ID=\"{SENT}\">{SIGNATURE}???>>></Assertion>");
    let (document, alone) = (STANDARD.encode(&xml), URL_SAFE_NO_PAD.encode(&xml));
    assert!(document.contains(['+', '/']) && alone.contains(['-', '_']));
    for (sent, is_alone) in [(document, false), (alone, true)] {
        for reply in echoes_of(&sent).into_iter().chain(no_responses()) {
            server.answers([reply]);
            let mut grant = grant(xml.as_str().into()).unwrap();
            if is_alone {
                grant = grant.rfc7522();
            }
            let (tokens, _clock) = provider_of(run, region_of(&server, &server), grant).unwrap();
            match tokens.token().await {
                Ok(token) => assert_eq!(token.expose_secret(), TOKEN),
                Err(error) => run.error(&error),
            }
        }
        let requests = server.requests();
        let last = requests.last().unwrap();
        let mut form = form_urlencoded::parse(&last.body);
        assert!(form.any(|(_, value)| value == sent));
    }
}

fn source(given: &str) -> Assertion {
    let given = given.to_owned();
    Assertion::from_fn(move || {
        let given = given.clone();
        async move { Ok(given.into()) }
    })
}

fn grant(assertion: Assertion) -> Result<Saml2Bearer, Error> {
    Saml2Bearer::new(CLIENT_ID, SECRET, ORG, assertion)
}

fn provider(
    run: &mut Run,
    region: Region,
    assertion: Assertion,
) -> Result<(TokenProvider, Clock), Error> {
    run.debug(&assertion);
    provider_of(run, region, grant(assertion)?)
}

fn provider_of(
    run: &mut Run,
    region: Region,
    grant: Saml2Bearer,
) -> Result<(TokenProvider, Clock), Error> {
    let grant = grant.identity(WHO);
    run.debug(&grant);
    let clock = Clock::manual();
    let builder = TokenProvider::builder(region, grant)
        .http_client(run.http_client.clone())
        .attempt_timeout(SHORT)
        .clock(clock.clone());
    run.debug(&builder);
    Ok((builder.build()?, clock))
}

const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const SIGNATURE: &str = "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"/>";
const SENT_ORG: &str = "an org & SentinelOfTheAssertion2718";
