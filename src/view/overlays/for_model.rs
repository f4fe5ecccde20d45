//! The models to look ahead for.

use ratatui::buffer::Buffer;

use crate::app::overlays::for_model::ForModel;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::modal::{Modal, centred, room};

/// Draws the list.
pub fn render(scene: &Scene, open: ForModel, buffer: &mut Buffer) {
    let skin = scene.skin;
    let rows = u16::try_from(ForModel::count()).unwrap_or(u16::MAX);
    let wide = 48.min(scene.layout.screen.width.saturating_sub(2));
    let place = room(&scene.layout);
    let area = centred(place, wide, (rows + 2).min(place.height));
    let inner = Modal { title: "Look ahead for", note: "" }.frame(area, buffer, skin);
    let mut pen = Pen::new(buffer, inner);
    let visible = usize::from(inner.height).max(1);
    let offset = open.place.saturating_sub(visible - 1);
    for (row, place) in (0..inner.height).zip(offset..ForModel::count()) {
        let (name, family) =
            ForModel::model(place).map_or(("any model", ""), |profile| (profile.name, profile.family.word()));
        pen.put(3, row, name, skin.text());
        if !family.is_empty() {
            let end = pen.width().saturating_sub(2);
            pen.put_right(end, row, &format!("limits of {family}"), skin.dim());
        }
        if place == open.place {
            pen.put(1, row, "▸", skin.accent());
            pen.paint(0, row, inner.width, skin.selection());
        }
    }
}
