//! Embeddings of a server: what a request brings, what becomes of many texts, and what a fault costs.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use defi_qa::embedding::remote::{Embedded, Progress};
use defi_qa::embedding::{EmbedError, Embedder, RemoteEmbedder, Vector};
use defi_qa::provider::{EmbeddingClient, EmbeddingReply, Priority, ProviderError};
use serde_json::json;

use crate::clock::Clock;
use crate::support::fake_embeddings::{Account, answer, base64_item, inputs, reply, vector};
use crate::support::fake_provider::{FakeProvider, Recorded, Reply};
use crate::{KEY, endpoint, once};

const DIMENSION: usize = 16;

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("text number {number}")).collect()
}

fn client(server: &FakeProvider) -> EmbeddingClient {
    EmbeddingClient::new(endpoint(&server.base_url())).unwrap()
}

async fn asked(reply: Reply, sent: &[&str]) -> Result<EmbeddingReply, ProviderError> {
    let server = FakeProvider::start([reply]);
    let client = EmbeddingClient::new(endpoint(&server.base_url()).with_retry(once())).unwrap();
    client.embed(&texts(sent), Priority::Chat, |_| {}).await
}

/// An embedder of small requests, so that a test needs few texts.
fn embedder(server: &FakeProvider, inputs: usize) -> RemoteEmbedder {
    RemoteEmbedder::new(client(server), DIMENSION).with_inputs(inputs)
}

async fn embedded(embedder: &RemoteEmbedder, texts: &[String]) -> Embedded {
    let kept = async |_: Vec<(usize, Vector)>, _: Progress| Ok::<(), EmbedError>(());
    embedder.embed_all(texts, Priority::Index, kept).await.unwrap()
}

fn unit(text: &str) -> Vector {
    Vector::normalised(vector(text, DIMENSION), DIMENSION).unwrap()
}

/// Every vector is the one of the text in its place, and nothing failed.
fn assert_whole(embedded: &Embedded, texts: &[String]) {
    assert_eq!(embedded.failed, []);
    let vectors: Vec<Vector> = embedded.vectors.iter().flatten().cloned().collect();
    let expected: Vec<Vector> = texts.iter().map(|text| unit(text)).collect();
    assert!(vectors == expected, "a vector is not that of its text");
}

#[tokio::test]
async fn a_request_names_model_texts_and_form_and_its_answer_is_read_by_index() {
    let items = vec![
        base64_item(1, &[0.5, 2.0]),
        json!({"index": 0, "embedding": [1, -3.5]}),
    ];
    let server = FakeProvider::start([reply(&items, 9)]);
    let client = client(&server).with_dimensions(2);
    let reply = client.embed(&texts(&["a", "b"]), Priority::Chat, |_| {}).await;
    let expected = EmbeddingReply {
        vectors: vec![[1.0, -3.5].into(), [0.5, 2.0].into()],
        tokens: Some(9),
    };
    assert_eq!(reply, Ok(expected));
    let request = &server.requests()[0];
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/v1/embeddings")
    );
    assert_eq!(
        request.body,
        json!({"model": "test-model", "input": ["a", "b"], "encoding_format": "base64", "dimensions": 2})
    );
    assert_eq!(request.headers["authorization"], format!("Bearer {KEY}"));
}

#[tokio::test]
async fn requests_one_after_the_other_share_a_connection() {
    let server = FakeProvider::answering(|request| answer(request, DIMENSION));
    let client = client(&server);
    for _ in 0..5 {
        let reply = client.embed(&texts(&["a", "b"]), Priority::Index, |_| {}).await;
        assert_eq!(reply.unwrap().vectors.len(), 2);
    }
    assert_eq!(server.requests().len(), 5);
    assert_eq!((server.connections(), server.disconnects()), (1, 0));
}

#[tokio::test]
async fn an_answer_that_is_not_one_vector_a_text_names_the_item() {
    let one = base64_item(0, &[1.0]);
    let cases = [
        (
            vec![one.clone()],
            "the item of index 1 is missing, and 2 texts were sent",
        ),
        (
            vec![one.clone(), base64_item(2, &[1.0])],
            "item 1 has the index 2, and 2 texts were sent",
        ),
        (
            vec![one.clone(), one],
            "item 1 has the index 0 of an item before it",
        ),
    ];
    for (items, why) in cases {
        let error = asked(reply(&items, 1), &["a", "b"]).await.unwrap_err();
        let sentence = error.to_string();
        assert!(
            sentence.contains(&format!("brought no readable answer ({why})")),
            "{sentence}"
        );
    }
    for (body, why) in [("<html>", "it is no JSON"), ("[1]", "it has an unknown shape")] {
        let error = asked(Reply::raw(200, "application/json", [body]), &["a"])
            .await
            .unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_taken_in() {
    let huge = format!("[{}", "1,".repeat(1 << 20));
    let error = asked(Reply::raw(200, "application/json", [huge]), &["a"])
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("far longer than an answer can be"),
        "{error}"
    );
}

#[tokio::test]
async fn a_refused_key_is_never_repeated() {
    let refusal = Reply::error(401, "invalid_api_key", &format!("Incorrect API key: {KEY}"));
    let error = asked(refusal, &["a"]).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unauthorized { status: 401, .. }));
    assert!(!format!("{error} {error:?}").contains(KEY));
}

#[tokio::test]
async fn vectors_come_in_the_order_of_the_texts_and_a_duplicate_is_sent_once() {
    let server = FakeProvider::answering(|request| {
        let items = (0..).zip(inputs(request));
        let items = items.map(|(index, text)| base64_item(index, &vector(&text, DIMENSION)));
        let items: Vec<_> = items.collect();
        let items: Vec<_> = items.into_iter().rev().collect();
        reply(&items, 5)
    });
    let mut texts = numbered(50);
    texts.extend(numbered(20));
    let embedded = embedded(&embedder(&server, 7), &texts).await;
    assert_whole(&embedded, &texts);
    let sent: Vec<Vec<String>> = server.requests().iter().map(inputs).collect();
    assert_eq!(sent.len(), 8, "50 distinct texts, 7 a request");
    let mut all = sent.concat();
    all.sort_unstable();
    let mut expected = numbered(50);
    expected.sort_unstable();
    assert_eq!(all, expected);
    assert_eq!(embedded.tokens, 8 * 5, "as the server counted");
}

#[tokio::test]
async fn a_vector_that_is_none_costs_its_own_text_only() {
    let server = FakeProvider::answering(|request| {
        let items = (0..)
            .zip(inputs(request))
            .map(|(index, text)| match text.as_str() {
                "text number 1" => base64_item(index, &[0.0; DIMENSION]),
                "text number 2" => base64_item(index, &[f32::NAN; DIMENSION]),
                "text number 3" => base64_item(index, &[1.0; 3]),
                text => base64_item(index, &vector(text, DIMENSION)),
            });
        let items: Vec<_> = items.collect();
        reply(&items, 1)
    });
    let mut texts = numbered(6);
    texts.push(" ".to_owned());
    let embedded = embedded(&embedder(&server, 100), &texts).await;
    let failed: Vec<(usize, String)> = embedded
        .failed
        .iter()
        .map(|failed| (failed.index, failed.why.to_string()))
        .collect();
    let useless = |why| {
        format!(
            "the embedding model openai:test-model returned a useless vector: {why}; use another embedder"
        )
    };
    assert_eq!(
        failed,
        [
            (1, useless("it has no length and so no direction")),
            (2, useless("number 1 is not finite")),
            (3, useless("it has 3 numbers and should have 16")),
            (
                6,
                "text number 7 is blank and has no meaning to embed; leave it out".to_owned()
            ),
        ]
    );
    for index in [0, 4, 5] {
        assert_eq!(embedded.vectors[index], Some(unit(&texts[index])));
    }
    assert_eq!(server.requests().len(), 1);
}

/// Refuses every request that holds a text of these numbers.
fn picky(refused: &'static [usize]) -> impl Fn(&Recorded) -> Reply {
    |request| {
        let bad = |text: &String| {
            refused
                .iter()
                .any(|number| *text == format!("text number {number}"))
        };
        if inputs(request).iter().any(bad) {
            Reply::error(400, "invalid_request_error", "this input is not wanted")
        } else {
            answer(request, DIMENSION)
        }
    }
}

#[tokio::test]
async fn a_refused_batch_is_halved_until_the_refused_text_stands_alone() {
    let server = FakeProvider::answering(picky(&[5, 40]));
    let texts = numbered(64);
    let embedded = embedded(&embedder(&server, 64), &texts).await;
    let failed: Vec<usize> = embedded.failed.iter().map(|failed| failed.index).collect();
    assert_eq!(failed, [5, 40]);
    assert!(
        embedded.failed[0].why.to_string().contains("(400)"),
        "{}",
        embedded.failed[0]
    );
    assert_eq!(embedded.vectors.iter().flatten().count(), 62);
    // 1 whole, then 2 a level for each of the two texts, over 6 levels at the most.
    assert!(server.requests().len() <= 25, "{}", server.requests().len());
}

#[tokio::test]
async fn a_server_that_refuses_every_text_is_not_asked_for_each() {
    let server = FakeProvider::start([Reply::error(400, "invalid_request_error", "no such parameter")]);
    let embedded = embedded(&embedder(&server, 1_000), &numbered(1_000)).await;
    assert_eq!(embedded.failed.len(), 1_000);
    assert!(embedded.failed[999].why.to_string().contains("no such parameter"));
    let asked = server.requests().len();
    assert!(asked < 100, "{asked} requests");
}

#[tokio::test]
async fn a_refused_key_ends_it_at_once_and_what_came_before_is_kept() {
    let count = AtomicUsize::new(0);
    let server = FakeProvider::answering(move |request| {
        if count.fetch_add(1, Ordering::SeqCst) < 3 {
            answer(request, DIMENSION)
        } else {
            Reply::error(401, "invalid_api_key", "revoked")
        }
    });
    let embedded = embedded(&embedder(&server, 10), &numbered(1_000)).await;
    assert_eq!(embedded.vectors.iter().flatten().count(), 30);
    assert_eq!(embedded.failed.len(), 970);
    assert!(server.requests().len() <= 8, "3 taken, and what was under way");
}

#[tokio::test(start_paused = true)]
async fn a_429_and_a_500_are_waited_for_and_no_text_is_lost() {
    let clock = Clock::stopped();
    let count = AtomicUsize::new(0);
    let server = FakeProvider::answering(move |request| match count.fetch_add(1, Ordering::SeqCst) {
        1 => Reply::error(429, "rate_limit_exceeded", "").header("retry-after", "7"),
        2 => Reply::error(500, "server_error", ""),
        _ => answer(request, DIMENSION),
    });
    let embedder = embedder(&server, 10);
    let texts = numbered(100);
    let start = tokio::time::Instant::now();
    let embedded = driven(&clock, &embedder, &texts).await;
    assert_whole(&embedded, &texts);
    assert!(start.elapsed() >= Duration::from_secs(7), "{:?}", start.elapsed());
    assert_eq!(server.requests().len(), 12, "10 batches, 2 of them twice");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_enforces_its_limits_never_has_to_refuse() {
    let clock = Clock::stopped();
    let (account, now) = (Arc::new(Account::new(60, 600)), clock.ms());
    let counted = Arc::clone(&account);
    let server = FakeProvider::answering(move |request| {
        counted.answer(request, DIMENSION, now.load(Ordering::SeqCst))
    });
    // The first answer tells the limit: before it, five requests go at once.
    let embedder = embedder(&server, 20);
    let texts = numbered(1_000);
    let start = tokio::time::Instant::now();
    let embedded = driven(&clock, &embedder, &texts).await;
    assert_whole(&embedded, &texts);
    let refused = server.requests().len() - 50;
    assert_eq!(refused, 0, "{} requests", server.requests().len());
    // 3,000 tokens, of which the first 600 are there at once.
    let least = (3_000.0 - 600.0) / 600.0 * 60.0;
    let seconds = start.elapsed().as_secs_f64();
    assert!(
        (least..least * 1.05).contains(&seconds),
        "{seconds} s, and {least} s at the least"
    );
}

/// Embeds, and moves the clock whenever all that is left waits for it.
async fn driven(clock: &Clock, embedder: &RemoteEmbedder, texts: &[String]) -> Embedded {
    let gate = embedder.client().unwrap().gate();
    let mut state = gate.limiter_state();
    let all = embedded(embedder, texts);
    tokio::pin!(all);
    loop {
        tokio::select! {
            biased;
            done = &mut all => return done,
            changed = state.changed() => changed.unwrap(),
        }
        let now = gate.limits();
        if now.in_flight == Some(0) {
            // Nothing waits in the queue while a try backs off by itself, which takes at most half a second at first.
            let wait = if now.queued > Some(0) {
                now.next_slot_ms.unwrap_or(0)
            } else {
                500
            };
            clock.advance(Duration::from_millis(wait)).await;
        }
    }
}

#[tokio::test]
async fn what_was_handed_on_before_it_was_dropped_is_kept() {
    let server = FakeProvider::answering(|request| {
        if inputs(request).contains(&"text number 0".to_owned()) {
            answer(request, DIMENSION)
        } else {
            Reply::silent()
        }
    });
    let embedder = embedder(&server, 10);
    let kept = RefCell::new(Vec::new());
    let texts = numbered(100);
    let keep = async |fresh: Vec<(usize, Vector)>, progress: Progress| {
        kept.borrow_mut()
            .extend(fresh.into_iter().map(|(index, _)| index));
        assert_eq!((progress.done, progress.total), (10, 100));
        Ok::<(), EmbedError>(())
    };
    tokio::select! {
        _ = embedder.embed_all(&texts, Priority::Index, keep) => panic!("the server does not answer the rest"),
        () = server.requested(6) => {}
    }
    assert_eq!(
        *kept.borrow(),
        (0..10).collect::<Vec<_>>(),
        "kept before the sixth request went"
    );
    server.disconnected(5).await;
}

#[tokio::test]
async fn a_question_is_embedded_or_says_why_not() {
    let server = FakeProvider::answering(|request| answer(request, DIMENSION));
    let model = embedder(&server, 2_048);
    assert_eq!(model.model_id().to_string(), "openai:test-model (16 dimensions)");
    let vectors = model.embed(texts(&["what is DeFi"])).await.unwrap();
    assert_eq!(vectors, [unit("what is DeFi")]);

    let offline = RemoteEmbedder::offline("test-model", DIMENSION);
    let error = offline.embed(texts(&["what is DeFi"])).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "openai:test-model was not asked for a vector that is not stored, which --offline forbids: go online once, or use \
         `--embedder local`"
    );
}
