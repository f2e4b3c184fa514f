//! The layout of the screen: title, chart, progress bars, panels, messages and footer.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::panels::{self, below, row};
use super::state::ViewState;
use super::theme::Theme;
use super::{format, plot};

/// The minimum number of rows of the chart with its heading; with less space it is left out.
const MIN_CHART_HEIGHT: u16 = 6;
/// Rows of the statistics panel when a chart is shown.
const STATS_HEIGHT: u16 = 6;
/// Columns of the statistics panel.
const STATS_WIDTH: u16 = 32;
/// Below this width the sample is placed below the statistics and not next to them.
const MIN_SIDE_BY_SIDE_WIDTH: u16 = 60;

/// Draws `state`, in colour unless `NO_COLOR` is set.
pub fn draw(frame: &mut Frame, state: &ViewState) {
    draw_with(frame, state, Theme::from_env());
}

/// Draws `state` in a given theme.
pub(super) fn draw_with(frame: &mut Frame, state: &ViewState, theme: Theme) {
    let inner = frame.area();
    // A margin of one column on both sides if the terminal is wide enough.
    let margin = u16::from(inner.width >= 40);
    let inner = Rect { x: inner.x + margin, width: inner.width - 2 * margin, ..inner };
    let rows = Rows::of(inner);
    let heights = [rows.title, rows.chart, rows.progress, rows.panels, rows.messages, rows.footer];
    let [top, chart, progress, panels, messages, bottom] =
        Layout::vertical(heights.map(Constraint::Length)).areas(inner);

    title(frame, top, state, theme);
    if !chart.is_empty() {
        let heading = "loss (nats/token): how badly the next token is predicted, lower is better";
        frame.render_widget(Line::styled(heading, theme.muted()), row(chart, 0));
        plot::draw(frame, below(chart, 1), state, theme);
    }
    panels::progress_bars(frame, below(progress, rows.spacing), state, theme);
    let panels = below(panels, u16::from(rows.chart > 0));
    let [stats, sample] = if panels.width >= MIN_SIDE_BY_SIDE_WIDTH {
        Layout::horizontal([Constraint::Length(STATS_WIDTH), Constraint::Min(0)]).areas(panels)
    } else {
        Layout::vertical([Constraint::Length(STATS_HEIGHT + 1), Constraint::Min(0)]).areas(panels)
    };
    panels::stats(frame, stats, state, theme, rows.chart == 0);
    panels::sample(frame, sample, state, theme);
    panels::messages(frame, below(messages, 1), state, theme);
    let bottom = row(bottom, rows.spacing);
    frame.render_widget(footer(bottom, state, theme), bottom);
}

/// The height of each part in rows; 0 for a part that does not fit.
#[derive(Debug, PartialEq)]
struct Rows {
    title: u16,
    chart: u16,
    progress: u16,
    panels: u16,
    messages: u16,
    footer: u16,
    /// Blank rows above the progress bars and above the footer, included in their heights.
    spacing: u16,
}

impl Rows {
    fn of(area: Rect) -> Self {
        let height = area.height;
        let spacing = u16::from(height >= 28);
        let (title, footer) = (height.min(1), u16::from(height >= 4) + spacing);
        let progress = if height >= 6 { 2 + spacing } else { u16::from(height >= 3) };
        let rest = height - title - footer - progress;
        // Two messages in 24 rows, one more for every six further rows, with a blank row above.
        let messages = if height >= 22 { (2 + (height - 22) / 6).min(8) + 1 } else { 0 };
        let panels = match height {
            20.. if area.width >= MIN_SIDE_BY_SIDE_WIDTH => (height / 5).clamp(STATS_HEIGHT, 14) + 1,
            20.. => STATS_HEIGHT + 1 + (height / 6),
            14.. => STATS_HEIGHT / 2 + 1,
            _ => 0,
        };
        let chart = rest.saturating_sub(messages + panels);
        if chart < MIN_CHART_HEIGHT {
            // No chart: the losses are shown in the statistics panel.
            return Self { title, chart: 0, progress, panels: rest, messages: 0, footer, spacing };
        }
        Self { title, chart, progress, panels, messages, footer, spacing }
    }
}

fn title(frame: &mut Frame, area: Rect, state: &ViewState, theme: Theme) {
    let status = Span::styled(state.status(), theme.emphasis().patch(theme.train()));
    let [left, _, right] =
        Layout::horizontal([Constraint::Min(0), Constraint::Length(1), Constraint::Length(status.width() as u16)])
            .areas(area);
    let mut line = Line::styled(format::sanitize(&state.name), theme.emphasis());
    for info in [&state.backend, &state.model].into_iter().filter(|info| !info.is_empty()) {
        line.push_span(Span::styled(format!("  {}", format::sanitize(info)), theme.muted()));
    }
    frame.render_widget(line, left);
    frame.render_widget(status, right);
}

/// The longest version of the text that fits.
fn footer(area: Rect, state: &ViewState, theme: Theme) -> Line<'static> {
    let versions = if state.stopping {
        ["finishing the step, then saving; Ctrl-C or q again: quit now", "Ctrl-C or q again: quit now", "q: quit now"]
    } else {
        [
            "Ctrl-C or q: finish the step, save and stop; again: quit now",
            "Ctrl-C or q: save and stop",
            "q: save and stop",
        ]
    };
    let fits = versions.iter().find(|text| text.len() <= area.width.into());
    Line::styled(*fits.unwrap_or(&versions[2]), if state.stopping { theme.warning() } else { theme.muted() })
}
