//! `fetch`: puts a known corpus in place, checked by hash and counts.

use std::path::Path;
use std::process::{Command, Stdio};

use args::Fetch;
use durable::write_atomically;
use models::summary::thousands;
use seqdata::{CountedOn, Fractions, Prepared, Recipe};
use text_prep::{Cleaner, Rare, Splitter, Words};

use crate::corpus::{Counts, Dataset};
use crate::embedded;
use crate::error::{Error, Result};
use crate::output::{print, tell};

/// Runs the command.
pub fn run(args: &Fetch) -> Result<()> {
    let name = &args.name;
    let dataset = Dataset::find(name)?;
    let path = dataset.path(name);
    let in_place = std::fs::read(&path).is_ok_and(|bytes| dataset.knows(&bytes));
    if args.from.is_none() && in_place {
        tell(&format!("{} is in place", dataset.title));
        return print(&format!("{}\n", path.display()));
    }
    let (bytes, origin) = match &args.from {
        Some(path) => {
            (std::fs::read(path).map_err(Error::io(path, "read"))?, path.display().to_string())
        }
        None => match (&dataset.address, name.as_str()) {
            (Some(address), _) => (download(name, address)?, address.clone()),
            (None, "fables") => (embedded::FABLES.as_bytes().to_vec(), "this program".into()),
            (None, _) => {
                return Err(Error::new(format!(
                    "the corpus `{name}` has no address: name its file with `--from FILE`"
                )));
            }
        },
    };
    let known = dataset.knows(&bytes);
    let found = count(&dataset, &bytes, &origin)
        .map_err(|error| Error::new(format!("{origin} is not the corpus `{name}`: {error}")))?;
    if found != dataset.counts {
        return Err(Error::new(format!(
            "{origin} is not the corpus `{name}`: prepared it gives {}, expected {}",
            told(found),
            told(dataset.counts)
        )));
    }
    if !known {
        tell(&format!(
            "warning: this edition of `{name}` has an unknown hash, but the right counts"
        ));
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(Error::io(folder, "made"))?;
    }
    write_atomically(&path, &bytes)?;
    let Dataset { title, source, licence, .. } = &dataset;
    tell(&format!("{title}, {source}, {licence}: {}", told(found)));
    print(&format!("{}\n", path.display()))
}

fn told(counts: Counts) -> String {
    let Counts { characters, tokens, words } = counts;
    let [characters, tokens, words] = [characters, tokens, words].map(thousands);
    format!("{characters} characters, {tokens} tokens, {words} words")
}

/// What the seed's recipe makes of these bytes.
fn count(dataset: &Dataset, bytes: &[u8], origin: &str) -> Result<Counts> {
    let mut text = dataset.reading().pieces(bytes, origin)?;
    let recipe = Recipe {
        cleaner: Cleaner::preset("book")?,
        splitter: Splitter::Words(Words::default()),
        story_mark: None,
        counted_on: CountedOn::WholeText,
        min_count: 1,
        rare: Rare::Unknown,
        fractions: Fractions { valid: 0.5, test: 0.0 },
        length: 1,
        step: 1,
    };
    let whole = Prepared::read(&mut text, recipe, None)?.whole;
    Ok(Counts { characters: whole.characters, tokens: whole.tokens, words: whole.words })
}

/// Downloads by `curl`, which every system has or can have: no TLS library is worth one file.
fn download(name: &str, address: &str) -> Result<Vec<u8>> {
    tell(&format!("downloading {address}"));
    let by_hand = || {
        format!("download it by hand and run `pastiche fetch {name} --from {}`", file_of(address))
    };
    let output = Command::new("curl")
        .args(["--fail", "--silent", "--show-error", "--location", address])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Error::new(format!("curl cannot be run ({error}): {}", by_hand())))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        return Err(Error::new(format!(
            "{address} cannot be downloaded ({}): {}",
            reason.trim(),
            by_hand()
        )));
    }
    Ok(output.stdout)
}

fn file_of(address: &str) -> &str {
    Path::new(address).file_name().and_then(|name| name.to_str()).unwrap_or("FILE")
}
