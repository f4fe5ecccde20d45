//! The experimental tab: five staged features, and what the first of them would do (dashboard.md §12.9).

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::app::geometry::Kind;
use crate::app::screens::experimental::{Item, Look, places, row_height};
use crate::app::screens::settings::{draft, words};
use crate::base::Moment;
use crate::base::text::{clean, truncate, truncate_middle, width};
use crate::domain::backup::Kind as Copied;
use crate::domain::companion::{Line, Match, Synced, Target};
use crate::domain::settings::schema::{Row, Value};
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::rule::Rule;
use crate::view::words::{CUT, count};

/// Where the second column of a feature stands below 120 columns.
const BESIDE: u16 = 49;

/// The file of the companion's pool.
const POOL: &str = "openai-codex-accounts.json";

/// Draws the tab.
pub fn render(scene: &Scene, buffer: &mut Buffer) {
    let skin = scene.skin;
    let mut pen = Pen::new(buffer, scene.layout.context);
    let after = pen.put(1, 0, "Experimental", skin.heading());
    let room = usize::from(pen.width().saturating_sub(after + 4));
    let staged = "staged features, nothing is changed without a preview";
    pen.put(after + 3, 0, &truncate(staged, room, CUT), skin.dim());
    let changed = scene.ui.sheet.draft.len();
    if changed > 0 {
        let text = count(u64::try_from(changed).unwrap_or(u64::MAX), "unsaved change");
        let end = pen.width().saturating_sub(1);
        let wide = usize::from(end).saturating_sub(width(&text));
        if wide > usize::from(after) + 3 + width(staged) {
            pen.put_right(end, 0, &text, skin.accent());
        }
    }
    let places = places(&scene.layout);
    for (place, item) in Item::ALL.into_iter().enumerate() {
        let height = row_height(scene.layout.kind);
        let y = places.list.y + u16::try_from(place).unwrap_or(u16::MAX) * height;
        let area = Rect { y, height, ..places.list }.intersection(places.list);
        feature(scene, area, place + 1, item, buffer);
    }
    let line = skin.border();
    if places.divider.width > 0 {
        Pen::new(buffer, scene.layout.rule).put(places.divider.x, 0, "┬", line);
        let mut pen = Pen::new(buffer, places.divider);
        for row in 0..places.divider.height {
            pen.put(0, row, "│", line);
        }
    }
    preview(scene, places.preview, buffer);
}

/// What the message line says when nothing else does.
pub fn quiet(scene: &Scene) -> Option<String> {
    let tab = &scene.ui.experimental;
    if scene.ui.sheet.is_dirty() {
        return Some("changes are written only when you save".to_owned());
    }
    match (&tab.look, tab.open) {
        (Look::Asked, true) => Some("looking at both pools".to_owned()),
        (Look::Seen(synced), true) if synced.changed => {
            Some("written; their pool was copied first".to_owned())
        }
        (Look::Seen(synced), true) if matches!(synced.target, Target::Found(_)) => {
            Some("dry run finished, nothing written".to_owned())
        }
        (Look::Never | Look::Asked | Look::Failed(_) | Look::Seen(_), _) => None,
    }
}

fn feature(scene: &Scene, area: Rect, number: usize, item: Item, buffer: &mut Buffer) {
    let skin = scene.skin;
    let focused = scene.ui.experimental.item == item;
    let mut pen = Pen::new(buffer, area);
    if focused {
        pen.put(1, 0, "▸", skin.accent());
    }
    let style = if focused { skin.accent() } else { skin.text() };
    pen.put(3, 0, &format!("{number} {}", item.title()), style);
    let notes = notes(scene, item);
    if scene.layout.kind == Kind::Wide {
        for (row, (text, style)) in (1_u16..).zip(&notes) {
            let room = usize::from(pen.width().saturating_sub(6));
            pen.put(5, row, &truncate_middle(text, room, CUT), *style);
        }
        return;
    }
    let start = BESIDE.min(pen.width().saturating_sub(22)).max(35);
    let room = usize::from(pen.width().saturating_sub(start + 1));
    if let Some((text, style)) = notes.first() {
        pen.put(start, 0, &truncate_middle(text, room, CUT), *style);
    }
}

/// What is said about a feature; the first line is the one that always fits.
fn notes(scene: &Scene, item: Item) -> Vec<(String, Style)> {
    let skin = scene.skin;
    match item {
        Item::Sync => vec![target(scene)],
        Item::Save => {
            let backups = &scene.ui.sheet.backups;
            let Some(list) = &backups.list else { return Vec::new() };
            let (named, _) = backups.tally();
            let named_ones = list.iter().filter(|backup| backup.kind == Copied::Named);
            let newest = named_ones.map(|backup| backup.modified).max();
            let last = newest.map(|at| format!(", last {}", scene.ago(at))).unwrap_or_default();
            vec![(format!("{}{last}", count(u64::try_from(named).unwrap_or(u64::MAX), "backup")), skin.dim())]
        }
        Item::Restore => vec![("preview, then replace or merge".to_owned(), skin.dim())],
        Item::Guard => {
            let every = item.dial().map(|row| words::short(row, &value(scene, row))).unwrap_or_default();
            let between = if scene.layout.kind == Kind::Narrow { "  " } else { "   every " };
            let text = format!("{}{between}‹ {every} ›", switch(scene, item));
            vec![(text, tone(scene, item))]
        }
        Item::Intercept => vec![
            (switch(scene, item), tone(scene, item)),
            ("not built yet: has no effect".to_owned(), skin.dim()),
        ],
    }
}

fn target(scene: &Scene) -> (String, Style) {
    let skin = scene.skin;
    match &scene.ui.experimental.look {
        Look::Never | Look::Asked => ("looking for it".to_owned(), skin.dim()),
        Look::Failed(_) => ("cannot be read".to_owned(), skin.bad()),
        Look::Seen(synced) => match &synced.target {
            Target::Found(folder) => {
                let folder = clean(&scene.at_home(&folder.display().to_string())).into_owned();
                (format!("target {folder} (found)"), skin.dim())
            }
            Target::Ambiguous(_) => ("several pools: name one".to_owned(), skin.warn()),
            Target::Missing => ("no pool of it was found".to_owned(), skin.dim()),
        },
    }
}

fn value(scene: &Scene, row: &Row) -> Value {
    scene.ui.sheet.draft.value(row, &scene.world.config)
}

fn switch(scene: &Scene, item: Item) -> String {
    match item.switch().map(|row| value(scene, row)) {
        Some(Value::Flag(true)) => "[x] on".to_owned(),
        _ => "[ ] off".to_owned(),
    }
}

/// Unsaved and held values look different, as in the settings.
fn tone(scene: &Scene, item: Item) -> Style {
    let rows = [item.switch(), item.dial()];
    let mut rows = rows.iter().flatten();
    if rows.clone().any(|row| scene.ui.sheet.draft.holds(row)) {
        return scene.skin.accent();
    }
    if rows.any(|row| draft::locked(row, &scene.world.config).is_some()) {
        return scene.skin.dim();
    }
    scene.skin.text()
}

fn preview(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let skin = scene.skin;
    let tab = &scene.ui.experimental;
    let wide = scene.layout.kind == Kind::Wide;
    let mut inside = area;
    if wide {
        let mut pen = Pen::new(buffer, area);
        pen.put(1, 0, "Sync preview", skin.heading());
        let seen = tab.seen().filter(|synced| tab.open && matches!(synced.target, Target::Found(_)));
        if let Some(synced) = seen {
            let end = pen.width().saturating_sub(1);
            let note = if synced.changed { "written" } else { "dry run, nothing written" };
            pen.put_right(end, 0, note, skin.dim());
        }
        inside = Rect { y: area.y + 2, height: area.height.saturating_sub(2), ..area }.intersection(area);
    } else {
        let title = Rect { height: 1, ..area }.intersection(area);
        (&Rule { title: "sync preview", text: skin.heading(), line: skin.border() }).render(title, buffer);
        inside = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..inside }.intersection(area);
    }
    let mut pen = Pen::new(buffer, inside);
    let room = usize::from(pen.width().saturating_sub(3));
    match &tab.look {
        Look::Failed(why) => {
            pen.put(2, 0, &truncate(&clean(why), room, CUT), skin.bad());
            pen.put(2, 1, &truncate("nothing of theirs was touched", room, CUT), skin.dim());
        }
        Look::Seen(synced) if !matches!(synced.target, Target::Found(_)) => {
            let lines = match &synced.target {
                Target::Ambiguous(all) => {
                    let all: Vec<String> =
                        all.iter().map(|path| scene.at_home(&path.display().to_string())).collect();
                    [
                        format!("more than one pool was found: {}", all.join(", ")),
                        "name the right one with OC_CHATGPT_MULTI_AUTH_DIR".to_owned(),
                    ]
                }
                Target::Found(_) | Target::Missing => [
                    "the companion tool keeps its pool in ~/.opencode; there is none".to_owned(),
                    "OC_CHATGPT_MULTI_AUTH_DIR names another folder".to_owned(),
                ],
            };
            for (row, text) in (0_u16..).zip(lines) {
                pen.put(2, row, &truncate_middle(&clean(&text), room, CUT), skin.dim());
            }
        }
        Look::Seen(synced) if tab.open && wide => table(scene, synced, &mut pen),
        Look::Seen(synced) if tab.open => groups(scene, synced, &mut pen),
        Look::Seen(_) | Look::Never | Look::Asked => {
            let text = "enter on the first row shows what would be added and updated";
            pen.put(2, 0, &truncate(text, room, CUT), skin.dim());
        }
    }
}

/// One line per kind of step, with the names it is about.
fn groups(scene: &Scene, synced: &Synced, pen: &mut Pen<'_>) {
    let skin = scene.skin;
    let end = pen.width().saturating_sub(1);
    let kinds = [
        ("add", "+", skin.good(), ""),
        ("update", "~", skin.accent(), "(newer here)"),
        ("skip", "=", skin.dim(), "older than there"),
        ("keep", "·", skin.dim(), "only there, untouched"),
    ];
    for (row, (word, sign, style, note)) in (0_u16..).zip(kinds) {
        let names: Vec<String> = synced
            .rows
            .iter()
            .filter(|line| line.action.word() == word)
            .map(|line| scene.masked(&clean(&line.label)))
            .collect();
        let after = pen.run(
            2,
            row,
            &[(sign, style), (" ", style), (&format!("{word:<8} {:<3} ", names.len()), skin.text())],
        );
        if names.is_empty() {
            pen.put(after, row, "nothing", skin.dim());
            continue;
        }
        let tail = u16::try_from(width(note)).unwrap_or(0);
        let note_at = end.saturating_sub(tail);
        let shows_note = tail > 0 && note_at > after + 20;
        let until = if shows_note { note_at.saturating_sub(2) } else { end };
        let room = usize::from(until.saturating_sub(after));
        pen.put(after, row, &truncate(&names.join(", "), room, CUT), skin.text());
        if shows_note {
            pen.put(note_at, row, note, skin.dim());
        }
    }
    let room = usize::from(end.saturating_sub(2));
    let safe = "active account there: unchanged       file mode 0600, atomic replace";
    pen.put(2, 5, &truncate(safe, room, CUT), skin.dim());
    if synced.has_news() {
        pen.put(2, 6, &truncate(BOTH, room, CUT), skin.warn());
    }
}

/// What a shared sign-in means; said wherever one is about to be shared.
const BOTH: &str = "both programs then hold these sign-ins: the second to refresh signs in";

fn table(scene: &Scene, synced: &Synced, pen: &mut Pen<'_>) {
    let skin = scene.skin;
    let columns = [3_u16, 12, 42, 57, 72];
    for (column, title) in columns.into_iter().zip(["ACTION", "ACCOUNT", "HERE", "THERE", "MATCHED BY"]) {
        pen.put(column, 0, title, skin.dim());
    }
    let below = 8;
    let room = usize::from(pen.height().saturating_sub(2 + below));
    let shown = synced.rows.len().min(room);
    for (row, line) in (2_u16..).zip(synced.rows.iter().take(shown)) {
        let (sign, style) = sign(scene, line);
        pen.run(3, row, &[(sign, style), (" ", style), (line.action.word(), style)]);
        let label = scene.masked(&clean(&line.label));
        pen.put(12, row, &truncate(&label, 28, CUT), skin.text());
        for (column, at) in [(42, line.here), (57, line.there)] {
            pen.put(column, row, &truncate(&used(scene, at), 14, CUT), skin.dim());
        }
        pen.put(72, row, &why(line), skin.dim());
    }
    let mut row = u16::try_from(2 + shown).unwrap_or(u16::MAX);
    if shown < synced.rows.len() {
        let text = format!("and {} more", synced.rows.len() - shown);
        pen.put(12, row, &text, skin.dim());
        row += 1;
    }
    row += 1;
    pen.put(3, row, "active account there: unchanged", skin.dim());
    let totals = format!(
        "{} added, {} updated, {} skipped, {} kept",
        synced.count("add"),
        synced.count("update"),
        synced.count("skip"),
        synced.count("keep")
    );
    pen.put(3, row + 1, &totals, skin.text());
    let folder = match &synced.target {
        Target::Found(folder) => scene.at_home(&folder.display().to_string()),
        Target::Ambiguous(_) | Target::Missing => String::new(),
    };
    let state = synced.existing.map_or_else(
        || "will be created".to_owned(),
        |there| format!("exists, {}", count(u64::try_from(there).unwrap_or(0), "account")),
    );
    let room = usize::from(pen.width().saturating_sub(13));
    let path = truncate_middle(&clean(&format!("{folder}/{POOL}  ({state})")), room, CUT);
    pen.run(3, row + 3, &[("target   ", skin.dim()), (&path, skin.text())]);
    pen.run(
        3,
        row + 4,
        &[("safety   ", skin.dim()), ("backup written first, atomic replace, mode 0600", skin.text())],
    );
    if synced.has_news() {
        pen.put(12, row + 5, &truncate(BOTH, room, CUT), skin.warn());
    }
}

fn sign(scene: &Scene, line: &Line) -> (&'static str, Style) {
    let skin = scene.skin;
    match line.action.word() {
        "add" => ("+", skin.good()),
        "update" => ("~", skin.accent()),
        "skip" => ("=", skin.dim()),
        _ => ("·", skin.dim()),
    }
}

fn used(scene: &Scene, at: Option<Moment>) -> String {
    at.map_or_else(|| "–".to_owned(), |at| format!("used {}", scene.ago(at)))
}

fn why(line: &Line) -> String {
    match (line.action.matched(), line.action.reason()) {
        (Some(matched), _) => Match::word(matched).to_owned(),
        (None, Some(reason)) => reason.text().to_owned(),
        (None, None) if line.action.word() == "keep" => "only there".to_owned(),
        (None, None) => "–".to_owned(),
    }
}
