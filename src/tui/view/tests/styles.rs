//! How a screen is styled: a letter a cell, and what each letter means.

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use insta::assert_snapshot;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Style};

use super::fixtures::{self, QUESTION, answer, answered, token};
use super::{Talk, rows};
use crate::agent::event::{BreakerPhase, Limit, Limits};
use crate::app::Gauges;
use crate::config::Theme as Choice;
use crate::tui::theme::Theme;

/// Every row of text with its letters below it; a cell in no style has a blank.
fn styled(buffer: &Buffer) -> String {
    let mut letters: BTreeMap<String, char> = BTreeMap::new();
    let mut next = 'a'..='z';
    let mut text = String::new();
    for (y, row) in rows(buffer).into_iter().enumerate() {
        let styles: String = (0..buffer.area.width)
            .map(|x| {
                let name = name(buffer[(x, y as u16)].style());
                if name.is_empty() {
                    return ' ';
                }
                *letters.entry(name).or_insert_with(|| next.next().unwrap_or('?'))
            })
            .collect();
        text.push_str(&format!("{row}\n{}\n", styles.trim_end()));
    }
    let mut legend: Vec<_> = letters.into_iter().map(|(name, letter)| (letter, name)).collect();
    legend.sort_unstable();
    for (letter, name) in legend {
        text.push_str(&format!("\n{letter}: {name}"));
    }
    text
}

fn name(style: Style) -> String {
    let mut words = Vec::new();
    for (word, colour) in [("fg", style.fg), ("bg", style.bg)] {
        if let Some(colour) = colour.filter(|colour| *colour != Color::Reset) {
            words.push(format!("{word} {colour}"));
        }
    }
    words.extend(
        style
            .add_modifier
            .iter_names()
            .map(|(name, _)| name.to_lowercase()),
    );
    words.join(", ")
}

/// An answered question whose second evidence row is selected.
fn selected(theme: Choice) -> Talk {
    let mut talk = Talk::on(80, 24);
    talk.theme = Theme::of(theme, None);
    let run = talk.asks(QUESTION);
    talk.finds(run, QUESTION, fixtures::hits());
    for piece in answer() {
        talk.hears(run, 15.0, token(piece));
    }
    talk.hears(run, 20.0, answered(None));
    talk.key(KeyEvent::new(KeyCode::Char('2'), KeyModifiers::ALT));
    talk
}

#[test]
fn a_selected_row_and_its_citation_stand_out() {
    assert_snapshot!("styles_dark_80x24", styled(selected(Choice::Dark).draws()));
}

#[test]
fn without_colours_they_stand_out_too() {
    let text = styled(selected(Choice::None).draws());
    assert!(!text.contains("fg ") && !text.contains("bg "));
    assert_snapshot!("styles_none_80x24", text);
}

/// The limits of an endpoint that is nearly used up and of which the circuit is open.
fn strained(theme: Choice) -> String {
    let limits = Limits {
        requests: Some(Limit {
            limit: 500,
            remaining: 3,
            ..Limit::default()
        }),
        breaker: Some(BreakerPhase::Open),
        probe_in_ms: Some(12_000),
        ..fixtures::gate()
    };
    let gauges = Gauges {
        limits: Some(Box::new(limits)),
        ..fixtures::online()
    };
    let mut talk = Talk::with(80, 24, gauges);
    talk.theme = Theme::of(theme, None);
    styled(talk.draws())
}

#[test]
fn what_is_strained_stands_out_on_a_dark_and_on_a_light_ground_and_without_colours() {
    assert_snapshot!("styles_limits_dark_80x24", strained(Choice::Dark));
    assert_snapshot!("styles_limits_light_80x24", strained(Choice::Light));
    assert_snapshot!("styles_limits_none_80x24", strained(Choice::None));
}
