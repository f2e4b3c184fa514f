//! `fetch`: downloads a known corpus, where that is allowed, and checks its hash and counts.

use std::path::Path;
use std::process::{Command, Stdio};

use args::Fetch;
use durable::read::{self, Accept, WHOLE_TEXT};
use durable::write_atomically;
use seqdata::{TextDataset, TextStats, VocabSource};
use text_prep::Cleaner;

use crate::corpus::{Corpus, Counts};
use crate::embedded;
use crate::error::{Error, Result, bail};
use crate::output::{print, status};
use crate::view::format::{decimals, thousands};

/// Runs the command.
pub fn run(args: &Fetch) -> Result<()> {
    let name = &args.name;
    let corpus = Corpus::find(name)?;
    let Some(expected) = corpus.counts else { return check_fixed_split(name, &corpus, args) };
    let path = corpus.path(name);
    let exists = read::file(&path).is_ok_and(|bytes| corpus.is_known_file(&bytes));
    if args.from.is_none() && exists {
        status(&format!("{} is already there", corpus.title));
        return print(&format!("{}\n", path.display()));
    }
    let (bytes, origin) = match &args.from {
        Some(path) => {
            let bytes = Accept::FileOrPipe.read(path, WHOLE_TEXT).map_err(Error::io(path, "read"))?;
            (bytes, path.display().to_string())
        }
        None => match (&corpus.address, name.as_str()) {
            (Some(address), _) => (download(name, address)?, address.clone()),
            (None, "fables") => (embedded::FABLES.as_bytes().to_vec(), "this program".into()),
            (None, _) => bail!("the corpus `{name}` has no download address: give its file with `--from FILE`"),
        },
    };
    let known = corpus.is_known_file(&bytes);
    let found = count(&corpus, &bytes, &origin)
        .map_err(|error| Error::new(format!("{origin} is not the corpus `{name}`: {error}")))?;
    if found != expected {
        bail!(
            "{origin} is not the corpus `{name}`: it has {}, expected {}",
            format_counts(found),
            format_counts(expected)
        );
    }
    if !known {
        status(&format!("warning: this file of `{name}` has an unknown hash, but the expected counts"));
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(Error::io(folder, "created"))?;
    }
    write_atomically(&path, &bytes)?;
    let Corpus { title, source, licence, .. } = &corpus;
    status(&format!("{title}, {source}, {licence}: {}", format_counts(found)));
    print(&format!("{}\n", path.display()))
}

/// Says whether the files of a corpus that cannot be downloaded are there.
fn check_fixed_split(name: &str, corpus: &Corpus, args: &Fetch) -> Result<()> {
    if args.from.is_some() {
        bail!("`--from` is given, but the corpus `{name}` has several files: copy them into its folder instead");
    }
    let unknown = corpus.check_split(name)?.expect("it has a fixed split");
    let [valid, test] = unknown.map(|fraction| decimals(100.0 * fraction, 2));
    status(&format!(
        "{} is there, with the expected counts; {valid} % of the validation part and {test} % of the test part are words that \
         are not in the training part",
        corpus.title
    ));
    let paths = [Some(corpus.path(name))].into_iter().chain(corpus.held_out(name)).flatten();
    print(&paths.map(|path| format!("{}\n", path.display())).collect::<String>())
}

fn format_counts(counts: Counts) -> String {
    let Counts { characters, tokens, words } = counts;
    let [characters, tokens, words] = [characters, tokens, words].map(thousands);
    format!("{characters} characters, {tokens} tokens, {words} words")
}

/// The counts with the preset `keras-lowercase`.
fn count(corpus: &Corpus, bytes: &[u8], origin: &str) -> Result<Counts> {
    let dataset = TextDataset::from_source(corpus.source_options().open_reader(bytes, origin)?)
        .words()
        .cleaner(Cleaner::preset("keras-lowercase")?)
        .vocab_source(VocabSource::WholeText)
        .split(0.5, 0.0)
        .context_len(1)
        .build()?;
    let TextStats { characters, tokens, distinct_tokens: words, .. } = dataset.stats;
    Ok(Counts { characters, tokens, words })
}

/// Downloads with `curl`, to avoid the dependency on a TLS library for one file.
fn download(name: &str, address: &str) -> Result<Vec<u8>> {
    status(&format!("downloading {address}"));
    let advice = || {
        let from = format!("fetch {name} --from {}", file_of(address));
        format!("download it manually and run `cargo xtask {from}` (or `pastiche {from}`)")
    };
    let output = Command::new("curl")
        .args(["--fail", "--silent", "--show-error", "--location", address])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Error::new(format!("curl cannot be run ({error}): {}", advice())))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        bail!("{address} cannot be downloaded ({}): {}", reason.trim(), advice());
    }
    Ok(output.stdout)
}

fn file_of(address: &str) -> &str {
    Path::new(address).file_name().and_then(|name| name.to_str()).unwrap_or("FILE")
}
