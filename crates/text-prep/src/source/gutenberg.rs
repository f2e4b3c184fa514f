//! Project Gutenberg's frame around a book: its header and its licence.
//!
//! What it does not know: files, encodings, excerpts. Line ends are LF by now.

/// Keeps what lies between `*** START OF TH(E|IS) PROJECT GUTENBERG EBOOK … ***` and
/// `*** END OF …`, without the blank lines at both ends. A mark that is absent cuts nothing.
pub(crate) fn strip(text: &mut String) {
    let end = find_mark(text, "END OF").map(|(start, _)| start);
    let start = find_mark(text, "START OF").map(|(_, end)| end);
    if start.is_none() && end.is_none() {
        return;
    }
    if let Some(end) = end {
        text.truncate(end);
        text.truncate(text.trim_end().len());
        // Older files take their leave twice.
        let last_line = text.rfind('\n').map_or(0, |n| n + 1);
        let last = text[last_line..].to_ascii_lowercase();
        if last.starts_with("end of the project gutenberg")
            || last.starts_with("end of project gutenberg")
        {
            text.truncate(last_line);
            text.truncate(text.trim_end().len());
        }
        text.push('\n');
    }
    if let Some(start) = start.filter(|&start| start <= text.len()) {
        let blank = text[start..].len() - text[start..].trim_start_matches('\n').len();
        text.drain(..start + blank);
    }
}

/// The first line that begins like `*** START OF THIS PROJECT GUTENBERG`: where it starts, and
/// where the mark ends (behind its closing asterisks, which may stand on a later line).
fn find_mark(text: &str, verb: &str) -> Option<(usize, usize)> {
    for (at, _) in text.match_indices("***") {
        if !(at == 0 || text.as_bytes()[at - 1] == b'\n') {
            continue;
        }
        let line = text[at..].trim_start_matches('*').trim_start_matches(' ');
        let tail = strip_prefix_ignoring_case(line, verb).and_then(|tail| {
            strip_prefix_ignoring_case(tail, " THE PROJECT GUTENBERG")
                .or_else(|| strip_prefix_ignoring_case(tail, " THIS PROJECT GUTENBERG"))
        });
        let Some(tail) = tail else { continue };
        let from = text.len() - tail.len();
        return Some((at, from + mark_length(tail)));
    }
    None
}

/// How much of `tail`, the text behind a mark's fixed words, is its title and closing asterisks.
/// A long title wraps; but a mark that is never closed ends with its line.
fn mark_length(tail: &str) -> usize {
    let mut length = 0;
    for line in tail.split_inclusive('\n').take(3) {
        length += line.len();
        if line.trim_end().ends_with("***") {
            return length;
        }
    }
    tail.find('\n').unwrap_or(tail.len())
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

#[cfg(test)]
mod tests {
    use crate::{Error, Source};

    fn read(source: &Source, bytes: &[u8]) -> crate::Result<String> {
        source.pieces(bytes, "a.txt")?.into_text()
    }

    #[test]
    fn gutenberg_frames_old_and_new_are_removed() {
        let source = Source { strip_gutenberg: true, ..Source::default() };
        for (start, end) in [
            (
                "*** START OF THIS PROJECT GUTENBERG EBOOK AESOP ***",
                "*** END OF THIS PROJECT GUTENBERG EBOOK AESOP ***",
            ),
            (
                "***START OF THE PROJECT GUTENBERG EBOOK A LONG\nTITLE***",
                "End of Project Gutenberg's Aesop\n\n***END OF THE PROJECT GUTENBERG EBOOK AESOP***",
            ),
            (
                "*** start of the project gutenberg ebook aesop",
                "End of the Project Gutenberg EBook\n*** end of the project gutenberg ebook aesop",
            ),
        ] {
            let text =
                format!("Header\n\n{start}\n\n\nA fox *** one\n\nday.\n\n\n{end}\n\nLicence\n");
            assert_eq!(
                read(&source, text.as_bytes()).unwrap(),
                "A fox *** one\n\nday.\n",
                "{start}"
            );
        }
        let plain = "No *** START OF THE PROJECT GUTENBERG\n*** nothing ***\n\n";
        assert_eq!(read(&source, plain.as_bytes()).unwrap(), plain);
        let empty = "*** START OF THE PROJECT GUTENBERG EBOOK X ***\n*** END OF THE PROJECT GUTENBERG EBOOK X ***";
        assert!(matches!(read(&source, empty.as_bytes()), Err(Error::NothingLeft { .. })));
    }
}
