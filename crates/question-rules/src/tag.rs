//! Parts of speech.

/// A part of speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tag {
    /// "the", "this"
    Det,
    /// "his"
    Poss,
    /// "he"
    Pron,
    /// A noun in the singular.
    Noun,
    /// A noun in the plural.
    Nouns,
    /// A name.
    Name,
    /// An adjective.
    Adj,
    /// An adverb.
    Adv,
    /// A number.
    Num,
    /// A preposition.
    Prep,
    /// "to" before a verb
    To,
    /// "and", "or", "but"
    Conj,
    /// A word that begins a subordinate clause.
    Sub,
    /// "who", "which"
    Wh,
    /// "can", "would"
    Modal,
    /// A verb without an ending, after "to" and modal verbs.
    Inf,
    /// A verb without an ending, in the present tense.
    Plain,
    /// A verb that ends in -s.
    Third,
    /// The past tense.
    Past,
    /// The past participle.
    Part,
    /// A verb that ends in -ing.
    Ing,
    /// "not", "never"
    Neg,
    /// "there" before a form of "be"
    There,
    /// "'s" of an owner
    Owner,
    /// Punctuation.
    Mark,
}

impl Tag {
    /// By its name, as in the word lists.
    pub fn by_name(name: &str) -> Option<Self> {
        use Tag::*;
        let all = [
            Det, Poss, Pron, Noun, Nouns, Name, Adj, Adv, Num, Prep, To, Conj, Sub, Wh, Modal, Inf, Plain, Third, Past,
            Part, Ing, Neg, There,
        ];
        all.into_iter().find(|tag| format!("{tag:?}") == name)
    }

    /// Whether a clause can have it as its first verb.
    pub fn is_finite(self) -> bool {
        matches!(self, Self::Modal | Self::Plain | Self::Third | Self::Past)
    }

    /// Whether it is a form of a verb.
    pub fn is_verb(self) -> bool {
        self.is_finite() || matches!(self, Self::Inf | Self::Part | Self::Ing)
    }

    /// Whether it is a noun or a name.
    pub fn is_noun(self) -> bool {
        matches!(self, Self::Noun | Self::Nouns | Self::Name)
    }

    /// The kind within which confusions do no harm.
    pub fn kind(self) -> u8 {
        match self {
            Self::Noun | Self::Nouns | Self::Name | Self::Num | Self::Adj => 0,
            // The parser tells the past tense from the participle.
            Self::Modal | Self::Plain | Self::Third | Self::Past | Self::Part => 2,
            Self::Inf => 3,
            Self::Ing => 4,
            _ => 5,
        }
    }
}
