//! The settings tab: groups at the left, the rows of the open one at the right.

mod about;
pub mod backups;
mod groups;
mod preview;
mod reading;
pub(in crate::view) mod rows;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::app::geometry::Kind;
use crate::app::screens::settings::places::{Places, places};
use crate::app::screens::settings::{Page, Side};
use crate::base::text::{clean, truncate_middle, width};
use crate::domain::settings::report::Storage;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::words::{CUT, count};

/// Draws the tab; returns the caret while a value is typed.
pub fn render(scene: &Scene, buffer: &mut Buffer) -> Option<Position> {
    let sheet = &scene.ui.sheet;
    let found = !sheet.needle.is_empty();
    let page = if found { Page::Behaviour } else { sheet.page };
    let places = places(&scene.layout, page, sheet.lines.len());
    context(scene, buffer);
    divider(scene, &places, buffer);
    groups::render(scene, places.groups, buffer);
    if found {
        return rows::render(
            scene,
            &places,
            &format!("Settings that hold '{}'", clean(&sheet.needle)),
            buffer,
        );
    }
    match page {
        Page::Backups => {
            backups::render(scene, &places, buffer);
            None
        }
        Page::Keys => {
            reading::keys(scene, &places, buffer);
            None
        }
        Page::Profiles => {
            reading::profiles(scene, &places, buffer);
            None
        }
        Page::Paths => {
            reading::paths(scene, &places, buffer);
            None
        }
        Page::Environment => {
            reading::environment(scene, &places, buffer);
            None
        }
        Page::About => {
            about::render(scene, places.panel, buffer);
            None
        }
        Page::Remove => {
            about::removal(scene, places.panel, buffer);
            None
        }
        Page::AccountList
        | Page::DetailsLine
        | Page::Behaviour
        | Page::Theme
        | Page::Session
        | Page::Rotation
        | Page::Refresh
        | Page::Performance => rows::render(scene, &places, page.titles().0, buffer),
    }
}

/// Where the settings stand, and how many are changed.
fn context(scene: &Scene, buffer: &mut Buffer) {
    let skin = scene.skin;
    let sheet = &scene.ui.sheet;
    let mut pen = Pen::new(buffer, scene.layout.context);
    let end = pen.width().saturating_sub(2);
    let changed = u64::try_from(sheet.draft.len()).unwrap_or(u64::MAX);
    let backups = sheet.page == Page::Backups && sheet.needle.is_empty();
    let (place, path) = if backups {
        ("Settings / Backups", scene.world.setting.backups.as_str())
    } else {
        ("Settings", scene.world.config.target.as_str())
    };
    let (named, kept) = sheet.backups.tally();
    let unread = changed == 0 && !backups && scene.world.config.storage == Storage::Unreadable;
    let right = match changed {
        0 if unread => "cannot be read: defaults count".to_owned(),
        0 if backups && sheet.backups.list.is_some() => format!("{named} named, {kept} kept"),
        0 => String::new(),
        many => count(many, "unsaved change"),
    };
    let tone = match (unread, changed) {
        (true, _) => skin.bad(),
        (false, 0) => skin.dim(),
        (false, _) => skin.accent(),
    };
    let start = if right.is_empty() { end } else { pen.put_right(end, 0, &right, tone) };
    let after = pen.put(1, 0, place, skin.heading());
    let room = usize::from(start.saturating_sub(after + 5));
    let path = scene.at_home(path);
    pen.put(after + 3, 0, &truncate_middle(&path, room, CUT), skin.dim());
}

fn divider(scene: &Scene, places: &Places, buffer: &mut Buffer) {
    let line = scene.skin.border();
    if scene.layout.kind == Kind::Wide {
        Pen::new(buffer, scene.layout.rule).put(places.divider.x, 0, "┬", line);
    }
    let mut pen = Pen::new(buffer, places.divider);
    for row in 0..places.divider.height {
        pen.put(0, row, "│", line);
    }
}

/// A titled line from the divider to the right edge.
fn rule(scene: &Scene, area: Rect, title: &str, buffer: &mut Buffer) {
    let skin = scene.skin;
    let mut pen = Pen::new(buffer, Rect { height: 1, ..area });
    let all = pen.width();
    pen.fill(0, 0, all, "─", skin.border());
    let room = usize::from(all.saturating_sub(4));
    let title = truncate_middle(title, room, CUT);
    if width(&title) > 0 {
        pen.run(1, 0, &[(" ", skin.border()), (&title, skin.heading()), (" ", skin.border())]);
    }
}

/// Whether the rows have the cursor.
fn rows_focused(scene: &Scene) -> bool {
    scene.ui.sheet.side == Side::Rows
}
