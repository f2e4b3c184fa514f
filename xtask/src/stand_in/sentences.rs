//! English prose as in the prepared Penn Treebank: sentences of words in lower case, without punctuation, with numbers as
//! `N`, and with `'s`, `n't` and the like as words of their own.

/// Words with a full stop that ends no sentence, beside single letters.
const ABBREVIATIONS: [&str; 8] = ["capt", "col", "dr", "gen", "messrs", "mr", "mrs", "st"];
/// The ends of words that are words of their own.
const CLITICS: [&str; 7] = ["n't", "'s", "'re", "'ve", "'ll", "'d", "'m"];
/// What ends a sentence if the next word has a capital.
const ENDS: [char; 3] = ['.', '?', '!'];

/// The first sentences of a text, until they have more than `most` words and line ends, or all. A blank line ends a
/// sentence, too, so that headings are sentences.
pub fn sentences(text: &str, most: usize) -> Vec<Vec<String>> {
    let mut sentences = Vec::new();
    let mut found = 0;
    let mut paragraph = String::new();
    for line in text.lines().chain([""]) {
        if !line.trim().is_empty() {
            paragraph.push_str(line);
            paragraph.push('\n');
            continue;
        }
        let first = sentences.len();
        add_paragraph(&paragraph, &mut sentences);
        found += sentences[first..].iter().map(|sentence| sentence.len() + 1).sum::<usize>();
        if found > most {
            break;
        }
        paragraph.clear();
    }
    sentences
}

fn add_paragraph(paragraph: &str, sentences: &mut Vec<Vec<String>>) {
    let mut sentence = Vec::new();
    let mut is_over = false;
    for word in without_marks(paragraph).split_whitespace() {
        let is_inside = |c: char| c.is_alphanumeric() || c == '&' || is_mark_of_letter(c);
        let (Some(start), Some(end)) = (word.find(is_inside), word.rfind(is_inside)) else {
            // A full stop after a quotation mark.
            is_over |= word.contains(ENDS);
            continue;
        };
        let end = end + word[end..].chars().next().map_or(0, char::len_utf8);
        let (inside, after) = (&word[start..end], &word[end..]);
        if is_over && !sentence.is_empty() && !inside.starts_with(char::is_lowercase) {
            sentences.push(std::mem::take(&mut sentence));
        }
        let is_short = after.starts_with('.') && is_abbreviation(inside);
        is_over = after.contains(ENDS) && !is_short;
        let lower = numbers_replaced(&inside.to_lowercase());
        let apostrophe =
            if word[..start].ends_with('\'') && CLITICS.contains(&&*format!("'{lower}")) { "'" } else { "" };
        add_word(&format!("{apostrophe}{lower}{}", if is_short { "." } else { "" }), &mut sentence);
    }
    if !sentence.is_empty() {
        sentences.push(sentence);
    }
}

/// The text with spaces for the marks that are in no word; a comma or colon between digits is part of a number.
fn without_marks(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let in_number = before.is_numeric() && rest.peek().is_some_and(|next| next.is_numeric());
        let is_dash = c == '-' && (before == '-' || rest.peek() == Some(&'-'));
        kept.push(match c {
            '’' | '‘' => '\'',
            ',' | ':' if in_number => c,
            '\'' | '.' | '?' | '!' | '&' => c,
            '-' if !is_dash => c,
            _ if c.is_alphanumeric() || is_mark_of_letter(c) => c,
            _ => ' ',
        });
        before = c;
    }
    kept
}

/// Whether `c` is a combining accent.
fn is_mark_of_letter(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// Whether a full stop belongs to the word: after a title, a letter other than the word `I`, and letters between full stops.
fn is_abbreviation(word: &str) -> bool {
    let is_letter = word.chars().count() == 1 && word.starts_with(char::is_alphabetic) && word != "I";
    is_letter || word.contains('.') || ABBREVIATIONS.contains(&&*word.to_lowercase())
}

/// `word` with `N` for each number: digits, with points, commas and colons between them.
fn numbers_replaced(word: &str) -> String {
    let mut replaced = String::new();
    let mut rest = word.chars().peekable();
    let mut in_number = false;
    while let Some(c) = rest.next() {
        let continues = in_number && matches!(c, '.' | ',' | ':') && rest.peek().is_some_and(char::is_ascii_digit);
        if !c.is_ascii_digit() && !continues {
            replaced.push(c);
        } else if !in_number {
            replaced.push('N');
        }
        in_number = c.is_ascii_digit() || continues;
    }
    replaced
}

/// Adds a word in lower case, divided before a clitic.
fn add_word(word: &str, sentence: &mut Vec<String>) {
    let clitic = CLITICS.iter().find(|clitic| word.ends_with(**clitic));
    let stem = clitic.and_then(|clitic| word.strip_suffix(clitic)).filter(|stem| !stem.is_empty());
    match (stem, clitic) {
        (Some(stem), Some(clitic)) => sentence.extend([stem, clitic].map(String::from)),
        _ if word == "cannot" => sentence.extend(["can", "not"].map(String::from)),
        _ => sentence.push(word.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        sentences(text, 99).iter().map(|sentence| sentence.join(" ")).collect()
    }

    #[test]
    fn sentences_end_before_a_capital_and_at_blank_lines() {
        assert_eq!(
            of(
                "CHAPTER IV\n\n“What!” he said.  “Mr. J. Fox, of St. Ives?\nYes!”\n \nHe and I. They—the gulls--came (soon)."
            ),
            ["chapter iv", "what he said", "mr. j. fox of st. ives", "yes", "he and i", "they the gulls came soon"]
        );
        assert_eq!(of("the end”. Now, at 5 a.m. he rose… and\n\n * * *\n"), ["the end", "now at N a.m. he rose and"]);
        assert!(of("").is_empty());
        assert_eq!(sentences("A b.\n\nC d.\n\nE f.", 5).len(), 2);
    }

    #[test]
    fn numbers_are_one_word() {
        assert_eq!(of("In 1,812.50 or 12:30, 3 of 19th-century 10,\nA4."), ["in N or N N of Nth-century N aN"]);
    }

    #[test]
    fn clitics_are_words_of_their_own() {
        assert_eq!(
            of("He didn’t and can't; we'll cannot, 'tis Ann's o'clock 'Quoted words' dogs' 'll"),
            ["he did n't and ca n't we 'll can not tis ann 's o'clock quoted words dogs 'll"]
        );
    }

    #[test]
    fn accents_and_hyphens_stay() {
        assert_eq!(
            of("The _Père_ at the cafe\u{301} was well-known & “old-”."),
            ["the père at the cafe\u{301} was well-known & old"]
        );
    }
}
