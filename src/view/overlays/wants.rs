//! What is wanted of an account: one row each, and what the row means.

use ratatui::buffer::Buffer;

use crate::app::overlays::wants::{Line, Wants};
use crate::base::text::{clean, truncate};
use crate::domain::account::Account;
use crate::domain::policy::account::AccountPolicy;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::modal::{Modal, centred, room};
use crate::view::words::{CUT, UNKNOWN};

/// Column of the values.
const VALUES: u16 = 12;

/// Draws the panel.
pub fn render(scene: &Scene, open: &Wants, buffer: &mut Buffer) {
    let Some(index) = scene.world.roster.index_of(&open.key) else { return };
    let Some(account) = scene.world.roster.accounts.get(index) else { return };
    let policy = scene.world.policies.of(account).cloned().unwrap_or_default();
    let skin = scene.skin;
    let wide = 58.min(scene.layout.screen.width.saturating_sub(2));
    let area = centred(room(&scene.layout), wide, 12.min(scene.layout.floor.y));
    let title = format!("Wanted of {}", scene.short_name(account, index));
    let inner = Modal { title: &title, note: "changes hold at once" }.frame(area, buffer, skin);
    let mut pen = Pen::new(buffer, inner);
    let values = usize::from(inner.width.saturating_sub(VALUES + 1));
    for (place, (row, line)) in (1..).zip(Line::ALL).enumerate() {
        pen.put(3, row, line.name(), skin.dim());
        pen.put(VALUES, row, &truncate(&value(line, account, &policy), values, CUT), skin.text());
        if place == open.place {
            pen.put(1, row, "▸", skin.accent());
            pen.paint(0, row, inner.width, skin.selection());
        }
    }
    let last = inner.height.saturating_sub(2);
    if last > 6 {
        let help = open.line().help();
        pen.put(2, last, &truncate(help, usize::from(inner.width.saturating_sub(3)), CUT), skin.dim());
    }
}

fn value(line: Line, account: &Account, policy: &AccountPolicy) -> String {
    let switch = |on| if on { "on" } else { "off" }.to_owned();
    let text = |text: Option<&str>| text.map_or_else(|| UNKNOWN.to_owned(), |text| clean(text).into_owned());
    match line {
        Line::Weight => policy.weight.to_string(),
        Line::Pause => switch(policy.paused),
        Line::Drain => switch(policy.drained),
        Line::Label => text(account.label.as_deref()),
        Line::Tags if policy.tags.is_empty() => UNKNOWN.to_owned(),
        Line::Tags => policy.tags.join(", "),
        Line::Note => text(policy.note.as_deref()),
    }
}
