//! The same query through several retrievers.

use super::support::fake_embeddings::answer;
use super::support::fake_provider::FakeProvider;
use super::*;

const QUERY: &str = "someone saw my trade waiting and bought just before me";

fn compare(arguments: &[&str]) -> Output {
    run(&[&["compare", QUERY], arguments].concat())
}

#[test]
fn three_methods_stand_side_by_side() {
    let output = compare(&["-k", "3"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let text = stdout(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("A  hybrid(w=0.7,k1=1.2,b=0.75,unit=all,embedder=local,k=3)  score: fused 0..1"),
        "{text}"
    );
    assert!(lines[2].starts_with("C  lexical(k1=1.2,b=0.75,unit=all,k=3)  score: BM25"));
    assert_eq!(
        lines[4],
        "A: rank   score  margin | B: rank to A   score  margin | C: rank to A   score  margin | pair"
    );
    assert!(
        lines[5].contains(" | mev-sandwich-attack-worked  [someone saw trade waiting bought]"),
        "{text}"
    );
    assert!(text.contains("only C"), "{text}");
    assert!(
        text.contains("\nB against A: ") && text.contains("rank-biased overlap 0."),
        "{text}"
    );
    assert!(text.contains("\nC took lexical "), "{text}");
}

#[test]
fn the_object_says_what_the_table_says_and_its_retrievers_can_be_given_again() {
    let specs = [
        "--retriever",
        "hybrid(w=0.7,k=4)",
        "--retriever",
        "lexical(k=4)",
        "--json",
    ];
    let found = object(&compare(&specs));
    let columns = found["columns"].as_array().unwrap();
    assert_eq!(columns.len(), 2);
    assert_eq!(columns[1]["agreement"], {
        let mut agreement = found["agreements"][0].clone();
        agreement.as_object_mut().unwrap().remove("columns");
        agreement
    });
    assert_eq!(found["rbo_p"], 0.9);
    for row in found["rows"].as_array().unwrap() {
        let cells = row["cells"].as_array().unwrap();
        let shown = |cell: &Value| cell["shown"] == true;
        assert!(cells.iter().any(shown), "{row}");
        let ranks: Vec<_> = cells.iter().map(|cell| cell["rank"].as_i64()).collect();
        let delta = ranks[0].zip(ranks[1]).map(|(first, second)| first - second);
        assert_eq!(cells[1]["delta"].as_i64(), delta, "{row}");
    }
    let again: Vec<String> = columns
        .iter()
        .flat_map(|column| {
            [
                "--retriever".to_owned(),
                column["retriever"].as_str().unwrap().to_owned(),
            ]
        })
        .chain(["--json".to_owned()])
        .collect();
    let again = object(&compare(&again.iter().map(String::as_str).collect::<Vec<_>>()));
    assert_eq!(again["rows"], found["rows"]);
}

#[test]
fn a_search_takes_the_retriever_of_a_comparison() {
    let spec = "hybrid(w=0.9,unit=question,k=3)";
    let found = object(&run(&["search", QUERY, "--retriever", spec, "--json"]));
    let compared = object(&compare(&["--retriever", spec, "--retriever", "dense", "--json"]));
    assert_eq!(found["retriever"], spec);
    let ids = |rows: &Value| -> Vec<String> {
        let rows = rows.as_array().unwrap().iter().take(3);
        rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(found["hits"].as_array().unwrap().len(), 3);
    assert_eq!(ids(&found["hits"]), ids(&compared["rows"]));
    let fewer = object(&run(&["search", QUERY, "--retriever", spec, "-k", "1", "--json"]));
    assert_eq!(fewer["hits"].as_array().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_compared_is_a_sentence_and_exit_code_2() {
    for (arguments, sentence) in [
        (
            &["compare", " "][..],
            "defi-qa: the query is empty; write what to look for\n",
        ),
        (
            &["compare", "q", "--retriever", "dense"],
            "defi-qa: a comparison has two to four retrievers, and 1 were given; give each with --retriever\n",
        ),
        (
            &["compare", "q", "--retriever", "hybrid(w=2)"],
            "w must be a number from 0 to 1, and \"2\" is not; write it like hybrid(w=0.7,k=10)",
        ),
        (
            &["search", "q", "--retriever", "bm25"],
            "there is no retriever \"bm25\"; use one of hybrid, dense, lexical, rrf",
        ),
        (
            &["compare", "q", "--preset", "best"],
            "[possible values: methods, fusions",
        ),
    ] {
        let output = run(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(stderr(&output).contains(sentence), "{}", stderr(&output));
    }
}

#[test]
fn an_embedder_without_an_index_is_offered_one_and_nothing_is_sent() {
    let server = FakeProvider::answering(|request| answer(request, 1_536));
    let output = run(&[
        "compare",
        QUERY,
        "--base-url",
        &server.base_url(),
        "--retriever",
        "dense",
        "--retriever",
        "dense(embedder=openai:text-embedding-3-small)",
    ]);
    assert_eq!(code(&output), 2);
    let sentence = stderr(&output);
    assert!(
        sentence.contains("no vector of openai:text-embedding-3-small yet: run `defi-qa --embedder openai:text-embedding-3-small index`"),
        "{sentence}"
    );
    assert_eq!(server.requests().len(), 0);
}
