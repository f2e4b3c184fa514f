//! Parts of speech of the tokens of a sentence: the sequence with the highest score, where a score rates each token
//! after the two before it. The scores are set by hand.

use crate::cases::Cases;
use crate::lexicon::{Choice, LEXICON, by_ending, is_derived};
use crate::tag::Tag;
use crate::token::Token;

/// The score of an impossible transition.
const NEVER: i32 = -100;

/// Sets the part of speech of each token, and how certain it is.
pub fn tag(tokens: &mut [Token], cases: &Cases) {
    let choices: Vec<Vec<Choice>> = (0..tokens.len()).map(|at| choices(tokens, at, cases)).collect();
    let (best, tags) = best_sequence(tokens, &choices);
    for at in 0..tokens.len() {
        tokens[at].tag = tags[at];
        tokens[at].is_surname = tags[at] == Tag::Name && cases.is_surname(&tokens[at].lower);
    }
    for at in 0..tokens.len() {
        let other: Vec<Choice> = choices[at].iter().filter(|it| it.0.kind() != tags[at].kind()).copied().collect();
        if !other.is_empty() {
            let mut constrained = choices.clone();
            constrained[at] = other;
            let (score, tags) = best_sequence(tokens, &constrained);
            // A reading without a verb is none.
            if tags.into_iter().any(Tag::is_finite) {
                tokens[at].margin = best - score;
            }
        }
    }
}

/// The parts of speech that a token can have.
fn choices(tokens: &[Token], at: usize, cases: &Cases) -> Vec<Choice> {
    let token = &tokens[at];
    if !token.is_word() {
        let is_owner = ["'", "’"].contains(&token.text.as_str())
            && at > 0
            && tokens[at - 1].lower.ends_with('s')
            && tokens[at - 1].bytes.end == token.bytes.start;
        return if is_owner { vec![(Tag::Owner, 0)] } else { vec![(Tag::Mark, 0)] };
    }
    if token.is("'s") {
        return vec![(Tag::Owner, 0), (Tag::Third, -1)];
    }
    if token.text.starts_with(|first: char| first.is_ascii_digit() || "$£€".contains(first)) {
        return if token.lower.ends_with(['t', 'd', 'h']) { vec![(Tag::Adj, 0)] } else { vec![(Tag::Num, 0)] };
    }
    let before_number = tokens.get(at + 1).is_some_and(|next| {
        next.text.starts_with(|first: char| first.is_ascii_digit())
            || LEXICON.known(&next.lower).is_some_and(|known| known[0].0 == Tag::Num && !next.is("one"))
    });
    let is_decade = tokens.get(at + 1).is_some_and(|next| next.text.len() == 4);
    if before_number && !is_decade && token.is_any(&["about", "over", "around", "under", "nearly", "almost"]) {
        return vec![(Tag::Adv, 0)];
    }
    // "US" is no pronoun, and "Germany" a name at the beginning of a sentence, too.
    let is_acronym = token.text.len() > 1 && token.text.chars().all(char::is_uppercase);
    let is_mixed = tokens.iter().any(|token| token.text.len() > 1 && token.text == token.lower);
    if is_acronym && is_mixed || token.is_capitalised() && LEXICON.kind_of_place(&token.lower).is_some() {
        return vec![(Tag::Name, 0)];
    }
    // "Most Norwegians"
    if token.is("most") && at == 0 && tokens.get(1).is_some_and(Token::is_capitalised) {
        return vec![(Tag::Adj, 0)];
    }
    let known = LEXICON.known(&token.lower);
    let is_first = !tokens[..at].iter().any(Token::is_word);
    let is_capitalised = |next: &Token| next.is_word() && next.is_capitalised() && !next.is("i");
    let is_continued = tokens.get(at + 1).is_some_and(is_capitalised);
    let is_name = cases.is_name(&token.lower).filter(|is_name| is_first && (*is_name || !is_continued));
    if !token.is_capitalised() || token.is("i") || is_name == Some(false) {
        return known.map_or_else(|| by_ending(&token.lower), <[Choice]>::to_vec);
    }
    let is_numbered = known.is_some_and(|known| known[0].0.is_noun())
        && tokens.get(at + 1).is_some_and(|next| next.text.starts_with(|first: char| first.is_ascii_digit()));
    let continues = is_numbered || is_continued;
    let mut choices: Vec<Choice> = match known {
        Some(known) if is_first && !LEXICON.is_given_name(&token.lower) => known.to_vec(),
        // A nationality.
        Some(known) => known.iter().filter(|it| it.0 == Tag::Adj).map(|it| (it.0, it.1 - 1)).collect(),
        None if is_first => {
            let found = by_ending(&token.lower);
            found.into_iter().filter(|it| it.0 != Tag::Noun || !continues).map(|it| (it.0, it.1 - 1)).collect()
        }
        None => Vec::new(),
    };
    let is_function_word = known.is_some_and(|known| {
        let known = &known[..1];
        known
            .iter()
            .all(|it| matches!(it.0, Tag::Det | Tag::Prep | Tag::Pron | Tag::Conj | Tag::Sub | Tag::Poss | Tag::Wh))
    });
    if !is_function_word {
        let has_ending = known.is_none() && (by_ending(&token.lower)[0].0 != Tag::Noun || is_derived(&token.lower));
        let is_doubtful = is_first && (known.is_some() || has_ending) && !continues && is_name.is_none();
        let is_quantity =
            token.is_any(&["many", "several", "few", "most", "more", "other", "young", "old", "early", "late"]);
        let weight = match (is_doubtful, is_first && continues && known.is_some() && !is_quantity) {
            (true, _) => -3,
            // "Human Rights Watch"
            (false, true) => 3,
            (false, false) => 0,
        };
        if !(is_first && is_quantity) {
            choices.push((Tag::Name, weight));
        }
    } else if choices.is_empty() {
        choices = known.unwrap_or_default().to_vec();
    }
    choices
}

/// The best sequence and its score: a dynamic program over the parts of speech of two adjacent tokens.
fn best_sequence(tokens: &[Token], choices: &[Vec<Choice>]) -> (i32, Vec<Tag>) {
    /// The score of the best sequence that ends in two tags, and the tag before them.
    type Cell = (i32, usize);
    let mut table: Vec<Vec<Vec<Cell>>> = Vec::with_capacity(tokens.len());
    for at in 0..tokens.len() {
        let before = if at == 0 { 1 } else { choices[at - 1].len() };
        let mut cells = vec![vec![(NEVER * 100, 0); choices[at].len()]; before];
        for (one, row) in cells.iter_mut().enumerate() {
            for (now, cell) in row.iter_mut().enumerate() {
                let (tag, weight) = choices[at][now];
                let earlier = if at < 2 { 1 } else { choices[at - 2].len() };
                for two in 0..earlier {
                    let before_that = table.last().map_or(0, |before| before[two][one].0);
                    let history = |distance: usize, index: usize| {
                        (at >= distance).then(|| (&tokens[at - distance], choices[at - distance][index].0))
                    };
                    let score = transition(history(2, two), history(1, one), &tokens[at], tag);
                    let total = before_that + score + weight;
                    if total > cell.0 {
                        *cell = (total, two);
                    }
                }
            }
        }
        table.push(cells);
    }
    let Some(last) = table.last() else { return (0, Vec::new()) };
    let pairs =
        last.iter().enumerate().flat_map(|(one, row)| row.iter().enumerate().map(move |(now, it)| (it.0, one, now)));
    let (score, mut one, mut now) = pairs.max_by_key(|it| it.0).expect("at least one choice each");
    let mut tags = Vec::with_capacity(tokens.len());
    for at in (0..tokens.len()).rev() {
        tags.push(choices[at][now].0);
        (now, one) = (one, table[at][one][now].1);
    }
    tags.reverse();
    (score, tags)
}

/// A token with a part of speech.
type Tagged<'a> = Option<(&'a Token, Tag)>;

/// How well a part of speech follows the two before it. Adverbs and "not" do not separate.
fn transition(two: Tagged, one: Tagged, token: &Token, tag: Tag) -> i32 {
    let (before, word) = match (two, one) {
        (Some((word, tag)), Some((adverb, Tag::Adv | Tag::Neg))) if !matches!(tag, Tag::Mark) && !adverb.is("as") => {
            (tag, Some(word))
        }
        (_, Some((word, tag))) => (tag, Some(word)),
        (_, None) => return at_start(tag),
    };
    let parallel = match (before, two) {
        (Tag::Conj, Some((_, earlier))) if earlier == tag => 2,
        (Tag::Conj, Some((_, earlier))) if earlier.is_noun() && tag.is_noun() => 1,
        _ => 0,
    };
    parallel + after(before, word.expect("there is a token before"), token, tag)
}

fn at_start(tag: Tag) -> i32 {
    use Tag::*;
    match tag {
        Det | Poss | Name | Pron | Prep | Nouns | Adv | Sub | There => 1,
        Plain | Inf | Third | Past | Modal => -5,
        Wh | Part | To => -1,
        _ => 0,
    }
}

fn after(before: Tag, word: &Token, token: &Token, tag: Tag) -> i32 {
    use Tag::*;
    if tag == Owner {
        return if before.is_noun() { 4 } else { NEVER };
    }
    if tag == There && !matches!(before, Mark | Conj | Sub) {
        return -4;
    }
    let base = LEXICON.base(&word.lower);
    match before {
        Det | Poss | Owner => match tag {
            Noun | Nouns | Adj => {
                let is_plural = word.is_any(&["these", "those", "both", "all", "many", "few", "several"]);
                let is_singular = word.is_any(&["a", "an", "this", "that", "every", "each"]);
                let disagrees = (is_plural && tag == Noun) || (is_singular && tag == Nouns);
                if disagrees { -2 } else { 3 }
            }
            Name | Num => 2,
            Ing | Part | Adv => 0,
            Det if word.is_any(&["all", "both", "half", "such"]) => 1,
            Pron if token.is_any(&["one", "other", "others"]) => 0,
            Prep if word.is_any(&["all", "both", "some", "each", "many", "any"]) => -3,
            _ => -8,
        },
        Adj => match tag {
            Noun | Nouns => 3,
            Name | Adj => 1,
            Third | Past | Modal => -2,
            Plain | Inf | Det | Pron => -4,
            Part | Ing => -1,
            _ => 0,
        },
        Num => match tag {
            Nouns => 4,
            Noun => 2,
            Adj | Num => 1,
            Third | Past | Modal => -1,
            Plain | Pron => -2,
            Inf | Det => -5,
            _ => 0,
        },
        Noun | Name => match tag {
            Third | Past | Modal | Prep | Mark | Wh => 1,
            Name if before == Name => 2,
            Noun | Nouns if before == Noun => 0,
            Plain if before == Noun => -4,
            Plain => -2,
            Inf => -6,
            Ing | Num => -1,
            Part => 0,
            Adj | Det | Poss => -3,
            Pron | Name => -2,
            Noun | Nouns => 0,
            _ => 0,
        },
        Nouns => match tag {
            Plain | Past | Modal | Prep | Mark | Wh => 1,
            Third | Nouns => -5,
            Noun | Adj | Det | Poss => -3,
            Inf => -6,
            Ing | Num => -1,
            Pron | Name => -2,
            _ => 0,
        },
        Pron => after_pronoun(word, tag),
        Prep => match tag {
            Det | Poss | Noun | Nouns | Name | Num | Pron => 2,
            Adj | Ing | Wh => 1,
            Part | Prep | Adv => -1,
            Sub | Conj | Mark => -3,
            _ => -7,
        },
        To => match tag {
            Inf => 5,
            Adv => 0,
            _ => NEVER,
        },
        Modal => match tag {
            Inf => 5,
            Adv | Neg => 1,
            Pron | Det | Name => -3,
            _ => -6,
        },
        There => match tag {
            Third | Past | Plain | Modal => 3,
            _ => -2,
        },
        Sub => match tag {
            Det | Pron | Name | Noun | Nouns | Poss | There => 1,
            Third | Past | Plain | Modal if word.is("that") => -7,
            Third | Past | Plain | Modal | Inf => -4,
            _ => 0,
        },
        Wh => match tag {
            Third | Past | Plain | Modal => 2,
            Inf => -5,
            _ => 0,
        },
        Mark | Conj => match tag {
            Inf => -2,
            Third | Plain => -1,
            _ => 0,
        },
        Third | Past | Plain | Inf | Part | Ing => after_verb(before, base, tag),
        Adv | Neg => match tag {
            Inf => -2,
            _ => 0,
        },
    }
}

fn after_pronoun(word: &Token, tag: Tag) -> i32 {
    use Tag::*;
    if word.is_any(&["him", "me", "us", "them", "her", "himself", "herself", "itself", "themselves"]) {
        return match tag {
            Prep | To | Mark | Adv => 1,
            Inf | Adj | Conj | Sub => 0,
            Past | Third | Plain | Modal if word.lower.ends_with("self") => 1,
            Past | Third | Plain | Modal | Det => -3,
            _ => -2,
        };
    }
    let is_singular = word.is_any(&["he", "she", "it", "this", "that", "one", "everyone", "nothing", "another"]);
    let is_plural = word.is_any(&["they", "we", "you", "i", "these", "those", "both", "all", "some", "others", "many"]);
    match tag {
        Past | Modal => 3,
        Third => {
            if is_plural {
                -4
            } else {
                3
            }
        }
        Plain => {
            if is_singular {
                -4
            } else {
                3
            }
        }
        Prep | Wh | Mark => {
            if is_plural || is_singular {
                0
            } else {
                1
            }
        }
        Noun | Nouns | Name | Adj => -5,
        Inf | Det => -4,
        Ing | Part => -2,
        _ => 0,
    }
}

fn after_verb(before: Tag, base: Option<&str>, tag: Tag) -> i32 {
    use Tag::*;
    match (base, tag) {
        (Some("be"), Part | Ing) => 3,
        (Some("be"), Adj | Det | Poss) => 2,
        (Some("be"), Prep | Name | Num | Adv | Neg) => 1,
        (Some("be"), Past | Third | Plain | Modal | Inf) => -7,
        (Some("have"), Part) => 4,
        (Some("have"), Past) => -5,
        (Some("do"), Inf) => 2,
        (_, Det | Poss) => 2,
        (_, Prep | Adv | To | Sub | Num | Pron | Name | Nouns) => 1,
        (Some("become" | "remain" | "seem" | "grow"), Adj) => 2,
        (_, Noun) if matches!(before, Part | Ing) => 0,
        (_, Past | Third | Plain | Modal) => -5,
        (Some("let" | "make" | "help" | "hear" | "see"), Inf) => 0,
        (_, Inf) => -5,
        (_, Part | Ing) => -1,
        _ => 0,
    }
}
