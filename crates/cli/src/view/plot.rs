//! The loss chart, with the names and values of its curves on the right.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

use super::format;
use super::state::ViewState;
use super::theme::Theme;

/// Rows below the plot area: the axis and its labels.
const AXIS_HEIGHT: u16 = 2;
/// The minimum width of the chart; if labels would make it narrower, they are left out.
const MIN_CHART_WIDTH: u16 = 36;
/// Losses of this magnitude or more are ignored when the scale is chosen.
const MAX_SCALED_LOSS: f64 = 1e6;
/// Distances between ticks, to be multiplied by a power of ten.
const TICK_STEPS: [f64; 7] = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0];

/// The label of a curve or baseline at the right of the chart, at the height of its value.
struct Label {
    nats: f64,
    marker: char,
    text: String,
    style: Style,
}

/// Draws the losses of `state` into `area`.
pub fn draw(frame: &mut Frame, area: Rect, state: &ViewState, theme: Theme) {
    if area.height <= AXIS_HEIGHT + 1 || area.width < 8 {
        return;
    }
    let rows = area.height - AXIS_HEIGHT;
    let labels = labels(state, theme);
    let width = labels.iter().map(|label| Line::raw(&label.text).width()).max().unwrap_or(0) as u16;
    // A space, the marker, a space, the text.
    let gutter = if area.width >= width + 3 + MIN_CHART_WIDTH { width + 3 } else { 0 };
    let [left, right] = Layout::horizontal([Constraint::Min(0), Constraint::Length(gutter)]).areas(area);

    let columns = usize::from(left.width) * 2;
    let train = state.train.downsampled(columns);
    let (valid, averaged) = (state.valid.downsampled(columns), state.averaged.downsampled(columns));
    let x_bounds = x_bounds([&train, &valid, &averaged].into_iter().flatten().map(|point| point.0));
    let baselines = state.baselines.iter().map(|baseline| baseline.nats);
    let losses = [&valid, &averaged].into_iter().flatten().map(|point| point.1).chain(baselines);
    let ticks = Ticks::new(&train, losses, rows);

    // Baselines: a dot in every second column of the plot area, which starts after the labels and the axis.
    let y_labels = ticks.labels();
    let axis_width = y_labels.iter().map(String::len).max().unwrap_or(0) + 1;
    let last_dot = (columns.saturating_sub(2 * axis_width + 1)).max(1) as f64;
    let dots: Vec<Vec<(f64, f64)>> = state
        .baselines
        .iter()
        .map(|baseline| {
            let x = (0..=last_dot as usize).step_by(4).map(|dot| dot as f64 / last_dot);
            x.map(|x| (x_bounds[0] + x * (x_bounds[1] - x_bounds[0]), baseline.nats)).collect()
        })
        .collect();
    let dotted_line = |points| Dataset::default().marker(Marker::Braille).style(theme.muted()).data(points);
    let solid_line = |points, style| {
        let line = Dataset::default().marker(Marker::Braille).graph_type(GraphType::Line);
        line.style(style).data(points)
    };
    let markers = |points, marker, style| Dataset::default().marker(Marker::Custom(marker)).style(style).data(points);
    let mut series: Vec<_> = dots.iter().map(|points| dotted_line(points)).collect();
    if theme.has_colours() {
        // Without colours the lines could not be told apart.
        series.extend([solid_line(&averaged, theme.averaged()), solid_line(&valid, theme.valid())]);
    }
    series.push(solid_line(&train, theme.train()));
    series.push(markers(&averaged, Theme::AVERAGED, theme.averaged()));
    series.push(markers(&valid, Theme::VALID, theme.valid()));

    let axis = || Axis::default().style(theme.muted()).labels_alignment(Alignment::Right);
    let muted = |labels: Vec<String>| labels.into_iter().map(|label| Span::styled(label, theme.muted()));
    let chart = Chart::new(series)
        .legend_position(None)
        .x_axis(axis().bounds(x_bounds).labels(muted(x_labels(x_bounds, left.width))))
        .y_axis(axis().bounds(ticks.bounds()).labels(muted(y_labels)));
    frame.render_widget(chart, left);

    let labels_area = Rect { height: rows, ..right };
    for (row, label) in place_labels(labels, &ticks, rows) {
        let line = Line::from_iter([
            Span::styled(format!(" {} ", label.marker), label.style),
            Span::styled(label.text, label.style),
        ]);
        let target = Rect { y: labels_area.y + row, height: 1, ..labels_area };
        frame.render_widget(line, target.intersection(labels_area));
    }
}

/// The labels, the most important first.
fn labels(state: &ViewState, theme: Theme) -> Vec<Label> {
    let curve = |curve: Option<f64>, name, marker, style| {
        let text = |nats| format!("{name} {}", format::nats(nats));
        curve.map(|nats| Label { nats, marker, text: text(nats), style })
    };
    let last = |points: &[(f64, f64)]| points.last().map(|point| point.1);
    let curves = [
        curve(state.train.recent(), "train", Theme::TRAIN, theme.train()),
        curve(last(state.valid.points()), "valid", Theme::VALID, theme.valid()),
        curve(last(state.averaged.points()), "averaged", Theme::AVERAGED, theme.averaged()),
    ];
    let baselines = state.baselines.iter().filter(|baseline| baseline.nats.is_finite());
    let baselines = baselines.map(|baseline| Label {
        nats: baseline.nats,
        marker: Theme::BASELINE,
        text: format!("{} {}", format::sanitize(&baseline.name), format::nats(baseline.nats)),
        style: theme.muted(),
    });
    curves.into_iter().flatten().chain(baselines).collect()
}

/// Assigns a row to each label, as near to its value as the others allow.
fn place_labels(mut labels: Vec<Label>, ticks: &Ticks, rows: u16) -> Vec<(u16, Label)> {
    labels.truncate(rows.into());
    labels.sort_by(|a, b| b.nats.total_cmp(&a.nats));
    let count = labels.len() as u16;
    let mut free = 0;
    let row = |(at, label): (usize, Label)| {
        // Leave rows for the labels below.
        let row = ticks.row(label.nats, rows).max(free).min(rows - (count - at as u16));
        free = row + 1;
        (row, label)
    };
    labels.into_iter().enumerate().map(row).collect()
}

/// The first and the last step, at least one apart. The axis starts at 0 unless the first point is far from it.
fn x_bounds(steps: impl Iterator<Item = f64>) -> [f64; 2] {
    let (min, max) = steps.fold((f64::INFINITY, 0.0), |(min, max), x| (x.min(min), x.max(max)));
    let left: f64 = if min.is_finite() && min > max / 5.0 { min } else { 0.0 };
    // In floating point, adding 1 does not change a huge number.
    [left, max.max(left + 1.0).max(left * (1.0 + 1e-9))]
}

fn x_labels([left, right]: [f64; 2], width: u16) -> Vec<String> {
    let step = |x: f64| format::thousands(x.round() as usize);
    let last = format::counted(right.round() as usize, "step");
    if width < 60 {
        return vec![step(left), last];
    }
    vec![step(left), step((left + right) / 2.0), last]
}

/// The ticks of the vertical axis: round numbers from bottom to top, in nats/token.
struct Ticks {
    bottom: f64,
    step: f64,
    count: usize,
    decimals: usize,
}

impl Ticks {
    /// A scale that covers all of `losses` and `train` except values far above the median training loss.
    fn new(train: &[(f64, f64)], losses: impl Iterator<Item = f64>, rows: u16) -> Self {
        let is_scaled = |nats: &f64| nats.abs() < MAX_SCALED_LOSS;
        let mut train: Vec<f64> = train.iter().map(|point| point.1).filter(is_scaled).collect();
        train.sort_by(f64::total_cmp);
        // A diverged loss is cut off, so that the rest stays readable.
        let median = train.get(train.len() / 2).copied();
        let limit = median.filter(|&nats| nats > 0.0).map_or(MAX_SCALED_LOSS, |nats| 2.5 * nats);
        let shown = train.into_iter().chain(losses.filter(is_scaled)).filter(|&nats| nats <= limit);
        let range = |(min, max): (f64, f64), nats: f64| (min.min(nats), max.max(nats));
        let (mut min, mut max) = shown.fold((f64::INFINITY, f64::NEG_INFINITY), range);
        if min > max {
            (min, max) = (0.0, 1.0);
        }
        if max - min < 0.02 {
            (min, max) = (min - 0.01, max + 0.01);
        }
        // Of the scales with at most one tick per two rows, the one with the smallest range.
        let max_ticks = usize::from((rows.max(3) - 1) / 2);
        let powers = -2..=6;
        let steps = powers.flat_map(|power| TICK_STEPS.map(|multiple| (power, multiple)));
        let scales = steps.map(|(power, multiple)| Self::with_step(min, max, power, multiple));
        let fit = scales.filter(|scale| scale.count - 1 <= max_ticks);
        let span = |scale: &Self| scale.bounds()[1] - scale.bounds()[0];
        let best = fit.min_by(|a, b| span(a).total_cmp(&span(b)));
        best.unwrap_or(Self { bottom: -MAX_SCALED_LOSS, step: 2.0 * MAX_SCALED_LOSS, count: 2, decimals: 0 })
    }

    /// Ticks at multiples of `multiple` · 10^`power` that cover `min` to `max`.
    fn with_step(min: f64, max: f64, power: i32, multiple: f64) -> Self {
        let step = multiple * 10f64.powi(power);
        let bottom = (min / step).floor();
        let count = ((max / step).ceil() - bottom).max(1.0) as usize + 1;
        let decimals = i32::from(multiple.fract() > 0.0) - power;
        Self { bottom: bottom * step, step, count, decimals: decimals.max(0) as usize }
    }

    fn bounds(&self) -> [f64; 2] {
        [self.bottom, self.bottom + self.step * (self.count - 1) as f64]
    }

    fn labels(&self) -> Vec<String> {
        let tick = |at: usize| self.bottom + self.step * at as f64;
        (0..self.count).map(|at| format!("{:.*}", self.decimals, tick(at))).collect()
    }

    /// The row of a loss, counted from the top; values outside the scale are placed on the edge.
    fn row(&self, nats: f64, rows: u16) -> u16 {
        let [bottom, top] = self.bounds();
        let row = (top - nats) / (top - bottom) * f64::from(rows);
        row.floor().clamp(0.0, f64::from(rows - 1)) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few_and_a_diverged_loss_is_cut_off() {
        let mut train: Vec<(f64, f64)> = (0..100).map(|x| (f64::from(x), 4.0)).collect();
        train[50].1 = 1e5;
        train[51].1 = 7.3;
        let ticks = Ticks::new(&train, [5.35, f64::NAN, 1e300].into_iter(), 8);
        assert_eq!(ticks.labels(), ["4", "6", "8"]);
        assert_eq!((ticks.row(f64::INFINITY, 8), ticks.row(4.0, 8)), (0, 7));
        let none = Ticks::new(&[], [].into_iter(), 9);
        assert_eq!(none.bounds(), [0.0, 1.0]);
        let huge = Ticks::new(&[], [3.0, 9e5].into_iter(), 9);
        assert!(huge.count <= 5, "{}", huge.count);
    }

    #[test]
    fn labels_do_not_overlap() {
        let label = |nats| Label { nats, marker: ' ', text: String::new(), style: Style::new() };
        let ticks = Ticks::with_step(0.0, 10.0, 0, 5.0);
        let rows = |losses: &[f64]| -> Vec<u16> {
            let labels = losses.iter().map(|&nats| label(nats)).collect();
            place_labels(labels, &ticks, 10).into_iter().map(|(row, _)| row).collect()
        };
        assert_eq!(rows(&[5.0, 5.1, 4.9]), [4, 5, 6]);
        assert_eq!(rows(&[0.0, 0.1, 9.9]), [0, 8, 9]);
        assert_eq!(rows(&[1.0; 30]), (0..10).collect::<Vec<_>>());
    }
}
