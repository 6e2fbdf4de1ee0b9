//! What is measured under callgrind.

use std::{
    future::Future,
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use genesys_cloud_auth::{
    HttpClient, PlatformClient, TokenProvider,
    http::{
        HeaderMap, HeaderValue,
        header::{ACCEPT, AUTHORIZATION, USER_AGENT},
    },
    reqwest,
};
use performance::{Result, provider, runtime};
use tokio::runtime::Runtime;

use crate::callgrind::measured;

/// Evaluates an expression, which may await, as often as a batch has it.
macro_rules! batch {
    ($work:expr) => {
        Box::new(|| {
            ready(async {
                for _ in 0..BATCH {
                    black_box($work);
                }
            })
        })
    };
}

/// Runs a workload several times.
pub fn run_workload(name: &str, url: &str) -> Result<()> {
    let fixture = Fixture::new(url)?;
    let tokens = &fixture.tokens;
    let plant_clock = name == "header-and-clock";
    let plant_allocation = name == "header-and-allocation";
    let mut steps: Vec<Box<dyn FnMut() + '_>> = match name {
        "static" => vec![batch!(STATIC.clone())],
        "token" => vec![batch!(tokens.token().await.unwrap())],
        "header" | "header-and-clock" | "header-and-allocation" => vec![batch!({
            if plant_clock {
                black_box(SystemTime::now());
            }
            if plant_allocation {
                black_box(Box::new(1_u64));
            }
            tokens.authorization_header().await.unwrap()
        })],
        "api" => vec![
            Box::new(|| fixture.bare_call()),
            Box::new(|| fixture.own_call()),
        ],
        // Planted faults.
        "api-and-string" => vec![
            Box::new(|| fixture.bare_call()),
            Box::new(|| {
                fixture.own_call();
                black_box(format!("GET {PATH}"));
            }),
        ],
        _ => return Err(format!("there is no workload {name}").into()),
    };
    // The first calls open the connections and fill what threads keep.
    for _ in 0..3 {
        steps.iter_mut().for_each(|step| step());
    }
    for _ in 0..REPEATS {
        for step in &mut steps {
            measured(step);
        }
    }
    Ok(())
}

/// What the workloads use. The provider has a token.
struct Fixture {
    runtime: Runtime,
    tokens: TokenProvider,
    api: PlatformClient,
    bare: reqwest::Client,
    /// The headers that the crate sends.
    headers: HeaderMap,
    url: String,
}

impl Fixture {
    fn new(url: &str) -> Result<Self> {
        let runtime = runtime()?;
        let tokens = provider(url, &HttpClient::default())?;
        let authorization = runtime.block_on(tokens.authorization_header())?;
        let headers = HeaderMap::from_iter([
            (ACCEPT, HeaderValue::from_static("application/json")),
            (
                USER_AGENT,
                HeaderValue::from_static("genesys-cloud-auth/0.1.0"),
            ),
            (AUTHORIZATION, authorization),
        ]);
        Ok(Self {
            runtime,
            api: PlatformClient::new(tokens.clone()),
            tokens,
            bare: reqwest::Client::new(),
            headers,
            url: format!("{url}{PATH}"),
        })
    }

    #[allow(clippy::unwrap_used, reason = "a workload that fails ends the program")]
    fn own_call(&self) {
        let body = self.runtime.block_on(async {
            let response = self.api.get(PATH).send().await.unwrap();
            response.bytes().await.unwrap()
        });
        black_box(body);
    }

    #[allow(clippy::unwrap_used, reason = "a workload that fails ends the program")]
    fn bare_call(&self) {
        let body = self.runtime.block_on(async {
            let request = self.bare.get(&self.url).headers(self.headers.clone());
            let response = request.timeout(TIMEOUT).send().await.unwrap();
            response.bytes().await.unwrap()
        });
        black_box(body);
    }
}

/// Returns the output of a future that is ready.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("there is no valid token"),
    }
}

/// The calls that are measured as one, where a call is brief.
pub const BATCH: i64 = 100;

const REPEATS: usize = 31;
const PATH: &str = "/api/v2/organizations/me";
const TIMEOUT: Duration = Duration::from_secs(60);
static STATIC: HeaderValue = HeaderValue::from_static("Bearer x");
