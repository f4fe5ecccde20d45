//! T1, T2, T4 and T5: the dashboard in a real pseudo terminal, beside an empty program that draws the same table.

use std::path::Path;
use std::time::{Duration, Instant};

use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, ensure};

use crate::floors::floor;
use crate::pairs::{Middle, compare, ratio};
use crate::support::dirs::Home;
use crate::support::process::MANAGER;
use crate::support::pty::Terminal;
use crate::{Figure, Plan};

const SIZE: (u16, u16) = (120, 40);

/// Keys of T2 and T4: enough to see the slowest of sixty.
const KEYS: usize = 60;

/// How long T5 looks on.
const IDLE: Duration = Duration::from_secs(30);

const DOWN: &str = "\x1b[B";
const UP: &str = "\x1b[A";

/// T1: start to first paint ÷ tui floor.
pub(crate) fn first_paint(plan: &Plan) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (count, goal) in [(10, "≤ 2"), (1_000, "≤ 4")] {
        let home = Home::with_samples(count);
        let floor = floor("tui")?;
        let ratio = compare(
            plan.pairs,
            || Ok(paint(MANAGER, &[], &home)),
            || Ok(paint(&floor.to_string_lossy(), &["--accounts".to_owned(), count.to_string()], &home)),
        )?;
        figures.push(Figure::ratio(
            "T1",
            &format!("start to first paint, {count} accounts ÷ tui floor"),
            goal,
            ratio,
        ));
    }
    Ok(figures)
}

/// T2 and T4: what an arrow key costs, in time and in bytes.
pub(crate) fn keys(_: &Plan) -> Result<Vec<Figure>> {
    let home = Home::with_samples(40);
    let floor = floor("tui")?;
    let mut ours = open(MANAGER, &[], &home);
    let mut bare = open(&floor.to_string_lossy(), &["--accounts".to_owned(), "40".to_owned()], &home);

    let mut times = Vec::new();
    let mut bytes = Vec::new();
    for key in 0..KEYS {
        let press = if key % 20 < 10 { DOWN } else { UP };
        let (took, wrote) = press_key(&mut ours, press);
        let (floor_took, _) = press_key(&mut bare, press);
        times.push((took, floor_took));
        bytes.push(wrote);
    }
    ours.send("q");
    bare.send("q");
    let (ours, bare) = (ours.finish(), bare.finish());
    ensure!(ours.success() && bare.success(), "the dashboard ended with {ours}, the floor with {bare}");

    let slowest = |pick: fn(&(f64, f64)) -> f64| times.iter().map(pick).fold(0.0, f64::max);
    let ends = format!("{:.2} / {:.2} ms", slowest(|pair| pair.0), slowest(|pair| pair.1));
    let bytes = Middle::of(bytes);
    Ok(vec![
        Figure::ratio("T2", "key to repaint p50", "≤ 2 ms where the floor is 1.3 ms", ratio(&times)),
        Figure::plain("T2", "key to repaint, slowest of 60, ours / floor", "≤ 8 ms", &ends),
        Figure::plain("T4", "bytes per arrow key, median", "≤ 700", &format!("{:.0}", bytes.median)),
    ])
}

/// T5: thirty seconds in which nothing changes.
pub(crate) fn idle(_: &Plan) -> Result<Vec<Figure>> {
    let home = Home::with_samples(10);
    let mut screen = open(MANAGER, &[], &home);
    let (ticks, bytes) = (cpu_ticks(screen.id())?, screen.written().len());

    let quiet = screen.silent_for(IDLE);

    let (ticks, bytes) = (cpu_ticks(screen.id())? - ticks, screen.written().len() - bytes);
    screen.send("q");
    screen.finish();
    let share = f64::from(ticks) / f64::from(TICKS) / IDLE.as_secs_f64() * 100.0;
    let note = if quiet { "" } else { " (wrote)" };
    Ok(vec![
        Figure::plain("T5", "idle 30 s: processor", "≤ 0.05 %", &format!("{share:.2} %")),
        Figure::plain("T5", "idle 30 s: bytes", "0", &format!("{bytes}{note}")),
    ])
}

/// Clock ticks per second, which Linux has fixed for programs.
const TICKS: u32 = 100;

fn cpu_ticks(id: u32) -> Result<u32> {
    let text = std::fs::read_to_string(Path::new("/proc").join(id.to_string()).join("stat"))?;
    let (_, behind) = text.rsplit_once(')').ok_or_eyre("a process name in parentheses")?;
    let fields: Vec<&str> = behind.split_whitespace().collect();
    let field = |at: usize| {
        fields.get(at).and_then(|word| word.parse::<u32>().ok()).ok_or_eyre("user and system time")
    };
    Ok(field(11)? + field(12)?)
}

fn open(program: &str, words: &[String], home: &Home) -> Terminal {
    let terminal = Terminal::start(program, words, &home.environment(), SIZE);
    terminal.wait_for("person1@example.com");
    terminal.settled();
    terminal
}

/// Milliseconds until the first account stands on the screen.
fn paint(program: &str, words: &[String], home: &Home) -> f64 {
    let start = Instant::now();
    let mut terminal = Terminal::start(program, words, &home.environment(), SIZE);
    terminal.wait_for("person1@example.com");
    let took = start.elapsed().as_secs_f64() * 1000.0;
    terminal.settled();
    terminal.send("q");
    terminal.finish();
    took
}

/// Milliseconds until something is drawn, and all bytes that follow.
fn press_key(terminal: &mut Terminal, key: &str) -> (f64, f64) {
    let before = terminal.written().len();
    let writes = terminal.writes();
    let start = Instant::now();
    terminal.send(key);
    terminal.wait_written(writes);
    let took = start.elapsed().as_secs_f64() * 1000.0;
    terminal.settled();
    let wrote = u32::try_from(terminal.written().len() - before).unwrap_or(u32::MAX);
    (took, f64::from(wrote))
}
