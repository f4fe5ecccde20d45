//! A frame as a picture: one `<text>` per run of cells that look alike, every run stretched to its cells, so that it
//! looks the same with any fixed-width font.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// Size of a cell.
const CELL: (f32, f32) = (8.4, 18.0);
/// Around the frame.
const EDGE: f32 = 12.0;
/// Ground and ink of the theme that pictures are made with.
const GROUND: &str = "#0b1210";
const INK: &str = "#e2e8f0";

/// The picture of a frame; `title` is what a reader hears.
pub(crate) fn picture(buffer: &Buffer, title: &str) -> String {
    let (width, height) = (buffer.area.width, buffer.area.height);
    let (wide, tall) = (f32::from(width) * CELL.0 + 2.0 * EDGE, f32::from(height) * CELL.1 + 2.0 * EDGE);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide:.1} {tall:.1}\" width=\"{wide:.0}\" \
         role=\"img\" font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" \
         font-size=\"14\">\n<title>{}</title>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" \
         fill=\"{GROUND}\"/>\n",
        escaped(title)
    );
    for (y, row) in (0u16..).zip(buffer.content.chunks(usize::from(width.max(1)))) {
        line(&mut svg, row, y);
    }
    svg.push_str("</svg>\n");
    svg
}

fn line(svg: &mut String, row: &[Cell], y: u16) {
    let mut start = 0;
    while start < row.len() {
        let look = look(&row[start]);
        let alike = row[start..].iter().take_while(|cell| self::look(cell) == look).count();
        run(svg, &row[start..start + alike], (start, y), &look);
        start += alike;
    }
}

/// Ink, ground and weight.
type Look = (String, Option<String>, bool, bool);

fn look(cell: &Cell) -> Look {
    let (mut ink, mut ground) = (colour(cell.fg, INK), Some(cell.bg).filter(|bg| *bg != Color::Reset));
    let mut back = ground.take().map(|bg| colour(bg, GROUND));
    if cell.modifier.contains(Modifier::REVERSED) {
        let under = back.take().unwrap_or_else(|| GROUND.to_owned());
        back = Some(std::mem::replace(&mut ink, under));
    }
    (ink, back, cell.modifier.contains(Modifier::BOLD), cell.modifier.contains(Modifier::DIM))
}

fn run(svg: &mut String, cells: &[Cell], (x, y): (usize, u16), (ink, ground, bold, dim): &Look) {
    let left = EDGE + f32::from(u16::try_from(x).expect("a column")) * CELL.0;
    let top = EDGE + f32::from(y) * CELL.1;
    let wide = f32::from(u16::try_from(cells.len()).expect("a width")) * CELL.0;
    if let Some(ground) = ground {
        let tall = CELL.1;
        writeln!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{tall}\" fill=\"{ground}\"/>"
        )
        .expect("a string");
    }
    let text: String = cells.iter().map(Cell::symbol).collect();
    let inner = text.trim_end();
    if inner.trim().is_empty() {
        return;
    }
    let lead = inner.chars().take_while(|letter| *letter == ' ').count();
    let shown = inner.trim_start();
    let count = codex_multi_auth::base::text::width(shown);
    let left = left + f32::from(u16::try_from(lead).expect("a column")) * CELL.0;
    let wide = f32::from(u16::try_from(count).expect("a width")) * CELL.0;
    let base = top + 13.5;
    let weight = if *bold { " font-weight=\"bold\"" } else { "" };
    let faint = if *dim { " opacity=\"0.6\"" } else { "" };
    writeln!(
        svg,
        "<text x=\"{left:.1}\" y=\"{base:.1}\" fill=\"{ink}\" textLength=\"{wide:.1}\" \
         lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\"{weight}{faint}>{}</text>",
        escaped(shown)
    )
    .expect("a string");
}

fn colour(colour: Color, reset: &str) -> String {
    if colour == Color::Reset {
        return reset.to_owned();
    }
    let Color::Rgb(red, green, blue) = colour else {
        panic!("pictures are made in 24 bits, not {colour:?}");
    };
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
