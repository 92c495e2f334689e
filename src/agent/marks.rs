//! Turns of phrase that ask for what is not known here: a figure of this moment, or a decision about somebody's money.
//!
//! They are a weight in the rule and no verdict: "what should I compare before I buy cover" is a question about cover. The
//! lists were made from the tuning half of `data/eval/development.jsonl` and from what the reference questions of
//! `data/scope/outside.json` say; among the 200 questions of that half that belong to the field none is marked, and of
//! its 15 questions about the moment and 10 about a decision all but two and one are.

/// What marks were found in a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// It asks for a figure or an event of this moment.
    pub moment: bool,
    /// It asks what to buy, sell or hold, or what a price will do.
    pub advice: bool,
}

/// A step of a phrase is a word, several of them between `|`, `*` for any one word, `^` for the start of the question or `$` for its end.
const MOMENT: &[&str] = &[
    "right now",
    "now $",
    "at the moment",
    "at this very|exact moment",
    "at this moment $",
    "as of now|today",
    "as we speak",
    "today|tonight|yesterday|currently",
    "this week|month|morning|evening|hour|weekend",
    "last night|week|hour",
    "on monday|tuesday|wednesday|thursday|friday|saturday|sunday $",
    "past|last 24 hours",
    "these days",
    "so far this year|month|week",
    "latest price|apy|apr|rate|tvl|gas|news|hack|exploit|proposal|figures|data",
    "live price|apy|apr|rate|tvl|gas|data|feed",
    "^ current",
    "is|are|what's|whats the current",
    "current * price|apy|apr|rate|tvl|yield|gas|fee|fees|supply|floor|funding",
];

const ADVICE: &[&str] = &[
    "should|shall i buy|sell|hold|invest|put|ape|dump|bet|double|dca|quit|long|short|go|rotate|get|take|keep|move",
    "should|shall i stake|lend|borrow|swap|exit|wait|withdraw|deposit|convert|cash|add|close",
    "should|shall i personally|just|rather|really",
    "do you recommend|think",
    "would you buy|sell|recommend|invest|hold|put",
    "worth buying|investing|holding",
    "good time|moment|investment|buy",
    "good idea|idear to put|buy|sell|invest",
    "which coin|token|altcoin|crypto|chain will|should|is|to|do",
    "tell me what|which|when to",
    "will * moon|pump|crash|recover|outperform|double",
    "will * go up|down",
    "will * * go up|down",
    "will * hit|reach",
    "price prediction|target|forecast",
    "next bull|100x|10x",
    "my savings|pension|retirement|mortgage|rent|house|inheritance|paycheck|salary|job",
    "how much of my money|savings|portfolio",
];

impl Marks {
    pub fn of(question: &str) -> Self {
        let lower = question.to_lowercase();
        let apart = |sign: char| !(sign.is_alphanumeric() || sign == '\'' || sign == '\u{2019}');
        let words: Vec<&str> = lower.split(apart).filter(|word| !word.is_empty()).collect();
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| holds(&words, phrase));
        Self {
            moment: says(MOMENT),
            advice: says(ADVICE),
        }
    }
}

fn holds(words: &[&str], phrase: &str) -> bool {
    if let Some(rest) = phrase.strip_prefix("^ ") {
        return begins(words, rest);
    }
    (0..words.len()).any(|start| begins(words.get(start..).unwrap_or_default(), phrase))
}

fn begins(words: &[&str], phrase: &str) -> bool {
    let mut words = words.iter();
    phrase.split(' ').all(|step| match (step, words.next()) {
        ("$", word) => word.is_none(),
        (_, None) => false,
        ("*", Some(_)) => true,
        (step, Some(word)) => step.split('|').any(|one| one == *word),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Dataset, OutsideKind, outside_questions};

    #[test]
    fn a_question_about_this_moment_or_a_decision_is_marked() {
        for moment in [
            "What is the gas price right now?",
            "blob base fee now",
            "current ETH price",
            "What is the current USDC APY on Aave?",
            "Which protocol was hacked last night?",
        ] {
            assert_eq!((moment, Marks::of(moment).moment), (moment, true));
        }
        for advice in [
            "Should I buy ETH or SOL?",
            "Will bitcoin go up after the halving?",
            "is it a good idea to put my rent money in a pool",
            "Which token will do best in the next bull run?",
        ] {
            assert_eq!((advice, Marks::of(advice).advice), (advice, true));
        }
    }

    #[test]
    fn a_story_and_a_technical_question_are_not() {
        for plain in [
            "The two coins I deposited are now worth less than before, why?",
            "How do I read the current price of a token from a pool's reserves?",
            "What should I compare before I delegate my coins?",
            "When should I use a private transaction?",
            "now",
            "",
        ] {
            let expected = Marks {
                moment: plain == "now",
                advice: false,
            };
            assert_eq!((plain, Marks::of(plain)), (plain, expected));
        }
    }

    #[test]
    fn what_is_known_is_rarely_marked_and_what_is_not_answered_often() {
        let share = |marked: usize, all: usize| marked as f64 / all as f64;
        let dataset = Dataset::bundled().unwrap();
        let known: Vec<&String> = dataset
            .pairs
            .iter()
            .flat_map(|pair| pair.aliases.iter().chain([&pair.question]))
            .collect();
        let marked = known.iter().filter(|text| Marks::of(text) != Marks::default());
        let of_known = share(marked.count(), known.len());
        assert!(of_known < 0.02, "{of_known}");
        let outside = outside_questions().unwrap();
        let of = |kind, mark: fn(Marks) -> bool| {
            let kind: Vec<_> = outside.iter().filter(|outside| outside.kind == kind).collect();
            let marked = kind.iter().filter(|outside| mark(Marks::of(&outside.question)));
            share(marked.count(), kind.len())
        };
        let (live, advice) = (
            of(OutsideKind::Live, |marks| marks.moment),
            of(OutsideKind::Advice, |marks| marks.advice),
        );
        // Half of the references say neither "now" nor "should I": they are declined by what they are near to.
        assert!(live > 0.45 && advice > 0.2, "{live} {advice}");
    }
}
