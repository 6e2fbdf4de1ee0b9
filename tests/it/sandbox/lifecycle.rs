//! Start, stop, and the recorded requests.

use std::net::TcpListener;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use genesys_cloud_auth::sandbox::{FaultResponse, Sandbox, SandboxHost};
use secrecy::ExposeSecret as _;
use tokio::runtime::Builder;
#[cfg(target_os = "linux")]
use tokio::time::timeout;

#[cfg(target_os = "linux")]
use super::DEADLINE;
use super::{
    ORGANIZATION, Wire, api_request, get, own_request, send, start_with_token, token,
    token_request, with_headers,
};

#[tokio::test]
async fn dropped_sandbox_ends_thread_port_and_connections() {
    let sandbox = Sandbox::start().await.unwrap();
    let address = sandbox.url().replace("http://", "");
    let gate = sandbox.at_token_endpoint().gate();
    sandbox.at_api().stall();
    let mut held = Wire::with_request(&sandbox, token_request(&sandbox)).await;
    gate.wait_for(1).await;
    let mut stalled = Wire::with_request(&sandbox, api_request("GET", ORGANIZATION, "any")).await;
    sandbox.wait_for_api_requests(1).await;
    let mut idle = Wire::connect(&sandbox).await;
    let mut half = Wire::with_request(&sandbox, "POST /oauth/tok").await;
    #[cfg(target_os = "linux")]
    assert!(has_thread(&address));

    drop(sandbox);
    // Holding the port keeps other sandboxes from using it, and with it the thread's name.
    let _port = TcpListener::bind(&address).unwrap();
    // Linux lists a thread for a moment after it was joined.
    #[cfg(target_os = "linux")]
    timeout(DEADLINE, async {
        while has_thread(&address) {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the thread has ended");
    for wire in [&mut held, &mut stalled, &mut idle, &mut half] {
        assert!(wire.response_or_end(true).await.is_none());
    }
    assert_eq!(gate.held(), 0);
}

#[tokio::test]
async fn gate_may_outlive_its_sandbox() {
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

/// With debug assertions hyper panics if Content-Length differs from the body.
#[cfg(debug_assertions)]
#[tokio::test]
async fn panic_in_the_sandbox_fails_the_test() {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    let sandbox = Sandbox::start().await.unwrap();
    let response = FaultResponse::new(200).header("Content-Length", "1");
    sandbox.at_api().respond(response.body("long"));
    let mut wire = Wire::with_request(&sandbox, api_request("GET", ORGANIZATION, "any")).await;
    assert!(wire.response_or_end(true).await.is_none());
    let panic = catch_unwind(AssertUnwindSafe(|| drop(sandbox))).unwrap_err();
    let message = panic.downcast_ref::<&str>().unwrap();
    assert!(message.contains("the sandbox panicked"));
}

#[tokio::test]
async fn many_sandboxes_run_at_once() {
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
fn sandbox_does_not_depend_on_the_tests_runtime() {
    let runtime = || Builder::new_current_thread().build().unwrap();
    // These runtimes have no timers and no sockets, and end before the sandbox.
    let sandbox = runtime().block_on(Sandbox::start()).unwrap();
    runtime().block_on(async {
        let gate = sandbox.at_token_endpoint().gate();
        gate.wait_for(0).await;
    });
    let line = status_line(&sandbox, &token_request(&sandbox));
    assert_eq!(line, "HTTP/1.1 200 OK");
    // It may be dropped outside a runtime and on another thread.
    std::thread::spawn(move || drop(sandbox)).join().unwrap();
}

#[tokio::test(start_paused = true)]
async fn waiting_ignores_the_tests_paused_clock() {
    let sandbox = Sandbox::start().await.unwrap();
    let request = token_request(&sandbox);
    let address = sandbox.url().replace("http://", "");
    let waiting = sandbox.wait_for_token_requests(1);
    let client = std::thread::spawn(move || send_blocking(&address, &request));
    waiting.await;
    assert_eq!(sandbox.token_requests(), 1);
    client.join().unwrap();
}

#[tokio::test]
async fn recorded_requests_hold_what_was_sent() {
    let (sandbox, token) = start_with_token().await;
    let path = format!("{ORGANIZATION}?expand=%7Esecretly");
    send(&sandbox, api_request("GET", &path, &token)).await;
    send(&sandbox, own_request(&sandbox, "GET", "/elsewhere")).await;
    let [first, second, third] = sandbox.requests().try_into().unwrap();

    assert_eq!(first.host(), Some(SandboxHost::Login));
    assert_eq!(first.method(), "POST");
    assert_eq!(first.path(), "/oauth/token");
    assert_eq!(first.uri().path(), "/oauth/token");
    assert_eq!(first.body(), b"grant_type=client_credentials");
    let form = [("grant_type".into(), "client_credentials".into())];
    assert_eq!(first.form(), form);
    assert_eq!(first.status().unwrap(), 200);
    let authorization = first.headers()["authorization"].to_str().unwrap();
    let secret = sandbox.client_secret();
    let credentials = format!("{}:{}", sandbox.client_id(), secret.expose_secret());
    let expected = format!("Basic {}", STANDARD.encode(credentials));
    assert_eq!(authorization, expected);

    assert_eq!(second.host(), Some(SandboxHost::Api));
    assert_eq!(second.path(), ORGANIZATION);
    assert_eq!(second.query(), Some("expand=%7Esecretly"));
    assert_eq!(second.headers()["authorization"], format!("Bearer {token}"));
    assert_eq!(third.host(), None);
    assert_eq!(third.path(), "/elsewhere");

    let requests = sandbox.requests();
    let debug = format!("{sandbox:?} {requests:?} {requests:#?}");
    let secret = secret.expose_secret();
    for hidden in [authorization, secret, &token, "secretly", "grant_type"] {
        assert!(!debug.contains(hidden), "{hidden}");
    }
    assert!(debug.contains("/oauth/token"));
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

fn status_line(sandbox: &Sandbox, request: &str) -> String {
    let response = send_blocking(&sandbox.url().replace("http://", ""), request);
    response.lines().next().unwrap().to_owned()
}

fn send_blocking(address: &str, request: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let request = with_headers(request, "Connection: close\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}
