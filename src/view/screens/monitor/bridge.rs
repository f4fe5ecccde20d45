//! The bridge: whether it runs, where, and the keys of its clients.

use ratatui::buffer::Buffer;

use crate::base::text::{clean, truncate};
use crate::domain::bridge::{Access, base_url};
use crate::domain::client_token::{ClientToken, State};
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::words::{CUT, UNKNOWN};

/// Draws the pane over the whole tab.
pub fn render(scene: &Scene, buffer: &mut Buffer) {
    let skin = scene.skin;
    let pane = &scene.ui.bridge;
    let mut pen = Pen::new(buffer, scene.layout.context);
    pen.run(1, 0, &[("Monitor / Bridge", skin.heading())]);
    let whole = ratatui::layout::Rect { width: scene.layout.screen.width, ..scene.layout.body };
    let mut pen = Pen::new(buffer, whole);
    let room = usize::from(pen.width().saturating_sub(4));
    let Some(standing) = &pane.standing else {
        pen.put(3, 1, "looking", skin.dim());
        return;
    };
    if let Some(living) = &standing.living {
        let access = if living.access == Access::Keyed { "with a key" } else { "open to every program here" };
        let text = format!("running   {}   pid {}   {access}", base_url(living.port), living.pid);
        pen.run(1, 1, &[("● ", skin.good()), (&truncate(&text, room, CUT), skin.text())]);
    } else {
        let text = format!("off   space starts it on {}", base_url(standing.port));
        pen.run(1, 1, &[("○ ", skin.dim()), (&truncate(&text, room, CUT), skin.text())]);
    }
    let what = "For programs that are not the official CLI: /v1/responses, /v1/models, /health";
    pen.put(3, 2, &truncate(what, room, CUT), skin.dim());
    for (column, title) in [(3, "KEY"), (25, "BEGINS"), (41, "STATE"), (51, "LAST USED"), (66, "REACH")] {
        pen.put(column, 4, title, skin.dim());
    }
    let tokens: &[ClientToken] = pane.tokens.as_ref().map_or(&[], |(tokens, _)| tokens.as_slice());
    if tokens.is_empty() {
        let text = if pane.tokens.is_some() { "no key yet: a makes one" } else { "looking" };
        pen.put(3, 5, text, skin.dim());
    }
    let rows = usize::from(pen.height().saturating_sub(5)).max(1);
    let offset = (pane.place + 1).saturating_sub(rows);
    for (row, (place, token)) in (5..pen.height()).zip(tokens.iter().enumerate().skip(offset)) {
        one(scene, &mut pen, row, token);
        if place == pane.place {
            pen.put(1, row, "▸", skin.accent());
            let width = pen.width();
            pen.paint(row, 0, width, skin.selection());
        }
    }
}

fn one(scene: &Scene, pen: &mut Pen, row: u16, token: &ClientToken) {
    let skin = scene.skin;
    pen.put(3, row, &truncate(&clean(&token.label), 20, CUT), skin.text());
    pen.put(25, row, &truncate(&format!("{}{CUT}", clean(&token.prefix)), 15, ""), skin.dim());
    let (word, style) = match token.state(scene.now) {
        State::Active => ("works", skin.good()),
        State::Revoked => ("revoked", skin.dim()),
        State::Expired => ("expired", skin.warn()),
    };
    pen.put(41, row, word, style);
    let used = token.last_used.map_or_else(|| UNKNOWN.to_owned(), |at| scene.ago(at));
    pen.put(51, row, &truncate(&used, 14, CUT), skin.dim());
    let reach = &token.reach;
    let mut words: Vec<String> = reach.scopes.iter().map(|scope| scope.word().to_owned()).collect();
    words.extend(reach.models.iter().map(|model| clean(model).into_owned()));
    let text = if words.is_empty() { "everything".to_owned() } else { words.join(" ") };
    let room = usize::from(pen.width().saturating_sub(67));
    pen.put(66, row, &truncate(&text, room, CUT), skin.dim());
}
