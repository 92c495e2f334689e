//! A benchmark that is whole, and every way in which one can be broken.

use super::*;

const CORPUS: &str = "{\"_id\":\"d1\",\"title\":\"Pools\",\"text\":\"hold tokens\"}\n\n{\"_id\":\"d2\",\"text\":\"Gas is paid\",\"metadata\":{}}\n";
const QUERIES: &str =
    "{\"_id\":\"q1\",\"text\":\"what holds tokens\"}\n{\"_id\":\"q2\",\"text\":\"unjudged\"}\n";
const QRELS: &str = "query-id\tcorpus-id\tscore\r\nq1\td1\t2\nq1\td2\t0\n";

fn folder(corpus: &str, queries: &str, qrels: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("corpus.jsonl"), corpus).unwrap();
    std::fs::write(folder.path().join("queries.jsonl"), queries).unwrap();
    std::fs::create_dir(folder.path().join("qrels")).unwrap();
    for (name, text) in qrels {
        std::fs::write(folder.path().join("qrels").join(name), text).unwrap();
    }
    folder
}

fn refused(corpus: &str, queries: &str, qrels: &str) -> String {
    let folder = folder(corpus, queries, &[("test.tsv", qrels)]);
    let error = Beir::load(folder.path(), None).unwrap_err().to_string();
    error.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn a_benchmark_is_its_documents_its_judged_queries_and_their_grades() {
    let folder = folder(
        CORPUS,
        QUERIES,
        &[("dev.tsv", "q2\td1\t1\n"), ("test.tsv", QRELS)],
    );
    assert!(Beir::is_at(folder.path()));
    let read = Beir::load(folder.path(), None).unwrap();
    let texts: Vec<_> = read
        .documents
        .pairs
        .iter()
        .map(|pair| pair.answer.as_str())
        .collect();
    assert_eq!(texts, ["Pools hold tokens", "Gas is paid"]);
    assert_eq!(
        read.queries.len(),
        1,
        "a query without a judgement is of another split"
    );
    assert_eq!(
        read.queries[0].grades,
        [("d1".to_owned(), 2), ("d2".to_owned(), 0)]
    );
    assert_eq!(read.split, "test");
    let dev = Beir::load(folder.path(), Some("dev")).unwrap();
    assert_eq!(dev.queries[0].id, "q2");
    let none = Beir::load(folder.path(), Some("train")).unwrap_err().to_string();
    assert!(
        none.ends_with("has no judgements named train: it has dev, test; name one of them with --split"),
        "{none}"
    );
}

#[test]
fn every_fault_names_the_file_the_line_and_what_to_do() {
    for (corpus, queries, qrels, sentence) in [
        (
            "",
            QUERIES,
            QRELS,
            "corpus.jsonl holds nothing; write one JSON object a line",
        ),
        (
            "{\"_id\":\"d1\"",
            QUERIES,
            QRELS,
            "corpus.jsonl:1: EOF while parsing",
        ),
        (
            "{\"_id\":\"d1\"}",
            QUERIES,
            QRELS,
            "corpus.jsonl:1: missing field `text`",
        ),
        (
            "{\"_id\":\"d1\",\"text\":\" \"}",
            QUERIES,
            QRELS,
            "corpus.jsonl:1: the document is empty; correct or delete",
        ),
        (
            &CORPUS.replace("d2", "d1"),
            QUERIES,
            QRELS,
            "corpus.jsonl:3: the id \"d1\" is used twice",
        ),
        (
            CORPUS,
            "{\"_id\":\"q1\",\"text\":\"\"}",
            QRELS,
            "queries.jsonl:1: the query \"q1\" is empty; correct or delete the line",
        ),
        (
            CORPUS,
            &QUERIES.replace("q2", "q1"),
            QRELS,
            "queries.jsonl:2: the id \"q1\" is used twice",
        ),
        (
            CORPUS,
            QUERIES,
            "q1\td1\n",
            "qrels/test.tsv:1: a judgement has 3 fields, this line has 2; write a query's id",
        ),
        (
            CORPUS,
            QUERIES,
            "q1\td1\tgood\n",
            "qrels/test.tsv:1: \"good\" is no grade; write",
        ),
        (
            CORPUS,
            QUERIES,
            "q1\td1\t-1\n",
            "qrels/test.tsv:1: \"-1\" is no grade; write",
        ),
        (
            CORPUS,
            QUERIES,
            "q9\td1\t1\n",
            "qrels/test.tsv:1: queries.jsonl has no query \"q9\"; add it there or delete its judgements",
        ),
        (
            CORPUS,
            QUERIES,
            "q1\td1\t1\nq1\td9\t1\n",
            "qrels/test.tsv:2: corpus.jsonl has no document \"d9\"; add it there or delete the judgement",
        ),
        (
            CORPUS,
            QUERIES,
            "q1\td1\t1\nq1\td1\t0\n",
            "qrels/test.tsv:2: the document \"d1\" is judged twice for \"q1\"; keep one",
        ),
        (
            CORPUS,
            QUERIES,
            "query-id\tcorpus-id\tscore\n",
            "qrels/test.tsv holds nothing",
        ),
    ] {
        let found = refused(corpus, queries, qrels);
        assert!(found.starts_with(sentence), "{found}\nis not\n{sentence}");
    }
}

#[test]
fn broken_text_and_missing_files_are_sentences_too() {
    let whole = folder(CORPUS, QUERIES, &[("test.tsv", QRELS)]);
    let corpus = whole.path().join("corpus.jsonl");
    std::fs::write(
        &corpus,
        b"{\"_id\":\"d1\",\"text\":\"a\"}\n{\"_id\":\"d2\",\"text\":\"\xff\xfe\"}\n",
    )
    .unwrap();
    let broken = Beir::load(whole.path(), None).unwrap_err().to_string();
    assert!(
        broken.contains("corpus.jsonl:2: stream did not contain valid UTF-8; write one JSON"),
        "{broken}"
    );
    std::fs::remove_file(&corpus).unwrap();
    let gone = Beir::load(whole.path(), None).unwrap_err().to_string();
    assert!(
        gone.contains("corpus.jsonl could not be read") && gone.contains("a BEIR folder holds"),
        "{gone}"
    );
    let bare = folder(CORPUS, QUERIES, &[]);
    let none = Beir::load(bare.path(), None).unwrap_err().to_string();
    assert!(
        none.contains("has no judgements named test: it has no .tsv at all"),
        "{none}"
    );
}
