//! Flows in which a server misbehaves or does not respond.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use genesys_cloud_auth::{Error, Event, FixedToken, Region, TokenProvider};

use super::{
    Run,
    replies::{
        A_DAY, OWN_TOKEN, QUERY, SHORT, TOKEN, bad_responses, echoes_of, good, no_responses,
        redirects,
    },
};
use crate::support::{
    event_channel, kind_of, region_of,
    server::{Closed, End, Reply, Server},
};

pub async fn bad_token_endpoint(run: &mut Run) {
    let server = Server::start(good());
    for reply in bad_responses() {
        server.answers([reply]);
        let (client, _clock) = run.client(region_of(&server, &server));
        let tokens = client.tokens();
        run.error(&tokens.token().await.unwrap_err());
        // In the pause.
        run.error(&tokens.token().await.unwrap_err());
        run.error(&tokens.ready(Duration::from_nanos(1)).await.unwrap_err());
        run.debug(tokens);
    }
}

/// The events that a handler receives.
pub async fn events(run: &mut Run) {
    let server = Server::start(good());
    for reply in [good()].into_iter().chain(bad_responses()) {
        server.answers([reply]);
        let (handle, events) = event_channel();
        let (builder, _clock) = run.builder(region_of(&server, &server));
        let tokens = builder.on_event(handle).build().unwrap();
        match tokens.token().await {
            Ok(token) => tokens.invalidate(&token),
            Err(error) => run.error(&error),
        }
        drop(tokens);
        // The handler ends after the provider's last event.
        for event in events {
            run.debug(&event);
            if let Event::RequestFailed { error, .. } = &event {
                run.error(error);
            }
        }
    }
}

pub async fn bad_api(run: &mut Run) {
    let login = Server::start(good());
    let api = Server::start(Reply::json(200, "{}"));
    let replies = echoes_of(TOKEN).into_iter().chain(no_responses());
    for reply in replies.chain(redirects()) {
        api.answers([reply]);
        let (client, _clock) = run.client(region_of(&login, &api));
        let call = || {
            let call = client.get("/api/v2/users").query(&[("q", QUERY)]);
            call.timeout(SHORT)
        };
        run.result(call().fetch::<Vec<u8>>().await);
        match call().send().await {
            Ok(response) => {
                run.debug(&response);
                run.result(response.json::<u8>().await);
            }
            Err(error) => run.error(&error),
        }
        run.result(client.tokens().token_info().await);
        run.result(client.tokens().revoke().await);
    }
}

pub async fn own_token(run: &mut Run) {
    let api = Server::start(Reply::json(200, "{}"));
    let (client, _clock) = run.client(region_of(&api, &api));
    for reply in echoes_of(OWN_TOKEN) {
        api.answers([reply]);
        let call = client.get("/api/v2/users");
        let call = call.header("Authorization", format!("Bearer {OWN_TOKEN}"));
        run.debug(&call);
        run.result(call.fetch::<Vec<u8>>().await);
    }
}

pub async fn absent(run: &mut Run) {
    let closed = Closed::new();
    let url = format!("http://{}", closed.address());
    let (client, clock) = run.client(Region::custom(&url, &url).unwrap());
    let tokens = client.tokens();
    run.error(&tokens.token().await.unwrap_err());
    let server = closed.open(Reply::none(End::Hold));
    for reply in no_responses() {
        server.answers([reply]);
        clock.advance(A_DAY);
        run.error(&tokens.token().await.unwrap_err());
    }

    // The call's time is over at once.
    server.answers([good(), Reply::none(End::Hold)]);
    let (client, _clock) = run.client(region_of(&server, &server));
    client.tokens().token().await.unwrap();
    let call = client.get("/api/v2/users").timeout(Duration::ZERO);
    assert_kind(run, "Timeout", &call.send().await.unwrap_err());
    // No runtime.
    let (client, _clock) = run.client(region_of(&server, &server));
    let tokens = client.tokens().clone();
    let outside = thread::spawn(move || {
        let token = pin!(tokens.token()).poll(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(Err(error)) = token else {
            panic!("{token:?}");
        };
        error
    });
    assert_kind(run, "NoRuntime", &outside.join().unwrap());
}

pub async fn useless_tokens(run: &mut Run) {
    let rejected = format!(r#"{{"message":"you sent {TOKEN}"}}"#);
    let (login, api) = (Server::start(good()), Server::start(good()));
    let region = region_of(&login, &api);

    let fixed = FixedToken::new(TOKEN).unwrap();
    let client = run.client_of(TokenProvider::new(region.clone(), fixed).unwrap());
    api.answers([Reply::json(401, &rejected)]);
    let error = client.get("/api/v2/users").send().await.unwrap_err();
    assert_kind(run, "TokenExpired", &error);
    run.debug(client.tokens());

    // The token endpoint issues the same token again.
    let (client, _clock) = run.client(region);
    let tokens = client.tokens();
    let token = tokens.token().await.unwrap();
    tokens.invalidate(&token);
    assert_kind(run, "TokenRejected", &tokens.token().await.unwrap_err());
    run.debug(tokens);
}

fn assert_kind(run: &mut Run, kind: &str, error: &Error) {
    assert_eq!(kind_of(error), kind, "{error}");
    run.error(error);
}
