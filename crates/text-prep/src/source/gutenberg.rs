//! Removes the header and licence that Project Gutenberg adds to a book. Expects LF line ends.

/// Keeps the text between `*** START OF TH(E|IS) PROJECT GUTENBERG EBOOK … ***` and `*** END OF …`,
/// without the blank lines at both ends. A missing marker removes nothing.
pub(crate) fn strip(text: &mut String) {
    let end = find_marker(text, "END OF").map(|(start, _)| start);
    let start = find_marker(text, "START OF").map(|(_, end)| end);
    if start.is_none() && end.is_none() {
        return;
    }
    if let Some(end) = end {
        text.truncate(end);
        text.truncate(text.trim_end().len());
        // Older files have a second end line before the marker.
        let last_line = text.rfind('\n').map_or(0, |n| n + 1);
        let last = text[last_line..].to_ascii_lowercase();
        if last.starts_with("end of the project gutenberg") || last.starts_with("end of project gutenberg") {
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

/// Whether `beginning`, the first part of a text, has the line with which the header of Project Gutenberg ends.
///
/// ```
/// use text_prep::has_gutenberg_header;
///
/// assert!(has_gutenberg_header("Title\n*** START OF THIS PROJECT GUTENBERG EBOOK AESOP ***\n\nA fox\n"));
/// assert!(!has_gutenberg_header("A fox\n"));
/// ```
pub fn has_gutenberg_header(beginning: &str) -> bool {
    find_marker(beginning, "START OF").is_some()
}

/// Start and end offset of the first marker line, such as `*** START OF THIS PROJECT GUTENBERG`.
/// It ends after its closing asterisks, which may be on a later line.
fn find_marker(text: &str, verb: &str) -> Option<(usize, usize)> {
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
        return Some((at, from + marker_tail_length(tail)));
    }
    None
}

/// Length of a marker's title and closing asterisks in `tail`, the text after its fixed words.
/// A long title may wrap to a second or third line; a marker without closing asterisks ends with its line.
fn marker_tail_length(tail: &str) -> usize {
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
    use crate::{Error, SourceOptions};

    fn read(source: &SourceOptions, bytes: &[u8]) -> crate::Result<String> {
        source.open_reader(bytes, "a.txt")?.into_text()
    }

    #[test]
    fn headers_and_licences_of_old_and_new_files_are_removed() {
        let source = SourceOptions::default().strip_gutenberg(true);
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
            let text = format!("Header\n\n{start}\n\n\nA fox *** one\n\nday.\n\n\n{end}\n\nLicence\n");
            assert_eq!(read(&source, text.as_bytes()).unwrap(), "A fox *** one\n\nday.\n", "{start}");
        }
        let plain = "No *** START OF THE PROJECT GUTENBERG\n*** nothing ***\n\n";
        assert_eq!(read(&source, plain.as_bytes()).unwrap(), plain);
        let empty = "*** START OF THE PROJECT GUTENBERG EBOOK X ***\n*** END OF THE PROJECT GUTENBERG EBOOK X ***";
        assert!(matches!(read(&source, empty.as_bytes()), Err(Error::NothingLeft { .. })));
    }
}
