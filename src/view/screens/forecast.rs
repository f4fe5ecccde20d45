//! Which account next: the ranking, why, and the coming hours (dashboard.md §12.5).

mod hours;
pub(in crate::view) mod why;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::app::geometry::Kind;
use crate::app::goal::Overlay;
use crate::app::screens::forecast::places;
use crate::base::text::{truncate, truncate_middle, width};
use crate::base::{Percent, calendar};
use crate::domain::account::Account;
use crate::domain::forecast::{Availability, Level, Prospect};
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::scrollbar::Scrollbar;
use crate::view::words::{CUT, UNKNOWN};

/// Draws the tab.
pub fn render(scene: &Scene, buffer: &mut Buffer) {
    let outlook = &scene.ui.outlook;
    let places = places(&scene.layout, outlook.order.len());
    context(scene, buffer);
    header(scene, places.header, buffer);
    for line in 0..places.list.height {
        let place = outlook.offset + usize::from(line);
        let Some(prospect) = outlook.at(place) else { break };
        let mut pen = Pen::new(buffer, Rect { y: places.list.y + line, height: 1, ..places.list });
        row(scene, &mut pen, place, prospect);
        if place == outlook.place {
            pen.put(1, 0, "▸", scene.skin.accent());
            let width = pen.width();
            pen.paint(0, 0, width, scene.skin.selection());
        }
    }
    let bar = Scrollbar { offset: outlook.offset, count: outlook.order.len(), style: scene.skin.border() };
    (&bar).render(places.list, buffer);
    why::below(scene, places.why, buffer);
    hours::render(scene, places.hours, buffer);
    if scene.layout.kind == Kind::Wide {
        why::side(scene, scene.layout.side, buffer);
    }
}

fn context(scene: &Scene, buffer: &mut Buffer) {
    let skin = scene.skin;
    let mut pen = Pen::new(buffer, scene.layout.context);
    pen.run(1, 0, &[("Which account next?", skin.heading())]);
    let outlook = &scene.ui.outlook;
    let mut column = 21;
    if let Some(model) = &outlook.model {
        column = pen.run(column + 2, 0, &[("model ", skin.dim()), (model, skin.accent())]);
    }
    if outlook.overlay == Overlay::Off {
        column = pen.run(column + 2, 0, &[("files only", skin.accent())]);
    }
    let newest = scene.world.quota.values().map(|snapshot| snapshot.at).max();
    let text =
        newest.map_or_else(|| "limits not read yet".to_owned(), |at| format!("limits {}", scene.ago(at)));
    let end = pen.width().saturating_sub(1);
    // What was asked for is worth more than the age of the figures.
    if usize::from(column) + 2 + width(&text) <= usize::from(end) {
        pen.put_right(end, 0, &text, skin.dim());
    }
}

/// Where the columns stand.
struct Columns {
    name: u16,
    room: usize,
    state: u16,
    risk: u16,
    score_end: u16,
    wait: u16,
    first_end: u16,
    second_end: u16,
    why: Option<u16>,
}

impl Columns {
    fn of(scene: &Scene) -> Self {
        match scene.layout.kind {
            Kind::Wide => Self {
                name: 5,
                room: 23,
                state: 30,
                risk: 40,
                score_end: 48,
                wait: 52,
                first_end: 65,
                second_end: 71,
                why: Some(73),
            },
            Kind::Medium | Kind::Narrow | Kind::Pane | Kind::TooSmall => Self {
                name: 5,
                room: 20,
                state: 26,
                risk: 35,
                score_end: 48,
                wait: 51,
                first_end: 62,
                second_end: 68,
                why: None,
            },
        }
    }
}

fn header(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let columns = Columns::of(scene);
    let style = scene.skin.dim();
    let mut pen = Pen::new(buffer, area);
    pen.put(columns.name, 0, "ACCOUNT", style);
    pen.put(columns.state, 0, "READY", style);
    pen.put(columns.risk, 0, "RISK", style);
    pen.put(columns.wait, 0, "WAIT", style);
    pen.put_right(columns.first_end, 0, "5H", style);
    pen.put_right(columns.second_end, 0, "7D", style);
    if let Some(why) = columns.why {
        pen.put(why, 0, "WHY", style);
    }
}

fn row(scene: &Scene, pen: &mut Pen, place: usize, prospect: &Prospect) {
    let skin = scene.skin;
    let columns = Columns::of(scene);
    let Some(account) = scene.world.roster.accounts.get(prospect.index) else { return };
    let narrow = scene.layout.kind == Kind::Narrow;
    let text = if account.is_on() { skin.text() } else { skin.dim() };
    pen.put_right(columns.name - 1, 0, &format!("{}", place + 1), skin.dim());
    let name = truncate_middle(&scene.name(account, prospect.index), columns.room, CUT);
    pen.put(columns.name, 0, &name, text);
    let (word, tone) = standing(scene, account, prospect);
    pen.put(columns.state, 0, word, tone);
    let quiet = !account.is_on();
    if quiet {
        pen.put(columns.risk, 0, UNKNOWN, skin.dim());
        pen.put_right(columns.score_end, 0, UNKNOWN, skin.dim());
    } else {
        let (level, tone) = level(scene, prospect.level);
        if columns.why.is_none() {
            pen.put(columns.risk, 0, "risk", skin.dim());
            pen.put(columns.risk + 5, 0, level, tone);
        } else {
            pen.put(columns.risk, 0, level, tone);
        }
        pen.put_right(columns.score_end, 0, &format!("{}", prospect.risk), text);
    }
    pen.put(columns.wait, 0, &wait(scene, account, prospect), text);
    if narrow {
        return;
    }
    quota(scene, pen, &columns, account);
    if let Some(column) = columns.why {
        let end = pen.width().saturating_sub(1);
        let room = usize::from(end.saturating_sub(column));
        pen.put(column, 0, &truncate(&why::short(scene, account, prospect), room, CUT), skin.dim());
    }
}

fn standing(scene: &Scene, account: &Account, prospect: &Prospect) -> (&'static str, Style) {
    let skin = scene.skin;
    match prospect.availability {
        _ if !account.is_on() => ("off", skin.dim()),
        Availability::Ready => ("ready", skin.good()),
        Availability::Delayed => ("waiting", skin.warn()),
        Availability::Unavailable => ("blocked", skin.bad()),
    }
}

fn level(scene: &Scene, level: Level) -> (&'static str, Style) {
    match level {
        Level::Low => ("low", scene.skin.good()),
        Level::Medium => ("med", scene.skin.warn()),
        Level::High => ("high", scene.skin.bad()),
    }
}

/// How long, or what has to be done.
fn wait(scene: &Scene, account: &Account, prospect: &Prospect) -> String {
    let state = scene.state(account);
    match prospect.availability {
        _ if !account.is_on() => UNKNOWN.to_owned(),
        Availability::Ready => "now".to_owned(),
        Availability::Delayed if prospect.wait.is_over() => UNKNOWN.to_owned(),
        Availability::Delayed => calendar::short(prospect.wait),
        Availability::Unavailable if state.needs_person() => "sign in".to_owned(),
        Availability::Unavailable => UNKNOWN.to_owned(),
    }
}

fn quota(scene: &Scene, pen: &mut Pen, columns: &Columns, account: &Account) {
    let skin = scene.skin;
    let Some(snapshot) = scene.quota(account) else {
        pen.put_right(columns.first_end, 0, UNKNOWN, skin.dim());
        return;
    };
    let old = scene.is_old(snapshot.at);
    let mut put = |end: u16, left: Option<Percent>| {
        let (text, tone) = match left {
            Some(left) if old => (format!("{}%", left.rounded()), skin.dim()),
            Some(left) => (format!("{}%", left.rounded()), scene.left_tone(left)),
            None => (UNKNOWN.to_owned(), skin.dim()),
        };
        pen.put_right(end, 0, &text, tone);
    };
    let [short, long] = snapshot.places().map(|window| window.and_then(|window| window.left(scene.now)));
    put(columns.first_end, short);
    put(columns.second_end, long);
    if columns.why.is_none() {
        pen.put(columns.first_end + 1, 0, "/", skin.dim());
    }
}
