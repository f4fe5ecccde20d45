//! Nothing to list: no account yet, or a pool that cannot be read.

use ratatui::buffer::Buffer;

use crate::base::text::{clean, truncate, wrap};
use crate::domain::problem::Hint;
use crate::domain::recovery::Health;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::screens::settings::backups::name;
use crate::view::words::{CUT, count};

/// Draws the calm line of an empty pool, and the newest backup where there is one.
pub fn render(scene: &Scene, buffer: &mut Buffer) {
    let skin = scene.skin;
    let mut pen = Pen::new(buffer, scene.layout.body);
    let room = usize::from(pen.width().saturating_sub(2));
    let mut row = 1;
    let reset = if scene.world.health == Health::IntentionalReset {
        " All of them were deleted on purpose."
    } else {
        ""
    };
    let text = format!(
        "No accounts yet.{reset} Press a to add one. To look around with sample accounts: codex-multi-auth --demo"
    );
    for line in wrap(&text, room) {
        pen.put(1, row, &line, skin.text());
        row += 1;
    }
    let Some(backup) = scene.ui.sheet.backups.best() else { return };
    row += 1;
    let count = count(u64::try_from(backup.accounts).unwrap_or(u64::MAX), "account");
    let age = scene.ago(backup.modified);
    let text = format!("Restore a backup: {} · {count}, saved {age}", name(scene, backup));
    let text = truncate(&text, room.saturating_sub(4), CUT);
    pen.run(1, row, &[("▸ ", skin.accent()), ("b ", skin.accent()), (&text, skin.text())]);
}

/// Draws why the pool cannot be read, and what to do: never an empty-looking pool.
pub fn trouble(scene: &Scene, buffer: &mut Buffer) {
    let Some(problem) = &scene.world.trouble else { return };
    let skin = scene.skin;
    let mut pen = Pen::new(buffer, scene.layout.body);
    let room = usize::from(pen.width().saturating_sub(4));
    let mut row = 1;
    let mut say = |pen: &mut Pen, text: &str, style, first: &str| {
        for (at, line) in wrap(&clean(text), room).into_iter().enumerate() {
            let mark = if at == 0 { first } else { " " };
            pen.run(1, row, &[(mark, style), (" ", style), (&line, style)]);
            row += 1;
        }
    };
    say(&mut pen, "The account pool cannot be read", skin.bad(), "!");
    say(&mut pen, &problem.what, skin.text(), " ");
    for cause in &problem.because {
        say(&mut pen, cause, skin.dim(), " ");
    }
    say(&mut pen, "", skin.text(), " ");
    for hint in &problem.hints {
        let text = match hint {
            Hint::Run(command) => format!("run codex-multi-auth {command}"),
            Hint::Press(key) => format!("press {key}"),
            Hint::Say(text) => text.clone(),
        };
        say(&mut pen, &text, skin.text(), "▸");
    }
    if scene.ui.sheet.backups.best().is_some() {
        say(&mut pen, "press b for the backups that can be read", skin.text(), "▸");
    }
    say(&mut pen, &format!("file: {}", scene.world.setting.storage_path), skin.dim(), " ");
}
