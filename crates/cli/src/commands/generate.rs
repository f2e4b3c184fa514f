//! `generate`: generates text with a trained language model; a single sample is streamed.

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use args::{Generate, SamplingArgs};
use durable::Lock;
use generate::{Generator, LeftOut, MAX_READ, Prompt, Sample, Sampling, StopText};
use models::bundle::{MANIFEST, read_metadata};
use models::{LanguageModel, LmBundle, LmMetadata, Network, StateMode};
use serde::Serialize;

use super::option_values::{cache_settings, of_option};
use super::prompt::{encode, printed, prompt_text};
use super::sample_printer::{SamplePrinter, cut_off_warning};
use super::sampling_settings::{Settings, in_words};
use super::train::CONFIG;
use super::{interactive, mix};
use crate::base;
use crate::config::Config;
use crate::device::BackendSelection;
use crate::error::{Error, Result, bail};
use crate::long_task::LongTask;
use crate::output::{print, print_raw, status, to_json, warn};
use crate::run::directory;
use crate::surprise::Painter;
use crate::view::format::{counted, thousands};

/// The default of `--temperature`. With [`TOP_P`] it wrote few invented words and few repetitions of the settings that were
/// compared on six texts (benchmarks/README.md, "Sampling").
pub(super) const TEMPERATURE: f64 = 0.8;
/// The default of `--top-p` if no other filter is given, with which it was not compared.
pub(super) const TOP_P: f64 = 0.9;
/// The default of `--max-tokens` for running text.
pub(super) const MAX_TOKENS: usize = 200;
/// The default of `--max-tokens` for documents, which mostly end before, is this many times the length that 99 % of the training
/// documents do not exceed: a model that has not learned where documents end would write on.
const DOCUMENT_LENGTHS: usize = 2;
/// It is at most this, also if that length is unknown.
const MAX_DOCUMENT_TOKENS: usize = 2_000;

/// What `--json` prints after the samples.
#[derive(Serialize)]
struct Report {
    /// The path of the model, or the name of the built-in base.
    model: String,
    #[serde(flatten)]
    sampling: Settings,
    tokens_per_second: f64,
    /// What the model is mixed with, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    mix: Option<&'static str>,
    /// With `--unique`.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<LeftOut>,
}

/// Runs the command.
pub fn run(args: &Generate, backend: &BackendSelection) -> Result<()> {
    let painter = Painter::for_stdout(args.color.color, args.raw);
    if args.json && painter.has_colour() {
        bail!("`--color` is given with `--json`, which prints no text to read: leave one of them out");
    }
    let sampling = sampling(args)?.token_spans(painter.has_colour());
    let seed = sampling.seed;
    let count = args.documents.unwrap_or(args.num_samples);
    let count_option = if args.documents.is_some() { "--documents" } else { "--num-samples" };
    for (option, count) in [("--max-tokens", sampling.max_tokens), (count_option, count)] {
        if count == 0 {
            bail!("`{option}` is 0; expected 1 or more");
        }
    }
    let directory = match &args.model {
        None => newest_model_or_base()?,
        Some(_) => directory::find_model(args.model.as_deref(), Some(LanguageModel::KIND))?,
    };
    let is_unnamed_base = args.model.is_none() && base::is_base(&directory);
    let text = prompt_text(args, &directory)?;
    let device = backend.open()?;
    let generator = Generator::new(mix::load_model(args.mix, &directory, backend, &device)?);
    check_documents(args, &generator, &directory)?;
    let prompt = Prompt { label: label(args.label.as_deref(), &generator)?, ..encode(args, &generator, &text)? };
    let state_mode = state_mode(args.state, generator.bundle());
    let sampling = with_stop(args, &generator, sampling.state_mode(state_mode))?;
    let sampling = match args.max_tokens {
        None if generator.document_id().is_some() => {
            sampling.max_tokens(max_document_tokens(&generator.bundle().metadata))
        }
        _ => sampling,
    };
    let generator = if args.int8 { int8(generator)? } else { generator };
    let mixture = mix::for_writing(args.mix, generator.bundle(), &directory)?;
    let mixed_with = mixture.as_ref().map_or(String::new(), |mixture| {
        format!(", mixed with {}-grams of its training text (`--mix none` leaves them out)", mixture.ngrams().order())
    });
    let generator = generator.with_mixture(mixture);
    if is_unnamed_base {
        let in_training = directory::list(Path::new(directory::RUNS))?
            .into_iter()
            .find(|run| Lock::holder(run).is_some() && read_metadata(run).is_err());
        let base = "so the text comes from the built-in base, a small model of English novels";
        status(&match in_training {
            Some(run) => format!("{} is in training and has no model yet, {base}", run.display()),
            None => format!(
                "no run under runs/ has a language model, {base}; train a model on your own text with `cargo xtask train \
                 --text my.txt` (or `pastiche train --text my.txt`)"
            ),
        });
    }
    if args.interactive {
        let model = interactive::Model { generator: &generator, directory: &directory, mixed_with: &mixed_with };
        return interactive::run(args, &model, prompt, &text, sampling);
    }
    let reads = if state_mode == StateMode::Window { generator.context_len() } else { MAX_READ };
    let text = &printed(&text, &prompt, reads, args.json);
    status(&format!("model {}{mixed_with}, seed {seed}{}", directory.display(), in_words(&sampling)));
    let start = Instant::now();
    if let Some(legend) = painter.legend() {
        status(&legend);
    }
    let print = if args.raw || painter.has_colour() { print_raw } else { print };
    let (mut tokens, mut left_out) = (0, None);
    let sampled;
    if count == 1 && !args.json && !args.unique {
        print(&painter.paint(text, None))?;
        let sample;
        (sample, sampled) = stream(&generator, &prompt, &sampling, print, painter)?;
        tokens = sample.ids.len();
        print("\n")?;
        if generator.document_id().is_some() && !sample.is_complete {
            warn(cut_off_warning(1, 1, sampling.max_tokens).as_slice());
        }
    } else {
        let unit = Config::of_model(&directory, CONFIG).data.documents;
        let mut printer =
            SamplePrinter::new(&generator, unit, text, prompt.label.as_deref(), args.json, print, painter);
        // Several samples are generated in batches, of which none is kept once it is printed.
        let each = |sample: generate::Result<Sample>| {
            let sample = sample?;
            tokens += sample.ids.len();
            printer.print(&sample)
        };
        if args.unique {
            let mut documents = generator.unique_documents(&prompt, &sampling, count)?;
            documents.by_ref().try_for_each(each)?;
            left_out = Some(documents.left_out());
            sampled = documents.sampled_tokens();
            report_left_out(documents.left_out(), count, documents.missing(), &sampling);
        } else {
            let mut samples = generator.samples(&prompt, &sampling, 0..count as u64)?;
            samples.by_ref().try_for_each(each)?;
            sampled = samples.sampled_tokens();
        }
        printer.finish(sampling.max_tokens)?;
    }
    // Those of candidates and documents that were not kept took time, too.
    let tokens_per_second = sampled as f64 / start.elapsed().as_secs_f64();
    if args.json {
        let model = directory.display().to_string();
        let mix = generator.mixture().map(|_| "ngram");
        let report = to_json(&Report { model, sampling: Settings::of(&sampling), tokens_per_second, mix, left_out })?;
        print(&format!("{}\n", report.trim_start_matches('{')))?;
    }
    let of_sampled =
        if args.unique || sampling.best_of > 1 { format!(" of {} sampled", thousands(sampled)) } else { String::new() };
    status(&format!("{}{of_sampled}, {tokens_per_second:.0} tokens/s", counted(tokens, "token")));
    Ok(())
}

/// The options of sampling that are known before the model is loaded.
fn sampling(args: &Generate) -> Result<Sampling> {
    if let Some(option) = args.cache_settings.given().filter(|_| !args.cache) {
        bail!("`{option}` is given without `--cache`, of which it is a setting: add it, or leave it out");
    }
    let SamplingArgs { temperature, top_k, min_p, top_p, typical, mirostat, .. } = args.sampling;
    // The target of Mirostat is meant for the model's own distribution.
    let default_temperature = if mirostat.is_some() { 1.0 } else { TEMPERATURE };
    let temperature = temperature.unwrap_or(default_temperature);
    let has_filter = top_k.is_some() || min_p.is_some() || typical.is_some() || mirostat.is_some();
    // At a temperature of 0 no filter has an effect.
    let default_top_p = (!has_filter && temperature != 0.0).then_some(TOP_P);
    let sampling = Sampling::default()
        .temperature(temperature)
        .top_k(top_k)
        .min_p(min_p)
        .top_p(top_p.or(default_top_p))
        .typical(typical)
        .mirostat(mirostat)
        .repetition_penalty(args.sampling.repetition_penalty)
        .repetition_window(args.sampling.repetition_window)
        .no_repeat_ngram(args.sampling.no_repeat_ngram)
        .best_of(args.best_of)
        .cache(args.cache.then(|| cache_settings(&args.cache_settings)))
        .max_tokens(args.max_tokens.unwrap_or(MAX_TOKENS))
        .seed(args.seed.unwrap_or_else(fresh_seed));
    sampling.check().map_err(of_option)?;
    Ok(sampling)
}

/// The default of `--max-tokens` for a model of documents.
fn max_document_tokens(model: &LmMetadata) -> usize {
    let length = model.document_len_p99.map(|length| length.saturating_mul(DOCUMENT_LENGTHS));
    length.unwrap_or(MAX_DOCUMENT_TOKENS).clamp(1, MAX_DOCUMENT_TOKENS)
}

/// The newest language model of a run, or else the built-in base, but not in the place of a model that is damaged.
pub(super) fn newest_model_or_base() -> Result<PathBuf> {
    if let Some(model) = directory::newest_model(Some(LanguageModel::KIND)) {
        return Ok(model);
    }
    let runs = directory::list(Path::new(directory::RUNS))?;
    runs.iter().filter(|run| run.join(MANIFEST).is_file()).try_for_each(|run| read_metadata(run).map(|_| ()))?;
    Ok(base::NAME.into())
}

/// Rejects options about documents for a model of running text.
fn check_documents(args: &Generate, generator: &Generator, directory: &Path) -> Result<()> {
    let options = [("--documents", args.documents.is_some()), ("--unique", args.unique)];
    match options.into_iter().find(|&(_, given)| given) {
        Some((option, _)) if generator.document_id().is_none() => bail!(
            "`{option}` is given, but {} was trained on running text, not on documents: leave it out, or train a model \
             with `--documents lines` (or `files`, `paragraphs`, `sections`, `separator`)",
            directory.display()
        ),
        _ => Ok(()),
    }
}

/// The label that `--label` names, if the model has it.
pub(super) fn label(name: Option<&str>, generator: &Generator) -> Result<Option<String>> {
    generator.label_number(name).map_err(|error| Error::new(format!("`--label`: {error}")))?;
    Ok(name.map(String::from))
}

/// Says how many documents `--unique` left out, and how many could not be found.
fn report_left_out(left_out: LeftOut, count: usize, missing: usize, sampling: &Sampling) {
    let LeftOut { in_training_text, repeated } = left_out;
    let (of_text, repeated_ones) = (counted(in_training_text, "document"), counted(repeated, "repeated document"));
    status(&format!("left out: {of_text} of the training text, {repeated_ones}"));
    if missing > 0 {
        status(&format!(
            "warning: only {} instead of {count}, although {} were drawn; a higher `--{}` gives more",
            counted(count - missing, "new document"),
            count - missing + in_training_text + repeated,
            // Mirostat makes up for the temperature.
            if sampling.mirostat.is_some() { "mirostat" } else { "temperature" }
        ));
    }
}

/// Prints one sample as it is generated. Returns it with the number of tokens sampled for it.
fn stream(
    generator: &Generator,
    prompt: &Prompt,
    sampling: &Sampling,
    print: fn(&str) -> Result<()>,
    painter: Painter,
) -> Result<(Sample, usize)> {
    // A token takes a few parallel loops of microseconds: waking the workers for each would take longer.
    kernels::with_spinning_workers(generator.engine().is_packed(), || {
        let task = LongTask::start("reading the prompt");
        let mut stream = generator.stream(prompt, sampling)?;
        drop(task);
        let mut printed = 0;
        while let Some(piece) = stream.next().transpose()? {
            print(&painter.paint_spans(&piece, printed, &stream.spans()))?;
            printed += piece.len();
        }
        let sampled = stream.sampled_tokens();
        Ok((stream.into_sample(), sampled))
    })
}

/// Rounds the weights to 8 bits for `--int8`.
pub(super) fn int8(generator: Generator) -> Result<Generator> {
    generator.int8().map_err(|error| match error {
        generate::Error::NoInt8 => Error::new(
            "`--int8` needs an inference kernel: leave it out, or use the backend ndarray or flex without \
             `PASTICHE_KERNELS=off`, and GRU layers with `reset_after = true`",
        ),
        error => error.into(),
    })
}

/// The mode given by `--state`, or else the one with the lower validation loss.
pub(super) fn state_mode(option: Option<args::StateMode>, bundle: &LmBundle) -> StateMode {
    match option {
        Some(args::StateMode::Carry) => StateMode::Carry,
        Some(args::StateMode::Window) => StateMode::Window,
        None => bundle.metadata.state_mode(),
    }
}

/// Sets where samples end, as the options `--stop` say.
fn with_stop(args: &Generate, generator: &Generator, sampling: Sampling) -> Result<Sampling> {
    let mut separator = None;
    let mut texts = Vec::new();
    for text in &args.stop {
        let document_end = generator.tokenizer().document_separator_id().filter(|_| text == "story");
        if document_end.is_some() {
            separator = document_end;
            continue;
        }
        let stop = generator.stop_text(text);
        let stop = stop.map_err(|error| Error::new(format!("`--stop {}`: {error}", text.escape_debug())))?;
        if stop == StopText::Never {
            status(&format!(
                "warning: `--stop {}` ends no sample: this model was trained without line ends and writes none",
                text.escape_debug()
            ));
        }
        texts.push(text);
    }
    Ok(sampling.stop_id(separator).stop_texts(texts))
}

/// A seed from the clock, with few digits so that it is easy to type.
fn fresh_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::from(now.subsec_nanos()) ^ now.as_secs() & 0xFFFF
}

#[cfg(test)]
mod tests {
    use models::{LanguageModelConfig, LayerConfig};

    use super::*;

    #[test]
    fn documents_may_be_twice_as_long_as_nearly_all_training_documents() {
        let config = LanguageModelConfig::new(5, 2, vec![LayerConfig::lstm(2)]);
        let model = LmMetadata::new(config, 20, 1, String::new());
        for (length, expected) in [(None, 2_000), (Some(11), 22), (Some(1_500), 2_000), (Some(usize::MAX), 2_000)] {
            let model = LmMetadata { document_len_p99: length, ..model.clone() };
            assert_eq!(max_document_tokens(&model), expected, "{length:?}");
        }
    }
}
