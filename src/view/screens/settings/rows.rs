//! Settings as rows: sign, title, help or value, where the value comes from, and the focused one in words.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::{preview, rows_focused};
use crate::app::field::window;
use crate::app::geometry::Kind as Screen;
use crate::app::screens::settings::places::Places;
use crate::app::screens::settings::{Fold, Line, Origin, Page, draft, rows_of, words};
use crate::app::ui::parts;
use crate::base::text::{clean, truncate, width, wrap};
use crate::domain::settings::schema::{Kind, Row, Value};
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::scrollbar::Scrollbar;
use crate::view::words::CUT;

/// Column of the sign or, where there is none, of the title.
const SIGN: u16 = 3;
/// Column of a title behind a sign.
const TITLE: u16 = 7;
/// Column of help and values.
const SAID: u16 = 28;
/// The same on a wide screen.
const WIDE_SAID: u16 = 33;
/// Column of the dot of a changed value.
const DOT: u16 = 54;
/// Cells from the right edge to value, default and source.
const COLUMNS: [u16; 3] = [41, 28, 15];

/// Draws title, rows, the focused one in words, and the preview.
pub(super) fn render(scene: &Scene, places: &Places, title: &str, buffer: &mut Buffer) -> Option<Position> {
    let skin = scene.skin;
    let sheet = &scene.ui.sheet;
    let mut pen = Pen::new(buffer, places.panel);
    let wide = scene.layout.kind == Screen::Wide;
    let room = usize::from(pen.width().saturating_sub(2));
    pen.put(1, 0, &truncate(title, room, CUT), skin.heading());
    if wide {
        for (column, name) in COLUMNS.iter().zip(["value", "default", "source"]) {
            pen.put(pen.width().saturating_sub(column + 1), 0, name, skin.dim());
        }
    }
    let rows = rows_of(&sheet.lines, scene.layout.kind);
    let mut pen = Pen::new(buffer, places.list);
    let mut before = None;
    for (place, (line, row)) in sheet.lines.iter().zip(&rows).enumerate() {
        let shared = before == Some(*row);
        before = Some(*row);
        let Some(shown) = row.checked_sub(sheet.offset).and_then(|row| u16::try_from(row).ok()) else {
            continue;
        };
        if shown >= places.list.height {
            break;
        }
        let half = if shared {
            Half::Second
        } else if rows.get(place + 1) == Some(row) {
            Half::First
        } else {
            Half::Whole
        };
        draw(scene, &mut pen, shown, *line, half);
        if place == sheet.place {
            mark(scene, &mut pen, shown, half);
        }
    }
    if sheet.lines.is_empty() {
        pen.put(SIGN, 0, "no setting holds this; esc clears", skin.dim());
    }
    let count = rows.last().map_or(0, |last| last + 1);
    (&Scrollbar { offset: sheet.offset, count, style: skin.border() }).render(places.list, buffer);
    preview::render(scene, places.preview, buffer);
    if let Some(typing) = &sheet.typing {
        return Some(field(scene, typing, places.detail, buffer));
    }
    detail(scene, places.detail, buffer);
    None
}

/// Which part of a shared row a line has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Whole,
    First,
    Second,
}

fn draw(scene: &Scene, pen: &mut Pen, row: u16, line: Line, half: Half) {
    let skin = scene.skin;
    match line {
        Line::Title(page) => {
            pen.put(1, row, page.titles().0, skin.dim());
        }
        Line::Fold(count) => {
            let sign = if scene.ui.sheet.fold == Fold::Open { "-" } else { "+" };
            let text = format!("{sign} kept for the original and its plugin host ({count})");
            pen.put(SIGN, row, &text, skin.dim());
        }
        Line::Part(setting, place) => part(scene, pen, row, setting, place),
        Line::Setting(setting) => match half {
            Half::Whole => whole(scene, pen, row, setting),
            Half::First | Half::Second => shared(scene, pen, row, setting, half),
        },
        Line::Scope(_) | Line::Bind(_) | Line::Place(_) | Line::Profile(_) | Line::Variable(..) => {}
    }
}

/// Shows that the cursor is here.
fn mark(scene: &Scene, pen: &mut Pen, row: u16, half: Half) {
    let skin = scene.skin;
    let all = pen.width();
    let start = if half == Half::Second { SAID - 2 } else { 1 };
    pen.put(start, row, "▸", skin.accent());
    if rows_focused(scene) {
        let (from, to) = match half {
            Half::Whole => (0, all),
            Half::First => (0, SAID - 2),
            Half::Second => (SAID - 2, DOT.min(all)),
        };
        pen.paint(row, from, to.saturating_sub(from), skin.selection());
    }
}

/// Two words side by side: `sort   ‹ ready first ›   layout ‹ details pane ›`.
fn shared(scene: &Scene, pen: &mut Pen, row: u16, setting: &'static Row, half: Half) {
    let skin = scene.skin;
    let value = scene.ui.sheet.draft.value(setting, &scene.world.config);
    let (title, said) = if half == Half::First { (SIGN, SIGN + 7) } else { (SAID, SAID + 7) };
    pen.put(title, row, setting.title, skin.text());
    pen.put(said, row, &format!("‹ {} ›", words::long(setting, &value)), skin.text());
    if scene.ui.sheet.draft.holds(setting) {
        pen.put(DOT, row, "•", skin.accent());
    }
}

fn whole(scene: &Scene, pen: &mut Pen, row: u16, setting: &'static Row) {
    let skin = scene.skin;
    let (draft, report) = (&scene.ui.sheet.draft, &scene.world.config);
    let wide = scene.layout.kind == Screen::Wide;
    let value = draft.value(setting, report);
    let origin = draft.origin(setting, report);
    let idle = setting.verdict.note().is_some();
    let locked = matches!(origin, Origin::Variable(_));
    let text = if idle || locked { skin.dim() } else { skin.text() };
    let said = if wide { WIDE_SAID } else { SAID };
    let dot = DOT.min(pen.width().saturating_sub(3));
    let right = if wide { pen.width().saturating_sub(COLUMNS[0] + 2) } else { dot };
    let room = usize::from(right.saturating_sub(said + u16::from(!wide)));
    let brief = if let Value::Flag(flag) = value {
        pen.put(SIGN, row, if flag { "[x]" } else { "[ ]" }, text);
        title(pen, row, TITLE, said, setting, text);
        (setting.help.to_owned(), skin.dim())
    } else {
        title(pen, row, SIGN, said, setting, text);
        (worded(setting, &value), text)
    };
    pen.put(said, row, &truncate(&clean(&brief.0), room, CUT), brief.1);
    if wide {
        columns(scene, pen, row, setting, &value, origin);
    } else if origin == Origin::Unsaved {
        pen.put(dot, row, "•", skin.accent());
    } else if locked {
        pen.put(dot, row, "=", skin.warn());
    }
}

fn title(pen: &mut Pen, row: u16, from: u16, until: u16, setting: &Row, style: Style) {
    let room = usize::from(until.saturating_sub(from + 1));
    pen.put(from, row, &truncate(setting.title, room, CUT), style);
}

/// A value that keys can move stands between angles.
fn worded(setting: &Row, value: &Value) -> String {
    let text = words::long(setting, value);
    match setting.kind {
        Kind::Word(_) | Kind::Number { .. } => format!("‹ {text} ›"),
        Kind::Text(_) if words::suggestions(setting).is_some() => format!("‹ {text} ›"),
        Kind::Flag(_) | Kind::Text(_) | Kind::List(_) | Kind::Map => text,
    }
}

/// Value, default and source at the right of a wide screen.
fn columns(scene: &Scene, pen: &mut Pen, row: u16, setting: &'static Row, value: &Value, origin: Origin) {
    let skin = scene.skin;
    let [at, default, source] = COLUMNS.map(|column| pen.width().saturating_sub(column));
    let fit = |text: &str, room: usize| truncate(&clean(text), room, CUT);
    pen.put(at, row, &fit(&words::short(setting, value), 12), skin.text());
    pen.put(default, row, &fit(&words::short(setting, &setting.default()), 12), skin.dim());
    if origin == Origin::Unsaved {
        pen.put(default - 2, row, "•", skin.accent());
    }
    let (text, style) = match origin {
        Origin::Default => ("default".to_owned(), skin.dim()),
        Origin::File => (file_name(&scene.world.config.target).to_owned(), skin.text()),
        Origin::Variable(name) => (name.to_owned(), skin.warn()),
        Origin::Unsaved => ("unsaved".to_owned(), skin.accent()),
    };
    pen.put(source, row, &fit(&text, 14), style);
}

fn file_name(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    if name.is_empty() { "settings.json" } else { name }
}

/// One word of a list: whether it is chosen, and its place.
fn part(scene: &Scene, pen: &mut Pen, row: u16, setting: &'static Row, place: usize) {
    let skin = scene.skin;
    let value = scene.ui.sheet.draft.value(setting, &scene.world.config);
    let (chosen, all) = parts(setting, &value);
    let Some(word) = all.get(place) else { return };
    let at = chosen.iter().position(|other| other == word);
    pen.put(TITLE - 2, row, if at.is_some() { "[x]" } else { "[ ]" }, skin.text());
    pen.put(TITLE + 2, row, &word.replace('-', " "), skin.text());
    let said = if scene.layout.kind == Screen::Wide { WIDE_SAID } else { SAID };
    let text = match at {
        Some(at) => format!("{}. - + move it", at + 1),
        None => "not shown".to_owned(),
    };
    pen.put(said, row, &text, skin.dim());
}

/// The focused setting in words.
fn detail(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let skin = scene.skin;
    let mut pen = Pen::new(buffer, area);
    let Some(setting) = scene.ui.sheet.setting() else { return };
    let room = usize::from(pen.width().saturating_sub(2));
    let mut help = sentence(setting.help);
    // First, so that it is read where only the beginning fits: a row without effect must not look like one that works.
    if let Some(note) = setting.verdict.brief() {
        help = format!("{}: {}", sentence(note), setting.help);
    }
    if scene.layout.kind == Screen::Wide {
        let after = pen.put(1, 0, setting.title, skin.heading());
        let after = pen.run(after, 0, &[("   key ", skin.dim()), (setting.key, skin.text())]);
        let bounds = format!("   {}", words::bounds(setting));
        let after =
            pen.put(after, 0, &truncate(&bounds, room.saturating_sub(usize::from(after)), CUT), skin.dim());
        let (state, tone) = state(scene, setting);
        pen.put(after + 3, 0, &state, tone);
        for (row, line) in (1..3).zip(wrap(&help, room)) {
            pen.put(1, row, &line, skin.text());
        }
        return;
    }
    if area.height > 1 {
        let lines = wrap(&help, room);
        for (row, line) in (0..2).zip(&lines) {
            let is_cut = row == 1 && lines.len() > 2;
            let line = if is_cut { truncate(&format!("{line} {CUT}"), room, CUT) } else { line.clone() };
            pen.put(1, row, &line, skin.text());
        }
        let bounds = allowed(setting).map(|bounds| format!("   {bounds}")).unwrap_or_default();
        let text = truncate(&format!("key {}{bounds}", setting.key), room, CUT);
        pen.put(1, 2, &text, skin.dim());
    }
    let spare = (area.height > 2 && wrap(&help, room).len() < 2).then_some(1);
    status(scene, &mut pen, (area.height.saturating_sub(1), spare), setting);
}

/// What is allowed; a switch says it by itself.
fn allowed(setting: &Row) -> Option<String> {
    (!matches!(setting.kind, Kind::Flag(_))).then(|| words::bounds(setting))
}

/// `• changed   default: off   env: none`; a variable that does not fit goes to the spare row.
fn status(scene: &Scene, pen: &mut Pen, (row, spare): (u16, Option<u16>), setting: &'static Row) {
    let skin = scene.skin;
    let (mut text, tone) = state(scene, setting);
    let all = pen.width();
    if width(&text) > usize::from(all.saturating_sub(2)) {
        text = text.replace("= locked by", "= set by");
    }
    let after = pen.put(1, row, &truncate(&text, usize::from(all.saturating_sub(2)), CUT), tone).max(10) + 3;
    if matches!(scene.ui.sheet.draft.origin(setting, &scene.world.config), Origin::Variable(_)) {
        return;
    }
    let default = format!("default: {}", words::short(setting, &setting.default()));
    let after = pen.put(after, row, &truncate(&default, 24, CUT), skin.dim()).max(after + 12) + 3;
    let env = setting.env.first().copied().unwrap_or("none");
    let room = usize::from(all.saturating_sub(after + 1));
    let env = format!("env: {env}");
    match spare {
        Some(spare) if width(&env) > room => {
            pen.put(1, spare, &truncate(&env, usize::from(all.saturating_sub(2)), CUT), skin.dim());
        }
        Some(_) | None => {
            pen.put(after, row, &truncate(&env, room, CUT), skin.dim());
        }
    }
}

/// Where the value comes from, or what stands in the way of changing it.
fn state(scene: &Scene, setting: &'static Row) -> (String, Style) {
    let skin = scene.skin;
    let report = &scene.world.config;
    match scene.ui.sheet.draft.origin(setting, report) {
        Origin::Variable(name) => (format!("= locked by {name}"), skin.warn()),
        Origin::Unsaved => ("• changed".to_owned(), skin.accent()),
        Origin::File if draft::stored(setting, report) == Some(draft::Stored::Bad) => {
            ("! the stored value is not usable".to_owned(), skin.bad())
        }
        Origin::File => (format!("from {}", file_name(&report.target)), skin.text()),
        Origin::Default => ("default".to_owned(), skin.dim()),
    }
}

/// What the message line says of the focused setting where its panel has no room for that.
pub(in crate::view) fn told(scene: &Scene) -> Option<String> {
    let sheet = &scene.ui.sheet;
    let is_short =
        scene.layout.kind != Screen::Wide && sheet.page == Page::AccountList && sheet.needle.is_empty();
    let setting = sheet.setting().filter(|_| is_short && rows_focused(scene))?;
    let note = setting.verdict.brief().map(|note| format!(" ({note})")).unwrap_or_default();
    Some(format!("{}: {}{note}", setting.title, setting.help))
}

/// The help with a capital letter.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The field for a value; returns the caret.
fn field(
    scene: &Scene,
    typing: &crate::app::screens::settings::Typing,
    area: Rect,
    buffer: &mut Buffer,
) -> Position {
    let skin = scene.skin;
    let mut pen = Pen::new(buffer, area);
    let label = format!("{} ", truncate(typing.row.title, 26, CUT));
    let after = pen.put(1, 0, &label, skin.heading());
    let room = Rect::new(area.x + after + 2, area.y, area.width.saturating_sub(after + 3), 1);
    let (text, caret) = window(&typing.field, room);
    pen.run(after, 0, &[("› ", skin.accent()), (&text, skin.text())]);
    let (text, tone) = match &typing.wrong {
        Some(wrong) => (format!("! {wrong}"), skin.bad()),
        None => (words::bounds(typing.row), skin.dim()),
    };
    let lines = wrap(&text, usize::from(area.width.saturating_sub(2)));
    if area.height > 1 {
        for (row, line) in (1..area.height).zip(lines) {
            pen.put(1, row, &line, tone);
        }
    } else if typing.wrong.is_some() {
        let start = after + 2 + u16::try_from(width(&text)).unwrap_or(0).min(8);
        pen.put(start.max(after + caret + 4), 0, &text, tone);
    }
    Position::new(room.x + caret, area.y)
}
