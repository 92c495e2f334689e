//! Streams that differ from OpenAI's and are honest all the same are read.

use serde_json::json;

use crate::support::fake_provider::{DONE, FakeProvider, Reply, event, finish, token, usage};
use crate::{client, told};

/// A stream of `text` that ends as a good one does.
fn whole(pieces: &[&[u8]]) -> Reply {
    Reply::stream(
        pieces
            .iter()
            .copied()
            .chain([finish("stop").as_bytes(), DONE.as_bytes()]),
    )
}

#[tokio::test]
async fn odd_but_honest_streams_are_read() {
    let euro = token("€ and 🦀 é");
    let split: Vec<&[u8]> = euro.as_bytes().chunks(1).collect();
    let crlf = (token("a") + &token("b")).replace('\n', "\r\n");
    let bom = format!("\u{feff}{}", token("marked"));
    #[rustfmt::skip]
    let oddities: [(&str, Reply, &str, &str); 17] = [
        ("characters split over reads", whole(&split), "€ and 🦀 é", "stop"),
        ("CRLF line ends", whole(&[crlf.as_bytes()]), "ab", "stop"),
        ("a byte order mark", whole(&[bom.as_bytes()]), "marked", "stop"),
        ("a byte order mark in three reads", whole(&[b"\xef", b"\xbb", b"\xbf", token("x").as_bytes()]), "x", "stop"),
        ("keep-alive comments", whole(&[b": OPENROUTER PROCESSING\n\n", token("x").as_bytes(), b":\n\n"]), "x", "stop"),
        ("fields that mean nothing here", whole(&[b"id: 1\nretry: 5\nevent: message\n", token("x").as_bytes(), b"stray line\n\n"]), "x", "stop"),
        ("no space after the colon", whole(&[token("x").replacen(": ", ":", 1).as_bytes()]), "x", "stop"),
        ("JSON over two data lines", whole(&[b"data: {\"choices\":\ndata: [{\"delta\":{\"content\":\"x\"}}]}\n\n"]), "x", "stop"),
        ("bytes that are no UTF-8", whole(&[b"data: {\"choices\":[{\"delta\":{\"content\":\"a\xffb\"}}]}\n\n"]), "a\u{fffd}b", "stop"),
        ("no choices, null content, reasoning", whole(&[
            event(&json!({"choices": []})).as_bytes(),
            event(&json!({"choices": [{"delta": {"content": null, "reasoning_content": "hm"}}]})).as_bytes(),
            event(&json!({"choices": [{"delta": {"role": "assistant", "reasoning": "hm"}}], "timings": {}})).as_bytes(),
            token("x").as_bytes()]), "x", "stop"),
        ("no [DONE]", Reply::stream([token("x"), finish("stop"), usage(7, 1)]), "x", "stop 7+1"),
        ("a cut after the finish reason", Reply::stream([token("x"), finish("stop")]).cut(), "x", "stop"),
        ("silence after [DONE]", Reply::stream([token("x"), finish("stop"), DONE.to_owned()]).hang(), "x", "stop"),
        ("a last line without its end", Reply::stream([token("x"), finish("length").trim_end().to_owned()]), "x", "length"),
        ("an answer that is not streamed", Reply::raw(200, "application/json", [serde_json::to_string_pretty(&json!({
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "at once"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}})).unwrap()]), "at once", "stop 7+2"),
        ("a filtered answer", Reply::stream([token("x"), finish("content_filter"), DONE.to_owned()]), "x", "contentfilter"),
        ("an unheard-of reason", Reply::stream([token("x"), finish("bored"), DONE.to_owned()]), "x", "other(\"bored\")"),
    ];
    for (name, reply, text, end) in oddities {
        let server = FakeProvider::start([reply]);
        let told = told(&client(&server)).await;
        assert_eq!((told.text.as_str(), told.end.as_str()), (text, end), "{name}");
    }
}

#[tokio::test]
async fn a_line_of_a_megabyte_is_read_whole() {
    let long = "long ".repeat(200_000);
    let server = FakeProvider::start([Reply::stream([token(&long), finish("stop"), DONE.to_owned()])]);
    let told = told(&client(&server)).await;
    assert_eq!(told.text.len(), long.len());
    assert_eq!(told.end, "stop");
}
