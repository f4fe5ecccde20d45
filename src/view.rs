//! The model as a terminal frame: pure, from `&Model` and a skin to cells.

pub mod overlays;
pub mod pen;
pub mod plain;
pub mod scene;
pub mod screens;
pub mod skin;
pub mod theme;
pub mod widgets;
pub mod words;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::app::Model;
use crate::app::geometry::Kind;
use crate::app::goal::Tab;
use crate::view::scene::Scene;
use crate::view::skin::Skin;

/// Draws the model into a frame.
pub fn view(model: &Model, skin: &Skin, frame: &mut Frame) {
    let area = frame.area();
    if let Some(caret) = draw(model, skin, area, frame.buffer_mut()) {
        frame.set_cursor_position(caret);
    }
}

/// Draws the model into `area` of a buffer; returns where the caret stands when something is being typed.
pub fn draw(model: &Model, skin: &Skin, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let scene = Scene::of(model, skin, area);
    let caret = match scene.layout.kind {
        Kind::TooSmall => {
            screens::frame::too_small(&scene, buffer);
            None
        }
        Kind::Pane => {
            screens::pane::render(&scene, buffer);
            overlays::render(&scene, buffer)
        }
        Kind::Narrow | Kind::Medium | Kind::Wide => full(&scene, buffer),
    };
    skin.translate(buffer);
    caret
}

fn full(scene: &Scene, buffer: &mut Buffer) -> Option<Position> {
    screens::frame::render(scene, buffer);
    let mut caret = None;
    match scene.ui.tab {
        Tab::Accounts | Tab::Forecast if !scene.world.loaded => {}
        Tab::Accounts | Tab::Forecast if scene.world.trouble.is_some() => {
            screens::empty::trouble(scene, buffer);
        }
        Tab::Accounts if scene.ui.is_welcoming(scene.world) => screens::welcome::render(scene, buffer),
        Tab::Accounts | Tab::Forecast if scene.world.roster.accounts.is_empty() => {
            screens::empty::render(scene, buffer);
        }
        Tab::Accounts if scene.ui.detail.is_some() => screens::detail::render(scene, buffer),
        Tab::Accounts => screens::accounts::render(scene, buffer),
        Tab::Forecast => screens::forecast::render(scene, buffer),
        Tab::Usage => screens::usage::render(scene, buffer),
        Tab::Monitor => screens::monitor::render(scene, buffer),
        Tab::Settings => caret = screens::settings::render(scene, buffer),
        Tab::Experimental => screens::experimental::render(scene, buffer),
        Tab::Logs => screens::logs::render(scene, buffer),
    }
    let field = screens::frame::message(scene, buffer);
    overlays::render(scene, buffer).or(field).or(caret)
}
