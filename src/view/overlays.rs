//! What lies over a screen, the innermost last.

pub mod ask;
pub mod confirm;
pub mod differences;
pub mod for_model;
pub mod found;
pub mod help;
pub mod messages;
pub mod palette;
pub mod reasons;
pub mod seats;
pub mod terms;
pub mod told;
pub mod turn;
pub mod wants;
pub mod wizard;

use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use crate::app::overlays::Overlay;
use crate::view::scene::Scene;

/// Draws every overlay; returns the caret of the innermost one.
pub fn render(scene: &Scene, buffer: &mut Buffer) -> Option<Position> {
    scene.ui.overlays.iter().fold(None, |_, overlay| one(scene, overlay, buffer))
}

/// Draws the innermost overlay alone; `None` when there is none.
pub fn top(scene: &Scene, buffer: &mut Buffer) -> Option<()> {
    let overlay = scene.ui.overlays.last()?;
    one(scene, overlay, buffer);
    Some(())
}

fn one(scene: &Scene, overlay: &Overlay, buffer: &mut Buffer) -> Option<Position> {
    match overlay {
        Overlay::Help(open) => help::render(scene, open, buffer),
        Overlay::Palette(open) => palette::render(scene, open, buffer),
        Overlay::Confirm(open) => {
            confirm::render(scene, open, buffer);
            None
        }
        Overlay::Ask(open) => ask::render(scene, open, buffer),
        Overlay::Differences(open) => {
            differences::render(scene, *open, buffer);
            None
        }
        Overlay::Wants(open) => {
            wants::render(scene, open, buffer);
            None
        }
        Overlay::Seats(open) => {
            seats::render(scene, open, buffer);
            None
        }
        Overlay::Reasons(open) => {
            reasons::render(scene, open, buffer);
            None
        }
        Overlay::ForModel(open) => {
            for_model::render(scene, *open, buffer);
            None
        }
        Overlay::Messages(open) => {
            messages::render(scene, *open, buffer);
            None
        }
        Overlay::Turn(id) => {
            turn::render(scene, *id, buffer);
            None
        }
        Overlay::Found(open) => {
            found::render(scene, open, buffer);
            None
        }
        Overlay::Terms(open) => {
            terms::render(scene, *open, buffer);
            None
        }
        Overlay::Told(open) => {
            told::render(scene, open, buffer);
            None
        }
        Overlay::Wizard(open) => wizard::render(scene, open, buffer),
    }
}
