//! The text of XHTML.

use quick_xml::Reader;
use quick_xml::escape::{resolve_html5_entity, resolve_xml_entity};
use quick_xml::events::{BytesRef, Event};

/// Elements that begin and end a line.
const BLOCKS: [&str; 20] = [
    "address",
    "article",
    "aside",
    "body",
    "caption",
    "dd",
    "div",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "form",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "section",
    "tbody",
    "tr",
];
/// Elements before and after which there is a blank line.
const PARAGRAPHS: [&str; 13] =
    ["blockquote", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul"];
/// Elements whose text is not read. The last two are the pronunciation of Chinese characters, which stands above them.
const LEFT_OUT: [&str; 6] = ["head", "script", "style", "template", "rt", "rp"];

/// Appends the text of `source`: lines end where blocks do, other white space is one space, and entities are decoded. The
/// text ends with a line end, unless it is empty.
///
/// # Errors
/// Says what was found if it is not XHTML.
pub(super) fn append_text(source: &str, text: &mut String) -> Result<(), String> {
    let mut reader = Reader::from_str(source);
    let config = reader.config_mut();
    // As browsers do.
    (config.check_end_names, config.allow_unmatched_ends, config.allow_dangling_amp) = (false, true, true);
    let start = text.len();
    let mut writer = Writer { text, start, line_ends: 0, has_space: false, pre: 0, left_out: None };
    loop {
        match reader.read_event() {
            Err(error) => return Err(format!("{error} at byte {}", reader.error_position())),
            Ok(Event::Eof) => break,
            Ok(Event::Start(tag)) => writer.open(tag.local_name().as_ref()),
            Ok(Event::End(tag)) => writer.close(tag.local_name().as_ref()),
            Ok(Event::Empty(tag)) => {
                writer.open(tag.local_name().as_ref());
                writer.close(tag.local_name().as_ref());
            }
            Ok(Event::Text(piece)) => writer.push(&piece.html_content()),
            Ok(Event::CData(piece)) => writer.push(&piece.html_content()),
            Ok(Event::GeneralRef(entity)) => writer.push_entity(&entity),
            Ok(_) => {}
        }
    }
    let Writer { text, .. } = writer;
    if text.len() > start && !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(())
}

/// Writes the text of a document in pieces.
struct Writer<'a> {
    text: &'a mut String,
    /// Where the text of this document begins.
    start: usize,
    /// Line ends before the next character.
    line_ends: usize,
    /// Whether there is white space before the next character.
    has_space: bool,
    /// Open elements in which white space is kept.
    pre: usize,
    /// The open element that is left out, and how many of its name are open.
    left_out: Option<(String, usize)>,
}

impl Writer<'_> {
    fn open(&mut self, name: &str) {
        match &mut self.left_out {
            Some((left_out, depth)) => *depth += usize::from(name == left_out),
            None if LEFT_OUT.contains(&name) => self.left_out = Some((name.into(), 1)),
            None => {
                self.end_line(name);
                self.pre += usize::from(name == "pre");
                match name {
                    "br" => self.line_ends = (self.line_ends + 1).min(2),
                    "td" | "th" => self.has_space = true,
                    _ => {}
                }
            }
        }
    }

    fn close(&mut self, name: &str) {
        match &mut self.left_out {
            Some((left_out, depth)) => {
                *depth -= usize::from(name == left_out);
                if *depth == 0 {
                    self.left_out = None;
                }
            }
            None => {
                self.end_line(name);
                self.pre = self.pre.saturating_sub(usize::from(name == "pre"));
            }
        }
    }

    /// Ends the line if the element does.
    fn end_line(&mut self, name: &str) {
        let line_ends = if PARAGRAPHS.contains(&name) { 2 } else { usize::from(BLOCKS.contains(&name)) };
        self.line_ends = self.line_ends.max(line_ends);
    }

    fn push_entity(&mut self, entity: &BytesRef) {
        if let Ok(Some(c)) = entity.resolve_char_ref() {
            return self.push(c.encode_utf8(&mut [0; 4]));
        }
        match resolve_xml_entity(entity).or_else(|| resolve_html5_entity(entity)) {
            Some(text) => self.push(text),
            None => self.push(&format!("&{};", &**entity)),
        }
    }

    fn push(&mut self, piece: &str) {
        if self.left_out.is_some() {
            return;
        }
        for c in piece.chars() {
            // White space that is no ASCII stands for itself.
            if c.is_ascii_whitespace() && self.pre == 0 {
                self.has_space = true;
                continue;
            }
            let has_text = self.text.len() > self.start;
            if has_text && self.line_ends > 0 {
                let written = self.text.bytes().rev().take_while(|&byte| byte == b'\n').count();
                self.text.extend(std::iter::repeat_n('\n', self.line_ends.saturating_sub(written)));
            } else if has_text && self.has_space && !self.text.ends_with([' ', '\n']) {
                self.text.push(' ');
            }
            (self.line_ends, self.has_space) = (0, false);
            self.text.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str) -> String {
        let mut text = String::new();
        append_text(source, &mut text).unwrap();
        text
    }

    #[test]
    fn blocks_end_lines_and_other_white_space_is_one_space() {
        let source = "<?xml version='1.0'?><!DOCTYPE html><html><head><title>T</title><style>p {}</style></head>\n\
                      <body>\n <h1>The\n  Fox</h1>\n <p>A <i>red</i>\u{a0}fox<br/>ran. <script>a &lt; b</script></p> \
                      <p> It </p><div>one</div><div>two</div><ul><li>a</li><li>b</li></ul><table><tr><td>1</td><td>2\
                      </td></tr></table></body></html>";
        let expected = "The Fox\n\nA red\u{a0}fox\nran.\n\nIt\n\none\ntwo\n\na\nb\n\n1 2\n";
        assert_eq!(text(source), expected);
    }

    #[test]
    fn entities_are_decoded_and_unknown_ones_are_kept() {
        let source = "<p>&lt;b&gt; &amp; &eacute;&#233;&#x1F98A; &nosuch; <![CDATA[<i>]]> a & b</p>";
        assert_eq!(text(source), "<b> & éé🦊 &nosuch; <i> a & b\n");
    }

    #[test]
    fn lines_of_preformatted_text_and_ruby_are_as_they_are_read() {
        assert_eq!(text("<pre>a\n  b\n</pre><p>c</p>"), "a\n  b\n\nc\n");
        assert_eq!(text("<p><ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>字</p>"), "漢字\n");
        assert_eq!(text("<p>a<br/><br/>b</p>"), "a\n\nb\n");
    }

    #[test]
    fn what_is_not_closed_is_read_and_what_is_cut_is_an_error() {
        assert_eq!(text("<p>one<p>two</b></p></div>"), "one\n\ntwo\n");
        assert_eq!(text("<html><body> </body></html>"), "");
        let error = append_text("<p>one<a href='", &mut String::new()).unwrap_err();
        assert!(error.ends_with("at byte 6"), "{error}");
    }
}
