//! The port of a login on this machine: which one it is, and how long it is taken.

use tokio::time::timeout;

use super::*;

#[tokio::test]
async fn nobody_who_comes_in_time_is_an_error_that_says_who_came_instead() {
    let sandbox = sandbox().await;
    let (clock, port) = (Clock::manual(), free_port());
    let builder = builder(&sandbox, LOCAL).clock(clock.clone());
    let login = builder
        .ports([port])
        .login_timeout(Duration::from_secs(60))
        .build()
        .unwrap();
    let waiting = login.listen("default").unwrap();
    let uri = redirect_uri(&waiting);
    let strangers = async {
        assert_eq!(
            come_back(&format!("{uri}?code=c&state=another")).await.0,
            400
        );
        assert_eq!(come_back(&format!("{uri}/elsewhere")).await.0, 404);
        clock.advance(Duration::from_secs(61));
    };
    let (outcome, ()) = tokio::join!(waiting.redirected(), strangers);
    let error = outcome.unwrap_err();
    let ErrorKind::Login(listener) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!(
        *listener.kind(),
        LoginErrorKind::Listener { is_timeout: true }
    );
    let text = error.to_string();
    for needed in ["60 s", "another state", "another path", "redirect URI"] {
        assert!(text.contains(needed), "{needed}: {text}");
    }
    assert!(is_free(port));
    assert_eq!(sandbox.token_requests(), 0);

    // It stays too late for the browser, and not for a user who pastes.
    let again = timeout(SOON, waiting.redirected()).await.unwrap();
    assert_eq!(again.unwrap_err().to_string(), text);
    let back = sandbox
        .log_in(waiting.authorize_url().as_str(), &sandbox.users()[0])
        .await;
    waiting.pasted(&back).await.unwrap();
    waiting.redirected().await.unwrap();
}

#[tokio::test]
async fn a_registered_port_is_taken_and_no_other() {
    let port = free_port();
    let uri = format!("http://127.0.0.1:{port}/cb");
    let sandbox = Sandbox::builder()
        .code_client([&uri])
        .start()
        .await
        .unwrap();
    let login = login(&sandbox, &uri);
    let waiting = login.listen("default").unwrap();
    assert_eq!(redirect_uri(&waiting).as_str(), uri);
    let error = login.listen("default").unwrap_err();
    let ErrorKind::Login(listener) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!(
        *listener.kind(),
        LoginErrorKind::Listener { is_timeout: false }
    );
    assert!(error.to_string().contains(&port.to_string()), "{error}");
    let back = sandbox
        .log_in(waiting.authorize_url().as_str(), &sandbox.users()[0])
        .await;
    let (tokens, _) = tokio::join!(waiting.redirected(), come_back(&back));
    tokens.unwrap();
    // Whoever still has the handle.
    assert!(is_free(port));
}

#[tokio::test]
async fn the_first_free_port_of_a_list_is_taken() {
    let sandbox = sandbox().await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken_port = taken.local_addr().unwrap().port();
    let free = free_port();
    let builder = builder(&sandbox, LOCAL).ports([taken_port, free]);
    let waiting = builder.build().unwrap().listen("default").unwrap();
    assert_eq!(redirect_uri(&waiting).port(), Some(free));
    let back = sandbox
        .log_in(waiting.authorize_url().as_str(), &sandbox.users()[0])
        .await;
    waiting.pasted(&back).await.unwrap();
}

#[tokio::test]
async fn only_a_redirect_uri_on_this_machine_can_be_listened_at() {
    let sandbox = sandbox().await;
    is(
        &login(&sandbox, WEB).listen("default").unwrap_err(),
        "Configuration",
    );
    let local = "https://localhost:8443/cb";
    is(
        &login(&sandbox, local).listen("default").unwrap_err(),
        "Configuration",
    );
    is(
        &builder(&sandbox, LOCAL).ports([]).build().unwrap_err(),
        "Configuration",
    );
    is(
        &login(&sandbox, LOCAL).listen("").unwrap_err(),
        "Configuration",
    );
    let never = builder(&sandbox, LOCAL).login_timeout(Duration::ZERO);
    is(&never.build().unwrap_err(), "Configuration");
}

#[tokio::test]
async fn a_waiting_login_that_is_dropped_frees_its_port() {
    let port = free_port();
    let app = AuthorizationCode::public("an-id", LOCAL).unwrap();
    let builder = Login::builder(Region::EuWest1, app).ports([port]);
    let login = builder.build().unwrap();
    for is_waited_for in [false, true] {
        let waiting = login.listen("default").unwrap();
        let stranger = format!("{}?code=c&state=another", redirect_uri(&waiting));
        if is_waited_for {
            tokio::select! {
                _ = waiting.redirected() => panic!("nobody logs in"),
                (status, _) = come_back(&stranger) => assert_eq!(status, 400),
            }
        }
        assert!(!is_free(port), "one may wait again");
        drop(waiting);
        assert!(is_free(port));
    }
}

#[tokio::test]
async fn the_browser_is_waited_for_five_minutes() {
    let clock = Clock::manual();
    let app = AuthorizationCode::public("an-id", LOCAL).unwrap();
    let builder = Login::builder(Region::EuWest1, app).clock(clock.clone());
    let waiting = builder.build().unwrap().listen("default").unwrap();
    let stranger = format!("{}?code=c&state=another", redirect_uri(&waiting));
    let time_passes = async {
        clock.advance(Duration::from_secs(5 * 60 - 60));
        assert_eq!(come_back(&stranger).await.0, 400);
        clock.advance(Duration::from_secs(60));
    };
    let both = async { tokio::join!(waiting.redirected(), time_passes) };
    let (outcome, ()) = timeout(SOON, both).await.unwrap();
    let error = outcome.unwrap_err();
    let ErrorKind::Login(listener) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!(
        *listener.kind(),
        LoginErrorKind::Listener { is_timeout: true }
    );
    assert!(error.to_string().contains("300 s"), "{error}");
}

#[tokio::test]
async fn what_is_pasted_counts_for_ten_minutes() {
    let sandbox = sandbox().await;
    let clock = Clock::manual();
    let login = builder(&sandbox, LOCAL).clock(clock.clone());
    let login = login.build().unwrap();
    for (later, in_time) in [(599, true), (600, false)] {
        let waiting = login.listen("default").unwrap();
        clock.advance(Duration::from_secs(later));
        let back = sandbox
            .log_in(waiting.authorize_url().as_str(), &sandbox.users()[0])
            .await;
        match waiting.pasted(&back).await {
            Ok(_) => assert!(in_time),
            Err(error) => {
                is(&error, "Callback");
                assert!(!in_time);
            }
        }
    }
}
