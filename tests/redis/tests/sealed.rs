//! What a reader of Redis can see.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    sync::mpsc,
    thread,
    time::Duration,
};

use genesys_cloud_auth::{Clock, TokenProvider, sandbox::Sandbox, store::SealingKey};
use redis::{Value, cmd};

use crate::{
    conformance::now,
    member::{LIFE, Site, USER, WEB, hash_of, log_in, log_in_as, sandbox},
    server::Server,
};

/// Each value that must not be seen, and what it is.
type Secrets = Vec<(&'static str, String)>;

#[tokio::test]
async fn redis_sees_no_secret_and_no_identity() {
    let sealed = traffic(SealingKey::from_bytes(*b"k/SentinelOfTheSealingKey9182+/=")).await;
    for (what, secret) in &sealed.1 {
        assert!(!contains(&sealed.0, secret), "{what} is in Redis");
    }
    // The search finds what is there.
    let (bytes, secrets) = traffic(SealingKey::unsealed()).await;
    let seen = secrets
        .iter()
        .filter(|(_, secret)| contains(&bytes, secret));
    let seen: Vec<_> = seen.map(|(what, _)| *what).collect();
    assert_eq!(seen, ["the login's token"]);
    assert_eq!(planted().await, 2);
}

/// All bytes of a service and of a login that was renewed: what `MONITOR` shows and what is stored.
async fn traffic(key: SealingKey) -> (Vec<u8>, Secrets) {
    let server = Server::start_with(&["--rdbcompression", "no"]);
    let services = sandbox().await;
    let builder = Sandbox::builder().code_client([WEB]).token_lifetime(LIFE);
    let sandbox = builder.start().await.unwrap();
    let site = Site::of(&sandbox, &server.url());
    let service = Site::of(&services, &server.url());
    let monitor = Monitor::start(&server);
    let clock = Clock::manual();
    let service_token = service.tokens(&clock).token().await.unwrap();
    let user = log_in(&sandbox, &site.login(key, &clock)).await;
    clock.advance(LIFE);
    let login_token = user.token().await.unwrap();
    let mut bytes = monitor.end(&server).await;
    bytes.extend(stored(&server).await);
    let email = sandbox.users()[0].email().to_owned();
    let secrets = vec![
        (
            "the service's token",
            service_token.expose_secret().to_owned(),
        ),
        ("the login's token", login_token.expose_secret().to_owned()),
        ("the service's secret", service.secret),
        ("the service's client id", service.client_id),
        ("the client id", site.client_id),
        ("the user", email),
        ("the login's name", format!("\"{USER}\"")),
    ];
    (bytes, secrets)
}

/// How many places show a value that was set: `MONITOR` and the stored bytes.
async fn planted() -> usize {
    let server = Server::start_with(&["--rdbcompression", "no"]);
    let monitor = Monitor::start(&server);
    server.ask(&["SET", "a", "a-planted-secret"]).await;
    let seen = [monitor.end(&server).await, stored(&server).await];
    seen.iter()
        .filter(|bytes| contains(bytes, "a-planted-secret"))
        .count()
}

async fn stored(server: &Server) -> Vec<u8> {
    let mut connection = server.connection().await;
    let mut bytes = Vec::new();
    for key in server.keys().await {
        bytes.extend(key.as_bytes());
        let dump = cmd("DUMP").arg(&key).query_async(&mut connection).await;
        let Value::BulkString(dump) = dump.unwrap() else {
            panic!("{key} is gone")
        };
        bytes.extend(dump);
    }
    bytes
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

/// What `MONITOR` shows.
struct Monitor(mpsc::Receiver<Vec<u8>>);

impl Monitor {
    fn start(server: &Server) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        stream.write_all(b"MONITOR\r\n").unwrap();
        let mut lines = BufReader::new(stream);
        let mut line = Vec::new();
        lines.read_until(b'\n', &mut line).unwrap();
        assert_eq!(line, b"+OK\r\n");
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut all = Vec::new();
            while !contains(&all, LAST) && lines.read_until(b'\n', &mut all).unwrap() > 0 {}
            sender.send(all)
        });
        Self(receiver)
    }

    async fn end(self, server: &Server) -> Vec<u8> {
        server.ask(&["ECHO", LAST]).await;
        self.0.recv_timeout(Duration::from_secs(60)).unwrap()
    }
}

const LAST: &str = "the last command";

/// Its life in Redis is that of its token.
#[tokio::test]
async fn record_of_a_service_ends_with_its_token() {
    let (sandbox, server) = (sandbox().await, Server::start());
    let site = Site::of(&sandbox, &server.url());
    site.tokens(&Clock::manual()).token().await.unwrap();
    let record = server.record().await;
    let Value::Int(left) = server.ask(&["PEXPIRETIME", &record]).await else {
        panic!("no time")
    };
    let end = now().duration_since(std::time::UNIX_EPOCH).unwrap() + LIFE;
    assert!(i128::from(left).abs_diff(i128::try_from(end.as_millis()).unwrap()) < 60_000);
}

/// Both services have one secret and so one sealing key: only the region differs.
#[tokio::test]
async fn record_under_another_key_is_not_served() {
    let (sandbox, server) = (sandbox().await, Server::start());
    let site = Site::of(&sandbox, &server.url());
    let clock = Clock::manual();
    let token = site.tokens(&clock).token().await.unwrap();
    let record = server.record().await;
    let other = || {
        let builder = TokenProvider::builder(sandbox.region(), sandbox.client_credentials());
        builder.clock(clock.clone()).store(site.store()).build()
    };
    other().unwrap().token().await.unwrap();
    assert_eq!(sandbox.token_requests(), 2);
    copy_over_the_other(&server, &record).await;
    // A process that starts finds nothing that opens, and replaces it.
    let next = other().unwrap().token().await.unwrap();
    assert_ne!(hash_of(&token), hash_of(&next));
    let last = other().unwrap().token().await.unwrap();
    assert_eq!(hash_of(&last), hash_of(&next));
    assert_eq!(sandbox.token_requests(), 3);
}

#[tokio::test]
async fn login_under_the_name_of_another_user_is_not_found() {
    let builder = Sandbox::builder().code_client([WEB]).token_lifetime(LIFE);
    let (sandbox, server) = (builder.start().await.unwrap(), Server::start());
    let site = Site::of(&sandbox, &server.url());
    let open = || site.login(SealingKey::from_bytes([7; 32]), &Clock::manual());
    log_in(&sandbox, &open()).await;
    let record = server.record().await;
    log_in_as("another", &sandbox, &open()).await;
    assert!(open().saved("another").await.unwrap().is_some());
    copy_over_the_other(&server, &record).await;
    assert!(open().saved("another").await.unwrap().is_none());
    assert!(open().saved(USER).await.unwrap().is_some());
}

async fn copy_over_the_other(server: &Server, record: &str) {
    let mut records = server.keys().await;
    records.retain(|key| key.ends_with(":record") && *key != record);
    let [other] = &records[..] else {
        panic!("{records:?}")
    };
    let copied = ["COPY", record, other, "REPLACE"];
    assert_eq!(server.ask(&copied).await, Value::Int(1));
}

/// An older record that somebody puts back is not used by a process that requested or loaded a newer
/// one. Its token is valid and was not rejected there.
#[tokio::test]
async fn service_record_that_is_put_back_is_not_served() {
    let server = Server::start();
    let sandbox = sandbox().await;
    let site = Site::of(&sandbox, &server.url());
    let clock = Clock::manual();
    let old = site.tokens(&clock).token().await.unwrap();
    let record = server.record().await;
    server.ask(&["RENAME", &record, "kept"]).await;
    clock.advance(Duration::from_secs(1));
    let (requester, loader) = (site.tokens(&clock), site.tokens(&clock));
    for process in [&requester, &loader] {
        process.token().await.unwrap();
    }
    assert_eq!(sandbox.token_requests(), 2);
    let mut requests = 2;
    for process in [&requester, &loader] {
        server.ask(&["COPY", "kept", &record, "REPLACE"]).await;
        // Whoever has not seen the newer one cannot know.
        let unknowing = site.tokens(&clock).token().await.unwrap();
        assert_eq!(hash_of(&unknowing), hash_of(&old));
        process.invalidate(&process.token().await.unwrap());
        let next = process.token().await.unwrap();
        assert_ne!(hash_of(&next), hash_of(&old));
        requests += 1;
        assert_eq!(sandbox.token_requests(), requests);
        // It is stored in the place of the old one.
        let shared = site.tokens(&clock).token().await.unwrap();
        assert_eq!(hash_of(&shared), hash_of(&next));
    }
    assert_eq!(sandbox.token_requests(), requests);
}
