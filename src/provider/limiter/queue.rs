//! Who goes next.

use std::collections::BTreeMap;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Somebody waits for it.
    Chat,
    /// It can wait, though not for ever.
    Index,
}

/// A place in the queue: lower numbers came earlier. A request that is tried again keeps its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(super) number: u64,
    pub(super) priority: Priority,
}

/// After so many chat requests in a row that went while indexing waited, one of indexing goes: it gets a ninth of the
/// rate at the least, and chat waits for one request at the most.
pub(super) const CHAT_IN_A_ROW: u32 = 8;

/// Those who wait. Chat goes before indexing, within each the one that came first; after [`CHAT_IN_A_ROW`] chat
/// requests that passed a waiting indexing request, that one goes.
#[derive(Debug)]
pub(super) struct Queue<T> {
    chat: BTreeMap<u64, T>,
    index: BTreeMap<u64, T>,
    /// How many chat requests went while indexing waited.
    passed: u32,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            chat: BTreeMap::new(),
            index: BTreeMap::new(),
            passed: 0,
        }
    }
}

impl<T> Queue<T> {
    pub(super) fn enter(&mut self, turn: Turn, waiter: T) {
        self.of(turn.priority).insert(turn.number, waiter);
    }

    /// The one that goes next.
    pub(super) fn head(&self) -> Option<(Turn, &T)> {
        let first = |priority, waiting: &BTreeMap<u64, T>| {
            let number = *waiting.first_key_value()?.0;
            Some(Turn { number, priority })
        };
        let chat = first(Priority::Chat, &self.chat);
        let index = first(Priority::Index, &self.index);
        let turn = match (chat, index) {
            (Some(_), Some(index)) if self.passed >= CHAT_IN_A_ROW => index,
            (chat, index) => chat.or(index)?,
        };
        Some((turn, self.get(turn)?))
    }

    pub(super) fn get(&self, turn: Turn) -> Option<&T> {
        match turn.priority {
            Priority::Chat => self.chat.get(&turn.number),
            Priority::Index => self.index.get(&turn.number),
        }
    }

    /// Those that came first and would go before this turn; the exception for indexing is left out of the estimate.
    pub(super) fn ahead_of(&self, turn: Turn) -> impl Iterator<Item = &T> {
        let (chat, index) = match turn.priority {
            Priority::Chat => (self.chat.range(..turn.number), self.index.range(..0)),
            Priority::Index => (self.chat.range(..), self.index.range(..turn.number)),
        };
        chat.chain(index).map(|(_, waiter)| waiter)
    }

    /// Takes out one that goes.
    pub(super) fn go(&mut self, turn: Turn) {
        self.leave(turn);
        self.passed = match turn.priority {
            Priority::Chat if !self.index.is_empty() => self.passed.saturating_add(1),
            _ => 0,
        };
    }

    /// Takes out one that no longer waits.
    pub(super) fn leave(&mut self, turn: Turn) {
        self.of(turn.priority).remove(&turn.number);
    }

    pub(super) fn len(&self) -> usize {
        self.chat.len() + self.index.len()
    }

    fn of(&mut self, priority: Priority) -> &mut BTreeMap<u64, T> {
        match priority {
            Priority::Chat => &mut self.chat,
            Priority::Index => &mut self.index,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(number: u64, priority: Priority) -> Turn {
        Turn { number, priority }
    }

    /// The order in which they go: `c` with its number for chat, `i` for indexing.
    fn order(queue: &mut Queue<()>) -> Vec<String> {
        let mut order = Vec::new();
        while let Some((next, ())) = queue.head() {
            queue.go(next);
            let name = match next.priority {
                Priority::Chat => 'c',
                Priority::Index => 'i',
            };
            order.push(format!("{name}{}", next.number));
        }
        order
    }

    #[test]
    fn chat_goes_first_and_each_in_the_order_of_arrival() {
        let mut queue = Queue::default();
        for number in 0..3 {
            queue.enter(turn(number, Priority::Index), ());
        }
        queue.enter(turn(7, Priority::Chat), ());
        queue.enter(turn(5, Priority::Chat), ());
        assert_eq!(order(&mut queue), ["c5", "c7", "i0", "i1", "i2"]);
    }

    #[test]
    fn indexing_does_not_starve() {
        let mut queue = Queue::default();
        queue.enter(turn(0, Priority::Index), ());
        queue.enter(turn(1, Priority::Index), ());
        for number in 2..22 {
            queue.enter(turn(number, Priority::Chat), ());
        }
        let order = order(&mut queue);
        let at = |name: &str| order.iter().position(|other| other == name).unwrap();
        assert_eq!((at("i0"), at("i1")), (8, 17));
    }

    #[test]
    fn who_leaves_holds_nobody_up() {
        let mut queue = Queue::default();
        queue.enter(turn(0, Priority::Chat), ());
        queue.enter(turn(1, Priority::Chat), ());
        queue.enter(turn(2, Priority::Index), ());
        assert_eq!(queue.ahead_of(turn(1, Priority::Chat)).count(), 1);
        assert_eq!(queue.ahead_of(turn(2, Priority::Index)).count(), 2);
        queue.leave(turn(0, Priority::Chat));
        assert_eq!(queue.len(), 2);
        assert_eq!(order(&mut queue), ["c1", "i2"]);
    }
}
