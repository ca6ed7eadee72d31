use std::{io::Write, sync::OnceLock};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, header},
};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// Below this, compressing costs more than it saves.
const WORTH_COMPRESSING: usize = 1_024;
/// Above this it takes so long that it is left to whoever sends the bytes piece by piece.
const QUICKLY_COMPRESSED: usize = 256 << 10;
/// Of 11. Higher ones take several times as long for a few percent.
const BROTLI_QUALITY: u32 = 5;
/// The base-2 logarithm of the window; the least that holds most answers.
const BROTLI_WINDOW: u32 = 18;
const ZSTD_LEVEL: i32 = 3;

/// How content is encoded on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Brotli,
    Zstd,
    Gzip,
}

impl Encoding {
    /// The best first.
    const ALL: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    pub(crate) const fn header(self) -> HeaderValue {
        HeaderValue::from_static(self.name())
    }

    /// The best that the client takes; `None` where it takes none. Where it ranks them, it is not asked twice: any that
    /// it takes will do.
    pub(crate) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let sent = headers.get(header::ACCEPT_ENCODING)?.to_str().ok()?;
        let takes = |encoding: &Self| {
            sent.split(',').any(|part| {
                let (name, parameters) = part.split_once(';').unwrap_or((part, ""));
                let quality = parameters.trim().trim_start_matches(['q', 'Q']).trim_start_matches(['=', ' ']);
                let is_refused = !quality.is_empty() && quality.chars().all(|c| matches!(c, '0' | '.'));
                name.trim().eq_ignore_ascii_case(encoding.name()) && !is_refused
            })
        };
        Self::ALL.into_iter().find(takes)
    }

    /// `None` where it can't be done, which is no reason to fail.
    fn compress(self, plain: &[u8]) -> Option<Bytes> {
        let compressed = match self {
            Self::Brotli => {
                let buffer = Vec::with_capacity(plain.len() / 4);
                let mut writer = brotli::CompressorWriter::new(buffer, 4_096, BROTLI_QUALITY, BROTLI_WINDOW);
                writer.write_all(plain).ok()?;
                writer.into_inner()
            }
            Self::Zstd => zstd::bulk::compress(plain, ZSTD_LEVEL).ok()?,
            Self::Gzip => {
                let mut writer = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::default());
                writer.write_all(plain).ok()?;
                writer.finish().ok()?
            }
        };
        Some(compressed.into())
    }
}

/// The bytes of an answer, and what is made of them when it is first asked for.
#[derive(Debug, Default)]
pub(crate) struct Finished {
    plain: Bytes,
    hash: OnceLock<[u8; 32]>,
    compressed: [OnceLock<Option<Bytes>>; 3],
}

impl From<Vec<u8>> for Finished {
    fn from(bytes: Vec<u8>) -> Self {
        Self { plain: bytes.into(), ..Self::default() }
    }
}

impl Finished {
    /// As it is.
    pub(crate) const fn plain(&self) -> &Bytes {
        &self.plain
    }

    /// Encoded; `None` where that is not worth it, or takes too long.
    pub(crate) fn encoded(&self, encoding: Encoding) -> Option<&Bytes> {
        if !(WORTH_COMPRESSING..=QUICKLY_COMPRESSED).contains(&self.plain.len()) {
            return None;
        }
        let [brotli, zstd, gzip] = &self.compressed;
        let slot = match encoding {
            Encoding::Brotli => brotli,
            Encoding::Zstd => zstd,
            Encoding::Gzip => gzip,
        };
        slot.get_or_init(|| encoding.compress(&self.plain)).as_ref()
    }

    /// Whether it is encoded here, where it is worth it.
    pub(crate) const fn is_small(&self) -> bool {
        self.plain.len() <= QUICKLY_COMPRESSED
    }

    /// The SHA-256 of what it is.
    pub(crate) fn hash(&self) -> &[u8] {
        self.hash.get_or_init(|| Sha256::digest(&self.plain).into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_best_that_a_client_takes_is_chosen() {
        let accepted = |sent: &'static str| {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(sent))]);
            Encoding::accepted(&headers)
        };
        assert_eq!(accepted("gzip, deflate, br, zstd"), Some(Encoding::Brotli));
        assert_eq!(accepted("gzip;q=1.0, br;q=0"), Some(Encoding::Gzip));
        assert_eq!(accepted("ZSTD;q=0.5"), Some(Encoding::Zstd));
        assert_eq!(accepted("br;q=0.000"), None);
        assert_eq!(accepted("identity"), None);
        assert_eq!(accepted(""), None);
        assert_eq!(Encoding::accepted(&HeaderMap::new()), None);
    }

    #[test]
    fn what_is_encoded_says_the_same() {
        let text = "{\"data\":{\"title\":\"새해 경품\"}}".repeat(100);
        let finished = Finished::from(text.clone().into_bytes());
        let mut gzip = String::new();
        let bytes = finished.encoded(Encoding::Gzip).unwrap();
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut gzip).unwrap();
        let mut brotli = String::new();
        let bytes = finished.encoded(Encoding::Brotli).unwrap();
        brotli::Decompressor::new(&bytes[..], 4_096).read_to_string(&mut brotli).unwrap();
        let zstd = zstd::decode_all(&finished.encoded(Encoding::Zstd).unwrap()[..]).unwrap();
        assert!(gzip == text && brotli == text && zstd == text.as_bytes());
        assert!(Finished::from(b"{}".to_vec()).encoded(Encoding::Gzip).is_none());
    }
}
