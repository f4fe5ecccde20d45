//! Request bodies that can be sent again: in memory while they are small, in an unlinked file of ours otherwise,
//! and never more of them in memory than a fixed sum for the whole process (runtime.md DB-8).

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::task::JoinHandle;

use crate::ports::upstream::{Body, Chunks, UpstreamError};

/// Largest body, counted on the wire.
pub(super) const WIRE_CAP: usize = 64 * 1024 * 1024;
/// From here on a body goes to a file.
const MEMORY_CAP: usize = 8 * 1024 * 1024;
/// All bodies in memory together.
const TOTAL_CAP: usize = 256 * 1024 * 1024;
/// Longest pause between two pieces of a body.
const IDLE: Duration = Duration::from_mins(1);
const FILE_PIECE: usize = 256 * 1024;

/// Why a body was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    /// Above [`WIRE_CAP`].
    #[error("the request body is too large")]
    TooLarge,
    /// Above what the process may hold, or no room on disk.
    #[error("too many request bodies are held")]
    Overloaded,
    /// The client stopped sending, or left.
    #[error("the request body ended early")]
    Gone,
}

/// What all bodies in memory take together.
#[derive(Debug, Default)]
pub(super) struct Budget {
    used: AtomicUsize,
}

/// A share of the budget, given back when dropped.
#[derive(Debug)]
struct Share {
    budget: Arc<Budget>,
    size: usize,
}

impl Share {
    fn empty(budget: &Arc<Budget>) -> Self {
        Self { budget: Arc::clone(budget), size: 0 }
    }

    fn grow(&mut self, by: usize) -> Result<(), BodyError> {
        let before = self.budget.used.fetch_add(by, Ordering::Relaxed);
        self.size += by;
        if before + by > TOTAL_CAP { Err(BodyError::Overloaded) } else { Ok(()) }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.size, Ordering::Relaxed);
    }
}

/// A whole request body; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Payload {
    held: Held,
}

#[derive(Debug, Clone)]
enum Held {
    Memory(Bytes, #[expect(dead_code, reason = "held for its drop")] Arc<Share>),
    File(Arc<Mutex<File>>, u64),
}

impl Payload {
    /// Reads the whole body of a request.
    pub(super) async fn read(mut incoming: Incoming, budget: &Arc<Budget>) -> Result<Self, BodyError> {
        let declared = incoming.size_hint().lower();
        if usize::try_from(declared).map_or(true, |size| size > WIRE_CAP) {
            return Err(BodyError::TooLarge);
        }
        let mut share = Share::empty(budget);
        let mut first: Option<Bytes> = None;
        let mut memory = BytesMut::new();
        let mut size = 0_usize;
        while let Some(piece) = next_piece(&mut incoming).await? {
            size += piece.len();
            if size > WIRE_CAP {
                return Err(BodyError::TooLarge);
            }
            if size > MEMORY_CAP {
                if let Some(first) = first.take() {
                    memory.extend_from_slice(&first);
                }
                memory.extend_from_slice(&piece);
                drop(share);
                return spill(memory.freeze(), size, incoming).await;
            }
            share.grow(piece.len())?;
            // A body that came in one piece is never copied.
            match first.take() {
                None if memory.is_empty() => first = Some(piece),
                None => memory.extend_from_slice(&piece),
                Some(head) => {
                    let rest = usize::try_from(declared).unwrap_or_default().min(MEMORY_CAP);
                    memory.reserve(rest.max(head.len() + piece.len()));
                    memory.extend_from_slice(&head);
                    memory.extend_from_slice(&piece);
                }
            }
        }
        let bytes = first.unwrap_or_else(|| memory.freeze());
        Ok(Self { held: Held::Memory(bytes, Arc::new(share)) })
    }

    /// Size on the wire.
    pub(super) fn size(&self) -> u64 {
        match &self.held {
            Held::Memory(bytes, _) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Held::File(_, size) => *size,
        }
    }

    /// The body for one send.
    pub(super) fn to_body(&self) -> Body {
        match &self.held {
            Held::Memory(bytes, _) if bytes.is_empty() => Body::Empty,
            Held::Memory(bytes, _) => Body::Bytes(bytes.clone()),
            Held::File(file, size) => {
                let pieces = FilePieces { file: Arc::clone(file), at: 0, size: *size, read: None };
                Body::Stream(Box::new(pieces), Some(*size))
            }
        }
    }

    /// The whole wire bytes, for inspection.
    pub(super) async fn bytes(&self) -> Option<Bytes> {
        match &self.held {
            Held::Memory(bytes, _) => Some(bytes.clone()),
            Held::File(file, size) => {
                let (file, size) = (Arc::clone(file), *size);
                let read = tokio::task::spawn_blocking(move || read_at(&file, 0, size));
                read.await.ok()?.ok()
            }
        }
    }
}

async fn next_piece(incoming: &mut Incoming) -> Result<Option<Bytes>, BodyError> {
    loop {
        let frame = tokio::time::timeout(IDLE, incoming.frame()).await.map_err(|_| BodyError::Gone)?;
        match frame {
            None => return Ok(None),
            Some(Err(_)) => return Err(BodyError::Gone),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// Moves a body that outgrew memory into a file nobody can open by name.
async fn spill(head: Bytes, mut size: usize, mut incoming: Incoming) -> Result<Payload, BodyError> {
    let mut file = on_disk(move || {
        let mut file = tempfile::tempfile()?;
        file.write_all(&head)?;
        Ok(file)
    })
    .await?;
    let mut pending = BytesMut::new();
    loop {
        let piece = next_piece(&mut incoming).await?;
        let ended = piece.is_none();
        if let Some(piece) = piece {
            size += piece.len();
            if size > WIRE_CAP {
                return Err(BodyError::TooLarge);
            }
            pending.extend_from_slice(&piece);
        }
        if ended || pending.len() >= FILE_PIECE {
            let part = pending.split().freeze();
            file = on_disk(move || {
                file.write_all(&part)?;
                Ok(file)
            })
            .await?;
        }
        if ended {
            let size = u64::try_from(size).unwrap_or(u64::MAX);
            return Ok(Payload { held: Held::File(Arc::new(Mutex::new(file)), size) });
        }
    }
}

async fn on_disk(work: impl FnOnce() -> io::Result<File> + Send + 'static) -> Result<File, BodyError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(file)) => Ok(file),
        Ok(Err(_)) | Err(_) => Err(BodyError::Overloaded),
    }
}

fn read_at(file: &Mutex<File>, at: u64, size: u64) -> io::Result<Bytes> {
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    file.seek(io::SeekFrom::Start(at))?;
    let mut out = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    io::Read::by_ref(&mut *file).take(size).read_to_end(&mut out)?;
    if u64::try_from(out.len()).is_ok_and(|read| read == size) {
        Ok(out.into())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// A spooled body on its way upstream.
struct FilePieces {
    file: Arc<Mutex<File>>,
    at: u64,
    size: u64,
    read: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Chunks for FilePieces {
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        if self.at >= self.size {
            return Poll::Ready(None);
        }
        let (at, size) = (self.at, (self.size - self.at).min(u64::try_from(FILE_PIECE).unwrap_or(u64::MAX)));
        let read = self.read.get_or_insert_with(|| {
            let file = Arc::clone(&self.file);
            tokio::task::spawn_blocking(move || read_at(&file, at, size))
        });
        let done = std::task::ready!(Pin::new(read).poll(context));
        self.read = None;
        match done {
            Ok(Ok(bytes)) => {
                self.at += size;
                Poll::Ready(Some(Ok(bytes)))
            }
            Ok(Err(_)) | Err(_) => {
                Poll::Ready(Some(Err(UpstreamError::Cut("the body file is gone".to_owned()))))
            }
        }
    }
}

/// A request body that goes through once, at most [`WIRE_CAP`] of it.
#[derive(Debug)]
pub(super) struct Through {
    incoming: Incoming,
    left: usize,
}

impl Through {
    pub(super) fn new(incoming: Incoming) -> Self {
        Self { incoming, left: WIRE_CAP }
    }

    /// Its declared length.
    pub(super) fn length(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }
}

impl Chunks for Through {
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        loop {
            let frame = std::task::ready!(Pin::new(&mut self.incoming).poll_frame(context));
            let Some(frame) = frame else { return Poll::Ready(None) };
            let Ok(frame) = frame else {
                return Poll::Ready(Some(Err(UpstreamError::Cut("the client left".to_owned()))));
            };
            let Ok(data) = frame.into_data() else { continue };
            let Some(left) = self.left.checked_sub(data.len()) else {
                return Poll::Ready(Some(Err(UpstreamError::TooBig)));
            };
            self.left = left;
            return Poll::Ready(Some(Ok(data)));
        }
    }
}
