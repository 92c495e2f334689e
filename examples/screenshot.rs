//! Draws a recorded run as the application shows it, as an SVG picture.
//!
//! ```sh
//! defi-qa ask --events "What is impermanent loss?" | cargo run --example screenshot -- dark 120x40 > screenshots/answer.svg
//! ```
//! The picture is the real screen: the events go through the same model and the same panes as in the terminal. Several
//! recordings may follow each other on standard input, as the questions of one session.

use std::error::Error;
use std::io::{BufRead as _, Write as _, stdin, stdout};

use defi_qa::agent::event::{AgentEvent, Event};
use defi_qa::app::keymap::Command;
use defi_qa::app::{App, Gauges, Loading, Message, Target};
use defi_qa::config::Theme as Choice;
use defi_qa::tui::theme::Theme;
use defi_qa::tui::view::{Rendered, draw};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// Width and height of a cell in the picture's units, for a font of 14.
const CELL: (f64, f64) = (8.43, 18.0);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let light = arguments.next().as_deref() == Some("light");
    let size = arguments.next().unwrap_or_else(|| "120x40".to_owned());
    let (columns, rows) = size.split_once('x').ok_or("the size is written as 120x40")?;
    let mut terminal = Terminal::new(TestBackend::new(columns.parse()?, rows.parse()?))?;
    let theme = Theme::of(if light { Choice::Light } else { Choice::Dark }, None);
    let app = replayed()?;
    let mut rendered = Rendered::default();
    terminal.draw(|frame| {
        draw(frame, &app, &theme, &mut rendered);
    })?;
    stdout().write_all(svg(terminal.backend().buffer(), light).as_bytes())?;
    Ok(())
}

/// The application after the events on standard input, with the first evidence row selected.
fn replayed() -> Result<App, Box<dyn Error>> {
    let mut app = App::default();
    let mut began = 0.0;
    for line in stdin().lock().lines() {
        let mut event: Event = serde_json::from_str(&line?)?;
        if let AgentEvent::Started { question, setup } = &event.what {
            app.update(Message::Gauges(Gauges {
                chat: setup.chat.clone(),
                embedder: setup.embedder.clone(),
                offline: setup.offline,
                dataset: setup.dataset.clone(),
                knowledge: Loading::Ready,
                model: Loading::Ready,
                pairs: setup.pairs,
                cache: Box::default(),
                redis_probe_ms: None,
                limits: None,
            }));
            app.update(Message::Paste(question.clone()));
            began = app.now_ms;
            app.update(Message::Command(Command::Ask));
        }
        // Every recording begins at zero with run 1; here they follow each other.
        event.run = app.entries.last().map_or(event.run, |entry| entry.run);
        app.update(Message::Tick(began + event.at_ms));
        app.update(Message::Agent(Box::new(event)));
    }
    app.update(Message::Click(Target::Citation { entry: 0, number: 1 }));
    Ok(app)
}

fn svg(buffer: &Buffer, light: bool) -> String {
    let (ground, ink) = if light {
        ("#ffffff", "#1f2328")
    } else {
        ("#14161b", "#d7dae0")
    };
    let area = buffer.area;
    let width = f64::from(area.width) * CELL.0 + 24.0;
    let height = f64::from(area.height) * CELL.1 + 24.0;
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" font-family=\"'DejaVu Sans Mono', \
         Menlo, Consolas, monospace\" font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{ground}\"/>\n"
    );
    for y in 0..area.height {
        let mut x = 0;
        while x < area.width {
            let style = look(&buffer[(x, y)], ground, ink);
            let start = x;
            let mut text = String::new();
            while x < area.width && look(&buffer[(x, y)], ground, ink) == style {
                text.push_str(buffer[(x, y)].symbol());
                x += 1;
            }
            span(&mut picture, (start, y, x - start), &text, &style, ground);
        }
    }
    picture.push_str("</svg>\n");
    picture
}

#[derive(PartialEq)]
struct Look {
    ink: String,
    ground: String,
    bold: bool,
    italic: bool,
    underlined: bool,
}

fn look(cell: &Cell, ground: &str, ink: &str) -> Look {
    let mut look = Look {
        ink: colour(cell.fg, ink),
        ground: colour(cell.bg, ground),
        bold: cell.modifier.contains(Modifier::BOLD),
        italic: cell.modifier.contains(Modifier::ITALIC),
        underlined: cell.modifier.contains(Modifier::UNDERLINED),
    };
    if cell.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut look.ink, &mut look.ground);
    }
    look
}

fn span(picture: &mut String, (x, y, cells): (u16, u16, u16), text: &str, look: &Look, ground: &str) {
    let left = f64::from(x) * CELL.0 + 12.0;
    let top = f64::from(y) * CELL.1 + 12.0;
    let width = f64::from(cells) * CELL.0;
    if look.ground != ground {
        picture.push_str(&format!(
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{}\"/>\n",
            CELL.1, look.ground
        ));
    }
    if text.trim().is_empty() {
        return;
    }
    let escaped = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let mut style = String::new();
    for (is, attribute) in [
        (look.bold, " font-weight=\"bold\""),
        (look.italic, " font-style=\"italic\""),
        (look.underlined, " text-decoration=\"underline\""),
    ] {
        style.push_str(if is { attribute } else { "" });
    }
    picture.push_str(&format!(
        "<text x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\" fill=\"{}\"{style} xml:space=\"preserve\">{escaped}</text>\n",
        top + 13.5,
        look.ink
    ));
}

/// The colours that the themes use: the 256-colour cube and its greys.
fn colour(colour: Color, default: &str) -> String {
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    match colour {
        Color::Indexed(n @ 16..=231) => {
            let n = n - 16;
            format!(
                "#{:02x}{:02x}{:02x}",
                level(n / 36),
                level(n / 6 % 6),
                level(n % 6)
            )
        }
        Color::Indexed(n @ 232..=255) => {
            let grey = 8 + 10 * (n - 232);
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
        _ => default.to_owned(),
    }
}
