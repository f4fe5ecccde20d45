//! Version and terms, and how to take everything out again.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::text::wrap;
use crate::view::pen::Pen;
use crate::view::scene::Scene;

/// What a person agrees to by using the program, one paragraph each.
const TERMS: [&str; 5] = [
    "codex-multi-auth is an independent open-source project, not a product of OpenAI. It keeps and uses the sign-ins of your own ChatGPT accounts on this computer, for personal development.",
    "You answer for your use and for following OpenAI's terms.",
    "For production or commercial work use the OpenAI Platform API.",
    "Loopback only, no telemetry, nothing is shared.",
    "A few bounded attempts per request, never the whole pool.",
];

/// Draws both.
pub(super) fn render(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let skin = scene.skin;
    let mut pen = Pen::new(buffer, area);
    pen.put(1, 0, "Version & terms", skin.heading());
    pen.run(1, 2, &[("codex-multi-auth ", skin.text()), (env!("CARGO_PKG_VERSION"), skin.accent())]);
    let room = usize::from(area.width.saturating_sub(3)).min(90);
    let mut row = 4;
    for (place, paragraph) in TERMS.iter().enumerate() {
        let (mark, indent) = if place == 0 { ("", 1) } else { ("· ", 3) };
        let lines = wrap(paragraph, room.saturating_sub(usize::from(indent)));
        for (at, line) in lines.iter().enumerate() {
            let style = if place == 0 { skin.text() } else { skin.dim() };
            if at == 0 {
                pen.put(1, row, mark, skin.dim());
            }
            pen.put(indent, row, line, style);
            row += 1;
        }
        if place == 0 {
            row += 1;
        }
    }
}

/// What taking everything out again does, a command and its effect each.
const REMOVAL: [(&str, &str); 4] = [
    ("uninstall --dry-run", "lists what it would touch"),
    ("uninstall", "bind, start-up entries, caches go; accounts and settings stay"),
    ("uninstall --clear-accounts", "the accounts go, too"),
    ("uninstall --purge", "everything of ours goes, for good"),
];

/// Draws it. Nothing is removed from a screen: it asks for the command, which asks once more.
pub(super) fn removal(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let skin = scene.skin;
    let mut pen = Pen::new(buffer, area);
    pen.put(1, 0, "Remove integration", skin.heading());
    let room = usize::from(area.width.saturating_sub(5)).min(90);
    let mut row = 2;
    for (command, effect) in REMOVAL {
        let program = if room < 45 { "" } else { "codex-multi-auth " };
        pen.run(1, row, &[(program, skin.dim()), (command, skin.accent())]);
        row += 1;
        for line in wrap(effect, room) {
            pen.put(3, row, &line, skin.text());
            row += 1;
        }
    }
    row += 1;
    for line in wrap("The official CLI, its sign-in and sessions are never touched.", room + 2) {
        pen.put(1, row, &line, skin.dim());
        row += 1;
    }
}
