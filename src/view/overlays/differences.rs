//! Changed settings: the key, what the file says, what would be written.

use ratatui::buffer::Buffer;

use crate::app::overlays::differences::Differences;
use crate::app::screens::settings::{draft, words};
use crate::base::text::{clean, truncate};
use crate::domain::settings::schema::row;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::modal::{Modal, centred, room};
use crate::view::words::CUT;

/// Draws the list.
pub fn render(scene: &Scene, open: Differences, buffer: &mut Buffer) {
    let skin = scene.skin;
    let screen = scene.layout.screen;
    let sheet = &scene.ui.sheet;
    let edits = sheet.draft.edits();
    let count = edits.len();
    let wide = 100.min(screen.width.saturating_sub(4));
    let height = u16::try_from(count + 4).unwrap_or(u16::MAX).min(scene.layout.body.height.max(6));
    let area = centred(room(&scene.layout), wide, height);
    let title = format!("Changed · {}", scene.at_home(&scene.world.config.target));
    let inner = Modal { title: &title, note: "s save · esc close" }.frame(area, buffer, skin);
    let mut pen = Pen::new(buffer, inner);
    let contested = sheet.contested(scene.world);
    let value_room = usize::from(inner.width.saturating_sub(36) / 2);
    for (line, edit) in (1..inner.height.saturating_sub(1)).zip(edits.iter().skip(open.offset)) {
        let Some(setting) = row(edit.key) else { continue };
        let before = match draft::stored(setting, &scene.world.config) {
            Some(draft::Stored::Good(value)) => words::short(setting, value),
            Some(draft::Stored::Bad) => "unusable".to_owned(),
            None => format!("default ({})", words::short(setting, &setting.default())),
        };
        let after = match &edit.to {
            Some(value) => words::short(setting, value),
            None => format!("default ({})", words::short(setting, &setting.default())),
        };
        pen.put(1, line, &truncate(edit.key, 31, CUT), skin.text());
        let at = pen.put(33, line, &truncate(&clean(&before), value_room, CUT), skin.dim());
        let at = pen.put(at + 1, line, "→", skin.dim());
        let at = pen.put(at + 1, line, &truncate(&clean(&after), value_room, CUT), skin.accent());
        if contested.contains(&setting) {
            pen.put(at + 2, line, "changed elsewhere, too", skin.warn());
        }
    }
}
