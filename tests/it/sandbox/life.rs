//! Start, stop, and the record.

use std::net::TcpListener;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use genesys_cloud_auth::sandbox::{FaultResponse, Sandbox, SandboxHost};
use secrecy::ExposeSecret as _;
#[cfg(target_os = "linux")]
use tokio::time::timeout;

#[cfg(target_os = "linux")]
use super::DEADLINE;
use super::{ORGANIZATION, Wire, ask, call, get, token, token_request};

#[tokio::test]
async fn a_dropped_sandbox_is_gone_whatever_it_holds() {
    let sandbox = Sandbox::start().await.unwrap();
    let address = sandbox.url().replace("http://", "");
    let gate = sandbox.at_token_endpoint().gate();
    sandbox.at_api().stall();
    let mut held = Wire::connect(&sandbox).await;
    held.send(token_request(&sandbox)).await;
    gate.wait_for(1).await;
    let mut stalled = Wire::connect(&sandbox).await;
    stalled.send(call("GET", ORGANIZATION, "any")).await;
    sandbox.wait_for_api_requests(1).await;
    let mut idle = Wire::connect(&sandbox).await;
    let mut half = Wire::connect(&sandbox).await;
    half.send("POST /login/oauth/tok").await;
    #[cfg(target_os = "linux")]
    assert!(has_thread(&address));

    drop(sandbox);
    // Taken before another test gets it, and kept, so that the name says which thread it is.
    let _port = TcpListener::bind(&address).unwrap();
    // The kernel lists a thread for a moment after it was joined.
    #[cfg(target_os = "linux")]
    timeout(DEADLINE, async {
        while has_thread(&address) {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the thread has ended");
    for wire in [&mut held, &mut stalled, &mut idle, &mut half] {
        assert!(wire.answer_or_end(true).await.is_none());
    }
    assert_eq!(gate.held(), 0);
}

#[tokio::test]
async fn a_gate_may_outlive_its_sandbox() {
    let sandbox = Sandbox::start().await.unwrap();
    let gate = sandbox.at_api().gate();
    drop(sandbox);
    let waiting = tokio::spawn(gate.wait_for(1));
    let message = waiting.await.unwrap_err().into_panic();
    let message = message.downcast_ref::<String>().unwrap();
    assert!(message.contains("waited for 1 requests held at a gate, saw 0"));
    assert!(message.contains(file!()), "{message}");
    gate.release();
}

/// hyper itself, where it checks, will not have a length that is not the body's.
#[cfg(debug_assertions)]
#[tokio::test]
async fn a_panic_inside_fails_the_test() {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    let sandbox = Sandbox::start().await.unwrap();
    let answer = FaultResponse::new(200)
        .header("Content-Length", "1")
        .body("long");
    sandbox.at_api().respond(answer);
    let mut wire = Wire::connect(&sandbox).await;
    wire.send(call("GET", ORGANIZATION, "any")).await;
    assert!(wire.answer_or_end(true).await.is_none());
    let panic = catch_unwind(AssertUnwindSafe(|| drop(sandbox))).unwrap_err();
    let message = panic.downcast_ref::<&str>().unwrap();
    assert!(message.contains("the sandbox panicked"));
}

#[tokio::test]
async fn twenty_live_at_once() {
    let mut sandboxes = Vec::new();
    for _ in 0..20 {
        sandboxes.push(Sandbox::start().await.unwrap());
    }
    let foreign = token(&sandboxes[0]).await;
    for sandbox in &sandboxes[1..] {
        let own = token(sandbox).await;
        assert_eq!(get(sandbox, ORGANIZATION, &own).await.status, 200);
        assert_eq!(get(sandbox, ORGANIZATION, &foreign).await.status, 401);
        assert_eq!((sandbox.token_requests(), sandbox.api_requests()), (1, 2));
    }
    assert_eq!(get(&sandboxes[0], ORGANIZATION, &foreign).await.status, 200);
}

#[test]
fn a_sandbox_needs_nothing_of_the_runtime_it_is_started_on() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
    };
    // Neither timers nor sockets here; and the runtime that started it may end.
    let sandbox = runtime().block_on(Sandbox::start()).unwrap();
    runtime().block_on(async {
        let gate = sandbox.at_token_endpoint().gate();
        gate.wait_for(0).await;
    });
    assert_eq!(
        http_by_hand(&sandbox, &token_request(&sandbox)),
        "HTTP/1.1 200 OK"
    );
    // Dropped on no runtime, and on another thread.
    std::thread::spawn(move || drop(sandbox)).join().unwrap();
}

#[tokio::test(start_paused = true)]
async fn waiting_does_not_look_at_the_tests_clock() {
    let sandbox = Sandbox::start().await.unwrap();
    let request = token_request(&sandbox);
    let address = sandbox.url().replace("http://", "");
    let waiting = sandbox.wait_for_token_requests(1);
    let client = std::thread::spawn(move || send_by_hand(&address, &request));
    waiting.await;
    assert_eq!(sandbox.token_requests(), 1);
    client.join().unwrap();
}

#[tokio::test]
async fn the_record_holds_what_was_sent() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
    let path = format!("{ORGANIZATION}?expand=%7Esecretly");
    ask(&sandbox, call("GET", &path, &token)).await;
    ask(&sandbox, "GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let [first, second, third] = sandbox.requests().try_into().unwrap();

    assert_eq!(first.host(), Some(SandboxHost::Login));
    assert_eq!(
        (first.method().as_str(), first.path()),
        ("POST", "/oauth/token")
    );
    assert_eq!(first.uri().path(), "/login/oauth/token");
    assert_eq!(first.body(), b"grant_type=client_credentials");
    assert_eq!(
        first.form(),
        [("grant_type".into(), "client_credentials".into())]
    );
    assert_eq!(first.status().unwrap(), 200);
    let authorization = first.headers()["authorization"].to_str().unwrap();
    let secret = sandbox.client_secret();
    let credentials = format!("{}:{}", sandbox.client_id(), secret.expose_secret());
    assert_eq!(
        authorization,
        format!("Basic {}", STANDARD.encode(credentials))
    );

    assert_eq!(second.host(), Some(SandboxHost::Api));
    assert_eq!(second.path(), ORGANIZATION);
    assert_eq!(second.query(), Some("expand=%7Esecretly"));
    assert_eq!(second.headers()["authorization"], format!("Bearer {token}"));
    assert_eq!((third.host(), third.path()), (None, "/elsewhere"));

    let shown = format!(
        "{sandbox:?} {:?} {:#?}",
        sandbox.requests(),
        sandbox.requests()
    );
    for hidden in [
        authorization,
        secret.expose_secret(),
        &token,
        "secretly",
        "grant_type",
    ] {
        assert!(!shown.contains(hidden), "{hidden}");
    }
    assert!(shown.contains("/oauth/token"));
    let builder = Sandbox::builder().client("id", "hidden");
    assert!(!format!("{builder:?}").contains("hidden"));
}

/// Whether a thread of this process serves `address`.
#[cfg(target_os = "linux")]
fn has_thread(address: &str) -> bool {
    let port = address.rsplit(':').next().unwrap();
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .any(|name| name.trim() == format!("sandbox-{port}"))
}

fn http_by_hand(sandbox: &Sandbox, request: &str) -> String {
    let answer = send_by_hand(&sandbox.url().replace("http://", ""), request);
    answer.lines().next().unwrap().to_owned()
}

fn send_by_hand(address: &str, request: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let request = request.replace("Host: x", "Host: x\r\nConnection: close");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
