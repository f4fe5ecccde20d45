//! Snapshots of whole frames: the characters, and below them the styles by theme role.

use std::collections::BTreeMap;
use std::path::PathBuf;

use codex_multi_auth::app::Model;
use codex_multi_auth::view::draw;
use codex_multi_auth::view::skin::{Depth, Glyphs, Skin};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

/// Where snapshots live.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("snapshots")
}

/// A theme as a snapshot's name has it: `-ascii` and `none` are the fallbacks.
pub(crate) fn skin(theme: &str) -> Skin {
    match theme {
        "none" => Skin::built_in("green", Depth::None, Glyphs::Unicode),
        "ascii" => Skin::built_in("green", Depth::None, Glyphs::Ascii),
        "sixteen" => Skin::built_in("green", Depth::Sixteen, Glyphs::Unicode),
        theme => Skin::built_in(theme, Depth::True, Glyphs::Unicode),
    }
}

/// A frame of the model.
pub(crate) fn frame(model: &Model, (width, height): (u16, u16), skin: &Skin) -> Buffer {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    draw(model, skin, area, &mut buffer);
    buffer
}

/// The characters of a frame, one line per row.
pub(crate) fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width.max(1));
    let lines: Vec<String> = buffer
        .content
        .chunks(width)
        .map(|row| {
            let mut skip = 0;
            let mut line = String::new();
            for cell in row {
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                line.push_str(cell.symbol());
                skip = codex_multi_auth::base::text::width(cell.symbol()).saturating_sub(1);
            }
            line.trim_end().to_owned()
        })
        .collect();
    lines.join("\n")
}

/// Compares a frame with `snapshots/<name>.<WxH>.<theme>.snap`.
pub(crate) fn snap(name: &str, model: &Model, size: (u16, u16), theme: &str) {
    let skin = skin(theme);
    let buffer = frame(model, size, &skin);
    let name = file(name, size, theme);
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(folder());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
        .bind(|| insta::assert_snapshot!(name, format!("{}\n\n{}", text(&buffer), styles(&buffer, &skin))));
}

/// The name of a snapshot without its ending.
pub(crate) fn file(name: &str, (width, height): (u16, u16), theme: &str) -> String {
    format!("{name}.{width}x{height}.{theme}")
}

type Look = (Color, Color, ratatui::style::Modifier);

fn look(style: Style) -> Look {
    (style.fg.unwrap_or(Color::Reset), style.bg.unwrap_or(Color::Reset), style.add_modifier)
}

fn worn(cell: &Cell) -> Look {
    (cell.fg, cell.bg, cell.modifier)
}

/// One letter per cell for the role it wears; roles that look the same share the first one's letter.
fn styles(buffer: &Buffer, skin: &Skin) -> String {
    let roles = [
        ('.', "text", skin.text()),
        ('s', "selection", skin.selection()),
        ('h', "heading", skin.heading()),
        ('a', "accent", skin.accent()),
        ('g', "good", skin.good()),
        ('w', "warn", skin.warn()),
        ('b', "bad", skin.bad()),
        ('d', "dim", skin.dim()),
        ('r', "border", skin.border()),
    ];
    let mut letters: Vec<(Look, char)> = Vec::new();
    let mut legend: BTreeMap<char, Vec<&str>> = BTreeMap::new();
    for (letter, role, style) in roles {
        let known = letters.iter().find(|(seen, _)| *seen == look(style)).map(|(_, first)| *first);
        let letter = known.unwrap_or_else(|| {
            letters.push((look(style), letter));
            letter
        });
        legend.entry(letter).or_default().push(role);
    }
    let selection = look(skin.selection());
    let letter = |cell: &Cell| {
        let worn = worn(cell);
        if let Some((_, letter)) = letters.iter().find(|(look, _)| *look == worn) {
            return *letter;
        }
        // A selected row keeps the weight of what it covers.
        let selected =
            worn.1 == selection.1 && worn.2.contains(selection.2) && selection != look(Style::new());
        if selected { 's' } else { '?' }
    };
    let width = usize::from(buffer.area.width.max(1));
    let mut lines: Vec<String> =
        buffer.content.chunks(width).map(|row| row.iter().map(letter).collect::<String>()).collect();
    let legend: Vec<String> =
        legend.into_iter().map(|(letter, roles)| format!("{letter} {}", roles.join("/"))).collect();
    lines.push(legend.join("  "));
    lines.join("\n")
}
