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

/// Runs a test that may open browsers, and ends them however it ends.
pub fn with_browsers<F>(test: impl FnOnce(Arc<Browsers>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let browsers = Arc::new(Browsers::start().await);
        let ended = tokio::spawn(timeout(LIMIT, test(Arc::clone(&browsers)))).await;
        let opened = std::mem::take(&mut *browsers.opened.lock().unwrap());
        for driver in opened {
            let _ = driver.quit().await;
        }
        match ended {
            Ok(in_time) => in_time.expect("it takes too long"),
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

/// An answer that the browser was given.
#[derive(Debug)]
pub struct Answer {
    pub url: Url,
    pub status: u64,
    /// By names in lower case.
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
            .expect("chromedriver is there");
        let mut lines = BufReader::new(service.stdout.take().unwrap()).lines();
        let port = loop {
            let line = timeout(LIMIT, lines.next_line()).await.unwrap().unwrap();
            let line = line.expect("chromedriver tells its port");
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        // It must not find its output closed.
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
        let path = By::XPath(format!("//h1[normalize-space()='{heading}']"));
        let found = self.driver.query(path).wait(SOON, OFTEN).exists().await;
        if !found.unwrap_or_default() {
            let source = self.driver.source().await.unwrap_or_default();
            panic!("no page {heading}, but {}: {source}", self.url().await);
        }
    }

    pub async fn click(&self, text: &str) {
        let path = format!("//*[self::button or self::a][normalize-space()='{text}']");
        let button = self.driver.query(By::XPath(path)).wait(SOON, OFTEN);
        button.first().await.unwrap().click().await.unwrap();
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

    /// Opens a tab, and goes on there.
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
    }

    /// All answers so far whose address begins like this, redirections too.
    pub async fn answers(&self, start: &str) -> Vec<Answer> {
        let log = self.log().await;
        let given = log
            .iter()
            .filter_map(|event| match event["method"].as_str()? {
                "Network.responseReceived" => Some(&event["params"]["response"]),
                "Network.requestWillBeSent" => event["params"].get("redirectResponse"),
                _ => None,
            });
        given
            .map(answer)
            .filter(|answer| answer.url.as_str().starts_with(start))
            .collect()
    }

    /// Nothing was asked for but on this machine.
    pub async fn stayed_here(&self) {
        let log = self.log().await;
        let asked = log
            .iter()
            .filter(|event| event["method"] == "Network.requestWillBeSent");
        let asked: Vec<_> = asked
            .map(|event| event["params"]["request"]["url"].as_str().unwrap())
            .collect();
        assert!(!asked.is_empty());
        for url in asked {
            let url = Url::parse(url).unwrap();
            let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1"));
            assert!(here || url.scheme() == "data", "{url}");
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

impl Answer {
    /// What a page that ends a login says of itself.
    #[track_caller]
    pub fn keeps_to_itself(&self) {
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

fn answer(response: &Value) -> Answer {
    let headers = response["headers"].as_object().unwrap().iter();
    Answer {
        url: response["url"].as_str().unwrap().parse().unwrap(),
        status: response["status"].as_u64().unwrap(),
        headers: headers
            .map(|(name, value)| (name.to_lowercase(), value.as_str().unwrap().to_owned()))
            .collect(),
    }
}

/// Beside the programs that Cargo builds.
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

const LIMIT: Duration = Duration::from_secs(120);
pub const SOON: Duration = Duration::from_secs(20);
const OFTEN: Duration = Duration::from_millis(20);
