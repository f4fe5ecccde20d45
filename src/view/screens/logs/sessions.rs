//! Kept sessions of the official CLI, and the focused one below.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::app::geometry::Kind;
use crate::app::screens::logs::{Kept, Places};
use crate::base::calendar;
use crate::base::text::{clean, truncate, truncate_middle};
use crate::domain::history::Session;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::rule::Rule;
use crate::view::widgets::scrollbar::Scrollbar;
use crate::view::words::{CUT, UNKNOWN, count};

/// The line above the list.
pub fn context(scene: &Scene, pen: &mut Pen, end: u16) {
    let skin = scene.skin;
    let logs = &scene.ui.logs;
    let home = scene.at_home(&scene.world.setting.codex_home);
    let after =
        pen.run(1, 0, &[("Logs / Sessions", skin.heading()), (&format!("   {}", clean(&home)), skin.text())]);
    let mut right = count(u64::try_from(logs.session_order.len()).unwrap_or(u64::MAX), "session");
    if !logs.session_needle.is_empty() {
        right = format!("'{}'   {right}", clean(&logs.session_needle));
    }
    let room = usize::from(end.saturating_sub(after + 2));
    pen.put_right(end, 0, &truncate(&right, room, CUT), skin.dim());
}

/// Draws list and focused session.
pub fn render(scene: &Scene, places: &Places, buffer: &mut Buffer) {
    let logs = &scene.ui.logs;
    let mut pen = Pen::new(buffer, places.header);
    for (column, title) in [(3, "UPDATED"), (16, "PROVIDER"), (28, "ID"), (38, "SESSION")] {
        pen.put(column, 0, title, scene.skin.dim());
    }
    for row in 0..places.list.height {
        let place = logs.session_offset + usize::from(row);
        let Some(session) = logs.session(place) else { break };
        let area = Rect { y: places.list.y + row, height: 1, ..places.list };
        let mut pen = Pen::new(buffer, area);
        one(scene, &mut pen, session);
        if place == logs.session_place {
            pen.put(1, 0, "▸", scene.skin.accent());
            let width = pen.width();
            pen.paint(0, 0, width, scene.skin.selection());
        }
    }
    let bar = Scrollbar {
        offset: logs.session_offset,
        count: logs.session_order.len(),
        style: scene.skin.border(),
    };
    (&bar).render(places.list, buffer);
    if logs.session_order.is_empty() {
        nothing(scene, places.list, buffer);
    }
    if let Some(session) = logs.focused_session() {
        focused(scene, session, places.below, buffer);
    }
}

fn one(scene: &Scene, pen: &mut Pen, session: &Session) {
    let skin = scene.skin;
    let updated = calendar::near(session.updated, scene.now, &scene.world.setting.zone);
    pen.put(3, 0, &truncate(&updated, 12, CUT), skin.dim());
    let provider = session.provider.as_deref().map_or(UNKNOWN.into(), clean);
    let style = if session.is_misfiled() { skin.warn() } else { skin.text() };
    pen.put(16, 0, &truncate(&provider, 11, CUT), style);
    pen.put(28, 0, &truncate(&clean(&session.id), 8, ""), skin.dim());
    let room = usize::from(pen.width().saturating_sub(39));
    pen.put(38, 0, &truncate(&clean(&session.thread), room, CUT), skin.text());
}

fn focused(scene: &Scene, session: &Session, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let skin = scene.skin;
    let title = truncate(&clean(&session.thread), usize::from(area.width.saturating_sub(6)), CUT);
    let rule = Rect { height: 1, ..area };
    (&Rule { title: &title, text: skin.heading(), line: skin.border() }).render(rule, buffer);
    let mut pen = Pen::new(buffer, Rect { y: area.y + 1, height: area.height - 1, ..area });
    let room = usize::from(pen.width().saturating_sub(13));
    let folder = session.cwd.as_deref().map_or_else(|| UNKNOWN.to_owned(), |cwd| scene.at_home(&clean(cwd)));
    let made = [session.originator.as_deref(), session.cli_version.as_deref()];
    let made: Vec<String> = made.into_iter().flatten().map(|word| clean(word).into_owned()).collect();
    let made = if made.is_empty() { UNKNOWN.to_owned() } else { made.join(" ") };
    let file = scene.at_home(&clean(&session.path.display().to_string()));
    for (row, (name, value)) in (0_u16..).zip([("folder", folder), ("made by", made), ("file", file)]) {
        pen.put(1, row, name, skin.dim());
        pen.put(12, row, &truncate_middle(&value, room, CUT), skin.text());
    }
    for (row, message) in (3_u16..).zip(session.messages.iter().take(2)) {
        pen.put(1, row, if row == 3 { "said" } else { "" }, skin.dim());
        pen.put(12, row, &truncate(&scene.veiled(&clean(message)), room, CUT), skin.text());
    }
}

fn nothing(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let logs = &scene.ui.logs;
    let (text, style) = match &logs.kept {
        Kept::Never | Kept::Asked => ("sessions are being listed".to_owned(), scene.skin.dim()),
        Kept::Failed(why) => (clean(why).into_owned(), scene.skin.bad()),
        Kept::Listed(all) if all.is_empty() => {
            ("the official CLI has kept no session yet".to_owned(), scene.skin.dim())
        }
        Kept::Listed(_) => {
            let needle = clean(&logs.session_needle);
            (format!("nothing holds '{needle}'; esc clears the filter"), scene.skin.dim())
        }
    };
    let mut pen = Pen::new(buffer, area);
    let room = usize::from(pen.width().saturating_sub(4));
    if scene.layout.kind != Kind::TooSmall {
        pen.put(3, 0, &truncate(&text, room, CUT), style);
    }
}
