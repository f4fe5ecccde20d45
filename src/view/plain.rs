//! A frame as lines for a screen reader: no boxes, no bars, no signs; what stood in columns stands behind commas.
//!
//! The frame itself is drawn as ever and then read, so no screen can be forgotten and what is told is what others see.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use crate::app::Model;
use crate::app::goal::Tab;
use crate::app::keys::help;
use crate::base::text::width;
use crate::view::overlays;
use crate::view::scene::Scene;
use crate::view::skin::{Depth, Glyphs, Skin};

/// The size that frames are drawn at: one column of content, and room for long lists.
pub const SIZE: (u16, u16) = (79, 240);

/// What is shown now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// Where the person is.
    pub title: String,
    /// The content, line by line.
    pub lines: Vec<Spoken>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    /// Its text.
    pub text: String,
    /// Whether it is the focused one.
    pub chosen: bool,
}

/// A skin whose frames can be read: weight instead of colour.
pub fn skin() -> Skin {
    Skin::built_in("green", Depth::None, Glyphs::Unicode)
}

/// The page of a model.
pub fn page(model: &Model, skin: &Skin) -> Page {
    let area = Rect::new(0, 0, SIZE.0, SIZE.1);
    let mut buffer = Buffer::empty(area);
    let scene = Scene::of(model, skin, area);
    if overlays::top(&scene, &mut buffer).is_some() {
        let mut lines = spoken(&buffer, area);
        let title = if lines.is_empty() { String::new() } else { lines.remove(0).text };
        return Page { title, lines };
    }
    super::draw(model, skin, area, &mut buffer);
    let layout = scene.layout;
    let top = if layout.context.height > 0 { layout.context.y } else { layout.body.y };
    let body = Rect::new(0, top, area.width, layout.floor.y.saturating_sub(top));
    let demo = if model.world.setting.demo.is_some() { ", demo" } else { "" };
    let name = if model.ui.is_pane() { "Narrow pane" } else { model.ui.tab.title() };
    let inner = if model.ui.tab == Tab::Accounts && model.ui.detail.is_some() { ", one account" } else { "" };
    let lines = match divider(&buffer, body) {
        Some(column) => {
            let left = Rect { width: column, ..body };
            let right = Rect { x: column + 1, width: body.width - column - 1, ..body };
            [spoken(&buffer, left), spoken(&buffer, right)].concat()
        }
        None => spoken(&buffer, body),
    };
    Page { title: format!("{name}{inner}{demo}"), lines }
}

/// The keys that mean something now, one a line.
pub fn keys(model: &Model) -> Vec<String> {
    let entries = help(&model.ui.keys, &model.ui.scopes(&model.world));
    entries.iter().map(|entry| format!("{}: {}", words(&entry.keys), entry.label)).collect()
}

/// Where a frame is divided into a left and a right part.
fn divider(buffer: &Buffer, area: Rect) -> Option<u16> {
    (1..area.width.saturating_sub(1)).find(|column| {
        let tall = (area.top()..area.bottom())
            .filter(|row| buffer.cell((*column, *row)).is_some_and(|cell| cell.symbol() == "│"));
        tall.count() * 2 > usize::from(area.height)
    })
}

fn spoken(buffer: &Buffer, area: Rect) -> Vec<Spoken> {
    (area.top()..area.bottom())
        .filter_map(|row| {
            let cells: Vec<&Cell> =
                (area.left()..area.right()).filter_map(|column| buffer.cell((column, row))).collect();
            let text = words(&row_text(&cells));
            let chosen =
                cells.iter().any(|cell| cell.symbol() == "▸" || cell.modifier.contains(Modifier::REVERSED));
            (!text.is_empty()).then_some(Spoken { text, chosen })
        })
        .collect()
}

fn row_text(cells: &[&Cell]) -> String {
    let mut text = String::new();
    let mut skip = 0;
    for cell in cells {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        text.push_str(cell.symbol());
        skip = width(cell.symbol()).saturating_sub(1);
    }
    text
}

/// Signs that have a word; all others of lines, blocks and dots are left out.
const SPOKEN: [(char, &str); 10] = [
    ('⏎', "enter"),
    ('↑', "up"),
    ('↓', "down"),
    ('←', "left"),
    ('→', "right"),
    ('…', "..."),
    ('‹', ""),
    ('›', ""),
    ('–', "none"),
    ('✓', "done"),
];

/// A line without signs, its columns behind commas.
fn words(line: &str) -> String {
    let mut text = String::new();
    for letter in line.chars() {
        match SPOKEN.iter().find(|(sign, _)| *sign == letter) {
            Some((_, word)) => text.push_str(word),
            None if is_sign(letter) => text.push(' '),
            None => text.push(letter),
        }
    }
    let text = text.replace("[x]", "on:").replace("[ ]", "off:");
    let parts = text.split("  ").map(str::trim).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(", ").replace(":, ", ": ")
}

/// Lines, blocks, shapes and dots that only paint.
fn is_sign(letter: char) -> bool {
    matches!(letter, '\u{2500}'..='\u{25ff}' | '·' | '•' | '×')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_become_words_or_nothing_and_columns_stand_behind_commas() {
        for (line, said) in [
            (" ▸ 1 ● alpha@example.com    in use pin  ████░░░  62%", "1, alpha@example.com, in use pin, 62%"),
            ("── parts ─────", "parts"),
            ("   [x] status badges        show ok…", "on: status badges, show ok..."),
            ("⏎ open", "enter open"),
            ("      ", ""),
            ("é日", "é日"),
        ] {
            assert_eq!(words(line), said, "{line}");
        }
    }
}
