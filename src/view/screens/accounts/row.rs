//! Rows of the list: only those in sight are built.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::app::geometry::Kind;
use crate::app::screens::accounts::{Accounts, Titles};
use crate::base::text::{pad_left, truncate, truncate_middle, width};
use crate::base::{Moment, calendar};
use crate::domain::account::Account;
use crate::domain::label::State;
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::quota::window::Window;
use crate::domain::settings::display::Display;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::gauge::Gauge;
use crate::view::words::{CUT, plan};

/// Cells of the state column: `cooling 22m`.
const STATE: u16 = 11;
/// Cells after a bar: percent and reset.
const FIGURES: u16 = 12;
/// Cells of a window's own name in front of its bar.
const NAME: u16 = 4;

/// Where the columns stand.
pub struct Columns {
    number: u16,
    account: u16,
    account_width: u16,
    plan: Option<u16>,
    state: Option<u16>,
    cells: Vec<u16>,
    bar: u16,
    named: bool,
    /// Cells of the percentage.
    percent: usize,
    /// Cells after a bar.
    figures: u16,
}

impl Columns {
    fn of(scene: &Scene, room: u16) -> Self {
        let kind = scene.layout.kind;
        let display = &scene.world.settings.display;
        let digits = u16::try_from(scene.ui.accounts.census.total.to_string().len()).unwrap_or(2).max(2);
        let account = 5 + digits;
        let named = kind == Kind::Narrow || scene.ui.accounts.titles == Titles::Mixed;
        let mut columns = if kind == Kind::Narrow {
            let name = room.saturating_sub(account + 33);
            let state = account + name + 1;
            let cells = vec![state + STATE + 1];
            Self::plain(account, name, None, state, cells, 4, named)
        } else {
            let wide = kind == Kind::Wide;
            let (least, bar) = if wide { (96, 10) } else { (80, 7) };
            let extra = room.saturating_sub(least);
            let for_name = extra.min(16);
            let bar = bar + (extra - for_name) / 2;
            let name = if wide { 26 } else { 22 } + for_name - digits;
            let after = account + name + 1;
            let plan = wide.then_some(after);
            let state = if wide { after + 6 } else { after };
            let first = state + STATE + 1;
            let cells = vec![first, first + bar + FIGURES + 1];
            Self::plain(account, name, plan, state, cells, bar, named)
        };
        columns.obey(display);
        columns
    }

    /// For the two rows of the preview of the settings, on a wide screen.
    pub fn preview(display: &Display) -> Self {
        let mut columns = Self::plain(7, 21, None, 29, vec![41, 64], 10, false);
        columns.obey(display);
        columns
    }

    /// For the one row of the preview of the settings, on a narrower screen.
    pub fn brief(display: &Display) -> Self {
        let mut columns = Self::plain(4, 17, None, 22, vec![30], 6, false);
        columns.number = 0;
        columns.percent = 4;
        columns.figures = 10;
        columns.obey(display);
        columns
    }

    fn plain(
        account: u16,
        account_width: u16,
        plan: Option<u16>,
        state: u16,
        cells: Vec<u16>,
        bar: u16,
        named: bool,
    ) -> Self {
        let state = Some(state);
        Self {
            number: 2,
            account,
            account_width,
            plan,
            state,
            cells,
            bar,
            named,
            percent: 5,
            figures: FIGURES,
        }
    }

    /// Leaves out what the settings do not want to see; a bar grows where its reset time went.
    fn obey(&mut self, display: &Display) {
        if !display.status {
            self.state = None;
        }
        if !display.limits {
            self.cells.clear();
        }
        if !display.resets {
            let percent = u16::try_from(self.percent).unwrap_or(5);
            self.bar += self.figures.saturating_sub(percent + 1);
            self.figures = percent;
        }
    }
}

/// Column titles.
pub fn header(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    titles(scene, area, &Columns::of(scene, area.width), buffer);
}

/// Column titles in given columns.
pub fn titles(scene: &Scene, area: Rect, columns: &Columns, buffer: &mut Buffer) {
    let style = scene.skin.dim();
    let mut pen = Pen::new(buffer, area);
    pen.put(columns.account, 0, "ACCOUNT", style);
    if let Some(plan) = columns.plan {
        pen.put(plan, 0, "PLAN", style);
    }
    if let Some(state) = columns.state {
        pen.put(state, 0, "STATE", style);
    }
    let titles = match &scene.ui.accounts.titles {
        _ if scene.layout.kind == Kind::Narrow => ["LEFT (TIGHTER)".to_owned(), String::new()],
        Titles::Same(first, second) => [title(first), title(second)],
        Titles::Mixed if scene.world.quota.is_empty() => ["LIMITS".to_owned(), String::new()],
        Titles::Mixed => ["WINDOW 1".to_owned(), "WINDOW 2".to_owned()],
    };
    for (column, title) in columns.cells.iter().zip(titles) {
        pen.put(*column, 0, &title, style);
    }
}

fn title(window: &str) -> String {
    if window.is_empty() { String::new() } else { format!("{} LEFT", window.to_ascii_uppercase()) }
}

/// The rows in sight.
pub fn rows(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let columns = Columns::of(scene, area.width);
    shown(scene, area, &columns, buffer);
}

/// The rows in sight, in given columns.
pub fn shown(scene: &Scene, area: Rect, columns: &Columns, buffer: &mut Buffer) {
    let list = &scene.ui.accounts;
    let height = list.row_height();
    for line in 0..area.height.div_ceil(height) {
        let place = list.offset + usize::from(line);
        let Some(index) = list.order.get(place).copied() else { break };
        let Some(account) = scene.world.roster.accounts.get(index) else { break };
        let at = area.y + line * height;
        let mut pen = Pen::new(buffer, Rect::new(area.x, at, area.width, 1).intersection(area));
        row(scene, &mut pen, columns, place, index, account);
        if height > 1 {
            let mut pen = Pen::new(buffer, Rect::new(area.x, at + 1, area.width, 1).intersection(area));
            let room = usize::from(pen.width().saturating_sub(columns.account + 1));
            pen.put(columns.account, 0, &truncate(&summary(scene, account), room, CUT), scene.skin.dim());
        }
    }
}

fn row(scene: &Scene, pen: &mut Pen, columns: &Columns, place: usize, index: usize, account: &Account) {
    let skin = scene.skin;
    let display = &scene.world.settings.display;
    let focused = place == scene.ui.accounts.place;
    let state = scene.state_shown(account);
    let tone = scene.tone(account, state);
    let out = matches!(state, State::Off);
    let current = scene.in_use == Some(&account.key);
    let text = if out {
        skin.dim()
    } else if current && display.highlight {
        skin.heading()
    } else {
        skin.text()
    };
    if focused && columns.number > 0 {
        pen.put(columns.number - 1, 0, "▸", skin.accent());
    }
    let number = Accounts::number(scene.world, place, index).to_string();
    let room = usize::from(columns.account - columns.number - 3);
    pen.put(columns.number, 0, &pad_left(&number, room), skin.dim());
    pen.put(columns.account - 2, 0, Scene::glyph(state), tone);
    let name = scene.name(account, index);
    let pinned = scene.world.roster.pin.as_ref() == Some(&account.key);
    let room = usize::from(columns.account_width);
    let mark = marks(scene, account, pinned);
    let after = pen.put(columns.account, 0, &truncate_middle(&name, room, CUT), text);
    let fits = usize::from(after) + 1 + width(mark) <= usize::from(columns.account + columns.account_width);
    if fits {
        pen.put(after + 1, 0, mark, skin.accent());
    }
    if let Some(column) = columns.plan {
        pen.put(column, 0, &plan(plan_of(scene, account), 4), text_unless(skin, out));
    }
    if let Some(column) = columns.state {
        let after = pen.put(column, 0, &state_words(scene, state), tone);
        if pinned && !fits && after + 4 <= column + STATE {
            pen.put(after + 1, 0, "pin", skin.accent());
        }
    }
    cells(scene, pen, columns, account, out);
    if focused && columns.number > 0 {
        pen.paint(0, 0, pen.width(), skin.selection());
    }
}

fn text_unless(skin: &crate::view::skin::Skin, out: bool) -> Style {
    if out { skin.dim() } else { skin.text() }
}

/// The fields of the summary in the order the settings want: `used 10m ago · 5h 62%, 1h19m · in use`.
pub fn summary(scene: &Scene, account: &Account) -> String {
    let display = &scene.world.settings.display;
    let mut parts: Vec<String> = Vec::new();
    for field in &display.fields {
        match field.as_str() {
            "last-used" if display.last_used => parts.push(super::strip::used(scene, account)),
            "limits" if display.limits => {
                let quota = scene.quota(account);
                for window in quota.iter().flat_map(|quota| quota.windows()) {
                    let Some(left) = window.left(scene.now) else { continue };
                    let name = window.name().unwrap_or_else(|| "?".to_owned());
                    let reset =
                        if display.resets { format!(", {}", scene.reset(window)) } else { String::new() };
                    parts.push(format!("{name} {}%{reset}", left.rounded()));
                }
            }
            // The word stands in its own column unless that is hidden.
            "status" if !display.status => parts.push(state_words(scene, scene.state_shown(account))),
            _ => {}
        }
    }
    parts.join(" · ")
}

/// Words beside a name: pinned, or selected while another one serves.
fn marks(scene: &Scene, account: &Account, pinned: bool) -> &'static str {
    let selected = scene.world.roster.active.as_ref() == Some(&account.key);
    if pinned {
        return "pinned";
    }
    if !scene.world.settings.display.marker {
        return "";
    }
    if selected && scene.in_use != Some(&account.key) { "selected" } else { "" }
}

/// The plan by the newest word: quota answers, else the tokens.
pub fn plan_of<'a>(scene: &Scene<'a>, account: &'a Account) -> Option<&'a str> {
    scene.quota(account).and_then(|quota| quota.plan.as_deref()).or_else(|| account.plan())
}

/// The state and how long it lasts, in the column's width.
fn state_words(scene: &Scene, state: State) -> String {
    let Some(until) = state.until() else { return state.word().to_owned() };
    let wait = calendar::short(scene.now.until(until));
    let full = format!("{} {wait}", state.word());
    if width(&full) <= usize::from(STATE) {
        return full;
    }
    let short = if state.is_waiting() && matches!(state, State::Cooling(_)) { "cools" } else { state.word() };
    truncate(&format!("{short} {wait}"), usize::from(STATE), CUT)
}

fn cells(scene: &Scene, pen: &mut Pen, columns: &Columns, account: &Account, out: bool) {
    let Some(quota) = scene.quota(account) else {
        for column in &columns.cells {
            pen.put(*column, 0, "no data", scene.skin.dim());
        }
        return;
    };
    if scene.layout.kind == Kind::Narrow {
        let tighter = quota.windows().min_by(|one, other| {
            let left = |window: &Window| window.left(scene.now).map_or(101.0, crate::base::Percent::value);
            left(one).total_cmp(&left(other))
        });
        if let (Some(column), Some(window)) = (columns.cells.first(), tighter) {
            cell(scene, pen, columns, *column, quota, window, out);
        }
        return;
    }
    let windows = quota.places();
    for (column, window) in columns.cells.iter().zip(windows) {
        if let Some(window) = window {
            cell(scene, pen, columns, *column, quota, window, out);
        }
    }
}

fn cell(
    scene: &Scene,
    pen: &mut Pen,
    columns: &Columns,
    column: u16,
    quota: &Snapshot,
    window: &Window,
    out: bool,
) {
    let skin = scene.skin;
    let (mut at, mut bar) = (column, columns.bar);
    if columns.named {
        let name = window.name().unwrap_or_else(|| "?".to_owned());
        pen.put(at, 0, &truncate(&name, 3, CUT), skin.dim());
        let narrow = scene.layout.kind == Kind::Narrow;
        at += if narrow { NAME - 1 } else { NAME };
        bar = if narrow { bar } else { bar.saturating_sub(NAME) };
    }
    let Some(left) = window.left(scene.now) else {
        pen.put(at, 0, "no data", skin.dim());
        return;
    };
    let faded = out || is_faded(scene, quota.at);
    let tone = if faded { skin.dim() } else { scene.left_tone(left) };
    let text = if faded { skin.dim() } else { skin.text() };
    let area = pen.area();
    (&Gauge { left, full: tone, empty: skin.border() })
        .render(Rect::new(area.x + at, area.y, bar, 1).intersection(area), pen.buffer());
    at += bar;
    pen.put(at, 0, &pad_left(&format!("{}%", left.rounded()), columns.percent), text);
    if scene.world.settings.display.resets {
        pen.put_right(at + columns.figures, 0, &scene.reset(window), skin.dim_unless(faded));
    }
}

fn is_faded(scene: &Scene, observed: Moment) -> bool {
    scene.is_old(observed)
}

/// Style helpers of figures.
trait Faded {
    /// Dim when old, else plain.
    fn dim_unless(&self, faded: bool) -> Style;
}

impl Faded for crate::view::skin::Skin {
    fn dim_unless(&self, faded: bool) -> Style {
        if faded { self.dim() } else { self.text() }
    }
}
