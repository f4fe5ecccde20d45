//! P14: calls to the file system while requests are served.

use std::process::{Command, Stdio};
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::eyre;

use crate::stage::{Ours, Way, dial, find, on_runtime, post};
use crate::traffic::turn;
use crate::upstream::Upstream;
use crate::{Figure, Plan};

/// Requests that are counted over, and the time between two.
const REQUESTS: usize = 100;
const PACE: Duration = Duration::from_millis(10);
/// How long what is written in batches may take to be written.
const SETTLED: Duration = Duration::from_secs(4);

/// P14: on the thread that serves, and everywhere from the first request to the last batch that is written because of
/// them, less what the same time costs an idle proxy, which looks after its files as well.
pub(crate) fn calls(_: &Plan) -> Result<Vec<Figure>> {
    let what = "file-system calls per request, mean over 100";
    let Some(strace) = find("strace") else {
        return Ok(vec![Figure::plain("P14", what, "≤ 0.2", "skipped: strace is not installed")]);
    };
    let upstream = Upstream::start()?;
    let ours = Ours::start(&upstream, 10)?;
    // Caches, connections and the files of a first request.
    serve(&ours.way, &upstream)?;
    std::thread::sleep(SETTLED);
    let traced = |work: &dyn Fn() -> Result<()>| -> Result<[f64; 2]> {
        let log = ours.home.path().join("calls");
        let mut command = Command::new(&strace);
        command.args(["-f", "-y", "-p", &ours.way.pid.to_string(), "-o"]).arg(&log);
        let mut tracer = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        std::thread::sleep(Duration::from_millis(500));
        work()?;
        std::thread::sleep(SETTLED);
        if let Some(id) = i32::try_from(tracer.id()).ok().and_then(rustix::process::Pid::from_raw) {
            rustix::process::kill_process(id, rustix::process::Signal::INT)?;
        }
        tracer.wait()?;
        let text = std::fs::read_to_string(&log)?;
        std::fs::remove_file(&log)?;
        if text.is_empty() { Err(eyre!("strace may not trace here")) } else { Ok(counted(&text)) }
    };
    let [on_path, served] = traced(&|| serve(&ours.way, &upstream))?;
    let [_, idle] = traced(&|| {
        std::thread::sleep(PACE * 100);
        Ok(())
    })?;
    let value = format!(
        "{:.2} on the serving thread; {:.2} with all that is written in batches ({served:.0} calls, {idle:.0} of them idle)",
        on_path / 100.0,
        (served - idle) / 100.0
    );
    Ok(vec![Figure::plain("P14", what, "≤ 0.2", &value)])
}

fn serve(way: &Way, upstream: &Upstream) -> Result<()> {
    let asked = [("x-bench-events", "1".to_owned())];
    on_runtime(async {
        let mut sender = dial(way.port).await?;
        for _ in 0..REQUESTS {
            turn(&mut sender, post(way, "files", &asked)?, 1, upstream.began).await?;
            tokio::time::sleep(PACE).await;
        }
        Ok(())
    })
}

/// Calls that name a path, or whose first argument is an open file: by the thread that answers clients, and by all.
fn counted(text: &str) -> [f64; 2] {
    let thread = |line: &str| line.split_whitespace().next().unwrap_or_default().to_owned();
    let serving = text.lines().find(|line| line.contains(" writev(")).map(thread);
    let calls: Vec<&str> = text.lines().filter(|line| is_of_files(line)).collect();
    let own = calls.iter().filter(|line| serving == Some(thread(line))).count();
    [own, calls.len()].map(|count| f64::from(u32::try_from(count).unwrap_or(u32::MAX)))
}

fn is_of_files(line: &str) -> bool {
    let Some((_, arguments)) = line.split_once('(') else { return false };
    let first = arguments.split([',', ')']).next().unwrap_or_default();
    let file = first
        .split_once("</")
        .is_some_and(|(_, path)| !path.starts_with("dev/") && !path.starts_with("proc/"));
    file || arguments.contains("\"/")
}
