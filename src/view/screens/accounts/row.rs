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
struct Columns {
    number: u16,
    account: u16,
    account_width: u16,
    plan: Option<u16>,
    state: u16,
    cells: Vec<u16>,
    bar: u16,
    named: bool,
}

impl Columns {
    fn of(scene: &Scene, room: u16) -> Self {
        let kind = scene.layout.kind;
        let digits = u16::try_from(scene.ui.accounts.census.total.to_string().len()).unwrap_or(2).max(2);
        let account = 5 + digits;
        let named = kind == Kind::Narrow || scene.ui.accounts.titles == Titles::Mixed;
        if kind == Kind::Narrow {
            let name = room.saturating_sub(account + 33);
            let state = account + name + 1;
            let cells = vec![state + STATE + 1];
            return Self { number: 2, account, account_width: name, plan: None, state, cells, bar: 4, named };
        }
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
        Self { number: 2, account, account_width: name, plan, state, cells, bar, named }
    }
}

/// Column titles.
pub fn header(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let columns = Columns::of(scene, area.width);
    let style = scene.skin.dim();
    let mut pen = Pen::new(buffer, area);
    pen.put(columns.account, 0, "ACCOUNT", style);
    if let Some(plan) = columns.plan {
        pen.put(plan, 0, "PLAN", style);
    }
    pen.put(columns.state, 0, "STATE", style);
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
    let list = &scene.ui.accounts;
    for line in 0..area.height {
        let place = list.offset + usize::from(line);
        let Some(index) = list.order.get(place).copied() else { break };
        let Some(account) = scene.world.roster.accounts.get(index) else { break };
        let mut pen = Pen::new(buffer, Rect::new(area.x, area.y + line, area.width, 1));
        row(scene, &mut pen, &columns, place, index, account);
    }
}

fn row(scene: &Scene, pen: &mut Pen, columns: &Columns, place: usize, index: usize, account: &Account) {
    let skin = scene.skin;
    let focused = place == scene.ui.accounts.place;
    let state = scene.state(account);
    let tone = scene.tone(account, state);
    let out = matches!(state, State::Off);
    let text = if out { skin.dim() } else { skin.text() };
    if focused {
        pen.put(1, 0, "▸", skin.accent());
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
        pen.put(column, 0, &plan(plan_of(scene, account), 4), text);
    }
    let after = pen.put(columns.state, 0, &state_words(scene, state), tone);
    if pinned && !fits && after + 4 <= columns.state + STATE {
        pen.put(after + 1, 0, "pin", skin.accent());
    }
    cells(scene, pen, columns, account, out);
    if focused {
        pen.paint(0, 0, pen.width(), skin.selection());
    }
}

/// Words beside a name: pinned, or selected while another one serves.
fn marks(scene: &Scene, account: &Account, pinned: bool) -> &'static str {
    let selected = scene.world.roster.active.as_ref() == Some(&account.key);
    if pinned {
        return "pinned";
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
    let windows = [quota.primary.as_ref(), quota.secondary.as_ref()];
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
    pen.put(at, 0, &pad_left(&format!("{}%", left.rounded()), 5), text);
    pen.put_right(at + FIGURES, 0, &scene.reset(window), skin.dim_unless(faded));
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
