//! An earlier session that goes on: by a flag, and out of the list of sessions.

use super::pty::Exit;
use super::*;

const CTRL_O: &str = "\x0f";
const F2: &str = "\x1bOQ";

/// The program on the three pairs, with a state that the next one finds again.
fn within(state: &Path, arguments: &[&str]) -> Pty {
    let data = pairs();
    let mut command = program(&["--offline", "--dataset", data.to_str().unwrap()]);
    command.env("XDG_STATE_HOME", state);
    command.args(arguments);
    Pty::spawn(command, 40, 120)
}

/// Asks in the program, and leaves when the answer stands there.
fn ask_and_leave(mut pty: Pty, question: &str) {
    pty.wait_for("everything to be loaded", says_ready);
    pty.ask(question);
    pty.wait_for_text("✓ answered");
    leave(pty);
}

fn leave(mut pty: Pty) {
    pty.send(CTRL_Q);
    assert_eq!(pty.wait_for_exit(), Exit::Code(0));
    pty.assert_given_back();
}

#[test]
fn a_session_goes_on_with_its_answers_and_evidence_and_new_questions_go_into_it() {
    let state = tempfile::tempdir().unwrap();
    ask_and_leave(within(state.path(), &[]), QUESTION);
    ask_and_leave(within(state.path(), &[]), OTHER_QUESTION);

    let mut last = within(state.path(), &["--continue"]);
    last.wait_for_text(OTHER_QUESTION);
    last.wait_for_text("✓ answered");
    let asked = format!("▌ {QUESTION}");
    assert!(!last.contents().contains(&asked), "{}", last.contents());
    leave(last);

    let mut first = within(state.path(), &["--resume", "1"]);
    first.wait_for_text("✓ answered");
    let shown = first.contents();
    assert!(shown.contains(QUESTION) && shown.contains("Evidence"), "{shown}");
    first.wait_for("everything to be loaded", says_ready);
    first.ask(OTHER_QUESTION);
    first.wait_for("both answers", |screen| {
        text_of(screen).matches("✓ answered").count() == 2
    });
    leave(first);

    // It was asked in last, so it is the one that goes on.
    let mut both = within(state.path(), &["-c"]);
    both.wait_for("both answers", |screen| {
        text_of(screen).matches("✓ answered").count() == 2
    });
    leave(both);
}

#[test]
fn a_session_that_is_not_there_is_a_sentence_below_the_prompt() {
    let state = tempfile::tempdir().unwrap();
    for (arguments, said) in [
        (
            &["--continue"][..],
            "no session has been kept yet: ask a question first",
        ),
        (
            &["--resume", "4"][..],
            "there is no session 4: `defi-qa sessions list` names those there are",
        ),
    ] {
        let mut pty = within(state.path(), arguments);
        assert_eq!(pty.wait_for_exit(), Exit::Code(2));
        assert!(pty.contents().contains(said), "{}", pty.contents());
    }
}

#[test]
fn a_session_is_found_renamed_deleted_restored_and_resumed_in_the_list() {
    let state = tempfile::tempdir().unwrap();
    ask_and_leave(within(state.path(), &[]), QUESTION);
    ask_and_leave(within(state.path(), &[]), OTHER_QUESTION);

    let mut pty = within(state.path(), &[]);
    pty.wait_for_text("Ask a DeFi question.");
    pty.send(CTRL_O);
    pty.wait_for_text("Sessions 1 of 2");
    pty.send("imperm");
    // Both showed it as evidence; what was asked comes first.
    pty.wait_for("the session in which it was asked first", |screen| {
        text_of(screen)
            .lines()
            .any(|line| line.contains("▸") && line.contains(QUESTION))
    });
    pty.send(F2);
    pty.wait_for_text("name ❯");
    pty.send("Liquidity");
    pty.send(ENTER);
    pty.wait_for_text("It is called Liquidity now.");
    pty.send(CTRL_D);
    pty.wait_for_text("Deleted, Ctrl-Z takes it back: Liquidity");
    pty.wait_for_text("Sessions 1 of 1");
    pty.send(CTRL_Z);
    pty.wait_for_text("Restored: Liquidity");
    pty.wait_for_text("Sessions 1 of 2");
    pty.send(ENTER);
    pty.wait_for_text("✓ answered");
    let shown = pty.contents();
    let asked = format!("▌ {QUESTION}");
    assert!(shown.contains(&asked) && shown.contains("Evidence"), "{shown}");
    leave(pty);
}
