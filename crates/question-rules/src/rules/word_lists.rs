//! Lists of words that rules know.

/// Words that are separated by spaces.
pub struct WordList(&'static str);

impl WordList {
    /// Whether it has this word, in lower case.
    pub fn contains(&self, word: &str) -> bool {
        self.0.split(' ').any(|listed| listed == word)
    }

    /// Whether a word, in lower case, ends with one of them.
    pub fn has_end_of(&self, word: &str) -> bool {
        self.0.split(' ').any(|listed| word.ends_with(listed))
    }
}

/// Nouns at the end of a name that tell what it names.
pub const KINDS: WordList = WordList(
    "university college school museum library church cathedral temple palace castle bridge river lake sea ocean \
     island islands mountain mountains valley desert canal city county empire kingdom republic party company \
     corporation association league committee council parliament senate congress court army war battle treaty act \
     revolution theory prize award institute foundation hospital airport society club dynasty agency agreement \
     convention conference festival theorem street avenue park bay falls commission assembly tribe peninsula \
     province newspaper algorithm",
);

/// Other nouns at the end of a name of a thing.
pub const THINGS: WordList = WordList(
    "accord age album alphabet bank bill board building bureau calendar campaign center centre championship channel \
     charter code constitution cup day deal declaration department disease edict effect engine equation era \
     exchange file game games group hall hotel house journal language law machine magazine medal method ministry \
     movement network news office olympics orchestra organization pact period plan post press principle problem \
     program project rebellion reform road series siege station style syndrome system team test times tower trophy \
     union",
);

/// Nouns of bodies of people, which act like persons.
pub const BODIES: WordList = WordList(
    "coalition administration agency army assembly association board cabinet church clergy commission committee \
     community company congress corporation council court crew firm fleet gang government institution ministry navy \
     nobility parliament party police public senate society team tribe troop union empire kingdom country nation \
     republic league",
);

/// Verbs, in their base form, that do not tell that someone acts.
pub const STATES: WordList = WordList(
    "be have contain include consist comprise become lie need lack cost depend differ exist remain represent \
     require involve resemble last mean begin start end grow collapse cover rise fall increase decrease expand \
     follow affect cause seem appear happen occur constitute",
);

/// Verbs, in their base form, that move something or give it to someone.
pub const MOVING: WordList = WordList(
    "give sell send bring take carry move pump transport deliver return offer export import invite drive drag draw \
     pull push throw transfer present grant show lend hand pay leave lead follow chase drop pour put steal buy \
     remove save free rescue protect separate",
);

/// Things of which there is one, or one in each body.
pub const UNIQUE: WordList = WordList(
    "sun moon earth world sky sea universe heart brain liver lung equator internet atmosphere wind rain body skin blood mind past future public law ground air media poor rich",
);

/// What happens at a time: "in the election".
pub const EVENTS: WordList = WordList(
    "election elections war battle storm race game tournament championship match season competition fight fire",
);

/// Verbs, in their base form, that have two objects.
pub const TWO_OBJECTS: WordList = WordList(
    "give tell teach offer show send bring lend pay sell award grant cost hand promise deny owe save wish buy build \
     get throw cook earn fetch leave lose refuse spare",
);

/// Words before a noun that only say how many: "What was born in Africa?" does not ask for "most slaves".
pub const QUANTIFIERS: [&str; 16] = [
    "all",
    "most",
    "many",
    "some",
    "several",
    "various",
    "different",
    "numerous",
    "certain",
    "few",
    "much",
    "more",
    "both",
    "half",
    "over",
    "about",
];

/// Nouns that need "of" or another sentence.
pub const VAGUE: WordList = WordList(
    "figure opinions practice process example examples reason reasons result results thing things way ways case \
     cases part parts fact exception exceptions difference differences factor factors kind type types one number \
     side sides rest majority end latter former member members purpose goal effect effects outcome aspect version \
     idea focus",
);

/// Verbs, in their base form, that no noun phrase follows but one that is misread.
pub const NO_NOUN: WordList = WordList("lie come go sit stand fall arrive die sleep appear happen exist occur arise");

/// Verbs, in their base form, that have an object unless they are participles.
pub const NEED_OBJECT: WordList = WordList(
    "design make call name locate situate base know give take bring find hold send produce create require allow \
     cause publish intend associate use develop",
);

/// Prepositions that begin a leading phrase which a question keeps.
pub const KEPT_LEADS: WordList =
    WordList("in on at during after before since until from between among throughout within under");

/// Properties with a number after "of".
pub const QUANTITIES: WordList = WordList(
    "population area length height width depth diameter speed capacity weight mass elevation density temperature",
);

/// Ends of nouns of actions, to which prepositions belong: "a rise in prices".
pub const ACTION_ENDINGS: WordList = WordList(
    "tion sion ment ance ence war treaty trade voyage interest road letter attack assault raid rise increase \
     decrease decline tax ban influence impact effect revolt rebellion report book study research work change \
     demand need",
);
