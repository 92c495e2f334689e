//! What the application takes in from outside, each at its moment: enough to show the same screens again.

use serde::{Deserialize, Serialize};

use super::compare::Found;
use super::{App, CacheCount, Gauges};
use crate::agent::event::{Event, Limits, RunId};

/// One thing that the application took in, and when on its clock, in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    pub at_ms: f64,
    pub what: Happening,
}

/// What the application took in. Keys are not among it: what a user looked at is no part of what happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// A recording began.
    Began(Box<Beginning>),
    /// A question was asked.
    Asked { run: RunId, question: String },
    /// The parts that load in the background changed.
    Gauges(Box<Gauges>),
    /// A run said something.
    Event(Box<Event>),
    /// A comparison ended.
    Compared(Box<Found>),
}

/// What the panels knew at a moment, apart from the questions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Beginning {
    pub gauges: Since<Gauges>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Since<Limits>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embedding_limits: Option<Since<Limits>>,
    pub cache: CacheCount,
}

/// What was told some time ago.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Since<T> {
    /// How long ago, in milliseconds.
    #[serde(default)]
    pub ago_ms: f64,
    #[serde(flatten)]
    pub told: T,
}

impl App {
    /// What the panels know now.
    pub fn beginning(&self) -> Beginning {
        let ago_ms = |then: f64| (self.now_ms - then).max(0.0);
        let since = |(limits, then): &(Limits, f64)| Since {
            ago_ms: ago_ms(*then),
            told: limits.clone(),
        };
        Beginning {
            gauges: Since {
                ago_ms: ago_ms(self.gauges_ms),
                told: self.gauges.clone(),
            },
            limits: self.limits.as_ref().map(since),
            embedding_limits: self.embedding_limits.as_ref().map(since),
            cache: self.cache.clone(),
        }
    }
}

impl From<Gauges> for Beginning {
    /// The beginning of a session that was told this just now.
    fn from(gauges: Gauges) -> Self {
        let now = |told| Since { ago_ms: 0.0, told };
        Self {
            limits: gauges.limits.as_deref().cloned().map(now),
            embedding_limits: gauges.embedding_limits.as_deref().cloned().map(now),
            gauges: Since {
                ago_ms: 0.0,
                told: gauges,
            },
            cache: CacheCount::default(),
        }
    }
}
