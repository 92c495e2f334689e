//! Reads plain data out of a Python pickle: dicts, lists, texts and numbers. Nothing of it is ever run.
//!
//! A pickle is a program for a stack machine. This one knows the opcodes that build plain data and stops at the first
//! of those that name a class or call something, before anything after it is looked at.
//! Opcodes: <https://github.com/python/cpython/blob/3.13/Lib/pickletools.py>

use super::TransferError;

/// The first byte of a pickle of protocol 2 or later.
pub(super) const MAGIC: u8 = 0x80;

/// A value, by its place in [`Plain`].
type Id = usize;

#[derive(Debug, PartialEq)]
enum Node<'a> {
    Nothing,
    Number(f64),
    Text(&'a str),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
}

/// All values of a pickle. Each is held once, however often it is named, so a small file cannot become a large value;
/// a value may hold itself, so nobody walks it without a bound.
#[derive(Debug)]
pub(super) struct Plain<'a> {
    nodes: Vec<Node<'a>>,
    root: Id,
}

/// One value of a [`Plain`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a, 'p> {
    plain: &'p Plain<'a>,
    id: Id,
}

impl<'a> Plain<'a> {
    /// Reads a pickle.
    ///
    /// # Errors
    /// When it names a class or a function, or is no plain data.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, TransferError> {
        Machine {
            bytes,
            at: 0,
            nodes: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: Vec::new(),
        }
        .run()
    }

    pub(super) fn root(&self) -> Value<'a, '_> {
        Value {
            plain: self,
            id: self.root,
        }
    }
}

impl<'a, 'p> Value<'a, 'p> {
    fn node(self) -> Option<&'p Node<'a>> {
        self.plain.nodes.get(self.id)
    }

    fn with(self, id: Id) -> Self {
        Self { id, ..self }
    }

    /// The last value that a dict holds under a text.
    pub(super) fn get(self, key: &str) -> Option<Self> {
        let Some(Node::Dict(items)) = self.node() else {
            return None;
        };
        let (_, value) = items
            .iter()
            .rev()
            .find(|(name, _)| self.with(*name).text() == Some(key))?;
        Some(self.with(*value))
    }

    /// The values of a list.
    pub(super) fn list(self) -> Option<impl ExactSizeIterator<Item = Self>> {
        let Some(Node::List(items)) = self.node() else {
            return None;
        };
        Some(items.iter().map(move |id| self.with(*id)))
    }

    pub(super) fn text(self) -> Option<&'a str> {
        match self.node()? {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(self) -> Option<f64> {
        match self.node()? {
            Node::Number(number) => Some(*number),
            _ => None,
        }
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack at the marks that are open.
    marks: Vec<usize>,
    memo: Vec<Id>,
}

impl<'a> Machine<'a> {
    fn run(mut self) -> Result<Plain<'a>, TransferError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// pickle.dumps({"a": [1.5, 2, 300, -70000, None], "b": "a"}, 4)
    const PLAIN: &[u8] = b"\x80\x04\x95\x2b\0\0\0\0\0\0\0}\x94(\x8c\x01a\x94]\x94(G?\xf8\0\0\0\0\0\0K\x02M\x2c\x01J\x90\xee\xfe\xffNe\x8c\x01b\x94h\x01u.";

    #[test]
    fn plain_data_is_read() {
        let plain = Plain::read(PLAIN).unwrap();
        let root = plain.root();
        let numbers: Vec<Option<f64>> = root
            .get("a")
            .unwrap()
            .list()
            .unwrap()
            .map(Value::number)
            .collect();
        assert_eq!(
            numbers,
            [Some(1.5), Some(2.0), Some(300.0), Some(-70_000.0), None]
        );
        assert_eq!(root.get("b").unwrap().text(), Some("a"));
        assert!(root.get("c").is_none());
    }

    #[test]
    fn whatever_could_run_code_is_refused_by_name() {
        // pickle.dumps of an object whose __reduce__ is (os.system, ("true",)), and each opcode alone.
        let system = b"\x80\x04\x95\x1f\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R\x94.";
        assert_eq!(
            Plain::read(system).unwrap_err().to_string(),
            "the file names a class or a function (STACK_GLOBAL at byte 28), which could run code: it is refused"
        );
        for opcode in *b"cRbioPQ\x81\x82\x83\x84\x92\x93" {
            let error = Plain::read(&[0x80, 4, b'}', opcode, b'.']).unwrap_err();
            assert!(
                matches!(error, TransferError::Code { at: 3, .. }),
                "{opcode:#x}: {error}"
            );
        }
    }

    #[test]
    fn every_other_opcode_and_every_cut_is_an_error() {
        let known = b"\x80\x95(}]N\x88\x89GJKM\x8cX\x94qrhjaesu.";
        for opcode in 0..=u8::MAX {
            if !known.contains(&opcode) {
                assert!(Plain::read(&[0x80, 4, opcode, b'.']).is_err(), "{opcode:#x}");
            }
        }
        for end in 0..PLAIN.len() {
            assert!(Plain::read(&PLAIN[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn a_stack_that_is_not_there_is_an_error() {
        for broken in [
            &b"\x80\x04."[..],
            b"\x80\x04e.",
            b"\x80\x04u.",
            b"\x80\x04a.",
            b"\x80\x04s.",
            b"\x80\x04h\x07.",
            b"\x80\x04}(.",
            b"\x80\x04}(Ku.",
            b"\x80\x04](K\x01u.",
            b"\x80\x04}(K\x01e.",
            b"\x80\x04}q\xff.",
            b"\x80\x04\x94.",
            b"\x80\x09}.",
            b"\x80\x04X\xff\xff\xff\xffa.",
            b"\x80\x04\x8c\x01\xff.",
        ] {
            assert!(
                matches!(Plain::read(broken), Err(TransferError::Pickle { .. })),
                "{broken:?}"
            );
        }
    }

    #[test]
    fn a_list_that_holds_itself_is_read_and_not_walked() {
        let plain = Plain::read(b"\x80\x04]\x94(h\0h\0e.").unwrap();
        assert_eq!(plain.root().list().unwrap().len(), 2);
        let inner = plain.root().list().unwrap().next().unwrap();
        assert_eq!(inner.list().unwrap().len(), 2);
    }
}
