//! Opaque, signed cursors: any replica can open one, and nobody can make one up.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use serde::{Serialize, de::DeserializeOwned};
use sha2::Sha256;

/// Bytes of the signature that a cursor carries. 128 bits are beyond guessing.
const SIGNATURE: usize = 16;
/// The longest cursor that is looked at: they hold an id and a sort key.
const LONGEST: usize = 4096;

/// Why a cursor is refused. The texts are for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// Not a cursor of this installation.
    #[error("is no cursor that was given out here; use one from an answer, unchanged, or leave it out")]
    Foreign,
    /// A cursor of another list, order or chart.
    #[error(
        "belongs to another list or order; use it with the arguments that it was given out for, or leave it out"
    )]
    OtherList,
}

/// Seals and opens cursors.
#[derive(Clone)]
pub(crate) struct Cursors(Hmac<Sha256>);

/// The key is not shown.
impl fmt::Debug for Cursors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursors").finish_non_exhaustive()
    }
}

impl Cursors {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        // HMAC pads a key that is shorter than its block with zeros.
        let mut block = [0; 64];
        block[..key.len()].copy_from_slice(key);
        Self(Hmac::new(&block.into()))
    }

    pub(crate) fn seal<T: Serialize>(&self, content: &T) -> String {
        let mut bytes = serde_json::to_vec(content).unwrap_or_default();
        let signature = self.0.clone().chain_update(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&signature[..SIGNATURE]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(crate) fn open<T: DeserializeOwned>(&self, cursor: &str) -> Result<T, CursorError> {
        if cursor.len() > LONGEST {
            return Err(CursorError::Foreign);
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| CursorError::Foreign)?;
        let (content, signature) =
            bytes.len().checked_sub(SIGNATURE).map(|at| bytes.split_at(at)).ok_or(CursorError::Foreign)?;
        self.0
            .clone()
            .chain_update(content)
            .verify_truncated_left(signature)
            .map_err(|_| CursorError::Foreign)?;
        serde_json::from_slice(content).map_err(|_| CursorError::OtherList)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_and_nothing_else_does() {
        let cursors = Cursors::new(&[1; 32]);
        let cursor = cursors.seal(&("우리동네TV", 7));
        assert_eq!(cursors.open::<(String, i32)>(&cursor), Ok(("우리동네TV".to_owned(), 7)));
        assert_eq!(Cursors::new(&[2; 32]).open::<(String, i32)>(&cursor), Err(CursorError::Foreign));
        for broken in ["", "x", "AAAA", &cursor[1..], &format!("{cursor}A"), &"A".repeat(5000)] {
            assert_eq!(cursors.open::<(String, i32)>(broken), Err(CursorError::Foreign), "{broken}");
        }
        assert_eq!(cursors.open::<Vec<u8>>(&cursors.seal(&"x")), Err(CursorError::OtherList));
    }
}
