//! Built-in themes, and the one place where a paint becomes a colour of the terminal.
//!
//! A role that offers a paint for the terminal's depth uses it; else the nearest colour of that depth is
//! computed from the deepest paint.

use ratatui::style::Color;

use crate::formats::theme::{Paint, Role, Theme};
use crate::view::skin::Depth;

/// Names of the built-in themes, the default first.
pub const BUILT_IN: [&str; 5] = crate::domain::settings::display::BUILT_IN_THEMES;

/// A built-in theme; anything unknown is the default one.
pub fn built_in(name: &str) -> Theme {
    let text = match name {
        "blue" => include_str!("../../themes/blue.toml"),
        "mono" => include_str!("../../themes/mono.toml"),
        "high-contrast" => include_str!("../../themes/high-contrast.toml"),
        "light" => include_str!("../../themes/light.toml"),
        _ => include_str!("../../themes/green.toml"),
    };
    Theme::parse(text).unwrap_or_default()
}

/// A theme with another accent; `green` is every theme's own.
pub fn accented(theme: &Theme, accent: &str) -> Theme {
    let text = match accent {
        "cyan" => "accent = ['#22d3ee', 45, 'bright-cyan']",
        "blue" => "accent = ['#60a5fa', 75, 'bright-blue']",
        "yellow" => "accent = ['#facc15', 220, 'bright-yellow']",
        _ => "",
    };
    Theme::parse(text).unwrap_or_default().over(theme)
}

/// The colour of a role at a depth.
pub fn colour(theme: &Theme, role: Role, depth: Depth) -> Color {
    let paints = theme.paints(role);
    let chosen = paints.iter().copied().find(|paint| fits(*paint, depth)).or_else(|| paints.first().copied());
    let Some(paint) = chosen else { return Color::Reset };
    match (paint, depth) {
        (_, Depth::None) | (Paint::Default, _) => Color::Reset,
        (Paint::Ansi(number), _) => ansi(number),
        (Paint::Index(number), Depth::True | Depth::Indexed) => indexed(number),
        (Paint::Index(number), Depth::Sixteen) => ansi(nearest(SIXTEEN, cube(number))),
        (Paint::Rgb(red, green, blue), Depth::True) => rgb(red, green, blue),
        (Paint::Rgb(red, green, blue), Depth::Indexed) => indexed(nearest_index((red, green, blue))),
        (Paint::Rgb(red, green, blue), Depth::Sixteen) => ansi(nearest(SIXTEEN, (red, green, blue))),
    }
}

fn fits(paint: Paint, depth: Depth) -> bool {
    match paint {
        Paint::Default | Paint::Ansi(_) => depth == Depth::Sixteen || paint == Paint::Default,
        Paint::Index(_) => depth == Depth::Indexed,
        Paint::Rgb(..) => depth == Depth::True,
    }
}

#[expect(clippy::disallowed_methods, reason = "roles become colours here and nowhere else")]
fn rgb(red: u8, green: u8, blue: u8) -> Color {
    Color::Rgb(red, green, blue)
}

#[expect(clippy::disallowed_methods, reason = "roles become colours here and nowhere else")]
fn indexed(number: u8) -> Color {
    Color::Indexed(number)
}

fn ansi(number: u8) -> Color {
    match number {
        0 => Color::Black,
        1 => Color::Red,
        2 => Color::Green,
        3 => Color::Yellow,
        4 => Color::Blue,
        5 => Color::Magenta,
        6 => Color::Cyan,
        7 => Color::Gray,
        8 => Color::DarkGray,
        9 => Color::LightRed,
        10 => Color::LightGreen,
        11 => Color::LightYellow,
        12 => Color::LightBlue,
        13 => Color::LightMagenta,
        14 => Color::LightCyan,
        _ => Color::White,
    }
}

type Point = (u8, u8, u8);

/// The sixteen colours as most terminals draw them.
const SIXTEEN: [Point; 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

fn distance(one: Point, other: Point) -> u32 {
    let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    square(one.0, other.0) + square(one.1, other.1) + square(one.2, other.2)
}

fn nearest<const N: usize>(palette: [Point; N], wanted: Point) -> u8 {
    let best = palette.iter().enumerate().min_by_key(|(_, point)| distance(**point, wanted));
    best.and_then(|(index, _)| u8::try_from(index).ok()).unwrap_or(0)
}

fn nearest_index(wanted: Point) -> u8 {
    (16..=255).min_by_key(|number| distance(cube(*number), wanted)).unwrap_or(15)
}

/// The colour behind one of the 256 numbers.
fn cube(number: u8) -> Point {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let step = |index: u8| STEPS.get(usize::from(index)).copied().unwrap_or(0);
    match number {
        0..=15 => SIXTEEN.get(usize::from(number)).copied().unwrap_or((0, 0, 0)),
        16..=231 => {
            let rest = number - 16;
            (step(rest / 36), step(rest / 6 % 6), step(rest % 6))
        }
        232..=255 => {
            let grey = 8 + (number - 232) * 10;
            (grey, grey, grey)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_theme_names_every_role_and_is_readable() {
        for name in BUILT_IN {
            let theme = built_in(name);

            assert_eq!(theme.notes, Vec::<String>::new(), "{name}");
            for role in Role::ALL {
                assert!(!theme.paints(role).is_empty(), "{name}: {}", role.key());
            }
        }
    }

    #[test]
    fn a_paint_is_chosen_or_computed_for_the_depth() {
        let listed = Theme::parse("accent = ['#4ade80', 83, 'bright-green']").unwrap();
        let single = Theme::parse("accent = '#ff0000'").unwrap();

        for (theme, depth, expected) in [
            (&listed, Depth::True, rgb(0x4a, 0xde, 0x80)),
            (&listed, Depth::Indexed, indexed(83)),
            (&listed, Depth::Sixteen, Color::LightGreen),
            (&listed, Depth::None, Color::Reset),
            (&single, Depth::Indexed, indexed(196)),
            (&single, Depth::Sixteen, Color::LightRed),
        ] {
            assert_eq!(colour(theme, Role::Accent, depth), expected, "{depth:?}");
        }
        assert_eq!(colour(&single, Role::Bad, Depth::True), Color::Reset);
    }
}
