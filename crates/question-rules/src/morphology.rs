//! Forms of English verbs and nouns.

/// The form for "he", "she" and "it" in the present.
pub fn third_person(base: &str) -> String {
    match base {
        "be" => "is".into(),
        "have" => "has".into(),
        "do" => "does".into(),
        "go" => "goes".into(),
        _ => with_s(base),
    }
}

/// The ending -s, as of a plural.
pub fn with_s(base: &str) -> String {
    if ["s", "x", "z", "ch", "sh"].iter().any(|end| base.ends_with(end)) {
        return format!("{base}es");
    }
    match base.strip_suffix('y') {
        Some(stem) if !stem.ends_with(is_vowel) => format!("{stem}ies"),
        _ => format!("{base}s"),
    }
}

/// The ending -ed.
pub fn with_ed(base: &str) -> String {
    if base.ends_with('e') {
        return format!("{base}d");
    }
    match base.strip_suffix('y') {
        Some(stem) if !stem.ends_with(is_vowel) => format!("{stem}ied"),
        _ => format!("{}ed", doubled(base)),
    }
}

/// The ending -ing.
pub fn with_ing(base: &str) -> String {
    if let Some(stem) = base.strip_suffix("ie") {
        return format!("{stem}ying");
    }
    match base.strip_suffix('e') {
        Some(stem) if !stem.ends_with(['e', 'o', 'y']) && stem.len() > 1 => format!("{stem}ing"),
        _ => format!("{}ing", doubled(base)),
    }
}

/// The singular of a regular or well-known plural; other words unchanged.
pub fn singular(noun: &str) -> String {
    match noun {
        "men" | "women" | "fishermen" | "gentlemen" | "noblemen" | "policemen" => return noun.replace("men", "man"),
        "wolves" | "calves" | "thieves" | "wives" | "lives" | "knives" | "leaves" | "halves" => {
            let stem = &noun[..noun.len() - 3];
            return if ["wi", "li", "kni"].contains(&stem) { format!("{stem}fe") } else { format!("{stem}f") };
        }
        "children" => return "child".into(),
        "mice" => return "mouse".into(),
        "geese" => return "goose".into(),
        "oxen" => return "ox".into(),
        "people" => return "person".into(),
        _ => {}
    }
    if let Some(stem) = noun.strip_suffix("ies").filter(|stem| stem.len() > 2) {
        return format!("{stem}y");
    }
    let is_es = ["sses", "xes", "ches", "shes"].iter().any(|end| noun.ends_with(end));
    if is_es {
        return noun[..noun.len() - 2].into();
    }
    match noun.strip_suffix('s') {
        Some(stem) if !stem.ends_with(['s', 'u', 'i']) && stem.len() > 1 => stem.into(),
        _ => noun.into(),
    }
}

/// With the last consonant doubled where a short stressed vowel is before it.
fn doubled(base: &str) -> String {
    let letters: Vec<char> = base.chars().collect();
    let [.., before, vowel, last] = letters[..] else { return base.into() };
    let is_short = !is_vowel(before) && is_vowel(vowel) && !is_vowel(last) && !"wxyh".contains(last);
    let syllables = letters.iter().filter(|letter| is_vowel(**letter)).count();
    // Verbs of two syllables with the stress on the last one.
    let is_stressed =
        ["admit", "occur", "refer", "prefer", "commit", "permit", "transfer", "control", "compel", "expel"]
            .into_iter()
            .chain([
                "regret", "begin", "forget", "equip", "patrol", "transmit", "submit", "omit", "emit", "propel", "infer",
            ])
            .any(|verb| verb == base);
    if is_short && (syllables == 1 || is_stressed) { format!("{base}{last}") } else { base.into() }
}

fn is_vowel(letter: char) -> bool {
    "aeiou".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_get_their_endings() {
        let forms = |base| [third_person(base), with_ed(base), with_ing(base)];
        assert_eq!(forms("stop"), ["stops", "stopped", "stopping"]);
        assert_eq!(forms("carry"), ["carries", "carried", "carrying"]);
        assert_eq!(forms("play"), ["plays", "played", "playing"]);
        assert_eq!(forms("chase"), ["chases", "chased", "chasing"]);
        assert_eq!(forms("watch"), ["watches", "watched", "watching"]);
        assert_eq!(forms("admit"), ["admits", "admitted", "admitting"]);
        assert_eq!(forms("visit"), ["visits", "visited", "visiting"]);
        assert_eq!([third_person("be"), third_person("have"), with_ing("die")], ["is", "has", "dying"]);
        assert_eq!([with_ing("see"), with_ing("dye"), with_ed("agree")], ["seeing", "dyeing", "agreed"]);
    }

    #[test]
    fn plurals_get_their_singular() {
        let plurals = ["wolves", "wives", "thieves", "foxes", "cities", "geese", "horses", "kings", "women", "glasses"];
        let singulars = ["wolf", "wife", "thief", "fox", "city", "goose", "horse", "king", "woman", "glass"];
        assert_eq!(plurals.map(singular), singulars);
        assert_eq!(["bus", "glass", "basis", "ox"].map(singular), ["bus", "glass", "basis", "ox"]);
    }
}
