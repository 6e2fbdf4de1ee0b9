//! Flows in which a server misbehaves, or is not there.

use std::{
    pin::pin,
    sync::mpsc,
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use genesys_cloud_auth::{Error, Event, FixedToken, Region, TokenProvider};

use super::{
    Run,
    replies::{
        A_DAY, OWN_TOKEN, QUERY, SHORT, TOKEN, bad_answers, echoes_of, good, no_answers,
        redirections,
    },
};
use crate::support::{
    kind_of, region_of,
    server::{Closed, Decision, End, Server},
};

pub async fn bad_token_endpoint(run: &mut Run) {
    let server = Server::start(good());
    for reply in bad_answers() {
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

/// What a handler of events is told.
pub async fn events(run: &mut Run) {
    let server = Server::start(good());
    for reply in [good()].into_iter().chain(bad_answers()) {
        server.answers([reply]);
        let (sender, events) = mpsc::channel();
        let (builder, _clock) = run.builder(region_of(&server, &server));
        let tokens = builder
            .on_event(move |event| drop(sender.send(event.clone())))
            .build()
            .unwrap();
        match tokens.token().await {
            Ok(token) => tokens.invalidate(&token),
            Err(error) => run.error(&error),
        }
        drop(tokens);
        // The handler goes with the provider, once it was told everything.
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
    let api = Server::start(Decision::json(200, "{}"));
    let replies = echoes_of(TOKEN).into_iter().chain(no_answers());
    for reply in replies.chain(redirections()) {
        api.answers([reply]);
        let (client, _clock) = run.client(region_of(&login, &api));
        let call = || {
            let call = client.get("/api/v2/users").query(&[("q", QUERY)]);
            call.timeout(SHORT)
        };
        if let Err(error) = call().fetch::<Vec<u8>>().await {
            run.error(&error);
        }
        match call().send().await {
            Ok(response) => {
                run.debug(&response);
                if let Err(error) = response.json::<u8>().await {
                    run.error(&error);
                }
            }
            Err(error) => run.error(&error),
        }
        let asked = client.tokens().token_info().await.err();
        let revoked = client.tokens().revoke().await.err();
        for error in asked.iter().chain(&revoked) {
            run.error(error);
        }
    }
}

pub async fn own_token(run: &mut Run) {
    let api = Server::start(Decision::json(200, "{}"));
    let (client, _clock) = run.client(region_of(&api, &api));
    for reply in echoes_of(OWN_TOKEN) {
        api.answers([reply]);
        let call = client.get("/api/v2/users");
        let call = call.header("Authorization", format!("Bearer {OWN_TOKEN}"));
        run.debug(&call);
        if let Err(error) = call.fetch::<Vec<u8>>().await {
            run.error(&error);
        }
    }
}

pub async fn absent(run: &mut Run) {
    let closed = Closed::new();
    let url = format!("http://{}", closed.address());
    let (client, clock) = run.client(Region::custom(&url, &url).unwrap());
    let tokens = client.tokens();
    run.error(&tokens.token().await.unwrap_err());
    let server = closed.open(Decision::none(End::Hold));
    for reply in no_answers() {
        server.answers([reply]);
        clock.advance(A_DAY);
        run.error(&tokens.token().await.unwrap_err());
    }

    // Nobody waits long enough.
    server.answers([good(), Decision::none(End::Hold)]);
    let (client, _clock) = run.client(region_of(&server, &server));
    client.tokens().token().await.unwrap();
    let call = client.get("/api/v2/users").timeout(Duration::ZERO);
    made(run, "Timeout", &call.send().await.unwrap_err());
    // Nor is there anything to wait by.
    let (client, _clock) = run.client(region_of(&server, &server));
    let tokens = client.tokens().clone();
    let outside = thread::spawn(move || {
        let token = pin!(tokens.token()).poll(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(Err(error)) = token else {
            panic!("{token:?}");
        };
        error
    });
    made(run, "NoRuntime", &outside.join().unwrap());
}

pub async fn useless_tokens(run: &mut Run) {
    let refused = format!(r#"{{"message":"you sent {TOKEN}"}}"#);
    let (login, api) = (Server::start(good()), Server::start(good()));
    let region = region_of(&login, &api);

    let fixed = FixedToken::new(TOKEN).unwrap();
    let client = run.client_of(TokenProvider::new(region.clone(), fixed).unwrap());
    api.answers([Decision::json(401, &refused)]);
    let error = client.get("/api/v2/users").send().await.unwrap_err();
    made(run, "TokenExpired", &error);
    run.debug(client.tokens());

    // The same one again.
    let (client, _clock) = run.client(region);
    let tokens = client.tokens();
    let token = tokens.token().await.unwrap();
    tokens.invalidate(&token);
    made(run, "TokenRejected", &tokens.token().await.unwrap_err());
    run.debug(tokens);
}

fn made(run: &mut Run, kind: &str, error: &Error) {
    assert_eq!(kind_of(error), kind, "{error}");
    run.error(error);
}
