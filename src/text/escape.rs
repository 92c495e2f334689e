//! Skips terminal control sequences: what is left are the characters that a reader was meant to see.

use std::iter::Peekable;
use std::str::Chars;

const ESC: char = '\u{1b}';
const BEL: char = '\u{07}';
const CAN: char = '\u{18}';
const SUB: char = '\u{1a}';
/// The 8-bit string terminator; its 7-bit form is `ESC \`.
const ST: char = '\u{9c}';

/// The characters of a text that stand outside of every control sequence (ECMA-48, 7-bit and 8-bit forms).
///
/// A control string (OSC, DCS, APC, PM, SOS) without a terminator ends with its line: a terminal would swallow all
/// that follows, but a reader should not lose the rest of an answer to one stray `ESC ]`.
#[derive(Debug)]
pub(super) struct OutsideSequences<'a> {
    chars: Peekable<Chars<'a>>,
}

impl<'a> OutsideSequences<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            chars: text.chars().peekable(),
        }
    }

    /// After ESC: `[` begins a control sequence, five letters a control string, the rest is one or a few characters.
    fn skip_after_escape(&mut self) {
        match self.chars.peek() {
            Some('[') => {
                self.chars.next();
                self.skip_control_sequence();
            }
            Some(']' | 'P' | 'X' | '^' | '_') => {
                self.chars.next();
                self.skip_control_string();
            }
            Some(' '..='/') => {
                self.skip_while(|c| matches!(c, ' '..='/'));
                self.chars.next_if(|c| matches!(c, '0'..='~'));
            }
            Some('0'..='~') => {
                self.chars.next();
            }
            _ => {}
        }
    }

    /// Parameters, intermediates, one final character. A character that fits none of them ends the sequence unread.
    fn skip_control_sequence(&mut self) {
        self.skip_while(|c| matches!(c, '0'..='?'));
        self.skip_while(|c| matches!(c, ' '..='/'));
        self.chars.next_if(|c| matches!(c, '@'..='~'));
    }

    fn skip_control_string(&mut self) {
        while let Some(&c) = self.chars.peek() {
            match c {
                '\n' | '\r' | ESC => return self.skip_seven_bit_terminator(),
                BEL | ST | CAN | SUB => {
                    self.chars.next();
                    return;
                }
                _ => {
                    self.chars.next();
                }
            }
        }
    }

    /// Takes `ESC \`, and leaves any other escape to begin its own sequence.
    fn skip_seven_bit_terminator(&mut self) {
        let mut ahead = self.chars.clone();
        if ahead.next() == Some(ESC) && ahead.next() == Some('\\') {
            self.chars = ahead;
        }
    }

    fn skip_while(&mut self, belongs: impl Fn(&char) -> bool) {
        while self.chars.next_if(&belongs).is_some() {}
    }
}

impl Iterator for OutsideSequences<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        loop {
            match self.chars.next()? {
                ESC => self.skip_after_escape(),
                '\u{9b}' => self.skip_control_sequence(),
                '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => self.skip_control_string(),
                c => return Some(c),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outside(text: &str) -> String {
        OutsideSequences::new(text).collect()
    }

    #[test]
    fn colours_and_cursor_moves_vanish_in_both_forms() {
        assert_eq!(outside("a\x1b[1;31mred\x1b[0m b"), "ared b");
        assert_eq!(outside("a\u{9b}2Jb\u{9b}?1049hc"), "abc");
        assert_eq!(outside("\x1b[38:2::1:2:3mx\x1b[1 qy"), "xy");
    }

    #[test]
    fn a_title_a_clipboard_write_and_a_hyperlink_vanish_with_their_payload() {
        assert_eq!(outside("a\x1b]0;owned\x07b"), "ab");
        assert_eq!(outside("a\x1b]52;c;c2VjcmV0\x1b\\b"), "ab");
        assert_eq!(
            outside("\x1b]8;;https://evil.example\x1b\\text\x1b]8;;\x1b\\"),
            "text"
        );
        assert_eq!(outside("a\u{9d}0;owned\u{9c}b"), "ab");
    }

    #[test]
    fn every_control_string_is_known() {
        for opener in [
            "\x1bP", "\x1bX", "\x1b^", "\x1b_", "\u{90}", "\u{98}", "\u{9e}", "\u{9f}",
        ] {
            assert_eq!(outside(&format!("a{opener}payload\x1b\\b")), "ab", "{opener:?}");
        }
    }

    #[test]
    fn an_unterminated_string_costs_its_line_and_no_more() {
        assert_eq!(outside("a\x1b]0;never closed\nnext line"), "a\nnext line");
        assert_eq!(outside("a\x1bPnever closed"), "a");
    }

    #[test]
    fn an_unterminated_sequence_ends_where_it_stops_making_sense() {
        assert_eq!(outside("a\x1b[12"), "a");
        assert_eq!(outside("a\x1b[12é"), "aé");
        assert_eq!(outside("a\x1b"), "a");
        assert_eq!(outside("a\x1b\nb"), "a\nb");
        assert_eq!(outside("a\x1b\x1b[1mb"), "ab");
    }

    #[test]
    fn short_escapes_take_their_letters_along() {
        assert_eq!(outside("a\x1bcb\x1b7c\x1b(Bd\x1b#8e"), "abcde");
    }

    #[test]
    fn a_new_sequence_inside_a_string_ends_the_string() {
        assert_eq!(outside("a\x1b]0;x\x1b[31mb"), "ab");
    }
}
