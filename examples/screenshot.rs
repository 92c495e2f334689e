//! Draws a recording as the application shows it, as an SVG picture: its end, or all of it as an animation; or the program
//! itself after some keys.
//!
//! ```sh
//! defi-qa ask --events "What is impermanent loss?" | cargo run --example screenshot -- dark 120x40 > screenshots/answer.svg
//! defi-qa ask --events --beside extractive "..." | cargo run --example screenshot -- dark 120x40 beside > screenshots/beside.svg
//! cargo run --example screenshot -- dark 120x40 animated < data/recordings/faults.jsonl > screenshots/replay.svg
//! cargo run --example screenshot -- dark 120x40 program target/release/defi-qa "a question<F3>" > screenshots/compare.svg
//! ```
//! The picture is the real screen: what was recorded goes through the same model and the same panes as in the terminal.
//! An animation shows it as `replay` does, at its own pace, four times a second. A program is started on a terminal in
//! memory, with an empty home, and drawn when it has been silent for two seconds.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{Write as _, stdin, stdout};

use defi_qa::app::beside::BesideCommand;
use defi_qa::app::keymap::Command;
use defi_qa::app::{App, Message, Replay, Target};
use defi_qa::config::Theme as Choice;
use defi_qa::recording::Recording;
use defi_qa::tui::theme::Theme;
use defi_qa::tui::view::{Rendered, draw};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// Width and height of a cell in the picture's units, for a font of 14.
const CELL: (f64, f64) = (8.43, 18.0);

/// Milliseconds between two pictures of an animation, and for which its end stays.
const FRAME_MS: f64 = 250.0;
const END_MS: f64 = 4_000.0;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let light = arguments.next().as_deref() == Some("light");
    let size = arguments.next().unwrap_or_else(|| "120x40".to_owned());
    let manner = arguments.next();
    let animated = manner.as_deref() == Some("animated");
    let (columns, rows) = size.split_once('x').ok_or("the size is written as 120x40")?;
    let (columns, rows): (u16, u16) = (columns.parse()?, rows.parse()?);
    if manner.as_deref() == Some("program") {
        let path = arguments.next().ok_or("a program is named by its path")?;
        let keys = arguments.next().unwrap_or_default();
        let theme = if light { "light" } else { "dark" };
        let buffer = live::screen(&path, theme, &keys, (columns, rows))?;
        let picture = drawn_rows(&buffer, light).concat();
        stdout().write_all(svg(&buffer, light, &picture).as_bytes())?;
        return Ok(());
    }
    let mut terminal = Terminal::new(TestBackend::new(columns, rows))?;
    let theme = Theme::of(if light { Choice::Light } else { Choice::Dark }, None);
    let recording = Recording::read(stdin().lock(), "standard input")?;
    let mut app = App::replaying(recording.moments, 1.0);
    let mut rendered = Rendered::default();
    let mut frame = |app: &mut App| -> Result<Vec<String>, Box<dyn Error>> {
        terminal.draw(|frame| {
            app.measured = draw(frame, app, &theme, &mut rendered).measured;
        })?;
        Ok(drawn_rows(terminal.backend().buffer(), light))
    };
    let picture = if animated {
        let mut frames = Vec::new();
        let mut now = 0.0;
        while !app.replay.as_ref().is_none_or(Replay::at_end) {
            app.update(Message::Tick(now));
            frames.push(frame(&mut app)?);
            now += FRAME_MS;
        }
        animation(&frames)
    } else {
        app.play_all();
        // A picture of a session, not of a replay.
        app.replay = None;
        app.update(Message::Click(Target::Citation { entry: 0, number: 1 }));
        if manner.as_deref() == Some("beside") {
            app.update(Message::Command(Command::Beside(BesideCommand::Open)));
        }
        frame(&mut app)?.concat()
    };
    let whole = svg(terminal.backend().buffer(), light, &picture);
    stdout().write_all(whole.as_bytes())?;
    Ok(())
}

/// What is drawn of all frames: each piece that was ever seen stands there once, with all others that were seen when it was.
fn animation(frames: &[Vec<String>]) -> String {
    let mut seen: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (n, rows) in frames.iter().enumerate() {
        for piece in rows.iter().flat_map(|row| row.lines()) {
            seen.entry(piece).or_default().push(n);
        }
    }
    // Grounds before texts, or they would lie over them.
    let mut together: BTreeMap<(bool, Vec<usize>), Vec<&str>> = BTreeMap::new();
    for (piece, shown) in seen {
        together
            .entry((piece.starts_with("<text"), shown))
            .or_default()
            .push(piece);
    }
    let group = |((_, shown), pieces): (&(bool, Vec<usize>), &Vec<&str>)| {
        let drawn = pieces.join("\n");
        format!(
            "<g visibility=\"hidden\">{drawn}{}</g>\n",
            visible(shown, frames.len())
        )
    };
    together.iter().map(group).collect()
}

/// Makes what it stands in visible in these of so many frames.
fn visible(shown: &[usize], frames: usize) -> String {
    let total = frames as f64 * FRAME_MS + END_MS;
    let (mut times, mut values) = (vec!["0".to_owned()], vec!["hidden"]);
    let mut turn = |frame: usize, value| {
        times.push(format!("{:.4}", frame as f64 * FRAME_MS / total));
        values.push(value);
    };
    for (place, frame) in shown.iter().enumerate() {
        if place == 0 || shown[place - 1] + 1 < *frame {
            turn(*frame, "visible");
        }
        // The last frame stays until all begins again.
        if shown.get(place + 1) != Some(&(frame + 1)) && frame + 1 < frames {
            turn(frame + 1, "hidden");
        }
    }
    format!(
        "<animate attributeName=\"visibility\" calcMode=\"discrete\" dur=\"{:.2}s\" repeatCount=\"indefinite\" \
         keyTimes=\"{}\" values=\"{}\"/>",
        total / 1e3,
        times.join(";"),
        values.join(";")
    )
}

/// The colours of the ground and of plain text.
fn plain(light: bool) -> (&'static str, &'static str) {
    if light {
        ("#ffffff", "#1f2328")
    } else {
        ("#14161b", "#d7dae0")
    }
}

fn svg(buffer: &Buffer, light: bool, drawn: &str) -> String {
    let (ground, _) = plain(light);
    let area = buffer.area;
    let width = f64::from(area.width) * CELL.0 + 24.0;
    let height = f64::from(area.height) * CELL.1 + 24.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" font-family=\"'DejaVu Sans Mono', \
         Menlo, Consolas, monospace\" font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{ground}\"/>\n\
         {drawn}</svg>\n"
    )
}

/// The rows of a screen, each as what is drawn of it.
fn drawn_rows(buffer: &Buffer, light: bool) -> Vec<String> {
    let (ground, ink) = plain(light);
    let area = buffer.area;
    let row = |y: u16| {
        let mut row = String::new();
        let mut x = 0;
        while x < area.width {
            let style = look(&buffer[(x, y)], ground, ink);
            let start = x;
            let mut text = String::new();
            while x < area.width && look(&buffer[(x, y)], ground, ink) == style {
                text.push_str(buffer[(x, y)].symbol());
                x += 1;
            }
            span(&mut row, (start, y, x - start), &text, &style, ground);
        }
        row
    };
    (0..area.height).map(row).collect()
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

/// A program on a terminal in memory.
mod live {
    use std::error::Error;
    use std::io::{Read as _, Write as _};
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use portable_pty::{CommandBuilder, PtySize, native_pty_system};
    use ratatui::buffer::{Buffer, Cell};
    use ratatui::layout::Rect;
    use ratatui::style::{Color, Modifier, Style};

    /// A program that has said nothing for so long is done.
    const SILENCE: Duration = Duration::from_secs(2);
    /// The longest that a program may take for its first word.
    const START: Duration = Duration::from_secs(20);

    /// What it shows after these keys: plain text, and `<F3>`, `<Down>`, `<Right>`, `<Enter>`, `<Esc>`.
    pub(super) fn screen(
        path: &str,
        theme: &str,
        keys: &str,
        (columns, rows): (u16, u16),
    ) -> Result<Buffer, Box<dyn Error>> {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size)?;
        let home = tempfile::tempdir()?;
        let mut command = CommandBuilder::new(path);
        command.args(["--theme", theme]);
        command.env_clear();
        command.env("HOME", home.path());
        command.env("TERM", "xterm-256color");
        let mut child = pair.slave.spawn_command(command)?;
        let mut reader = pair.master.try_clone_reader()?;
        let mut writer = pair.master.take_writer()?;
        let (told, heard) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if told.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let mut terminal = vt100::Parser::new(rows.try_into()?, columns.try_into()?, 0);
        terminal.process(&heard.recv_timeout(START)?);
        settle(&mut terminal, &heard);
        for key in split(keys) {
            writer.write_all(key.as_bytes())?;
            settle(&mut terminal, &heard);
        }
        child.kill()?;
        child.wait()?;
        Ok(buffer(terminal.screen(), columns, rows))
    }

    fn settle(terminal: &mut vt100::Parser, heard: &Receiver<Vec<u8>>) {
        while let Ok(bytes) = heard.recv_timeout(SILENCE) {
            terminal.process(&bytes);
        }
    }

    /// The keys as a terminal sends them, each text between named keys as one.
    fn split(keys: &str) -> Vec<String> {
        let mut sent = Vec::new();
        for part in keys.split_inclusive('>') {
            let (text, name) = match part.rsplit_once('<') {
                Some((text, name)) => (text, name.trim_end_matches('>')),
                None => (part, ""),
            };
            sent.extend((!text.is_empty()).then(|| text.to_owned()));
            let key = match name {
                "F3" => "\x1bOR",
                "F4" => "\x1bOS",
                "Down" => "\x1b[B",
                "Right" => "\x1b[C",
                "Enter" => "\r",
                "Esc" => "\x1b",
                _ => continue,
            };
            sent.push(key.to_owned());
        }
        sent
    }

    fn buffer(screen: &vt100::Screen, columns: u16, rows: u16) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
        for row in 0..rows {
            for column in 0..columns {
                let Some(cell) = screen.cell(row, column) else {
                    continue;
                };
                let mut drawn = Cell::default();
                drawn.set_symbol(if cell.has_contents() { cell.contents() } else { " " });
                let mut style = Style::default()
                    .fg(colour(cell.fgcolor()))
                    .bg(colour(cell.bgcolor()));
                for (is, modifier) in [
                    (cell.bold(), Modifier::BOLD),
                    (cell.italic(), Modifier::ITALIC),
                    (cell.underline(), Modifier::UNDERLINED),
                    (cell.inverse(), Modifier::REVERSED),
                ] {
                    if is {
                        style = style.add_modifier(modifier);
                    }
                }
                drawn.set_style(style);
                buffer[(column, row)] = drawn;
            }
        }
        buffer
    }

    fn colour(colour: vt100::Color) -> Color {
        match colour {
            vt100::Color::Idx(n) => Color::Indexed(n),
            vt100::Color::Default | vt100::Color::Rgb(..) => Color::Reset,
        }
    }
}
