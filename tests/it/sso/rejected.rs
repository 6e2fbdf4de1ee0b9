//! Responses that open no session.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{LoginRequest, Running, Visitor, between};

#[tokio::test]
async fn a_response_without_this_browsers_relay_state_is_rejected() {
    let app = Running::start().await;
    let (mut visitor, mut attacker) = (Visitor::new(), Visitor::new());
    let own = app.begin(&mut visitor).await;
    let others = app.begin(&mut attacker).await;
    let response = app.response_to(&own);
    let form = [("SAMLResponse", &*response)];
    let shown = visitor.post(app.at("saml"), &form, &[]).await;
    app.assert_rejected(&shown);
    for relay_state in ["", "/", "x", &own.request_id, &others.relay_state] {
        let shown = app.post(&mut visitor, &response, relay_state).await;
        app.assert_rejected(&shown);
    }
    // The attacker begins a login, and the visitor's browser posts the response.
    let stolen = app.response_to(&others);
    for browser in [&mut visitor, &mut Visitor::new()] {
        let shown = app.post(browser, &stolen, &others.relay_state).await;
        app.assert_rejected(&shown);
        assert_eq!(app.greeted_user(browser).await, "");
    }
    // The visitor's own login can still be finished.
    let shown = app.post(&mut visitor, &response, &own.relay_state).await;
    assert_eq!(shown.status, 303);
}

#[tokio::test]
async fn a_response_without_a_request_is_rejected() {
    let (app, mut visitor, login) = Running::with_login().await;
    let valid = app.responses().in_response_to(&login.request_id).response();
    let unsolicited = app.responses().response();
    let attribute = format!(" InResponseTo=\"{}\"", login.request_id);
    for document in [
        unsolicited.clone(),
        // This attribute may be outside of the signature.
        unsolicited.replacen("<samlp:Response", &format!("<samlp:Response{attribute}"), 1),
        valid.replace(&login.request_id, "_another"),
        valid.replace(&attribute, " Other=\"\""),
        format!("<!DOCTYPE a>{valid}"),
        format!("{valid}<"),
        "no XML".to_owned(),
    ] {
        let response = STANDARD.encode(&document);
        let shown = app.post(&mut visitor, &response, &login.relay_state).await;
        app.assert_rejected(&shown);
    }
    for response in ["", "!!!"] {
        let shown = app.post(&mut visitor, response, &login.relay_state).await;
        app.assert_rejected(&shown);
    }
    let in_lines = STANDARD.encode(valid).replace("PHNhbW", "PHNh\r\nbW");
    assert!(in_lines.contains("\r\n"));
    let shown = app.post(&mut visitor, &in_lines, &login.relay_state).await;
    assert_eq!(shown.status, 303);
}

/// An attacker with an unsolicited assertion could write `InResponseTo` outside of the signature.
#[tokio::test]
async fn in_response_to_counts_only_in_the_assertions_subject() {
    let (app, mut visitor, login) = Running::with_login().await;
    let valid = app.responses().in_response_to(&login.request_id);
    let valid = valid.response();
    let saml = "xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
    let subject = between(&valid, "<saml:Subject>", "</saml:Subject>");
    let subject = format!("<saml:Subject {saml}>{subject}</saml:Subject>");
    let unsolicited = app.responses().response();
    let data = between(&unsolicited, "<saml:SubjectConfirmationData", "/>");
    let bare = unsolicited.replace(&format!("<saml:SubjectConfirmationData{data}/>"), "");
    assert_ne!(bare, unsolicited);
    let foreign = "<x:Assertion xmlns:x=\"urn:x\">";
    for (before, planted) in [
        ("</ds:Signature>", subject.clone()),
        ("<samlp:Status>", subject.clone()),
        (
            "<samlp:Status>",
            format!("{foreign}{subject}</x:Assertion>"),
        ),
    ] {
        for document in [&bare, &unsolicited] {
            let document = document.replacen(before, &format!("{planted}{before}"), 1);
            let response = STANDARD.encode(document);
            let shown = app.post(&mut visitor, &response, &login.relay_state).await;
            app.assert_rejected(&shown);
        }
    }
}

#[tokio::test]
async fn a_response_that_is_posted_again_is_rejected() {
    let (app, mut visitor, login) = Running::with_login().await;
    let response = app.response_to(&login);
    let mut thief = visitor.clone();
    let shown = app.post(&mut visitor, &response, &login.relay_state).await;
    assert_eq!(shown.status, 303);
    for browser in [&mut visitor, &mut thief] {
        let shown = app.post(browser, &response, &login.relay_state).await;
        assert_eq!(shown.status, 403);
    }
    assert_eq!(app.greeted_user(&mut thief).await, "");
    // It does not match the next login either.
    let next = app.begin(&mut thief).await;
    let shown = app.post(&mut thief, &response, &next.relay_state).await;
    assert_eq!(shown.status, 403);
    assert_eq!(app.sandbox.token_requests(), 1);
    assert_eq!(app.greeted_user(&mut visitor).await, "User 2");
}

#[tokio::test]
async fn an_assertion_that_is_not_accepted_opens_no_session() {
    let app = Running::start().await;
    let responses = |login: &LoginRequest| app.responses().in_response_to(&login.request_id);
    let mut visitor = Visitor::new();
    let login = app.begin(&mut visitor).await;
    let other = responses(&login)
        .audience("https://other.example/saml")
        .saml_response();
    let shown = app.post(&mut visitor, &other, &login.relay_state).await;
    assert_eq!((shown.status, app.sandbox.token_requests()), (403, 1));
    assert!(shown.headers.get("set-cookie").is_none());
    // The crate does not send these two.
    let old = |xml: String| xml.replace("NotOnOrAfter=\"20", "NotOnOrAfter=\"19");
    let unsigned = |xml: String| xml.replace("ds:Signature", "ds:Other");
    let changes: [&dyn Fn(String) -> String; 2] = [&old, &unsigned];
    for change in changes {
        let login = app.begin(&mut visitor).await;
        let response = STANDARD.encode(change(responses(&login).response()));
        let shown = app.post(&mut visitor, &response, &login.relay_state).await;
        assert_eq!((shown.status, app.sandbox.token_requests()), (403, 1));
    }
    let login = app.begin(&mut visitor).await;
    app.sandbox.at_token_endpoint().times(1).respond(503);
    let shown = app
        .post(&mut visitor, &app.response_to(&login), &login.relay_state)
        .await;
    assert_eq!((shown.status, app.sandbox.token_requests()), (502, 2));
    assert_eq!(app.greeted_user(&mut visitor).await, "");
}

#[tokio::test]
async fn a_post_that_is_too_large_is_not_read() {
    let (app, mut visitor, login) = Running::with_login().await;
    let large = "A".repeat(1024 * 1024);
    let shown = app.post(&mut visitor, &large, &login.relay_state).await;
    assert_eq!(shown.status, 413);
    assert_eq!(app.sandbox.token_requests(), 0);
}
