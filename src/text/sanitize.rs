//! Takes out of a text what could drive the terminal, reorder it, hide in it or break its layout.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

use super::escape::OutsideSequences;

/// Combining characters kept on one base. Vietnamese needs two, Tibetan and Hebrew with cantillation up to four.
const MAX_MARKS: usize = 4;
/// Zero-width joiners kept in one emoji: the longest recommended sequences (families, couples) have three.
const MAX_JOINS: usize = 4;
/// A tab is a run of this many spaces; markdown counts its tab stops by four, too.
const TAB: &str = "    ";
const ZERO_WIDTH_JOINER: char = '\u{200d}';

/// The text without anything that a terminal or a layout would act on.
///
/// - Control sequences and strings (CSI, OSC, DCS, APC, PM, SOS; 7-bit, 8-bit, unterminated) go with their payload.
/// - `\r\n`, `\r`, VT, FF, NEL and the line and paragraph separators become `\n`; a tab becomes four spaces; every
///   other control character goes.
/// - Bidi controls, invisible and tag characters, interlinear annotations and soft hyphens go; a zero-width joiner
///   stays only inside an emoji, a variation selector only as text or emoji style of the character before it.
/// - More than four combining marks on one base go. A mark with no base, a noncharacter and a private-use character
///   become U+FFFD.
///
/// The only control character left is `\n`. Idempotent, linear, and borrows when there is nothing to do.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut cleaner = Cleaner::with_capacity(text.len());
    OutsideSequences::new(text).for_each(|c| cleaner.take(c));
    if cleaner.out == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(cleaner.out)
    }
}

/// As [`sanitize`], for a place of one line: newlines become spaces.
pub fn sanitize_line(text: &str) -> Cow<'_, str> {
    match sanitize(text) {
        clean if !clean.contains('\n') => clean,
        clean => Cow::Owned(clean.replace('\n', " ")),
    }
}

/// As [`sanitize`], for bytes that should be UTF-8: what is not becomes U+FFFD.
pub fn sanitize_bytes(bytes: &[u8]) -> Cow<'_, str> {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => sanitize(text),
        Cow::Owned(text) => Cow::Owned(sanitize(&text).into_owned()),
    }
}

/// Builds the clean text. Each decision looks only at what is already out, which makes the whole idempotent.
#[derive(Debug)]
struct Cleaner {
    out: String,
    /// The last character that is no combining one, when it can carry some.
    base: Option<char>,
    /// Combining characters on `base`.
    marks: usize,
    /// Zero-width joiners that led to `base`.
    joins: usize,
    /// A joiner came: it is put down if an emoji follows.
    joiner_waits: bool,
    after_return: bool,
}

impl Cleaner {
    fn with_capacity(capacity: usize) -> Self {
        Self {
            out: String::with_capacity(capacity),
            base: None,
            marks: 0,
            joins: 0,
            joiner_waits: false,
            after_return: false,
        }
    }

    fn take(&mut self, c: char) {
        let after_return = std::mem::take(&mut self.after_return);
        match c {
            '\n' if after_return => {}
            '\r' => {
                self.newline();
                self.after_return = true;
            }
            '\n' | '\u{0b}' | '\u{0c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => self.newline(),
            '\t' => {
                self.put_base(' ');
                self.out.push_str(&TAB[1..]);
            }
            ' '..='~' => self.put_base(c),
            ZERO_WIDTH_JOINER => self.joiner_waits = self.base.is_some_and(is_pictographic),
            '\u{fe0e}' | '\u{fe0f}' => self.put_style_selector(c),
            _ if c.is_control() || is_hidden(c) => {}
            _ if is_unassignable(c) => self.put_base(char::REPLACEMENT_CHARACTER),
            _ if is_combining(c) => self.put_mark(c),
            _ if c.width() == Some(0) => {}
            _ => self.put_base(c),
        }
    }

    fn newline(&mut self) {
        self.out.push('\n');
        self.base = None;
        self.joiner_waits = false;
    }

    fn put_base(&mut self, c: char) {
        self.joins = if std::mem::take(&mut self.joiner_waits) && self.joins < MAX_JOINS && is_pictographic(c)
        {
            self.out.push(ZERO_WIDTH_JOINER);
            self.joins + 1
        } else {
            0
        };
        self.out.push(c);
        self.base = Some(c);
        self.marks = 0;
    }

    fn put_mark(&mut self, c: char) {
        self.joiner_waits = false;
        if self.base.is_none() {
            self.put_base(char::REPLACEMENT_CHARACTER);
        } else if self.marks < MAX_MARKS {
            self.out.push(c);
            self.marks += 1;
        }
    }

    /// Text or emoji style: once, and right behind its base.
    fn put_style_selector(&mut self, c: char) {
        self.joiner_waits = false;
        if self.marks == 0 && self.base.is_some_and(|base| !base.is_whitespace()) {
            self.out.push(c);
            self.marks = 1;
        }
    }
}

/// Characters that need no look at their neighbours, in the scripts and symbols that answers are mostly made of.
fn is_plain(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{ac}' | '\u{ae}'..='\u{2ff}')
        || matches!(c, '\u{370}'..='\u{377}' | '\u{37a}'..='\u{37f}' | '\u{384}'..='\u{482}' | '\u{48a}'..='\u{52f}')
        || matches!(c, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{20a0}'..='\u{20c0}')
        || matches!(c, '\u{2190}'..='\u{23ff}' | '\u{2500}'..='\u{27bf}' | '\u{3001}'..='\u{3029}')
        || matches!(c, '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}')
        || matches!(c, '\u{ac00}'..='\u{d7a3}' | '\u{1f300}'..='\u{1f3fa}' | '\u{1f400}'..='\u{1f64f}')
}

/// Characters that are invisible by design: they reorder text, smuggle data, or take a cell and show nothing.
pub fn is_hidden(c: char) -> bool {
    match c {
        // Bidi marks, embeddings, overrides, isolates, and the deprecated format characters.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}' => true,
        // Zero-width space and non-joiner, word joiner, invisible operators, byte order mark.
        '\u{200b}' | '\u{200c}' | '\u{2060}'..='\u{2065}' | '\u{feff}' => true,
        // Soft hyphen, grapheme joiner, Hangul fillers, Khmer inherent vowels, Mongolian vowel separator.
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' => true,
        '\u{3164}' | '\u{ffa0}' => true,
        // Selectors other than text and emoji style (U+FE0E, U+FE0F): mostly a way to hide bytes in plain sight.
        '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0d}' | '\u{e0100}'..='\u{e01ef}' => true,
        // Interlinear annotations, tags, and the rest of the plane that is ignorable by default.
        '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

/// Noncharacters, and private-use characters, whose glyph and width no two terminals agree on.
fn is_unassignable(c: char) -> bool {
    let code = u32::from(c);
    code & 0xfffe == 0xfffe
        || matches!(c, '\u{fdd0}'..='\u{fdef}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}

/// Whether the character joins the cluster before it (`Extend`, `SpacingMark`, and the vowels and finals of Hangul).
fn is_combining(c: char) -> bool {
    if matches!(c, '\u{1161}'..='\u{11ff}' | '\u{d7b0}'..='\u{d7fb}') {
        return true;
    }
    let mut pair = [0; 5];
    pair[0] = b'a';
    let end = 1 + c.encode_utf8(&mut pair[1..]).len();
    std::str::from_utf8(&pair[..end]).is_ok_and(|pair| pair.graphemes(true).count() == 1)
}

/// Whether the character is an emoji in the sense of joining: only between two such does a joiner keep a cluster
/// together (rule GB11 of UAX #29), so the segmenter answers the question.
fn is_pictographic(c: char) -> bool {
    let mut joined = String::with_capacity(12);
    joined.extend([c, ZERO_WIDTH_JOINER, '❤']);
    joined.graphemes(true).count() == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_text_is_borrowed() {
        for text in [
            "",
            "APY is 4.2 %.\nSee [1].",
            "流動性プール",
            "Größe – “ok”",
            "👨\u{200d}👩\u{200d}👧",
            "e\u{301}",
        ] {
            assert!(
                matches!(sanitize(text), Cow::Borrowed(same) if same == text),
                "{text:?}"
            );
        }
    }

    #[test]
    fn controls_go_and_line_breaks_of_every_kind_become_newlines() {
        assert_eq!(sanitize("a\x00b\x07c\x08d\x7fe\u{80}f"), "abcdef");
        assert_eq!(
            sanitize("a\r\nb\rc\u{2028}d\u{2029}e\u{85}f\u{0b}g"),
            "a\nb\nc\nd\ne\nf\ng"
        );
        assert_eq!(sanitize("a\r\r\nb"), "a\n\nb");
        assert_eq!(sanitize("a\tb"), "a    b");
        assert_eq!(sanitize("a\x1b[2J\x1b]0;t\x07b"), "ab");
    }

    #[test]
    fn text_cannot_be_reordered_or_hidden() {
        assert_eq!(
            sanitize("send \u{202e}0001\u{202c} \u{2066}x\u{2069}\u{200f}"),
            "send 0001 x"
        );
        assert_eq!(
            sanitize("pa\u{200b}ss\u{2060}wo\u{200c}rd\u{feff}\u{ad}"),
            "password"
        );
        assert_eq!(sanitize("a\u{e0041}\u{e0042}\u{e007f}b"), "ab");
        assert_eq!(sanitize("\u{fff9}a\u{fffa}b\u{fffb}"), "ab");
        assert_eq!(sanitize("a\u{3164}\u{115f}b"), "ab");
    }

    #[test]
    fn a_joiner_lives_only_inside_an_emoji() {
        assert_eq!(sanitize("a\u{200d}b"), "ab");
        assert_eq!(sanitize("👩\u{200d}"), "👩");
        assert_eq!(sanitize("👩\u{200d}x"), "👩x");
        assert_eq!(sanitize("👩🏽\u{200d}💻"), "👩🏽\u{200d}💻");
        assert_eq!(sanitize("👩\u{200d}\u{200d}\u{200b}💻"), "👩\u{200d}💻");
        let endless = "👩\u{200d}".repeat(100);
        assert_eq!(
            sanitize(&endless).graphemes(true).next(),
            Some("👩\u{200d}👩\u{200d}👩\u{200d}👩\u{200d}👩")
        );
    }

    #[test]
    fn selectors_style_one_character_and_do_not_flood() {
        assert_eq!(sanitize("❤\u{fe0f}"), "❤\u{fe0f}");
        assert_eq!(sanitize("1\u{fe0f}\u{20e3}"), "1\u{fe0f}\u{20e3}");
        assert_eq!(sanitize(&format!("😀{}", "\u{fe0f}".repeat(99))), "😀\u{fe0f}");
        assert_eq!(sanitize(&format!("a{}", "\u{e0121}\u{fe01}".repeat(99))), "a");
    }

    #[test]
    fn marks_are_limited_and_need_a_base() {
        assert_eq!(
            sanitize(&format!("a{}b", "\u{301}".repeat(50))),
            format!("a{}b", "\u{301}".repeat(4))
        );
        assert_eq!(sanitize("\u{301}a"), "\u{fffd}a");
        assert_eq!(sanitize("x\n\u{301}"), "x\n\u{fffd}");
        assert_eq!(
            sanitize(&"\u{93e}".repeat(9)),
            format!("\u{fffd}{}", "\u{93e}".repeat(4))
        );
    }

    #[test]
    fn characters_without_a_meaning_of_their_own_become_the_replacement() {
        assert_eq!(
            sanitize("a\u{fffe}b\u{fdd0}c\u{e0b0}d\u{1ffff}"),
            "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}"
        );
    }

    #[test]
    fn decomposed_hangul_and_indic_clusters_survive() {
        for text in ["\u{1112}\u{1161}\u{11ab}", "क्षि", "กำ", "한국어", "ประเทศไทย"]
        {
            assert_eq!(sanitize(text), text);
        }
    }

    #[test]
    fn a_one_line_place_gets_one_line() {
        assert_eq!(sanitize_line("a\r\nb\nc"), "a b c");
        assert!(matches!(sanitize_line("abc"), Cow::Borrowed("abc")));
    }

    #[test]
    fn broken_utf_8_is_replaced() {
        assert_eq!(sanitize_bytes(b"a\xffb\xc3"), "a\u{fffd}b\u{fffd}");
        assert_eq!(sanitize_bytes(b"a\xff\x1b[31mb"), "a\u{fffd}b");
        assert!(matches!(sanitize_bytes(b"fine"), Cow::Borrowed("fine")));
    }

    /// Strings dense in what the sanitiser must see through.
    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            proptest::char::any().prop_map(String::from),
            prop::sample::select(vec![
                "\x1b", "\x1b[", "\x1b]", "\x1bP", "\x1b\\", "\u{9b}", "\u{9c}", "\u{9d}", "\x07", "\r",
                "\n", "\t", "\u{200d}", "\u{fe0f}", "\u{301}", "👩", "🏽", "🇩", "a", "1", ";", "m", "क",
                "\u{94d}", "\u{1100}", "\u{1161}", "\u{600}",
            ])
            .prop_map(String::from),
        ];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn cleaning_twice_changes_nothing_and_leaves_no_control(text in hostile()) {
            let once = sanitize(&text).into_owned();
            prop_assert!(once.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", once);
            prop_assert_eq!(sanitize(&once), once.as_str());
            prop_assert!(!sanitize_line(&text).contains(char::is_control));
        }

        #[test]
        fn plain_is_what_the_cleaner_would_keep(c in proptest::char::any()) {
            if is_plain(c) {
                let mut cleaner = Cleaner::with_capacity(4);
                cleaner.take(c);
                prop_assert_eq!(cleaner.out, c.to_string());
            }
        }

        #[test]
        fn any_bytes_become_clean_text(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            prop_assert!(sanitize_bytes(&bytes).chars().all(|c| c == '\n' || !c.is_control()));
        }
    }

    #[test]
    fn every_plain_character_is_kept_alone() {
        for c in ('\0'..=char::MAX).filter(|&c| is_plain(c)) {
            let mut cleaner = Cleaner::with_capacity(4);
            cleaner.take(c);
            assert_eq!(cleaner.out, c.to_string());
        }
    }
}
