//! Reading a copy of a request body. The wire bytes are what is forwarded; a decoded copy is made only when a fact
//! is needed that no header states, or when a machine has to re-write the body.

use std::io::{self, Read};

use bytes::Bytes;

/// Largest decoded copy; a small body can unfold to any size.
pub(super) const DECODED_CAP: usize = 64 * 1024 * 1024;

/// The body as its author wrote it; `None` when the encoding is unknown, broken, or unfolds beyond the cap.
pub(super) fn decoded(wire: &Bytes, encoding: Option<&str>) -> Option<Bytes> {
    match encoding.map(|name| name.trim().to_ascii_lowercase()).as_deref() {
        None | Some("" | "identity") => Some(wire.clone()),
        Some("gzip" | "x-gzip") => capped(flate2::read::MultiGzDecoder::new(wire.as_ref())),
        Some("zstd") => unzstd(wire),
        Some(_) => None,
    }
}

fn capped(reader: impl Read) -> Option<Bytes> {
    let mut out = Vec::new();
    let cap = u64::try_from(DECODED_CAP).unwrap_or(u64::MAX);
    let read = reader.take(cap.saturating_add(1)).read_to_end(&mut out);
    (read.is_ok() && out.len() <= DECODED_CAP).then(|| out.into())
}

/// The decoder stops after each frame; a body may hold several.
fn unzstd(wire: &[u8]) -> Option<Bytes> {
    let mut rest = wire;
    let mut out = Vec::new();
    while !rest.is_empty() {
        let mut decoder = ruzstd::decoding::StreamingDecoder::new(&mut rest).ok()?;
        let room = u64::try_from(DECODED_CAP - out.len()).unwrap_or(u64::MAX);
        let read = io::copy(&mut (&mut decoder).take(room.saturating_add(1)), &mut out);
        if read.is_err() || out.len() > DECODED_CAP {
            return None;
        }
    }
    Some(out.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const TEXT: &[u8] = b"{\"model\":\"gpt-5.5\",\"input\":[]}";

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_accepted_encoding_is_read() {
        for (encoding, wire) in [
            (None, TEXT.to_vec()),
            (Some("identity"), TEXT.to_vec()),
            (Some("gzip"), gzip(TEXT)),
            (Some("zstd"), zstd(TEXT)),
            (Some(" ZSTD "), [zstd(&TEXT[..9]), zstd(&TEXT[9..])].concat()),
        ] {
            assert_eq!(decoded(&wire.into(), encoding).as_deref(), Some(TEXT), "{encoding:?}");
        }
    }

    #[test]
    fn broken_and_unknown_encodings_are_unread() {
        assert_eq!(decoded(&Bytes::from_static(b"\x28\xb5\x2f\xfdbroken"), Some("zstd")), None);
        assert_eq!(decoded(&Bytes::from_static(TEXT), Some("gzip")), None);
        assert_eq!(decoded(&Bytes::from_static(TEXT), Some("br")), None);
    }

    #[test]
    fn a_body_that_unfolds_beyond_the_cap_is_unread() {
        let bomb = gzip(&vec![0; DECODED_CAP + 1]);

        assert_eq!(decoded(&bomb.into(), Some("gzip")), None);
    }
}
