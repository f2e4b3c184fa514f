//! Invented texts of several kinds for the tests of profiles.

/// The fables of this project: a collection with three or more blank lines between two of them.
pub const FABLES: &str = include_str!("../../../../../datasets/fables/fables.txt");

/// Numbers below `limit` that look random, the same in each run.
fn random(state: &mut u64, limit: usize) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize % limit
}

/// `count` words, one after another with spaces.
fn words(state: &mut u64, count: usize) -> String {
    const WORDS: [&str; 24] = [
        "boat", "lamp", "market", "the", "old", "river", "finds", "under", "seven", "harbour", "mayor", "loses",
        "with", "a", "bridge", "letters", "winter", "painted", "after", "clock", "opens", "school", "on", "Monday",
    ];
    (0..count).map(|_| WORDS[random(state, WORDS.len())]).collect::<Vec<_>>().join(" ")
}

/// With a capital letter at the beginning.
fn capitalized(text: &str) -> String {
    let (first, rest) = text.split_at(1);
    first.to_uppercase() + rest
}

/// Names, one a line.
pub fn names(count: usize) -> String {
    const SYLLABLES: [&str; 16] =
        ["an", "bel", "cor", "dra", "el", "fin", "gar", "is", "kel", "lor", "mir", "nor", "os", "ric", "the", "wyn"];
    let mut state = 1;
    let name = |state: &mut u64| (0..2 + random(state, 3)).map(|_| SYLLABLES[random(state, 16)]).collect::<String>();
    (0..count).map(|_| capitalized(&name(&mut state)) + "\n").collect()
}

/// Headlines of 4 to 10 words, one a line.
pub fn headlines(count: usize) -> String {
    let mut state = 2;
    let words_of = |state: &mut u64| 4 + random(state, 7);
    (0..count)
        .map(|_| {
            let words_in_line = words_of(&mut state);
            capitalized(&words(&mut state, words_in_line)) + "\n"
        })
        .collect()
}

/// Short messages of one to three sentences, one a line, some of them in small letters.
pub fn tweets(count: usize) -> String {
    let mut state = 3;
    let tweet = |state: &mut u64| {
        let sentences = 1 + random(state, 3);
        let sentence = |state: &mut u64| {
            let words_in_sentence = 4 + random(state, 8);
            capitalized(&words(state, words_in_sentence)) + [".", "!", "?", ""][random(state, 4)]
        };
        let text = (0..sentences).map(|_| sentence(state)).collect::<Vec<_>>().join(" ");
        if random(state, 5) == 0 { text.to_lowercase() } else { text }
    };
    (0..count).map(|_| tweet(&mut state) + "\n").collect()
}

/// A paragraph of `sentences` sentences, in lines of at most `width` bytes.
fn paragraph(state: &mut u64, sentences: usize, width: usize) -> String {
    let sentence = |state: &mut u64| {
        let words_in_sentence = 5 + random(state, 9);
        capitalized(&words(state, words_in_sentence)) + "."
    };
    let text = (0..sentences).map(|_| sentence(state)).collect::<Vec<_>>().join(" ");
    let (mut wrapped, mut len) = (String::new(), 0);
    for word in text.split(' ') {
        if len > 0 {
            let fits = len + 1 + word.len() <= width;
            wrapped.push(if fits { ' ' } else { '\n' });
            len = if fits { len + 1 } else { 0 };
        }
        wrapped.push_str(word);
        len += word.len();
    }
    wrapped + "\n"
}

/// Prose in lines of at most 70 bytes, without blank lines.
pub fn wrapped(paragraphs: usize) -> String {
    let mut state = 4;
    (0..paragraphs).map(|_| paragraph(&mut state, 9, 70)).collect()
}

/// Prose with a paragraph on each line, without blank lines.
pub fn paragraphs(count: usize) -> String {
    let mut state = 5;
    (0..count).map(|_| paragraph(&mut state, 8, usize::MAX)).collect()
}

/// Stories with a title and two paragraphs, and four blank lines between two of them.
pub fn stories(count: usize) -> String {
    let mut state = 6;
    let story = |state: &mut u64| {
        let title = words(state, 4).to_uppercase();
        format!("{title}\n\n{}\n{}\n\n\n\n", paragraph(state, 4, 70), paragraph(state, 3, 70))
    };
    (0..count).map(|_| story(&mut state)).collect()
}

/// A novel: numbered chapters of more than 3,000 bytes, and three blank lines before each.
pub fn chapters(count: usize) -> String {
    let mut state = 7;
    let chapter = |state: &mut u64| (0..9).map(|_| paragraph(state, 9, 70) + "\n").collect::<String>();
    (1..=count).map(|number| format!("\n\n\nCHAPTER {number}\n\n\n{}", chapter(&mut state))).collect()
}

/// Verse, whose lines end with a comma more often than not, without blank lines.
pub fn verse(count: usize) -> String {
    let mut state = 8;
    let line = |state: &mut u64| capitalized(&words(state, 6)) + [",", ",", ";", ".", ""][random(state, 5)] + "\n";
    (0..count).map(|_| line(&mut state)).collect()
}

/// Sayings between lines of `%`.
pub fn fortunes(count: usize) -> String {
    let mut state = 9;
    (0..count).map(|_| paragraph(&mut state, 2, 60) + "%\n").collect()
}

/// Lines with a time.
pub fn log(count: usize) -> String {
    let mut state = 10;
    (0..count).map(|n| format!("[12:{:02}:{:02}] {}\n", n / 60 % 60, n % 60, words(&mut state, 5))).collect()
}

/// What two speakers say, a line each.
pub fn conversation(count: usize) -> String {
    let mut state = 11;
    (0..count).map(|n| format!("{}: {}\n", ["Ann", "Bob"][n % 2], capitalized(&words(&mut state, 5)))).collect()
}
