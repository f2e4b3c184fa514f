//! The view as an SVG picture. Each cell of the terminal has a fixed rectangle; lines and dots are drawn as shapes, so
//! that a chart looks the same with every font.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use ratatui::text::Span;

use super::draw::draw_with;
use super::format::sanitize;
use super::state::ViewState;
use super::theme::Theme;

/// The size of the terminal in the picture.
const COLUMNS: u16 = 100;
const ROWS: u16 = 30;
/// The size of a cell in pixels: the advance of most monospaced fonts is 0.6 of their size.
const CELL: (f64, f64) = (8.4, 18.0);
const FONT_SIZE: f64 = 14.0;
/// The distance of the base line of a text from the top of its cell.
const BASE_LINE: f64 = 13.4;
/// The margin above and below the cells.
const MARGIN: f64 = 9.0;
const FONTS: &str = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace";
const BACKGROUND: &str = "#16181d";
const FOREGROUND: &str = "#d8dee4";

/// Lines and dots: SVG paths by colour and stroke width.
type Strokes = BTreeMap<(String, &'static str), String>;

/// Adjacent cells of one style.
struct Run {
    column: usize,
    columns: usize,
    text: String,
    colour: Color,
    bold: bool,
}

/// The view of `state` in colour, on a terminal of 100 columns and 30 rows, as an SVG file.
pub fn picture(state: &ViewState) -> String {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(COLUMNS, ROWS));
    let Ok(_) = terminal.draw(|frame| draw_with(frame, state, Theme::new(true)));
    let (width, height) = (CELL.0 * f64::from(COLUMNS), CELL.1 * f64::from(ROWS) + 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 {} {width} {height}\" font-family=\"{FONTS}\" font-size=\"{FONT_SIZE}\" fill=\"{FOREGROUND}\">\n\
         <title>{}</title>\n\
         <rect y=\"{0}\" width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n",
        -MARGIN,
        escape(&sanitize(&state.name))
    );
    draw_cells(&mut svg, terminal.backend().buffer());
    svg + "</svg>\n"
}

fn draw_cells(svg: &mut String, buffer: &Buffer) {
    let mut strokes = Strokes::new();
    let mut texts = String::new();
    for (row, cells) in buffer.content.chunks(buffer.area.width.into()).enumerate() {
        for run in runs(cells, row, &mut strokes) {
            write_text(&mut texts, &run, row);
        }
    }
    for ((colour, width), path) in strokes {
        let style = format!("stroke=\"{colour}\" stroke-width=\"{width}\" stroke-linecap=\"round\"");
        let _ = writeln!(svg, "<path fill=\"none\" {style} d=\"{path}\"/>");
    }
    svg.push_str(&texts);
}

/// The texts of a row; its shapes are added to `strokes`.
fn runs(cells: &[Cell], row: usize, strokes: &mut Strokes) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut column = 0;
    while let Some(cell) = cells.get(column) {
        let (symbol, colour, bold) = (cell.symbol(), cell.fg, cell.modifier.contains(Modifier::BOLD));
        // A wide character covers the next cell, too.
        let columns = Span::raw(symbol).width().max(1);
        if let Some((width, path)) = shape(symbol, column, row) {
            strokes.entry((hex(colour), width)).or_default().push_str(&path);
        } else {
            match runs.last_mut() {
                // Other characters may come from another font with another width: each is placed by itself.
                Some(run)
                    if run.column + run.columns == column
                        && (run.colour, run.bold) == (colour, bold)
                        && run.text.is_ascii()
                        && symbol.is_ascii()
                        && !(symbol == " " && run.text.ends_with(' ')) =>
                {
                    run.text.push_str(symbol);
                    run.columns += columns;
                }
                _ if symbol != " " => runs.push(Run { column, columns, text: symbol.into(), colour, bold }),
                _ => {}
            }
        }
        column += columns;
    }
    runs
}

fn write_text(texts: &mut String, run: &Run, row: usize) {
    let text = run.text.trim_end();
    let columns = run.columns - (run.text.len() - text.len());
    let (x, y) = (CELL.0 * run.column as f64, CELL.1 * row as f64 + BASE_LINE);
    let length = CELL.0 * columns as f64;
    let _ = write!(texts, "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{length:.1}\"");
    if run.colour != Color::Reset {
        let _ = write!(texts, " fill=\"{}\"", hex(run.colour));
    }
    if run.bold {
        texts.push_str(" font-weight=\"bold\"");
    }
    let _ = writeln!(texts, ">{}</text>", escape(text));
}

/// The stroke width and the path of a line or of braille dots; `None` for other characters.
fn shape(symbol: &str, column: usize, row: usize) -> Option<(&'static str, String)> {
    let (width, height) = CELL;
    let (left, top) = (width * column as f64, height * row as f64);
    let (x, y) = (left + width / 2.0, top + height / 2.0);
    let character = symbol.chars().next()?;
    Some(match character {
        '─' => ("1", format!("M{left:.1} {y:.1}h{width}")),
        '━' => ("3", format!("M{left:.1} {y:.1}h{width}")),
        '│' => ("1", format!("M{x:.1} {top:.1}v{height}")),
        '└' => ("1", format!("M{x:.1} {top:.1}v{}h{}", height / 2.0, width / 2.0)),
        '\u{2800}'..='\u{28FF}' => {
            // Bit, column and row of each of the eight dots.
            let dots = [(0, 0, 0), (1, 0, 1), (2, 0, 2), (3, 1, 0), (4, 1, 1), (5, 1, 2), (6, 0, 3), (7, 1, 3)];
            let set = dots.into_iter().filter(|(bit, ..)| (character as u32 >> bit) & 1 == 1);
            let dot = |(_, dx, dy): (u32, u8, u8)| {
                let x = left + width * (0.25 + 0.5 * f64::from(dx));
                let y = top + height * (0.125 + 0.25 * f64::from(dy));
                format!("M{x:.1} {y:.1}h0")
            };
            ("3", set.map(dot).collect())
        }
        _ => return None,
    })
}

/// A colour of the 256-colour palette as in `#d75f00`.
fn hex(colour: Color) -> String {
    let level = |level: u8| if level == 0 { 0 } else { 55 + 40 * level };
    let (red, green, blue) = match colour {
        Color::Indexed(index @ 16..=231) => {
            let index = index - 16;
            (level(index / 36), level(index / 6 % 6), level(index % 6))
        }
        Color::Indexed(index @ 232..) => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
        _ => return FOREGROUND.into(),
    };
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// `text` for an XML document; U+FFFD replaces the characters that XML does not allow.
fn escape(text: &str) -> String {
    let is_allowed = |c: char| !c.is_control() && !matches!(c, '\u{FFFE}' | '\u{FFFF}');
    let text: String = text.chars().map(|c| if is_allowed(c) { c } else { '\u{FFFD}' }).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
