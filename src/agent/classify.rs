//! What kind of question it is, by stated rules: whether evidence is wanted at all, and whether a stored answer could
//! ever be right.

/// What a question asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Knowledge: the usual case.
    Lookup,
    Talk(Talk),
    /// A figure of this moment, which no stored pair can hold.
    LiveData,
    /// What to buy, sell or hold, which is not answered.
    Advice,
}

/// Small talk that needs no evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Talk {
    Greeting,
    Thanks,
    /// What the program is and can do.
    About,
}

impl Intent {
    /// The name shown in the trace.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lookup => "lookup",
            Self::Talk(_) => "small talk",
            Self::LiveData => "live data",
            Self::Advice => "advice",
        }
    }
}

/// Words that make up a greeting or thanks; a text of these alone is small talk.
const GREETINGS: &[&str] = &[
    "hi",
    "hello",
    "hey",
    "yo",
    "gm",
    "morning",
    "afternoon",
    "evening",
    "good",
    "there",
    "greetings",
];
const THANKS: &[&str] = &[
    "thanks", "thank", "you", "thx", "ty", "cheers", "great", "perfect", "so", "much", "a", "lot", "nice",
];
const ABOUT: &[&str] = &[
    "who are you",
    "what are you",
    "what can you do",
    "what can i ask",
    "what do you know",
    "how do you work",
    "how does this work",
    "help",
    "help me",
    "what is this",
    "what is defi-qa",
    "what is defi qa",
];

/// Words for a figure that moves.
const MOVING: &[&str] = &[
    "price", "prices", "tvl", "apy", "apr", "yield", "yields", "rate", "rates", "gas", "gwei", "cap",
    "volume", "supply", "funding", "worth", "trading", "peg", "balance", "fee", "fees", "base", "factor",
    "borrow", "queue",
];
/// Words for this moment.
const NOW: &[&str] = &[
    "now",
    "today",
    "current",
    "currently",
    "latest",
    "live",
    "tonight",
    "yesterday",
];
/// Things with a price, beside which "how much is" asks for it.
const ASSETS: &[&str] = &[
    "eth", "btc", "bitcoin", "ethereum", "sol", "solana", "uni", "aave", "token", "coin",
];

/// Beginnings and phrases that ask for personal advice.
const ADVICE: &[&str] = &[
    "should i buy",
    "should i sell",
    "should i hold",
    "should i invest",
    "should i put",
    "should i stake my",
    "should i move",
    "should i ape",
    "should i go all in",
    "is it a good time to",
    "is now a good time",
    "good investment",
    "will 10x",
    "will 100x",
    "will moon",
    "going to moon",
    "which coin",
    "what coin",
    "best coin",
    "which token should",
    "what token should",
    "how much should i invest",
    "how much of my",
    "where should i put my",
    "get rich",
    "make me rich",
    "price prediction",
];

/// Reads the intent off the words. Rules, not a model: the same question always takes the same way, and the reason can
/// be told to the user.
pub fn classify(question: &str) -> Intent {
    let lower = question.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '\''))
        .filter(|word| !word.is_empty())
        .collect();
    let plain = words.join(" ");
    if words.is_empty() {
        return Intent::Lookup;
    }
    if ABOUT.contains(&plain.as_str()) {
        return Intent::Talk(Talk::About);
    }
    if words.len() <= 5 {
        let only = |allowed: &[&str]| words.iter().all(|word| allowed.contains(word));
        if only(GREETINGS) && plain != "good" && plain != "there" {
            return Intent::Talk(Talk::Greeting);
        }
        if only(THANKS) && (plain.contains("thank") || ["thx", "ty", "cheers"].contains(&words[0])) {
            return Intent::Talk(Talk::Thanks);
        }
    }
    if ADVICE.iter().any(|phrase| plain.contains(phrase)) {
        return Intent::Advice;
    }
    let has = |set: &[&str]| words.iter().any(|word| set.contains(word));
    let this_moment = has(NOW)
        || ["right now", "at the moment", "this week", "this minute"]
            .iter()
            .any(|p| plain.contains(p));
    let asks_amount = plain.starts_with("how much is") && has(ASSETS) && words.len() <= 6;
    // "how does the current funding rate move towards ..." asks how, not how much.
    let asks_how = [
        "how do",
        "how does",
        "how is",
        "how are",
        "why",
        "explain",
        "difference",
    ]
    .iter()
    .any(|beginning| plain.starts_with(beginning));
    if (this_moment && has(MOVING) && !asks_how) || asks_amount {
        return Intent::LiveData;
    }
    Intent::Lookup
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_thanks_and_questions_about_the_program_are_small_talk() {
        for greeting in ["hi", "Hello there!", "gm", "good morning"] {
            assert_eq!(classify(greeting), Intent::Talk(Talk::Greeting), "{greeting}");
        }
        for thanks in ["thanks", "Thank you so much!", "thx a lot"] {
            assert_eq!(classify(thanks), Intent::Talk(Talk::Thanks), "{thanks}");
        }
        for about in ["What can you do?", "help", "who are you"] {
            assert_eq!(classify(about), Intent::Talk(Talk::About), "{about}");
        }
    }

    #[test]
    fn a_question_that_only_begins_politely_is_a_lookup() {
        for question in [
            "hi, what is a flash loan",
            "thanks, and what is TVL",
            "help me understand slippage",
            "good",
        ] {
            assert_eq!(classify(question), Intent::Lookup, "{question}");
        }
    }

    #[test]
    fn a_figure_of_this_moment_is_live_data_and_a_mechanism_is_not() {
        for live in [
            "what is the ETH price right now",
            "current TVL of Aave",
            "gas price today",
            "how much is eth",
        ] {
            assert_eq!(classify(live), Intent::LiveData, "{live}");
        }
        for lookup in [
            "how does the current funding rate pull a perp to its index",
            "what is a price oracle",
            "why did the peg break in 2023",
            "how is the borrow rate set today in Aave v3",
        ] {
            assert_eq!(classify(lookup), Intent::Lookup, "{lookup}");
        }
    }

    #[test]
    fn what_to_buy_is_advice() {
        for advice in [
            "should I buy SOL",
            "which coin will 10x",
            "is it a good time to ape into memes",
        ] {
            assert_eq!(classify(advice), Intent::Advice, "{advice}");
        }
        assert_eq!(classify("when should a protocol use a TWAP"), Intent::Lookup);
    }
}
