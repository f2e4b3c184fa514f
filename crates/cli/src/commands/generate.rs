//! `generate`: new text in the manner of the training text, streamed as it is written.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use args::{Context as ContextArg, Generate, Unseen};
use generate::{
    Prompt, Request, Sample, Sampling, Voice, Writer, prompt, write_sample, write_samples,
};
use models::{Artifact, Context, Precision, Purpose};
use serde::Serialize;
use text_prep::UnseenPolicy;

use crate::device::Choice;
use crate::error::{Error, Result};
use crate::output::{print, print_json, tell, write};
use crate::run::directory;

#[derive(Serialize)]
struct Report {
    samples: Vec<Sample>,
    seed: u64,
    temperature: f64,
    tokens_per_second: f64,
}

/// Runs the command.
pub fn run(args: &Generate, choice: &Choice) -> Result<()> {
    let sampling = Sampling {
        temperature: args.temperature,
        top_k: args.top_k,
        top_p: args.top_p,
        min_p: args.min_p,
        no_repeat: args.no_repeat,
    };
    sampling.check()?;
    for (option, count) in [("--tokens", args.tokens), ("--samples", args.samples)] {
        if count == 0 {
            return Err(Error::new(format!("`{option}` is 0; expected 1 or more")));
        }
    }
    let text = prompt_text(args)?;
    let directory = directory::model(args.model.as_deref(), Some(Purpose::Writing))?;
    let device = choice.open()?;
    let artifact = Artifact::load(&directory, &device)?;
    let prompt = read_prompt(args, &artifact, &text)?;
    let seed = args.seed.unwrap_or_else(fresh_seed);
    let request = Request {
        prompt: &prompt.ids,
        tokens: args.tokens,
        sampling,
        seed,
        context: context(args.context, &artifact),
        one_story: false,
        stop: stop(args, &artifact)?,
    };

    let precision = if args.int8 { Precision::Int8 } else { Precision::F32 };
    let voice = Voice::new(&artifact.model, &device, precision);
    if args.int8 {
        check_int8(&voice)?;
    }
    let writer = Writer { voice, tokenizer: &artifact.tokenizer, window: artifact.about.window };
    tell(&format!("model {}, seed {seed}, temperature {}", directory.display(), args.temperature));
    let start = Instant::now();
    let mut samples = Vec::new();
    match (args.samples, args.json) {
        (1, false) => {
            print(&text)?;
            samples.push(write_sample(&writer, &request, 0, write)?);
            print("\n")?;
        }
        // Several are written side by side, and so finished together.
        (several, json) => write_samples(&writer, &request, 0..several as u64, |sample| {
            samples.push(sample);
            let number = samples.len();
            let said = &samples[number - 1].text;
            match json {
                true => Ok(()),
                false => print(&format!("--- {number} ---\n{text}{said}\n")),
            }
        })?,
    }
    let time = start.elapsed();
    let tokens: usize = samples.iter().map(|sample| sample.ids.len()).sum();
    let tokens_per_second = tokens as f64 / time.as_secs_f64();
    tell(&format!("{tokens} tokens, {tokens_per_second:.0} a second"));
    match args.json {
        true => {
            print_json(&Report { samples, seed, temperature: args.temperature, tokens_per_second })
        }
        false => Ok(()),
    }
}

/// Refuses weights in eight bits where nothing reads them.
pub(super) fn check_int8(voice: &Voice) -> Result<()> {
    match voice {
        Voice::Laid(_) => Ok(()),
        Voice::Model { .. } => Err(Error::new(
            "`--int8` is given, which needs a kernel: leave it out, or use the backend ndarray or flex without \
             `PASTICHE_KERNELS=off`, and a GRU whose reset gate acts after the product",
        )),
    }
}

/// The prompt as it was given; none is an empty one.
fn prompt_text(args: &Generate) -> Result<String> {
    let Some(path) = &args.prompt_file else { return Ok(args.prompt.clone().unwrap_or_default()) };
    let source = text_prep::Source::default();
    let text = if path.as_os_str() == "-" {
        source.pieces(std::io::stdin(), "standard input")?.into_text()?
    } else {
        source.read(path)?
    };
    // The newline that ends a file is the editor's, not the writer's.
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_string())
}

fn read_prompt(args: &Generate, artifact: &Artifact, text: &str) -> Result<Prompt> {
    let unseen = match args.unseen {
        Unseen::Error => UnseenPolicy::Error,
        Unseen::Skip => UnseenPolicy::Skip,
        Unseen::Unknown => UnseenPolicy::Unknown,
    };
    let prompt = prompt(&artifact.tokenizer, text, unseen, artifact.about.window)?;
    if !prompt.unseen.is_empty() {
        let done = if args.unseen == Unseen::Skip { "skipped" } else { "read as unknown" };
        tell(&format!("warning: the model never saw {}; {done}", prompt.unseen.join(", ")));
    }
    Ok(prompt)
}

/// What was asked for, or what scored better on the run's validation text.
pub fn context(asked: Option<ContextArg>, artifact: &Artifact) -> Context {
    match asked {
        Some(ContextArg::Carried) => Context::Carried,
        Some(ContextArg::Window) => Context::Window,
        None => artifact.about.context(),
    }
}

fn stop(args: &Generate, artifact: &Artifact) -> Result<Option<u32>> {
    let Some(token) = args.stop.as_deref() else { return Ok(None) };
    let tokenizer = &artifact.tokenizer;
    let id = match token {
        "story" => tokenizer.story_mark_id().or_else(|| tokenizer.vocabulary.id(token)),
        token => tokenizer.vocabulary.id(token),
    };
    let unknown = || generate::Error::UnknownStop(token.to_string()).into();
    id.map(Some).ok_or_else(unknown)
}

/// A seed that nobody chose, small enough to be typed again.
fn fresh_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::from(now.subsec_nanos()) ^ now.as_secs() & 0xFFFF
}
