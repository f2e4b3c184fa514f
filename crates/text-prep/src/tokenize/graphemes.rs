//! What a reader takes for one character: extended grapheme clusters (Unicode Standard Annex 29)
//! of a text that comes in pieces.
//!
//! What it does not know: what becomes of a cluster.

use unicode_segmentation::UnicodeSegmentation;

/// Cuts between clusters.
#[derive(Debug, Default)]
pub(super) struct Clusters {
    /// The beginning of a cluster whose end has not come yet.
    held: String,
}

impl Clusters {
    /// Takes the next piece and calls `f` with each cluster that is complete by now.
    ///
    /// Whether a cluster ends before a character depends on that character and on what precedes
    /// it, never on what follows: all clusters but the last are certain.
    pub fn push(&mut self, chunk: &str, mut f: impl FnMut(&str)) {
        self.held.push_str(chunk);
        let mut clusters = self.held.grapheme_indices(true).peekable();
        let mut last = 0;
        while let Some((at, cluster)) = clusters.next() {
            last = at;
            if clusters.peek().is_some() {
                f(cluster);
            }
        }
        self.held.drain(..last);
    }

    /// Calls `f` with the cluster that was held back, if any. The text has ended.
    pub fn finish(self, f: impl FnOnce(&str)) {
        if !self.held.is_empty() {
            f(&self.held);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples;

    fn clusters<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let (mut clusters, mut found) = (Clusters::default(), Vec::new());
        for piece in pieces {
            clusters.push(piece, |cluster| found.push(cluster.to_owned()));
        }
        clusters.finish(|cluster| found.push(cluster.to_owned()));
        found
    }

    #[test]
    fn a_cluster_that_pieces_share_comes_out_whole() {
        let family = "👩\u{200d}👩\u{200d}👧";
        let found = clusters(["e", "\u{301}👩", "\u{200d}👩\u{200d}", "👧\r", "\n🇰", "🇷🇰🇷"]);
        assert_eq!(found, ["e\u{301}", family, "\r\n", "🇰🇷", "🇰🇷"]);
    }

    proptest! {
        #![proptest_config(samples::cases(1024))]

        #[test]
        fn pieces_give_what_the_crate_gives_for_the_whole((text, cuts) in samples::text_and_cuts()) {
            let expected: Vec<&str> = text.graphemes(true).collect();
            prop_assert_eq!(clusters(samples::cut(&text, &cuts)), expected.clone());
            let characters = text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]);
            prop_assert_eq!(clusters(characters), expected);
        }
    }
}
