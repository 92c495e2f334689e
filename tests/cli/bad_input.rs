//! What is wrong gets one sentence, the right exit code, and loses nothing.

use super::*;

/// The one line on standard error.
fn sentence(output: &Output) -> String {
    let text = stderr(output);
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    assert_eq!(lines.next(), None, "more than one line: {text}");
    first
}

#[test]
fn an_empty_or_blank_question() {
    for question in ["", "   ", "\u{200b}\u{202e}"] {
        let output = run(&["ask", question]);
        assert_eq!(code(&output), 1);
        assert_eq!(
            sentence(&output),
            "defi-qa: parse failed: the question is empty: write one."
        );
    }
}

#[test]
fn a_huge_question() {
    let output = run(&["ask", &"why ".repeat(3_000)]);
    assert_eq!(code(&output), 1);
    assert_eq!(
        sentence(&output),
        "defi-qa: parse failed: the question has 11999 characters and at most 8000 can be asked: shorten it."
    );
}

#[test]
fn a_missing_data_set() {
    let output = run(&["ask", "--dataset", "/no/such/file.json", "what is TVL"]);
    assert_eq!(code(&output), 1);
    assert!(
        sentence(&output).contains("/no/such/file.json"),
        "{}",
        sentence(&output)
    );
}

#[test]
fn a_data_set_with_a_fault_names_file_line_and_field() {
    let path = file(
        "broken.jsonl",
        "{\"id\":\"a\",\"question\":\"q?\",\"answer\":\"yes\"}\n{\"id\":\"b\",\"question\":5}\n",
    );
    let output = run(&["ask", "--dataset", path.to_str().unwrap(), "q"]);
    assert_eq!(code(&output), 1);
    let said = sentence(&output);
    assert!(
        said.contains("broken.jsonl") && said.contains('2') && said.contains("question"),
        "{said}"
    );
}

#[test]
fn a_broken_configuration_names_the_line() {
    let path = file("broken.toml", "[chat]\nmodle = \"x\"\n");
    let output = run(&["--config", path.to_str().unwrap(), "ask", "what is TVL"]);
    assert_eq!(code(&output), 2);
    let said = sentence(&output);
    assert!(
        said.contains("broken.toml") && said.contains("line 2") && said.contains("modle"),
        "{said}"
    );
}

#[test]
fn a_missing_configuration() {
    let output = run(&["--config", "/no/such.toml", "ask", "what is TVL"]);
    assert_eq!(code(&output), 2);
    assert!(sentence(&output).contains("/no/such.toml"));
}

#[test]
fn a_batch_with_a_broken_line_keeps_the_answers_before_it() {
    let path = file(
        "broken-batch.jsonl",
        "{\"id\":1,\"question\":\"what is TVL\"}\n{\"id\":2}\n",
    );
    let output = run(&["ask", "--batch", path.to_str().unwrap()]);
    assert_eq!(code(&output), 2);
    assert_eq!(objects(&output).len(), 1);
    let said = sentence(&output);
    assert!(said.contains("line 2") && said.contains("question"), "{said}");
}

#[test]
fn the_terminal_application_needs_a_terminal() {
    let output = run(&[]);
    assert_eq!(code(&output), 1);
    assert!(
        sentence(&output).contains("is not a terminal"),
        "{}",
        sentence(&output)
    );
}

#[test]
fn an_unknown_flag_or_model() {
    for arguments in [
        &["ask", "--jsn", "q"][..],
        &["--chat", "gpt", "ask", "q"],
        &["search", "-k", "0", "q"],
    ] {
        assert_eq!(code(&run(arguments)), 2, "{arguments:?}");
    }
}
