//! Colours by role. Every role also differs by a modifier or a glyph, so nothing is told by colour alone.

use ratatui::style::{Color, Modifier, Style};

use crate::config::Theme as Choice;

/// What each kind of text looks like.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    pub text: Style,
    /// What may be overlooked: units, hints, times.
    pub dim: Style,
    pub strong: Style,
    /// What has the focus or is selected, and the questions.
    pub accent: Style,
    pub good: Style,
    pub warn: Style,
    pub bad: Style,
    /// The filled and the empty part of a bar.
    pub bar: Style,
    pub track: Style,
    /// A citation in an answer, and one whose evidence row is selected.
    pub citation: Style,
    pub citation_selected: Style,
    /// A matched term.
    pub term: Style,
    /// The selected evidence row.
    pub row_selected: Style,
    pub code: Style,
    pub rule: Style,
    /// Keys in the status line and in help.
    pub key: Style,
}

impl Theme {
    /// The theme of a choice. `background` is what the environment says of the terminal's background, if it does.
    pub fn of(choice: Choice, background: Option<Background>) -> Self {
        match (choice, background) {
            (Choice::None, _) => Self::plain(),
            (Choice::Light, _) | (Choice::Auto, Some(Background::Light)) => Self::light(),
            _ => Self::dark(),
        }
    }

    fn dark() -> Self {
        Self::coloured(&Palette {
            dim: Color::Indexed(245),
            accent: Color::Indexed(80),
            good: Color::Indexed(114),
            warn: Color::Indexed(221),
            bad: Color::Indexed(210),
            bar: Color::Indexed(74),
            track: Color::Indexed(238),
            selected: Color::Indexed(236),
            code: Color::Indexed(180),
        })
    }

    fn light() -> Self {
        Self::coloured(&Palette {
            dim: Color::Indexed(242),
            accent: Color::Indexed(25),
            good: Color::Indexed(28),
            warn: Color::Indexed(130),
            bad: Color::Indexed(124),
            bar: Color::Indexed(31),
            track: Color::Indexed(252),
            selected: Color::Indexed(254),
            code: Color::Indexed(94),
        })
    }

    fn coloured(palette: &Palette) -> Self {
        let text = Style::new();
        let accent = text.fg(palette.accent);
        Self {
            text,
            dim: text.fg(palette.dim),
            strong: text.add_modifier(Modifier::BOLD),
            accent,
            good: text.fg(palette.good),
            warn: text.fg(palette.warn),
            bad: text.fg(palette.bad).add_modifier(Modifier::BOLD),
            bar: text.fg(palette.bar),
            track: text.fg(palette.track),
            citation: accent,
            citation_selected: accent.add_modifier(Modifier::REVERSED | Modifier::BOLD),
            term: accent.add_modifier(Modifier::UNDERLINED),
            row_selected: text.bg(palette.selected).add_modifier(Modifier::BOLD),
            code: text.fg(palette.code),
            rule: text.fg(palette.track),
            key: accent.add_modifier(Modifier::BOLD),
        }
    }

    fn plain() -> Self {
        let text = Style::new();
        let bold = text.add_modifier(Modifier::BOLD);
        Self {
            text,
            dim: text.add_modifier(Modifier::DIM),
            strong: bold,
            accent: bold,
            good: text,
            warn: text.add_modifier(Modifier::UNDERLINED),
            bad: bold.add_modifier(Modifier::UNDERLINED),
            bar: text,
            track: text.add_modifier(Modifier::DIM),
            citation: bold,
            citation_selected: bold.add_modifier(Modifier::REVERSED),
            term: text.add_modifier(Modifier::UNDERLINED),
            row_selected: text.add_modifier(Modifier::REVERSED),
            code: text,
            rule: text.add_modifier(Modifier::DIM),
            key: bold,
        }
    }
}

struct Palette {
    dim: Color,
    accent: Color,
    good: Color,
    warn: Color,
    bad: Color,
    bar: Color,
    track: Color,
    selected: Color,
    code: Color,
}

/// What a terminal's background is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    Dark,
    Light,
}

impl Background {
    /// Reads `COLORFGBG` ("15;0": the last number is the background's colour of the first sixteen; 7 and 9 to 15 are
    /// light), which rxvt, Konsole and others set.
    pub fn of_colorfgbg(value: &str) -> Option<Self> {
        match value.rsplit(';').next()?.trim().parse::<u8>().ok()? {
            7 | 9..=15 => Some(Self::Light),
            0..=6 | 8 => Some(Self::Dark),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_background_is_read_from_colorfgbg() {
        assert_eq!(Background::of_colorfgbg("15;0"), Some(Background::Dark));
        assert_eq!(Background::of_colorfgbg("0;default;15"), Some(Background::Light));
        assert_eq!(Background::of_colorfgbg("default"), None);
    }

    #[test]
    fn without_colour_there_is_none() {
        let theme = format!("{:?}", Theme::of(Choice::None, Some(Background::Light)));
        assert!(!theme.contains("Indexed"), "{theme}");
    }
}
