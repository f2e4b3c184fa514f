//! What stands below the chart: gauges, numbers, the sample and messages. Knows a scene and where to
//! draw, not what is beside it.

use models::summary::thousands;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Paragraph, Wrap};

use super::format;
use super::state::Scene;
use super::theme::Paint;

/// Columns from which on the gauge of the epoch says which it is.
const LABELLED: u16 = 40;

/// How far the epoch and the run have come, as long as each other; the run alone in a single row.
pub fn gauges(frame: &mut Frame, area: Rect, scene: &Scene, paint: Paint) {
    let epoch = if area.width < LABELLED {
        "epoch".into()
    } else {
        format!("epoch {} of {}", scene.epoch, scene.epochs)
    };
    let epoch = Gauge::new(epoch, scene.step, scene.steps);
    let run = Gauge::new("run".into(), scene.global_step, scene.all_steps);
    let gauges = if area.height < 2 { vec![run] } else { vec![epoch, run] };
    let longest = |text: fn(&Gauge) -> &str| gauges.iter().map(|gauge| text(gauge).len()).max();
    let name = longest(|gauge| &gauge.name).unwrap_or(0);
    let text = longest(|gauge| &gauge.text).unwrap_or(0);
    let wide = usize::from(area.width);
    // "name ━━━──  29 %", and how many of how many where that leaves enough.
    let short = name + 2 + 7;
    let long = if wide >= short + text + 2 + 10 { text + 2 } else { 0 };
    let bar = wide.saturating_sub(short + long);
    for (at, gauge) in gauges.iter().enumerate() {
        let filled = (bar as f64 * gauge.share).round() as usize;
        let percent = (100.0 * gauge.share).floor();
        let mut line = Line::from_iter([
            Span::styled(format!("{:name$}  ", gauge.name), paint.quiet()),
            Span::styled("━".repeat(filled), paint.train()),
            Span::styled("─".repeat(bar - filled), paint.quiet()),
            Span::raw(format!("  {percent:>3} %")),
        ]);
        if long > 0 {
            line.push_span(Span::styled(format!("  {:>text$}", gauge.text), paint.quiet()));
        }
        frame.render_widget(line, row(area, at as u16));
    }
}

/// The numbers of the run, a row each; with `losses` those that a chart would show come first.
pub fn numbers(frame: &mut Frame, area: Rect, scene: &Scene, paint: Paint, losses: bool) {
    let none = || format::NONE.to_string();
    let mut lines: Vec<(&str, String, Style)> = Vec::new();
    if losses {
        let valid = scene.valid.points().last().map(|point| point.1);
        let nats = |loss: Option<f64>| loss.map_or_else(none, format::nats);
        lines.push(("train", nats(scene.train.recent()), paint.train()));
        lines.push(("valid", nats(valid), paint.valid()));
    }
    let speed = scene.tokens_per_second;
    let speed = if speed.is_finite() { thousands(speed as usize) } else { none() };
    let best = scene.best.map(|best| format!("{}, epoch {}", format::nats(best.nats), best.epoch));
    let saved = scene.saved.map(|saved| {
        let step = thousands(saved.step as usize);
        format!("{} ago, step {step}", format::duration(saved.seconds_ago))
    });
    let numbers = [
        ("to go", scene.eta_seconds.map(format::duration)),
        ("elapsed", Some(format::duration(scene.seconds))),
        ("speed", Some(format!("{speed} tokens/s"))),
        ("rate", Some(format::rate(scene.learning_rate))),
        ("best", best),
        ("saved", saved),
    ];
    for (name, value) in numbers {
        lines.push((name, value.unwrap_or_else(none), Style::new()));
    }
    let line = |(name, value, style)| {
        Line::from_iter([
            Span::styled(format!("{name:9}"), paint.quiet()),
            Span::styled(value, style),
        ])
    };
    frame.render_widget(Text::from_iter(lines.into_iter().map(line)), area);
}

/// What the model wrote last.
pub fn sample(frame: &mut Frame, area: Rect, scene: &Scene, paint: Paint) {
    if area.is_empty() {
        return;
    }
    let Some(sample) = &scene.sample else {
        frame
            .render_widget(Line::styled("it has written nothing yet", paint.quiet()), row(area, 0));
        return;
    };
    let heading = format!("after step {} it writes", thousands(sample.step as usize));
    frame.render_widget(Line::styled(heading, paint.quiet()), row(area, 0));
    let text = format::tame(&sample.text);
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), below(area, 1));
}

/// As many of the latest messages as there are rows.
pub fn messages(frame: &mut Frame, area: Rect, scene: &Scene, paint: Paint) {
    let from = scene.messages.len().saturating_sub(area.height.into());
    for (at, message) in scene.messages.iter().skip(from).enumerate() {
        let (mark, style) =
            if message.alarm { ("! ", paint.alarm()) } else { ("  ", Style::new()) };
        let text = format::tame(&message.text).replace('\n', " ");
        frame.render_widget(Line::styled(format!("{mark}{text}"), style), row(area, at as u16));
    }
}

/// How far something has come.
struct Gauge {
    name: String,
    share: f64,
    text: String,
}

impl Gauge {
    fn new(name: String, done: u64, all: u64) -> Self {
        let share = format::share(done, all);
        let text = format!("step {} of {}", thousands(done as usize), thousands(all as usize));
        Self { name, share, text }
    }
}

/// Row `at` of `area`, from 0; empty if there is none.
pub fn row(area: Rect, at: u16) -> Rect {
    Rect { height: 1, ..below(area, at) }.intersection(area)
}

/// What is left of `area` below its first `rows`.
pub fn below(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}
