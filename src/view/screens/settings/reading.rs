//! Groups to read: keys, paths, variables.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::rows_focused;
use crate::app::screens::settings::places::Places;
use crate::app::screens::settings::{Line, draft, rows_of, words};
use crate::base::text::{clean, truncate, truncate_middle};
use crate::domain::policy::profile::Profile;
use crate::domain::stock::{Found, Item};
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::scrollbar::Scrollbar;
use crate::view::words::CUT;

/// Every key of the table, by place.
pub(super) fn keys(scene: &Scene, places: &Places, buffer: &mut Buffer) {
    head(scene, places, "Keys", "to read; your own go into keys.toml", buffer);
    list(scene, places, buffer, |scene, pen, row, line| {
        let skin = scene.skin;
        match line {
            Line::Scope(scope) => {
                pen.put(1, row, scope.title(), skin.dim());
            }
            Line::Bind(bind) => {
                let keys: Vec<String> = scene.ui.keys.keys(bind).iter().map(|chord| chord.name()).collect();
                pen.put(3, row, &truncate(&keys.join("  "), 22, CUT), skin.accent());
                let room = usize::from(pen.width().saturating_sub(28));
                pen.put(27, row, &truncate(bind.label, room, CUT), skin.text());
            }
            Line::Title(_)
            | Line::Setting(_)
            | Line::Part(..)
            | Line::Fold(_)
            | Line::Place(_)
            | Line::Profile(_)
            | Line::Variable(..) => {}
        }
    });
}

/// The routing profiles of projects: what each prefers, avoids and allows.
pub(super) fn profiles(scene: &Scene, places: &Places, buffer: &mut Buffer) {
    head(scene, places, "Routing profiles", "a new, enter edits, d deletes", buffer);
    let skin = scene.skin;
    if let Some(trouble) = &scene.world.rule_trouble {
        Pen::new(buffer, places.list).put(3, 0, &clean(trouble), skin.bad());
    } else if scene.ui.sheet.lines.is_empty() {
        let mut pen = Pen::new(buffer, places.list);
        pen.put(3, 0, "no project has a profile", skin.dim());
        pen.put(3, 1, "a makes one, as does", skin.dim());
        pen.put(3, 2, "codex-multi-auth profile set", skin.accent());
    }
    list(scene, places, buffer, |scene, pen, row, line| {
        let Line::Profile(place) = line else { return };
        if let Some(profile) = scene.world.governance.rules.profiles.values().nth(place) {
            let room = usize::from(pen.width().saturating_sub(24));
            let name = truncate(&clean(&profile.project_name), 18, CUT);
            pen.put(3, row, &name, scene.skin.text());
            pen.put(23, row, &truncate(&clean(&rules(profile)), room, CUT), scene.skin.dim());
        }
    });
}

/// What a profile says, in words.
fn rules(profile: &Profile) -> String {
    let part =
        |name: &str, values: &[String]| (!values.is_empty()).then(|| format!("{name} {}", values.join(" ")));
    let weights = profile.weights.len();
    let parts = [
        part("prefers", &profile.preferred_tags),
        part("avoids", &profile.avoid_tags),
        part("only", &profile.models_allowed),
        part("never", &profile.models_denied),
        (weights > 0).then(|| format!("{weights} weighted")),
        profile.budget_key.as_ref().map(|key| format!("budget {key}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Every file and folder: whether it is there, how large, and who may read it.
pub(super) fn paths(scene: &Scene, places: &Places, buffer: &mut Buffer) {
    let scope = if scene.world.setting.project.is_some() { "project" } else { "global" };
    head(scene, places, "Paths", &format!("{scope} pool"), buffer);
    if scene.world.stock.is_empty() {
        Pen::new(buffer, places.list).put(3, 0, "looking", scene.skin.dim());
    }
    list(scene, places, buffer, |scene, pen, row, line| {
        let Line::Place(place) = line else { return };
        if let Some(item) = scene.world.stock.get(place) {
            path(scene, pen, row, item);
        }
    });
}

fn path(scene: &Scene, pen: &mut Pen, row: u16, item: &Item) {
    let skin = scene.skin;
    let all = pen.width();
    let mode = |mode: Option<u32>| mode.map(|mode| format!("  {:03o}", mode & 0o777)).unwrap_or_default();
    let (text, tone) = match &item.found {
        Found::Missing => ("–".to_owned(), skin.dim()),
        Found::File(bytes, bits) => (format!("{}{}", sized(*bytes), mode(*bits)), skin.dim()),
        Found::Folder(entries, bits) => (format!("{entries} inside{}", mode(*bits)), skin.dim()),
        Found::Unreadable(why) => (format!("! {}", clean(why)), skin.bad()),
    };
    let (text, tone) = match item.warning() {
        Some(warning) => (format!("! {warning}"), skin.warn()),
        None => (text, tone),
    };
    let missing = item.found == Found::Missing;
    let style = if missing { skin.dim() } else { skin.text() };
    pen.put(3, row, &truncate(item.what, 21, CUT), style);
    let right = if all > 90 { 44 } else { 0 };
    if all < 50 {
        // Name and finding only: half a path says nothing.
        let text = if item.warning().is_some() { format!("!{}", mode(bits(item))) } else { text };
        pen.put_right(all.saturating_sub(2), row, &truncate(&text, 15, CUT), tone);
        return;
    }
    if right == 0 {
        let start = pen.put_right(all.saturating_sub(2), row, &truncate(&text, 32, CUT), tone);
        let room = usize::from(start.saturating_sub(27));
        pen.put(26, row, &truncate_middle(&short(scene, item), room, CUT), skin.dim());
        return;
    }
    let room = usize::from(all.saturating_sub(right + 28));
    pen.put(26, row, &truncate_middle(&scene.at_home(&item.path), room, CUT), style);
    pen.put_right(all.saturating_sub(2), row, &truncate(&text, usize::from(right), CUT), tone);
}

/// The mode, where there is one.
fn bits(item: &Item) -> Option<u32> {
    let (Found::File(_, bits) | Found::Folder(_, bits)) = item.found else { return None };
    bits
}

/// The path below the root where there is one.
fn short(scene: &Scene, item: &Item) -> String {
    let root = scene.world.stock.first().map_or("", |first| first.path.as_str());
    match item.path.strip_prefix(root) {
        Some(rest) if !root.is_empty() && !rest.is_empty() => rest.trim_start_matches('/').to_owned(),
        _ => scene.at_home(&item.path),
    }
}

fn sized(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} K", bytes.div_ceil(1_024)),
        _ => format!("{} M", bytes.div_ceil(1_048_576)),
    }
}

/// Variables of the table that are set, and what they override.
pub(super) fn environment(scene: &Scene, places: &Places, buffer: &mut Buffer) {
    head(scene, places, "Environment", "variables that hold a setting fast", buffer);
    if scene.ui.sheet.lines.is_empty() {
        let text = "no variable of the settings table is set";
        Pen::new(buffer, places.list).put(3, 0, text, scene.skin.dim());
    }
    list(scene, places, buffer, |scene, pen, row, line| {
        let Line::Variable(setting, name) = line else { return };
        let skin = scene.skin;
        let report = &scene.world.config;
        let value = words::short(setting, &draft::effective(setting, report));
        let instead = match draft::stored(setting, report) {
            Some(draft::Stored::Good(value)) => format!("instead of {}", words::short(setting, value)),
            Some(draft::Stored::Bad) | None => {
                format!("instead of {} (default)", words::short(setting, &setting.default()))
            }
        };
        let all = pen.width();
        let half = all / 2 + 2;
        pen.put(3, row, &truncate(name, usize::from(half.saturating_sub(4)), CUT), skin.text());
        let after = pen.put(half, row, &truncate(&clean(&value), 14, CUT), skin.warn());
        let room = usize::from(all.saturating_sub(after + 3));
        pen.put(after + 2, row, &truncate(&format!("{instead}   {}", setting.title), room, CUT), skin.dim());
    });
}

fn head(scene: &Scene, places: &Places, title: &str, note: &str, buffer: &mut Buffer) {
    let mut pen = Pen::new(buffer, places.panel);
    let after = pen.put(1, 0, title, scene.skin.heading());
    let room = usize::from(pen.width().saturating_sub(after + 4));
    pen.put(after + 3, 0, &truncate(note, room, CUT), scene.skin.dim());
}

fn list(
    scene: &Scene,
    places: &Places,
    buffer: &mut Buffer,
    mut draw: impl FnMut(&Scene, &mut Pen, u16, Line),
) {
    let skin = scene.skin;
    let sheet = &scene.ui.sheet;
    let mut pen = Pen::new(buffer, places.list);
    for (row, (place, line)) in (0..places.list.height).zip(sheet.lines.iter().enumerate().skip(sheet.offset))
    {
        draw(scene, &mut pen, row, *line);
        if place == sheet.place && line.is_reachable() {
            pen.put(1, row, "▸", skin.accent());
            if rows_focused(scene) {
                let all = pen.width();
                pen.paint(row, 0, all, skin.selection());
            }
        }
    }
    let count = rows_of(&sheet.lines, scene.layout.kind).last().map_or(0, |last| last + 1);
    let area: Rect = places.list;
    (&Scrollbar { offset: sheet.offset, count, style: skin.border() }).render(area, buffer);
}
