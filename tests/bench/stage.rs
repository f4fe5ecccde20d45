//! What a bench of traffic runs on: an upstream in this process, `serve` with a home of its own, and the proxy it is
//! compared with.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, eyre};
use http_body_util::Full;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Plan;
use crate::floors::floor;
use crate::support::dirs::Home;
use crate::support::process::{Running, bare};
use crate::upstream::Upstream;

/// Requests and sockets that are let in at once; what the descriptors allow comes first.
const ROOM: &str = "60000";

/// One way from the client to the upstream.
pub(crate) struct Way {
    pub(crate) port: u16,
    pub(crate) path: String,
    /// The process that serves it; 0 for the upstream itself.
    pub(crate) pid: u32,
}

/// Our proxy, ended when dropped.
pub(crate) struct Ours {
    pub(crate) way: Way,
    pub(crate) home: Home,
    _proxy: Running,
}

impl Ours {
    /// `serve` over so many sample accounts.
    pub(crate) fn start(upstream: &Upstream, accounts: usize) -> Result<Self> {
        let origin = format!("http://127.0.0.1:{}", upstream.port);
        let mut home = Home::with_samples(accounts);
        home.set("CODEX_MULTI_AUTH_UPSTREAM_BASE_URL", format!("{origin}/backend-api"));
        home.set("CODEX_MULTI_AUTH_AUTH_BASE_URL", origin);
        home.set("CODEX_AUTH_MAX_CONCURRENT_REQUESTS", ROOM);
        home.set("CODEX_AUTH_MAX_CLIENT_SOCKETS", ROOM);
        let command = home.manager(&["serve", "--json"]);
        Self::run(home, command)
    }

    /// The same from a command that becomes `serve --json`.
    pub(crate) fn run(home: Home, mut command: Command) -> Result<Self> {
        let mut proxy = Running::start(&mut command);
        let told: serde_json::Value = serde_json::from_str(&proxy.line())?;
        let base = told.get("baseUrl").and_then(|url| url.as_str()).ok_or_eyre("serve tells its base URL")?;
        let (port, path) = base
            .strip_prefix("http://127.0.0.1:")
            .and_then(|rest| rest.split_once('/'))
            .ok_or_eyre("a loopback address with a path")?;
        let way = Way { port: port.parse()?, path: format!("/{path}/responses"), pid: proxy.id() };
        Ok(Self { way, home, _proxy: proxy })
    }
}

/// Another proxy; ended when dropped.
pub(crate) struct Other {
    pub(crate) way: Way,
    pub(crate) name: &'static str,
    held: Held,
}

enum Held {
    Nginx(Child, #[expect(dead_code, reason = "removed with the process that uses it")] tempfile::TempDir),
    Floor(#[expect(dead_code, reason = "held so that it lives")] Running),
}

impl Drop for Other {
    fn drop(&mut self) {
        if let Held::Nginx(child, _) = &mut self.held {
            // TERM, so that the worker goes with its master.
            if let Some(id) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
            }
            let _ = child.wait();
        }
    }
}

/// Where turns are posted when no proxy adds its prefix.
const PATH: &str = "/backend-api/codex/responses";

impl Other {
    /// nginx, or the hyper floor where there is none.
    pub(crate) fn start(plan: &Plan, upstream: &Upstream) -> Result<Self> {
        match plan.nginx.clone().or_else(|| find("nginx")) {
            Some(program) => nginx(&program, upstream.port),
            None => Self::floor(upstream, &[], "hyper floor (nginx is not installed)"),
        }
    }

    /// The bare pass-through, or with a word more, the bare relay of sockets.
    pub(crate) fn floor(upstream: &Upstream, words: &[&str], name: &'static str) -> Result<Self> {
        let mut program = Running::start(bare(floor("hyper")?).arg(upstream.port.to_string()).args(words));
        let way = Way { port: program.line().parse()?, path: PATH.to_owned(), pid: program.id() };
        Ok(Self { way, name, held: Held::Floor(program) })
    }
}

/// Upstream, our proxy over ten accounts, and the one it is compared with.
pub(crate) struct Stage {
    pub(crate) upstream: Upstream,
    pub(crate) ours: Ours,
    pub(crate) other: Other,
}

impl Stage {
    pub(crate) fn set(plan: &Plan) -> Result<Self> {
        let upstream = Upstream::start()?;
        let ours = Ours::start(&upstream, 10)?;
        let other = Other::start(plan, &upstream)?;
        Ok(Self { upstream, ours, other })
    }
}

/// A connection to a way.
pub(crate) async fn dial(port: u16) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// A turn as a client posts it, with what the upstream is asked for in its headers.
pub(crate) fn post(way: &Way, session: &str, asked: &[(&str, String)]) -> Result<http::Request<Full<Bytes>>> {
    let body = "{\"model\":\"gpt-5-codex\",\"stream\":true,\"store\":false,\"input\":[]}";
    let mut request = http::Request::post(&way.path)
        .header("host", format!("127.0.0.1:{}", way.port))
        .header("content-type", "application/json")
        .header("accept", "text/event-stream")
        .header("authorization", "Bearer bench")
        .header("session-id", session);
    for (name, value) in asked {
        request = request.header(*name, value);
    }
    Ok(request.body(Full::new(Bytes::from_static(body.as_bytes())))?)
}

/// Runs on a runtime of its own.
pub(crate) fn on_runtime<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Processor time a process and its children have had, in milliseconds: the scheduler's own count, not its ticks.
pub(crate) fn processor(pid: u32) -> Result<f64> {
    let mut nanos = 0_f64;
    for pid in family(pid)? {
        for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
            let Ok(text) = std::fs::read_to_string(task?.path().join("schedstat")) else { continue };
            nanos += text.split(' ').next().and_then(|word| word.parse::<f64>().ok()).unwrap_or_default();
        }
    }
    Ok(nanos / 1_000_000.0)
}

fn family(pid: u32) -> Result<Vec<u32>> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children.split_whitespace().map(str::parse).collect::<Result<Vec<u32>, _>>()?;
    Ok([pid].into_iter().chain(children).collect())
}

/// Resident memory of a process in bytes.
pub(crate) fn resident(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or_eyre("no size")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024.0)
}

/// A program of the system.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"]
        .iter()
        .map(|folder| Path::new(folder).join(program))
        .find(|path| path.is_file())
}

fn nginx(program: &Path, upstream: u16) -> Result<Other> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let port = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = kinds.map(|kind| format!("{kind}_temp_path {kind};\n")).concat();
    let config = format!(
        "daemon off;\nworker_processes 1;\npid nginx.pid;\nerror_log stderr crit;\nevents {{ worker_connections 4096; }}\n\
         http {{\naccess_log off;\n{temporary}\
         upstream back {{ server 127.0.0.1:{upstream}; keepalive 64; }}\n\
         server {{\nlisten 127.0.0.1:{port};\nkeepalive_requests 1000000;\nclient_max_body_size 0;\n\
         location / {{ proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
         proxy_buffering off; proxy_request_buffering off; }}\n}}\n}}\n"
    );
    std::fs::write(folder.path().join("nginx.conf"), config)?;
    let mut command = Command::new(program);
    command.arg("-p").arg(folder.path()).args(["-c", "nginx.conf", "-e", "stderr"]).stdin(Stdio::null());
    let child = command.stdout(Stdio::null()).spawn()?;
    let way = Way { port, path: PATH.to_owned(), pid: child.id() };
    let started = Other { way, name: "nginx", held: Held::Nginx(child, folder) };
    on_runtime(async {
        for _ in 0..500 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(eyre!("nginx does not listen"))
    })?;
    Ok(started)
}
