//! The workspaces of an account: which one it sits in, and how the others are reached.

use ratatui::buffer::Buffer;

use crate::app::overlays::seats::Seats;
use crate::base::redact;
use crate::base::text::{clean, truncate};
use crate::domain::workspace::{Seat, choose_seat};
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::modal::{Modal, centred, room};
use crate::view::words::CUT;

/// Draws the list.
pub fn render(scene: &Scene, open: &Seats, buffer: &mut Buffer) {
    let Some(index) = scene.world.roster.index_of(&open.key) else { return };
    let Some(account) = scene.world.roster.accounts.get(index) else { return };
    let skin = scene.skin;
    let wide = 70.min(scene.layout.screen.width.saturating_sub(2));
    let rows = u16::try_from(account.workspaces.len()).unwrap_or(u16::MAX);
    let area = centred(room(&scene.layout), wide, rows.saturating_add(6).min(scene.layout.floor.y));
    let title = format!("Workspaces of {}", scene.short_name(account, index));
    let inner = Modal { title: &title, note: "" }.frame(area, buffer, skin);
    let mut pen = Pen::new(buffer, inner);
    let visible = usize::from(inner.height.saturating_sub(4)).max(1);
    let offset = open.place.saturating_sub(visible - 1);
    let seats = account.workspaces.iter().enumerate().skip(offset).take(visible);
    for (row, (place, seat)) in (1..).zip(seats) {
        let name = seat.given_name().map_or_else(|| "unnamed".to_owned(), |name| clean(name).into_owned());
        pen.put(3, row, &truncate(&format!("{}  {name}", place + 1), 26, CUT), skin.text());
        pen.put(30, row, &redact::id(&seat.id), skin.dim());
        let words = match choose_seat(account, place, &scene.world.roster) {
            Seat::Own => "in use here".to_owned(),
            Seat::Held(key) => format!("used by {}", scene.short_name_of(Some(&key))),
            Seat::Foreign(_) => "needs a sign-in of its own".to_owned(),
            Seat::Disabled => "switched off or gone".to_owned(),
            Seat::Informational => "platform organisation".to_owned(),
            Seat::Unknown => String::new(),
        };
        let room = usize::from(inner.width.saturating_sub(43));
        pen.put(42, row, &truncate(&words, room, CUT), skin.dim());
        if place == open.place {
            pen.put(1, row, "▸", skin.accent());
            pen.paint(0, row, inner.width, skin.selection());
        }
    }
    let help = "one sign-in belongs to one workspace; enter uses the account that sits there";
    let last = inner.height.saturating_sub(2);
    pen.put(2, last, &truncate(help, usize::from(inner.width.saturating_sub(3)), CUT), skin.dim());
}
