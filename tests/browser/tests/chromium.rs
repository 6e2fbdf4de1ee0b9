//! Chromium, and what the tests do with it.

use std::{
    collections::BTreeMap,
    future::Future,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use thirtyfour::{
    ChromiumLikeCapabilities, DesiredCapabilities, LoggingPrefsLogLevel, WebDriver, prelude::*,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};
use url::Url;

/// Runs a test that opens browsers, and closes them even if it fails.
pub fn with_browsers<F>(test: impl FnOnce(Arc<Browsers>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let browsers = Arc::new(Browsers::start().await);
        let ended = tokio::spawn(timeout(TEST_TIMEOUT, test(Arc::clone(&browsers)))).await;
        let opened = std::mem::take(&mut *browsers.opened.lock().unwrap());
        for driver in opened {
            let _ = driver.quit().await;
        }
        match ended {
            Ok(in_time) => in_time.expect("the test takes too long"),
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    });
}

/// A chromedriver on a free port.
pub struct Browsers {
    url: String,
    opened: Mutex<Vec<WebDriver>>,
    _service: Child,
}

/// A browser with a profile of its own.
pub struct Browser {
    driver: WebDriver,
    log: Mutex<Vec<Value>>,
}

/// A response that the browser received.
#[derive(Debug)]
pub struct Response {
    pub url: Url,
    pub status: u64,
    /// The names are in lower case.
    pub headers: BTreeMap<String, String>,
}

impl Browsers {
    async fn start() -> Self {
        let mut service = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver is installed");
        let mut lines = BufReader::new(service.stdout.take().unwrap()).lines();
        let port = loop {
            let line = timeout(TEST_TIMEOUT, lines.next_line())
                .await
                .unwrap()
                .unwrap();
            let line = line.expect("chromedriver prints its port");
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        // Keeps the output open.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self {
            url: format!("http://127.0.0.1:{port}"),
            opened: Mutex::default(),
            _service: service,
        }
    }

    pub async fn open(&self) -> Browser {
        let mut wanted = DesiredCapabilities::chrome();
        for argument in ARGUMENTS {
            wanted.add_arg(argument).unwrap();
        }
        wanted
            .set_logging_prefs("performance", LoggingPrefsLogLevel::All)
            .unwrap();
        let driver = WebDriver::new(&self.url, wanted).await.unwrap();
        self.opened.lock().unwrap().push(driver.clone());
        Browser {
            driver,
            log: Mutex::default(),
        }
    }
}

impl Browser {
    pub async fn goto(&self, url: impl AsRef<str>) {
        self.driver.goto(url.as_ref()).await.unwrap();
    }

    /// Waits for the page with this heading.
    pub async fn shows(&self, heading: &str) {
        self.shows_element("h1", heading).await;
    }

    /// Waits for an element of this kind with this text.
    pub async fn shows_element(&self, name: &str, text: &str) {
        let path = By::XPath(format!("//{name}[normalize-space()='{text}']"));
        let found = self
            .driver
            .query(path)
            .wait(STEP_TIMEOUT, POLL_INTERVAL)
            .exists()
            .await;
        if !found.unwrap_or_default() {
            let source = self.driver.source().await.unwrap_or_default();
            panic!("no {name} {text}, but {}: {source}", self.url().await);
        }
    }

    /// Clicks a button or a link, and waits until another page replaces its page.
    ///
    /// Otherwise the next step could find the elements of the page before.
    pub async fn click(&self, text: &str) {
        let path = format!("//*[self::button or self::a][normalize-space()='{text}']");
        let buttons = self
            .driver
            .query(By::XPath(path))
            .wait(STEP_TIMEOUT, POLL_INTERVAL);
        let button = buttons.first().await.unwrap();
        button.click().await.unwrap();
        let waiter = button.wait_until().wait(STEP_TIMEOUT, POLL_INTERVAL);
        waiter.stale().await.unwrap();
    }

    /// Fills in the sandbox's login page.
    pub async fn log_in(&self, email: &str, password: &str) {
        self.shows("Log in").await;
        for (id, text) in [("email", email), ("password", password)] {
            let field = self.driver.find(By::Id(id)).await.unwrap();
            field.clear().await.unwrap();
            field.send_keys(text).await.unwrap();
        }
        self.click("Log in").await;
    }

    pub async fn back(&self) {
        self.driver.back().await.unwrap();
    }

    /// Opens a tab, switches to it, and returns the former one.
    pub async fn new_tab(&self) -> WindowHandle {
        let before = self.driver.window().await.unwrap();
        let tab = self.driver.new_tab().await.unwrap();
        self.driver.switch_to_window(tab).await.unwrap();
        before
    }

    pub async fn go_to_tab(&self, tab: WindowHandle) {
        self.driver.switch_to_window(tab).await.unwrap();
    }

    pub async fn url(&self) -> Url {
        self.driver.current_url().await.unwrap()
    }

    pub async fn title(&self) -> String {
        self.driver.title().await.unwrap()
    }

    pub async fn source(&self) -> String {
        self.driver.source().await.unwrap()
    }

    /// The texts of all elements of this kind.
    pub async fn texts(&self, name: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for element in self.driver.find_all(By::Tag(name)).await.unwrap() {
            texts.push(element.text().await.unwrap());
        }
        texts
    }

    pub async fn cookie(&self, name: &str) -> Option<Cookie> {
        let all = self.driver.get_all_cookies().await.unwrap();
        all.into_iter().find(|cookie| cookie.name == name)
    }

    pub async fn set_cookie(&self, cookie: Cookie) {
        self.driver.add_cookie(cookie).await.unwrap();
    }

    /// Pictures of the page, in light and dark.
    pub async fn pictures(&self, name: &str) {
        let tools = self.driver.cdp();
        for scheme in ["dark", "light"] {
            let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
            let emulated = tools.send_raw("Emulation.setEmulatedMedia", features);
            emulated.await.unwrap();
            let folder = folder();
            std::fs::create_dir_all(&folder).unwrap();
            let file = folder.join(format!("{name}-{scheme}.png"));
            self.driver.screenshot(&file).await.unwrap();
        }
        // As on a telephone.
        let narrow = json!({"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": true});
        let resized = tools.send_raw("Emulation.setDeviceMetricsOverride", narrow);
        resized.await.unwrap();
        let file = folder().join(format!("{name}-narrow.png"));
        self.driver.screenshot(&file).await.unwrap();
        let restored = tools.send_raw("Emulation.clearDeviceMetricsOverride", json!({}));
        restored.await.unwrap();
    }

    /// The responses so far whose URL starts with `start`, including redirects.
    pub async fn responses(&self, start: &str) -> Vec<Response> {
        let log = self.log().await;
        let responses = log
            .iter()
            .filter_map(|event| match event["method"].as_str()? {
                "Network.responseReceived" => Some(&event["params"]["response"]),
                "Network.requestWillBeSent" => event["params"].get("redirectResponse"),
                _ => None,
            });
        responses
            .map(response)
            .filter(|response| response.url.as_str().starts_with(start))
            .collect()
    }

    /// Asserts that all requests went to this machine.
    pub async fn assert_requests_stayed_local(&self) {
        let log = self.log().await;
        let requests = log
            .iter()
            .filter(|event| event["method"] == "Network.requestWillBeSent");
        let urls: Vec<_> = requests
            .map(|event| event["params"]["request"]["url"].as_str().unwrap())
            .collect();
        assert!(!urls.is_empty());
        for url in urls {
            let url = Url::parse(url).unwrap();
            let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1"));
            assert!(is_local || url.scheme() == "data", "{url}");
        }
    }

    async fn log(&self) -> Vec<Value> {
        let entries = self.driver.get_log("performance").await.unwrap();
        let events = entries.into_iter().map(|entry| {
            let mut entry: Value = serde_json::from_str(&entry.message).unwrap();
            entry["message"].take()
        });
        let mut log = self.log.lock().unwrap();
        log.extend(events);
        log.clone()
    }
}

impl Response {
    /// Asserts the security headers of a page that ends a login.
    #[track_caller]
    pub fn assert_security_headers(&self) {
        let header = |name: &str| self.headers.get(name).map_or("", String::as_str);
        let policy = header("content-security-policy");
        for part in [
            "default-src 'none'",
            "style-src 'unsafe-inline'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{self:?}");
        }
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("referrer-policy"), "no-referrer");
        let others = self.headers.keys();
        let others = others.filter(|name| name.starts_with("access-control-"));
        assert_eq!(others.count(), 0, "{self:?}");
    }
}

fn response(response: &Value) -> Response {
    let headers = response["headers"].as_object().unwrap().iter();
    Response {
        url: response["url"].as_str().unwrap().parse().unwrap(),
        status: response["status"].as_u64().unwrap(),
        headers: headers
            .map(|(name, value)| (name.to_lowercase(), value.as_str().unwrap().to_owned()))
            .collect(),
    }
}

/// A folder next to the programs that Cargo builds.
fn folder() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.ancestors().nth(3).unwrap().join("browser")
}

const ARGUMENTS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--window-size=900,760",
];

const TEST_TIMEOUT: Duration = Duration::from_secs(120);
pub const STEP_TIMEOUT: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(20);
