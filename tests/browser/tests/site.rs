//! Another site, whose page sends requests to the application.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use url::Url;

/// Starts a site with a link and a form that lead to `target`, and returns its port.
pub async fn other_site(target: &Url) -> u16 {
    let page = format!(
        "<!doctype html><title>Another site</title><h1>Another site</h1>\
         <a href=\"{target}\">Link</a>\
         <form method=\"post\" action=\"{target}\"><button>Form</button></form>"
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let response = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\
                 Connection: close\r\n\r\n{page}",
                page.len()
            );
            tokio::spawn(async move {
                let mut head = [0; 16 * 1024];
                if stream.read(&mut head).await.is_ok_and(|read| read > 0) {
                    let _ = stream.write_all(response.as_bytes()).await;
                    let _ = stream.shutdown().await;
                }
            });
        }
    });
    port
}
