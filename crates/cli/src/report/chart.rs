//! Line charts as SVG: knows series of points, not what they mean.

use std::ops::Range;
use std::path::Path;

use durable::write_atomically;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

use crate::error::{Error, Result};

/// One line of a chart.
pub struct Series {
    /// What the legend calls it.
    pub name: String,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
    /// Which colour; two series may share one.
    pub colour: usize,
    /// Dots in the place of a line.
    pub dotted: bool,
}

/// What stands around the lines.
pub struct Frame<'a> {
    /// Above the chart.
    pub title: &'a str,
    /// Below the horizontal axis.
    pub across: &'a str,
    /// Beside the vertical axis.
    pub upwards: &'a str,
    /// The least and the largest value shown; what lies outside is drawn on the edge.
    pub values: (f64, f64),
    /// Whether the vertical axis is logarithmic.
    pub logarithmic: bool,
    /// Where the legend stands.
    pub legend: Corner,
}

/// A corner of the chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corner {
    /// Where falling lines end low.
    LowerLeft,
    /// Where falling lines leave room.
    UpperRight,
}

/// Told apart also by those who see few colours (Okabe and Ito 2008).
const COLOURS: [RGBColor; 6] = [
    RGBColor(213, 94, 0),
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];
const SIZE: (u32, u32) = (760, 460);

/// Draws the chart into the file `path`.
///
/// # Errors
/// If there is nothing to draw, or the file system refuses.
pub fn draw(path: &Path, frame: &Frame, series: &[Series]) -> Result<()> {
    let svg = svg(frame, series).map_err(|error| Error::new(format!("no chart: {error}")))?;
    Ok(write_atomically(path, svg.as_bytes())?)
}

fn svg(
    frame: &Frame,
    series: &[Series],
) -> std::result::Result<String, Box<dyn std::error::Error>> {
    let across = series.iter().flat_map(|series| &series.points).map(|point| point.0);
    let (left, right) =
        across.fold((f64::INFINITY, 0.0), |(least, most), x| (x.min(least), x.max(most)));
    // A single point is seen as far from 0.
    let left = if left < right { left } else { 0.0 };
    if left >= right {
        return Err("there is nothing but the beginning to draw".into());
    }
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let (bottom, top) = frame.values;
        match frame.logarithmic {
            true => plot(&area, left..right, (bottom..top).log_scale(), frame, series)?,
            false => plot(&area, left..right, bottom..top, frame, series)?,
        }
        area.present()?;
    }
    Ok(text)
}

fn plot<'a, Y>(
    area: &DrawingArea<SVGBackend<'a>, Shift>,
    across: Range<f64>,
    upwards: Y,
    frame: &Frame,
    series: &[Series],
) -> std::result::Result<(), Box<dyn std::error::Error>>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let (bottom, top) = frame.values;
    let mut chart = ChartBuilder::on(area)
        .caption(frame.title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(64)
        .build_cartesian_2d(across, upwards)?;
    chart
        .configure_mesh()
        .x_desc(frame.across)
        .y_desc(frame.upwards)
        .x_label_formatter(&|x| format!("{x:.0}"))
        // Ticks are sums of steps, and would show what rounding left in them.
        .y_label_formatter(&|y| format!("{}", format!("{y:.9}").parse::<f64>().unwrap_or(*y)))
        .light_line_style(WHITE)
        .draw()?;
    for series in series {
        let colour = COLOURS[series.colour % COLOURS.len()];
        let shown = series.points.iter().map(|&(x, y)| (x, y.clamp(bottom, top)));
        let name = series.name.as_str();
        if series.dotted || series.points.len() == 1 {
            let dots = shown.map(|point| Circle::new(point, 2, colour.filled()));
            let key = move |(x, y)| Circle::new((x + 10, y), 2, colour.filled());
            chart.draw_series(dots)?.label(name).legend(key);
        } else {
            let line = LineSeries::new(shown, colour.stroke_width(2));
            let key =
                move |(x, y)| PathElement::new(vec![(x, y), (x + 20, y)], colour.stroke_width(2));
            chart.draw_series(line)?.label(name).legend(key);
        }
    }
    chart
        .configure_series_labels()
        .position(match frame.legend {
            Corner::LowerLeft => SeriesLabelPosition::LowerLeft,
            Corner::UpperRight => SeriesLabelPosition::UpperRight,
        })
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
    fn a_chart_holds_its_words_and_is_drawn_alike_every_time() {
        let frame = Frame {
            title: "Halves",
            across: "step",
            upwards: "share",
            values: (0.01, 1.0),
            logarithmic: true,
            legend: Corner::LowerLeft,
        };
        let draw = || svg(&frame, &[series(false), series(true)]).unwrap();
        let drawn = draw();
        for word in ["Halves", "step", "share", "halves false", "halves true", "<polyline"] {
            assert!(drawn.contains(word), "{word}");
        }
        assert_eq!(drawn, draw());
        let single = |x| Series { points: vec![(x, 1.0)], ..series(false) };
        svg(&frame, &[single(1.0)]).unwrap();
        assert!(svg(&frame, &[single(0.0)]).is_err());
    }
}
