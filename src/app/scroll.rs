//! What stands where in the panes: the lines of the chat and of what lies over it.

use super::beside::Spot;
use super::{Anchor, App, Focus, Overlay, Page, Target};

impl App {
    pub(super) fn page(&mut self, by: i32) {
        let height = if self.overlay.is_some() {
            self.measured.overlay_height
        } else {
            self.measured.chat_height
        };
        // One line stays, so that the eye keeps its place.
        let lines = i32::try_from(height.saturating_sub(1).max(1)).unwrap_or(i32::MAX);
        if self.overlay.is_some() {
            self.scroll_overlay(by * lines);
        } else {
            self.scroll_chat(by * lines);
        }
    }

    pub(super) fn scroll_chat(&mut self, by: i32) {
        let last = self.measured.chat_lines.saturating_sub(self.measured.chat_height);
        let top = shifted(self.measured.chat_top, by, last);
        self.measured.chat_top = top;
        self.anchor = if top >= last {
            Anchor::End
        } else {
            Anchor::Line(top)
        };
    }

    pub(super) fn scroll_overlay(&mut self, by: i32) {
        if self.overlay == Some(Overlay::Sessions) {
            return self.sessions_step(by);
        }
        if matches!(self.overlay, Some(Overlay::Queries { .. })) {
            return self.mark_query(by);
        }
        let last = self
            .measured
            .overlay_lines
            .saturating_sub(self.measured.overlay_height);
        if let Some(Overlay::Help { top } | Overlay::Pair { top, .. } | Overlay::Compared { top }) =
            &mut self.overlay
        {
            *top = shifted(*top, by, last);
        }
    }

    pub(super) fn scroll_to(&mut self, line: usize) {
        match &mut self.overlay {
            Some(Overlay::Help { top } | Overlay::Pair { top, .. } | Overlay::Compared { top }) => {
                *top = line;
            }
            Some(
                Overlay::Presets { .. }
                | Overlay::Queries { .. }
                | Overlay::Exports { .. }
                | Overlay::Sessions,
            ) => {}
            None => self.anchor = Anchor::Line(line),
        }
    }

    pub(super) fn bottom(&mut self) {
        if self.overlay.is_some() {
            self.scroll_overlay(i32::MAX);
        } else {
            self.anchor = Anchor::End;
            self.selected = self.entries.len().checked_sub(1);
        }
    }

    pub(super) fn wheel(&mut self, over: Target, lines: i32) {
        match over {
            _ if self.overlay.is_some() => self.scroll_overlay(lines),
            _ if self.page == Page::Compare => self.compare.step(lines.signum()),
            Target::Beside(Spot::Text(side) | Spot::Head(side) | Spot::Citation { side, .. }) => {
                self.scroll_beside(side, lines);
            }
            _ if self.page == Page::Beside => self.scroll_beside(self.beside.column, lines),
            Target::Evidence(_) | Target::Side => {
                if self
                    .current()
                    .is_some_and(|entry| !entry.exchange.hits.is_empty())
                {
                    let focus = std::mem::replace(&mut self.focus, Focus::Evidence);
                    self.step(lines.signum());
                    self.focus = focus;
                }
            }
            _ => self.scroll_chat(lines),
        }
    }
}

/// `at` moved by `by`, kept within `0..=last`.
pub(super) fn shifted(at: usize, by: i32, last: usize) -> usize {
    let distance = usize::try_from(by.unsigned_abs()).unwrap_or(usize::MAX);
    if by < 0 {
        at.saturating_sub(distance).min(last)
    } else {
        at.saturating_add(distance).min(last)
    }
}
