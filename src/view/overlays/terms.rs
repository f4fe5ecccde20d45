//! The one-time acknowledgement, in a box; without the box where there is no room for one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::overlays::terms::{Background, Button, Terms};
use crate::base::text::{width, wrap};
use crate::domain::terms;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::modal::{Modal, centred};

/// Columns of the box, with its edges.
const WIDE: u16 = 76;
/// Narrower than this there is no box.
const BOXED: u16 = 80;
const OFFER: &str = "allow background calls to OpenAI: limits while this dashboard is open, token refresh before \
                     expiry (off by default, counted in Monitor, changed any time in Settings / Refresh)";
const SHORT_OFFER: &str = "allow background calls to OpenAI (off by default; Settings / Refresh)";
const ONCE: &str = "asked once; nothing has been read from or sent to OpenAI";

/// Draws the dialog.
pub fn render(scene: &Scene, open: Terms, buffer: &mut Buffer) {
    let skin = scene.skin;
    let layout = scene.layout;
    let screen = layout.screen;
    if screen.width < BOXED || screen.height < 20 {
        let area = Rect { height: layout.hints.y.saturating_sub(screen.y), ..screen };
        Pen::new(buffer, area).clear();
        body(scene, open, area, SHORT_OFFER, Gaps::None, buffer);
        return;
    }
    Pen::new(buffer, layout.message).clear();
    Pen::new(buffer, layout.message).put(1, 0, ONCE, skin.dim());
    let between = Rect {
        y: layout.context.y + layout.context.height,
        height: layout.floor.y.saturating_sub(layout.context.y + layout.context.height),
        ..screen
    };
    Pen::new(buffer, between).clear();
    let inner_width = WIDE.min(screen.width.saturating_sub(4)) - 2;
    let roomy = lines(usize::from(inner_width.saturating_sub(2)), OFFER).len() + 8;
    let gaps = if usize::from(between.height) >= roomy { Gaps::All } else { Gaps::None };
    let offer = if gaps == Gaps::All { OFFER } else { SHORT_OFFER };
    let extra = if gaps == Gaps::All { 6 } else { 3 };
    let height = lines(usize::from(inner_width.saturating_sub(2)), offer).len() + extra;
    let height = u16::try_from(height).unwrap_or(u16::MAX).min(between.height);
    let area = centred(between, inner_width + 2, height);
    let inner = Modal { title: "Before you start", note: "" }.frame(area, buffer, skin);
    body(scene, open, inner, offer, gaps, buffer);
}

/// Whether paragraphs are set apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gaps {
    All,
    None,
}

/// One line: its mark, its text, and which part it belongs to.
enum Part {
    Intro,
    Point,
    Offer,
}

fn lines(room: usize, offer: &str) -> Vec<(Part, &'static str, String)> {
    let mut all = Vec::new();
    let mut texts = terms::LINES.iter();
    for line in wrap(texts.next().copied().unwrap_or_default(), room) {
        all.push((Part::Intro, "", line));
    }
    for point in texts {
        for (at, line) in wrap(point, room.saturating_sub(3)).into_iter().enumerate() {
            all.push((Part::Point, if at == 0 { " · " } else { "   " }, line));
        }
    }
    for (at, line) in wrap(offer, room.saturating_sub(6)).into_iter().enumerate() {
        all.push((Part::Offer, if at == 0 { "▸ [ ] " } else { "      " }, line));
    }
    all
}

fn body(scene: &Scene, open: Terms, area: Rect, offer: &str, gaps: Gaps, buffer: &mut Buffer) {
    let skin = scene.skin;
    let mut pen = Pen::new(buffer, area);
    let mut row = u16::from(gaps == Gaps::All);
    let mut before = 0;
    for (part, mark, text) in lines(usize::from(area.width.saturating_sub(2)), offer) {
        let place = match part {
            Part::Intro => 0,
            Part::Point => 1,
            Part::Offer => 2,
        };
        row += u16::from(gaps == Gaps::All && place != before);
        before = place;
        let mark = if mark == "▸ [ ] " && open.background == Background::On { "▸ [x] " } else { mark };
        let style = if mark.starts_with('▸') { skin.accent() } else { skin.text() };
        pen.run(1, row, &[(mark, style), (&text, skin.text())]);
        row += 1;
    }
    row += u16::from(gaps == Gaps::All);
    buttons(&mut pen, open.focus, row.min(area.height.saturating_sub(1)), skin.selection(), skin.text());
}

fn buttons(pen: &mut Pen, focus: Button, row: u16, chosen: Style, plain: Style) {
    let names = [(Button::Quit, "Quit"), (Button::Agree, "I understand")];
    let cells: usize = names.iter().map(|(_, name)| width(name) + 8).sum::<usize>() - 4;
    let mut column = pen.width().saturating_sub(u16::try_from(cells).unwrap_or(u16::MAX)) / 2;
    for (button, name) in names {
        let focused = focus == button;
        let text = if focused { format!("[ {name} ]") } else { format!("  {name}  ") };
        column = pen.put(column, row, &text, if focused { chosen } else { plain }) + 4;
    }
}
