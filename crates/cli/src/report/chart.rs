//! Line charts as SVG files.

use std::ops::Range;
use std::path::Path;

use args::visible;
use durable::write_atomically;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

use crate::error::{Error, Result};
use crate::view::format::decimals;

/// One line of a chart.
pub struct Series {
    /// The name in the legend.
    pub name: String,
    /// The points, from left to right.
    pub points: Vec<(f64, f64)>,
    /// Colour index; two series may share a colour.
    pub colour: usize,
    /// Whether to draw dots and not a line.
    pub dotted: bool,
}

/// Title, axes and legend of a chart.
pub struct ChartOptions<'a> {
    /// The title above the chart.
    pub title: &'a str,
    /// The label of the horizontal axis.
    pub x_label: &'a str,
    /// The label of the vertical axis.
    pub y_label: &'a str,
    /// The lowest and the highest value shown; values outside are drawn on the edge.
    pub y_range: (f64, f64),
    /// Whether the vertical axis is logarithmic.
    pub log_y: bool,
    /// The position of the legend: decreasing curves that start high leave the lower left free, others the upper right.
    pub legend: SeriesLabelPosition,
}

/// A colour-blind-safe palette (Okabe and Ito 2008).
const COLOURS: [RGBColor; 6] = [
    RGBColor(213, 94, 0),
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];
const SIZE: (u32, u32) = (760, 460);
/// A series of so few points is drawn with large dots: a line alone would be short, and invisible with one point.
pub const FEW_POINTS: usize = 2;
/// Labels of the horizontal axis, at most.
const MAX_X_LABELS: usize = 11;

/// Draws the chart into the file `path`.
///
/// # Errors
/// If there is nothing to draw, or the file cannot be written.
pub fn draw(path: &Path, options: &ChartOptions, series: &[Series]) -> Result<()> {
    let svg = svg(options, series).map_err(|error| Error::new(format!("cannot draw the chart: {error}")))?;
    Ok(write_atomically(path, svg.as_bytes())?)
}

fn svg(options: &ChartOptions, series: &[Series]) -> std::result::Result<String, Box<dyn std::error::Error>> {
    let xs = series.iter().flat_map(|series| &series.points).map(|point| point.0);
    // The axis starts at 0, so that a run of one or two points is not a strip between them.
    let right = xs.fold(0.0, f64::max);
    if right <= 0.0 {
        return Err("there is no point after step 0".into());
    }
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let (bottom, top) = options.y_range;
        if options.log_y {
            plot(&area, 0.0..right, (bottom..top).log_scale(), options, series)?;
        } else {
            plot(&area, 0.0..right, bottom..top, options, series)?;
        }
        area.present()?;
    }
    Ok(text)
}

fn plot<'a, Y>(
    area: &DrawingArea<SVGBackend<'a>, Shift>,
    x_range: Range<f64>,
    y_range: Y,
    options: &ChartOptions,
    series: &[Series],
) -> std::result::Result<(), Box<dyn std::error::Error>>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let (bottom, top) = options.y_range;
    // Labels are whole numbers, so on a short axis there must not be more of them than such numbers.
    let x_labels = (x_range.end as usize + 1).min(MAX_X_LABELS);
    let mut chart = ChartBuilder::on(area)
        .caption(options.title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(64)
        .build_cartesian_2d(x_range, y_range)?;
    chart
        .configure_mesh()
        .x_desc(options.x_label)
        .y_desc(options.y_label)
        .x_labels(x_labels)
        .x_label_formatter(&|x| format!("{x:.0}"))
        // Ticks are computed as sums and would show rounding errors.
        .y_label_formatter(&|y| format!("{}", decimals(*y, 9).parse::<f64>().unwrap_or(*y)))
        .light_line_style(WHITE)
        .draw()?;
    for series in series {
        let colour = COLOURS[series.colour % COLOURS.len()];
        let shown = series.points.iter().map(|&(x, y)| (x, y.clamp(bottom, top)));
        // A run may be called anything, and XML allows no control characters.
        let name = &*visible(&series.name);
        let is_short = series.points.len() <= FEW_POINTS;
        if is_short || series.dotted {
            let radius = if is_short { 4 } else { 2 };
            let dots = shown.clone().map(|point| Circle::new(point, radius, colour.filled()));
            let key = move |(x, y)| Circle::new((x + 10, y), radius, colour.filled());
            chart.draw_series(dots)?.label(name).legend(key);
        }
        if is_short && !series.dotted {
            chart.draw_series(LineSeries::new(shown, colour.stroke_width(2)))?;
        } else if !series.dotted {
            let line = LineSeries::new(shown, colour.stroke_width(2));
            let key = move |(x, y)| PathElement::new(vec![(x, y), (x + 20, y)], colour.stroke_width(2));
            chart.draw_series(line)?.label(name).legend(key);
        }
    }
    chart
        .configure_series_labels()
        .position(options.legend.clone())
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(dotted: bool) -> Series {
        let points = (0..5).map(|x| (f64::from(x), 0.5f64.powi(x))).collect();
        Series { name: format!("halves {dotted}"), points, colour: 0, dotted }
    }

    #[test]
    fn a_chart_contains_its_labels_and_is_deterministic() {
        let options = ChartOptions {
            title: "Halves",
            x_label: "step",
            y_label: "fraction",
            y_range: (0.01, 1.0),
            log_y: true,
            legend: SeriesLabelPosition::LowerLeft,
        };
        let draw = || svg(&options, &[series(false), series(true)]).unwrap();
        let drawn = draw();
        for word in ["Halves", "step", "fraction", "halves false", "halves true", "<polyline"] {
            assert!(drawn.contains(word), "{word}");
        }
        assert_eq!(drawn, draw());
        let single = |x| Series { points: vec![(x, 1.0)], ..series(false) };
        let named = svg(&options, &[Series { name: "a\u{1b}[31m".into(), ..single(1.0) }]).unwrap();
        assert!(named.contains(r"a\u{1b}[31m") && !named.contains('\u{1b}'), "{named}");
        assert!(svg(&options, &[single(0.0)]).is_err());
    }

    #[test]
    fn one_or_two_points_are_dots_on_an_axis_from_zero_with_whole_steps() {
        let options = ChartOptions {
            title: "Loss",
            x_label: "steps",
            y_label: "nats/token",
            y_range: (0.0, 2.0),
            log_y: false,
            legend: SeriesLabelPosition::UpperLeft,
        };
        let drawn = |points: &[(f64, f64)]| {
            let series = Series { name: "validation".into(), points: points.into(), colour: 0, dotted: false };
            svg(&options, &[series]).unwrap()
        };
        let dots = |drawn: &str| drawn.matches("<circle").count();
        // One circle more for the legend.
        assert_eq!([dots(&drawn(&[(2.0, 1.0)])), dots(&drawn(&[(1.0, 1.5), (2.0, 1.0)]))], [2, 3]);
        let lines: Vec<String> = drawn(&[(1.0, 1.5), (2.0, 1.0)]).lines().map(String::from).collect();
        let labels = |number: &str| lines.iter().filter(|line| line.trim() == number).count();
        // 0, 1 and 2 on the horizontal axis; the vertical one has them, too.
        assert_eq!(["0", "1", "2"].map(labels), [2, 2, 2]);
        // Few points are dots, many are a line.
        let many: Vec<(f64, f64)> = (1..9).map(|step| (f64::from(step), 1.0)).collect();
        assert_eq!(dots(&drawn(&many)), 0);
    }
}
