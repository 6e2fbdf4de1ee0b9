//! A token endpoint and an API in threads of the measuring program.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

pub struct Server {
    pub url: String,
    requests: Arc<AtomicUsize>,
}

impl Server {
    /// Starts a server that waits for `delay` before each response. It ends with the program.
    pub fn start(delay: Duration) -> io::Result<Self> {
        Self::with_life(delay, 86_399)
    }

    /// Starts a server whose tokens live for `life` seconds.
    pub fn with_life(delay: Duration, life: u64) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(io::Result::ok) {
                let counter = Arc::clone(&counter);
                // A client that leaves ends its connection.
                thread::spawn(move || serve(&stream, &counter, delay, life));
            }
        });
        Ok(Self { url, requests })
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Relaxed)
    }
}

fn serve(
    mut stream: &TcpStream,
    requests: &AtomicUsize,
    delay: Duration,
    life: u64,
) -> io::Result<()> {
    let token = format!(r#"{TOKEN}{life}}}"#);
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let body = if line.starts_with("POST /oauth/token ") {
            &*token
        } else {
            ORGANIZATION
        };
        let mut length = 0;
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line)?;
            let header = line.to_ascii_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        io::copy(&mut (&mut reader).take(length), &mut io::sink())?;
        requests.fetch_add(1, Relaxed);
        if !delay.is_zero() {
            thread::sleep(delay);
        }
        let head = format!("{HEAD}Content-Length: {}\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
    }
}

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
    ININ-Correlation-Id: 2f5d9b1a-6f0e-4a43-9df0-6d1b7f0c2c11\r\n";

const TOKEN: &str = r#"{"access_token":"aQ0-zz_wWm2mEXAMPLEjyRk1jJ8m0a9oCw2Zp4T7bVfH3xLsYdN6uGqEiKtRnAe5cXhJpSvDgB_1","token_type":"bearer","expires_in":"#;

const ORGANIZATION: &str = r#"{"id":"7f0c5ad5-9c2e-4d0e-8f6f-3f1f5ad1b6c9","name":"An organisation","defaultLanguage":"en-us","thirdPartyOrgName":"an-organisation","domain":"an-organisation","version":7,"state":"ACTIVE","selfUri":"/api/v2/organizations/7f0c5ad5-9c2e-4d0e-8f6f-3f1f5ad1b6c9"}"#;
