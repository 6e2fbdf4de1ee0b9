//! The figures of the guide "Stores" about planning a fleet.

use std::{collections::BTreeMap, future::Future, time::Duration};

use genesys_cloud_auth::{
    Clock, TokenProvider,
    limits::{DEFAULT_TOKEN_DURATION, RECOMMENDED_TOKEN_DURATION},
    sandbox::Sandbox,
    store::RedisStore,
};
use redis::{aio::MultiplexedConnection, cmd};
use tokio::time::{sleep, timeout};

use crate::{
    member::{LIFE, Site, runtime, sandbox},
    server::Server,
};

const GUIDE: &str = include_str!("../../../src/guide/stores.md");

/// What Redis has counted.
#[derive(Debug, PartialEq)]
struct Traffic {
    loads: usize,
    scripts: usize,
    connections: usize,
    received: usize,
    sent: usize,
}

/// Returns what Redis counts during an action.
async fn measure(connection: &mut MultiplexedConnection, action: impl Future) -> Traffic {
    let mut reset = cmd("CONFIG");
    reset.arg("RESETSTAT");
    let () = reset.query_async(connection).await.unwrap();
    action.await;
    let mut info = cmd("INFO");
    let info: String = info
        .arg("everything")
        .query_async(connection)
        .await
        .unwrap();
    let lines = info.lines().filter_map(|line| line.trim().split_once(':'));
    let counts: BTreeMap<_, _> = lines.collect();
    let count = |name: &str| {
        let text = counts
            .get(name)
            .unwrap_or(&"0")
            .trim_start_matches("calls=");
        text.split(',').next().unwrap().parse::<usize>().unwrap()
    };
    Traffic {
        loads: count("cmdstat_getrange"),
        scripts: count("cmdstat_eval"),
        connections: count("total_connections_received"),
        // Without the two commands that measure.
        received: count("total_net_input_bytes")
            - "*2\r\n$4\r\nINFO\r\n$10\r\neverything\r\n".len(),
        sent: count("total_net_output_bytes") - "+OK\r\n".len(),
    }
}

/// Waits until the provider uses another token.
async fn renew(tokens: &TokenProvider, old: &str) {
    let renewed = async {
        while tokens.token().await.unwrap().expose_secret() == old {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, renewed).await.unwrap();
}

async fn set_up() -> (Sandbox, Server, Site, Clock) {
    let (sandbox, server) = (sandbox().await, Server::start());
    let site = Site::of(&sandbox, &server.url());
    (sandbox, server, site, Clock::manual())
}

#[test]
fn instance_costs_redis_what_the_guide_says() {
    runtime().block_on(async {
        let (sandbox, server, site, clock) = set_up().await;
        let mut connection = server.connection().await;
        let (first, second) = (site.tokens(&clock), site.tokens(&clock));
        let first_start = measure(&mut connection, first.token()).await;
        let later_start = measure(&mut connection, second.token()).await;
        let old = first.token().await.unwrap();
        let old = old.expose_secret();
        // Each renews when at most 25 % to 15 % of the life are left.
        clock.advance(LIFE * 86 / 100);
        let first_renewal = measure(&mut connection, renew(&first, old)).await;
        let later_renewal = measure(&mut connection, renew(&second, old)).await;
        assert_eq!(sandbox.token_requests(), 2);

        // Loads, scripts and connections; then at most so many bytes.
        let rows = [
            (
                "the first that starts",
                first_start,
                (2, 2, 1),
                (1_500, 200),
            ),
            (
                "another that starts later",
                later_start,
                (1, 0, 1),
                (250, 350),
            ),
            (
                "the first that renews",
                first_renewal,
                (2, 2, 0),
                (1_400, 500),
            ),
            (
                "another that renews later",
                later_renewal,
                (1, 0, 0),
                RENEWAL,
            ),
        ];
        for (name, traffic, counts, (received, sent)) in rows {
            let measured = (traffic.loads, traffic.scripts, traffic.connections);
            assert_eq!(measured, counts, "{name}: {traffic:?}");
            for (measured, most) in [(traffic.received, received), (traffic.sent, sent)] {
                assert!((most / 2..=most).contains(&measured), "{name}: {traffic:?}");
            }
            let commands = counts.0 + counts.1;
            let row = format!(
                "| {name} | {commands} | {} | {} |",
                number(received),
                number(sent)
            );
            assert!(GUIDE.contains(&row), "{row}");
        }
        let record = server.record().await;
        let size = server.ask(&["MEMORY", "USAGE", &record]).await;
        assert!(matches!(size, redis::Value::Int(300..=400)), "{size:?}");
        assert!(GUIDE.contains("takes at most 400 bytes of memory"));
        let clients: String = cmd("CLIENT")
            .arg("LIST")
            .query_async(&mut connection)
            .await
            .unwrap();
        let idle = clients
            .lines()
            .find(|line| line.contains("cmd=getrange"))
            .unwrap();
        let memory = idle.split(" tot-mem=").nth(1).unwrap();
        let memory: usize = memory.split(' ').next().unwrap().parse().unwrap();
        assert!((CONNECTION / 2..=CONNECTION).contains(&memory), "{idle}");
        assert!(GUIDE.contains("a connection at most\n40 KB"));
    });
}

#[test]
fn fleets_of_the_guide_are_sums_of_the_instances() {
    for instances in [10, 1_000, 100_000] {
        let bytes = 1_400 + 500 + (instances - 1) * (RENEWAL.0 + RENEWAL.1);
        let row = [
            number(instances),
            number(1),
            number(4 + (instances - 1)),
            size(bytes),
            number(instances),
            size(instances * CONNECTION),
        ];
        let row = format!("| {} |", row.join(" | "));
        assert!(GUIDE.contains(&row), "{row}");
    }
    for (name, life) in [
        ("24 hours", DEFAULT_TOKEN_DURATION),
        ("18 hours", RECOMMENDED_TOKEN_DURATION),
    ] {
        // Renewals are spread over a tenth of the life: its last 25 % to 15 %.
        let minutes = usize::try_from(life.as_secs() / 600).unwrap();
        let requests = [10, 1_000, 100_000].map(|instances| match instances / minutes {
            0 => "below 1".to_owned(),
            _ => number((instances + minutes / 2) / minutes),
        });
        let most = number(minutes * 300);
        let row = format!("| {name} | {minutes} | {} | {most} |", requests.join(" | "));
        assert!(GUIDE.contains(&row), "{row}");
    }
}

fn number(number: usize) -> String {
    let digits = number.to_string();
    match digits.len() {
        0..=3 => digits,
        length => format!("{},{}", &digits[..length - 3], &digits[length - 3..]),
    }
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1_000_000 => format!("{} KB", bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    }
}

#[test]
fn crowd_that_waits_has_two_connections_each() {
    const CROWD: usize = 100;
    runtime().block_on(async {
        let (sandbox, server, site, clock) = set_up().await;
        let gate = sandbox.at_token_endpoint().times(1).gate();
        let crowd = (0..CROWD)
            .map(|_| site.tokens(&clock))
            .map(|tokens| tokio::spawn(async move { tokens.token().await.map(drop) }));
        let crowd: Vec<_> = crowd.collect();
        gate.wait_for(1).await;
        let mut connection = server.connection().await;
        let waiting = async {
            loop {
                let clients: String = cmd("CLIENT")
                    .arg("LIST")
                    .query_async(&mut connection)
                    .await
                    .unwrap();
                if clients
                    .lines()
                    .filter(|line| line.contains(" sub=1 "))
                    .count()
                    == CROWD - 1
                {
                    // The last is the one that counts.
                    return clients.lines().count() - 1;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        assert_eq!(timeout(DEADLINE, waiting).await.unwrap(), 2 * CROWD - 1);
        gate.release();
        for instance in crowd {
            instance.await.unwrap().unwrap();
        }
        assert_eq!(sandbox.token_requests(), 1);
    });
}

#[test]
fn databases_of_one_redis_hold_a_token_each() {
    runtime().block_on(async {
        let (sandbox, _server, site, clock) = set_up().await;
        for database in [0, 0, 1, 1] {
            let store = RedisStore::new(&format!("{}/{database}", site.redis)).unwrap();
            let tokens = site.builder(&clock).store(store).build().unwrap();
            tokens.token().await.unwrap();
        }
        assert_eq!(sandbox.token_requests(), 2);
    });
}

/// The bytes that Redis receives and sends when an instance finds that another one has renewed.
const RENEWAL: (usize, usize) = (150, 250);

/// The bytes of memory of a connection.
const CONNECTION: usize = 40_000;

const DEADLINE: Duration = Duration::from_secs(30);
