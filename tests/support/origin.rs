//! A back end of one's own making: answers what the test says, byte for byte, and keeps what came.

use std::sync::{Arc, Mutex};

use codex_multi_auth::domain::digest::sha256_hex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Came {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) sha256: String,
    pub(crate) length: usize,
}

impl Came {
    /// All values of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect()
    }
}

/// See the module.
pub(crate) struct Origin {
    pub(crate) port: u16,
    came: Arc<Mutex<Vec<Came>>>,
    running: JoinHandle<()>,
}

/// Stands in an answer for a pause between two writes.
pub(crate) const PAUSE: char = '\0';

/// A whole answer, head included.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len() - body.matches(PAUSE).count();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

/// A short turn that ends well.
pub(crate) fn turn() -> String {
    let body = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\"}}\n\n\
                event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\",\"usage\":{\"input_tokens\":1,\"output_tokens\":1,\"total_tokens\":2}}}\n\n";
    answer("200 OK", "content-type: text/event-stream\r\n", body)
}

impl Origin {
    /// Answers every request with what `say` makes of it.
    pub(crate) async fn start(say: impl Fn(&Came) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let port = listener.local_addr().expect("an address").port();
        let came = Arc::new(Mutex::new(Vec::new()));
        let (kept, say) = (Arc::clone(&came), Arc::new(say));
        let running = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&kept), Arc::clone(&say)));
            }
        });
        Self { port, came, running }
    }

    /// As an account's `workspace_backend_origin`.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn came(&self) -> Vec<Came> {
        self.came.lock().expect("not poisoned").clone()
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    kept: Arc<Mutex<Vec<Came>>>,
    say: Arc<impl Fn(&Came) -> String + Send + Sync + 'static>,
) {
    let mut all = Vec::new();
    let mut block = vec![0; 64 * 1024];
    let head_end = loop {
        if let Some(at) = all.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        match stream.read(&mut block).await {
            Ok(0) | Err(_) => return,
            Ok(read) => all.extend_from_slice(&block[..read]),
        }
    };
    let head = String::from_utf8_lossy(&all[..head_end]).into_owned();
    let mut lines = head.lines();
    let line = lines.next().unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = all.split_off(head_end + 4);
    while body.len() < length.unwrap_or(0) {
        match stream.read(&mut block).await {
            Ok(0) | Err(_) => return,
            Ok(read) => body.extend_from_slice(&block[..read]),
        }
    }
    let came = Came { line, headers, sha256: sha256_hex(&body), length: body.len() };
    let said = say(&came);
    kept.lock().expect("not poisoned").push(came);
    for (number, part) in said.split(PAUSE).enumerate() {
        if number > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        if stream.write_all(part.as_bytes()).await.is_err() {
            return;
        }
    }
    let _ = stream.shutdown().await;
}
