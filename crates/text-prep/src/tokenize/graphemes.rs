//! Splits a stream of chunks into extended grapheme clusters (Unicode Standard Annex #29).

use unicode_segmentation::UnicodeSegmentation;

/// Splits text into grapheme clusters.
#[derive(Debug, Default)]
pub(super) struct Clusters {
    /// The last cluster so far, which may continue in the next chunk.
    pending: String,
}

impl Clusters {
    /// Processes the next chunk and calls `f` with each complete cluster.
    ///
    /// Whether there is a boundary before a character depends on this character and the ones before
    /// it, never on later ones. So all clusters except the last are complete.
    pub fn push(&mut self, chunk: &str, mut f: impl FnMut(&str)) {
        self.pending.push_str(chunk);
        let mut clusters = self.pending.grapheme_indices(true).peekable();
        let mut last = 0;
        while let Some((at, cluster)) = clusters.next() {
            last = at;
            if clusters.peek().is_some() {
                f(cluster);
            }
        }
        self.pending.drain(..last);
    }

    /// Ends the text and calls `f` with the last cluster, if any.
    pub fn finish(self, f: impl FnOnce(&str)) {
        if !self.pending.is_empty() {
            f(&self.pending);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_strategies;

    fn clusters<'a>(chunks: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let (mut clusters, mut found) = (Clusters::default(), Vec::new());
        for chunk in chunks {
            clusters.push(chunk, |cluster| found.push(cluster.to_owned()));
        }
        clusters.finish(|cluster| found.push(cluster.to_owned()));
        found
    }

    #[test]
    fn a_cluster_across_chunks_stays_whole() {
        let family = "👩\u{200d}👩\u{200d}👧";
        let found = clusters(["e", "\u{301}👩", "\u{200d}👩\u{200d}", "👧\r", "\n🇰", "🇷🇰🇷"]);
        assert_eq!(found, ["e\u{301}", family, "\r\n", "🇰🇷", "🇰🇷"]);
    }

    proptest! {
        #![proptest_config(test_strategies::cases(1024))]

        #[test]
        fn chunks_give_the_same_clusters_as_the_whole_text((text, cuts) in test_strategies::text_and_cuts()) {
            let expected: Vec<&str> = text.graphemes(true).collect();
            prop_assert_eq!(clusters(test_strategies::cut(&text, &cuts)), expected.clone());
            let characters = text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]);
            prop_assert_eq!(clusters(characters), expected);
        }
    }
}
