//! Where everything stands on the screen: knows a scene and a frame, not where they come from.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::panels::{self, below, row};
use super::state::Scene;
use super::theme::Paint;
use super::{format, plot};

/// The least rows of a chart with its heading that say more than numbers do.
const CHART: u16 = 6;
/// Rows of the numbers beside a chart.
const NUMBERS: u16 = 6;
/// Columns of the numbers.
const NUMBERS_WIDE: u16 = 32;
/// Below so many columns a sample finds no room beside the numbers.
const NARROW: u16 = 60;

/// Draws `scene`, in colours unless `NO_COLOR` forbids them.
pub fn draw(frame: &mut Frame, scene: &Scene) {
    paint(frame, scene, Paint::of_environment());
}

/// The same in a given paint.
pub(super) fn paint(frame: &mut Frame, scene: &Scene, paint: Paint) {
    let inner = frame.area();
    // A column of air on both sides, where there is room.
    let air = if inner.width >= 40 { 1 } else { 0 };
    let inner = Rect { x: inner.x + air, width: inner.width - 2 * air, ..inner };
    let rows = Rows::of(inner);
    let heights = [rows.title, rows.chart, rows.gauges, rows.panels, rows.messages, rows.footer];
    let [top, chart, gauges, panels, messages, bottom] =
        Layout::vertical(heights.map(Constraint::Length)).areas(inner);

    title(frame, top, scene, paint);
    if !chart.is_empty() {
        frame.render_widget(Line::styled("loss, nats a token", paint.quiet()), row(chart, 0));
        plot::draw(frame, below(chart, 1), scene, paint);
    }
    panels::gauges(frame, below(gauges, rows.air), scene, paint);
    let apart = if rows.chart > 0 { 1 } else { 0 };
    let panels = below(panels, apart);
    let [numbers, sample] = if panels.width >= NARROW {
        Layout::horizontal([Constraint::Length(NUMBERS_WIDE), Constraint::Min(0)]).areas(panels)
    } else {
        Layout::vertical([Constraint::Length(NUMBERS + 1), Constraint::Min(0)]).areas(panels)
    };
    panels::numbers(frame, numbers, scene, paint, rows.chart == 0);
    panels::sample(frame, sample, scene, paint);
    panels::messages(frame, below(messages, 1), scene, paint);
    let bottom = row(bottom, rows.air);
    frame.render_widget(footer(bottom, scene, paint), bottom);
}

/// How many rows each part gets; what finds no room gets none.
#[derive(Debug, PartialEq)]
struct Rows {
    title: u16,
    chart: u16,
    gauges: u16,
    panels: u16,
    messages: u16,
    footer: u16,
    /// Blank rows above the gauges and the footer, counted with them.
    air: u16,
}

impl Rows {
    fn of(area: Rect) -> Self {
        let high = area.height;
        let air = u16::from(high >= 28);
        let (title, footer) = (high.min(1), u16::from(high >= 4) + air);
        let gauges = if high >= 6 { 2 + air } else { u16::from(high >= 3) };
        let rest = high - title - footer - gauges;
        // Two messages in 24 rows and a sixth of the rows beyond, with a blank row above.
        let messages = if high >= 22 { (2 + (high - 22) / 6).min(8) + 1 } else { 0 };
        let panels = match high {
            20.. if area.width >= NARROW => (high / 5).clamp(NUMBERS, 14) + 1,
            20.. => NUMBERS + 1 + (high / 6),
            14.. => NUMBERS / 2 + 1,
            _ => 0,
        };
        let chart = rest.saturating_sub(messages + panels);
        if chart < CHART {
            // No chart: the losses stand among the numbers.
            return Self { title, chart: 0, gauges, panels: rest, messages: 0, footer, air };
        }
        Self { title, chart, gauges, panels, messages, footer, air }
    }
}

fn title(frame: &mut Frame, area: Rect, scene: &Scene, paint: Paint) {
    let doing = Span::styled(scene.doing(), paint.strong().patch(paint.train()));
    let [left, _, right] = Layout::horizontal([
        Constraint::Min(0),
        Constraint::Length(1),
        Constraint::Length(doing.width() as u16),
    ])
    .areas(area);
    let mut line = Line::styled(format::tame(&scene.name), paint.strong());
    for about in [&scene.backend, &scene.model].into_iter().filter(|about| !about.is_empty()) {
        line.push_span(Span::styled(format!("  {}", format::tame(about)), paint.quiet()));
    }
    frame.render_widget(line, left);
    frame.render_widget(doing, right);
}

/// The longest of the ways to say it that fits.
fn footer(area: Rect, scene: &Scene, paint: Paint) -> Line<'static> {
    let ways = if scene.stopping {
        [
            "finishing the step, then saving; Ctrl-C or q again: leave at once",
            "Ctrl-C or q again: leave at once",
            "q: leave at once",
        ]
    } else {
        [
            "Ctrl-C or q: finish the step, save and stop; again: leave at once",
            "Ctrl-C or q: save and stop",
            "q: save and stop",
        ]
    };
    let fits = ways.iter().find(|way| way.len() <= area.width.into());
    Line::styled(
        *fits.unwrap_or(&ways[2]),
        if scene.stopping { paint.alarm() } else { paint.quiet() },
    )
}
