//! Whole screens rendered into a test buffer.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Color;

use super::curve::Curve;
use super::draw::draw_with;
use super::theme::Theme;
use super::{Baseline, BestEpoch, Sample, SavedCheckpoint, ViewState, picture};

fn render(state: &ViewState, width: u16, height: u16, colours: bool) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw_with(frame, state, Theme::new(colours))).unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let lines = buffer.content.chunks(buffer.area.width.into());
    let line = |cells: &[ratatui::buffer::Cell]| cells.iter().map(|cell| cell.symbol()).collect();
    lines.map(line).collect::<Vec<String>>().join("\n")
}

fn example_state() -> ViewState {
    let mut state = ViewState {
        name: "kant-gru".into(),
        backend: "ndarray".into(),
        model: "1,853,901 parameters".into(),
        epoch: 2,
        epochs: 10,
        step: 300,
        steps: 1_200,
        global_step: 1_500,
        all_steps: 12_000,
        learning_rate: 0.002,
        tokens_per_second: 21_345.6,
        seconds: 200.0,
        eta_seconds: Some(18_600.0),
        saved: Some(SavedCheckpoint { seconds_ago: 30.0, step: 1_200 }),
        best: Some(BestEpoch { nats: 4.3524, epoch: 1 }),
        sample: Some(Sample { text: "나는 그 사람을\n기다렸다\u{1b}[2J".into(), step: 1_200 }),
        ..ViewState::default()
    };
    let baselines = [("unigram", 5.35), ("5-gram", 4.43)];
    state.baselines = baselines.map(|(name, nats)| Baseline { name: name.into(), nats }).to_vec();
    for step in 1..=1_500 {
        state.train.push(step, 4.0 + 3.0 * (-(step as f64) / 400.0).exp());
    }
    state.valid.push(1_200, 4.352);
    state.averaged.push(1_200, 4.301);
    state.info("saved at step 1,200");
    state.warn("loss exploded at step 300");
    state
}

fn extreme_state() -> ViewState {
    let mut state = example_state();
    state.train = Curve::default();
    for (step, nats) in [(1, f64::MAX), (2, f64::MIN), (u64::MAX - 1, 4.0), (u64::MAX, 1e300)] {
        state.train.push(step, nats);
    }
    state.valid.push(u64::MAX, -1e12);
    let losses = [f64::NAN, f64::INFINITY, f64::MAX, f64::MIN, 0.0];
    state.baselines.extend(losses.map(|nats| Baseline { name: "가나다 🙂".into(), nats }));
    (state.learning_rate, state.tokens_per_second) = (f64::NAN, f64::INFINITY);
    (state.seconds, state.eta_seconds) = (f64::INFINITY, Some(f64::NAN));
    (state.step, state.steps) = (u64::MAX, 0);
    (state.global_step, state.all_steps) = (u64::MAX, u64::MAX);
    state.best = Some(BestEpoch { nats: f64::NAN, epoch: u64::MAX });
    state.name = "이름".repeat(200);
    state.sample = Some(Sample { text: "가👨‍👩‍👧‍👦\u{301}e\u{301}\t".repeat(300), step: u64::MAX });
    state.warn("경고 ".repeat(300));
    state
}

#[test]
fn everything_is_shown_in_80_columns_and_24_rows() {
    let buffer = render(&example_state(), 80, 24, true);
    // The second column of a wide character is a blank cell of the buffer.
    let text = text(&buffer);
    for words in [
        "kant-gru  ndarray  1,853,901 parameters",
        "training",
        "loss (nats/token): how badly the next token is predicted, lower is better",
        "⠒ train 4.0",
        "• valid 4.352",
        "◇ averaged 4.301",
        "unigram 5.350",
        "5-gram 4.430",
        "1,500 steps",
        "epoch 2 of 10",
        "25 %",
        "step 300 of 1,200",
        "12 %",
        "step 1,500 of 12,000",
        "to go    5 h 10 min",
        "elapsed  3 min 20 s",
        "speed    21,345 tokens/s",
        "rate     0.002",
        "best     4.352, epoch 1",
        "saved    30 s ago, step 1,200",
        "sample after step 1,200",
        "나 는  그  사 람 을",
        "  saved at step 1,200",
        "! loss exploded at step 300",
        "Ctrl-C or q: finish the step, save and stop; again: quit now",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(text.contains(r"\u{1b}[2J") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn no_size_and_no_state_panics() {
    let mut one = ViewState::default();
    one.train.push(0, 4.0);
    let states = [ViewState::default(), one, example_state(), extreme_state()];
    for state in &states {
        for (width, height) in (1..=200).flat_map(|width| (1..=60).map(move |height| (width, height))) {
            // All small sizes, and some larger ones.
            if width.max(2 * height) <= 40 || width % 19 == 5 && height % 7 == 4 {
                render(state, width, height, true);
            }
        }
        render(state, 250, 80, false);
    }
}

#[test]
fn without_a_chart_the_losses_are_in_the_statistics_panel() {
    let text = text(&render(&example_state(), 20, 6, true));
    for words in ["kant-gru", "train    4.0", "valid    4.352", " 25 %", " 12 %", "q: save and stop"] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn without_colours_every_cell_has_the_default_colour() {
    let none = |buffer: Buffer| buffer.content.iter().all(|cell| cell.fg == Color::Reset);
    assert!(none(render(&example_state(), 80, 24, false)));
    assert!(!none(render(&example_state(), 80, 24, true)));
}

#[test]
fn a_stop_request_is_shown() {
    let state = ViewState { stopping: true, ..example_state() };
    let text = text(&render(&state, 80, 24, true));
    assert!(text.contains("stopping") && text.contains("finishing the step"), "{text}");
}

/// Whether every element is closed and every `&` starts an entity.
fn is_well_formed(xml: &str) -> bool {
    let mut open = Vec::new();
    let mut parts = xml.split('<');
    let has_text_outside = parts.next().is_some_and(|text| !text.is_empty());
    let balanced = parts.all(|part| {
        let Some((tag, _text)) = part.split_once('>') else { return false };
        let name = tag.trim_end_matches('/').split([' ', '\n']).next();
        match tag.strip_prefix('/') {
            Some(closed) => open.pop() == Some(closed),
            None if tag.ends_with('/') => true,
            None => {
                open.extend(name);
                true
            }
        }
    });
    let entities = ["&amp;", "&lt;", "&gt;"];
    let is_entity = |(at, _): (usize, &str)| entities.iter().any(|entity| xml[at..].starts_with(entity));
    balanced && open.is_empty() && !has_text_outside && xml.match_indices('&').all(is_entity)
}

#[test]
fn a_picture_shows_the_curves_the_losses_and_the_sample() {
    let mut state = example_state();
    state.sample = Some(Sample { text: "\"<나는> & the fox\u{FFFF}\u{7}\"".into(), step: 1_200 });
    let svg = picture(&state);
    assert!(is_well_formed(&svg), "{svg}");
    for words in [
        ">kant-gru</text>",
        ">valid 4.352</text>",
        ">epoch 2 of 10</text>",
        ">나</text>",
        ">&gt; &amp; the fox</text>",
        ">\u{FFFD}",
        r"\u{7}",
        "font-weight=\"bold\"",
        "stroke=\"#5fafd7\"",
    ] {
        assert!(svg.contains(words), "{words}\n{svg}");
    }
    // Braille dots and lines are shapes.
    assert!(!svg.contains(|c| ('\u{2800}'..='\u{28FF}').contains(&c) || "─━│└".contains(c)), "{svg}");
    assert!(svg.matches("h0").count() > 100, "{svg}");
    assert_eq!(svg, picture(&state));
    for state in [ViewState::default(), extreme_state()] {
        assert!(is_well_formed(&picture(&state)));
    }
    assert!(!is_well_formed("<a><b></a>") && !is_well_formed("<a>&b;</a>"));
}
