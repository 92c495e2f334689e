//! Without a command: the terminal application.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::bench::{self, Wish, Wished};
use super::chats::{Chats, Unasked};
use super::disputed::Judged;
use super::loads::Loads;
use super::parts::{self, Plan};
use super::record::Deck;
use super::{Exit, Failure, draft, export, sessions};
use crate::agent::event::{AgentEvent, Event, Question, RunId, SIDES, SideSpec, Stage, VERSION};
use crate::agent::{Agent, Beside};
use crate::app::sessions::{Export, Told};
use crate::app::{App, Effect, Message};
use crate::config::Config;
use crate::retrieval::comparison::Retriever;
use crate::session::{Change, Into as Session, Keeper, SessionId, Wish as SessionWish};
use crate::tui::theme::{Background, Theme};
use crate::tui::{Ended, Feeds, Runner, Screen, terminal};

/// Events that may wait for the screen before the runs wait for it.
const EVENTS: usize = 1024;

/// `resumed` names the session to go on in, the last one when it has no id; `set` is a judged set to open the comparison
/// on, with its columns.
pub(super) fn run(
    config: &Config,
    record: Option<&Path>,
    resumed: Option<Option<SessionId>>,
    set: Option<(Judged, Vec<Retriever>)>,
) -> Result<Exit, Failure> {
    terminal::install_panic_hook();
    let theme = theme(config);
    let mouse = config.mouse.value;
    let runtime = super::runtime()?;
    let ended = runtime.block_on(async {
        let plan = Plan::at_once(config)?;
        let fixed = plan.gauges();
        let (gates, chats) = (plan.gates(), plan.chats());
        let other = |error: terminal::TerminalError| Failure::other(error.to_string());
        let mut app = App::new(fixed.clone());
        // Before the terminal is taken: a file that cannot be made is a sentence below the prompt.
        let mut deck = Deck::of(config);
        if let Some(path) = record {
            let began = deck.begin(path, &app)?;
            app.update(began);
        }
        let into = match resumed {
            Some(id) => {
                let (session, exchanges) = sessions::resumed(config, id)?;
                app.resume(exchanges);
                Session::Session(session)
            }
            None => Session::New,
        };
        let kept = draft::path();
        if let Some(draft) = kept.as_deref().and_then(draft::load) {
            app.composer.show(&draft);
        }
        let (judged, first) = match set {
            Some((judged, retrievers)) => {
                let first = app.with_set(judged.name.clone(), retrievers);
                (Some(judged), first)
            }
            None => (None, Vec::new()),
        };
        let mut screen = Screen::open(app, theme, mouse).map_err(other)?;
        let (tell, told_sessions) = mpsc::unbounded_channel();
        let news = tell.clone();
        let keeper = sessions::keeper(config, into, move |said| {
            // A screen that is gone does not wait for it.
            let _ = news.send(sessions::told(said));
        });
        let agent = plan.start();
        let cache = Arc::clone(&agent.cache);
        let loads = Loads::of(&agent, fixed, gates);
        let (told, gauges) = watch::channel(loads.gauges());
        tokio::spawn(loads.follow(told));
        let (events, inbox) = mpsc::channel(EVENTS);
        let agent = Arc::new(agent);
        tokio::spawn(count_words(Arc::clone(&agent)));
        let (wishes, compared, ranked) = bench::start(config.clone(), Arc::clone(&agent), judged);
        let mut runs = Runs {
            agent,
            chats,
            wishes,
            events,
            running: HashMap::new(),
            deck,
            keeper,
            tell,
        };
        let feeds = Feeds {
            events: inbox,
            gauges,
            compared,
            ranked,
            sessions: told_sessions,
        };
        for effect in first {
            screen.carry_out(effect, &mut runs);
        }
        let ended = screen.run(feeds, &mut runs).await.map_err(other);
        // However it ended: a closed window must not cost the question that was being written.
        if let Some(kept) = &kept {
            draft::keep(kept, &screen.draft());
        }
        parts::flush(&cache).await;
        sessions::close(runs.keeper).await;
        let recorded = runs.deck.finish();
        ended.and_then(|ended| recorded.map(|()| ended))
    });
    // Work that is still under way on a blocking thread (a half-read data set) is not waited for, however this ended.
    runtime.shutdown_background();
    ended.map(exit)
}

/// The colours that are configured, on the ground that the terminal tells.
pub(super) fn theme(config: &Config) -> Theme {
    let background = std::env::var("COLORFGBG")
        .ok()
        .and_then(|value| Background::of_colorfgbg(&value));
    Theme::of(config.theme.value, background)
}

/// How the application ended, as the shell hears of it.
pub(super) fn exit(ended: Ended) -> Exit {
    match ended {
        Ended::Quit => Exit::Success,
        Ended::Signal(130) => Exit::Interrupted,
        Ended::Signal(code) => Exit::Signal(code.saturating_sub(128)),
    }
}

/// The runs under way, each a task that a token cancels.
struct Runs {
    agent: Arc<Agent>,
    /// Who can be asked beside the configured one.
    chats: Chats,
    events: mpsc::Sender<Event>,
    running: HashMap<RunId, CancellationToken>,
    /// What is to be compared, the newest only.
    wishes: watch::Sender<Option<Wish>>,
    deck: Deck,
    /// Nothing when nothing is to be kept.
    keeper: Option<Keeper>,
    /// What the store says to the screen.
    tell: mpsc::UnboundedSender<Told>,
}

impl Runs {
    fn wish(&self, wish: SessionWish) -> Option<Message> {
        match &self.keeper {
            Some(keeper) => keeper.wish(wish),
            None => return Some(nothing_is_kept()),
        }
        None
    }

    fn export(&self, id: Option<SessionId>, what: Export) -> Option<Message> {
        let tell = self.tell.clone();
        match &self.keeper {
            Some(keeper) => keeper.read(id, move |session, runs| {
                // A screen that is gone does not wait for it.
                let _ = tell.send(export::export(what, session, runs));
            }),
            None => return Some(nothing_is_kept()),
        }
        None
    }

    fn change(&self, id: SessionId, change: Change) -> Option<Message> {
        self.wish(SessionWish::Change { id, change })
    }
}

impl Runs {
    /// A side; who cannot be asked says so in their column.
    fn side(&mut self, run: RunId, spec: SideSpec) -> Beside {
        let cancel = CancellationToken::new();
        self.running.insert(run, cancel.clone());
        let answerer = self.chats.side(&spec).unwrap_or_else(|failure| {
            let (name, why) = (spec.to_string(), failure.message);
            Arc::new(Unasked { name, why })
        });
        Beside {
            run,
            spec,
            answerer,
            cancel,
        }
    }
}

fn nothing_is_kept() -> Message {
    Message::Sessions(Told::Trouble(
        "No session is kept, shown or exported: history is off (--no-history, or keep_sessions in the configuration)."
            .to_owned(),
    ))
}

impl Runner for Runs {
    fn run(&mut self, effect: Effect, app: &App) -> Option<Message> {
        match effect {
            Effect::Ask { run, question } => {
                self.deck.asked(run, &question.text, app);
                self.running.retain(|_, cancel| !cancel.is_cancelled());
                let cancel = CancellationToken::new();
                self.running.insert(run, cancel.clone());
                tokio::spawn(ask(
                    Arc::clone(&self.agent),
                    run,
                    question,
                    self.events.clone(),
                    cancel,
                ));
            }
            Effect::AskBeside { question, sides } => {
                self.running.retain(|_, cancel| !cancel.is_cancelled());
                let sides = sides.map(|(run, spec)| {
                    self.deck.asked(run, &question.text, app);
                    self.side(run, spec)
                });
                let agent = Arc::clone(&self.agent);
                tokio::spawn(ask_beside(agent, question, sides, self.events.clone()));
            }
            Effect::Cancel { run } => {
                if let Some(cancel) = self.running.remove(&run) {
                    cancel.cancel();
                }
            }
            Effect::Compare {
                ticket,
                query,
                retrievers,
            } => {
                self.wishes.send_replace(Some(Wish {
                    ticket,
                    of: Wished::Query(query),
                    retrievers,
                }));
            }
            Effect::RankSet { ticket, retrievers } => {
                self.wishes.send_replace(Some(Wish {
                    ticket,
                    of: Wished::Set,
                    retrievers,
                }));
            }
            Effect::FindSessions { ticket, query } => return self.wish(SessionWish::Find { ticket, query }),
            Effect::OpenSession { id } => return self.wish(SessionWish::Open(id)),
            Effect::RenameSession { id, name } => return self.change(id, Change::Rename(name)),
            Effect::DeleteSession { id } => return self.change(id, Change::Delete),
            Effect::RestoreSession { id } => return self.change(id, Change::Restore),
            Effect::ExportSession { id, what } => return self.export(id, what),
            Effect::Record => return Some(self.deck.toggle(app)),
            Effect::Copy { .. } | Effect::Suspend | Effect::Quit => {}
        }
        None
    }

    fn hears(&mut self, message: &Message, app: &App) -> Option<Message> {
        if let (Some(keeper), Message::Agent(event)) = (&self.keeper, message) {
            keeper.hear(event);
        }
        self.deck.hears(message, app)
    }
}

/// Counts the words of the corpus while the first question is still being typed: a misspelled one is put right by them.
async fn count_words(agent: Arc<Agent>) {
    if let Ok(corpus) = agent.knowledge.get(Stage::Rewrite).await {
        // Whatever goes wrong here goes wrong again, and is told, when a question needs it.
        let _ = tokio::task::spawn_blocking(move || corpus.count_words()).await;
    }
}

/// One run in a task of its own. A run that crashes ends all the same: its question must not spin for ever.
async fn ask(
    agent: Arc<Agent>,
    run: RunId,
    question: Question,
    events: mpsc::Sender<Event>,
    done: CancellationToken,
) {
    let (to, cancel) = (events.clone(), done.clone());
    let asking = tokio::spawn(async move { agent.ask(run, question, to, cancel).await });
    if asking.await.is_err() {
        crashed(run, &events).await;
    }
    // Marks the run as over, so that the list of running ones forgets it.
    done.cancel();
}

/// The same for answers side by side.
async fn ask_beside(
    agent: Arc<Agent>,
    question: Question,
    sides: [Beside; SIDES],
    events: mpsc::Sender<Event>,
) {
    let (to, asked) = (events.clone(), sides.to_vec());
    let asking = tokio::spawn(async move { agent.ask_beside(question, asked, to).await });
    if asking.await.is_err() {
        for side in &sides {
            crashed(side.run, &events).await;
        }
    }
    for side in sides {
        side.cancel.cancel();
    }
}

async fn crashed(run: RunId, events: &mpsc::Sender<Event>) {
    let crashed = Event {
        v: VERSION,
        run,
        at_ms: 0.0,
        what: AgentEvent::Failed {
            stage: Stage::Error,
            message: "the answer's task crashed, which is a fault of this program: ask again".to_owned(),
            retryable: true,
        },
    };
    // Without a reader there is nobody to tell.
    let _ = events.send(crashed).await;
}
