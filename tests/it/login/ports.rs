//! The port of a login on this machine: which one is bound, and for how long.

use tokio::time::timeout;

use super::*;

#[track_caller]
fn assert_listener(error: &Error, is_timeout: bool) {
    let login = payload!(error, Login);
    assert_eq!(*login.kind(), LoginErrorKind::Listener { is_timeout });
}

#[tokio::test]
async fn timeout_names_the_rejected_requests() {
    let sandbox = sandbox().await;
    let (clock, port) = (Clock::manual(), free_port());
    let builder = builder(&sandbox, LOCAL).clock(clock.clone());
    let builder = builder.ports([port]).login_timeout(Duration::from_secs(60));
    let login = builder.build().unwrap();
    let local = login.listen("default").unwrap();
    let uri = redirect_uri(&local);
    let others = async {
        let (status, _) = browse(&format!("{uri}?code=c&state=another")).await;
        assert_eq!(status, 400);
        assert_eq!(browse(&format!("{uri}/elsewhere")).await.0, 404);
        clock.advance(Duration::from_secs(61));
    };
    let (result, ()) = tokio::join!(local.redirected(), others);
    let error = result.unwrap_err();
    assert_listener(&error, true);
    let text = error.to_string();
    for needed in ["60 s", "another state", "another path", "redirect URI"] {
        assert!(text.contains(needed), "{needed}: {text}");
    }
    assert!(is_free(port));
    assert_eq!(sandbox.token_requests(), 0);

    // It is too late for the browser, but not for a user who pastes.
    let again = timeout(TEST_TIMEOUT, local.redirected()).await.unwrap();
    assert_eq!(again.unwrap_err().to_string(), text);
    let callback = callback_of(&sandbox, local.authorize_url()).await;
    local.pasted(&callback).await.unwrap();
    local.redirected().await.unwrap();
}

#[tokio::test]
async fn only_the_registered_port_is_bound() {
    let port = free_port();
    let uri = format!("http://127.0.0.1:{port}/cb");
    let builder = Sandbox::builder().code_client([&uri]);
    let sandbox = builder.start().await.unwrap();
    let login = login(&sandbox, &uri);
    let local = login.listen("default").unwrap();
    assert_eq!(redirect_uri(&local).as_str(), uri);
    let error = login.listen("default").unwrap_err();
    assert_listener(&error, false);
    assert!(error.to_string().contains(&port.to_string()), "{error}");
    let callback = callback_of(&sandbox, local.authorize_url()).await;
    let (tokens, _) = come_back(&local, &callback).await;
    tokens.unwrap();
    // The port is free although `local` lives.
    assert!(is_free(port));
}

#[tokio::test]
async fn first_free_port_of_a_list_is_bound() {
    let sandbox = sandbox().await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken_port = taken.local_addr().unwrap().port();
    let free = free_port();
    let builder = builder(&sandbox, LOCAL).ports([taken_port, free]);
    let local = builder.build().unwrap().listen("default").unwrap();
    assert_eq!(redirect_uri(&local).port(), Some(free));
    let callback = callback_of(&sandbox, local.authorize_url()).await;
    local.pasted(&callback).await.unwrap();
}

#[tokio::test]
async fn only_a_loopback_redirect_uri_can_be_listened_at() {
    let sandbox = sandbox().await;
    for uri in [WEB, "https://localhost:8443/cb"] {
        let error = login(&sandbox, uri).listen("default").unwrap_err();
        assert_kind(&error, "Configuration");
    }
    let error = login(&sandbox, LOCAL).listen("").unwrap_err();
    assert_kind(&error, "Configuration");
    let no_ports = builder(&sandbox, LOCAL).ports([]);
    assert_kind(&no_ports.build().unwrap_err(), "Configuration");
    let no_time = builder(&sandbox, LOCAL).login_timeout(Duration::ZERO);
    assert_kind(&no_time.build().unwrap_err(), "Configuration");
}

#[tokio::test]
async fn dropped_local_login_frees_its_port() {
    let port = free_port();
    let builder = unknown_client().ports([port]);
    let login = builder.build().unwrap();
    for waits in [false, true] {
        let local = login.listen("default").unwrap();
        let stranger = format!("{}?code=c&state=another", redirect_uri(&local));
        if waits {
            tokio::select! {
                _ = local.redirected() => panic!("no user logs in"),
                (status, _) = browse(&stranger) => assert_eq!(status, 400),
            }
        }
        assert!(!is_free(port), "a caller may wait again");
        drop(local);
        assert!(is_free(port));
    }
}

#[tokio::test]
async fn browser_is_waited_for_five_minutes() {
    let clock = Clock::manual();
    let builder = unknown_client().clock(clock.clone());
    let local = builder.build().unwrap().listen("default").unwrap();
    let stranger = format!("{}?code=c&state=another", redirect_uri(&local));
    let time_passes = async {
        clock.advance(Duration::from_secs(5 * 60 - 60));
        assert_eq!(browse(&stranger).await.0, 400);
        clock.advance(Duration::from_secs(60));
    };
    let both = async { tokio::join!(local.redirected(), time_passes) };
    let (result, ()) = timeout(TEST_TIMEOUT, both).await.unwrap();
    let error = result.unwrap_err();
    assert_listener(&error, true);
    assert_contains(&error, "300 s");
}

#[tokio::test]
async fn paste_is_accepted_for_ten_minutes() {
    let sandbox = sandbox().await;
    let clock = Clock::manual();
    let login = builder(&sandbox, LOCAL).clock(clock.clone());
    let login = login.build().unwrap();
    for (seconds, in_time) in [(599, true), (600, false)] {
        let local = login.listen("default").unwrap();
        clock.advance(Duration::from_secs(seconds));
        let callback = callback_of(&sandbox, local.authorize_url()).await;
        let pasted = local.pasted(&callback).await;
        assert_eq!(pasted.is_ok(), in_time);
        if let Err(error) = pasted {
            assert_kind(&error, "Callback");
        }
    }
}
