//! Reads plain data out of a Python pickle: dicts, lists, texts and numbers. Nothing of it is ever run.
//!
//! A pickle is a program for a stack machine. This one knows the opcodes that build plain data and stops at the first
//! of those that name a class or call something, before anything after it is looked at.
//! Opcodes: <https://github.com/python/cpython/blob/3.13/Lib/pickletools.py>

mod machine;

use super::TransferError;
use machine::Machine;

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
        Machine::new(bytes).run()
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
