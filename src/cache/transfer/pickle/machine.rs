//! The opcodes of a pickle that build plain data, carried out; all others are errors.

use super::{Id, Node, Plain};
use crate::cache::transfer::TransferError;

/// The stack machine, with everything that it has built so far.
pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack at the marks that are open.
    marks: Vec<usize>,
    memo: Vec<Id>,
}

impl<'a> Machine<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            nodes: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: Vec::new(),
        }
    }

    /// Runs to the end.
    ///
    /// # Errors
    /// At the first opcode that plain data does not need.
    pub(super) fn run(mut self) -> Result<Plain<'a>, TransferError> {
        loop {
            let start = self.at;
            let [opcode] = self.take()?;
            match opcode {
                // PROTO: 2 to 5 write plain data with the same opcodes.
                0x80 => {
                    let [version] = self.take()?;
                    if !(2..=5).contains(&version) {
                        return Err(self.wrong("a protocol that is not known"));
                    }
                }
                // FRAME: a length that only matters to a reader that reads ahead.
                0x95 => drop(self.take::<8>()?),
                b'(' => self.marks.push(self.stack.len()),
                b'}' => self.push(Node::Dict(Vec::new())),
                b']' => self.push(Node::List(Vec::new())),
                b'N' => self.push(Node::Nothing),
                // NEWTRUE, NEWFALSE
                0x88 => self.push(Node::Number(1.0)),
                0x89 => self.push(Node::Number(0.0)),
                b'G' => {
                    let number = f64::from_be_bytes(self.take()?);
                    self.push(Node::Number(number));
                }
                b'J' => {
                    let number = i32::from_le_bytes(self.take()?);
                    self.push(Node::Number(f64::from(number)));
                }
                b'K' => {
                    let [number] = self.take()?;
                    self.push(Node::Number(f64::from(number)));
                }
                b'M' => {
                    let number = u16::from_le_bytes(self.take()?);
                    self.push(Node::Number(f64::from(number)));
                }
                // SHORT_BINUNICODE, BINUNICODE
                0x8c => {
                    let [length] = self.take()?;
                    self.text(usize::from(length))?;
                }
                b'X' => {
                    let length = u32::from_le_bytes(self.take()?);
                    self.text(length as usize)?;
                }
                // MEMOIZE, and the older way to do it, which counts up just the same
                0x94 => {
                    let top = self.top()?;
                    self.memo.push(top);
                }
                b'q' => {
                    let [place] = self.take()?;
                    self.keep(usize::from(place))?;
                }
                b'r' => {
                    let place = u32::from_le_bytes(self.take()?);
                    self.keep(place as usize)?;
                }
                b'h' => {
                    let [place] = self.take()?;
                    self.recall(usize::from(place))?;
                }
                b'j' => {
                    let place = u32::from_le_bytes(self.take()?);
                    self.recall(place as usize)?;
                }
                b'a' => {
                    let item = self.pop()?;
                    self.append(&[item])?;
                }
                b'e' => {
                    let items = self.above_mark()?;
                    self.append(&items)?;
                }
                b's' => {
                    let value = self.pop()?;
                    let key = self.pop()?;
                    self.set(&[key, value])?;
                }
                b'u' => {
                    let items = self.above_mark()?;
                    self.set(&items)?;
                }
                b'.' => {
                    let root = self.pop()?;
                    if !self.marks.is_empty() {
                        return Err(self.wrong("an open mark at its end"));
                    }
                    return Ok(Plain {
                        nodes: self.nodes,
                        root,
                    });
                }
                other => {
                    return Err(match runs_code(other) {
                        Some(name) => TransferError::Code { name, at: start },
                        None => TransferError::Pickle {
                            at: start,
                            why: "an opcode that plain data does not need",
                        },
                    });
                }
            }
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], TransferError> {
        let bytes = self
            .bytes
            .get(self.at..)
            .and_then(|rest| rest.first_chunk::<N>())
            .ok_or_else(|| self.wrong("it ends early"))?;
        self.at += N;
        Ok(*bytes)
    }

    fn text(&mut self, length: usize) -> Result<(), TransferError> {
        let bytes = self
            .bytes
            .get(self.at..)
            .and_then(|rest| rest.get(..length))
            .ok_or_else(|| self.wrong("it ends early"))?;
        let text = std::str::from_utf8(bytes).map_err(|_| self.wrong("a text that is no UTF-8"))?;
        self.at += length;
        self.push(Node::Text(text));
        Ok(())
    }

    fn push(&mut self, node: Node<'a>) {
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
    }

    /// The value on top, which must be above the last mark.
    fn top(&self) -> Result<Id, TransferError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.last() {
            Some(top) if self.stack.len() > floor => Ok(*top),
            _ => Err(self.wrong("nothing on its stack")),
        }
    }

    fn pop(&mut self) -> Result<Id, TransferError> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn above_mark(&mut self) -> Result<Vec<Id>, TransferError> {
        let mark = self
            .marks
            .pop()
            .ok_or_else(|| self.wrong("no mark on its stack"))?;
        Ok(self.stack.split_off(mark))
    }

    /// Places are given out in turn; one far ahead would only make the memo large.
    fn keep(&mut self, place: usize) -> Result<(), TransferError> {
        let top = self.top()?;
        if place == self.memo.len() {
            self.memo.push(top);
        } else if let Some(kept) = self.memo.get_mut(place) {
            *kept = top;
        } else {
            return Err(self.wrong("a place in its memo that is not next"));
        }
        Ok(())
    }

    fn recall(&mut self, place: usize) -> Result<(), TransferError> {
        let kept = *self
            .memo
            .get(place)
            .ok_or_else(|| self.wrong("a place in its memo that is empty"))?;
        self.stack.push(kept);
        Ok(())
    }

    fn append(&mut self, new: &[Id]) -> Result<(), TransferError> {
        let top = self.top()?;
        match self.nodes.get_mut(top) {
            Some(Node::List(items)) => items.extend_from_slice(new),
            _ => return Err(self.wrong("no list to append to")),
        }
        Ok(())
    }

    fn set(&mut self, new: &[Id]) -> Result<(), TransferError> {
        let top = self.top()?;
        let (pairs, rest) = new.as_chunks::<2>();
        match self.nodes.get_mut(top) {
            Some(Node::Dict(items)) if rest.is_empty() => {
                items.extend(pairs.iter().map(|[key, value]| (*key, *value)));
            }
            _ => return Err(self.wrong("no dict to set in")),
        }
        Ok(())
    }

    fn wrong(&self, why: &'static str) -> TransferError {
        TransferError::Pickle { at: self.at, why }
    }
}

/// The names of the opcodes that look classes or functions up, make objects or call something.
fn runs_code(opcode: u8) -> Option<&'static str> {
    Some(match opcode {
        b'c' => "GLOBAL",
        0x93 => "STACK_GLOBAL",
        b'R' => "REDUCE",
        b'b' => "BUILD",
        b'i' => "INST",
        b'o' => "OBJ",
        0x81 => "NEWOBJ",
        0x92 => "NEWOBJ_EX",
        0x82 => "EXT1",
        0x83 => "EXT2",
        0x84 => "EXT4",
        b'P' => "PERSID",
        b'Q' => "BINPERSID",
        _ => return None,
    })
}
