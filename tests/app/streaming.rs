//! An answer on its way: seen while it comes, cancelled with its socket, kept when it breaks off.

use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::Signal;

use super::pty::Exit;
use super::support::fake_provider::{DONE, FakeProvider, Reply, finish, token};
use super::*;

/// A stream that says these words, waits at the gate, and ends well with the others.
fn gated(first: &str, then: &str) -> Reply {
    Reply::stream([token(first)])
        .gate()
        .piece(token(then))
        .piece(finish("stop"))
        .piece(DONE)
}

#[test]
fn words_are_seen_while_the_stream_is_open_and_the_composer_works_meanwhile() {
    let server = FakeProvider::start([gated("A loss against ", "holding [1].")]);
    let mut pty = started_with(&server);
    pty.ask(QUESTION);
    pty.wait_for_text("A loss against");
    pty.wait_for_text("answering");
    pty.wait_for_text("1 answer running");
    assert!(!pty.contents().contains("holding [1]"));

    pty.send("a second question");
    pty.wait_for_text("❯ a second question");
    server.open_gate();
    pty.wait_for_answer();
    // Told beside the answer's end, and not always before it.
    pty.wait_for_text("the endpoint reported none");
    let screen = pty.contents();
    for shown in [
        "A loss against holding [1].",
        "1 pair cited",
        "❯ a second question",
    ] {
        assert!(screen.contains(shown), "{shown:?} is missing:\n{screen}");
    }
    assert_eq!(server.disconnects(), 0);
}

#[tokio::test]
async fn escape_cancels_the_request_and_keeps_what_came() {
    let server = FakeProvider::start([Reply::stream([token("Half an answer")]).hang()]);
    let mut pty = started_with(&server);
    pty.ask(QUESTION);
    pty.wait_for_text("Half an answer");
    pty.send(ESC);
    pty.wait_for_text("■ cancelled: the text above is incomplete");
    server.disconnected(1).await;
    assert!(pty.contents().contains("Half an answer"));
    // The question's vector may have come from the disk, before the model was there.
    pty.wait_for("everything to be loaded", says_ready);
    pty.send("go on");
    pty.wait_for_text("❯ go on");
}

#[tokio::test]
async fn ctrl_c_cancels_before_it_leaves() {
    let server = FakeProvider::start([Reply::stream([token("Half an answer")]).hang()]);
    let mut pty = started_with(&server);
    pty.ask(QUESTION);
    pty.wait_for_text("Half an answer");
    pty.send(CTRL_C);
    pty.wait_for_text("■ cancelled");
    server.disconnected(1).await;
    pty.send(CTRL_C);
    assert_eq!(pty.wait_for_exit(), Exit::Code(0));
    pty.assert_given_back();
}

#[tokio::test]
async fn leaving_in_the_middle_of_an_answer_closes_its_socket() {
    let server = FakeProvider::start([Reply::stream([token("Half an answer")]).hang()]);
    let mut pty = started_with(&server);
    pty.ask(QUESTION);
    pty.wait_for_text("Half an answer");
    pty.send(CTRL_Q);
    assert_eq!(pty.wait_for_exit(), Exit::Code(0));
    server.disconnected(1).await;
    pty.assert_given_back();
}

#[test]
fn an_answer_goes_on_after_the_program_was_stopped() {
    let server = FakeProvider::start([gated("A loss against ", "holding [1].")]);
    let mut pty = started_with(&server);
    pty.ask(QUESTION);
    pty.wait_for_text("A loss against");
    pty.send(CTRL_Z);
    pty.wait_for_stop();
    // The rest of the answer comes while nobody reads it.
    server.open_gate();
    pty.signal(Signal::CONT);
    pty.wait_for_answer();
    assert!(
        pty.contents().contains("A loss against holding [1]."),
        "{}",
        pty.contents()
    );
    assert_eq!(server.disconnects(), 0);
}

#[test]
fn two_answers_stream_at_once_each_into_its_own_place() {
    let server = FakeProvider::answering(|request| {
        if asks(&request.body, OTHER_QUESTION) {
            gated("An average ", "over time [1].")
        } else {
            gated("A loss against ", "holding [1].")
        }
    });
    let mut pty = started_with(&server);
    pty.ask(QUESTION);
    pty.wait_for_text("A loss against");
    pty.ask(OTHER_QUESTION);
    pty.wait_for_text("An average");
    pty.wait_for_text("2 answers running");
    assert!(pty.contents().contains("A loss against"), "{}", pty.contents());

    server.open_gate();
    server.open_gate();
    pty.wait_for("both answers", |screen| {
        screen.contents().matches("✓ answered").count() == 2
    });
    let order = [
        "▌ What is a TWAP",
        "│ What is impermanent loss?",
        "A loss against holding [1].",
        "An average over time [1].",
    ]
    .map(|text| pty.find(text).0);
    let [second, first, loss, average] = order;
    assert!(
        first < loss && loss < second && second < average,
        "{}",
        pty.contents()
    );
}

/// Whether the prompt ends with this question; its evidence may hold it, too.
fn asks(body: &serde_json::Value, question: &str) -> bool {
    let last = body["messages"].as_array().and_then(|messages| messages.last());
    last.and_then(|message| message["content"].as_str())
        .is_some_and(|content| content.ends_with(question))
}

#[test]
fn an_answer_that_breaks_off_is_marked_as_failed_and_kept() {
    let half = || Reply::stream([token("Half an answer")]);
    let script = [
        ("the connection is cut", half().cut()),
        ("the stream ends without a finish reason", half()),
        ("the stream says it is done without one", half().piece(DONE)),
    ];
    let (ends, script): (Vec<_>, Vec<_>) = script.into_iter().unzip();
    let answers = AtomicUsize::new(0);
    let server = FakeProvider::answering(move |request| {
        // Whether it goes on from the one before it is asked as well.
        if request.body.to_string().contains("Last question: ") {
            return Reply::answer(&[QUESTION]);
        }
        script[answers.fetch_add(1, Ordering::SeqCst)].clone()
    });
    let mut pty = started_with(&server);
    for (n, how) in ends.into_iter().enumerate() {
        pty.ask(QUESTION);
        pty.wait_for(how, |screen| {
            screen.contents().matches("✗ answer failed").count() == n + 1
        });
    }
    let screen = pty.contents();
    assert_eq!(screen.matches("Half an answer").count(), 3, "{screen}");
    assert!(pty.complaint().contains("Whatcamesofariskept"), "{screen}");
    assert!(!screen.contains("✓"), "{screen}");
    let answers = server.requests();
    let answers = answers
        .iter()
        .filter(|request| !request.body.to_string().contains("Last question: "));
    assert_eq!(answers.count(), 3);
}
