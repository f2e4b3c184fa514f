//! The panels below the chart: progress bars, statistics, the latest sample and messages.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Paragraph, Wrap};

use super::format;
use super::state::ViewState;
use super::theme::Theme;

/// The minimum width at which the epoch's progress bar shows the epoch number.
const MIN_LABEL_WIDTH: u16 = 40;

/// Progress bars of the epoch and of the run, aligned; only that of the run if there is a single row.
pub fn progress_bars(frame: &mut Frame, area: Rect, state: &ViewState, theme: Theme) {
    let epoch = if area.width < MIN_LABEL_WIDTH {
        "epoch".into()
    } else {
        format!("epoch {} of {}", state.epoch, state.epochs)
    };
    let epoch = ProgressBar::new(epoch, state.step, state.steps);
    let run = ProgressBar::new("run".into(), state.global_step, state.all_steps);
    let bars = if area.height < 2 { vec![run] } else { vec![epoch, run] };
    let longest = |text: fn(&ProgressBar) -> &str| bars.iter().map(|bar| text(bar).len()).max();
    let name = longest(|bar| &bar.name).unwrap_or(0);
    let text = longest(|bar| &bar.text).unwrap_or(0);
    let wide = usize::from(area.width);
    // "name ━━━──  29 %", followed by the step counts if the bar stays long enough.
    let short = name + 2 + 7;
    let long = if wide >= short + text + 2 + 10 { text + 2 } else { 0 };
    let length = wide.saturating_sub(short + long);
    for (at, bar) in bars.iter().enumerate() {
        let filled = (length as f64 * bar.fraction).round() as usize;
        let percent = (100.0 * bar.fraction).floor();
        let mut line = Line::from_iter([
            Span::styled(format!("{:name$}  ", bar.name), theme.muted()),
            Span::styled("━".repeat(filled), theme.train()),
            Span::styled("─".repeat(length - filled), theme.muted()),
            Span::raw(format!("  {percent:>3} %")),
        ]);
        if long > 0 {
            line.push_span(Span::styled(format!("  {:>text$}", bar.text), theme.muted()));
        }
        frame.render_widget(line, row(area, at as u16));
    }
}

/// Statistics of the run, one per row; with `losses` the current losses come first.
pub fn stats(frame: &mut Frame, area: Rect, state: &ViewState, theme: Theme, losses: bool) {
    let none = || format::NO_VALUE.to_string();
    let mut lines: Vec<(&str, String, Style)> = Vec::new();
    if losses {
        let valid = state.valid.points().last().map(|point| point.1);
        let nats = |loss: Option<f64>| loss.map_or_else(none, format::nats);
        lines.push(("train", nats(state.train.recent()), theme.train()));
        lines.push(("valid", nats(valid), theme.valid()));
    }
    let speed = state.tokens_per_second;
    let speed = if speed.is_finite() { format::thousands(speed as usize) } else { none() };
    let best = state.best.map(|best| format!("{}, epoch {}", format::nats(best.nats), best.epoch));
    let saved = state.saved.map(|saved| {
        let step = format::thousands(saved.step as usize);
        format!("{} ago, step {step}", format::duration(saved.seconds_ago))
    });
    let stats = [
        ("to go", state.eta_seconds.map(format::duration)),
        ("elapsed", Some(format::duration(state.seconds))),
        ("speed", Some(format!("{speed} tokens/s"))),
        ("rate", Some(format::rate(state.learning_rate))),
        ("best", best),
        ("saved", saved),
    ];
    for (name, value) in stats {
        lines.push((name, value.unwrap_or_else(none), Style::new()));
    }
    let line = |(name, value, style)| {
        Line::from_iter([Span::styled(format!("{name:9}"), theme.muted()), Span::styled(value, style)])
    };
    frame.render_widget(Text::from_iter(lines.into_iter().map(line)), area);
}

/// The latest sample of the model.
pub fn sample(frame: &mut Frame, area: Rect, state: &ViewState, theme: Theme) {
    if area.is_empty() {
        return;
    }
    let Some(sample) = &state.sample else {
        frame.render_widget(Line::styled("no sample yet", theme.muted()), row(area, 0));
        return;
    };
    let heading = format!("sample after step {}", format::thousands(sample.step as usize));
    frame.render_widget(Line::styled(heading, theme.muted()), row(area, 0));
    frame.render_widget(Paragraph::new(format::sanitize(&sample.text)).wrap(Wrap { trim: true }), below(area, 1));
}

/// The latest messages, as many as there are rows.
pub fn messages(frame: &mut Frame, area: Rect, state: &ViewState, theme: Theme) {
    let from = state.messages.len().saturating_sub(area.height.into());
    for (at, message) in state.messages.iter().skip(from).enumerate() {
        let (prefix, style) = if message.is_warning { ("! ", theme.warning()) } else { ("  ", Style::new()) };
        let text = format::sanitize(&message.text).replace('\n', " ");
        frame.render_widget(Line::styled(format!("{prefix}{text}"), style), row(area, at as u16));
    }
}

/// The progress of an epoch or of the run.
struct ProgressBar {
    name: String,
    fraction: f64,
    text: String,
}

impl ProgressBar {
    fn new(name: String, done: u64, all: u64) -> Self {
        let fraction = format::fraction(done, all);
        let text = format!("step {} of {}", format::thousands(done as usize), format::thousands(all as usize));
        Self { name, fraction, text }
    }
}

/// Row `at` of `area`, counted from 0; empty if it does not exist.
pub fn row(area: Rect, at: u16) -> Rect {
    Rect { height: 1, ..below(area, at) }.intersection(area)
}

/// `area` without its first `rows` rows.
pub fn below(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}
