//! The graph of the agent: which node follows which. Pure, so that every path can be walked in a test.
//!
//! ```text
//! parse ─► classify ─┬────────────────┬─► rewrite ─┬─► embed ───► dense ─┐
//!                    ├─► follow-up ───┘            └─► lexical ──────────┴─► fuse ─► judge ─┬─► answer ──► end
//!                    │                                                                      └─► decline ─► end
//!                    └─► converse ─► end
//! any node ─► error ─► end
//! ```

use super::event::Stage;

/// What a node found, as far as the way on depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing to choose.
    Go,
    /// `classify`: a greeting, thanks, or a question about the program.
    SmallTalk,
    /// `classify`: a question that may go on from one before it.
    GoesOn,
    /// `judge`: the evidence carries an answer.
    Enough,
    /// `judge`: it does not.
    TooLittle,
    /// The node could not do its work.
    Failed,
}

/// Where the run goes after a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    To(Stage),
    /// The search: `rewrite`, then `embed` and `dense` beside `lexical`, which meet in `fuse`.
    Search,
    End,
}

/// The node that every run starts with.
pub const START: Stage = Stage::Parse;

/// The way on from a node.
pub fn next(stage: Stage, decision: Decision) -> Next {
    match (stage, decision) {
        (Stage::Error, _) => Next::End,
        (_, Decision::Failed) => Next::To(Stage::Error),
        (Stage::Parse, _) => Next::To(Stage::Classify),
        (Stage::Classify, Decision::SmallTalk) => Next::To(Stage::Converse),
        (Stage::Classify, Decision::GoesOn) => Next::To(Stage::FollowUp),
        (Stage::Classify | Stage::FollowUp, _) => Next::Search,
        (Stage::Rewrite, _) => Next::Search,
        (Stage::Embed, _) => Next::To(Stage::Dense),
        (Stage::Lexical | Stage::Dense, _) => Next::To(Stage::Fuse),
        (Stage::Fuse, _) => Next::To(Stage::Judge),
        (Stage::Judge, Decision::Enough) => Next::To(Stage::Answer),
        (Stage::Judge, _) => Next::To(Stage::Decline),
        (Stage::Answer | Stage::Converse | Stage::Decline | Stage::Unknown, _) => Next::End,
    }
}

/// Whether an answerer carries this node out: all before it is the same whoever answers.
pub fn is_written(stage: Stage) -> bool {
    matches!(stage, Stage::Answer | Stage::Converse)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECISIONS: [Decision; 6] = [
        Decision::Go,
        Decision::SmallTalk,
        Decision::GoesOn,
        Decision::Enough,
        Decision::TooLittle,
        Decision::Failed,
    ];

    fn stages_after(stage: Stage) -> Vec<Stage> {
        DECISIONS
            .iter()
            .flat_map(|decision| match next(stage, *decision) {
                Next::To(stage) => vec![stage],
                Next::Search => vec![Stage::Embed, Stage::Lexical],
                Next::End => Vec::new(),
            })
            .collect()
    }

    #[test]
    fn every_node_is_reached_from_the_start() {
        let mut reached = vec![START];
        let mut at = 0;
        while at < reached.len() {
            for stage in stages_after(reached[at]) {
                if !reached.contains(&stage) {
                    reached.push(stage);
                }
            }
            at += 1;
        }
        assert_eq!(reached.len(), 12, "{reached:?}");
    }

    #[test]
    fn no_path_is_longer_than_the_graph_has_nodes() {
        fn longest(stage: Stage, depth: usize) -> usize {
            assert!(depth < 13, "a cycle through {stage:?}");
            1 + stages_after(stage)
                .into_iter()
                .map(|next| longest(next, depth + 1))
                .max()
                .unwrap_or(0)
        }
        // parse, classify, follow-up, embed, dense, fuse, judge, answer, error
        assert_eq!(longest(START, 0), 9);
    }

    #[test]
    fn every_node_but_the_error_node_can_fail_into_it() {
        for stage in [
            Stage::Parse,
            Stage::Classify,
            Stage::FollowUp,
            Stage::Embed,
            Stage::Lexical,
            Stage::Dense,
            Stage::Fuse,
            Stage::Judge,
            Stage::Answer,
            Stage::Converse,
            Stage::Decline,
        ] {
            assert_eq!(next(stage, Decision::Failed), Next::To(Stage::Error), "{stage:?}");
        }
        assert_eq!(next(Stage::Error, Decision::Failed), Next::End);
    }
}
