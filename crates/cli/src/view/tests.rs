//! Whole screens, drawn where no terminal is.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Color;

use super::curve::Curve;
use super::draw::paint;
use super::theme::Paint;
use super::{Baseline, Best, Sample, Saved, Scene};

fn drawn(scene: &Scene, wide: u16, high: u16, colours: bool) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(wide, high)).unwrap();
    terminal.draw(|frame| paint(frame, scene, Paint::new(colours))).unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let lines = buffer.content.chunks(buffer.area.width.into());
    let line = |cells: &[ratatui::buffer::Cell]| cells.iter().map(|cell| cell.symbol()).collect();
    lines.map(line).collect::<Vec<String>>().join("\n")
}

fn scene() -> Scene {
    let mut scene = Scene {
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
        saved: Some(Saved { seconds_ago: 30.0, step: 1_200 }),
        best: Some(Best { nats: 4.3524, epoch: 1 }),
        sample: Some(Sample {
            text: "나는 그 사람을\n기다렸다\u{1b}[2J".into(), step: 1_200
        }),
        ..Scene::default()
    };
    let baselines = [("unigram", 5.35), ("5-gram", 4.43)];
    scene.baselines = baselines.map(|(name, nats)| Baseline { name: name.into(), nats }).to_vec();
    for step in 1..=1_500 {
        scene.train.push(step, 4.0 + 3.0 * (-(step as f64) / 400.0).exp());
    }
    scene.valid.push(1_200, 4.352);
    scene.averaged.push(1_200, 4.301);
    scene.say("saved at step 1,200");
    scene.warn("loss exploded at step 300");
    scene
}

fn extreme() -> Scene {
    let mut scene = scene();
    scene.train = Curve::default();
    for (step, nats) in [(1, f64::MAX), (2, f64::MIN), (u64::MAX - 1, 4.0), (u64::MAX, 1e300)] {
        scene.train.push(step, nats);
    }
    scene.valid.push(u64::MAX, -1e12);
    let losses = [f64::NAN, f64::INFINITY, f64::MAX, f64::MIN, 0.0];
    scene.baselines.extend(losses.map(|nats| Baseline { name: "가나다 🙂".into(), nats }));
    (scene.learning_rate, scene.tokens_per_second) = (f64::NAN, f64::INFINITY);
    (scene.seconds, scene.eta_seconds) = (f64::INFINITY, Some(f64::NAN));
    (scene.step, scene.steps) = (u64::MAX, 0);
    (scene.global_step, scene.all_steps) = (u64::MAX, u64::MAX);
    scene.best = Some(Best { nats: f64::NAN, epoch: u64::MAX });
    scene.name = "이름".repeat(200);
    scene.sample = Some(Sample {
        text: "가👨‍👩‍👧‍👦\u{301}e\u{301}\t".repeat(300), step: u64::MAX
    });
    scene.warn("경고 ".repeat(300));
    scene
}

#[test]
fn everything_is_told_in_80_columns_and_24_rows() {
    let buffer = drawn(&scene(), 80, 24, true);
    // The second column of a wide letter is a blank cell of the buffer.
    let text = text(&buffer);
    for words in [
        "kant-gru  ndarray  1,853,901 parameters",
        "training",
        "loss, nats a token",
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
        "after step 1,200 it writes",
        "나 는  그  사 람 을",
        "  saved at step 1,200",
        "! loss exploded at step 300",
        "Ctrl-C or q: finish the step, save and stop; again: leave at once",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn no_size_and_no_scene_panics() {
    let mut one = Scene::default();
    one.train.push(0, 4.0);
    let scenes = [Scene::default(), one, scene(), extreme()];
    for scene in &scenes {
        for (wide, high) in (1..=200).flat_map(|wide| (1..=60).map(move |high| (wide, high))) {
            // Every size while it is small, then some.
            if wide.max(2 * high) <= 40 || wide % 19 == 5 && high % 7 == 4 {
                drawn(scene, wide, high, true);
            }
        }
        drawn(scene, 250, 80, false);
    }
}

#[test]
fn without_a_chart_the_losses_stand_among_the_numbers() {
    let text = text(&drawn(&scene(), 20, 6, true));
    for words in
        ["kant-gru", "train    4.0", "valid    4.352", " 25 %", " 12 %", "q: save and stop"]
    {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn no_colour_means_none() {
    let none = |buffer: Buffer| buffer.content.iter().all(|cell| cell.fg == Color::Reset);
    assert!(none(drawn(&scene(), 80, 24, false)));
    assert!(!none(drawn(&scene(), 80, 24, true)));
}

#[test]
fn a_wish_to_stop_is_answered() {
    let scene = Scene { stopping: true, ..scene() };
    let text = text(&drawn(&scene, 80, 24, true));
    assert!(text.contains("stopping") && text.contains("finishing the step"), "{text}");
}
