//! The chart of losses with its labels on the right: knows curves, not runs.

use models::summary::thousands;
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

use super::format;
use super::state::Scene;
use super::theme::Paint;

/// Rows below the graph: the axis and its labels.
const BELOW: u16 = 2;
/// Columns that a chart must have beside its labels, or it stands alone.
const NARROW: u16 = 36;
/// Losses beyond it have no say in the scale.
const ABSURD: f64 = 1e6;
/// Steps between ticks, times a power of ten.
const ROUND: [f64; 7] = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0];

/// One word at the right of the chart, at the height of what it names.
struct Label {
    nats: f64,
    mark: char,
    text: String,
    style: Style,
}

/// Draws the losses of `scene` into `area`.
pub fn draw(frame: &mut Frame, area: Rect, scene: &Scene, paint: Paint) {
    if area.height <= BELOW + 1 || area.width < 8 {
        return;
    }
    let rows = area.height - BELOW;
    let labels = labels(scene, paint);
    let wide = labels.iter().map(|label| Line::raw(&label.text).width()).max().unwrap_or(0) as u16;
    // A blank, the mark, a blank, the text.
    let gutter = if area.width >= wide + 3 + NARROW { wide + 3 } else { 0 };
    let [left, right] =
        Layout::horizontal([Constraint::Min(0), Constraint::Length(gutter)]).areas(area);

    let columns = usize::from(left.width) * 2;
    let train = scene.train.thinned(columns);
    let (valid, averaged) = (scene.valid.thinned(columns), scene.averaged.thinned(columns));
    let across = across([&train, &valid, &averaged].into_iter().flatten().map(|point| point.0));
    let baselines = scene.baselines.iter().map(|baseline| baseline.nats);
    let losses = [&valid, &averaged].into_iter().flatten().map(|point| point.1).chain(baselines);
    let ticks = Ticks::new(&train, losses, rows);

    // One dot in every second column of the graph, which begins behind the labels and the axis.
    let heights = ticks.labels();
    let taken = heights.iter().map(String::len).max().unwrap_or(0) + 1;
    let last = (columns.saturating_sub(2 * taken + 1)).max(1) as f64;
    let dots: Vec<Vec<(f64, f64)>> = scene
        .baselines
        .iter()
        .map(|baseline| {
            let x = (0..=last as usize).step_by(4).map(|dot| dot as f64 / last);
            x.map(|x| (across[0] + x * (across[1] - across[0]), baseline.nats)).collect()
        })
        .collect();
    let dotted =
        |points| Dataset::default().marker(Marker::Braille).style(paint.quiet()).data(points);
    let lined = |points, style| {
        let line = Dataset::default().marker(Marker::Braille).graph_type(GraphType::Line);
        line.style(style).data(points)
    };
    let marked = |points, mark, style| {
        Dataset::default().marker(Marker::Custom(mark)).style(style).data(points)
    };
    let mut series: Vec<_> = dots.iter().map(|points| dotted(points)).collect();
    if paint.colours() {
        // Without colours a second line would pass for the first.
        series.extend([lined(&averaged, paint.averaged()), lined(&valid, paint.valid())]);
    }
    series.push(lined(&train, paint.train()));
    series.push(marked(&averaged, Paint::AVERAGED, paint.averaged()));
    series.push(marked(&valid, Paint::VALID, paint.valid()));

    let axis = || Axis::default().style(paint.quiet()).labels_alignment(Alignment::Right);
    let quiet =
        |labels: Vec<String>| labels.into_iter().map(|label| Span::styled(label, paint.quiet()));
    let chart = Chart::new(series)
        .legend_position(None)
        .x_axis(axis().bounds(across).labels(quiet(steps(across, left.width))))
        .y_axis(axis().bounds(ticks.bounds()).labels(quiet(heights)));
    frame.render_widget(chart, left);

    let height = Rect { height: rows, ..right };
    for (row, label) in placed(labels, &ticks, rows) {
        let line = Line::from_iter([
            Span::styled(format!(" {} ", label.mark), label.style),
            Span::styled(label.text, label.style),
        ]);
        let at = Rect { y: height.y + row, height: 1, ..height };
        frame.render_widget(line, at.intersection(height));
    }
}

/// The labels, the more important first.
fn labels(scene: &Scene, paint: Paint) -> Vec<Label> {
    let curve = |curve: Option<f64>, name, mark, style| {
        let text = |nats| format!("{name} {}", format::nats(nats));
        curve.map(|nats| Label { nats, mark, text: text(nats), style })
    };
    let last = |points: &[(f64, f64)]| points.last().map(|point| point.1);
    let curves = [
        curve(scene.train.recent(), "train", Paint::TRAIN, paint.train()),
        curve(last(scene.valid.points()), "valid", Paint::VALID, paint.valid()),
        curve(last(scene.averaged.points()), "averaged", Paint::AVERAGED, paint.averaged()),
    ];
    let baselines = scene.baselines.iter().filter(|baseline| baseline.nats.is_finite());
    let baselines = baselines.map(|baseline| Label {
        nats: baseline.nats,
        mark: Paint::BASELINE,
        text: format!("{} {}", format::tame(&baseline.name), format::nats(baseline.nats)),
        style: paint.quiet(),
    });
    curves.into_iter().flatten().chain(baselines).collect()
}

/// Gives every label a row of its own, as near to its height as the others let it.
fn placed(mut labels: Vec<Label>, ticks: &Ticks, rows: u16) -> Vec<(u16, Label)> {
    labels.truncate(rows.into());
    labels.sort_by(|a, b| b.nats.total_cmp(&a.nats));
    let count = labels.len() as u16;
    let mut free = 0;
    let row = |(at, label): (usize, Label)| {
        // Those below it must find room too.
        let row = ticks.row(label.nats, rows).max(free).min(rows - (count - at as u16));
        free = row + 1;
        (row, label)
    };
    labels.into_iter().enumerate().map(row).collect()
}

/// The first and the last step, apart by one at least. A run that was not resumed begins at 0.
fn across(steps: impl Iterator<Item = f64>) -> [f64; 2] {
    let (least, most) =
        steps.fold((f64::INFINITY, 0.0), |(least, most), x| (x.min(least), x.max(most)));
    let left: f64 = if least.is_finite() && least > most / 5.0 { least } else { 0.0 };
    // Huge counts swallow a 1.
    [left, most.max(left + 1.0).max(left * (1.0 + 1e-9))]
}

fn steps([left, right]: [f64; 2], width: u16) -> Vec<String> {
    let step = |x: f64| thousands(x.round() as usize);
    let last = format!("{} steps", step(right));
    if width < 60 {
        return vec![step(left), last];
    }
    vec![step(left), step((left + right) / 2.0), last]
}

/// Round numbers from the bottom to the top of the chart, in nats a token.
struct Ticks {
    bottom: f64,
    step: f64,
    count: usize,
    decimals: usize,
}

impl Ticks {
    /// Fits all of `losses` and of `train`, but for what shot far above.
    fn new(train: &[(f64, f64)], losses: impl Iterator<Item = f64>, rows: u16) -> Self {
        let sane = |nats: &f64| nats.abs() < ABSURD;
        let mut train: Vec<f64> = train.iter().map(|point| point.1).filter(sane).collect();
        train.sort_by(f64::total_cmp);
        // A loss that explodes leaves the chart, and the rest can still be read.
        let median = train.get(train.len() / 2).copied();
        let most = median.filter(|&nats| nats > 0.0).map_or(ABSURD, |nats| 2.5 * nats);
        let shown = train.into_iter().chain(losses.filter(sane)).filter(|&nats| nats <= most);
        let range = |(least, top): (f64, f64), nats: f64| (least.min(nats), top.max(nats));
        let (mut least, mut top) = shown.fold((f64::INFINITY, f64::NEG_INFINITY), range);
        if least > top {
            (least, top) = (0.0, 1.0);
        }
        if top - least < 0.02 {
            (least, top) = (least - 0.01, top + 0.01);
        }
        // No more than a tick in every second row; of such scales, the one that wastes least.
        let most = usize::from((rows.max(3) - 1) / 2);
        let powers = -2..=6;
        let steps = powers.flat_map(|power| ROUND.map(|round| (power, round)));
        let scales = steps.map(|(power, round)| Self::of(least, top, power, round));
        let fit = scales.filter(|scale| scale.count - 1 <= most);
        let span = |scale: &Self| scale.bounds()[1] - scale.bounds()[0];
        let best = fit.min_by(|a, b| span(a).total_cmp(&span(b)));
        best.unwrap_or(Self { bottom: -ABSURD, step: 2.0 * ABSURD, count: 2, decimals: 0 })
    }

    /// Ticks of `round` times ten to the `power`.
    fn of(least: f64, top: f64, power: i32, round: f64) -> Self {
        let step = round * 10f64.powi(power);
        let bottom = (least / step).floor();
        let count = ((top / step).ceil() - bottom).max(1.0) as usize + 1;
        let decimals = i32::from(round.fract() > 0.0) - power;
        Self { bottom: bottom * step, step, count, decimals: decimals.max(0) as usize }
    }

    fn bounds(&self) -> [f64; 2] {
        [self.bottom, self.bottom + self.step * (self.count - 1) as f64]
    }

    fn labels(&self) -> Vec<String> {
        let tick = |at: usize| self.bottom + self.step * at as f64;
        (0..self.count).map(|at| format!("{:.*}", self.decimals, tick(at))).collect()
    }

    /// The row of a loss, from the top; what lies outside stands at the edge.
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
    fn ticks_are_round_and_few_and_an_explosion_leaves_the_chart() {
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
    fn labels_do_not_cover_each_other() {
        let label = |nats| Label { nats, mark: ' ', text: String::new(), style: Style::new() };
        let ticks = Ticks::of(0.0, 10.0, 0, 5.0);
        let rows = |losses: &[f64]| -> Vec<u16> {
            let labels = losses.iter().map(|&nats| label(nats)).collect();
            placed(labels, &ticks, 10).into_iter().map(|(row, _)| row).collect()
        };
        assert_eq!(rows(&[5.0, 5.1, 4.9]), [4, 5, 6]);
        assert_eq!(rows(&[0.0, 0.1, 9.9]), [0, 8, 9]);
        assert_eq!(rows(&[1.0; 30]), (0..10).collect::<Vec<_>>());
    }
}
