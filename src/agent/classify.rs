//! Whether a question wants evidence at all, by stated rules.

/// What a question asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Knowledge: the usual case.
    Lookup,
    Talk(Talk),
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
}
