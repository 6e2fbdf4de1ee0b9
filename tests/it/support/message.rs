//! Requests and responses as bytes.

use super::server::Server;

/// A scripted response, byte for byte.
#[derive(Clone)]
pub struct Reply {
    pub(super) head: Vec<u8>,
    /// Bytes that follow the head, and how many times.
    pub(super) filler: (Vec<u8>, usize),
    pub(super) end: End,
}

/// What happens to the connection after the response.
#[derive(Clone, Copy)]
pub enum End {
    /// It stays open for the next request.
    Keep,
    Close,
    Reset,
    /// Nothing more is read or written.
    Hold,
}

impl Reply {
    /// Exactly these bytes.
    pub fn raw(bytes: impl Into<Vec<u8>>, end: End) -> Self {
        Self {
            head: bytes.into(),
            filler: (Vec::new(), 0),
            end,
        }
    }

    /// A whole response. Each line of `headers` ends in `\r\n`.
    pub fn of(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = body.len();
        let head = format!("HTTP/1.1 {status} -\r\nContent-Length: {length}\r\n{headers}\r\n");
        Self::raw([head.as_bytes(), body].concat(), End::Keep)
    }

    pub fn json(status: u16, body: &str) -> Self {
        Self::of(status, "Content-Type: application/json\r\n", body)
    }

    /// A redirection to another server.
    pub fn redirect(status: u16, to: &Server) -> Self {
        Self::of(status, &format!("Location: {}/elsewhere\r\n", to.url()), "")
    }

    /// The same with `Connection: close`, after which the connection ends.
    pub fn last(mut self) -> Self {
        let line = self.head.windows(2).position(|two| two == b"\r\n").unwrap() + 2;
        self.head.splice(line..line, *b"Connection: close\r\n");
        self.end = End::Close;
        self
    }

    /// No response: the request is read and the connection ends.
    pub fn none(end: End) -> Self {
        Self::raw("", end)
    }

    /// The same, followed by `chunk` so many times.
    pub fn followed_by(mut self, chunk: impl Into<Vec<u8>>, times: usize) -> Self {
        self.filler = (chunk.into(), times);
        self
    }

    pub(super) fn drop_body(&mut self) {
        if let Some(head) = end_of_head(&self.head) {
            self.head.truncate(head);
        }
        self.filler.1 = 0;
    }
}

/// A request as it was received.
#[derive(Clone, Debug)]
pub struct Received {
    pub method: String,
    pub target: String,
    /// In order, with names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The whole request.
    pub bytes: Vec<u8>,
}

impl Received {
    pub(super) fn parse(bytes: Vec<u8>, head: usize) -> Self {
        let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
        let mut lines = text.split("\r\n");
        let mut first = lines.next().unwrap().split(' ').map(str::to_owned);
        let header = |line: &str| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_ascii_lowercase(), value.to_owned()))
        };
        Self {
            method: first.next().unwrap(),
            target: first.next().unwrap(),
            headers: lines.filter_map(header).collect(),
            body: bytes[head..].to_vec(),
            bytes,
        }
    }

    /// The value of a header that occurs at most once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} is there twice");
        value
    }
}

/// The length of a message's head, if it is complete.
pub(super) fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let empty_line = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    empty_line.map(|start| start + 4)
}
