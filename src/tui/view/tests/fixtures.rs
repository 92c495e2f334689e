//! What a run says, with fixed times.

use crate::agent::event::{
    AgentEvent, BreakerPhase, DenseScore, Hit, Kept, LexicalScore, Limit, LimitOrigin, Limits, Nearest,
    Outcome, Setup, Stage, Tier, Usage,
};
use crate::app::{Gauges, Loading};

pub(super) const QUESTION: &str = "What is impermanent loss?";

/// The state of a session in which everything has been loaded.
pub(super) fn ready() -> Gauges {
    Gauges {
        chat: "extractive".into(),
        embedder: "minilm-l6-defi-q4".into(),
        offline: false,
        dataset: "bundled".into(),
        knowledge: Loading::Ready,
        model: Loading::Ready,
        pairs: 347,
        cache: Box::default(),
        redis_probe_ms: None,
        limits: None,
        embedding_limits: None,
    }
}

/// The same with a chat model behind an endpoint.
pub(super) fn online() -> Gauges {
    Gauges {
        chat: "openai:gpt-4.1-mini".into(),
        ..ready()
    }
}

pub(super) fn hits() -> Vec<Hit> {
    [
        (
            "amm-impermanent-loss-formula",
            "How is impermanent loss computed in a 50/50 constant-product pool?",
            "Impermanent loss of a 50/50 constant-product pool is `2 * sqrt(r) / (1 + r) - 1`, where r is the price \
             ratio now divided by the price ratio at deposit. If one token doubles against the other, the loss is 5.7%.",
            (0.812, 1, 99.96),
            Some((11.42, 1, vec!["impermanent", "loss"])),
        ),
        (
            "amm-loss-versus-rebalancing-lvr",
            "What is loss-versus-rebalancing (LVR) and how does it differ from impermanent loss?",
            "Loss-versus-rebalancing is the value that a pool loses to arbitrageurs because it trades at stale prices.",
            (0.701, 2, 99.71),
            Some((9.87, 2, vec!["impermanent", "loss"])),
        ),
        (
            "amm-concentrated-liquidity-how-it-works",
            "How does concentrated liquidity work in Uniswap v3?",
            "Concentrated liquidity lets an LP supply tokens only within a chosen price range.",
            (0.534, 3, 97.2),
            Some((3.1, 9, vec!["impermanent"])),
        ),
        (
            "yield-fees-against-loss",
            "When do fees outweigh it?",
            "When the volume is high for the price's moves.",
            (0.488, 5, 94.8),
            None,
        ),
        (
            "insurance-what-is-covered",
            "What does a DeFi cover pay for?",
            "For losses from named causes.",
            (0.402, 11, 88.1),
            Some((2.04, 17, vec!["loss"])),
        ),
    ]
    .into_iter()
    .enumerate()
    .map(|(n, (id, question, answer, (cosine, rank, percentile), lexical))| Hit {
        rank: n + 1,
        id: id.into(),
        question: question.into(),
        answer: answer.into(),
        topic: Some("amm".into()),
        sources: vec![
            "Pintail, Uniswap: A Good Deal for Liquidity Providers? (2019)".into(),
            "Uniswap documentation: Understanding Returns (Uniswap v2)".into(),
        ],
        as_of: (n == 0).then(|| "2025-06".into()),
        score: 1.0 - 0.17 * n as f64,
        percentile: Some(percentile),
        dense: Some(DenseScore {
            score: cosine,
            rank,
            nearest: Some(if n == 1 { Nearest::Alias } else { Nearest::Question }),
        }),
        lexical: lexical.map(|(score, rank, terms)| LexicalScore {
            score,
            rank,
            terms: terms.into_iter().map(str::to_owned).collect(),
        }),
    })
    .collect()
}

pub(super) fn started(question: &str) -> AgentEvent {
    AgentEvent::Started {
        question: question.into(),
        setup: Setup {
            chat: "extractive".into(),
            embedder: "minilm-l6-defi-q4".into(),
            retriever: "hybrid".into(),
            dataset: "bundled".into(),
            pairs: 347,
            offline: false,
            price: None,
            sampling: None,
            side: None,
        },
    }
}

pub(super) fn begins(stage: Stage) -> AgentEvent {
    AgentEvent::StageStarted { stage }
}

pub(super) fn ends(stage: Stage, ms: f64, note: Option<&str>) -> AgentEvent {
    AgentEvent::StageFinished {
        stage,
        ms,
        wait_ms: 0.0,
        cache: None,
        note: note.map(str::to_owned),
    }
}

pub(super) fn token(text: &str) -> AgentEvent {
    AgentEvent::Token { text: text.into() }
}

pub(super) fn lookup(tier: Option<Tier>) -> AgentEvent {
    AgentEvent::Cache {
        key: "3f9c12ab".into(),
        kind: Kept::Vector,
        tier,
        age_ms: tier.map(|_| 5_000.0),
        saved_ms: None,
        saved_tokens: None,
    }
}

/// From the start to the judged evidence, 14 ms.
pub(super) fn search(question: &str, hits: Vec<Hit>) -> Vec<(f64, AgentEvent)> {
    let mut said = begin_search(question);
    said.extend([
        (10.9, lookup(None)),
        (10.9, ends(Stage::Embed, 10.7, None)),
        (10.9, begins(Stage::Dense)),
        (12.4, ends(Stage::Dense, 1.5, Some("1735 vectors"))),
        (12.4, begins(Stage::Fuse)),
        (
            13.6,
            ends(Stage::Fuse, 1.2, Some(&format!("hybrid, {} hits", hits.len()))),
        ),
        (13.6, AgentEvent::Retrieved { hits }),
        (13.6, begins(Stage::Judge)),
        (
            14.0,
            ends(Stage::Judge, 0.4, Some("nearest cosine 0.81, shared words 100 %")),
        ),
    ]);
    said
}

/// As far as the embedding, which still runs.
pub(super) fn begin_search(question: &str) -> Vec<(f64, AgentEvent)> {
    vec![
        (0.0, started(question)),
        (0.0, begins(Stage::Parse)),
        (0.1, ends(Stage::Parse, 0.1, None)),
        (0.1, begins(Stage::Classify)),
        (0.2, ends(Stage::Classify, 0.1, Some("lookup"))),
        (0.2, begins(Stage::Embed)),
        (0.2, begins(Stage::Lexical)),
        (0.6, ends(Stage::Lexical, 0.4, Some("61 pairs share a word"))),
    ]
}

/// The pieces of an answer with a list, code and citations.
pub(super) fn answer() -> Vec<&'static str> {
    vec![
        "Impermanent loss is what a liquidity provider loses against **simply holding** the two tokens, before fees ",
        "[1]. It is `2 * sqrt(r) / (1 + r) - 1` for a price ratio r [1, 2]:\n\n",
        "- a token that doubles costs 5.7 %\n",
        "- one that rises fourfold costs 20.0 %\n\n",
        "A concentrated position loses more for the same move [3].",
    ]
}

pub(super) fn answered(usage: Option<Usage>) -> AgentEvent {
    AgentEvent::Answered {
        outcome: Outcome::Answered,
        citations: hits().into_iter().take(3).map(|hit| hit.id).collect(),
        usage,
        note: None,
    }
}

pub(super) fn usage() -> Usage {
    Usage {
        prompt_tokens: 1_204,
        completion_tokens: 96,
        total_tokens: 1_300,
    }
}

pub(super) fn retry() -> AgentEvent {
    AgentEvent::Retry {
        why: "api.openai.com is rate limited (429)".into(),
        wait_ms: 4_000.0,
        attempt: 2,
        of: Some(4),
    }
}

/// What the gate of an endpoint knows of itself while one request is on its way and two wait.
pub(super) fn gate() -> Limits {
    Limits {
        endpoint: "api.openai.com".into(),
        model: "gpt-4.1-mini".into(),
        requests: Some(Limit {
            limit: 500,
            remaining: 62,
            reset_ms: Some(8_640),
            origin: Some(LimitOrigin::Estimated),
            age_ms: Some(1_200),
        }),
        tokens: Some(Limit {
            limit: 100_000,
            remaining: 37_655,
            reset_ms: None,
            origin: Some(LimitOrigin::Configured),
            age_ms: None,
        }),
        in_flight: Some(1),
        queued: Some(2),
        next_slot_ms: Some(2_400),
        paused_ms: None,
        breaker: Some(BreakerPhase::Closed),
        probe_in_ms: None,
    }
}

/// The gate of a server that embeds, at work.
pub(super) fn embedding_gate() -> Limits {
    Limits {
        model: "text-embedding-3-small".into(),
        requests: Some(Limit {
            limit: 3_000,
            remaining: 2_987,
            reset_ms: Some(260),
            origin: Some(LimitOrigin::Reported),
            age_ms: Some(400),
        }),
        tokens: Some(Limit {
            limit: 1_000_000,
            remaining: 511_200,
            reset_ms: Some(29_328),
            origin: Some(LimitOrigin::Reported),
            age_ms: Some(400),
        }),
        queued: Some(1),
        next_slot_ms: Some(900),
        ..gate()
    }
}

pub(super) fn limits(tokens: Option<Limit>) -> AgentEvent {
    AgentEvent::Limits {
        limits: Limits {
            endpoint: "api.openai.com".into(),
            model: "gpt-4.1-mini".into(),
            requests: Some(Limit {
                limit: 500,
                remaining: 498,
                reset_ms: Some(8_640),
                ..Limit::default()
            }),
            tokens,
            ..Limits::default()
        },
    }
}
