//! The place where a question is written: a text area with a history, in which no draft is ever lost.

use ratatui::style::Style;
use tui_textarea::{CursorMove, Input, Key, TextArea, WrapMode};
use unicode_segmentation::UnicodeSegmentation;

use crate::text;

/// The text area and what was asked from it.
#[derive(Debug)]
pub struct Composer {
    area: TextArea<'static>,
    /// What was asked or set aside, oldest first, without repeats in a row.
    history: Vec<String>,
    /// Where Up and Down stand in the history; `None`: at the draft below its end.
    at: Option<usize>,
    /// The draft that Up left behind, given back by Down.
    draft: String,
}

impl Default for Composer {
    fn default() -> Self {
        Self {
            area: area_of(""),
            history: Vec::new(),
            at: None,
            draft: String::new(),
        }
    }
}

fn area_of(text: &str) -> TextArea<'static> {
    let lines = text.split('\n').map(str::to_owned).collect();
    let mut area = TextArea::new(lines);
    area.set_wrap_mode(WrapMode::WordOrGlyph);
    // The terminal's own cursor stands in the text; a drawn one would stay there when another pane has the focus.
    area.set_cursor_style(Style::default());
    area.set_cursor_line_style(Style::default());
    area.move_cursor(CursorMove::Bottom);
    area.move_cursor(CursorMove::End);
    area
}

impl Composer {
    /// The widget's state, for drawing.
    pub fn area(&self) -> &TextArea<'static> {
        &self.area
    }

    /// The widget's state, for the style of the frame that is drawn.
    pub fn area_mut(&mut self) -> &mut TextArea<'static> {
        &mut self.area
    }

    /// The draft.
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Whether the draft is nothing but white space.
    pub fn is_blank(&self) -> bool {
        self.area.lines().iter().all(|line| line.trim().is_empty())
    }

    /// Takes a key in. Backspace and Delete take a whole grapheme: the text area on its own would leave half an emoji.
    pub fn input(&mut self, input: Input) {
        match input.key {
            Key::Backspace if !input.ctrl && !input.alt && !self.area.is_selecting() => {
                for _ in 0..self.grapheme_before().max(1) {
                    self.area.delete_char();
                }
            }
            Key::Delete if !input.ctrl && !input.alt && !self.area.is_selecting() => {
                for _ in 0..self.grapheme_after().max(1) {
                    self.area.delete_next_char();
                }
            }
            // A key can be one of these where an input method or a keyboard macro sends it.
            Key::Char(typed) if text::is_hidden(typed) => {}
            _ => {
                self.area.input(input);
            }
        }
    }

    /// Puts pasted text in at the cursor, sanitised: a paste can hold escape sequences.
    pub fn paste(&mut self, pasted: &str) {
        self.area.insert_str(text::sanitize(pasted));
    }

    /// Starts a new line at the cursor.
    pub fn newline(&mut self) {
        self.area.insert_newline();
    }

    /// Puts the cursor on a cell of the drawn text.
    pub fn click(&mut self, row: u16, column: u16) {
        let (top, _) = self.area.scroll_offset();
        let at = self
            .area
            .screen_to_data(usize::from(top + row), usize::from(column));
        let clamp = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        self.area.move_cursor(CursorMove::Jump(clamp(at.0), clamp(at.1)));
    }

    /// One line up; from the first line, one question back in the history.
    pub fn up(&mut self) {
        if !self.moved(CursorMove::Up) {
            self.older();
        }
    }

    /// One line down; from the last line, one question on in the history and at its end back to the draft.
    pub fn down(&mut self) {
        if !self.moved(CursorMove::Down) {
            self.newer();
        }
    }

    /// Takes the draft out and remembers it; the composer is empty afterwards.
    pub fn take(&mut self) -> String {
        let text = self.text();
        self.remember(&text);
        self.show("");
        self.at = None;
        self.draft.clear();
        text
    }

    /// Adds a text to the history.
    pub fn remember(&mut self, text: &str) {
        if !text.trim().is_empty() && self.history.last().is_none_or(|last| last != text) {
            self.history.push(text.to_owned());
        }
    }

    /// Joins what a key broke into lines.
    pub(super) fn flatten(&mut self) {
        if self.area.lines().len() > 1 {
            self.show(&one_line(&self.text()));
        }
    }

    /// Replaces what is shown; what stood there must have been kept by the caller.
    pub fn show(&mut self, text: &str) {
        self.area = area_of(text);
    }

    fn moved(&mut self, by: CursorMove) -> bool {
        let before = self.area.cursor();
        self.area.move_cursor(by);
        self.area.cursor() != before
    }

    fn older(&mut self) {
        let next = match self.at {
            None => self.history.len().checked_sub(1),
            Some(at) => at.checked_sub(1),
        };
        if let Some(next) = next {
            self.leave();
            self.at = Some(next);
            self.show(&self.history[next].clone());
        }
    }

    fn newer(&mut self) {
        let Some(at) = self.at else { return };
        self.leave();
        if at + 1 < self.history.len() {
            self.at = Some(at + 1);
            self.show(&self.history[at + 1].clone());
        } else {
            self.at = None;
            let draft = std::mem::take(&mut self.draft);
            self.show(&draft);
        }
    }

    /// Keeps what stands in the text area before another text takes its place: the draft as the draft, a history item
    /// that was edited as the draft too, if there is no other.
    fn leave(&mut self) {
        let text = self.text();
        match self.at {
            None => self.draft = text,
            Some(at) if self.history.get(at).is_some_and(|item| *item != text) && self.draft.is_empty() => {
                self.draft = text;
            }
            Some(at) if self.history.get(at).is_some_and(|item| *item != text) => self.remember(&text),
            Some(_) => {}
        }
    }

    fn grapheme_before(&self) -> usize {
        let cursor = self.area.cursor();
        let line = self.area.lines().get(cursor.0).map_or("", String::as_str);
        let before: String = line.chars().take(cursor.1).collect();
        before
            .graphemes(true)
            .next_back()
            .map_or(0, |grapheme| grapheme.chars().count())
    }

    fn grapheme_after(&self) -> usize {
        let cursor = self.area.cursor();
        let line = self.area.lines().get(cursor.0).map_or("", String::as_str);
        let after: String = line.chars().skip(cursor.1).collect();
        after
            .graphemes(true)
            .next()
            .map_or(0, |grapheme| grapheme.chars().count())
    }
}

/// A text whose line breaks are spaces.
pub(super) fn one_line(text: &str) -> String {
    text.replace("\r\n", " ").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(key: Key) -> Input {
        Input {
            key,
            ..Input::default()
        }
    }

    fn typed(text: &str) -> Composer {
        let mut composer = Composer::default();
        composer.paste(text);
        composer
    }

    #[test]
    fn a_key_that_would_reorder_or_hide_text_writes_nothing() {
        let mut composer = typed("fee");
        for hidden in ['\u{202e}', '\u{200e}', '\u{feff}'] {
            composer.input(key(Key::Char(hidden)));
        }
        composer.input(key(Key::Char('s')));
        assert_eq!(composer.text(), "fees");
    }

    #[test]
    fn up_and_down_walk_the_history_and_give_the_draft_back() {
        let mut composer = typed("first");
        composer.take();
        composer.paste("second");
        composer.take();
        composer.paste("a draft");
        composer.up();
        assert_eq!(composer.text(), "second");
        composer.up();
        assert_eq!(composer.text(), "first");
        composer.up();
        assert_eq!(composer.text(), "first");
        composer.down();
        composer.down();
        assert_eq!(composer.text(), "a draft");
        composer.down();
        assert_eq!(composer.text(), "a draft");
    }

    #[test]
    fn a_history_item_that_was_edited_is_not_lost() {
        let mut composer = typed("first");
        composer.take();
        composer.up();
        composer.paste(" edited");
        composer.down();
        assert_eq!(composer.text(), "first edited");
    }

    #[test]
    fn backspace_and_delete_take_a_whole_grapheme() {
        let mut composer = typed("ok \u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}");
        composer.input(key(Key::Backspace));
        assert_eq!(composer.text(), "ok ");
        let mut composer = typed("e\u{301}x");
        composer.area_mut().move_cursor(CursorMove::Head);
        composer.input(key(Key::Delete));
        assert_eq!(composer.text(), "x");
    }

    #[test]
    fn backspace_at_the_start_of_a_line_joins_the_lines() {
        let mut composer = typed("one\ntwo");
        composer.area_mut().move_cursor(CursorMove::Head);
        composer.input(key(Key::Backspace));
        assert_eq!(composer.text(), "onetwo");
    }

    #[test]
    fn a_paste_leaves_its_escape_sequences_behind() {
        assert_eq!(typed("what\u{1b}[31m is\u{202e} TVL").text(), "what is TVL");
    }
}
