//! What the panels are told beside the events: what has loaded, what the cache did, where the limiter and the breaker stand.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::agent::{Agent, Load};
use crate::app::{Gauges, Loading};
use crate::cache::{Cache, TierState, TierStats};
use crate::embedding::Readiness;
use crate::provider::{BreakerState, Gate, LimiterState, Limits};

/// What stands before the endpoints that are asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Gates {
    pub(super) chat: Option<Gate>,
    pub(super) embedding: Option<Gate>,
}

/// The parts that load in the background, as the screen follows them.
pub(super) struct Loads {
    /// What does not change.
    fixed: Gauges,
    model: watch::Receiver<Readiness>,
    knowledge: watch::Receiver<Load>,
    cache: Arc<Cache>,
    gates: Gates,
}

impl Loads {
    pub(super) fn of(agent: &Agent, fixed: Gauges, gates: Gates) -> Self {
        Self {
            gates,
            fixed,
            model: agent.embedder.readiness(),
            knowledge: agent.knowledge.watch(),
            cache: Arc::clone(&agent.cache),
        }
    }

    pub(super) fn gauges(&self) -> Gauges {
        let model = match &*self.model.borrow() {
            Readiness::Loading => Loading::Loading,
            Readiness::Ready { .. } => Loading::Ready,
            Readiness::Failed(why) => Loading::Failed(why.clone()),
        };
        let (knowledge, pairs) = match &*self.knowledge.borrow() {
            Load::Loading => (Loading::Loading, 0),
            Load::Ready(corpus) => (Loading::Ready, corpus.len()),
            Load::Failed(why) => (Loading::Failed(why.clone()), 0),
        };
        let stats = self.cache.stats();
        Gauges {
            pairs,
            knowledge,
            model,
            redis_probe_ms: stats.redis.as_ref().and_then(probe_in_ms),
            cache: Box::new(stats),
            limits: limits(self.gates.chat.as_ref()),
            embedding_limits: limits(self.gates.embedding.as_ref()),
            ..self.fixed.clone()
        }
    }

    /// Tells the screen what has come up, what the cache did and where the limiter and the breaker stand, until the
    /// screen is gone.
    pub(super) async fn follow(mut self, told: watch::Sender<Gauges>) {
        let mut cache = self.cache.changes();
        let mut chat = self.gates.chat.as_ref().map(Watched::of);
        let mut embedding = self.gates.embedding.as_ref().map(Watched::of);
        loop {
            let gauges = self.gauges();
            let loading = |state: &Loading| *state == Loading::Loading;
            let (model, knowledge) = (loading(&gauges.model), loading(&gauges.knowledge));
            told.send_if_modified(|shown| {
                let changed = *shown != gauges;
                *shown = gauges;
                changed
            });
            // Only what still loads is waited for: who has told its end hangs up, which is no news of the other.
            tokio::select! {
                () = told.closed() => return,
                Ok(()) = self.model.changed(), if model => {}
                Ok(()) = self.knowledge.changed(), if knowledge => {}
                Some(()) = cache.next() => {}
                Some(()) = changed(&mut chat) => {}
                Some(()) = changed(&mut embedding) => {}
                else => return,
            }
        }
    }
}

fn limits(gate: Option<&Gate>) -> Option<Box<Limits>> {
    gate.map(|gate| Box::new(gate.limits()))
}

/// The limiter and the breaker of one gate.
struct Watched {
    limiter: watch::Receiver<LimiterState>,
    breaker: watch::Receiver<BreakerState>,
}

impl Watched {
    fn of(gate: &Gate) -> Self {
        Self {
            limiter: gate.limiter_state(),
            breaker: gate.breaker_state(),
        }
    }
}

/// Waits for the next change at a gate; `None` at once when there is none.
async fn changed(gate: &mut Option<Watched>) -> Option<()> {
    let Watched { limiter, breaker } = gate.as_mut()?;
    tokio::select! {
        changed = limiter.changed() => changed.ok(),
        changed = breaker.changed() => changed.ok(),
    }
}

/// Milliseconds until a tier that is down is tried again, by the clock that its state is told in.
fn probe_in_ms(stats: &TierStats) -> Option<u64> {
    let TierState::Down { next_probe_ms, .. } = stats.state else {
        return None;
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some(next_probe_ms.saturating_sub(u64::try_from(now.as_millis()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{
        Asked, BreakerPhase, Endpoint, Priority, ProviderError, Quota, Reply, RetryPolicy,
    };

    #[tokio::test(start_paused = true)]
    async fn the_screen_hears_of_the_limiter_and_of_a_circuit_that_opens() {
        let chat = |gate| Gates {
            chat: Some(gate),
            embedding: None,
        };
        hears(chat, |gauges| &gauges.limits).await;
        let embedding = |gate| Gates {
            chat: None,
            embedding: Some(gate),
        };
        hears(embedding, |gauges| &gauges.embedding_limits).await;
    }

    async fn hears(gates: fn(Gate) -> Gates, of: fn(&Gauges) -> &Option<Box<Limits>>) {
        let endpoint = Endpoint::new("http://127.0.0.1:9/v1", "m")
            .unwrap()
            .with_quota(Quota {
                rpm: Some(60),
                tpm: None,
            })
            .with_retry(RetryPolicy {
                max_retries: 0,
                ..RetryPolicy::default()
            });
        let gate = Gate::new(&endpoint);
        let gates = gates(gate.clone());
        let (_model, readiness) = watch::channel(Readiness::Loading);
        let (_knowledge, load) = watch::channel(Load::Loading);
        let loads = Loads {
            fixed: Gauges::default(),
            model: readiness,
            knowledge: load,
            cache: Arc::new(Cache::with_capacity(1)),
            gates,
        };
        let (told, mut heard) = watch::channel(loads.gauges());
        let following = tokio::spawn(loads.follow(told));
        let limits = |gauges: &Gauges| *of(gauges).clone().unwrap();
        assert_eq!(limits(&heard.borrow()).requests.unwrap().limit, 60);
        for _ in 0..5 {
            let cut = || async {
                Reply::<()> {
                    limits: None,
                    tokens: None,
                    result: Err(ProviderError::StreamCut {
                        asked: Asked {
                            model: "m".to_owned(),
                            host: "127.0.0.1:9".to_owned(),
                        },
                    }),
                }
            };
            assert!(gate.run(1, Priority::Chat, |_| {}, |_| cut()).await.is_err());
        }
        let open = |gauges: &Gauges| limits(gauges).breaker == Some(BreakerPhase::Open);
        let gauges = heard.wait_for(open).await.unwrap().clone();
        let limits = limits(&gauges);
        assert_eq!(limits.probe_in_ms, Some(15_000));
        assert_eq!(limits.requests.unwrap().remaining, 55);
        drop(heard);
        following.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_screen_hears_of_both_loads_whichever_ends_first_and_hangs_up() {
        for model_first in [true, false] {
            let (model, readiness) = watch::channel(Readiness::Loading);
            let (knowledge, load) = watch::channel(Load::Loading);
            let loads = Loads {
                fixed: Gauges::default(),
                model: readiness,
                knowledge: load,
                cache: Arc::new(Cache::with_capacity(1)),
                gates: Gates::default(),
            };
            let (told, mut heard) = watch::channel(loads.gauges());
            let following = tokio::spawn(loads.follow(told));
            let ready = Readiness::Ready { load_ms: 1.0 };
            let failed = Load::Failed("no data".to_owned());
            let of_both = |gauges: &Gauges| (gauges.model.clone(), gauges.knowledge.clone());
            if model_first {
                model.send_replace(ready);
                drop(model);
                heard
                    .wait_for(|gauges| gauges.model == Loading::Ready)
                    .await
                    .unwrap();
                knowledge.send_replace(failed);
                drop(knowledge);
            } else {
                knowledge.send_replace(failed);
                drop(knowledge);
                heard
                    .wait_for(|gauges| gauges.knowledge != Loading::Loading)
                    .await
                    .unwrap();
                model.send_replace(ready);
                drop(model);
            }
            let both = (Loading::Ready, Loading::Failed("no data".to_owned()));
            heard.wait_for(|gauges| of_both(gauges) == both).await.unwrap();
            drop(heard);
            // The screen is gone, so nobody follows any more.
            following.await.unwrap();
        }
    }
}
