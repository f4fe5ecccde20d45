//! Nothing to list: no account yet, or a pool that cannot be read.

use ratatui::buffer::Buffer;

use crate::base::text::{clean, wrap};
use crate::domain::problem::Hint;
use crate::view::pen::Pen;
use crate::view::scene::Scene;

/// Draws the calm line of an empty pool.
pub fn render(scene: &Scene, buffer: &mut Buffer) {
    let mut pen = Pen::new(buffer, scene.layout.body);
    let room = usize::from(pen.width().saturating_sub(2));
    let text = "No accounts yet. To look around with sample accounts: codex-multi-auth --demo";
    for (row, line) in (1u16..).zip(wrap(text, room)) {
        pen.put(1, row, &line, scene.skin.text());
    }
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
    say(&mut pen, &format!("file: {}", scene.world.setting.storage_path), skin.dim(), " ");
}
