//! P1 and P3: how late the first byte and every event arrive through the proxy, beside nginx (or, where the machine
//! has none, beside a bare hyper pass-through), with the same client and the same upstream.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::floors::floor;
use crate::pairs::{Ratio, ratio};
use crate::support::dirs::Home;
use crate::support::process::{Running, bare};
use crate::upstream::{STAMP, Upstream};
use crate::{Figure, Plan};

/// Turns per connection and pair in P1.
const TURNS: usize = 20;

/// Events per stream, and how far apart, in P3.
const EVENTS: u32 = 100;
const GAP: Duration = Duration::from_millis(10);

/// P1: first byte, one and sixteen at once.
pub(crate) fn first_byte(plan: &Plan) -> Result<Vec<Figure>> {
    let stage = Stage::set(plan)?;
    let mut figures = Vec::new();
    for clients in [1, 16] {
        let take = |way: &Way| -> Result<Vec<f64>> {
            Ok(stage
                .run(way, clients, TURNS, 1, Duration::ZERO)?
                .into_iter()
                .map(|turn| turn.first)
                .collect())
        };
        let [half, _] = stage.compare(plan.pairs, take)?;
        let what = format!("first byte p50, {clients} at once ÷ {}", stage.other);
        figures.push(Figure::ratio("P1", &what, "≤ 1.5", half));
    }
    Ok(figures)
}

/// P3: the delay of every event of a paced stream.
pub(crate) fn per_event(plan: &Plan) -> Result<Vec<Figure>> {
    let stage = Stage::set(plan)?;
    let take = |way: &Way| -> Result<Vec<f64>> {
        Ok(stage.run(way, 1, 1, EVENTS, GAP)?.into_iter().flat_map(|turn| turn.delays).collect())
    };
    let [half, most] = stage.compare(plan.pairs, take)?;
    let what = |part: &str| format!("per-event delay {part} ÷ {}", stage.other);
    Ok(vec![
        Figure::ratio("P3", &what("p50"), "≤ 1.3", half),
        Figure::ratio("P3", &what("p99"), "≤ 1.5", most),
    ])
}

/// One way from the client to the upstream.
struct Way {
    port: u16,
    path: String,
}

/// Upstream, our proxy and the one it is compared with.
struct Stage {
    upstream: Upstream,
    ours: Way,
    floor: Way,
    other: &'static str,
    _proxy: Running,
    _floor: Floor,
    _home: Home,
}

/// The other proxy; ended when dropped.
enum Floor {
    Nginx(Child, #[expect(dead_code, reason = "removed with the process that uses it")] tempfile::TempDir),
    Hyper(#[expect(dead_code, reason = "held so that it lives")] Running),
}

impl Drop for Floor {
    fn drop(&mut self) {
        if let Self::Nginx(child, _) = self {
            // TERM, so that the worker goes with its master.
            if let Some(id) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
            }
            let _ = child.wait();
        }
    }
}

/// What a client saw of one turn, in milliseconds.
struct Turn {
    first: f64,
    delays: Vec<f64>,
}

impl Stage {
    fn set(plan: &Plan) -> Result<Self> {
        let upstream = Upstream::start()?;
        let origin = format!("http://127.0.0.1:{}", upstream.port);
        let mut home = Home::with_samples(10);
        home.set("CODEX_MULTI_AUTH_UPSTREAM_BASE_URL", format!("{origin}/backend-api"));
        home.set("CODEX_MULTI_AUTH_AUTH_BASE_URL", origin);
        let mut proxy = Running::start(&mut home.manager(&["serve", "--json"]));
        let told: serde_json::Value = serde_json::from_str(&proxy.line())?;
        let base = told.get("baseUrl").and_then(|url| url.as_str()).ok_or_eyre("serve tells its base URL")?;
        let (port, path) = base
            .strip_prefix("http://127.0.0.1:")
            .and_then(|rest| rest.split_once('/'))
            .ok_or_eyre("a loopback address with a path")?;
        let ours = Way { port: port.parse()?, path: format!("/{path}/responses") };

        let path = "/backend-api/codex/responses".to_owned();
        let nginx = plan.nginx.clone().or_else(|| find("nginx"));
        let (held, port, other) = if let Some(program) = nginx {
            let (held, port) = start_nginx(&program, upstream.port)?;
            (held, port, "nginx")
        } else {
            let mut program = Running::start(bare(floor("hyper")?).arg(upstream.port.to_string()));
            let port = program.line().parse()?;
            (Floor::Hyper(program), port, "hyper floor (nginx is not installed)")
        };
        Ok(Self {
            upstream,
            ours,
            floor: Way { port, path },
            other,
            _proxy: proxy,
            _floor: held,
            _home: home,
        })
    }

    /// The median and the 99th percentile of both ways, pair by pair.
    fn compare(&self, pairs: usize, take: impl Fn(&Way) -> Result<Vec<f64>>) -> Result<[Ratio; 2]> {
        take(&self.ours)?;
        take(&self.floor)?;
        let mut halves = Vec::new();
        let mut ends = Vec::new();
        for pair in 0..pairs {
            let (ours, floor) = if pair % 2 == 0 {
                let ours = take(&self.ours)?;
                (ours, take(&self.floor)?)
            } else {
                let floor = take(&self.floor)?;
                (take(&self.ours)?, floor)
            };
            let (ours, floor) = (sorted(ours), sorted(floor));
            halves.push((part(&ours, 50), part(&floor, 50)));
            ends.push((part(&ours, 99), part(&floor, 99)));
        }
        Ok([ratio(&halves), ratio(&ends)])
    }

    fn run(&self, way: &Way, clients: usize, turns: usize, events: u32, gap: Duration) -> Result<Vec<Turn>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let one = async |client: usize| -> Result<Vec<Turn>> {
                let mut sender = dial(way.port).await?;
                let mut seen = Vec::with_capacity(turns);
                for _ in 0..turns {
                    seen.push(turn(&mut sender, way, client, events, gap, self.upstream.began).await?);
                }
                Ok(seen)
            };
            let all = futures_util::future::join_all((0..clients).map(one)).await;
            all.into_iter().collect::<Result<Vec<_>>>().map(|seen| seen.into_iter().flatten().collect())
        })
    }
}

async fn dial(port: u16) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn turn(
    sender: &mut SendRequest<Full<Bytes>>,
    way: &Way,
    client: usize,
    events: u32,
    gap: Duration,
    began: Instant,
) -> Result<Turn> {
    let body = "{\"model\":\"gpt-5-codex\",\"stream\":true,\"store\":false,\"input\":[]}";
    let request = http::Request::post(&way.path)
        .header("host", format!("127.0.0.1:{}", way.port))
        .header("content-type", "application/json")
        .header("accept", "text/event-stream")
        .header("authorization", "Bearer bench")
        .header("session-id", format!("bench-{client}"))
        .header("x-bench-events", events)
        .header("x-bench-gap-us", gap.as_micros().to_string())
        .body(Full::new(Bytes::from_static(body.as_bytes())))?;
    sender.ready().await?;
    let start = Instant::now();
    let answer = sender.send_request(request).await?;
    ensure!(answer.status() == 200, "the turn was answered with {}", answer.status());
    let mut body = answer.into_body();
    let mut pending = Vec::new();
    let mut first = None;
    let mut delays = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let now = began.elapsed();
        pending.extend_from_slice(&data);
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            let Some(left) = stamp(&line) else { continue };
            first.get_or_insert_with(|| start.elapsed());
            delays.push(now.saturating_sub(left).as_secs_f64() * 1000.0);
        }
    }
    let first = first.ok_or_eyre("a stream without an event")?;
    ensure!(delays.len() == usize::try_from(events)?, "{} of {events} events arrived", delays.len());
    Ok(Turn { first: first.as_secs_f64() * 1000.0, delays })
}

fn stamp(line: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(line).ok()?;
    let (_, behind) = text.split_once(STAMP)?;
    let digits = behind.split(',').next()?;
    digits.parse().ok().map(Duration::from_nanos)
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn part(sorted: &[f64], percent: usize) -> f64 {
    sorted.get(sorted.len().saturating_sub(1) * percent / 100).copied().unwrap_or(f64::NAN)
}

fn find(program: &str) -> Option<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"]
        .iter()
        .map(|folder| Path::new(folder).join(program))
        .find(|path| path.is_file())
}

fn start_nginx(program: &Path, upstream: u16) -> Result<(Floor, u16)> {
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
    let held = Floor::Nginx(child, folder);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        for _ in 0..500 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
                return Ok((held, port));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(color_eyre::eyre::eyre!("nginx does not listen"))
    })
}
