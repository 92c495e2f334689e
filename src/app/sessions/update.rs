//! What happens in the picker of sessions when something happens.

use tui_textarea::Input;

use super::{Export, Row, SessionsCommand as C, Told};
use crate::agent::event::Exchange;
use crate::app::keymap::Command;
use crate::app::scroll::shifted;
use crate::app::{Anchor, App, Composer, Effect, Focus, Overlay, Page};

impl App {
    pub(in crate::app) fn sessions_command(&mut self, command: C) -> Vec<Effect> {
        match command {
            C::Open if self.replay.is_some() => {
                self.warn(
                    "A recording is shown: leave it (Ctrl-Q) and start defi-qa to see earlier sessions.",
                );
            }
            C::Open if self.overlay == Some(Overlay::Sessions) => self.overlay = None,
            C::Open => {
                self.overlay = Some(Overlay::Sessions);
                self.sessions.naming = None;
                self.sessions.query.show("");
                self.sessions.at = 0;
                return self.find_sessions();
            }
            // The session whose name is being written is not meant.
            C::Delete | C::Undo | C::Rename | C::Export if self.sessions.naming.is_some() => {}
            C::Accept => return self.accept_session(),
            C::Rename => {
                if let Some(row) = self.sessions.marked() {
                    let mut name = Composer::default();
                    name.show(row.name.as_deref().unwrap_or_default());
                    self.sessions.naming = Some(name);
                }
            }
            C::Delete => {
                let marked = self.sessions.marked().map(|row| row.id);
                return marked
                    .map(|id| Effect::DeleteSession { id })
                    .into_iter()
                    .collect();
            }
            C::Export if self.replay.is_some() => {
                self.warn("A recording is shown, which is a file already.");
            }
            C::Export => {
                let in_picker = self.overlay == Some(Overlay::Sessions);
                self.sessions.exporting = self.sessions.marked().map(|row| row.id).filter(|_| in_picker);
                if in_picker && self.sessions.exporting.is_none() {
                    return Vec::new();
                }
                if !in_picker && self.entries.is_empty() {
                    self.warn("Nothing was asked in this session: there is nothing to export.");
                    return Vec::new();
                }
                self.overlay = Some(Overlay::Exports { at: 0 });
            }
            // Offered where it is taken: see `exports_command`.
            C::ChooseExport => {}
            C::Undo => match self.sessions.deleted.pop() {
                Some(id) => return vec![Effect::RestoreSession { id }],
                None => self.warn("Nothing was deleted here: there is nothing to take back."),
            },
        }
        Vec::new()
    }

    /// A key while the ways to export are offered.
    pub(in crate::app) fn exports_command(&mut self, at: usize, command: Command) -> Vec<Effect> {
        match command {
            Command::Up | Command::Down => {
                let by = if command == Command::Up { -1 } else { 1 };
                let at = shifted(at, by, Export::ALL.len() - 1);
                self.overlay = Some(Overlay::Exports { at });
            }
            Command::Escape | Command::Interrupt => self.leave_exports(),
            Command::Sessions(C::ChooseExport) => return self.export_clicked(at),
            Command::Quit => return vec![Effect::Quit],
            // What belongs to the panes below is not meant.
            _ => {}
        }
        Vec::new()
    }

    /// Exports in the way with this index.
    pub(in crate::app) fn export_clicked(&mut self, way: usize) -> Vec<Effect> {
        let Some((what, _)) = Export::ALL.get(way) else {
            return Vec::new();
        };
        let id = self.sessions.exporting;
        self.leave_exports();
        vec![Effect::ExportSession { id, what: *what }]
    }

    /// Back to the picker when the ways were offered there.
    fn leave_exports(&mut self) {
        self.overlay = self.sessions.exporting.take().map(|_| Overlay::Sessions);
    }

    fn find_sessions(&mut self) -> Vec<Effect> {
        let sessions = &mut self.sessions;
        sessions.ticket += 1;
        sessions.searching = true;
        vec![Effect::FindSessions {
            ticket: sessions.ticket,
            query: sessions.query.text(),
        }]
    }

    fn accept_session(&mut self) -> Vec<Effect> {
        let Some(id) = self.sessions.marked().map(|row| row.id) else {
            return Vec::new();
        };
        if let Some(name) = self.sessions.naming.take() {
            let name = one_line(name.text().trim());
            return vec![Effect::RenameSession { id, name }];
        }
        if self.running() > 0 {
            self.warn("A question is still being answered: cancel it (Esc, Esc) or wait, then resume.");
            return Vec::new();
        }
        vec![Effect::OpenSession { id }]
    }

    /// A key or a paste that is text: it goes into the name while one is written, else into the query.
    pub(in crate::app) fn sessions_write(&mut self, write: impl FnOnce(&mut Composer)) -> Vec<Effect> {
        if let Some(name) = &mut self.sessions.naming {
            write(name);
            return Vec::new();
        }
        let query = &mut self.sessions.query;
        let before = query.text();
        write(query);
        let after = one_line(&query.text());
        if after != query.text() {
            query.show(&after);
        }
        if after == before {
            return Vec::new();
        }
        self.sessions.at = 0;
        self.find_sessions()
    }

    pub(in crate::app) fn sessions_type(&mut self, input: Input) -> Vec<Effect> {
        self.sessions_write(|field| field.input(input))
    }

    /// Marks the session that is so many rows further down.
    pub(in crate::app) fn sessions_step(&mut self, by: i32) {
        if self.sessions.naming.is_none() {
            let last = self.sessions.rows.len().saturating_sub(1);
            self.sessions.at = shifted(self.sessions.at, by, last);
        }
    }

    /// A click marks a session; on the marked one it resumes it.
    pub(in crate::app) fn session_clicked(&mut self, row: usize) -> Vec<Effect> {
        if self.sessions.naming.is_some() || row >= self.sessions.rows.len() {
            return Vec::new();
        }
        if std::mem::replace(&mut self.sessions.at, row) == row {
            return self.accept_session();
        }
        Vec::new()
    }

    /// Esc: away with the name that is being written, else with the picker.
    pub(in crate::app) fn sessions_escape(&mut self) {
        if self.sessions.naming.take().is_none() {
            self.overlay = None;
        }
    }

    /// The store answered.
    pub(in crate::app) fn sessions_told(&mut self, told: Told) -> Vec<Effect> {
        match told {
            Told::Exported { path } => self.say(format!("The session was exported to {path}")),
            Told::Copied { text } => {
                self.say(format!(
                    "The session was sent to the terminal's clipboard, {} characters.",
                    text.chars().count()
                ));
                return vec![Effect::Copy { text }];
            }
            Told::Found { ticket, rows } => {
                let sessions = &mut self.sessions;
                if ticket != sessions.ticket {
                    return Vec::new();
                }
                sessions.searching = false;
                sessions.rows = rows;
                sessions.at = sessions.at.min(sessions.rows.len().saturating_sub(1));
            }
            Told::Opened { row, exchanges } => self.opened(&row, exchanges),
            Told::Renamed { title } => self.say(format!("It is called {title} now.")),
            Told::Deleted { id, title } => {
                self.sessions.deleted.push(id);
                self.say(format!("Deleted, Ctrl-Z takes it back: {title}"));
            }
            Told::Restored { title } => self.say(format!("Restored: {title}")),
            Told::Trouble(why) => {
                self.sessions.searching = false;
                self.warn(why);
            }
        }
        Vec::new()
    }

    /// The exchanges of a session take the place of what was shown; new questions go below them, and into it.
    fn opened(&mut self, row: &Row, exchanges: Vec<Exchange>) {
        if self.running() > 0 {
            // Asked between the wish and its answer: what is being answered must stay in sight.
            self.warn("A question is still being answered: open the session again when it has ended.");
            return;
        }
        self.overlay = None;
        self.page = Page::Chat;
        self.focus = Focus::Composer;
        self.anchor = Anchor::End;
        self.side = false;
        self.entries.clear();
        self.rewound += 1;
        self.resume(exchanges);
        self.say(format!("Resumed, new questions go below: {}", row.title));
    }
}

fn one_line(text: &str) -> String {
    text.split(['\n', '\r']).collect::<Vec<_>>().join(" ")
}
