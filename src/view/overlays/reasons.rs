//! Why accounts stand where they stand, line by line.

use ratatui::buffer::Buffer;

use crate::app::overlays::reasons::{About, Part, Reasons};
use crate::app::ui::reasons_room;
use crate::base::text::{clean, truncate};
use crate::domain::forecast::Availability;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::screens::forecast::why::points;
use crate::view::widgets::modal::{Modal, centred, room};
use crate::view::words::CUT;

/// Draws the list.
pub fn render(scene: &Scene, open: &Reasons, buffer: &mut Buffer) {
    let skin = scene.skin;
    let outlook = &scene.ui.outlook;
    let parts = open.parts(outlook, scene.world, scene.now);
    let most = reasons_room(scene.layout.kind, scene.layout.screen.height);
    let rows = parts.len().clamp(1, most);
    let wide = 100.min(scene.layout.screen.width.saturating_sub(2));
    let height = u16::try_from(rows + 2).unwrap_or(u16::MAX);
    let area = centred(room(&scene.layout), wide, height);
    let title = match &open.about {
        About::One(key) => format!("Why {}", scene.short_name_of(Some(key))),
        About::All => "Why everybody stands where they stand".to_owned(),
    };
    let note = if parts.len() > rows {
        format!("{}-{} of {}", open.offset + 1, open.offset + rows, parts.len())
    } else {
        String::new()
    };
    let inner = Modal { title: &title, note: &note }.frame(area, buffer, skin);
    let mut pen = Pen::new(buffer, inner);
    for (row, part) in (0..inner.height).zip(parts.iter().skip(open.offset)) {
        draw(scene, &mut pen, row, part);
    }
    if parts.is_empty() {
        pen.put(2, 0, "nothing is known yet", skin.dim());
    }
}

fn draw(scene: &Scene, pen: &mut Pen, row: u16, part: &Part) {
    let skin = scene.skin;
    let room = usize::from(pen.width().saturating_sub(10));
    match part {
        Part::Account(key, availability) => {
            let account = scene.world.roster.index_of(key).zip(scene.world.roster.get(key));
            let (word, tone) = match (account, availability) {
                (Some((_, account)), _) if !account.is_on() => ("off", skin.dim()),
                (_, Availability::Ready) => ("ready", skin.good()),
                (_, Availability::Delayed) => ("waiting", skin.warn()),
                (_, Availability::Unavailable) => ("blocked", skin.bad()),
            };
            let name = account.map_or_else(String::new, |(index, account)| scene.name(account, index));
            let name = truncate(&name, room.saturating_sub(8), CUT);
            pen.run(1, row, &[(&name, skin.heading()), ("  ", skin.text()), (word, tone)]);
        }
        Part::Reason(reason) => {
            let tone = match reason.points {
                ..0 => skin.good(),
                0 => skin.dim(),
                1.. => skin.warn(),
            };
            pen.put_right(6, row, &points(reason.points), tone);
            pen.put(8, row, &truncate(&clean(&reason.text), room, CUT), skin.text());
        }
        Part::Risk(risk, level) => {
            pen.put_right(6, row, &risk.to_string(), skin.heading());
            pen.put(8, row, &format!("{} risk, of 0 to 100", level.word()), skin.heading());
        }
        Part::Engine(text) | Part::Window(text) => {
            pen.put(8, row, &truncate(text, room, CUT), skin.dim());
        }
        Part::Blank => {}
    }
}
