//! The timeouts of a client connection (socket).
//!
//! A client that sends the head of a request byte by byte ("slow loris"), or that never reads its response, occupies a
//! socket for nothing. hyper has a single timer for a head and for the pause before it, but the two differ: a head
//! arrives within seconds, while a client or proxy may keep a socket open for a minute. The timeout of a body is where
//! the body is read ([`crate::http::request::json`]).

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::idle_since::IdleSince;
use super::write_progress::WriteProgress;

/// Timeouts of one client connection.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// From the first byte of a head, or from accepting the socket, to the end of the head. Also how long a client may
    /// read nothing of its response.
    pub head: Duration,
    /// From the end of a request, or the last byte written of its response, to the next request.
    pub idle: Duration,
}

/// How long a client may go on sending after the last response. Closing the socket while it sends would reset the
/// connection, and the client would lose a response that it has not read yet.
const LINGER: Duration = Duration::from_secs(2);

const HEAD: u8 = 0;
const BUSY: u8 = 1;
const IDLE: u8 = 2;
const LAST: u8 = 3;
const LINGERING: u8 = 4;

/// What a socket is waiting for, as far as the server knows.
#[derive(Debug, Clone)]
pub struct SocketPhase(Arc<AtomicU8>);

impl SocketPhase {
    /// A request has arrived and is being processed.
    pub fn busy(&self) {
        self.0.store(BUSY, Ordering::Relaxed);
    }

    /// The last response is ready; it has the header `Connection: close`.
    pub fn last(&self) {
        self.0.store(LAST, Ordering::Relaxed);
    }

    /// The response is ready; another request may follow.
    pub fn idle(&self) {
        self.0.store(IDLE, Ordering::Relaxed);
    }
}

/// A socket whose reads and writes fail when the client is too slow.
#[derive(Debug)]
pub struct TimeoutStream {
    stream: TcpStream,
    timeouts: Timeouts,
    phase: SocketPhase,
    idle_since: IdleSince,
    /// The phase for which the timer runs, if it runs.
    timer_phase: Option<u8>,
    timer: Pin<Box<Sleep>>,
    writing: WriteProgress,
}

impl TimeoutStream {
    /// Waits for the first head.
    #[must_use]
    pub fn new(stream: TcpStream, timeouts: Timeouts, idle_since: IdleSince) -> (Self, SocketPhase) {
        let phase = SocketPhase(Arc::new(AtomicU8::new(HEAD)));
        let timer = Box::pin(tokio::time::sleep(timeouts.head));
        let writing = WriteProgress::new(timeouts.head);
        (Self { stream, timeouts, phase: phase.clone(), idle_since, timer_phase: Some(HEAD), timer, writing }, phase)
    }

    /// Called when there is nothing to read. Fails when the timeout of the phase has passed.
    fn poll_timeout<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let phase = self.phase.0.load(Ordering::Relaxed);
        let timeout = match phase {
            BUSY => {
                self.timer_phase = None;
                return Poll::Pending;
            }
            // The pause begins when the response is sent.
            IDLE | LAST if self.writing.is_writing() => {
                self.timer_phase = None;
                return Poll::Pending;
            }
            IDLE | LAST => self.timeouts.idle,
            _ => self.timeouts.head,
        };
        if self.timer_phase != Some(phase) {
            self.timer_phase = Some(phase);
            self.timer.as_mut().reset(Instant::now() + timeout);
        }
        ready!(self.timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn after_write(&mut self, context: &mut Context<'_>, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if result.is_pending() {
            self.idle_since.mark_busy();
        }
        self.writing.check(context, &result)?;
        result
    }
}

impl AsyncRead for TimeoutStream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, into);
        if result.is_pending() {
            return self.poll_timeout(context);
        }
        if into.filled().len() > before {
            self.idle_since.mark_busy();
        }
        if into.filled().len() > before && self.phase.0.load(Ordering::Relaxed) == IDLE {
            self.phase.0.store(HEAD, Ordering::Relaxed);
            self.timer_phase = None;
        }
        result
    }
}

impl AsyncWrite for TimeoutStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.after_write(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.after_write(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes after the socket has accepted the whole response.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        let phase = self.phase.0.load(Ordering::Relaxed);
        if flushed.is_ready() && phase == IDLE {
            self.idle_since.mark_idle();
        }
        if flushed.is_ready() && self.writing.is_writing() {
            self.writing.finish();
            // The pause begins with the last byte. The timer must be started here, because hyper does not try to read
            // until there is something to read.
            if matches!(phase, IDLE | LAST) {
                self.timer_phase = None;
                let _started: Poll<io::Result<()>> = self.poll_timeout(context);
            }
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        if self.phase.0.load(Ordering::Relaxed) != LAST {
            return Poll::Ready(Ok(()));
        }
        if self.timer_phase != Some(LINGERING) {
            self.timer_phase = Some(LINGERING);
            self.timer.as_mut().reset(Instant::now() + LINGER);
        }
        let mut unread = [MaybeUninit::uninit(); 4_096];
        // The timer is checked each time, so that an endless stream does not keep this task busy.
        while self.timer.as_mut().poll(context).is_pending() {
            let mut unread = ReadBuf::uninit(&mut unread);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut unread))?;
            if unread.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}
