//! The tui floor: an empty ratatui program that draws the dashboard's table from memory and follows the arrow keys.
//!
//! `--frames N` draws N frames to nowhere and prints the time of each in nanoseconds, for the cost of a frame alone.

use std::io::{IsTerminal as _, Write as _};

use crossterm::event::{Event, KeyCode, read};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::backend::{CrosstermBackend, TestBackend};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Modifier, Style, Stylize as _};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Row, Table};
use ratatui::{Frame, Terminal};

/// One account as the table shows it.
struct Account {
    name: String,
    left: u8,
}

struct Screen {
    accounts: Vec<Account>,
    at: usize,
}

fn main() -> std::io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.get(at + 1)?.parse::<usize>().ok()
    };
    let accounts = (1..=number("--accounts").unwrap_or(10))
        .map(|n| Account {
            name: format!("person{n}@example.com"),
            left: u8::try_from(n * 37 % 100).unwrap_or(0),
        })
        .collect();
    let mut screen = Screen { accounts, at: 0 };
    if let Some(frames) = number("--frames") {
        return time_frames(&mut screen, frames);
    }
    if !std::io::stdout().is_terminal() || words.iter().any(|word| word == "--bench") {
        return Ok(());
    }
    enable_raw_mode()?;
    execute!(std::io::stdout(), EnterAlternateScreen)?;
    let end = follow(&mut screen);
    execute!(std::io::stdout(), LeaveAlternateScreen)?;
    disable_raw_mode()?;
    end
}

fn follow(screen: &mut Screen) -> std::io::Result<()> {
    let mut terminal = Terminal::new(CrosstermBackend::new(std::io::stdout()))?;
    loop {
        terminal.draw(|frame| draw(screen, frame))?;
        let Event::Key(key) = read()? else { continue };
        if key.code == KeyCode::Char('q') {
            return Ok(());
        }
        step(screen, key.code == KeyCode::Down);
    }
}

fn step(screen: &mut Screen, down: bool) {
    let last = screen.accounts.len().saturating_sub(1);
    screen.at = if down { (screen.at + 1).min(last) } else { screen.at.saturating_sub(1) };
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn time_frames(screen: &mut Screen, frames: usize) -> std::io::Result<()> {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(120, 40));
    let mut out = std::io::stdout().lock();
    for frame in 0..frames {
        step(screen, frame % 40 < 20);
        let start = std::time::Instant::now();
        let Ok(_) = terminal.draw(|frame| draw(screen, frame));
        writeln!(out, "{}", start.elapsed().as_nanos())?;
    }
    Ok(())
}

fn draw(screen: &Screen, frame: &mut Frame) {
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(2), Constraint::Min(1), Constraint::Length(2)])
            .areas(frame.area());
    frame.render_widget(Line::from(" Accounts  Forecast  Usage  Monitor  Settings").bold(), head);
    let height = usize::from(body.height.saturating_sub(2));
    let first = screen.at.saturating_sub(height.saturating_sub(1));
    let rows = screen.accounts.iter().enumerate().skip(first).take(height).map(|(index, account)| {
        let filled = usize::from(account.left) / 10;
        let bar = format!("{}{} {:>3}%", "█".repeat(filled), "░".repeat(10 - filled), account.left);
        let style =
            if index == screen.at { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() };
        let number = (index + 1).to_string();
        Row::new([number, account.name.clone(), "ready".to_owned(), bar.clone(), bar]).style(style)
    });
    let widths = [4, 28, 12, 18, 18].map(Constraint::Length);
    let table = Table::new(rows, widths)
        .header(Row::new(["", "ACCOUNT", "STATE", "5H LEFT", "7D LEFT"]))
        .block(Block::new().borders(Borders::TOP | Borders::BOTTOM));
    frame.render_widget(table, body);
    frame.render_widget(Line::from(" ↑↓ move  q quit").dim(), foot);
}
